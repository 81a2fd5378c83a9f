import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { FACES, freshName, sayable, startService, until, type Service } from './start.js';

const LONG = 60_000;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe.each(FACES)('locks by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  const lock = (resource: string, owner: string | null, rest: Fields = {}): Promise<Fields> =>
    driver.call('locks/try-lock', { resource, owner, expiresMs: LONG, ...rest });
  const extend = (resource: string, owner: string | null, expiresMs: number): Promise<Fields> =>
    driver.call('locks/try-extend', { resource, owner, expiresMs });
  const unlock = (resource: string, owner: string | null): Promise<Fields> =>
    driver.call('locks/try-unlock', { resource, owner });
  const info = (resource: string, rest: Fields = {}): Promise<Fields> =>
    driver.call('locks/get-info', { resource, ...rest });
  const ended = (resource: string): Promise<Fields> =>
    until(
      () => info(resource),
      ({ type }) => type !== 4,
    );

  it('are granted with token 0 first, and with one more after each release', async () => {
    const name = freshName('lock');

    expect(await lock(name, 'a')).toMatchObject({ type: 0, fencingToken: 0 });
    expect(await unlock(name, 'a')).toMatchObject({ type: 3 });
    expect(await lock(name, 'b')).toMatchObject({ type: 0, fencingToken: 1 });
  });

  it('are busy for another owner, and the same for the same one, whose lease is not prolonged', async () => {
    const name = freshName('lock');
    await lock(name, 'a');
    const before = await info(name);

    expect(await lock(name, 'b')).toMatchObject({ type: 1, fencingToken: 0 });
    expect(await lock(name, 'a', { expiresMs: 2 * LONG })).toMatchObject({ type: 0, fencingToken: 0 });
    expect(await info(name)).toEqual(before);
    expect(before).toMatchObject({ type: 4, owner: 'a', fencingToken: 0 });
  });

  it('are told with owner, token and end; one that is free does not exist', async () => {
    const name = freshName('lock');
    expect(await info(name)).toMatchObject({ type: 102, owner: null, fencingToken: 0 });

    const before = Date.now();
    await lock(name, 'a');
    const { expires } = await info(name);

    expect((expires as { readonly l: number }).l).toBeGreaterThanOrEqual(before + LONG);
  });

  it('can be extended by their owner alone, with an unchanged token, to a lease that may be shorter', async () => {
    const name = freshName('lock');
    expect(await extend(name, 'a', LONG)).toMatchObject({ type: 102 });
    await lock(name, 'a');

    expect(await extend(name, 'b', LONG)).toMatchObject({ type: 103 });
    expect(await extend(name, 'a', 1)).toMatchObject({ type: 2, fencingToken: 0 });
    expect(await ended(name)).toMatchObject({ type: 102 });
  });

  it('cannot be extended once they have ended, and get the next token even for the same owner', async () => {
    const name = freshName('lock');
    await lock(name, 'a', { expiresMs: 1 });
    await ended(name);

    expect(await extend(name, 'a', LONG)).toMatchObject({ type: 102 });
    expect(await lock(name, 'a')).toMatchObject({ type: 0, fencingToken: 1 });
  });

  it('are released by their owner even when they have ended, and by nobody else', async () => {
    const name = freshName('lock');
    expect(await unlock(name, 'a')).toMatchObject({ type: 102 });
    await lock(name, 'a', { expiresMs: 1 });
    await ended(name);

    expect(await unlock(name, 'b')).toMatchObject({ type: 103 });
    expect(await unlock(name, 'a')).toMatchObject({ type: 3 });
    expect(await unlock(name, 'a')).toMatchObject({ type: 102 });
  });

  it('are other ones in memory than in the log', async () => {
    const name = freshName('lock');
    const memory = { durability: 0 };

    expect(await lock(name, 'a', memory)).toMatchObject({ type: 0, fencingToken: 0 });
    expect(await lock(name, 'b')).toMatchObject({ type: 0, fencingToken: 0 });
    expect(await info(name, memory)).toMatchObject({ type: 4, owner: 'a' });
    expect(await info(name)).toMatchObject({ type: 4, owner: 'b' });
  });

  it('are granted to exactly one of many who ask at once', async () => {
    const name = freshName('lock');

    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => lock(name, `owner-${index}`)));

    expect(answers.filter(({ type }) => type === 0)).toHaveLength(1);
    expect(answers.filter(({ type }) => type === 1)).toHaveLength(19);
  });

  it.each(
    sayable(face, [
      ['locks/try-lock', { resource: '', owner: 'a', expiresMs: 5 }],
      ['locks/try-lock', { resource: 'r', owner: null, expiresMs: 5 }],
      ['locks/try-lock', { resource: 'r', owner: '', expiresMs: 5 }],
      ['locks/try-lock', { resource: 'r', owner: 'a', expiresMs: 0 }],
      ['locks/try-lock', { resource: 'r', owner: 'a', expiresMs: -1 }],
      ['locks/try-lock', { resource: 'r', owner: 'a', expiresMs: 5, durability: 7 }],
      ['locks/try-extend', { resource: '', owner: 'a', expiresMs: 5 }],
      ['locks/try-extend', { resource: 'r', owner: null, expiresMs: 5 }],
      ['locks/try-extend', { resource: 'r', owner: '', expiresMs: 5 }],
      ['locks/try-extend', { resource: 'r', owner: 'a', expiresMs: 0 }],
      ['locks/try-extend', { resource: 'r', owner: 'a', expiresMs: -1 }],
      ['locks/try-unlock', { resource: '', owner: 'a' }],
      ['locks/try-unlock', { resource: 'r', owner: null }],
      ['locks/try-unlock', { resource: 'r', owner: '' }],
      ['locks/get-info', { resource: '' }],
    ] as const),
  )('are not given for %s %o', async (path, body) => {
    expect(await driver.call(path, body)).toMatchObject({ type: 100 });
  });
});
