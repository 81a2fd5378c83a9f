/** Snapshot holds: reading the past for as long as it is held. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { HoldCode } from '../../core/partition/hold-command.js';
import { unexpectedAnswer } from './ask.js';
import { persist, type CallOptions } from './patience.js';
import type { ClientPort, PointAsk, Settled } from './port.js';
import { timestampOf, type Moment } from './values.js';

export interface HoldOptions extends CallOptions {
  /** The lease, in milliseconds: 1 … 2^31 - 1. It may last longer, never shorter. */
  readonly leaseMs: number;
}

export interface Hold {
  /** 32 hexadecimal digits: the same for the same holder and time. */
  readonly id: string;
  /** When the lease ends, by the clock of the node that granted it. */
  readonly expires: Timestamp;
}

export interface SnapshotFloor {
  /** The earliest time that is held; undefined when nothing is. */
  readonly timestamp: Timestamp | undefined;
  /** How many holds there are. */
  readonly live: number;
}

/**
 * Holds. Of every persistent key, the versions that are newer than the earliest time that is held stay, and the newest one by then:
 * so reads with `at` find them. What was forgotten earlier, and what a write with `keepsRevision: false` has replaced, is
 * not brought back; a key that is written thousands of times under a hold, or with megabytes, loses its oldest versions, and a read of
 * them fails and says so.
 *
 * @example
 * ```ts
 * await client.keys.set('balance', '100');
 * const before = Date.now();
 * const hold = await client.holds.acquire('report', before, { leaseMs: 60_000 });
 * const floor = await client.holds.floor();
 * console.log(floor.live, floor.timestamp?.wall === before); //=> 1 true
 * console.log(await client.holds.release(hold.id)); //=> true
 * ```
 */
export interface Holds {
  /**
   * Resolves when every partition keeps what it protects. The same holder and time have one hold, whose lease begins anew.
   *
   * @throws WavetankError. After `mustRetry` the hold may be there, but protects nothing for sure: acquire it again.
   */
  acquire(holder: string, moment: Moment, options: HoldOptions): Promise<Hold>;
  /** When the new lease ends, which counts from now; undefined when there is no such hold, or no more. @throws WavetankError */
  renew(id: string, options: HoldOptions): Promise<Timestamp | undefined>;
  /** False when there is no such hold, or no more. @throws WavetankError */
  release(id: string, options?: CallOptions): Promise<boolean>;
  /** @throws WavetankError */
  floor(options?: CallOptions): Promise<SnapshotFloor>;
}

export function createHolds(port: ClientPort, timeoutMs: number): Holds {
  function point<A extends PointAsk>(ask: A, { signal, timeoutMs: asked }: CallOptions): Promise<Settled<A>> {
    return persist(port, ask, { timeoutMs: asked ?? timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }
  return {
    async acquire(holder, moment, options) {
      const { leaseMs } = options;
      const ask = { type: 'AcquireHold', holder, timestamp: timestampOf(moment), leaseMs } as const;
      const settled = await point(ask, options);
      const { code, hold, expires } = settled.answer;
      if (code !== HoldCode.set) throw unexpectedAnswer(ask, settled);
      return { id: hold, expires };
    },
    async renew(id, options) {
      const ask = { type: 'RenewHold', hold: id, leaseMs: options.leaseMs } as const;
      const settled = await point(ask, options);
      const { code, expires } = settled.answer;
      if (code === HoldCode.doesNotExist) return undefined;
      if (code !== HoldCode.set) throw unexpectedAnswer(ask, settled);
      return expires;
    },
    async release(id, options = {}) {
      const ask = { type: 'ReleaseHold', hold: id } as const;
      const settled = await point(ask, options);
      const { code } = settled.answer;
      if (code === HoldCode.doesNotExist) return false;
      if (code !== HoldCode.released) throw unexpectedAnswer(ask, settled);
      return true;
    },
    async floor(options = {}) {
      const ask = { type: 'GetFloor' } as const;
      const settled = await point(ask, options);
      const { code, floor, live } = settled.answer;
      if (code !== HoldCode.got) throw unexpectedAnswer(ask, settled);
      return { timestamp: live === 0 ? undefined : floor, live };
    },
  };
}
