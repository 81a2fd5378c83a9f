/**
 * Scripts on a node: starts them, runs them in slices, and lets them go on when they have what they asked for (`script-effects.ts`).
 *
 * A script runs on the node that was asked, and is lost with it; what it has not committed was never there. It never holds up the
 * node: after so many steps it waits until all else has had its turn.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { radixDelete } from '../collections/radix-array.js';
import { unreachable } from '../machine/assert.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import { nextTimestamp } from '../clock/hybrid-clock.js';
import { ScriptCode, type Effect } from '../script/effects.js';
import type { ScriptInput, ScriptOutcome, ScriptStep } from '../script/evaluation.js';
import { DEFAULT_SCRIPT_LIMITS } from '../script/limits.js';
import { findPlan } from '../script/plan-cache.js';
import { describeProblem } from '../script/problem.js';
import { startScript, stepScript } from '../script/step.js';
import { textOfBytes } from '../script/text.js';
import type { RunAnswer, RunScript } from '../transactions/calls.js';
import { coordinate, coordinationOf, newNumber, setAlarm, type CallerPlace } from './coordination.js';
import { carryOutEffect } from './script-effects.js';
import {
  answered,
  runAt,
  runWaiting,
  saveRun,
  type ScriptRun,
  type Sessions,
  type Spot,
  type Wait,
} from './script-runs.js';
import type { NodeTurn } from './turn.js';

/** Scripts that may be under way on a node at a time. */
export const MAX_SCRIPTS = 10_000;

/** How often a script goes on in one turn, at most. */
const SLICES_PER_TURN = 32;

/** Somebody wants a script to be run. */
export function scriptRequested(
  turn: NodeTurn,
  sessions: Sessions,
  place: CallerPlace,
  call: RunScript,
): void {
  const { node, now } = turn;
  const { scriptCount, plans } = coordinationOf(turn);
  const refuse = (code: ScriptCode, reason: string): void =>
    sessions.tell(turn, place, { family: 'script', code, entries: [], reason });
  if (call.script.length > 4 * DEFAULT_SCRIPT_LIMITS.maxSourceLength) {
    return refuse(ScriptCode.invalidInput, `a script of ${call.script.length} bytes is too long`);
  }
  if (scriptCount >= MAX_SCRIPTS) {
    return refuse(ScriptCode.mustRetry, `${scriptCount} scripts run on this node, and no more may`);
  }
  const { hash } = call;
  const wanted = {
    source: textOfBytes(call.script),
    now: now.monotonic,
    ...(hash !== undefined && { hash }),
  };
  const { cache, prepared } = findPlan(plans, wanted);
  coordinate(turn, { plans: cache });
  if (prepared.type === 'Refused') return refuse(ScriptCode.errored, describeProblem(prepared.problem));
  node.clock = nextTimestamp(node.clock, turn.options.node, now.wall);
  const step = startScript({
    plan: prepared.plan,
    parameters: call.parameters,
    now,
    hlcMs: node.clock.wall,
  });
  if (step.type === 'Ended') return sessions.tell(turn, place, answerOf(step.outcome));
  const number = newNumber(turn);
  coordinate(turn, { scriptCount: scriptCount + 1 });
  const { evaluation } = step;
  saveRun(turn, number, { place, priority: call.priority, evaluation, waits: [], round: 0 });
  stepped(turn, sessions, number, step);
}

function answerOf({ code, entries, reason }: ScriptOutcome): RunAnswer {
  const answer = { family: 'script', code, entries } as const;
  return reason === undefined ? answer : { ...answer, reason };
}

/** What a step of the evaluator came to. */
function stepped(turn: NodeTurn, sessions: Sessions, number: number, step: ScriptStep): void {
  const run = runAt(turn, number);
  if (run === undefined) return;
  switch (step.type) {
    case 'Ended': {
      const { scripts, scriptCount } = coordinationOf(turn);
      coordinate(turn, { scripts: radixDelete(scripts, number), scriptCount: scriptCount - 1 });
      return sessions.tell(turn, run.place, answerOf(step.outcome));
    }
    case 'Paused': {
      const { evaluation } = step;
      return goOnAt(turn, number, { ...without(run), evaluation, waits: [] }, turn.now.monotonic);
    }
    case 'Needs': {
      const { evaluation, effects, deadline } = step;
      if (deadline !== undefined && deadline !== run.deadline) setAlarm(turn, number, deadline);
      if (effects.length === 0) return saveRun(turn, number, { ...run, evaluation, deadline });
      const round = run.round + 1;
      const waits = effects.map((effect): Wait => ({ effect }));
      saveRun(turn, number, { ...without(run), evaluation, deadline, waits, round });
      effects.forEach((effect, place) => carryOut({ turn, sessions, run: number, round, place }, effect));
      return;
    }
    default:
      return unreachable(step);
  }
}

function without({ goOnAt: _, ...run }: ScriptRun): ScriptRun {
  return run;
}

function goOnAt(turn: NodeTurn, number: number, run: ScriptRun, at: MonotonicMs): void {
  saveRun(turn, number, { ...run, goOnAt: at });
  setAlarm(turn, number, at);
}

function carryOut(spot: Spot, effect: Effect): void {
  const run = runWaiting(spot);
  if (run === undefined) return;
  if (effect.type !== 'Sleep') return carryOutEffect(spot, effect);
  const { turn, run: number } = spot;
  goOnAt(turn, number, run, monotonicMs(turn.now.monotonic + effect.ms));
}

/** Lets the scripts go on that can. False when there were none. */
export function pumpScripts(turn: NodeTurn, sessions: Sessions): boolean {
  if (turn.node.coordination === undefined) return false;
  const { ready } = coordinationOf(turn);
  if (ready.length === 0) return false;
  coordinate(turn, { ready: EMPTY_LIST });
  for (const number of ready) {
    const run = runAt(turn, number);
    if (run === undefined) continue;
    turn.slices ??= new Map();
    const slices = turn.slices.get(number) ?? 0;
    turn.slices.set(number, slices + 1);
    if (slices >= SLICES_PER_TURN) {
      goOnAt(turn, number, run, turn.now.monotonic);
      continue;
    }
    goOn(turn, sessions, number, run);
  }
  return true;
}

function goOn(turn: NodeTurn, sessions: Sessions, number: number, run: ScriptRun): void {
  const { now } = turn;
  const answers = run.waits.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const all = run.waits.length > 0 && answers.length === run.waits.length;
  const input: ScriptInput = all ? { type: 'Answered', now, answers } : { type: 'Elapsed', now };
  stepped(turn, sessions, number, stepScript(run.evaluation, input));
}

/** The alarm of a script went off: it has slept, has had its pause, or is at its deadline. */
export function scriptDue(turn: NodeTurn, sessions: Sessions, number: number, at: number): boolean {
  const run = runAt(turn, number);
  if (run === undefined) return false;
  const isOver = run.deadline !== undefined && run.deadline <= turn.now.monotonic;
  if (run.goOnAt === at) {
    const [wait] = run.waits;
    if (wait?.effect.type === 'Sleep' && wait.answer === undefined) {
      answered({ turn, sessions, run: number, round: run.round, place: 0 }, { type: 'Done' });
    } else goOn(turn, sessions, number, without(run));
  } else if (isOver && run.deadline === at) {
    stepped(turn, sessions, number, stepScript(run.evaluation, { type: 'Elapsed', now: turn.now }));
  }
  return true;
}
