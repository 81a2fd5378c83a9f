/**
 * Opens the data folder of a node, or refuses with words: a folder of somebody else, of a newer format, in use, or
 * damaged. What is refused is left as it was found.
 */

import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { Level } from 'level';

import type { Persist, StoredRecord } from '../../core/machine/index.js';
import { assert } from '../../core/machine/index.js';
import { decodeSafely, type Codec, type Decoded } from '../host/codec.js';
import type { StoragePort, WriteListener } from '../host/host.js';
import { StartRefused } from '../host/start-refused.js';
import { damagedFolder } from './damage.js';
import { checkIdentity, encodeIdentity, type DataIdentity } from './identity.js';
import { IDENTITY_KEY, machineKey, storageKey, unsealRecord, WARM_RANGES } from './record.js';
import { createWriteQueue, type WriteQueue } from './write-queue.js';

export interface Storage<Stored> extends StoragePort<Stored> {
  readonly folder: string;
  /** What the folder was given at its first start. */
  readonly identity: DataIdentity;
  /**
   * All records but the cold ones, in ascending order of keys.
   *
   * @throws StartRefused that names the first key whose record cannot be read: to go on without it could break a
   * promise that this node made to the others.
   */
  load(): Promise<readonly StoredRecord<Stored>[]>;
  /** Waits for what is being written, then lets go of the folder. */
  close(): Promise<void>;
}

export interface StorageOptions<Stored> {
  readonly folder: string;
  readonly identity: DataIdentity;
  readonly codec: Codec<Stored>;
}

type Database = Level<string, Uint8Array>;

/** Bytes of journal that LevelDB gathers before it sorts them into a table. */
const WRITE_BUFFER_BYTES = 16 << 20;
const RECORDS_PER_READ = 1_000;

/** @throws StartRefused */
export async function openStorage<Stored>(options: StorageOptions<Stored>): Promise<Storage<Stored>> {
  const folder = resolve(options.folder);
  await prepareFolder(folder);
  const database = await openDatabase(folder);
  let identity: DataIdentity;
  try {
    identity = await claimFolder(database, folder, options.identity);
  } catch (error) {
    await database.close();
    throw error;
  }

  let queue: WriteQueue<Stored> | undefined;
  return {
    folder,
    identity,
    load: () => loadRecords(database, folder, options.codec),
    start(listener: WriteListener) {
      assert(queue === undefined, () => 'the storage was started twice');
      queue = createWriteQueue(database, options.codec, listener);
    },
    write(persist: Persist<Stored>) {
      assert(queue !== undefined, () => 'a write came before the storage was started');
      queue.write(persist);
    },
    async read(key) {
      const stored = storageKey(key);
      // The types say that there is always a value; LevelDB knows better.
      const sealed = (await database.get(stored)) as Uint8Array | undefined;
      if (sealed === undefined) return undefined;
      const record = recordIn(options.codec, stored, sealed);
      if (!record.ok) throw new Error(`the record cannot be read (${record.reason})`);
      return record.value;
    },
    async close() {
      await queue?.settled();
      await database.close();
    },
  };
}

/** Makes the folder where it is missing, durably; refuses one that holds something else. */
async function prepareFolder(folder: string): Promise<void> {
  let names: readonly string[];
  try {
    const firstMade = await mkdir(folder, { recursive: true });
    if (firstMade !== undefined) await syncParents(folder, firstMade);
    names = await readdir(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartRefused(
      `the data folder ${folder} cannot be used: ${reason}. Give a folder that this user may write to (--data).`,
    );
  }
  if (names.includes('CURRENT')) return;
  const foreign = names.find(
    (name) => !/^(LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/.test(name),
  );
  if (foreign === undefined) return;
  throw new StartRefused(
    `the folder ${folder} is not a Wavetank data folder: it holds "${foreign}" and no database. ` +
      'Give an empty folder, or one that does not exist yet (--data).',
  );
}

/** A new folder is safe from a power failure when its parent is synced. */
async function syncParents(folder: string, firstMade: string): Promise<void> {
  for (let made = folder; ; made = dirname(made)) {
    const parent = await open(dirname(made), 'r');
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
    if (made === firstMade || dirname(made) === made) return;
  }
}

async function openDatabase(folder: string): Promise<Database> {
  const database: Database = new Level(folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    writeBufferSize: WRITE_BUFFER_BYTES,
  });
  try {
    await database.open();
    return database;
  } catch (error) {
    throw whyNotOpened(folder, error);
  }
}

function whyNotOpened(folder: string, error: unknown): StartRefused {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return new StartRefused(
      `the data folder ${folder} is in use by another process. Stop the node that runs on it (\`npx wavetank status\` ` +
        'shows process ids), or give another folder (--data).',
    );
  }
  return damagedFolder(
    folder,
    `its database cannot be opened (${reason}), if its disk and permissions are sound`,
  );
}

/** Puts this node's name on a new folder, and compares it on an old one. */
async function claimFolder(
  database: Database,
  folder: string,
  identity: DataIdentity,
): Promise<DataIdentity> {
  // The types say that there is always a value; LevelDB knows better.
  const found = (await database.get(IDENTITY_KEY)) as Uint8Array | undefined;
  if (found !== undefined) return checkIdentity(folder, found, identity);
  const [anyKey] = await database.keys({ limit: 1 }).all();
  if (anyKey !== undefined) {
    throw new StartRefused(
      `the folder ${folder} holds a LevelDB database that is not Wavetank's, or one that lost its identity: ` +
        `it has keys (the first is ${JSON.stringify(anyKey)}) but no "${IDENTITY_KEY}". Give another folder (--data).`,
    );
  }
  await database.batch().put(IDENTITY_KEY, encodeIdentity(identity)).write({ sync: true });
  return identity;
}

async function loadRecords<Stored>(
  database: Database,
  folder: string,
  codec: Codec<Stored>,
): Promise<readonly StoredRecord<Stored>[]> {
  const records: StoredRecord<Stored>[] = [];
  for (const range of WARM_RANGES) {
    const iterator = database.iterator(range);
    try {
      for (;;) {
        const rows = await iterator.nextv(RECORDS_PER_READ);
        if (rows.length === 0) break;
        for (const [key, sealed] of rows) records.push(readRecord(folder, codec, key, sealed));
      }
    } finally {
      await iterator.close();
    }
  }
  return records;
}

function recordIn<Stored>(codec: Codec<Stored>, stored: string, sealed: Uint8Array): Decoded<Stored> {
  const bytes = unsealRecord(stored, sealed);
  return bytes === undefined
    ? { ok: false, reason: 'its checksum does not match' }
    : decodeSafely(codec, bytes);
}

function readRecord<Stored>(
  folder: string,
  codec: Codec<Stored>,
  stored: string,
  sealed: Uint8Array,
): StoredRecord<Stored> {
  const key = machineKey(stored);
  const decoded = recordIn(codec, stored, sealed);
  if (decoded.ok) return { key, value: decoded.value };
  throw damagedFolder(folder, `the record "${key}" cannot be read (${decoded.reason})`);
}
