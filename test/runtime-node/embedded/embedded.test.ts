import { describe, expect, it, onTestFinished } from 'vitest';

import {
  startEmbedded,
  StartRefused,
  type EmbeddedNode,
  type EmbeddedOptions,
} from '../../../runtime-node/embedded/index.js';
import { failureOf } from '../client/support.js';
import { temporaryFolder } from '../support/temporary-folder.js';

async function embedded(options: EmbeddedOptions = {}): Promise<EmbeddedNode> {
  const node = await startEmbedded(options);
  onTestFinished(() => node.close());
  return node;
}

describe('a node in this process', () => {
  it('keeps keys, locks and sequences', async () => {
    const { keys, locks, sequences } = await embedded();

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
    const { keys } = await embedded();

    await keys.set('k', null);
    const none = await keys.getBytes('k');
    const swapped = await keys.set('k', '', { ifValue: '' });
    const really = await keys.set('k', '', { ifValue: null });

    expect([none, swapped.written, really.written]).toEqual([null, false, true]);
    expect(await keys.getBytes('k')).toEqual(new Uint8Array());
  });

  it('shares no bytes with its program', async () => {
    const { keys, locks } = await embedded();
    const bytes = Buffer.from('abc');

    await keys.set('b/1', bytes);
    await keys.setMany([{ key: 'b/2', value: bytes }]);
    await locks.acquire('b', { expiresMs: 60_000, owner: bytes });
    bytes.fill(0);
    for (const read of [keys.get('b/1'), keys.get('b/2'), locks.info('b')]) {
      const found: { readonly value?: Uint8Array | null; readonly owner?: Uint8Array } | undefined =
        await read;
      (found?.value ?? found?.owner)?.fill(0);
    }
    for (const { value } of await keys.getByBucket('b')) value?.fill(0);
    for (const { value } of await keys.getMany(['b/1'])) value?.fill(0);

    expect([await keys.getText('b/1'), await keys.getText('b/2')]).toEqual(['abc', 'abc']);
    expect((await locks.info('b'))?.owner).toEqual(new Uint8Array(Buffer.from('abc')));
  });

  it('reads many keys: by batch, bucket, prefix and range, in order', async () => {
    const { keys } = await embedded();
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
    const { keys } = await embedded();
    for (const i of [1, 2, 3]) await keys.set(`r/${i}`, 'old');

    const seen: (string | undefined)[] = [];
    for await (const { value } of keys.iterate('r', { limit: 1 })) {
      seen.push(value === null ? undefined : new TextDecoder().decode(value));
      for (const i of [1, 2, 3]) await keys.set(`r/${i}`, 'new');
    }

    expect(seen).toEqual(['old', 'old', 'old']);
  });

  it('refuses the cursor of another range', async () => {
    const { keys } = await embedded();
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
    const { keys } = await embedded();

    await keys.set('k', 'kept');
    await keys.set('k', 'fleeting', { ephemeral: true });

    expect([await keys.getText('k'), await keys.getText('k', { ephemeral: true })]).toEqual([
      'kept',
      'fleeting',
    ]);
  });

  it('ends keys and leases when their time is over', async () => {
    const { keys, locks } = await embedded();

    await keys.set('k', 'v', { expiresMs: 30 });
    const lock = await locks.acquire('r', { expiresMs: 30 });
    while (await keys.exists('k')) await new Promise((resolve) => setTimeout(resolve, 5));
    const next = await locks.acquire('r', { expiresMs: 60_000, waitMs: 60_000 });

    expect([lock.fencingToken, next.fencingToken]).toEqual([0, 1]);
    expect((await failureOf(lock.extend())).code).toBe('invalidOwner');
  });

  it('says what is wrong as a cluster does', async () => {
    const { keys, sequences, locks } = await embedded();

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
    const { keys } = await embedded();

    const error = await failureOf(keys.set('k', 'v', { signal: AbortSignal.abort() }));

    expect([error.code, await keys.exists('k')]).toEqual(['cancelled', false]);
  });

  it('takes nothing more once it is closed', async () => {
    const node = await embedded();

    const underWay = node.keys.set('k', 'v').catch((error: unknown) => error);
    await node.close();
    await node.close();

    expect(await underWay).toMatchObject({ code: 'closed', isOutcomeUnknown: true });
    expect(await failureOf(node.keys.get('k'))).toMatchObject({ code: 'closed' });
  });

  it('describes itself', async () => {
    const node = await embedded({ partitions: 2 });

    expect(node.status().groups.map(({ group, role }) => [group, role])).toEqual([
      [0, 'leader'],
      [1, 'leader'],
      [2, 'leader'],
    ]);
  });

  it('refuses settings that make no sense', async () => {
    await expect(startEmbedded({ partitions: 0 })).rejects.toThrow(StartRefused);
  });
});

describe('a node with a folder', () => {
  it('has all that is not ephemeral when it is started again', async () => {
    const folder = await temporaryFolder();

    {
      await using node = await startEmbedded({ folder });
      await node.keys.set('k', 'v');
      await node.keys.set('k', 'v', { ephemeral: true });
      await node.locks.acquire('r', { expiresMs: 600_000, owner: 'me' });
      await node.sequences.create('s', { blockSize: 1 });
      await node.sequences.next('s');
    }
    const { keys, locks, sequences } = await embedded({ folder });

    expect([await keys.getText('k'), await keys.getText('k', { ephemeral: true })]).toEqual(['v', undefined]);
    expect(await locks.info('r')).toMatchObject({ owner: new TextEncoder().encode('me'), fencingToken: 0 });
    expect(await sequences.next('s')).toBe(2);
  });

  it('is the only one', async () => {
    const folder = await temporaryFolder();
    await embedded({ folder });

    await expect(startEmbedded({ folder })).rejects.toThrow(/in use/);
  });
});
