import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { FACES, freshName, startService, until, type Service } from './start.js';

const LONG = 60_000;
const ZERO = { n: 0, l: 0, c: 0 };

let service: Service;
/** The past is bounded here as it is by default nowhere. */
const BOUNDED = { persistentRevisionRetentionCount: 1, persistentRevisionCleanupMs: 50 };

beforeAll(async () => {
  service = await startService({
    tuning: { electionTimeoutMs: 20, heartbeatIntervalMs: 5, ...BOUNDED },
  });
});
afterAll(() => service.stop());

describe.each(FACES)('snapshot holds by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  const acquire = (holderId: string, timestamp: Fields, leaseMs = LONG): Promise<Fields> =>
    driver.call('kv/snapshot-hold/acquire', { holderId, timestamp, leaseMs });
  const renew = (holdId: unknown, leaseMs: number): Promise<Fields> =>
    driver.call('kv/snapshot-hold/renew', { holdId, leaseMs });
  const release = (holdId: unknown): Promise<Fields> => driver.call('kv/snapshot-hold/release', { holdId });
  const floor = (): Promise<Fields> => driver.call('kv/snapshot-floor', {});

  it('are acquired, renewed and released; the floor is the earliest time, to the last digit', async () => {
    const early = { n: 7, l: 1_000, c: 4_294_967_295 };
    const late = { n: 0, l: 1_000_000, c: 3 };
    expect(await floor()).toMatchObject({ type: 3, effectiveFloor: ZERO, liveHolds: 0 });

    const before = Date.now();
    const first = await acquire('a', late);
    const second = await acquire('a', early);

    expect(first).toMatchObject({ type: 0, holdId: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
    expect((first.leaseExpiry as { readonly l: number }).l).toBeGreaterThanOrEqual(before + LONG);
    expect(await floor()).toMatchObject({ type: 3, effectiveFloor: early, liveHolds: 2 });
    expect(await renew(second.holdId, 2 * LONG)).toMatchObject({ type: 0 });
    expect(await release(second.holdId)).toMatchObject({ type: 4 });
    expect(await floor()).toMatchObject({ type: 3, effectiveFloor: late, liveHolds: 1 });
    expect(await release(first.holdId)).toMatchObject({ type: 4 });
    expect(await floor()).toMatchObject({ type: 3, effectiveFloor: ZERO, liveHolds: 0 });
  });

  it('are one for one holder and time, with the newest lease', async () => {
    const name = freshName('holder');
    const first = await acquire(name, { n: 1, l: 5, c: 0 });
    const again = await acquire(name, { n: 1, l: 5, c: 0 }, 2 * LONG);
    const other = await acquire(name, { n: 1, l: 5, c: 1 });

    expect(again.holdId).toBe(first.holdId);
    expect((again.leaseExpiry as { readonly l: number }).l).toBeGreaterThan(
      (first.leaseExpiry as { readonly l: number }).l,
    );
    expect(other.holdId).not.toBe(first.holdId);
    expect(await floor()).toMatchObject({ liveHolds: 2 });
    for (const { holdId } of [first, other]) expect(await release(holdId)).toMatchObject({ type: 4 });
  });

  it('are gone when their lease is over, or when they were released', async () => {
    const { holdId } = await acquire('a', { n: 1, l: 5, c: 0 }, 1);
    await until(floor, ({ liveHolds }) => liveHolds === 0);

    expect(await renew(holdId, LONG)).toMatchObject({ type: 103, leaseExpiry: ZERO });
    expect(await release(holdId)).toMatchObject({ type: 103 });
    expect(await release('00ff')).toMatchObject({ type: 103 });
  });

  it('are refused for what makes no sense', async () => {
    const at = { n: 1, l: 5, c: 0 };
    expect(await acquire('', at)).toMatchObject({ type: 100, holdId: '', leaseExpiry: ZERO });
    expect(await acquire('a', at, 0)).toMatchObject({ type: 100 });
    expect(await acquire('a', at, -1)).toMatchObject({ type: 100 });
    expect(await acquire('a', ZERO)).toMatchObject({ type: 100 });
    expect(await renew('00ff', 0)).toMatchObject({ type: 100 });
    expect(await renew('', LONG)).toMatchObject({ type: 100 });
    expect(await release('')).toMatchObject({ type: 100 });
    expect(await floor()).toMatchObject({ liveHolds: 0 });
  });

  it('keep what was superseded readable, however often', async () => {
    const key = freshName('held');
    await driver.call('kv/try-set', { key, value: 'first' });
    const { lastModified } = await driver.call('kv/try-get', { key });
    const { holdId } = await acquire(key, lastModified as Fields);
    for (let i = 0; i < 40; i += 1) await driver.call('kv/try-set', { key, value: `value ${i}` });

    const then = await driver.call('kv/try-get', { key, readTimestamp: lastModified });
    await release(holdId);

    expect(then).toMatchObject({ type: 3, value: 'first', revision: 0 });
    // The floor rises when the hold has been gone for a while.
    const forgotten = await until(
      () => driver.call('kv/try-get', { key, readTimestamp: lastModified }),
      ({ type }) => type !== 3,
    );
    expect(forgotten).toMatchObject({ type: 99 });
  });
});
