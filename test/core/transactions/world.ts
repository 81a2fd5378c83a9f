/**
 * Sessions over real partitions, in one process: every step of every session, and every answer, comes when the test says so.
 *
 * Partitions execute what they are asked as their leaders would, without locks: those keep contenders apart, and safety must not need
 * them. Answers may be lost, requests executed twice, and the coordinator may stop for ever at any time.
 */

import { nodeId, logIndex, monotonicMs, wallMs, type GroupId } from '../../../core/machine/units.js';
import { intentsIn, isAhead } from '../../../core/partition/blocking.js';
import type { Operation, Outcome, RequestId } from '../../../core/partition/command.js';
import { keysUnder } from '../../../core/partition/locked-keys.js';
import { isRead } from '../../../core/partition/operation.js';
import {
  applyCommand,
  EMPTY_PARTITION,
  executeRead,
  type PartitionState,
} from '../../../core/partition/partition.js';
import { forEachPrepared } from '../../../core/partition/prepared.js';
import {
  TransactionCode,
  transactionIdOf,
  type TransactionId,
  type TransactionOperation,
} from '../../../core/partition/transaction-command.js';
import { groupOfOperation } from '../../../core/partition/operation.js';
import type { SessionAnswer, SessionOptions } from '../../../core/transactions/calls.js';
import { newSession, stepSession } from '../../../core/transactions/session.js';
import type {
  SessionCall,
  SessionEffect,
  SessionInput,
  SessionState,
} from '../../../core/transactions/session-state.js';
import { effectiveOptions } from '../../../core/transactions/start.js';
import { pureStep } from '../support/pure.js';

export const OPTIMISTIC: SessionOptions = {
  locking: 'optimistic',
  timeoutMs: 300_000,
  admissionWaitMs: 0,
  readValidation: 'none',
  decisionDurability: 'bestEffort',
  asyncRelease: false,
  priority: 'normal',
};

interface Asked {
  readonly session: TransactionId;
  readonly ask: number;
  readonly operation: Operation;
  readonly requestId: RequestId;
  /** Set once it was executed: then the answer is on its way. */
  readonly outcome?: Outcome;
}

export interface World {
  readonly partitions: number;
  readonly states: PartitionState[];
  sessions: Map<TransactionId, SessionState>;
  asked: Asked[];
  replies: Map<number, SessionAnswer>;
  now: number;
  requests: number;
}

export function emptyWorld(partitions: number): World {
  const states = Array.from({ length: partitions }, () => EMPTY_PARTITION);
  return { partitions, states, sessions: new Map(), asked: [], replies: new Map(), now: 1_000, requests: 0 };
}

function clocks({ now }: World) {
  return { monotonic: monotonicMs(now), wall: wallMs(1_700_000_000_000 + now) };
}

export function startSession(world: World, options: Partial<SessionOptions> = {}): SessionState {
  world.now += 1;
  const { monotonic, wall } = clocks(world);
  const stamp = { node: nodeId(1), wall, counter: 0 };
  const id = transactionIdOf(stamp, 'run-1');
  const session = newSession({
    id,
    stamp,
    options: effectiveOptions({ ...OPTIMISTIC, ...options }),
    now: monotonic,
  });
  world.sessions.set(id, session);
  return session;
}

/** Something happens to a session, if it is still there. */
export function happen(world: World, id: TransactionId, input: SessionInput): readonly SessionEffect[] {
  const before = world.sessions.get(id);
  if (before === undefined) return [];
  const context = {
    now: clocks(world),
    partitions: world.partitions,
    appliedOf: (group: GroupId) => (world.states[group - 1] as PartitionState).applied,
  };
  const { state, effects } = pureStep(
    (session: SessionState, given: SessionInput) => stepSession(session, given, context),
    before,
    input,
  );
  world.sessions.set(id, state);
  for (const effect of effects) {
    if (effect.type === 'Reply') world.replies.set(effect.caller, effect.answer);
    if (effect.type === 'Gone') world.sessions.delete(id);
    if (effect.type === 'Ask') {
      world.requests += 1;
      const requestId = `r${world.requests}` as RequestId;
      const { operation, ask } = effect;
      world.asked.push({ session: id, ask, operation, requestId });
    }
  }
  return effects;
}

export function call(world: World, id: TransactionId, caller: number, asked: SessionCall): void {
  happen(world, id, { type: 'Called', caller, call: asked, until: monotonicMs(world.now + 1_000_000) });
}

/** Executes an operation at its partition. Undefined as long as an intent is in the way. */
export function execute(world: World, operation: Operation, requestId: RequestId): Outcome | undefined {
  if (operation.type === 'AcquireTransactionLocks') {
    const locked = { family: 'transaction', code: TransactionCode.locked } as const;
    if (operation.show !== true) return locked;
    const shown = world.states[operation.group - 1] as PartitionState;
    return { ...locked, keys: keysUnder(shown, operation.needs, () => false) };
  }
  if (operation.type === 'ReleaseTransactionLocks') {
    return { family: 'transaction', code: TransactionCode.unlocked };
  }
  const place = groupOfOperation(operation, world.partitions) - 1;
  const state = world.states[place] as PartitionState;
  if (intentsIn(state, operation).length > 0) return undefined;
  if (isRead(operation) && !isAhead(state, operation)) return executeRead(state, operation);
  world.now += 1;
  const index = logIndex(state.applied + 1);
  const stampedAt = { node: nodeId(place + 1), wall: wallMs(clocks(world).wall - 7 * place), counter: 0 };
  const command = { requestId, basis: state.applied, stampedAt, operation };
  const applied = applyCommand(state, index, command, 1_000);
  world.states[place] = applied.state;
  // A read in the log tells no values.
  return isRead(operation) ? executeRead(applied.state, operation) : applied.outcome;
}

export type Fate = 'well' | 'lost' | 'twice';

/** Goes on with one of the things that are under way: it is executed, or its answer arrives. */
export function goOn(world: World, at: number, fate: Fate): void {
  const { asked } = world;
  if (asked.length === 0) {
    world.now += 20;
    for (const id of [...world.sessions.keys()]) happen(world, id, { type: 'TimeCame' });
    return;
  }
  const place = at % asked.length;
  const one = asked[place] as Asked;
  if (one.outcome === undefined) {
    const outcome = execute(world, one.operation, one.requestId);
    if (outcome === undefined) {
      // It waits for somebody else, who may be waiting for nothing but time.
      world.now += 1;
      for (const id of [...world.sessions.keys()]) happen(world, id, { type: 'TimeCame' });
      return;
    }
    if (fate === 'twice') execute(world, one.operation, one.requestId);
    asked[place] = { ...one, outcome };
    return;
  }
  asked.splice(place, 1);
  const told =
    fate === 'lost'
      ? ({ type: 'Lost', reason: 'the answer was lost' } as const)
      : ({ type: 'Told', outcome: one.outcome } as const);
  happen(world, one.session, { type: 'Answered', ask: one.ask, told });
}

/** The coordinator stops. What it has asked may still be executed. */
export function crash(world: World): void {
  world.sessions = new Map();
}

/** What the leaders of the partitions do about what a coordinator has left. */
export function recover(world: World): void {
  for (const one of world.asked) execute(world, one.operation, one.requestId);
  world.asked = [];
  for (const [place, state] of world.states.entries()) {
    const left: { readonly id: TransactionId; readonly anchor: GroupId }[] = [];
    forEachPrepared(state, (id, { anchor }) => {
      left.push({ id, anchor });
    });
    for (const { id, anchor } of left) {
      const decision = ask(world, {
        type: 'Decide',
        group: anchor,
        transaction: id,
        decision: { type: 'Abort' },
      });
      const settled =
        decision.code === TransactionCode.committed && decision.at !== undefined
          ? ({ type: 'Commit', at: decision.at } as const)
          : ({ type: 'Abort' } as const);
      ask(world, { type: 'Settle', group: (place + 1) as GroupId, transaction: id, decision: settled });
    }
  }
}

function ask(world: World, operation: TransactionOperation) {
  world.requests += 1;
  const outcome = execute(world, operation, `r${world.requests}` as RequestId);
  if (outcome?.family !== 'transaction') throw new Error(`${operation.type} was not answered`);
  return outcome;
}
