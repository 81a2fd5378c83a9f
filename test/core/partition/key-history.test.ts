import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { logIndex } from '../../../core/machine/units.js';
import { KeyValueCode, SetFlag, type KeyValueOutcome, type Value } from '../../../core/partition/command.js';
import { MAX_HISTORY, MAX_HISTORY_BYTES } from '../../../core/partition/key-entry.js';
import { answerRead } from '../../../core/partition/partition.js';
import { bytes, emptyPartition, get, remove, set, stamp, type PartitionUnderTest } from './support.js';

const { noRevision } = SetFlag;
const ABSENT = { code: KeyValueCode.doesNotExist };

function historyOf(partition: PartitionUnderTest, key = 'k'): readonly number[] {
  return mapGet(partition.state.keys, key)?.history.map(({ revision }) => revision) ?? [];
}

describe('the history of a key', () => {
  it('has the superseded versions, newest first, with tombstones', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(set('k', bytes(2)));
    partition.apply(remove('k'));
    partition.apply(set('k', bytes(3)));

    const history = mapGet(partition.state.keys, 'k')?.history;

    expect(history).toMatchObject([
      { revision: 2, value: null, deleted: true },
      { revision: 1, value: bytes(2), deleted: false },
      { revision: 0, value: bytes(1), deleted: false },
    ]);
  });

  it('is bounded, and remembers what it dropped', () => {
    const partition = emptyPartition();

    for (let i = 0; i <= MAX_HISTORY + 3; i += 1) partition.apply(set('k', bytes(i)));

    expect(historyOf(partition)).toHaveLength(MAX_HISTORY);
    expect(historyOf(partition).at(-1)).toBe(3);
    expect(mapGet(partition.state.keys, 'k')?.forgotten).toBe(2);
  });

  it('is bounded in bytes too: a key with its history must fit into one message', () => {
    const partition = emptyPartition();
    const third = new Uint8Array(MAX_HISTORY_BYTES / 2);

    for (let i = 0; i < 4; i += 1) partition.apply(set('k', third));

    expect(historyOf(partition)).toEqual([2, 1]);
    expect(mapGet(partition.state.keys, 'k')?.forgotten).toBe(0);
  });

  it('is not added to by a set without revision, whose own version is', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(set('k', bytes(2), { flags: noRevision }));
    partition.apply(set('k', bytes(3)));

    expect(historyOf(partition)).toEqual([1]);
    expect(partition.read(get('k', { revision: 0 }))).toMatchObject(ABSENT);
    expect(partition.read(get('k', { revision: 1 }))).toMatchObject({ value: bytes(2) });
  });

  it('keeps what was forgotten in mind through all kinds of writes', () => {
    const partition = emptyPartition();
    for (let i = 0; i <= MAX_HISTORY + 1; i += 1) partition.apply(set('k', bytes(i)));

    partition.apply(set('k', bytes(1), { flags: noRevision }));
    const forgotten = mapGet(partition.state.keys, 'k')?.forgotten;
    partition.apply(remove('k'));

    expect(forgotten).toBe(0);
    expect(mapGet(partition.state.keys, 'k')?.forgotten).toBe(1);
  });
});

describe('a read of a revision', () => {
  it('finds it whatever became of it: superseded, deleted or over', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(remove('k'));
    partition.apply(set('k', bytes(3), { expiresMs: 10 }));
    partition.apply(get('k'), { lapsed: [{ space: 'key', name: 'k', armedAt: logIndex(3) }] });

    expect(partition.read(get('k')).code).toBe(KeyValueCode.doesNotExist);
    expect(partition.read(get('k', { revision: 0 }))).toMatchObject({ value: bytes(1), revision: 0 });
    expect(partition.read(get('k', { revision: 1 }))).toMatchObject(ABSENT);
    const last = partition.read(get('k', { revision: 2 }));
    expect(last).toMatchObject({ code: KeyValueCode.got, value: bytes(3), revision: 2 });
    expect(last).not.toHaveProperty('expires');
  });

  it('finds none that is still to come, nor one of a key that was never written', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));

    expect(partition.read(get('k', { revision: 1 }))).toMatchObject(ABSENT);
    expect(partition.read(get('x', { revision: 0 }))).toMatchObject(ABSENT);
  });

  it('of one that is no longer kept says so', () => {
    const partition = emptyPartition();
    for (let i = 0; i <= MAX_HISTORY + 1; i += 1) partition.apply(set('k', bytes(i)));

    const { outcome, reason } = answerRead(partition.state, get('k', { revision: 0 }));

    expect(outcome.code).toBe(KeyValueCode.errored);
    expect(reason).toContain('revision 0 of the key "k" is not known');
    expect(partition.read(get('k', { revision: 1 })).code).toBe(KeyValueCode.got);
  });

  it('exists without its value', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(set('k', bytes(2)));

    const outcome = partition.read({ ...get('k', { revision: 0 }), type: 'Exists' });

    expect(outcome).toMatchObject({ code: KeyValueCode.exists, revision: 0, value: null });
  });
});

describe('a read as of a time', () => {
  it('finds the version of exactly that time, and not one of a moment later', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { stampedAt: stamp(10, 5) });
    partition.apply(set('k', bytes(2)), { stampedAt: stamp(20) });

    expect(partition.read(get('k', { at: stamp(10, 4) }))).toMatchObject(ABSENT);
    expect(partition.read(get('k', { at: stamp(10, 5) }))).toMatchObject({ value: bytes(1) });
    expect(partition.read(get('k', { at: stamp(19, 0xffff_ffff, 99) }))).toMatchObject({ value: bytes(1) });
    expect(partition.read(get('k', { at: stamp(20) }))).toMatchObject({ value: bytes(2) });
    expect(partition.read(get('k', { at: stamp(99) }))).toMatchObject({ value: bytes(2) });
  });

  it('where a version may be missing between says that it does not know', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { stampedAt: stamp(10) });
    partition.apply(set('k', bytes(2)), { stampedAt: stamp(20) });
    partition.apply(set('k', bytes(3), { flags: noRevision }), { stampedAt: stamp(30) });

    const { outcome, reason } = answerRead(partition.state, get('k', { at: stamp(25) }));

    expect(outcome.code).toBe(KeyValueCode.errored);
    expect(reason).toContain('what it was at 25 ms of the key "k" is not known');
    expect(partition.read(get('k', { at: stamp(30) })).code).toBe(KeyValueCode.got);
  });

  it('before the history says that it does not know, but knows that a first revision had none before it', () => {
    const partition = emptyPartition();
    for (let i = 0; i <= MAX_HISTORY; i += 1)
      partition.apply(set('k', bytes(i)), { stampedAt: stamp(i + 10) });

    expect(partition.read(get('k', { at: stamp(9) }))).toMatchObject(ABSENT);
    partition.apply(set('k', bytes(99)));
    expect(partition.read(get('k', { at: stamp(9) }))).toMatchObject({ code: KeyValueCode.errored });
    expect(partition.read(get('k', { at: stamp(10) }))).toMatchObject({ code: KeyValueCode.errored });
    expect(partition.read(get('k', { at: stamp(11) }))).toMatchObject({ code: KeyValueCode.got });
  });

  it('never gives a wrong answer: it is what a read at that time was told, or it does not know', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom('set', 'set', 'set', 'no revision', 'expiring', 'delete', 'lapse'),
      byte: fc.nat(255),
    });
    let known = 0;
    let unknown = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 80 }), (steps) => {
        const partition = emptyPartition();
        const told: { at: Timestamp; key: string; outcome: KeyValueOutcome }[] = [];
        for (const { key, kind, byte } of steps) {
          if (kind === 'delete') partition.apply(remove(key));
          else if (kind === 'lapse') {
            const armedAt = mapGet(partition.state.keys, key)?.armedAt ?? logIndex(0);
            partition.apply(get(key), { lapsed: [{ space: 'key', name: key, armedAt }] });
          } else {
            const conditions = {
              flags: kind === 'no revision' ? noRevision : SetFlag.set,
              ...(kind === 'expiring' ? { expiresMs: 10 } : {}),
            };
            partition.apply(set(key, bytes(byte), conditions));
          }
          const at = partition.state.lastModified;
          for (const each of ['a', 'b']) told.push({ at, key: each, outcome: partition.read(get(each)) });
        }

        for (const { at, key, outcome } of told) {
          if (at.node === 0) continue;
          const now = partition.read(get(key, { at }));
          if (now.code === KeyValueCode.errored) unknown += 1;
          else {
            known += 1;
            expect([now.code, now.revision, now.value]).toEqual([
              outcome.code,
              outcome.revision,
              outcome.value,
            ]);
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(Math.min(known, unknown)).toBeGreaterThan(100);
  });
});

describe('revisions', () => {
  it('count on by one with every set and delete, through deletion, expiry and re-creation', () => {
    const step = fc.constantFrom('set', 'expiring', 'delete', 'lapse', 'refused');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const partition = emptyPartition();
        let revision = -1;
        let last = ZERO_TIMESTAMP;
        for (const kind of steps) {
          const before = mapGet(partition.state.keys, 'k');
          const lives = partition.read(get('k')).code === KeyValueCode.got;
          if (kind === 'lapse') {
            const armedAt = before?.armedAt ?? logIndex(0);
            partition.apply(get('k'), { lapsed: [{ space: 'key', name: 'k', armedAt }] });
          } else if (kind === 'delete') {
            if (lives) revision += 1;
            partition.apply(remove('k'));
          } else if (kind === 'refused') {
            partition.apply(set('k', null, { flags: SetFlag.ifExists | SetFlag.ifNotExists }));
          } else {
            revision += 1;
            const value: Value = bytes(revision);
            partition.apply(set('k', value, kind === 'expiring' ? { expiresMs: 1 } : {}));
          }
          const entry = mapGet(partition.state.keys, 'k');
          expect(entry?.revision ?? -1).toBe(revision);
          expect(compareTimestamps(partition.state.lastModified, last)).toBeGreaterThanOrEqual(0);
          last = partition.state.lastModified;
        }
      }),
    );
  });
});
