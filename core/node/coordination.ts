/** What a node keeps as the coordinator of its clients' transactions: in memory, and not there until the first one. */

import type { DeadlineHeap } from '../collections/deadlines.js';
import { emptyFifo, type Fifo } from '../collections/fifo.js';
import { emptyOrderedMap, type OrderedMap } from '../collections/ordered-map.js';
import { emptyRadixArray, type RadixArray } from '../collections/radix-array.js';
import type { MonotonicMs, NodeId } from '../machine/units.js';
import type { TransactionId } from '../partition/transaction-command.js';
import type { SessionState, Verdict } from '../transactions/session-state.js';
import type { SessionCall } from '../transactions/session-state.js';
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
}

export type CallerPlace =
  | { readonly type: 'Client'; readonly token: number }
  /** A call that another node handed on, under this name. */
  | { readonly type: 'Node'; readonly node: NodeId; readonly id: string };

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
};

export function coordinationOf({ node }: NodeTurn): Coordination {
  return node.coordination ?? NO_COORDINATION;
}

export function coordinate(turn: NodeTurn, change: Partial<Coordination>): void {
  turn.node.coordination = { ...coordinationOf(turn), ...change };
}

export function newNumber(turn: NodeTurn): number {
  const { nextNumber } = coordinationOf(turn);
  coordinate(turn, { nextNumber: nextNumber + 1 });
  return nextNumber;
}
