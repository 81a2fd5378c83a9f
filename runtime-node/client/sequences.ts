/** Sequences: ascending numbers of which each is given once. */

import {
  SequenceCode,
  type SequenceAllocation,
  type SequenceRecord,
} from '../../core/partition/sequence-command.js';
import { describeAsk, unexpectedAnswer } from './ask.js';
import { WavetankError, type WavetankErrorCode } from './error.js';
import { persist, type CallOptions } from './patience.js';
import type { ClientPort, PointAsk, Settled } from './port.js';

export interface CreateSequenceOptions extends CallOptions {
  /** The first value is the one after it. Default 0. */
  readonly initialValue?: number;
  /** 1 or more. Default 1. */
  readonly increment?: number;
  /** Absent for none. */
  readonly maxValue?: number;
  /** How many values a leader takes at a time; absent for what the nodes are set to. 1 for no gaps but those of lost answers. */
  readonly blockSize?: number;
}

/** What is absent stays as it is. */
export interface UpdateSequenceOptions extends CallOptions {
  /** The next value is the one after it. */
  readonly currentValue?: number;
  readonly increment?: number;
  readonly initialValue?: number;
  /** Null takes the limit away. */
  readonly maxValue?: number | null;
  /** Null leaves it to the nodes' setting. */
  readonly blockSize?: number | null;
}

export interface ReserveOptions extends CallOptions {
  /**
   * The same key gives the same values again: for ten minutes, and for the newest 256 keys of a sequence. Without one,
   * values may be lost where an answer was; none is ever given twice.
   */
  readonly idempotencyKey?: string;
}

/**
 * Sequences. All values are whole numbers within ±(2^53 - 1).
 *
 * @example
 * ```ts
 * const { sequences } = client;
 * await sequences.create('invoice', { initialValue: 100, increment: 5 });
 * console.log(await sequences.next('invoice', { idempotencyKey: 'order 17' })); //=> 105
 * console.log(await sequences.next('invoice', { idempotencyKey: 'order 17' })); //=> 105
 *
 * const { start, end } = await sequences.reserve('invoice', 3);
 * console.log(start, end); //=> 110 120
 *
 * console.log(await sequences.delete('invoice'), await sequences.get('invoice')); //=> true undefined
 * ```
 */
export interface Sequences {
  /** @throws WavetankError with `alreadyExists` */
  create(name: string, options?: CreateSequenceOptions): Promise<SequenceRecord>;
  /** @throws WavetankError with `notFound` */
  update(name: string, changes: UpdateSequenceOptions): Promise<SequenceRecord>;
  /** Undefined when there is none. Its `currentValue` is the highest value that is set aside, not the last one given. */
  get(name: string, options?: CallOptions): Promise<SequenceRecord | undefined>;
  /** @throws WavetankError with `notFound` or `maxValueExceeded` */
  next(name: string, options?: ReserveOptions): Promise<number>;
  /** `count` values in one run: start, start + increment, … end. @throws WavetankError as `next` does */
  reserve(name: string, count: number, options?: ReserveOptions): Promise<SequenceAllocation>;
  /** False when there was none. */
  delete(name: string, options?: CallOptions): Promise<boolean>;
}

export function createSequences(port: ClientPort, timeoutMs: number): Sequences {
  function point<A extends PointAsk>(ask: A, { signal, timeoutMs: asked }: CallOptions): Promise<Settled<A>> {
    return persist(port, ask, { timeoutMs: asked ?? timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }

  async function get(name: string, options: CallOptions = {}): Promise<SequenceRecord | undefined> {
    const ask = { type: 'GetSequence', name } as const;
    const settled = await point(ask, options);
    const { code, record } = settled.answer;
    if (code === SequenceCode.notFound) return undefined;
    if (code !== SequenceCode.success || record === null) throw unexpectedAnswer(ask, settled);
    return record;
  }

  /** What a change has made; nodes of another kind than ours do not send it along. */
  async function recordAfter(
    name: string,
    known: SequenceRecord | null,
    options: CallOptions,
  ): Promise<SequenceRecord> {
    const record = known ?? (await get(name, options));
    if (record !== undefined) return record;
    const reason = 'it was deleted right afterwards';
    throw new WavetankError({ operation: `GetSequence ${name}`, code: 'notFound', reason });
  }

  async function reserve(
    name: string,
    count: number,
    options: ReserveOptions = {},
  ): Promise<SequenceAllocation> {
    const { idempotencyKey } = options;
    const ask = {
      type: 'ReserveSequence',
      name,
      count,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    } as const;
    const settled = await point(ask, options);
    const { code, allocation } = settled.answer;
    if (code !== SequenceCode.success || allocation === null) throw refusal(ask, settled);
    return allocation;
  }

  return {
    async create(name, options = {}) {
      const { initialValue = 0, increment = 1, maxValue, blockSize } = options;
      const ask = {
        type: 'CreateSequence',
        name,
        initialValue,
        increment,
        ...(maxValue === undefined ? {} : { maxValue }),
        ...(blockSize === undefined ? {} : { blockSize }),
      } as const;
      const settled = await point(ask, options);
      if (settled.answer.code !== SequenceCode.success) throw refusal(ask, settled);
      return recordAfter(name, settled.answer.record, options);
    },
    async update(name, changes) {
      const { currentValue, increment, initialValue, maxValue, blockSize } = changes;
      const ask = {
        type: 'UpdateSequence',
        name,
        ...(currentValue === undefined ? {} : { currentValue }),
        ...(increment === undefined ? {} : { increment }),
        ...(initialValue === undefined ? {} : { initialValue }),
        ...(maxValue === undefined ? {} : { maxValue }),
        ...(blockSize === undefined ? {} : { blockSize }),
      } as const;
      const settled = await point(ask, changes);
      if (settled.answer.code !== SequenceCode.success) throw refusal(ask, settled);
      return recordAfter(name, settled.answer.record, changes);
    },
    get,
    next: async (name, options) => (await reserve(name, 1, options)).start,
    reserve,
    async delete(name, options = {}) {
      const ask = { type: 'DeleteSequence', name } as const;
      const settled = await point(ask, options);
      const { code } = settled.answer;
      if (code === SequenceCode.success) return true;
      // An earlier attempt, whose answer was lost, may have been the one that deleted it.
      if (code === SequenceCode.notFound) return settled.wasUncertain;
      throw unexpectedAnswer(ask, settled);
    },
  };
}

const REFUSALS: Readonly<Record<number, readonly [WavetankErrorCode, string]>> = {
  [SequenceCode.notFound]: ['notFound', 'there is no sequence of this name'],
  [SequenceCode.alreadyExists]: ['alreadyExists', 'there is a sequence of this name'],
  [SequenceCode.maxValueExceeded]: ['maxValueExceeded', 'fewer values are left than were asked for'],
};

function refusal(ask: PointAsk, settled: Settled<PointAsk>): WavetankError {
  const known = REFUSALS[settled.answer.code];
  if (known === undefined) return unexpectedAnswer(ask, settled);
  const { attempts, endpoint, wasUncertain } = settled;
  const [code, reason] = known;
  // An earlier attempt to create it, whose answer was lost, may be what exists.
  const isOutcomeUnknown = wasUncertain && code === 'alreadyExists';
  return new WavetankError({
    operation: describeAsk(ask),
    code,
    reason,
    attempts,
    endpoint,
    isOutcomeUnknown,
  });
}
