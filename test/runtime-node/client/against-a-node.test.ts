/** The client against the real thing: over HTTP to a node, and into a node of this process. The same tests for both. */

import { describe, expect, it, onTestFinished } from 'vitest';

import type { WavetankClient } from '../../../runtime-node/client/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { realNode } from '../support/real-node.js';
import { clientOf, failureOf } from './support.js';

const WAYS: readonly (readonly [string, () => Promise<WavetankClient>])[] = [
  ['over HTTP', overHttp],
  ['in this process', inThisProcess],
];

async function inThisProcess(): Promise<WavetankClient> {
  const node = await startEmbedded();
  onTestFinished(() => node.close());
  return node;
}

async function overHttp(): Promise<WavetankClient> {
  return clientOf([await realNode()]);
}

describe.each(WAYS)('a client %s', (_way, start) => {
  it('keeps keys, locks and sequences', async () => {
    const { keys, locks, sequences } = await start();

    const written = [await keys.set('a/1', 'one'), await keys.set('a/1', 'two', { ifRevision: 0 })];
    const lock = await locks.acquire('a/1', { expiresMs: 60_000 });
    const second = await locks.acquire('a/1', { expiresMs: 60_000 });
    await sequences.create('s', { initialValue: 10, increment: 2 });

    expect(written.map(({ written: is, revision }) => [is, revision])).toEqual([
      [true, 0],
      [true, 1],
    ]);
    expect([await keys.getText('a/1'), await keys.getText('a/1', { revision: 0 })]).toEqual(['two', 'one']);
    expect([lock.fencingToken, second.isAcquired]).toEqual([0, false]);
    expect([await lock.release(), await lock.release()]).toEqual([true, false]);
    expect(await sequences.reserve('s', 3)).toMatchObject({ start: 12, end: 16 });
  });

  it('keeps null and no bytes apart', async () => {
    const { keys } = await start();

    await keys.set('k', null);
    const none = await keys.getBytes('k');
    const swapped = await keys.set('k', '', { ifValue: '' });
    const really = await keys.set('k', '', { ifValue: null });

    expect([none, swapped.written, really.written]).toEqual([null, false, true]);
    expect(await keys.getBytes('k')).toEqual(new Uint8Array());
  });

  it('reads many keys: by batch, bucket, prefix and range, in order', async () => {
    const { keys } = await start();
    const names = Array.from({ length: 7 }, (_, i) => `menu/${i}`);

    await keys.setMany([...names, 'menus/1', 'men'].map((key) => ({ key, value: key })));
    const many = await keys.getMany(['menu/1', 'nothing']);
    const pages: string[][] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page = await keys.range('menu', { limit: 3, ...(cursor === '' ? {} : { cursor }) });
      pages.push(page.items.map(({ key }) => key));
      cursor = page.cursor;
    }

    expect(many.map(({ outcome }) => outcome)).toEqual(['got', 'doesNotExist']);
    expect((await keys.getByBucket('menu')).map(({ key }) => key)).toEqual(names);
    expect((await keys.scan('menu')).map(({ key }) => key)).toEqual([...names, 'menus/1']);
    expect(pages.flat()).toEqual(names);
    expect(pages.every((page) => page.length <= 3)).toBe(true);
  });

  it('shows one moment on all pages of a range', async () => {
    const { keys } = await start();
    for (const i of [1, 2, 3]) await keys.set(`r/${i}`, 'old');

    const seen: (string | undefined)[] = [];
    for await (const { value } of keys.iterate('r', { limit: 1 })) {
      seen.push(value === null ? undefined : new TextDecoder().decode(value));
      for (const i of [1, 2, 3]) await keys.set(`r/${i}`, 'new');
    }

    expect(seen).toEqual(['old', 'old', 'old']);
  });

  it('refuses the cursor of another range', async () => {
    const { keys } = await start();
    for (const i of [1, 2]) await keys.set(`r/${i}`, 'v');
    const { cursor = '' } = await keys.range('r', { limit: 1 });

    const failures = [
      await failureOf(keys.range('q', { cursor })),
      await failureOf(keys.range('r', { cursor, ephemeral: true })),
      await failureOf(keys.range('r', { cursor: 'garbage' })),
    ];

    expect(failures.map(({ code }) => code)).toEqual(['invalidInput', 'invalidInput', 'invalidInput']);
  });

  it('has a space of its own for ephemeral keys', async () => {
    const { keys } = await start();

    await keys.set('k', 'kept');
    await keys.set('k', 'fleeting', { ephemeral: true });

    expect([await keys.getText('k'), await keys.getText('k', { ephemeral: true })]).toEqual([
      'kept',
      'fleeting',
    ]);
  });

  it('ends keys and leases when their time is over', async () => {
    const { keys, locks } = await start();

    await keys.set('k', 'v', { expiresMs: 30 });
    const lock = await locks.acquire('r', { expiresMs: 30 });
    while (await keys.exists('k')) await new Promise((resolve) => setTimeout(resolve, 5));
    const next = await locks.acquire('r', { expiresMs: 60_000, waitMs: 60_000 });

    expect([lock.fencingToken, next.fencingToken]).toEqual([0, 1]);
    expect((await failureOf(lock.extend())).code).toBe('invalidOwner');
  });

  it('says what is wrong as a cluster does', async () => {
    const { keys, sequences, locks } = await start();

    expect(await failureOf(keys.set('', 'v'))).toMatchObject({
      code: 'invalidInput',
      isOutcomeUnknown: false,
    });
    expect((await failureOf(sequences.next('none'))).code).toBe('notFound');
    expect((await failureOf(locks.extend('none', 'me', 5))).code).toBe('lockDoesNotExist');
    const rows = await keys.setMany([
      { key: '', value: 'v' },
      { key: 'k', value: 'v' },
    ]);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['invalidInput', 'set']);
  });

  it('does not begin what was cancelled before', async () => {
    const { keys } = await start();

    const error = await failureOf(keys.set('k', 'v', { signal: AbortSignal.abort() }));

    expect([error.code, await keys.exists('k')]).toEqual(['cancelled', false]);
  });

  it('gives sequences: once each, the same for the same key, up to their end, and anew after a change', async () => {
    const { sequences } = await start();
    await sequences.create('s', { initialValue: -2, increment: 3, maxValue: 100, blockSize: 2 });

    const values = [await sequences.next('s'), await sequences.next('s'), await sequences.next('s')];
    const keyed = [
      await sequences.reserve('s', 2, { idempotencyKey: 'k' }),
      await sequences.reserve('s', 2, { idempotencyKey: 'k' }),
    ];

    expect(values).toEqual([1, 4, 7]);
    expect(keyed[0]).toEqual(keyed[1]);
    expect((await failureOf(sequences.reserve('s', 3, { idempotencyKey: 'k' }))).code).toBe('invalidInput');
    expect((await failureOf(sequences.reserve('s', 1_000))).code).toBe('maxValueExceeded');
    expect((await failureOf(sequences.create('s'))).code).toBe('alreadyExists');
    expect((await failureOf(sequences.update('s', {}))).code).toBe('invalidInput');
    const updated = await sequences.update('s', { currentValue: 1_000, maxValue: null, blockSize: null });
    expect(updated).toMatchObject({ currentValue: 1_000, maxValue: null, blockSize: null, increment: 3 });
    expect(await sequences.next('s')).toBe(1_003);
    expect([await sequences.delete('s'), await sequences.delete('s')]).toEqual([true, false]);
    expect(await sequences.get('s')).toBeUndefined();
  });

  it('reads history: by revision and by time', async () => {
    const { keys } = await start();
    await keys.set('h', 'one');
    const then = await keys.get('h');
    await keys.set('h', 'two');
    await keys.delete('h');

    const at = then === undefined ? {} : { at: then.lastModified };
    expect([await keys.getText('h'), await keys.getText('h', at)]).toEqual([undefined, 'one']);
    expect(await keys.getText('h', { revision: 1 })).toBe('two');
    expect((await keys.getMany(['h'], at)).map(({ outcome }) => outcome)).toEqual(['got']);
  });

  it('lets one of many have a lock at a time, each with a higher token', async () => {
    const { locks } = await start();
    const tokens: number[] = [];
    let holders = 0;

    const work = Array.from({ length: 5 }, async () => {
      await using lock = await locks.acquire('r', { expiresMs: 60_000, waitMs: 60_000, retryMs: 1 });
      expect((holders += 1)).toBe(1);
      tokens.push(lock.fencingToken);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
    });
    await Promise.all(work);

    expect(tokens).toEqual([0, 1, 2, 3, 4]);
  });
});
