import { describe, expect, it } from 'vitest';

import { fakeNode } from '../support/fake-node.js';
import { byPath, EXTENDED, LOCKED, NO_LOCK, NOT_YOURS, UNLOCKED } from './lock-answers.js';
import { clientOf, failureOf, MUST_RETRY } from './support.js';

describe('release, extend and info by name', () => {
  it('a release has an operation id, so that it is done once; a lease that is asked for again is asked for anew', async () => {
    const node = await fakeNode(
      byPath({ 'try-lock': [LOCKED], 'try-extend': [EXTENDED], 'try-unlock': [UNLOCKED] }),
    );
    const { locks } = clientOf([node.endpoint]);

    const lock = await locks.acquire('a', { expiresMs: 60_000 });
    await lock.extend();
    await lock.release();

    expect(node.asked.map(({ body }) => typeof body['operationIdLow'])).toEqual([
      'undefined',
      'undefined',
      'number',
    ]);
  });

  it('release says false where somebody else holds it, or nobody', async () => {
    const node = await fakeNode(UNLOCKED, NOT_YOURS, NO_LOCK);
    const { locks } = clientOf([node.endpoint]);

    const released = [];
    for (let i = 0; i < 3; i += 1) released.push(await locks.release('a', 'me'));

    expect(released).toEqual([true, false, false]);
    expect(node.asked[0]).toMatchObject({
      path: '/v1/locks/try-unlock',
      body: { owner: 'bWU=', durability: 1 },
    });
  });

  it('release says true when an attempt whose answer was lost may have done it', async () => {
    const node = await fakeNode('hang up', NO_LOCK);

    expect(await clientOf([node.endpoint]).locks.release('a', 'me')).toBe(true);
  });

  it('extend gives the token', async () => {
    const node = await fakeNode(EXTENDED);

    expect(await clientOf([node.endpoint]).locks.extend('a', 'me', 9_000)).toBe(4);
    expect(node.asked[0]).toMatchObject({ path: '/v1/locks/try-extend', body: { expiresMs: 9_000 } });
  });

  it('info gives the holder, or nothing', async () => {
    const node = await fakeNode(
      { type: 4, owner: 'bWU=', fencingToken: 4, expires: { n: 1, l: 9, c: 2 } },
      NO_LOCK,
    );
    const { locks } = clientOf([node.endpoint]);

    expect(await locks.info('a')).toEqual({
      owner: new Uint8Array(Buffer.from('me')),
      fencingToken: 4,
      expires: { node: 1, wall: 9, counter: 2 },
    });
    expect(await locks.info('a', { ephemeral: true })).toBeUndefined();
    expect(node.asked[1]).toMatchObject({ path: '/v1/locks/get-info', body: { durability: 0 } });
  });

  it('fail with "must retry" when that is all that the nodes say', async () => {
    const node = await fakeNode(MUST_RETRY);
    const { locks } = clientOf([node.endpoint]);

    expect((await failureOf(locks.release('a', 'me', { timeoutMs: 50 }))).code).toBe('mustRetry');
    expect((await failureOf(locks.extend('a', 'me', 5, { timeoutMs: 50 }))).code).toBe('mustRetry');
    expect((await failureOf(locks.info('a', { timeoutMs: 50 }))).code).toBe('mustRetry');
  });
});
