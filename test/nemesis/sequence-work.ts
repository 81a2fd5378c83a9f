/**
 * A client that takes values from sequences. Without an idempotency key a lost answer is a lost run; with one the client
 * asks until it has its run, and now and then once more after that: it must be the same.
 */

import { SequenceCode } from '../../core/index.js';
import {
  drawBelow,
  drawBetween,
  type SequenceAnswer,
  type SequenceOperation,
  type SequenceRequest,
  type Stream,
} from '../../sim/index.js';
import { unexpected, type Asker, type Attempt } from './asking.js';

export interface SequenceWorker {
  readonly number: number;
  readonly stream: Stream;
  readonly asker: Asker;
  readonly history: SequenceOperation[];
}

/** Without blocks, with small ones, and with ones that outlast many reservations; steps of 1, 2 and 3. */
const SEQUENCES = [
  { sequence: 'nemesis/plain', increment: 1, blockSize: undefined },
  { sequence: 'nemesis/small-blocks', increment: 2, blockSize: 5 },
  { sequence: 'nemesis/large-blocks', increment: 3, blockSize: 200 },
];
const MOST_VALUES = 4;
/** With one key, before the client gives it up. */
const MOST_ATTEMPTS = 20;
const PAUSE_MS = 50;

export async function createSequences({ number, asker, history }: SequenceWorker): Promise<void> {
  for (const [index, { sequence, increment, blockSize }] of SEQUENCES.entries()) {
    const request: SequenceRequest = {
      type: 'create',
      initialValue: 0n,
      increment: BigInt(increment),
      maxValue: undefined,
    };
    const attempt = await asker.untilAnswered('/v1/sequences/create', {
      name: sequence,
      initialValue: 0,
      increment,
      operationIdHigh: number,
      operationIdLow: index + 1,
      ...(blockSize === undefined ? {} : { blockSize }),
    });
    note(history, number, sequence, request, attempt);
  }
}

/** @returns whether there was an answer. */
export async function workOnSequence(worker: SequenceWorker, count: number): Promise<boolean> {
  const { number, stream, asker, history } = worker;
  const { sequence } = SEQUENCES[drawBelow(stream, SEQUENCES.length, count)] as (typeof SEQUENCES)[number];
  const values = drawBetween(stream, 1, MOST_VALUES, count, 1);
  const isKeyed = drawBelow(stream, 100, count, 2) < 40;
  const idempotencyKey = isKeyed ? `${number}-${count}` : undefined;
  const request: SequenceRequest = { type: 'reserve', count: values, idempotencyKey };
  const ask = async (): Promise<boolean> => {
    const attempt = await asker.once('/v1/sequences/reserve', {
      name: sequence,
      count: values,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    note(history, number, sequence, request, attempt);
    return attempt.answer !== undefined;
  };
  let isAnswered = await ask();
  for (let more = 0; isKeyed && !isAnswered && more < MOST_ATTEMPTS; more += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    isAnswered = await ask();
  }
  if (isKeyed && drawBelow(stream, 3, count, 3) === 0) await ask();
  return isAnswered;
}

function note(
  history: SequenceOperation[],
  number: number,
  sequence: string,
  request: SequenceRequest,
  { invokedAt, answeredAt, answer }: Attempt,
): void {
  const told = answer === undefined ? undefined : sequenceAnswer(request, answer);
  history.push({
    id: history.length,
    client: `s${number}`,
    sequence,
    request,
    invokedAt,
    answeredAt,
    answer: told,
  });
}

function sequenceAnswer({ type }: SequenceRequest, answer: NonNullable<Attempt['answer']>): SequenceAnswer {
  if (answer.type !== SequenceCode.success) throw unexpected(`${type} of a sequence`, answer);
  if (type === 'create') return { type: 'created' };
  const { start, end } = answer.allocation as { readonly start: number; readonly end: number };
  return { type: 'allocated', start: BigInt(start), end: BigInt(end) };
}
