import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { fakeNode } from '../support/fake-node.js';
import { BUSY, byPath, EXTENDED, LOCKED, NO_LOCK, NOT_YOURS, UNLOCKED } from './lock-answers.js';
import { clientOf, failureOf, MUST_RETRY } from './support.js';

describe('acquiring a lock', () => {
  it('gives a lock with an owner of 32 hex characters and the token', async () => {
    const node = await fakeNode(LOCKED);

    const lock = await clientOf([node.endpoint]).locks.acquire('jobs/a', { expiresMs: 60_000 });

    expect(lock).toMatchObject({ isAcquired: true, resource: 'jobs/a', fencingToken: 4 });
    expect(lock.owner).toMatch(/^[0-9a-f]{32}$/);
    expect(lock.leftMs()).toBeGreaterThan(0);
    expect(node.asked[0]).toMatchObject({
      path: '/v1/locks/try-lock',
      body: {
        resource: 'jobs/a',
        owner: Buffer.from(lock.owner as string).toString('base64'),
        expiresMs: 60_000,
        durability: 1,
      },
    });
  });

  it('takes the owner and the key space that it is told', async () => {
    const node = await fakeNode(LOCKED);
    const owner = new Uint8Array([0, 255]);

    await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 1_000, owner, ephemeral: true });

    expect(node.asked[0]?.body).toMatchObject({ owner: 'AP8=', durability: 0 });
  });

  it('is one attempt without a wait, and a lock that is not acquired has neither owner nor token', async () => {
    const node = await fakeNode(BUSY);

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 1_000 });

    expect(node.asked).toHaveLength(1);
    expect([lock.isAcquired, lock.leftMs(), lock.signal.aborted]).toEqual([false, 0, true]);
    expect(() => lock.owner).toThrow(/was not acquired/);
    expect(() => lock.fencingToken).toThrow(/was not acquired/);
    await expect(lock.extend()).rejects.toThrow(/was not acquired/);
    expect(await lock.release()).toBe(false);
  });

  it('waits, with the same owner, and with pauses of at least 100 ms', async () => {
    const node = await fakeNode(BUSY, BUSY, LOCKED);
    const startedAt = performance.now();

    const options = { expiresMs: 1_000, waitMs: 600_000, retryMs: 1 };
    const lock = await clientOf([node.endpoint]).locks.acquire('a', options);

    expect(lock.isAcquired).toBe(true);
    expect(new Set(node.asked.map(({ body }) => body['owner'])).size).toBe(1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
  });

  it('gives up when the wait is over, after one more attempt', async () => {
    const node = await fakeNode(BUSY);

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 1_000, waitMs: 120 });

    expect([lock.isAcquired, node.asked.length]).toEqual([false, 2]);
  });

  it('attempts no more after that one, although the timer was early by the clock', async () => {
    const node = await fakeNode(BUSY);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    onTestFinished(() => clock.mockRestore());

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 1_000, waitMs: 20 });

    expect([lock.isAcquired, node.asked.length]).toEqual([false, 2]);
  });

  it('refuses to wait without a pause', async () => {
    const node = await fakeNode(BUSY);
    const { locks } = clientOf([node.endpoint]);

    const error = await failureOf(locks.acquire('a', { expiresMs: 1_000, waitMs: 500, retryMs: 0 }));

    expect([error.code, node.asked.length]).toEqual(['invalidInput', 0]);
  });

  it('obeys "try again" without end, however short the patience with silence is', async () => {
    const node = await fakeNode(...Array.from({ length: 40 }, () => MUST_RETRY), LOCKED);
    const { locks } = clientOf([node.endpoint], { timeoutMs: 150 });

    const lock = await locks.acquire('a', { expiresMs: 60_000 });

    expect([lock.isAcquired, node.asked.length]).toEqual([true, 41]);
  });

  it('ends by its signal, and gives back what it may have acquired', async () => {
    const node = await fakeNode((asked) => (asked.path.endsWith('unlock') ? NO_LOCK : MUST_RETRY));
    const { locks } = clientOf([node.endpoint]);
    const controller = new AbortController();

    const acquired = failureOf(locks.acquire('a', { expiresMs: 1_000, signal: controller.signal }));
    while (node.asked.length < 3) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();

    expect(await acquired).toMatchObject({ code: 'cancelled', isOutcomeUnknown: true });
    await vi.waitUntil(() => node.asked.some(({ path }) => path.endsWith('unlock')));
    expect(node.asked.at(-1)?.body['owner']).toBe(node.asked[0]?.body['owner']);
  });

  it('throws what is neither yes nor no', async () => {
    const node = await fakeNode({ type: 100, reason: 'expiresMs' });
    const { locks } = clientOf([node.endpoint]);

    expect(await failureOf(locks.acquire('a', { expiresMs: 0 }))).toMatchObject({
      code: 'invalidInput',
      reason: 'expiresMs',
    });
  });
});

describe('a lock that is held', () => {
  it('is released at the end of its block, once', async () => {
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-unlock': [UNLOCKED] }));
    const { locks } = clientOf([node.endpoint]);

    {
      await using lock = await locks.acquire('a', { expiresMs: 60_000 });
      expect(lock.signal.aborted).toBe(false);
    }
    {
      await using lock = await locks.acquire('a', { expiresMs: 60_000 });
      expect(await lock.release()).toBe(true);
      expect([lock.signal.aborted, lock.leftMs()]).toEqual([true, 0]);
    }

    expect(node.asked.map(({ path }) => path.slice(10))).toEqual([
      'try-lock',
      'try-unlock',
      'try-lock',
      'try-unlock',
    ]);
  });

  it('does not fail its block when it cannot be released, but says so', async () => {
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-unlock': [{ type: 99 }] }));
    const heard: unknown[] = [];
    const { locks } = clientOf([node.endpoint], { onBackgroundError: (error) => heard.push(error) });

    {
      await using lock = await locks.acquire('a', { expiresMs: 60_000 });
      expect(lock.isAcquired).toBe(true);
    }

    expect(heard).toMatchObject([{ code: 'errored' }]);
  });

  it('is over by its signal when its lease is', async () => {
    const node = await fakeNode(LOCKED);

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 60 });
    await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));

    expect(lock.leftMs()).toBe(0);
    expect(lock.signal.reason).toMatchObject({ code: 'lockDoesNotExist' });
  });

  it('lives on when it is extended, as long as it was asked for', async () => {
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-extend': [EXTENDED] }));

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 5_000 });
    await lock.extend();
    await lock.extend(600_000);

    expect(lock.leftMs()).toBeGreaterThan(5_000);
    expect(node.asked.map(({ body }) => body['expiresMs'])).toEqual([5_000, 5_000, 600_000]);
  });

  it.each([
    [NO_LOCK, 'lockDoesNotExist'],
    [NOT_YOURS, 'invalidOwner'],
  ])('is lost when an extension is answered with %o', async (answer, code) => {
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-extend': [answer] }));

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 60_000 });
    const error = await failureOf(lock.extend());

    expect(error).toMatchObject({ code, isOutcomeUnknown: false, operation: 'ExtendLock a' });
    expect([lock.signal.aborted, lock.leftMs()]).toEqual([true, 0]);
  });
});

describe('a lock that is extended automatically', () => {
  it('outlives its first lease, and is extended no more once it is released', async () => {
    const node = await fakeNode(
      byPath({ 'try-lock': [LOCKED], 'try-extend': [EXTENDED], 'try-unlock': [UNLOCKED] }),
    );
    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 1_500, autoExtend: true });

    await vi.waitUntil(() => node.asked.length >= 4, { timeout: 60_000 });
    expect(lock.signal.aborted).toBe(false);
    await lock.release();
    const asked = node.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 600));

    expect(node.asked.length).toBe(asked);
  });

  it('comes through an extension that fails', async () => {
    const extensions = [{ type: 99, reason: 'later' }, EXTENDED];
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-extend': extensions }));
    const heard: unknown[] = [];
    const { locks } = clientOf([node.endpoint], { onBackgroundError: (error) => heard.push(error) });

    const lock = await locks.acquire('a', { expiresMs: 3_000, autoExtend: true });
    await vi.waitUntil(() => node.asked.length >= 4, { timeout: 60_000 });

    expect(lock.signal.aborted).toBe(false);
    expect(heard).toMatchObject([{ code: 'errored' }]);
  });

  it('says by its signal that it was lost', async () => {
    const node = await fakeNode(byPath({ 'try-lock': [LOCKED], 'try-extend': [NOT_YOURS] }));

    const lock = await clientOf([node.endpoint]).locks.acquire('a', { expiresMs: 60, autoExtend: true });
    await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));

    expect(lock.signal.reason).toMatchObject({ code: 'invalidOwner' });
  });
});
