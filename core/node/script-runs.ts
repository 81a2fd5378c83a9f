/** The scripts that are under way on a node: what is kept of each, and where in it something is awaited. */

import { added } from '../collections/list.js';
import { radixGet, radixSet } from '../collections/radix-array.js';
import type { MonotonicMs } from '../machine/units.js';
import type { Answer, Effect } from '../script/effects.js';
import type { Evaluation } from '../script/evaluation.js';
import type {
  LockInTransaction,
  RunAnswer,
  RunScript,
  SessionOptions,
  TransactionHandle,
} from '../transactions/calls.js';
import type { Errand } from '../transactions/script-operations.js';
import type { SessionCall } from '../transactions/session-state.js';
import type { Admission } from './admitting.js';
import { coordinate, coordinationOf, type CallerPlace } from './coordination.js';
import type { NodeTurn } from './turn.js';

/** A script that is under way. */
export interface ScriptRun {
  readonly place: CallerPlace;
  readonly priority: RunScript['priority'];
  readonly evaluation: Evaluation;
  /** The session of its transaction, while there is one. */
  readonly handle?: TransactionHandle;
  /** What it waits for, in its order; those that are answered have their answers. */
  readonly waits: readonly Wait[];
  /** Which step asked for them: answers to an earlier one are void. */
  readonly round: number;
  /** The deadline of the evaluation. */
  readonly deadline?: MonotonicMs | undefined;
  /** When it goes on by itself: after a sleep, or a slice. */
  readonly goOnAt?: MonotonicMs;
}

export interface Wait {
  readonly effect: Effect;
  readonly answer?: Answer;
  readonly errand?: Errand;
  /** Locks that are still to be taken before the transaction has begun. */
  readonly locks?: readonly LockInTransaction[];
  /** The answer of a single command that is being committed. */
  readonly single?: Answer;
}

/** How sessions are used; the coordinator implements it. */
export interface Sessions {
  readonly begin: (
    turn: NodeTurn,
    options: SessionOptions,
    admission?: Admission,
  ) => TransactionHandle | undefined;
  readonly call: (turn: NodeTurn, place: CallerPlace, call: SessionCall) => void;
  readonly tell: (turn: NodeTurn, place: CallerPlace, answer: RunAnswer) => void;
}

/** One of the effects that a step of a script asked for: where it stands, and by what means it is carried out. */
export interface Spot {
  readonly turn: NodeTurn;
  readonly sessions: Sessions;
  /** The number of the script. */
  readonly run: number;
  /** Which step of it. */
  readonly round: number;
  /** Which of the effects of that step. */
  readonly place: number;
}

export function runAt(turn: NodeTurn, number: number): ScriptRun | undefined {
  return radixGet(coordinationOf(turn).scripts, number);
}

export function saveRun(turn: NodeTurn, number: number, run: ScriptRun): void {
  coordinate(turn, { scripts: radixSet(coordinationOf(turn).scripts, number, run) });
}

/** The script, if it still waits for what was asked there. */
export function runWaiting({ turn, run: number, round }: Spot): ScriptRun | undefined {
  const run = runAt(turn, number);
  return run?.round === round ? run : undefined;
}

/** Notes more of what is awaited there. */
export function saveWait(run: ScriptRun, { turn, run: number, place }: Spot, change: Partial<Wait>): void {
  const waits = run.waits.map((wait, i) => (i === place ? { ...wait, ...change } : wait));
  saveRun(turn, number, { ...run, waits });
}

/** One effect has its answer; when all have, the script can go on, in its turn. */
export function answered(spot: Spot, answer: Answer): void {
  const { turn, run: number, place } = spot;
  const run = runWaiting(spot);
  if (run === undefined) return;
  const waits = run.waits.map((wait, i): Wait => (i === place ? { effect: wait.effect, answer } : wait));
  saveRun(turn, number, { ...run, waits });
  if (waits.every((wait) => wait.answer !== undefined)) {
    coordinate(turn, { ready: added(coordinationOf(turn).ready, number) });
  }
}
