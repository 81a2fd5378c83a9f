/**
 * Reads that show what is kept apart, values and pages of the past, and may have to be fetched from the disk.
 *
 * A read has its point in the group's history when it is executed; the image of the state there is kept, and the answer
 * made from it when the values have come, whatever was written meanwhile. The group goes on in between. A page is
 * fetched first, and then the value to which it leads. What the disk gives is held against the digest in the state: a
 * node whose disk gives anything else halts, as it does when its disk cannot write. The number of reads that wait is
 * bounded: beyond it a client is told to try again.
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
import { assert, present } from '../machine/assert.js';
import type { ReadCompleted } from '../machine/machine.js';
import type { GroupId, NodeId } from '../machine/units.js';
import type { ReadOperation } from '../partition/command.js';
import type { Answer as PartitionAnswer } from '../partition/contents.js';
import type { KeyVersion } from '../partition/key-entry.js';
import { answerRead, type PartitionState } from '../partition/partition.js';
import { isValueOf, type ValueReference } from '../partition/value-reference.js';
import { decodeVersions } from '../wire/past.js';
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
const NOTHING_LOADED: Values = emptyRadixArray();

/** Answers a read from a state of the group: now where all values that it shows are in memory, else when they have come. */
export function answerFrom(
  turn: NodeTurn,
  group: GroupId,
  operation: ReadOperation,
  origin: Origin,
  image: PartitionState,
  answer: Answer,
): void {
  const { given, loaded, missing } = tryToAnswer(turn, group, operation, image, NOTHING_LOADED);
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

interface Attempt extends Gathered {
  /** Means something only where nothing is missing. */
  readonly given: PartitionAnswer;
}

/** The answer that can be made of what was loaded for the read and what is in memory, and what is still missing for it. */
function tryToAnswer(
  turn: NodeTurn,
  group: GroupId,
  operation: ReadOperation,
  image: PartitionState,
  before: Values,
): Attempt {
  const references: ValueReference[] = [];
  const held = knownValues(turn, group)?.held;
  const bytesOf = (reference: ValueReference): Uint8Array | undefined => {
    const known = radixGet(before, reference.index);
    if (known !== undefined) return known;
    references.push(reference);
    return held === undefined ? undefined : radixGet(held, reference.index)?.bytes;
  };
  const given = answerRead(image, operation, {
    valueOf: (reference) => bytesOf(reference) ?? NO_BYTES,
    versionsOf: ({ versions }) => versionsIn(bytesOf(versions)),
  });
  return { given, ...gather(turn, group, references, before) };
}

function versionsIn(bytes: Uint8Array | undefined): readonly KeyVersion[] | undefined {
  if (bytes === undefined) return undefined;
  const versions = decodeVersions(bytes);
  assert(versions.ok, () => (versions.ok ? '' : versions.reason));
  return versions.value;
}

/** What memory holds of these values, beside those that were loaded before; those count as used. */
export function gather(
  turn: NodeTurn,
  group: GroupId,
  references: readonly ValueReference[],
  before: Values = NOTHING_LOADED,
): Gathered {
  let loaded = before;
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
    const { operation, origin, image } = wait;
    const { given, loaded, missing } = tryToAnswer(turn, group, operation, image, wait.loaded);
    if (missing.length > 0) {
      // What has come was a page, and it leads to more.
      const next = { ...wait, loaded, missing: missing.length };
      openStore(turn).waits = radixSet(openStore(turn).waits, number, next);
      loadAll(turn, number, group, missing);
      continue;
    }
    dropWait(turn, number);
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
