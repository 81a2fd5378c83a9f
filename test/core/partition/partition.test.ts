import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimestamps, ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { KeyValueCode, SetFlag, type KeyValueWrite } from '../../../core/partition/command.js';
import { NEVER_WRITTEN } from '../../../core/partition/key-entry.js';
import { valuesEqual } from '../../../core/partition/value-reference.js';
import { executeRead } from '../../../core/partition/partition.js';
import { bytes, emptyPartition, remove, set, stamp } from './support.js';

const { ifExists, ifNotExists, ifEqualToValue, ifEqualToRevision } = SetFlag;

describe('set', () => {
  it('writes a value that get then gives, with its revision and time', () => {
    const partition = emptyPartition();

    const { outcome } = partition.apply(set('k', bytes(1, 2)), { stampedAt: stamp(77, 3, 2) });

    expect(outcome).toEqual({
      code: KeyValueCode.set,
      revision: 0,
      value: null,
      lastModified: stamp(77, 3, 2),
    });
    expect(executeRead(partition.state, { type: 'Get', key: 'k' })).toEqual({
      code: KeyValueCode.got,
      revision: 0,
      value: bytes(1, 2),
      lastModified: stamp(77, 3, 2),
    });
  });

  it('without flags is unconditional', () => {
    const partition = emptyPartition();

    partition.apply(set('k', bytes(1), { flags: SetFlag.none }));
    const { outcome } = partition.apply(set('k', bytes(2), { flags: SetFlag.none }));

    expect([outcome.code, outcome.revision]).toEqual([KeyValueCode.set, 1]);
  });

  it('with the no-revision flag still takes the next number', () => {
    const partition = emptyPartition();

    partition.apply(set('k', bytes(1)));
    const { outcome } = partition.apply(set('k', bytes(2), { flags: SetFlag.noRevision }));

    expect([outcome.code, outcome.revision]).toEqual([KeyValueCode.set, 1]);
  });

  it('keeps null apart from zero bytes', () => {
    const partition = emptyPartition();

    partition.apply(set('null', null));
    partition.apply(set('empty', bytes()));

    const valueOf = (key: string) => executeRead(partition.state, { type: 'Get', key });
    expect(valueOf('null')).toMatchObject({ code: KeyValueCode.got, value: null });
    expect(valueOf('empty')).toMatchObject({ code: KeyValueCode.got, value: bytes() });
  });

  it('leaves other keys alone', () => {
    const partition = emptyPartition();
    partition.apply(set('a', bytes(1)));
    partition.apply(set('b', bytes(2)));

    partition.apply(set('a', bytes(3)));

    expect(executeRead(partition.state, { type: 'Get', key: 'b' })).toMatchObject({
      revision: 0,
      value: bytes(2),
    });
  });
});

describe('revisions', () => {
  it('count 0, 1, 2 … through sets, deletes and re-creation', () => {
    const partition = emptyPartition();
    const writes: readonly KeyValueWrite[] = [
      set('k', bytes(1)),
      set('k', bytes(2)),
      remove('k'),
      set('k', bytes(3)),
      remove('k'),
      set('k', null),
    ];

    const outcomes = writes.map((write) => partition.apply(write).outcome);

    expect(outcomes.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('are counted for every key by itself', () => {
    const partition = emptyPartition();

    partition.apply(set('a', bytes(1)));
    partition.apply(set('a', bytes(1)));

    expect(partition.apply(set('b', bytes(1))).outcome.revision).toBe(0);
  });

  it('do not move when a condition refuses or there is nothing to delete', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(remove('k'));

    partition.apply(set('k', bytes(2), { flags: ifExists }));
    partition.apply(remove('k'));

    expect(partition.apply(set('k', bytes(3))).outcome.revision).toBe(2);
  });
});

/** Every condition, against every history that it tells apart. */
const never: readonly KeyValueWrite[] = [];
const present = [set('k', bytes(7))];
const presentNull = [set('k', null)];
const presentEmpty = [set('k', bytes())];
const deleted = [set('k', bytes(7)), remove('k')];
const recreated = [...deleted, set('k', bytes(8))];

describe('a conditional set', () => {
  it.each([
    ['if-exists on a key never written', never, { flags: ifExists }, false],
    ['if-exists on a present key', present, { flags: ifExists }, true],
    ['if-exists on a present null', presentNull, { flags: ifExists }, true],
    ['if-exists on a deleted key', deleted, { flags: ifExists }, false],
    ['if-exists on a re-created key', recreated, { flags: ifExists }, true],
    ['if-not-exists on a key never written', never, { flags: ifNotExists }, true],
    ['if-not-exists on a present key', present, { flags: ifNotExists }, false],
    ['if-not-exists on a present null', presentNull, { flags: ifNotExists }, false],
    ['if-not-exists on a deleted key', deleted, { flags: ifNotExists }, true],
    ['if-exists and if-not-exists together, absent', never, { flags: ifExists | ifNotExists }, false],
    ['if-exists and if-not-exists together, present', present, { flags: ifExists | ifNotExists }, false],

    ['if-equal to the present value', present, { flags: ifEqualToValue, compareValue: bytes(7) }, true],
    ['if-equal to another value', present, { flags: ifEqualToValue, compareValue: bytes(8) }, false],
    ['if-equal to a longer value', present, { flags: ifEqualToValue, compareValue: bytes(7, 0) }, false],
    [
      'if-equal to the value before the delete',
      deleted,
      { flags: ifEqualToValue, compareValue: bytes(7) },
      false,
    ],
    ['if-equal to null on a deleted key', deleted, { flags: ifEqualToValue, compareValue: null }, true],
    ['if-equal to null on a key never written', never, { flags: ifEqualToValue, compareValue: null }, true],
    ['if-equal to null on a present null', presentNull, { flags: ifEqualToValue, compareValue: null }, true],
    ['if-equal to null on a present value', present, { flags: ifEqualToValue, compareValue: null }, false],
    ['if-equal to null on zero bytes', presentEmpty, { flags: ifEqualToValue, compareValue: null }, false],
    [
      'if-equal to zero bytes on a null',
      presentNull,
      { flags: ifEqualToValue, compareValue: bytes() },
      false,
    ],
    [
      'if-equal to zero bytes on zero bytes',
      presentEmpty,
      { flags: ifEqualToValue, compareValue: bytes() },
      true,
    ],
    [
      'if-equal to zero bytes on a key never written',
      never,
      { flags: ifEqualToValue, compareValue: bytes() },
      false,
    ],

    ['if-revision 0 on the first revision', present, { flags: ifEqualToRevision, compareRevision: 0 }, true],
    ['if-revision 1 on the first revision', present, { flags: ifEqualToRevision, compareRevision: 1 }, false],
    ['if-revision -1 on a key never written', never, { flags: ifEqualToRevision, compareRevision: -1 }, true],
    ['if-revision 0 on a key never written', never, { flags: ifEqualToRevision, compareRevision: 0 }, false],
    [
      "if-revision of the tombstone's number",
      deleted,
      { flags: ifEqualToRevision, compareRevision: 1 },
      true,
    ],
    [
      'if-revision of the number before the delete',
      deleted,
      { flags: ifEqualToRevision, compareRevision: 0 },
      false,
    ],
    ['if-revision -1 on a deleted key', deleted, { flags: ifEqualToRevision, compareRevision: -1 }, false],
    ['if-revision after re-creation', recreated, { flags: ifEqualToRevision, compareRevision: 2 }, true],

    [
      'if-exists and the right value',
      present,
      { flags: ifExists | ifEqualToValue, compareValue: bytes(7) },
      true,
    ],
    [
      'if-exists and null, on a deleted key: both must hold',
      deleted,
      { flags: ifExists | ifEqualToValue, compareValue: null },
      false,
    ],
    [
      'the right value and the wrong revision',
      present,
      { flags: ifEqualToValue | ifEqualToRevision, compareValue: bytes(7), compareRevision: 3 },
      false,
    ],
    [
      'the wrong value and the right revision',
      present,
      { flags: ifEqualToValue | ifEqualToRevision, compareValue: bytes(9), compareRevision: 0 },
      false,
    ],
    [
      'if-not-exists and the revision of the tombstone',
      deleted,
      { flags: ifNotExists | ifEqualToRevision, compareRevision: 1 },
      true,
    ],
    ['a compare value that no flag asks for', present, { compareValue: bytes(9), compareRevision: 9 }, true],
  ])('%s', (_name, history, conditions, applied) => {
    const partition = emptyPartition();
    for (const write of history) partition.apply(write);
    const before = partition.state.keys;

    const { outcome } = partition.apply(set('k', bytes(99), conditions));

    expect(outcome.code).toBe(applied ? KeyValueCode.set : KeyValueCode.notSet);
    if (!applied) expect(partition.state.keys).toBe(before);
  });

  it.each([
    ['the current revision', present, ifNotExists, 0],
    ["the tombstone's revision", deleted, ifExists, 1],
    ['-1 for a key never written', never, ifExists, NEVER_WRITTEN],
  ])('that is refused tells %s', (_what, history, flags, revision) => {
    const partition = emptyPartition();
    for (const write of history) partition.apply(write);

    const { outcome } = partition.apply(set('k', bytes(99), { flags }));

    expect(outcome).toMatchObject({ code: KeyValueCode.notSet, revision });
  });
});

describe('delete', () => {
  it('leaves a tombstone with the next revision, and tells it', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));

    const { outcome } = partition.apply(remove('k'), { stampedAt: stamp(2000) });

    expect(outcome).toEqual({
      code: KeyValueCode.deleted,
      revision: 1,
      value: null,
      lastModified: stamp(2000),
    });
    expect(mapGet(partition.state.keys, 'k')).toMatchObject({ deleted: true, value: null, revision: 1 });
  });

  it.each([
    ['a key never written', never],
    ['a deleted key', deleted],
  ])('of %s does nothing and says so', (_what, history) => {
    const partition = emptyPartition();
    for (const write of history) partition.apply(write);
    const before = partition.state;

    const { outcome } = partition.apply(remove('k'));

    expect(outcome.code).toBe(KeyValueCode.doesNotExist);
    expect(partition.state.keys).toBe(before.keys);
    expect(partition.state.lastModified).toBe(before.lastModified);
  });
});

describe('get and exists', () => {
  it.each([
    ['a key never written', never],
    ['a deleted key', deleted],
  ])('find nothing of %s', (_what, history) => {
    const partition = emptyPartition();
    for (const write of history) partition.apply(write);

    const outcomes = (['Get', 'Exists'] as const).map((type) =>
      executeRead(partition.state, { type, key: 'k' }),
    );

    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        code: KeyValueCode.doesNotExist,
        value: null,
        lastModified: ZERO_TIMESTAMP,
      });
    }
  });

  it('exists tells everything but the value', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.apply(set('k', bytes(2)), { stampedAt: stamp(5000) });

    const outcome = executeRead(partition.state, { type: 'Exists', key: 'k' });

    expect(outcome).toEqual({
      code: KeyValueCode.exists,
      revision: 1,
      value: null,
      lastModified: stamp(5000),
    });
  });
});

describe('the time of the last change', () => {
  it('is the stamp of the command while stamps go forward', () => {
    const partition = emptyPartition();

    partition.apply(set('k', bytes(1)), { stampedAt: stamp(10) });
    const { outcome } = partition.apply(set('k', bytes(2)), { stampedAt: stamp(10, 1) });

    expect(outcome.lastModified).toEqual(stamp(10, 1));
  });

  it('grows with every change, whatever the clocks of the proposers say', () => {
    const writes = fc.record({
      key: fc.constantFrom('a', 'b'),
      wall: fc.nat(5),
      counter: fc.nat(3),
      node: fc.integer({ min: 1, max: 3 }),
      delete: fc.boolean(),
    });

    fc.assert(
      fc.property(fc.array(writes), (list) => {
        const partition = emptyPartition();
        let last = ZERO_TIMESTAMP;

        for (const write of list) {
          const operation = write.delete ? remove(write.key) : set(write.key, null);
          const stampedAt = stamp(write.wall, write.counter, write.node);
          const { outcome } = partition.apply(operation, { stampedAt });
          if (outcome.code === KeyValueCode.doesNotExist) continue;

          expect(compareTimestamps(outcome.lastModified, last)).toBeGreaterThan(0);
          expect(compareTimestamps(outcome.lastModified, stampedAt)).toBeGreaterThanOrEqual(0);
          last = outcome.lastModified;
        }
      }),
    );
  });

  it('is not moved by a write that is refused', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { stampedAt: stamp(10) });

    partition.apply(set('k', bytes(2), { flags: ifNotExists }), { stampedAt: stamp(99) });

    expect(partition.state.lastModified).toEqual(stamp(10));
  });
});

describe('the digest of a partition', () => {
  const histories = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.option(fc.uint8Array({ maxLength: 5 })),
      flags: fc.constantFrom(0, ifExists, ifNotExists),
      kind: fc.constantFrom('set', 'delete', 'nothing'),
    }),
    { minLength: 1, maxLength: 30 },
  );

  function digestOf(history: typeof histories extends fc.Arbitrary<infer H> ? H : never): number {
    const partition = emptyPartition();
    for (const { key, value, flags, kind } of history) {
      if (kind === 'nothing') partition.applyNothing();
      else partition.apply(kind === 'set' ? set(key, value, { flags }) : remove(key));
    }
    return partition.state.digest;
  }

  it('is equal for equal histories', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(digestOf(history)).toBe(digestOf(structuredClone(history)));
      }),
    );
  });

  it('tells where one history is longer', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(digestOf(history)).not.toBe(digestOf(history.slice(0, -1)));
      }),
    );
  });

  it.each([
    ['another value', [set('k', bytes(1))], [set('k', bytes(2))]],
    ['null for zero bytes', [set('k', null)], [set('k', bytes())]],
    ['another key', [set('k', bytes(1))], [set('l', bytes(1))]],
    ['another order', [set('k', bytes(1)), set('l', bytes(1))], [set('l', bytes(1)), set('k', bytes(1))]],
    [
      'a condition that refused',
      [set('k', bytes(1), { flags: ifNotExists })],
      [set('k', bytes(1), { flags: ifExists })],
    ],
  ])('tells %s', (_what, one, other) => {
    const partitions = [one, other].map((history) => {
      const partition = emptyPartition();
      for (const [i, write] of history.entries()) partition.apply(write, { requestId: `same${i}` });
      return partition;
    });

    expect(partitions[0]?.state.digest).not.toBe(partitions[1]?.state.digest);
  });
});

describe('values', () => {
  it('are equal when both are null or all bytes are', () => {
    expect(valuesEqual(null, null)).toBe(true);
    expect(valuesEqual(null, bytes())).toBe(false);
    expect(valuesEqual(bytes(), null)).toBe(false);
    expect(valuesEqual(bytes(1, 2), bytes(1, 2))).toBe(true);
    expect(valuesEqual(bytes(1, 2), bytes(1, 3))).toBe(false);
    expect(valuesEqual(bytes(1, 2), bytes(1))).toBe(false);
  });
});
