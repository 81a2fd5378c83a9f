import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeNumber, type Persist, type StorageChange } from '../../../core/index.js';
import {
  beginSync,
  createDisk,
  dropUnsynced,
  enqueueWrite,
  finishSync,
  readDisk,
} from '../../../sim/world/disk.js';

function write(number: number, ...changes: readonly StorageChange<number>[]): Persist<number> {
  return { type: 'Persist', write: writeNumber(number), changes };
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const change: fc.Arbitrary<StorageChange<number>> = fc.oneof(
  fc.record({ type: fc.constant('Put' as const), key, value: fc.nat() }),
  fc.record({ type: fc.constant('DropRange' as const), from: key, before: key }),
);
const changes = fc.array(change, { minLength: 1, maxLength: 3 });

/** What is on a disk after these writes, and no others, became durable. */
function contentOf(writes: readonly (readonly StorageChange<number>[])[]): readonly unknown[] {
  const disk = createDisk<number>();
  writes.forEach((all, i) => enqueueWrite(disk, write(i + 1, ...all)));
  beginSync(disk);
  finishSync(disk);
  return readDisk(disk);
}

describe('the simulated disk', () => {
  it('keeps every synced write and any prefix of the rest in a crash', () => {
    const lists = fc.array(changes, { maxLength: 6 });
    fc.assert(
      fc.property(lists, lists, lists, fc.nat(20), (synced, syncing, waiting, draw) => {
        const disk = createDisk<number>();
        const all = [...synced, ...syncing, ...waiting];
        const put = (from: number, to: number): void =>
          all.slice(from, to).forEach((one, i) => enqueueWrite(disk, write(from + i + 1, ...one)));
        put(0, synced.length);
        beginSync(disk);
        finishSync(disk);
        put(synced.length, synced.length + syncing.length);
        beginSync(disk);
        put(synced.length + syncing.length, all.length);
        const kept = draw % (syncing.length + waiting.length + 1);

        const survivors = dropUnsynced(disk, kept);

        expect(survivors.map((survivor) => survivor.write)).toEqual(
          Array.from({ length: kept }, (_, i) => synced.length + i + 1),
        );
        expect(readDisk(disk)).toEqual(contentOf(all.slice(0, synced.length + kept)));
        expect(beginSync(disk)).toBe(false);
      }),
    );
  });

  it('syncs what waited when the sync began, and no more', () => {
    const disk = createDisk<number>();
    enqueueWrite(disk, write(1, { type: 'Put', key: 'a', value: 1 }));
    beginSync(disk);
    enqueueWrite(disk, write(2, { type: 'Put', key: 'b', value: 2 }));

    const done = finishSync(disk);

    expect(done.map((finished) => finished.write)).toEqual([1]);
    expect(readDisk(disk)).toEqual([{ key: 'a', value: 1 }]);
  });

  it('has one sync under way at a time, and none when nothing waits', () => {
    const disk = createDisk<number>();

    const empty = beginSync(disk);
    enqueueWrite(disk, write(1, { type: 'Put', key: 'a', value: 1 }));
    const first = beginSync(disk);
    const second = beginSync(disk);

    expect([empty, first, second]).toEqual([false, true, false]);
  });

  it('drops a range from its first key up to, but not with, its end', () => {
    const puts = ['a', 'b', 'c', 'd'].map((name) => [{ type: 'Put' as const, key: name, value: 0 }]);

    const content = contentOf([...puts, [{ type: 'DropRange', from: 'b', before: 'd' }]]);

    expect(content).toEqual([
      { key: 'a', value: 0 },
      { key: 'd', value: 0 },
    ]);
  });

  it('is read in the order of keys, whatever the order of writes', () => {
    const content = contentOf([
      [{ type: 'Put', key: 'c', value: 1 }],
      [{ type: 'Put', key: 'B', value: 2 }],
      [{ type: 'Put', key: 'a', value: 3 }],
    ]);

    expect(content).toMatchObject([{ key: 'B' }, { key: 'a' }, { key: 'c' }]);
  });
});
