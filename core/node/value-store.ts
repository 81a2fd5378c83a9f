/**
 * The values that the states of a node's groups keep apart (`partition/value-reference.ts`): where they are.
 *
 * A value lies in memory, or on the disk in a record of its own, or both:
 *
 *     cold/00000001/0000000000000002/000000000000002a   group 1, generation 2, written by entry 42
 *
 * A record never changes: an entry writes one value at most, and is the same on every node. The generation of a group
 * changes when it takes over another node's snapshot, and all values with it: then all older ones go at once.
 *
 * What must always hold: every value that a state in memory or on the disk refers to is in memory, or its record is
 * durable. `value-writer.ts` keeps that, `value-reading.ts` rests on it. All of this is of one node alone: no replica
 * decides anything by where a value is.
 */

import { emptyFifo, type Fifo } from '../collections/fifo.js';
import { emptyRadixArray, radixGet, radixSet, type RadixArray } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import { COLD_PREFIX, type StorageChange } from '../machine/machine.js';
import { writeNumber, type GroupId, type LogIndex, type NodeId, type WriteNumber } from '../machine/units.js';
import type { ReadOperation } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import type { ValueReference } from '../partition/value-reference.js';
import type { Origin } from './execution.js';
import type { Stored } from './protocol.js';
import { hexadecimal } from '../collections/hexadecimal.js';
import type { NodeTurn } from './turn.js';

export interface ValueStore {
  /** By group id; those that ever kept a value apart. */
  readonly groups: RadixArray<GroupValues>;
  /** The bytes of all values in memory, and of those of which no write was asked for yet. */
  readonly heldBytes: number;
  readonly unwrittenBytes: number;
  /** The values in memory whose records are durable, by their last use: the first one goes first. */
  readonly byUse: RadixArray<ValuePlace>;
  readonly nextUse: number;
  /** What is on its way to the disk, in the order of the writes. */
  readonly writing: Fifo<ValuesWriting>;
  /** Reads of the disk that are under way, by their number. */
  readonly loads: RadixArray<ValueLoad>;
  readonly nextLoad: number;
  /** Who waits for them, by a number of their own. */
  readonly waits: RadixArray<ValueWait>;
  readonly nextWait: number;
  /** How many of those are reads of clients. */
  readonly waitingReads: number;
}

export interface GroupValues {
  readonly generation: number;
  /** The records of this generation may be read when this write is durable. */
  readonly readableFrom: WriteNumber;
  /** The values in memory, by the entry that wrote them. */
  readonly held: RadixArray<HeldValue>;
  /** Those of them of which no write was asked for yet. */
  readonly unwritten: RadixArray<true>;
  /** The number of the read that is under way for a value. */
  readonly loading: RadixArray<number>;
  /** The values to which the group's state refers no more, in the order in which that came about. */
  readonly superseded: Fifo<Superseded>;
  /** The bytes of the values that were applied since the last snapshot was begun. */
  readonly appliedBytes: number;
}

export type HeldValue =
  | { readonly type: 'Unwritten'; readonly bytes: Uint8Array }
  /** On its way to the disk. Superseded: memory lets go of it when it is durable, and not before. */
  | { readonly type: 'Writing'; readonly bytes: Uint8Array; readonly superseded: boolean }
  | { readonly type: 'Durable'; readonly bytes: Uint8Array; readonly use: number };

export interface ValuePlace {
  readonly group: GroupId;
  readonly index: LogIndex;
}

export interface ValuesWriting {
  readonly write: WriteNumber;
  readonly places: readonly (ValuePlace & { readonly generation: number })[];
}

/** States from that of entry `at` on refer to the value no more; those before it may. */
export interface Superseded {
  readonly at: LogIndex;
  readonly index: LogIndex;
}

export interface ValueLoad {
  readonly group: GroupId;
  readonly reference: ValueReference;
  readonly waits: readonly number[];
}

/** Something that goes on when all the values that it lacks are read. */
export type ValueWait = ReadWait | SendingWait;

interface Wait {
  readonly group: GroupId;
  /** So many values are still to come. */
  readonly missing: number;
  /** Those that it has, by the entries that wrote them. */
  readonly loaded: RadixArray<Uint8Array>;
}

/** A read that has come to its point in the group's history: it is answered from the image, whatever happens since. */
export interface ReadWait extends Wait {
  readonly type: 'Read';
  readonly operation: ReadOperation;
  readonly origin: Origin;
  readonly image: PartitionState;
}

/** A snapshot on its way to a follower, whose next chunk comes with values. */
export interface SendingWait extends Wait {
  readonly type: 'Sending';
  readonly peer: NodeId;
}

export const EMPTY_VALUE_STORE: ValueStore = {
  groups: emptyRadixArray(),
  heldBytes: 0,
  unwrittenBytes: 0,
  byUse: emptyRadixArray(),
  nextUse: 0,
  writing: emptyFifo(),
  loads: emptyRadixArray(),
  nextLoad: 0,
  waits: emptyRadixArray(),
  nextWait: 0,
  waitingReads: 0,
};

export function emptyGroupValues(generation: number, readableFrom = writeNumber(0)): GroupValues {
  return {
    generation,
    readableFrom,
    held: emptyRadixArray(),
    unwritten: emptyRadixArray(),
    loading: emptyRadixArray(),
    superseded: emptyFifo(),
    appliedBytes: 0,
  };
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** The store as it is now; undefined on a node that never kept a value apart. */
export function knownStore(turn: NodeTurn): ValueStore | undefined {
  return turn.values ?? turn.node.values;
}

/** The store, opened for change. */
export function openStore(turn: NodeTurn): Mutable<ValueStore> {
  turn.values ??= { ...(turn.node.values ?? EMPTY_VALUE_STORE) };
  return turn.values;
}

export function knownValues(turn: NodeTurn, group: GroupId): GroupValues | undefined {
  const store = knownStore(turn);
  return store === undefined ? undefined : radixGet(store.groups, group);
}

export function presentValues(turn: NodeTurn, group: GroupId): GroupValues {
  return present(knownValues(turn, group), () => `group ${group} keeps no values apart, but refers to some`);
}

/** Changes what is known of a group's values; one that had none begins with none. */
export function changeValues(
  turn: NodeTurn,
  group: GroupId,
  how: (values: Mutable<GroupValues>) => void,
): void {
  const store = openStore(turn);
  const values = { ...(radixGet(store.groups, group) ?? emptyGroupValues(0)) };
  how(values);
  store.groups = radixSet(store.groups, group, values);
}

// The records.

export function valueKey(group: GroupId, generation: number, index: LogIndex): string {
  return generationKey(group, generation) + hexadecimal(index, 16);
}

/** The beginning of the keys of all values of a generation. */
export function generationKey(group: GroupId, generation: number): string {
  return `${COLD_PREFIX}${hexadecimal(group, 8)}/${hexadecimal(generation, 16)}/`;
}

export function putValue(
  group: GroupId,
  generation: number,
  index: LogIndex,
  bytes: Uint8Array,
): StorageChange<Stored> {
  return { type: 'Put', key: valueKey(group, generation, index), value: { type: 'Value', bytes } };
}

/** The generation of the values that come with the snapshot of this number. */
export function generationOf(snapshot: number): number {
  return snapshot + 1;
}

/** Removes all values of the generations with `from <= generation < before`. */
export function dropGenerations(group: GroupId, from: number, before: number): StorageChange<Stored> {
  return { type: 'DropRange', from: generationKey(group, from), before: generationKey(group, before) };
}
