/** What clients saw of locks and sequences, in the words of the checkers that judge such histories. */

import {
  KEYED_ALLOCATION_MS,
  LockCode,
  MAX_HISTORY,
  SequenceCode,
  type ClientAnswer,
  type LockOperation,
  type LockOutcome,
  type Operation,
  type SequenceOperation,
  type SequenceOutcome,
} from '../../core/index.js';
import {
  checkLocks,
  explainLocks,
  type LockAnswer,
  type LockOperation as LockEvent,
  type LockRequest,
  type LockRule,
} from '../check/locks/index.js';
import {
  checkSequences,
  explainSequences,
  type SequenceAnswer,
  type SequenceOperation as SequenceEvent,
  type SequenceRequest,
} from '../check/sequences/index.js';
import { checkPasts, type PastEvent } from '../check/pasts.js';
import { PropertyBroken } from '../world/world.js';
import { toText } from './text.js';

/** An operation that a client asked for, and what it was told; times in microseconds of true time. */
export interface ServiceEvent {
  readonly id: number;
  readonly client: string;
  readonly operation: Operation;
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
  readonly answer: ClientAnswer | undefined;
}

/** How far the clocks of a run can be relied on. */
export interface TrueClocks {
  /** No clock runs faster or slower than the nodes are told. */
  readonly keepToDrift: boolean;
  /** What two wall clocks may be apart. */
  readonly mayDifferMs: number;
}

/** What holds of locks whatever the clocks do. */
const TIMELESS_RULES: readonly LockRule[] = ['token went back', 'token names two grants', 'not the holder'];

/** What holds where no clock drifts by more than the nodes are told. A lease may last longer than asked, never shorter. */
const TIMED_RULES: readonly LockRule[] = [...TIMELESS_RULES, 'mutual exclusion', 'lease cut short'];

/** Clocks show whole milliseconds. */
const ROUNDING_MS = 2;

/** @throws PropertyBroken when locks or sequences did not do what they promise. */
export function checkServices(events: readonly ServiceEvent[], clocks: TrueClocks): void {
  const { keepToDrift, mayDifferMs } = clocks;
  const locks = checkLocks(events.flatMap(lockEvent), {
    driftMs: ROUNDING_MS,
    rules: keepToDrift ? TIMED_RULES : TIMELESS_RULES,
  });
  if (locks.verdict === 'invalid') throw new PropertyBroken('locks', explainLocks(locks));
  if (keepToDrift) checkPasts(events.map(pastEvent), MAX_HISTORY, ROUNDING_MS);
  // What an update does to a sequence this checker does not know; the reference does.
  const updated = new Set(
    events.flatMap(({ operation }) => (operation.type === 'UpdateSequence' ? [operation.name] : [])),
  );
  const given = events.flatMap(sequenceEvent).filter(({ sequence }) => !updated.has(sequence));
  // The age of an idempotency key is what the wall clocks of its leaders say it is; half of it is room for their drift.
  const replayMs = Math.max(0, KEYED_ALLOCATION_MS - mayDifferMs) / 2;
  const sequences = checkSequences(given, { replayTime: replayMs * 1_000 });
  if (sequences.verdict === 'invalid') throw new PropertyBroken('sequences', explainSequences(sequences));
}

function pastEvent({ invokedAt, answeredAt, ...event }: ServiceEvent): PastEvent {
  return {
    ...event,
    invokedAt: invokedAt / 1_000,
    answeredAt: answeredAt === undefined ? undefined : answeredAt / 1_000,
  };
}

/** What is kept in a leader's memory alone is lost with it: of that nothing is promised beyond one leadership. */
function lockEvent({
  operation,
  answer,
  invokedAt,
  answeredAt,
  ...event
}: ServiceEvent): readonly LockEvent[] {
  if (!('resource' in operation) || operation.ephemeral === true) return [];
  return [
    {
      ...event,
      lock: operation.resource,
      owner: 'owner' in operation ? (toText(operation.owner) ?? '') : '',
      request: lockRequest(operation),
      invokedAt: invokedAt / 1_000,
      answeredAt: answeredAt === undefined ? undefined : answeredAt / 1_000,
      answer: answer?.family === 'lock' ? lockAnswer(answer) : undefined,
    },
  ];
}

function lockRequest(operation: LockOperation): LockRequest {
  switch (operation.type) {
    case 'AcquireLock':
      return { type: 'acquire', leaseMs: operation.expiresMs };
    case 'ExtendLock':
      return { type: 'extend', leaseMs: operation.expiresMs };
    case 'ReleaseLock':
      return { type: 'release' };
    case 'GetLock':
      return { type: 'get' };
  }
}

function lockAnswer({ code, fencingToken: token, owner }: LockOutcome): LockAnswer {
  switch (code) {
    case LockCode.locked:
      return { type: 'locked', token };
    case LockCode.extended:
      return { type: 'extended', token };
    case LockCode.unlocked:
      return { type: 'released' };
    case LockCode.got:
      return { type: 'got', owner: toText(owner) ?? '', token };
    default:
      return { type: 'refused' };
  }
}

function sequenceEvent({ operation, answer, ...event }: ServiceEvent): readonly SequenceEvent[] {
  if (!('name' in operation)) return [];
  const request = sequenceRequest(operation);
  if (request === undefined) return [];
  const told = answer?.family === 'sequence' ? sequenceAnswer(request, answer) : undefined;
  return [{ ...event, sequence: operation.name, request, answer: told }];
}

function sequenceRequest(operation: SequenceOperation): SequenceRequest | undefined {
  switch (operation.type) {
    case 'CreateSequence': {
      const { initialValue, increment, maxValue } = operation;
      return {
        type: 'create',
        initialValue: BigInt(initialValue),
        increment: BigInt(increment),
        maxValue: maxValue === undefined ? undefined : BigInt(maxValue),
      };
    }
    case 'ReserveSequence':
      return { type: 'reserve', count: operation.count, idempotencyKey: operation.idempotencyKey };
    case 'DeleteSequence':
      return { type: 'delete' };
    case 'UpdateSequence':
    case 'GetSequence':
      return undefined;
  }
}

function sequenceAnswer({ type }: SequenceRequest, { code, allocation }: SequenceOutcome): SequenceAnswer {
  if (code !== SequenceCode.success) return { type: 'refused' };
  if (type === 'create') return { type: 'created' };
  if (type === 'delete' || allocation === null) return { type: 'deleted' };
  return { type: 'allocated', start: BigInt(allocation.start), end: BigInt(allocation.end) };
}
