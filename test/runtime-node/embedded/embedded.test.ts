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
  it('reads back what left its memory, without a folder too', async () => {
    const { keys } = await embedded({ tuning: { maxValueBytesInMemory: 0 } });

    await keys.set('k', 'x'.repeat(1_000));
    await keys.set('k', 'y'.repeat(1_000));

    expect(await keys.getText('k')).toBe('y'.repeat(1_000));
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

  it('keeps no more values in memory than it may, and has all of them, now and when it is started again', async () => {
    const folder = await temporaryFolder();
    const tuning = { maxValueBytesInMemory: 16 << 10, snapshotEveryEntries: 30, snapshotPercentOfRecords: 0 };
    const valueOf = (i: number): string => `${i}/`.repeat(500).slice(0, 1_024);
    const keysOf = Array.from({ length: 160 }, (_, i) => i);
    const wrong = async (node: EmbeddedNode): Promise<readonly number[]> => {
      const texts = await Promise.all(keysOf.map((i) => node.keys.getText(`k/${i}`)));
      return keysOf.filter((i) => texts[i] !== valueOf(i));
    };

    {
      await using node = await startEmbedded({ folder, tuning });
      for (const i of keysOf) await node.keys.set(`k/${i}`, valueOf(i));
      expect(node.status().values.bytesInMemory).toBeGreaterThan(0);
      expect(node.status().values.bytesInMemory).toBeLessThanOrEqual(16 << 10);
      expect(await wrong(node)).toEqual([]);
      expect(node.status().values.bytesInMemory).toBeLessThanOrEqual(16 << 10);
    }
    const again = await embedded({ folder, tuning });

    expect(await wrong(again)).toEqual([]);
    expect(again.status().values.bytesInMemory).toBeLessThanOrEqual(16 << 10);
  });

  it('is the only one', async () => {
    const folder = await temporaryFolder();
    await embedded({ folder });

    await expect(startEmbedded({ folder })).rejects.toThrow(/in use/);
  });
});
