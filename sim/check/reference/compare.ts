/** Replicas held against the reference: what they hold, and which requests they remember. */

import {
  findRetry,
  forEachPageOf,
  liveHolds,
  mapGet,
  type Command,
  type PartitionState,
  type PastPage,
} from '../../../core/index.js';
import { wrongOutcome } from './answers.js';
import { holdsAt, wrongFloor, wrongHold } from './holds.js';
import { wrongEntry } from './keys.js';
import { wrongLock } from './locks.js';
import { broken, NO_EFFECT, type Place, type Reference } from './reference.js';
import { wrongSequence } from './sequences.js';
import { stateAt } from './timeline.js';
import { wrongTransaction } from './transactions.js';

/** Compares what a replica changed by applying everything after `from`, up to where it is. */
export function compareChanges(
  reference: Reference,
  node: number,
  from: number,
  state: PartitionState,
): void {
  for (let index = from + 1; index <= state.applied; index += 1) {
    const { touched, requestId } = reference.effects[index] ?? NO_EFFECT;
    for (const place of touched) comparePlace(reference, node, place, state);
    if (requestId !== undefined) compareRetry(reference, node, requestId, state);
  }
}

/** Compares all that a replica or a snapshot holds. */
export function compareAll(reference: Reference, node: number, state: PartitionState): void {
  const { keys, locks, sequences } = reference;
  const { applied } = state;
  const all = [
    { space: 'key', facts: keys, size: state.keys.size, isHeld: () => true },
    { space: 'lock', facts: locks, size: state.locks.size, isHeld: () => true },
    {
      space: 'sequence',
      facts: sequences.facts,
      size: state.sequences.size,
      // A sequence that was deleted leaves nothing behind.
      isHeld: (name: string) => stateAt(sequences.facts, name, applied)?.record !== undefined,
    },
  ] as const;
  for (const { space, facts, size, isHeld } of all) {
    let count = 0;
    for (const [name, [first]] of facts) {
      if (first === undefined || first.index > applied) continue;
      if (isHeld(name)) count += 1;
      comparePlace(reference, node, { space, name }, state);
    }
    if (size !== count) {
      const detail = `node ${node} holds ${size} ${space}s at index ${applied}, but ${count} were written`;
      broken('replicas are right', reference, detail);
    }
  }
  let pages = 0;
  for (const name of keys.keys()) pages += pagesIn(reference, state, name)?.length ?? 0;
  const size = state.past?.pages.size ?? 0;
  if (size !== pages) {
    const detail = `node ${node} has ${size} pages of the past at index ${applied}, but ${pages} of keys that were written`;
    broken('replicas are right', reference, detail);
  }
  comparePasts(reference, node, state);
  compareIntents(reference, node, state);
  for (const name of reference.transactions.records.keys()) {
    comparePlace(reference, node, { space: 'transaction', name }, state);
  }
  for (const [requestId, { index }] of reference.firstOf) {
    if (index <= applied) compareRetry(reference, node, requestId, state);
  }
}

function comparePlace(
  reference: Reference,
  node: number,
  { space, name }: Place,
  state: PartitionState,
): void {
  const { keys, locks, sequences, transactions, pasts } = reference;
  const { applied } = state;
  if (space === 'hold' || space === 'floor') {
    const wrong = space === 'hold' ? wrongHold(pasts, name, state) : wrongFloor(pasts, state);
    if (wrong === undefined) return;
    broken(
      'replicas are right',
      reference,
      `at index ${applied} node ${node} holds the ${space} ${name} ${wrong}`,
    );
  }
  if (space === 'transaction') {
    const wrong = wrongTransaction(transactions, name, state);
    if (wrong !== undefined) {
      broken('replicas are right', reference, `at index ${applied} node ${node} holds ${name} ${wrong}`);
    }
    return;
  }
  const wrong =
    space === 'key'
      ? wrongEntry(stateAt(keys, name, applied), mapGet(state.keys, name), pagesIn(reference, state, name))
      : space === 'lock'
        ? wrongLock(stateAt(locks, name, applied), mapGet(state.locks, name))
        : wrongSequence(stateAt(sequences.facts, name, applied), mapGet(state.sequences, name));
  if (wrong === undefined) return;
  broken('replicas are right', reference, `at index ${applied} node ${node} holds ${name} ${wrong}`);
}

/** The pages of a key's past in a state, newest first; undefined where there are none by design. */
function pagesIn(
  { paged }: Reference,
  { past }: PartitionState,
  key: string,
): readonly PastPage[] | undefined {
  if (!paged) return undefined;
  const pages: PastPage[] = [];
  forEachPageOf(past, key, (page) => void pages.unshift(page));
  return pages;
}

/** Exactly those holds, and the floor. */
function comparePasts(reference: Reference, node: number, state: PartitionState): void {
  const { applied } = state;
  const { pasts } = reference;
  const { size } = liveHolds(state);
  const right = holdsAt(pasts, applied);
  if (size !== right) {
    const detail = `node ${node} has ${size} holds at index ${applied}, but there must be ${right}`;
    broken('replicas are right', reference, detail);
  }
  for (const name of pasts.holds.keys()) comparePlace(reference, node, { space: 'hold', name }, state);
  comparePlace(reference, node, { space: 'floor', name: '' }, state);
}

/** Exactly those keys have intents which must. */
function compareIntents(reference: Reference, node: number, state: PartitionState): void {
  const { applied } = state;
  const { prepared, intents } = reference.transactions;
  const isThere = (fact: unknown): boolean => fact !== undefined && fact !== null;
  for (const [name, map, facts] of [
    ['intents', state.transactions.intents, intents],
    ['prepared transactions', state.transactions.prepared, prepared],
  ] as const) {
    const right = [...facts.keys()].filter((key) => isThere(stateAt<unknown>(facts, key, applied))).length;
    if (map.size === right) continue;
    const detail = `node ${node} holds ${map.size} ${name} at index ${applied}, but there must be ${right}`;
    broken('replicas are right', reference, detail);
  }
}

function compareRetry(reference: Reference, node: number, requestId: string, state: PartitionState): void {
  const first = reference.firstOf.get(requestId)?.index;
  // What was put off is done later, under the same id.
  if (first === undefined || first > state.applied || first <= state.retries.forgotten) return;
  const record = findRetry(state.retries, requestId as Command['requestId']);
  const isKnown = record?.requestId === requestId;
  const wrong = isKnown ? wrongOutcome(reference, first, record.outcome) : 'nothing';
  if (wrong === undefined) return;
  broken(
    'requests are remembered',
    reference,
    `at index ${state.applied} node ${node} ${isKnown ? 'remembers otherwise' : 'has forgotten'} request ${requestId}, ` +
      `which took effect at ${first}: ${wrong}`,
  );
}

/** Requests may be forgotten only when they are older than the window. */
export function checkForgotten(
  reference: Reference,
  node: number,
  state: PartitionState,
  window: number,
): void {
  const { forgotten } = state.retries;
  if (forgotten <= Math.max(0, state.applied - window)) return;
  broken(
    'requests are remembered',
    reference,
    `node ${node} has forgotten all up to ${forgotten} at index ${state.applied}, within the window of ${window}`,
  );
}
