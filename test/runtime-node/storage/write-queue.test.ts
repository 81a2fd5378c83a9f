import { describe, expect, it } from 'vitest';

import { writeNumber, type Persist, type StorageChange } from '../../../core/machine/index.js';
import {
  createWriteQueue,
  type BatchStore,
  type WriteQueue,
} from '../../../runtime-node/storage/write-queue.js';
import { textCodec } from '../support/text-codec.js';

/** A store whose syncs and clears end when the test says so. */
interface ManualStore extends BatchStore {
  /** The keys of each batch that was written. */
  readonly batches: string[][];
  readonly cleared: string[];
  /** Ends the sync, or the clear, that has been waiting longest. */
  finish(): Promise<void>;
  breakDown(): Promise<void>;
}

function manualStore(): ManualStore {
  const batches: string[][] = [];
  const cleared: string[] = [];
  const pending: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const wait = (): Promise<void> => new Promise((resolve, reject) => pending.push({ resolve, reject }));
  return {
    batches,
    cleared,
    batch() {
      const keys: string[] = [];
      return {
        put: (key) => keys.push(key),
        del: (key) => keys.push(`-${key}`),
        write({ sync }) {
          batches.push(sync ? keys : ['not synced!']);
          return wait();
        },
      };
    },
    clear({ gte, gt, lt }) {
      cleared.push(gte === undefined ? `(${gt}, ${lt})` : `[${gte}, ${lt})`);
      return wait();
    },
    async finish() {
      pending.shift()?.resolve();
      await settled();
    },
    async breakDown() {
      pending.shift()?.reject(new Error('no space left on device'));
      await settled();
    },
  };
}

/** Lets everything that waits only for promises happen. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Rig {
  readonly store: ManualStore;
  readonly queue: WriteQueue<string>;
  readonly events: string[];
}

function rig(): Rig {
  const store = manualStore();
  const events: string[] = [];
  const queue = createWriteQueue(store, textCodec, {
    completed: (write) => events.push(`completed ${write}`),
    failed: (write, reason) => events.push(`failed ${write}: ${reason}`),
  });
  return { store, queue, events };
}

function puts(write: number, ...keys: string[]): Persist<string> {
  return persist(
    write,
    keys.map((key) => ({ type: 'Put', key, value: `of ${key}` })),
  );
}

function persist(write: number, changes: readonly StorageChange<string>[]): Persist<string> {
  return { type: 'Persist', write: writeNumber(write), changes };
}

describe('group commit', () => {
  it('writes at once when nothing is under way', () => {
    const { store, queue } = rig();

    queue.write(puts(1, 'a'));

    expect(store.batches).toEqual([['data/a']]);
  });

  it('gathers what comes during a sync into one batch, and reports only its last write', async () => {
    const { store, queue, events } = rig();

    queue.write(puts(1, 'a'));
    queue.write(puts(2, 'b'));
    queue.write(puts(3, 'c', 'd'));
    await settled();
    expect(events).toEqual([]);
    await store.finish();

    expect(events).toEqual(['completed 1']);
    expect(store.batches).toEqual([['data/a'], ['data/b', 'data/c', 'data/d']]);
    await store.finish();
    expect(events).toEqual(['completed 1', 'completed 3']);
  });

  it('goes on with a write that comes just when the one before it is done', async () => {
    const { store, queue, events } = rig();

    queue.write(puts(1, 'a'));
    await store.finish();
    queue.write(puts(2, 'b'));
    await store.finish();

    expect(events).toEqual(['completed 1', 'completed 2']);
  });
});

describe('a dropped range', () => {
  it('is cleared after its batch is durable, while later batches go on', async () => {
    const { store, queue, events } = rig();

    queue.write(persist(1, [{ type: 'DropRange', from: 'a', before: 'c' }]));
    expect(store.cleared).toEqual([]);
    await store.finish();
    queue.write(puts(2, 'x'));

    expect(store.cleared).toEqual(['[data/a, data/c)']);
    expect(store.batches).toEqual([[], ['data/x']]);
    expect(events).toEqual(['completed 1']);
  });

  it('spares the keys that the same batch writes after it', async () => {
    const { store, queue } = rig();

    const changes: StorageChange<string>[] = [
      { type: 'Put', key: 'b', value: 'before it' },
      { type: 'DropRange', from: 'a', before: 'e' },
      { type: 'Put', key: 'c', value: 'after it' },
    ];
    queue.write(persist(1, changes));
    await store.finish();
    await store.finish();

    expect(store.cleared).toEqual(['[data/a, data/c)', '(data/c, data/e)']);
  });

  it('holds back a batch that writes into it until it is cleared', async () => {
    const { store, queue, events } = rig();

    queue.write(persist(1, [{ type: 'DropRange', from: 'a', before: 'c' }]));
    await store.finish();
    queue.write(puts(2, 'b'));
    await settled();
    expect(store.batches).toEqual([[]]);
    await store.finish();

    expect(store.batches).toEqual([[], ['data/b']]);
    await store.finish();
    expect(events).toEqual(['completed 1', 'completed 2']);
  });
});

describe('a failure', () => {
  it('of a sync is reported once, and nothing after it', async () => {
    const { store, queue, events } = rig();

    queue.write(puts(1, 'a'));
    queue.write(puts(2, 'b'));
    await store.breakDown();
    queue.write(puts(3, 'c'));
    await settled();

    expect(events).toEqual(['failed 1: no space left on device']);
    expect(store.batches).toEqual([['data/a']]);
    await queue.settled();
  });

  it('of a clear is reported as that of the next write', async () => {
    const { store, queue, events } = rig();

    queue.write(persist(1, [{ type: 'DropRange', from: 'a', before: 'c' }]));
    await store.finish();
    await store.breakDown();
    queue.write(puts(2, 'x'));

    expect(events).toEqual(['completed 1', 'failed 2: no space left on device']);
  });
});
