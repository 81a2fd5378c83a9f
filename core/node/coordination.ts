/** What a node keeps as the coordinator of its clients' transactions: in memory, and not there until the first one. */

import { addDeadline, type DeadlineHeap } from '../collections/deadlines.js';
import { emptyFifo, type Fifo } from '../collections/fifo.js';
import { EMPTY_LIST } from '../collections/list.js';
import { emptyOrderedMap, type OrderedMap } from '../collections/ordered-map.js';
import { emptyRadixArray, type RadixArray } from '../collections/radix-array.js';
import { monotonicMs, type MonotonicMs, type NodeId } from '../machine/units.js';
import type { ClientAnswer, Outcome } from '../partition/command.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { OPEN_GATE, type Gate } from '../transactions/admission.js';
import { emptyPlanCache, type PlanCache } from '../script/plan-cache.js';
import type { SessionCall, SessionState, Verdict } from '../transactions/session-state.js';
import type { Admission, AtGate, GateName } from './admitting.js';
import type { ScriptRun } from './script-runs.js';
import type { NodeTurn } from './turn.js';

export interface Coordination {
  /** The sessions that this node started and that are not over, by number. */
  readonly sessions: RadixArray<SessionState>;
  readonly sessionCount: number;
  /** Their numbers, by name. */
  readonly numbers: OrderedMap<number>;
  /** Of everything that has one here: sessions, calls that were handed on. Never given twice. */
  readonly nextNumber: number;
  /** Who waits for answers of sessions. */
  readonly callers: RadixArray<CallerPlace>;
  /** What became of sessions that are over, by name. */
  readonly retained: OrderedMap<Retained>;
  /** The same, oldest first. */
  readonly retainedOrder: Fifo<TransactionId>;
  /** Calls for sessions of other nodes. */
  readonly passedOn: RadixArray<PassedOn>;
  /** Commits and rollbacks of sessions that are gone, while their records are looked up. */
  readonly lookups: RadixArray<Lookup>;
  /** By number. An alarm that was set for an earlier time than that which counts now means nothing. */
  readonly alarms: DeadlineHeap | undefined;
  /** Where transactions are admitted, who waits there, and whose place each session has. */
  readonly gates: Readonly<Record<GateName, Gate>>;
  readonly atGate: RadixArray<AtGate>;
  readonly admissions: RadixArray<Admission>;
  /** Scripts that are under way, by number, and those of them that can go on. */
  readonly scripts: RadixArray<ScriptRun>;
  readonly scriptCount: number;
  /** Empty between turns. */
  readonly ready: readonly number[];
  readonly plans: PlanCache;
  /** How many sessions of this node were the victims of deadlocks, since it was started. */
  readonly deadlocks: number;
}

export type CallerPlace =
  | { readonly type: 'Client'; readonly token: number }
  /** A call that another node handed on, under this name. */
  | { readonly type: 'Node'; readonly node: NodeId; readonly id: string }
  /** A script of this node: what one of its steps asked at that place. */
  | { readonly type: 'Script'; readonly run: number; readonly round: number; readonly place: number };

export interface Retained {
  readonly verdict: Verdict;
  readonly anchorKey?: string;
  readonly until: MonotonicMs;
}

export interface PassedOn {
  readonly place: CallerPlace;
  readonly call: SessionCall;
  readonly to: NodeId;
  readonly deadline: MonotonicMs;
  readonly retryAt: MonotonicMs;
}

export interface Lookup {
  readonly place: CallerPlace;
  readonly wish: 'commit' | 'rollback';
  readonly anchorKey: string;
}

/** So many outcomes are kept, for so long, in milliseconds. */
export const MAX_RETAINED = 10_000;
export const RETAINED_MS = 300_000;

/** So many sessions may be open or on their way to their end. */
export const MAX_SESSIONS = 100_000;

export const NO_COORDINATION: Coordination = {
  sessions: emptyRadixArray(),
  sessionCount: 0,
  numbers: emptyOrderedMap(),
  nextNumber: 0,
  callers: emptyRadixArray(),
  retained: emptyOrderedMap(),
  retainedOrder: emptyFifo(),
  passedOn: emptyRadixArray(),
  lookups: emptyRadixArray(),
  alarms: undefined,
  gates: { sessions: OPEN_GATE, scripts: OPEN_GATE },
  atGate: emptyRadixArray(),
  admissions: emptyRadixArray(),
  scripts: emptyRadixArray(),
  scriptCount: 0,
  ready: EMPTY_LIST,
  plans: emptyPlanCache(),
  deadlocks: 0,
};

export function coordinationOf({ node }: NodeTurn): Coordination {
  return node.coordination ?? NO_COORDINATION;
}

/** Changes what is kept; it is opened for change once in a turn. */
export function coordinate(turn: NodeTurn, change: Partial<Coordination>): void {
  if (turn.coordination === undefined) {
    turn.coordination = { ...coordinationOf(turn) };
    turn.node.coordination = turn.coordination;
  }
  Object.assign(turn.coordination, change);
}

/** Sets an alarm, unless there is none to set. */
export function setAlarm(turn: NodeTurn, number: number, at: number | undefined): void {
  if (at === undefined) return;
  const { alarms } = coordinationOf(turn);
  coordinate(turn, { alarms: addDeadline(alarms, monotonicMs(at), number) });
}

/** What was executed, without what is said of it. */
export function outcomeIn({ reason: _reason, servedAt: _servedAt, ...outcome }: ClientAnswer): Outcome {
  return outcome;
}

export function newNumber(turn: NodeTurn): number {
  const { nextNumber } = coordinationOf(turn);
  coordinate(turn, { nextNumber: nextNumber + 1 });
  return nextNumber;
}
