import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Level } from 'level';
import { describe, expect, it } from 'vitest';

import { writeNumber, type StorageChange } from '../../../core/machine/index.js';
import { openStorage, StartRefused, type DataIdentity, type Storage } from '../../../runtime-node/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { textCodec } from '../support/text-codec.js';

const identity: DataIdentity = { cluster: 'test', node: 1, partitions: 8, voters: [1, 2, 3] };

function opened(folder: string, other: Partial<DataIdentity> = {}): Promise<Storage<string>> {
  return openStorage({ folder, identity: { ...identity, ...other }, codec: textCodec });
}

/** Writes, waits until all is durable, and closes. */
async function writeAll(
  folder: string,
  writes: readonly (readonly StorageChange<string>[])[],
): Promise<void> {
  const storage = await opened(folder);
  storage.start({ completed: () => undefined, failed: () => undefined });
  for (const [i, changes] of writes.entries())
    storage.write({ type: 'Persist', write: writeNumber(i + 1), changes });
  await storage.close();
}

async function loadAll(folder: string): Promise<readonly (readonly [string, string])[]> {
  const storage = await opened(folder);
  try {
    return (await storage.load()).map(({ key, value }) => [key, value] as const);
  } finally {
    await storage.close();
  }
}

const put = (key: string, value: string): StorageChange<string> => ({ type: 'Put', key, value });
const drop = (from: string, before: string): StorageChange<string> => ({ type: 'DropRange', from, before });

describe('a data folder', () => {
  it('is made where it is missing, and is empty at first', async () => {
    const folder = join(await temporaryFolder(), 'some', 'where');

    const records = await loadAll(folder);

    expect(records).toEqual([]);
  });

  it('gives back what was written, in ascending order of keys, with later writes over earlier ones', async () => {
    const folder = await temporaryFolder();

    await writeAll(folder, [
      [put('b', '1'), put('a/2', '2')],
      [put('a/10', '3'), put('b', '4')],
      [put('Z', '')],
    ]);

    expect(await loadAll(folder)).toEqual([
      ['Z', ''],
      ['a/10', '3'],
      ['a/2', '2'],
      ['b', '4'],
    ]);
  });

  it('drops a range up to its end, which stays', async () => {
    const folder = await temporaryFolder();

    await writeAll(folder, [[put('a', '1'), put('b', '2'), put('c', '3'), put('d', '4')], [drop('b', 'd')]]);

    expect(await loadAll(folder)).toEqual([
      ['a', '1'],
      ['d', '4'],
    ]);
  });

  it('drops a single key in the write in which it is asked for, whether it is there or not', async () => {
    const folder = await temporaryFolder();

    await writeAll(folder, [
      [put('a', '1'), put('b', '2')],
      [{ type: 'Drop', key: 'a' }, { type: 'Drop', key: 'nothing' }, put('c', '3')],
    ]);

    expect(await loadAll(folder)).toEqual([
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it('hands over no cold record, and all that lies around them', async () => {
    const folder = await temporaryFolder();

    await writeAll(folder, [
      [put('a', '1'), put('cold/1', '2'), put('cold', '3'), put('colder', '4'), put('d', '5')],
    ]);

    expect(await loadAll(folder)).toEqual([
      ['a', '1'],
      ['cold', '3'],
      ['colder', '4'],
      ['d', '5'],
    ]);
  });

  it('gives a cold record to whoever reads it, and nothing where there is none', async () => {
    const folder = await temporaryFolder();
    await writeAll(folder, [[put('cold/1', 'one'), put('cold/2', 'two')], [drop('cold/2', 'cold/3')]]);

    const storage = await opened(folder);
    const found = [await storage.read('cold/1'), await storage.read('cold/2'), await storage.read('cold/3')];
    await storage.close();

    expect(found).toEqual(['one', undefined, undefined]);
  });

  it('gives no cold record that is damaged', async () => {
    const folder = await temporaryFolder();
    await writeAll(folder, [[put('cold/1', 'one')]]);
    const database = new Level<string, Uint8Array>(folder, { keyEncoding: 'utf8', valueEncoding: 'view' });
    const sealed = await database.get('data/cold/1');
    await database.put(
      'data/cold/1',
      Uint8Array.from(sealed ?? [], (byte, at) => (at === 1 ? byte ^ 1 : byte)),
    );
    await database.close();

    const storage = await opened(folder);
    const reading = storage.read('cold/1');

    await expect(reading).rejects.toThrow('its checksum does not match');
    await storage.close();
  });

  it('keeps what is written into a range after it was dropped, in the same write and in a later one', async () => {
    const folder = await temporaryFolder();

    await writeAll(folder, [
      [put('b', 'old'), put('c', 'old'), put('d', 'old')],
      [drop('a', 'z'), put('c', 'new')],
      [put('d', 'new')],
    ]);

    expect(await loadAll(folder)).toEqual([
      ['c', 'new'],
      ['d', 'new'],
    ]);
  });

  it('refuses keys that LevelDB would order differently', async () => {
    const storage = await opened(await temporaryFolder());
    const failed = new Promise<string>((resolve) =>
      storage.start({ completed: () => undefined, failed: (_write, reason) => resolve(reason) }),
    );

    storage.write({ type: 'Persist', write: writeNumber(1), changes: [put('é', '1')] });

    expect(await failed).toContain('storage keys are ASCII');
    await storage.close();
  });
});

describe('the voters with whom a cluster began', () => {
  it('are those of the first start, whatever a later one says', async () => {
    const folder = await temporaryFolder();
    await (await opened(folder)).close();

    const again = await opened(folder, { voters: [1, 2, 3, 4, 5] });
    await again.close();

    expect(again.identity.voters).toEqual([1, 2, 3]);
  });
});

describe('a data folder is refused', () => {
  it.each([
    [{ cluster: 'other' }, 'its cluster is test, but this node was started with other'],
    [{ node: 2 }, 'its node id is 1, but this node was started with 2'],
    [{ partitions: 16 }, 'its number of partitions is 8, but this node was started with 16'],
  ])('when it was made with other settings than %o', async (other, message) => {
    const folder = await temporaryFolder();
    await (await opened(folder)).close();

    const refusal = await opened(folder, other).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(StartRefused);
    expect(String(refusal)).toContain(message);
    expect(String(refusal)).toContain('--data');
    await (await opened(folder)).close();
  });

  it('when a newer version wrote it', async () => {
    const folder = await temporaryFolder();
    await withDatabase(folder, (database) =>
      database.put('identity', JSON.stringify({ format: 3, ...identity, somethingNew: true })),
    );

    await expect(opened(folder)).rejects.toThrow(/format version 3, but this program reads versions up to 2/);
  });

  it('when an older version wrote it, in a form that is no longer read', async () => {
    const folder = await temporaryFolder();
    await withDatabase(folder, (database) =>
      database.put('identity', JSON.stringify({ format: 1, ...identity })),
    );

    await expect(opened(folder)).rejects.toThrow(
      /format version 1, but this program reads versions from 2 on: an older Wavetank wrote it/,
    );
  });

  it('when its identity cannot be read', async () => {
    const folder = await temporaryFolder();
    await withDatabase(folder, (database) => database.put('identity', 'what?'));

    await expect(opened(folder)).rejects.toThrow(/is damaged: its identity cannot be read/);
  });

  it('while another node has it open', async () => {
    const folder = await temporaryFolder();
    const first = await opened(folder);

    await expect(opened(folder)).rejects.toThrow(/is in use by another process/);
    await first.close();
    await (await opened(folder)).close();
  });

  it('when it holds a database of something else', async () => {
    const folder = await temporaryFolder();
    await withDatabase(folder, (database) => database.put('theirs', '1'));

    await expect(opened(folder)).rejects.toThrow(/not Wavetank's.*the first is "theirs"/);
  });

  it('when it holds anything but a database', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'diary.txt'), 'dear diary');

    await expect(opened(folder)).rejects.toThrow(/it holds "diary.txt" and no database/);
  });

  it('when it is a file', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');

    await expect(opened(file)).rejects.toThrow(/cannot be used: EEXIST/);
  });

  it('when its database is damaged', async () => {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'CURRENT'), 'garbage\n');

    await expect(opened(folder)).rejects.toThrow(/is damaged: its database cannot be opened/);
  });

  it('when a bit of a record has flipped, naming its key', async () => {
    const folder = await temporaryFolder();
    await writeAll(folder, [[put('a', 'good'), put('b', 'bad')]]);
    await withDatabase(folder, async (database) => {
      const sealed = (await database.get<string, Uint8Array>('data/b', {
        valueEncoding: 'view',
      })) as Uint8Array;
      const flipped = new Uint8Array(sealed);
      flipped[0] = (flipped[0] ?? 0) ^ 1;
      await database.put<string, Uint8Array>('data/b', flipped, { valueEncoding: 'view' });
    });

    await expect(loadAll(folder)).rejects.toThrow(
      /the record "b" cannot be read \(its checksum does not match\)/,
    );
  });

  it('when a record is whole but means nothing, naming its key', async () => {
    const folder = await temporaryFolder();
    const storage = await openStorage<Uint8Array>({
      folder,
      identity,
      codec: { encode: (bytes) => bytes, decode: (bytes) => ({ ok: true, value: bytes }) },
    });
    storage.start({ completed: () => undefined, failed: () => undefined });
    const value = new Uint8Array([0xff]);
    storage.write({ type: 'Persist', write: writeNumber(1), changes: [{ type: 'Put', key: 'x', value }] });
    await storage.close();

    await expect(loadAll(folder)).rejects.toThrow(/the record "x" cannot be read \(it is not text\)/);
  });
});

async function withDatabase(folder: string, use: (database: Level) => Promise<unknown>): Promise<void> {
  const database = new Level(folder);
  await use(database);
  await database.close();
}
