/**
 * The background writer of the values that are kept apart, and what memory keeps of them.
 *
 * A value comes into memory when its entry is applied. Its log entry is durable then, so nobody waits for its record: it is
 * written when a snapshot refers to it, in the same write as the chunk that does or before, or in a batch of many when
 * too much of memory is unwritten. One that is overwritten before that is never written. When its record is durable
 * memory may let go of it, and does so, least recently used first, when all together have more bytes than they may.
 *
 * The record of a value to which the state refers no more stays for as long as the snapshot on the disk, an image on its
 * way, or a read that waits may refer to it; then it goes in the write that makes the next snapshot count, or a later one.
 */

import { fifoPeek, fifoPop, fifoPush, fifoToArray } from '../collections/fifo.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { mapGet } from '../collections/ordered-map.js';
import { radixDelete, radixForEach, radixGet, radixSet, radixVisitFrom } from '../collections/radix-array.js';
import { assert, present } from '../machine/assert.js';
import { logIndex, type GroupId, type LogIndex } from '../machine/units.js';
import type { Operation } from '../partition/command.js';
import { forEachDropped } from '../partition/key-history.js';
import type { PartitionState } from '../partition/partition.js';
import { forEachOfPage, mayReferTo, type PastChange } from '../partition/past.js';
import { isReference, sizeOf, type ValueReference } from '../partition/value-reference.js';
import { writtenBy } from './expiry.js';
import type { NodeTurn, OpenGroup } from './turn.js';
import {
  changeValues,
  emptyGroupValues,
  knownStore,
  knownValues,
  openStore,
  presentValues,
  putValue,
  valueKey,
  type HeldValue,
} from './value-store.js';

/**
 * Takes note of the values and the pages of the past that a command brought in, and of those that it superseded; called when it
 * was applied at `index`.
 */
export function valuesApplied(
  turn: NodeTurn,
  opened: OpenGroup,
  before: PartitionState,
  index: LogIndex,
  operation: Operation,
  { written, removed }: PastChange = NO_PAGES,
): void {
  const { partition } = opened.group;
  if (partition.keys === before.keys && partition.past === before.past) return;
  const { group } = opened.raft.raft;
  const isFirst = operation.type === 'Set' && sizeOf(operation.value) >= turn.options.separateValuesFrom;
  if (!isFirst && written.length === 0 && knownValues(turn, group) === undefined) return;
  if (operation.type === 'Set') {
    const is = mapGet(partition.keys, operation.key);
    if (is !== undefined && isReference(is.value) && is.value.index === index) {
      const { value } = operation;
      assert(value !== null, () => `group ${group}: entry ${index} writes no value, but it is kept apart`);
      keep(turn, group, index, value);
      changeValues(turn, group, (values) => {
        values.appliedBytes += value.length;
      });
    }
  }
  for (const { page, bytes } of written) keep(turn, group, page.versions.index, bytes);
  for (const page of removed) {
    forEachOfPage(page, (reference) => supersede(turn, group, index, reference));
  }
  for (const key of keysOf(before, operation)) {
    const was = mapGet(before.keys, key);
    const is = mapGet(partition.keys, key);
    if (was === undefined || is === undefined || is === was) continue;
    forEachDropped(was, is, written, (reference) => supersede(turn, group, index, reference));
  }
}

const NO_PAGES: PastChange = { written: [], removed: [] };

/** The keys to which an operation may give a new version. What a transaction writes is not kept apart, but what it replaces may be. */
function keysOf(before: PartitionState, operation: Operation): readonly string[] {
  switch (operation.type) {
    case 'Set':
    case 'Delete':
      return [operation.key];
    case 'CommitAtOnce':
    case 'Settle':
      return writtenBy(before, operation).map(({ key }) => key);
    default:
      return [];
  }
}

function keep(turn: NodeTurn, group: GroupId, index: LogIndex, bytes: Uint8Array): void {
  const store = openStore(turn);
  store.heldBytes += bytes.length;
  store.unwrittenBytes += bytes.length;
  changeValues(turn, group, (values) => {
    values.held = radixSet<HeldValue>(values.held, index, { type: 'Unwritten', bytes });
    values.unwritten = radixSet<true>(values.unwritten, index, true);
  });
}

/** The state of the entry at `at` refers to a value no more. */
function supersede(turn: NodeTurn, group: GroupId, at: LogIndex, { index }: ValueReference): void {
  changeValues(turn, group, (values) => {
    values.superseded = fifoPush(values.superseded, { at, index });
  });
  const held = radixGet(presentValues(turn, group).held, index);
  if (held === undefined) return;
  if (held.type === 'Unwritten') {
    // The image of a snapshot that is being written refers to it, perhaps in a chunk that is still to come.
    const isInImage = turn.node.writing.some((each) => each.group === group && mayReferTo(each.state, index));
    if (!isInImage) return letGo(turn, group, index, held);
    writeValue(turn, group, index);
  }
  if (held.type === 'Durable') return letGo(turn, group, index, held);
  changeValues(turn, group, (values) => {
    const { bytes } = held;
    values.held = radixSet<HeldValue>(values.held, index, { type: 'Writing', bytes, superseded: true });
  });
}

function letGo(turn: NodeTurn, group: GroupId, index: LogIndex, held: HeldValue): void {
  const store = openStore(turn);
  store.heldBytes -= held.bytes.length;
  if (held.type === 'Unwritten') store.unwrittenBytes -= held.bytes.length;
  if (held.type === 'Durable') store.byUse = radixDelete(store.byUse, held.use);
  changeValues(turn, group, (values) => {
    values.held = radixDelete(values.held, index);
    if (held.type === 'Unwritten') values.unwritten = radixDelete(values.unwritten, index);
  });
}

/** Whether no write was asked for yet of this value. */
export function isUnwritten(turn: NodeTurn, group: GroupId, { index }: ValueReference): boolean {
  const values = knownValues(turn, group);
  return values !== undefined && radixGet(values.unwritten, index) === true;
}

/** Puts the record of a value into this turn's write. */
export function writeValue(turn: NodeTurn, group: GroupId, index: LogIndex): void {
  const { held, generation } = presentValues(turn, group);
  const known = radixGet(held, index);
  assert(
    known?.type === 'Unwritten',
    () => `group ${group}: the value of entry ${index} is to be written, but is ${known?.type ?? 'gone'}`,
  );
  const { bytes } = known;
  turn.changes = added(turn.changes, putValue(group, generation, index, bytes));
  turn.valuesWritten = added(turn.valuesWritten, { group, generation, index });
  openStore(turn).unwrittenBytes -= bytes.length;
  changeValues(turn, group, (values) => {
    values.held = radixSet<HeldValue>(values.held, index, { type: 'Writing', bytes, superseded: false });
    values.unwritten = radixDelete(values.unwritten, index);
  });
}

/** Writes values of the group, oldest first, when more than half of what memory may hold is unwritten, until a quarter is. */
export function flushValues(turn: NodeTurn, group: GroupId): void {
  const { maxValueBytesInMemory } = turn.options;
  const store = knownStore(turn);
  if (store === undefined || store.unwrittenBytes * 2 <= maxValueBytesInMemory) return;
  const indexes: LogIndex[] = [];
  const values = knownValues(turn, group);
  if (values === undefined) return;
  let left = store.unwrittenBytes;
  radixVisitFrom(values.unwritten, 0, (_, index) => {
    if (left * 4 <= maxValueBytesInMemory) return false;
    left -= radixGet(values.held, index)?.bytes.length ?? 0;
    indexes.push(logIndex(index));
    return true;
  });
  for (const index of indexes) writeValue(turn, group, index);
}

/** The values whose writes are durable by now may leave memory from here on. */
export function valuesDurable(turn: NodeTurn): void {
  for (;;) {
    const store = knownStore(turn);
    const written = store === undefined ? undefined : fifoPeek(store.writing);
    if (store === undefined || written === undefined || written.write > turn.node.durableWrite) return;
    openStore(turn).writing = fifoPop(store.writing);
    for (const { group, generation, index } of written.places) {
      const values = presentValues(turn, group);
      const held = radixGet(values.held, index);
      if (values.generation !== generation || held?.type !== 'Writing') continue;
      if (held.superseded) letGo(turn, group, index, held);
      else holdDurable(turn, group, index, held.bytes);
    }
  }
}

/** Has memory hold a value whose record is durable, as the one used last. */
export function holdDurable(turn: NodeTurn, group: GroupId, index: LogIndex, bytes: Uint8Array): void {
  const store = openStore(turn);
  const known = radixGet(presentValues(turn, group).held, index);
  if (known === undefined) store.heldBytes += bytes.length;
  if (known?.type === 'Durable') store.byUse = radixDelete(store.byUse, known.use);
  const use = store.nextUse;
  store.nextUse = use + 1;
  store.byUse = radixSet(store.byUse, use, { group, index });
  changeValues(turn, group, (values) => {
    values.held = radixSet<HeldValue>(values.held, index, { type: 'Durable', bytes, use });
  });
}

/** Lets go of values until memory holds no more than it may, or nothing more that is durable. */
export function evictValues(turn: NodeTurn): void {
  const { maxValueBytesInMemory } = turn.options;
  for (;;) {
    const store = knownStore(turn);
    if (store === undefined || store.heldBytes <= maxValueBytesInMemory) return;
    let first: { readonly group: GroupId; readonly index: LogIndex } | undefined;
    radixVisitFrom(store.byUse, 0, (place) => {
      first = place;
      return false;
    });
    if (first === undefined) return;
    const { group, index } = first;
    const held = present(
      radixGet(presentValues(turn, group).held, index),
      () => `group ${group}: the value of entry ${index} is to leave memory, where it is not`,
    );
    letGo(turn, group, index, held);
  }
}

/**
 * Removes the records to which nothing refers any more: neither the snapshot on the disk, nor an image, nor a read.
 *
 * Called when the group writes anyhow: nobody is in a hurry.
 *
 * @returns those that the snapshot does not refer to, but something else may: to be looked for after a crash.
 */
export function dropSuperseded(turn: NodeTurn, { raft: { raft, outgoing } }: OpenGroup): readonly LogIndex[] {
  const { group } = raft;
  const values = knownValues(turn, group);
  const first = values === undefined ? undefined : fifoPeek(values.superseded);
  const taken = raft.snapshot?.index ?? 0;
  if (values === undefined || first === undefined || first.at > taken) return EMPTY_LIST;
  const images = imagesOf(turn, group);
  for (const { message } of outgoing)
    if (message.type === 'InstallSnapshot') images.push(message.snapshot.index);
  const oldest = Math.min(taken, ...images);
  let { superseded } = values;
  for (let next = fifoPeek(superseded); next !== undefined && next.at <= oldest;) {
    const key = valueKey(group, values.generation, next.index);
    turn.changes = added(turn.changes, { type: 'Drop', key });
    superseded = fifoPop(superseded);
    next = fifoPeek(superseded);
  }
  if (superseded !== values.superseded) {
    changeValues(turn, group, (changed) => {
      changed.superseded = superseded;
    });
  }
  if (oldest === taken) return EMPTY_LIST;
  return fifoToArray(superseded).flatMap(({ at, index }) => (at <= taken ? [index] : []));
}

/** The places of the states that something of the group still looks at. */
function imagesOf(turn: NodeTurn, group: GroupId): number[] {
  const { writing, sending } = turn.node;
  const images: number[] = [];
  for (const { group: of, state } of writing) if (of === group) images.push(state.applied);
  for (const { group: of, snapshot } of sending) if (of === group) images.push(snapshot.index);
  const store = knownStore(turn);
  if (store === undefined) return images;
  radixForEach(store.waits, (wait) => {
    if (wait.type === 'Read' && wait.group === group) images.push(wait.image.applied);
  });
  return images;
}

/** Another node's snapshot takes the place of the group's state, with values of its own that are written by this turn. */
export function valuesReplaced(turn: NodeTurn, group: GroupId, generation: number): void {
  const { held, loading } = presentValues(turn, group);
  radixForEach(held, (value, index) => letGo(turn, group, logIndex(index), value));
  const store = openStore(turn);
  radixForEach(loading, (read) => void (store.loads = radixDelete(store.loads, read)));
  store.groups = radixSet(store.groups, group, emptyGroupValues(generation, turn.write));
}

/** A snapshot is begun: what is applied from here on counts towards the next one. */
export function countFromHere(turn: NodeTurn, group: GroupId): void {
  if (knownValues(turn, group) === undefined) return;
  changeValues(turn, group, (values) => {
    values.appliedBytes = 0;
  });
}
