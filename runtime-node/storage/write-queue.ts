/**
 * Group commit: while one synced batch is on its way to the disk, everything that comes meanwhile waits and goes
 * together in the next one. A sync costs the same however much rides on it.
 *
 * Batches become durable in order. Dropped ranges are cleared beside the queue, since nobody waits for them and
 * clearing thousands of keys takes a while; only a batch that writes into a range still being cleared waits.
 * Whatever fails, fails for good: nothing is known of the disk then but what is read back.
 */

import type { Persist, StorageChange, WriteNumber } from '../../core/machine/index.js';
import type { Codec } from '../host/codec.js';
import type { WriteListener } from '../host/host.js';
import { isWithin, rangesToClear, type ClearedRange } from './drop-range.js';
import { sealRecord, storageKey } from './record.js';

/** The little of LevelDB that writing needs; tests put a failing one in its place. */
export interface BatchStore {
  batch(): ChainedBatch;
  clear(range: { readonly gte?: string; readonly gt?: string; readonly lt: string }): Promise<void>;
}

export interface ChainedBatch {
  put(key: string, value: Uint8Array): unknown;
  del(key: string): unknown;
  write(options: { readonly sync: boolean }): Promise<void>;
}

export interface WriteQueue<Stored> {
  write(persist: Persist<Stored>): void;
  /** Resolves when nothing is waiting or under way any more, or when the queue has failed. */
  settled(): Promise<void>;
}

export function createWriteQueue<Stored>(
  store: BatchStore,
  codec: Codec<Stored>,
  listener: WriteListener,
): WriteQueue<Stored> {
  let waiting: Persist<Stored>[] = [];
  let draining: Promise<void> | undefined;
  let clearing: { readonly ranges: readonly ClearedRange[]; readonly done: Promise<void> } | undefined;
  let failed = false;
  let durable = 0 as WriteNumber;

  async function drain(): Promise<void> {
    while (waiting.length > 0 && !failed) {
      const persists = waiting;
      waiting = [];
      const changes = persists.flatMap((persist) => persist.changes);
      const { write } = persists[persists.length - 1] as Persist<Stored>;
      try {
        await writeBatch(changes);
        durable = write;
        listener.completed(write);
        clear(rangesToClear(changes), write);
      } catch (error) {
        fail(write, error);
      }
    }
    // Before anything else can run: a write that comes now must find that nobody is at work.
    draining = undefined;
  }

  async function writeBatch(changes: readonly StorageChange<Stored>[]): Promise<void> {
    const batch = store.batch();
    let meetsClearing = false;
    for (const change of changes) {
      if (change.type === 'DropRange') continue;
      const key = storageKey(change.key);
      if (change.type === 'Drop') {
        batch.del(key);
        continue;
      }
      batch.put(key, sealRecord(key, codec.encode(change.value)));
      meetsClearing ||= clearing?.ranges.some((range) => isWithin(range, key)) === true;
    }
    if (meetsClearing) await clearing?.done;
    await batch.write({ sync: true });
  }

  function clear(ranges: readonly ClearedRange[], write: WriteNumber): void {
    if (ranges.length === 0) return;
    const before = clearing;
    const clearAll = async (): Promise<void> => {
      await before?.done;
      for (const { from, behindFrom, before: lt } of ranges) {
        if (failed) return;
        await store.clear(behindFrom ? { gt: from, lt } : { gte: from, lt });
      }
    };
    const mine = {
      ranges: [...(before?.ranges ?? []), ...ranges],
      done: clearAll()
        .catch((error: unknown) => fail(write, error))
        .finally(() => {
          if (clearing === mine) clearing = undefined;
        }),
    };
    clearing = mine;
  }

  function fail(write: WriteNumber, error: unknown): void {
    if (failed) return;
    failed = true;
    waiting = [];
    const at = Math.max(write, durable + 1) as WriteNumber;
    listener.failed(at, error instanceof Error ? reasonOf(error) : String(error));
  }

  return {
    write(persist) {
      if (failed) return;
      waiting.push(persist);
      draining ??= drain();
    },
    async settled() {
      while (!failed && (draining !== undefined || clearing !== undefined)) {
        await draining;
        await clearing?.done;
      }
    },
  };
}

/** LevelDB's own words are in the cause. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
