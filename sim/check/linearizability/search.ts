/**
 * The search for a legal order of one key's operations (Wing and Gong 1993, as improved by Lowe 2017 and Porcupine).
 *
 * Depth first, by hand and not by recursion, so that the length of a history cannot overflow the stack. What keeps it short:
 *
 * 1. Only an operation invoked before the first answer still to be placed may come next.
 * 2. An operation that changes no state and fits is placed at once; no order without it there can do better.
 * 3. Answered operations are tried before unanswered ones, which are used just in time, when nothing else gets further.
 * 4. An unanswered operation that would change nothing is not used, and of interchangeable ones the earliest goes first.
 * 5. No configuration is visited twice (memo.ts).
 * 6. A branch ends as soon as a pending answer has become impossible for ever.
 *
 * Given the same operations and budget it takes the same steps on every machine: the budget counts questions put to the
 * model, not time.
 */
import { isCall, listHead, operationAt } from './event-list.js';
import type { Operation } from './history.js';
import { visitFirst } from './memo.js';
import type { Model } from './model.js';
import { hasBit, idOfState, keepIfBest, place, startSearch, stepBack, type Search } from './search-state.js';
import type { Subhistory } from './subhistory.js';
import { at, mix } from './word-table.js';

export interface SearchOutcome<I, O> {
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  /** A legal order of all answered operations when valid; else the legal beginning with the most answered ones. */
  readonly order: readonly Operation<I, O>[];
  readonly steps: number;
}

export function search<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  history: Subhistory<I, O>,
  maxSteps: number,
): SearchOutcome<I, O> {
  const run = startSearch(model, history);
  for (;;) {
    const isAlive = placeReads(run);
    if (run.answeredPlaced === history.answered.length) return outcome(run, 'valid');
    if (isAlive && rememberVisit(run)) {
      run.cursor = at(run.events.next, listHead);
      run.isAtUnused = false;
    } else if (!stepBack(run)) {
      return outcome(run, 'invalid');
    }
    while (!placeNext(run)) {
      if (!stepBack(run)) return outcome(run, 'invalid');
      if (run.steps > maxSteps) return outcome(run, 'unknown');
    }
    if (run.steps > maxSteps) return outcome(run, 'unknown');
  }
}

/**
 * Places every read that fits, without alternatives: if a legal order goes on from here, it stays legal with the read moved
 * to the front, because nothing unplaced comes before it in time and it changes nothing. False when some pending answer can
 * never again be legal.
 */
function placeReads<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): boolean {
  const { model, history, events } = run;
  const state = run.states[run.stateId] as S;
  for (let event = at(events.next, listHead); isCall(event); event = at(events.next, event)) {
    const index = operationAt(event);
    const { input, output } = history.answered[index] as Operation<I, O>;
    if (model.impossibleFrom !== undefined) {
      run.steps++;
      if (model.impossibleFrom(state, input, output as O)) return false;
    }
    if (at(history.isReadOnly, index) === 0) continue;
    run.steps++;
    const next = model.step(state, input, output);
    if (next === undefined) continue;
    if (next === state || idOfState(run, next) === run.stateId) place(run, index, run.stateId, true);
    else run.readsNarrow = true;
  }
  return true;
}

/** Places the next operation after the cursor that is legal here; false when there is none left. */
function placeNext<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): boolean {
  const { model, history, events } = run;
  const state = run.states[run.stateId] as S;
  if (!run.isAtUnused) {
    for (let event = run.cursor; isCall(event); event = at(events.next, event)) {
      const index = operationAt(event);
      if (at(history.isReadOnly, index) === 1 && !run.readsNarrow) continue;
      const { input, output } = history.answered[index] as Operation<I, O>;
      run.steps++;
      const next = model.step(state, input, output);
      if (next === undefined) continue;
      place(run, index, idOfState(run, next), false);
      return true;
    }
    run.isAtUnused = true;
    run.cursor = at(run.unused.next, listHead);
  }
  return run.cursor !== listHead && useUnanswered(run, state);
}

function useUnanswered<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>, state: S): boolean {
  const { model, history } = run;
  const firstAnswer = timeOfFirstAnswer(run);
  for (let slot = run.cursor; slot !== listHead; slot = at(run.unused.next, slot)) {
    const index = slot - 1;
    const { input, invokedAt } = history.unanswered[index] as Operation<I, O>;
    if (invokedAt > firstAnswer) return false;
    const elder = at(history.elderTwin, index);
    if (elder !== -1 && !hasBit(run.used, elder)) continue;
    run.steps++;
    const next = model.step(state, input, history.impliedOutputs[index]);
    if (next === undefined || next === state) continue;
    const nextId = idOfState(run, next);
    if (nextId === run.stateId) continue;
    place(run, history.answered.length + index, nextId, false);
    return true;
  }
  return false;
}

function timeOfFirstAnswer<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): number {
  let event = at(run.events.next, listHead);
  while (isCall(event)) event = at(run.events.next, event);
  return run.history.answered[operationAt(event)]?.answeredAt ?? Infinity;
}

/**
 * The placed operations are all those before the first unplaced one, and a few beyond it. Only the words between are part of
 * the memo's key, so an entry's size depends on how much is concurrent and not on the length of the history.
 */
function rememberVisit<S extends NonNullable<unknown>, I, O>(run: Search<S, I, O>): boolean {
  const { visit } = run;
  const firstUnplaced = operationAt(at(run.events.next, listHead));
  visit.words[0] = run.stateId;
  visit.words[1] = firstUnplaced;
  let length = 2;
  if (run.highestPlaced > firstUnplaced) {
    const lastWord = run.highestPlaced >>> 5;
    for (let word = firstUnplaced >>> 5; word <= lastWord; word++)
      visit.words[length++] = at(run.placed, word);
  }
  visit.length = length;
  visit.hash = mix(run.placedHash ^ Math.imul(run.stateId + 1, 0x9e3779b1));
  let usedLength = 1;
  const lastUsedWord = run.highestUsed >> 5;
  for (let word = 0; word <= lastUsedWord; word++) visit.used[usedLength++] = at(run.used, word);
  visit.usedLength = usedLength;
  visit.usedHash = run.usedHash;
  return visitFirst(run.memo, visit, run.history.unanswered.length > 0);
}

function outcome<S extends NonNullable<unknown>, I, O>(
  run: Search<S, I, O>,
  verdict: SearchOutcome<I, O>['verdict'],
): SearchOutcome<I, O> {
  keepIfBest(run);
  const { answered, unanswered } = run.history;
  const order = Array.from(run.best.subarray(0, run.bestDepth), (choice) =>
    choice < answered.length ? answered[choice] : unanswered[choice - answered.length],
  );
  return { verdict, order: order as Operation<I, O>[], steps: run.steps };
}
