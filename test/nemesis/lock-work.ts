/**
 * A client that takes, prolongs, looks at and gives back locks. Some of its operations carry an id and are repeated until
 * they are answered; the others are asked once, and nobody knows what became of those without an answer.
 */

import { LockCode } from '../../core/index.js';
import {
  drawBelow,
  drawBetween,
  type LockAnswer,
  type LockOperation,
  type LockRequest,
  type Stream,
} from '../../sim/index.js';
import { unexpected, type Answer, type Asker } from './asking.js';

export interface LockWorker {
  readonly number: number;
  readonly stream: Stream;
  readonly asker: Asker;
  readonly history: LockOperation[];
}

const LOCKS = 3;
const SHORTEST_LEASE_MS = 200;
/** Longer than most blows: a lease must outlive the leader that gave it. */
const LONGEST_LEASE_MS = 2_500;

const PATHS = {
  acquire: '/v1/locks/try-lock',
  extend: '/v1/locks/try-extend',
  release: '/v1/locks/try-unlock',
  get: '/v1/locks/get-info',
} as const;

/** @returns whether there was an answer. */
export async function workOnLock(worker: LockWorker, count: number): Promise<boolean> {
  const { number, stream, asker, history } = worker;
  const lock = `nemesis/lock-${drawBelow(stream, LOCKS, count)}`;
  const owner = `owner-${number}`;
  const request = drawRequest(stream, count);
  const id = history.length;
  const asked = { id, client: `l${number}`, lock, owner, request };
  const body = {
    resource: lock,
    durability: 1,
    ...(request.type === 'get' ? {} : { owner: Buffer.from(owner).toString('base64') }),
    ...('leaseMs' in request ? { expiresMs: request.leaseMs } : {}),
  };
  history.push({ ...asked, invokedAt: performance.now(), answeredAt: undefined, answer: undefined });
  const isNamed = request.type === 'get' || drawBelow(stream, 2, count, 3) === 0;
  const attempt = isNamed
    ? await asker.untilAnswered(PATHS[request.type], {
        ...body,
        operationIdHigh: number,
        operationIdLow: count,
      })
    : await asker.once(PATHS[request.type], body);
  history[id] = {
    ...asked,
    invokedAt: attempt.invokedAt / 1_000,
    answeredAt: attempt.answeredAt === undefined ? undefined : attempt.answeredAt / 1_000,
    answer: attempt.answer === undefined ? undefined : lockAnswer(request, attempt.answer),
  };
  return attempt.answer !== undefined;
}

function drawRequest(stream: Stream, count: number): LockRequest {
  const chance = drawBelow(stream, 100, count, 1);
  const leaseMs = drawBetween(stream, SHORTEST_LEASE_MS, LONGEST_LEASE_MS, count, 2);
  if (chance < 50) return { type: 'acquire', leaseMs };
  if (chance < 65) return { type: 'extend', leaseMs };
  if (chance < 85) return { type: 'release' };
  return { type: 'get' };
}

function lockAnswer({ type }: LockRequest, answer: Answer): LockAnswer {
  const token = answer.fencingToken as number;
  switch (answer.type) {
    case LockCode.locked:
      return { type: 'locked', token };
    case LockCode.extended:
      return { type: 'extended', token };
    case LockCode.unlocked:
      return { type: 'released' };
    case LockCode.got:
      return { type: 'got', owner: Buffer.from(answer.owner as string, 'base64').toString(), token };
    case LockCode.busy:
    case LockCode.lockDoesNotExist:
    case LockCode.invalidOwner:
      return { type: 'refused' };
    default:
      throw unexpected(`${type} of a lock`, answer);
  }
}
