/**
 * Reads that show values which are kept apart, and may have to be fetched from the disk.
 *
 * A read has its point in the group's history when it is executed; the image of the state there is kept, and the answer
 * made from it when the values have come, whatever was written meanwhile. The group goes on in between. What the disk
 * gives is held against the digest in the state: a node whose disk gives anything else halts, as it does when its disk
 * cannot write. The number of reads that wait is bounded: beyond it a client is told to try again.
 */

import { added } from '../collections/list.js';
import {
  emptyRadixArray,
  radixDelete,
  radixForEach,
  radixGet,
  radixSet,
  type RadixArray,
} from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import type { ReadCompleted } from '../machine/machine.js';
import type { GroupId, NodeId } from '../machine/units.js';
import type { ReadOperation } from '../partition/command.js';
import { answerRead, type PartitionState } from '../partition/partition.js';
import { isValueOf, type ValueReference } from '../partition/value-reference.js';
import type { Origin } from './execution.js';
import { executed, tooMuch, tryAgain, type Answer } from './proposals.js';
import type { Stored } from './protocol.js';
import { openGroup, type NodeTurn } from './turn.js';
import {
  changeValues,
  knownStore,
  knownValues,
  openStore,
  presentValues,
  valueKey,
  type SendingWait,
  type ValueWait,
} from './value-store.js';
import { holdDurable } from './value-writer.js';

/** Values by the entries that wrote them. */
type Values = RadixArray<Uint8Array>;

/** Of some references the values that are in memory, and the references of which none is. */
export interface Gathered {
  readonly loaded: Values;
  readonly missing: readonly ValueReference[];
}

const NO_BYTES = new Uint8Array(0);

/** Answers a read from a state of the group: now where all values that it shows are in memory, else when they have come. */
export function answerFrom(
  turn: NodeTurn,
  group: GroupId,
  operation: ReadOperation,
  origin: Origin,
  image: PartitionState,
  answer: Answer,
): void {
  const references: ValueReference[] = [];
  const held = knownValues(turn, group)?.held;
  const given = answerRead(image, operation, (reference) => {
    references.push(reference);
    return (held === undefined ? undefined : radixGet(held, reference.index)?.bytes) ?? NO_BYTES;
  });
  if (references.length === 0) return answer(turn, group, origin, executed(given, image.applied));
  const { loaded, missing } = gather(turn, group, references);
  if (missing.length === 0) return answer(turn, group, origin, executed(given, image.applied));
  const waiting = knownStore(turn)?.waitingReads ?? 0;
  if (waiting >= turn.options.maxValueReads) {
    const reason =
      `${waiting} reads wait on this node for values from its disk, and no more may (maxValueReads); ` +
      'retry it later';
    return answer(turn, group, origin, tooMuch(openGroup(turn, group), reason));
  }
  if (presentValues(turn, group).readableFrom > turn.node.durableWrite) {
    const reason = 'the snapshot that holds the value has only just come';
    return answer(turn, group, origin, tryAgain(openGroup(turn, group), reason));
  }
  openStore(turn).waitingReads = waiting + 1;
  const wait = { group, missing: missing.length, loaded, operation, origin, image };
  loadAll(turn, addWait(turn, { type: 'Read', ...wait }), group, missing);
}

/** What memory holds of these values; those count as used. */
export function gather(turn: NodeTurn, group: GroupId, references: readonly ValueReference[]): Gathered {
  let loaded: Values = emptyRadixArray();
  const missing: ValueReference[] = [];
  for (const reference of references) {
    const { index } = reference;
    const values = knownValues(turn, group);
    const known = values === undefined ? undefined : radixGet(values.held, index);
    if (known === undefined) missing.push(reference);
    else {
      loaded = radixSet(loaded, index, known.bytes);
      if (known.type === 'Durable') holdDurable(turn, group, index, known.bytes);
    }
  }
  return { loaded, missing };
}

/** Has the values fetched that the next chunk of a snapshot comes with. Its wait; undefined while they may not be read. */
export function loadForSending(
  turn: NodeTurn,
  group: GroupId,
  peer: NodeId,
  { loaded, missing }: Gathered,
): number | undefined {
  if (presentValues(turn, group).readableFrom > turn.node.durableWrite) return undefined;
  const wait = addWait(turn, { type: 'Sending', group, peer, missing: missing.length, loaded });
  loadAll(turn, wait, group, missing);
  return wait;
}

function addWait(turn: NodeTurn, wait: ValueWait): number {
  const store = openStore(turn);
  const number = store.nextWait;
  store.nextWait = number + 1;
  store.waits = radixSet(store.waits, number, wait);
  return number;
}

export function waitOf(turn: NodeTurn, number: number): ValueWait | undefined {
  const store = knownStore(turn);
  return store === undefined ? undefined : radixGet(store.waits, number);
}

export function dropWait(turn: NodeTurn, number: number): void {
  const store = openStore(turn);
  if (radixGet(store.waits, number)?.type === 'Read') store.waitingReads -= 1;
  store.waits = radixDelete(store.waits, number);
}

function loadAll(turn: NodeTurn, wait: number, group: GroupId, missing: readonly ValueReference[]): void {
  for (const reference of missing) load(turn, wait, group, reference);
}

/** One read of the disk serves all who wait for the value. */
function load(turn: NodeTurn, wait: number, group: GroupId, reference: ValueReference): void {
  const store = openStore(turn);
  const { loading, generation } = presentValues(turn, group);
  const under = radixGet(loading, reference.index);
  if (under !== undefined) {
    const known = present(radixGet(store.loads, under), () => `the read ${under} of a value is unknown`);
    store.loads = radixSet(store.loads, under, { ...known, waits: [...known.waits, wait] });
    return;
  }
  const read = store.nextLoad;
  store.nextLoad = read + 1;
  store.loads = radixSet(store.loads, read, { group, reference, waits: [wait] });
  changeValues(turn, group, (values) => {
    values.loading = radixSet(values.loading, reference.index, read);
  });
  const key = valueKey(group, generation, reference.index);
  turn.coldReads = added(turn.coldReads, { type: 'Read', read, key });
}

/** The disk has answered. Reads that have all their values are answered; gives the transfers that have theirs. */
export function valueRead(
  turn: NodeTurn,
  { read, value }: Pick<ReadCompleted<Stored>, 'read' | 'value'>,
  answer: Answer,
): readonly SendingWait[] {
  const known = knownStore(turn);
  const load = known === undefined ? undefined : radixGet(known.loads, read);
  if (load === undefined) return [];
  const { group, reference } = load;
  forgetLoad(turn, read, group, reference);
  const waits = load.waits.filter((wait) => waitOf(turn, wait) !== undefined);
  // Nobody needs it any more, so it may be gone.
  if (waits.length === 0) return [];
  if (value?.type !== 'Value' || !isValueOf(reference, value.bytes)) {
    const what = value === undefined ? 'is gone' : 'is damaged';
    turn.halt =
      `the record of the value that entry ${reference.index} of group ${group} wrote ${what} on this node's disk: ` +
      'what else it holds cannot be trusted';
    return [];
  }
  holdDurable(turn, group, reference.index, value.bytes);
  const ready: SendingWait[] = [];
  for (const number of waits) {
    const wait = withValue(turn, number, reference, value.bytes);
    if (wait.missing > 0) continue;
    if (wait.type === 'Sending') {
      ready.push(wait);
      continue;
    }
    dropWait(turn, number);
    const { operation, origin, image, loaded } = wait;
    const given = answerRead(image, operation, ({ index }) =>
      present(radixGet(loaded, index), () => `the value of entry ${index} was not waited for`),
    );
    answer(turn, group, origin, executed(given, image.applied));
  }
  return ready;
}

function forgetLoad(turn: NodeTurn, read: number, group: GroupId, { index }: ValueReference): void {
  const store = openStore(turn);
  store.loads = radixDelete(store.loads, read);
  changeValues(turn, group, (values) => {
    values.loading = radixDelete(values.loading, index);
  });
}

function withValue(turn: NodeTurn, number: number, { index }: ValueReference, bytes: Uint8Array): ValueWait {
  const store = openStore(turn);
  const wait = present(waitOf(turn, number), () => `nobody waits under the number ${number}`);
  const changed = { ...wait, missing: wait.missing - 1, loaded: radixSet(wait.loaded, index, bytes) };
  store.waits = radixSet(store.waits, number, changed);
  return changed;
}

/** Turns back the reads that wait for values of a state that another one is to take the place of. */
export function turnBackReads(turn: NodeTurn, group: GroupId, answer: Answer): void {
  const store = knownStore(turn);
  if (store === undefined) return;
  radixForEach(store.waits, (wait, number) => {
    if (wait.type !== 'Read' || wait.group !== group) return;
    dropWait(turn, number);
    const reason = 'a snapshot took the place of what was to be read';
    answer(turn, group, wait.origin, tryAgain(openGroup(turn, group), reason));
  });
}
