/**
 * Where a search stands: the order tried so far, what it left unplaced, and how to take the latest choice back.
 *
 * A mutable record, private to one call of `search`; nothing here decides what to try. What always holds: `events` and `unused`
 * are exactly the operations that are not among the first `depth` of `choices`; `placed`, `used` and their hashes are exactly
 * those that are; and undoing choices in reverse restores everything.
 */
import { callOf, eventList, lift, listHead, putBack, relink, unlink, type EventList } from './event-list.js';
import { emptyMemo, type Memo, type Visit } from './memo.js';
import type { Model } from './model.js';
import type { Subhistory } from './subhistory.js';
import { at, mix } from './word-table.js';

/** Choices number the answered operations first, then the unanswered. */
export interface Search<S extends NonNullable<unknown>, I, O> {
  readonly model: Model<S, I, O>;
  readonly history: Subhistory<I, O>;
  readonly events: EventList;
  /** The unanswered operations not used: place 0 is the head, place `u + 1` is operation `u`. */
  readonly unused: EventList;
  readonly memo: Memo;
  readonly visit: Visit;
  readonly states: S[];
  readonly stateIds: Map<string, number>;

  stateId: number;
  depth: number;
  answeredPlaced: number;
  steps: number;

  /** By depth: the choice made there, whether it was forced, and what to return to when it is undone. */
  readonly choices: Int32Array;
  readonly wasForced: Uint8Array;
  readonly stateBefore: Int32Array;
  readonly highestPlacedBefore: Int32Array;
  readonly highestUsedBefore: Int32Array;

  readonly placed: Int32Array;
  placedHash: number;
  highestPlaced: number;
  readonly used: Int32Array;
  usedHash: number;
  highestUsed: number;

  /** Where the walk over the possible next operations stands: first over calls, then over unused ones. */
  cursor: number;
  isAtUnused: boolean;
  /** Set for good once a read-only operation has narrowed a set of states, so that reads must be tried as choices too. */
  readsNarrow: boolean;

  readonly best: Int32Array;
  bestDepth: number;
  bestAnswered: number;
  /** `best` and the present choices agree up to this depth. */
  sharedWithBest: number;
}

export function startSearch<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  history: Subhistory<I, O>,
): Search<S, I, O> {
  const answeredWords = (history.answered.length >>> 5) + 1;
  const unansweredWords = (history.unanswered.length >>> 5) + 1;
  const total = history.answered.length + history.unanswered.length;
  return {
    model,
    history,
    events: eventList(history.answered),
    unused: ring(history.unanswered.length),
    memo: emptyMemo(),
    visit: {
      words: new Int32Array(answeredWords + 2),
      length: 0,
      hash: 0,
      used: new Int32Array(unansweredWords + 1),
      usedLength: 0,
      usedHash: 0,
    },
    states: [model.initial],
    stateIds: new Map([[model.stateKey(model.initial), 0]]),
    stateId: 0,
    depth: 0,
    answeredPlaced: 0,
    steps: 0,
    choices: new Int32Array(total),
    wasForced: new Uint8Array(total),
    stateBefore: new Int32Array(total),
    highestPlacedBefore: new Int32Array(total),
    highestUsedBefore: new Int32Array(total),
    placed: new Int32Array(answeredWords),
    placedHash: 0,
    highestPlaced: -1,
    used: new Int32Array(unansweredWords),
    usedHash: 0,
    highestUsed: -1,
    cursor: listHead,
    isAtUnused: false,
    readsNarrow: false,
    best: new Int32Array(total),
    bestDepth: 0,
    bestAnswered: 0,
    sharedWithBest: 0,
  };
}

export function place<S extends NonNullable<unknown>, I, O>(
  run: Search<S, I, O>,
  choice: number,
  stateId: number,
  isForced: boolean,
): void {
  const depth = run.depth++;
  run.choices[depth] = choice;
  run.wasForced[depth] = isForced ? 1 : 0;
  run.stateBefore[depth] = run.stateId;
  run.highestPlacedBefore[depth] = run.highestPlaced;
  run.highestUsedBefore[depth] = run.highestUsed;
  run.stateId = stateId;
  const unansweredIndex = choice - run.history.answered.length;
  if (unansweredIndex < 0) {
    run.answeredPlaced++;
    lift(run.events, choice);
    flipBit(run.placed, choice);
    run.placedHash ^= mix(choice + 1);
    if (choice > run.highestPlaced) run.highestPlaced = choice;
  } else {
    unlink(run.unused, unansweredIndex + 1);
    flipBit(run.used, unansweredIndex);
    run.usedHash ^= mix(unansweredIndex + 1);
    if (unansweredIndex > run.highestUsed) run.highestUsed = unansweredIndex;
  }
}

/** Undoes the latest choice that had alternatives and puts the cursor behind it; false when there was none. */
export function stepBack<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): boolean {
  keepIfBest(run);
  while (run.depth > 0) {
    const depth = --run.depth;
    const choice = at(run.choices, depth);
    run.stateId = at(run.stateBefore, depth);
    run.highestPlaced = at(run.highestPlacedBefore, depth);
    run.highestUsed = at(run.highestUsedBefore, depth);
    const unansweredIndex = choice - run.history.answered.length;
    if (unansweredIndex < 0) {
      run.answeredPlaced--;
      putBack(run.events, choice);
      flipBit(run.placed, choice);
      run.placedHash ^= mix(choice + 1);
      run.cursor = at(run.events.next, callOf(choice));
    } else {
      relink(run.unused, unansweredIndex + 1);
      flipBit(run.used, unansweredIndex);
      run.usedHash ^= mix(unansweredIndex + 1);
      run.cursor = at(run.unused.next, unansweredIndex + 1);
    }
    if (at(run.wasForced, depth) === 1) continue;
    run.isAtUnused = unansweredIndex >= 0;
    if (depth < run.sharedWithBest) run.sharedWithBest = depth;
    return true;
  }
  run.sharedWithBest = 0;
  return false;
}

/** Copies only what changed since the last copy, or a long history with a small detour at each step would cost its square. */
export function keepIfBest<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): void {
  if (run.answeredPlaced <= run.bestAnswered) return;
  let depth = run.depth;
  // Unanswered operations at the end led nowhere; without them the reader sees the state in which the search was stuck.
  while (at(run.choices, depth - 1) >= run.history.answered.length) depth--;
  if (depth > run.sharedWithBest) {
    run.best.set(run.choices.subarray(run.sharedWithBest, depth), run.sharedWithBest);
  }
  run.bestDepth = depth;
  run.sharedWithBest = depth;
  run.bestAnswered = run.answeredPlaced;
}

/** States are numbered as they are met, so that the memo compares numbers. */
export function idOfState<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>, state: S): number {
  const key = run.model.stateKey(state);
  const known = run.stateIds.get(key);
  if (known !== undefined) return known;
  const id = run.states.length;
  run.states.push(state);
  run.stateIds.set(key, id);
  return id;
}

export function hasBit(bits: Int32Array, index: number): boolean {
  return ((at(bits, index >>> 5) >>> (index & 31)) & 1) === 1;
}

function flipBit(bits: Int32Array, index: number): void {
  bits[index >>> 5] = at(bits, index >>> 5) ^ (1 << (index & 31));
}

function ring(length: number): EventList {
  const places = length + 1;
  return {
    next: Int32Array.from({ length: places }, (_, place) => (place + 1) % places),
    previous: Int32Array.from({ length: places }, (_, place) => (place + length) % places),
  };
}
