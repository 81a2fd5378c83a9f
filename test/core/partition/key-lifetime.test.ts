import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { logIndex, type LogIndex } from '../../../core/machine/units.js';
import { KeyValueCode, SetFlag, type Lapse } from '../../../core/partition/command.js';
import {
  acquire,
  bytes,
  emptyPartition,
  exists,
  get,
  prolong,
  remove,
  set,
  stamp,
  type PartitionUnderTest,
} from './support.js';

const { ifExists, ifNotExists, ifEqualToValue, ifEqualToRevision } = SetFlag;

/** The word of a leader that the key, as it is now, is over. */
function lapseOf(partition: PartitionUnderTest, key: string): Lapse {
  return { space: 'key', name: key, armedAt: mapGet(partition.state.keys, key)?.armedAt ?? logIndex(0) };
}

/** A partition with a key of value 7 whose time to live is over: nobody has looked at it since. */
function withOver(key = 'k'): { partition: PartitionUnderTest; lapsed: readonly Lapse[] } {
  const partition = emptyPartition();
  partition.apply(set(key, bytes(7), { expiresMs: 100 }));
  return { partition, lapsed: [lapseOf(partition, key)] };
}

describe('a time to live', () => {
  it('is told as a time of the clock that gave it, and counts from its entry', () => {
    const partition = emptyPartition();
    partition.applyNothing(4);

    const { outcome } = partition.apply(set('k', bytes(1), { expiresMs: 250 }), {
      stampedAt: stamp(1000, 3),
    });

    expect(outcome.expires).toEqual(stamp(1250, 3));
    expect(partition.read(get('k')).expires).toEqual(stamp(1250, 3));
    expect(partition.read(exists('k')).expires).toEqual(stamp(1250, 3));
    expect(mapGet(partition.state.keys, 'k')).toMatchObject({ expiresMs: 250, armedAt: 5 });
  });

  it('is cleared by a set without one', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 250 }));

    const { outcome } = partition.apply(set('k', bytes(2)));

    expect(outcome).not.toHaveProperty('expires');
    expect(partition.read(get('k'))).not.toHaveProperty('expires');
    expect(mapGet(partition.state.keys, 'k')).toMatchObject({ expiresMs: 0, armedAt: 0 });
  });

  it('is left alone by a set that is refused, which tells of it', () => {
    const partition = emptyPartition();
    const first = partition.apply(set('k', bytes(1), { expiresMs: 250 }));

    const { outcome } = partition.apply(set('k', bytes(2), { flags: ifNotExists }));

    expect(outcome).toEqual({ ...first.outcome, code: KeyValueCode.notSet });
  });

  it('ends by no clock: a later stamp alone changes nothing', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 1 }), { stampedAt: stamp(1000) });

    partition.apply(set('other', bytes(1)), { stampedAt: stamp(1_000_000) });

    expect(partition.read(get('k')).code).toBe(KeyValueCode.got);
  });

  it('stays a safe integer at the end of all time', () => {
    const partition = emptyPartition();

    const { outcome } = partition.apply(set('k', bytes(1), { expiresMs: 0x7fff_ffff }), {
      stampedAt: stamp(Number.MAX_SAFE_INTEGER),
    });

    expect(outcome.expires?.wall).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('extend', () => {
  it('replaces the end, which may come earlier, and neither value nor revision nor the time of the change', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 9000 }), { stampedAt: stamp(1000) });

    const { outcome } = partition.apply(prolong('k', 5), { stampedAt: stamp(2000) });

    const expires = stamp(2005);
    expect(outcome).toEqual({
      code: KeyValueCode.extended,
      revision: 0,
      value: null,
      lastModified: stamp(1000),
      expires,
    });
    expect(partition.read(get('k'))).toMatchObject({ value: bytes(1), revision: 0, expires });
    expect(mapGet(partition.state.keys, 'k')).toMatchObject({ expiresMs: 5, armedAt: 2, history: [] });
  });

  it('gives an end to a key that had none', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));

    expect(partition.apply(prolong('k', 5)).outcome.code).toBe(KeyValueCode.extended);
  });

  it.each(['never written', 'deleted', 'over'])('finds nothing of a key that is %s', (state) => {
    const { partition, lapsed } = withOver('over');
    partition.apply(set('deleted', bytes(1)));
    partition.apply(remove('deleted'));

    const { outcome } = partition.apply(prolong(state, 5), { lapsed });

    expect(outcome.code).toBe(KeyValueCode.doesNotExist);
    expect(partition.read(get(state)).code).toBe(KeyValueCode.doesNotExist);
  });
});

describe('a key that is over', () => {
  it('is absent for the command that says so, and from then on', () => {
    const { partition, lapsed } = withOver();

    const { outcome } = partition.apply(get('k'), { lapsed });

    expect(outcome).toMatchObject({ code: KeyValueCode.doesNotExist, value: null });
    expect(partition.read(get('k')).code).toBe(KeyValueCode.doesNotExist);
    expect(partition.read(exists('k')).code).toBe(KeyValueCode.doesNotExist);
  });

  it('cannot be deleted: there is nothing to delete', () => {
    const { partition, lapsed } = withOver();

    expect(partition.apply(remove('k'), { lapsed }).outcome.code).toBe(KeyValueCode.doesNotExist);
  });

  it.each([
    ['if-exists', { flags: ifExists }, false],
    ['if-not-exists', { flags: ifNotExists }, true],
    ['if-equal to the value that it had', { flags: ifEqualToValue, compareValue: bytes(7) }, false],
    ['if-equal to null', { flags: ifEqualToValue, compareValue: null }, true],
    ['if-revision of the one that it had', { flags: ifEqualToRevision, compareRevision: 0 }, true],
    ['if-revision of a key never written', { flags: ifEqualToRevision, compareRevision: -1 }, false],
  ])('meets the condition %s as an absent one does', (_what, conditions, applied) => {
    const { partition, lapsed } = withOver();

    const { outcome } = partition.apply(set('k', bytes(8), conditions), { lapsed });

    expect([outcome.code, outcome.revision]).toEqual(
      applied ? [KeyValueCode.set, 1] : [KeyValueCode.notSet, 0],
    );
  });

  it('counts its revisions on', () => {
    const { partition, lapsed } = withOver();

    expect(partition.apply(set('k', bytes(8)), { lapsed }).outcome.revision).toBe(1);
    expect(partition.apply(remove('k')).outcome.revision).toBe(2);
    expect(partition.apply(set('k', bytes(9))).outcome.revision).toBe(3);
  });

  it('is so at a time after all that was before, and only then', () => {
    const { partition, lapsed } = withOver();
    const before = partition.state.lastModified;

    partition.apply(get('k'), { lapsed, stampedAt: stamp(1) });

    const { lastModified } = partition.state;
    expect(mapGet(partition.state.keys, 'k')).toMatchObject({
      lapsedAt: lastModified,
      expiresMs: 0,
      armedAt: 0,
    });
    expect(partition.read(get('k', { at: before })).code).toBe(KeyValueCode.got);
    expect(partition.read(get('k', { at: lastModified })).code).toBe(KeyValueCode.doesNotExist);
  });
});

describe('a lapse changes nothing', () => {
  it.each<[string, (partition: PartitionUnderTest) => unknown]>([
    ['prolonged', (partition) => partition.apply(prolong('k', 1000))],
    ['written again with an end', (partition) => partition.apply(set('k', bytes(8), { expiresMs: 5 }))],
    ['written again without one', (partition) => partition.apply(set('k', bytes(8)))],
    ['deleted', (partition) => partition.apply(remove('k'))],
  ])('when the key was %s since', (_what, change) => {
    const { partition, lapsed } = withOver();
    change(partition);
    const before = partition.state;

    partition.apply(get('other'), { lapsed });

    expect(partition.state.keys).toBe(before.keys);
    expect(partition.state.lastModified).toBe(before.lastModified);
  });

  it.each<[string, Lapse]>([
    ['a key that was never written', { space: 'key', name: 'x', armedAt: logIndex(1) }],
    ['a key without an end', { space: 'key', name: 'for ever', armedAt: logIndex(0) }],
    ['a lock of that name', { space: 'lock', name: 'k', armedAt: logIndex(1) }],
    ['a lock that was never acquired', { space: 'lock', name: 'x', armedAt: logIndex(1) }],
  ])('of %s', (_what, lapse) => {
    const { partition } = withOver();
    partition.apply(set('for ever', bytes(1)));
    const { keys, locks } = partition.state;

    partition.apply(get('other'), { lapsed: [lapse] });

    expect(partition.state.keys).toBe(keys);
    expect(partition.state.locks).toBe(locks);
  });

  it('of a command that is executed no more', () => {
    const { partition, lapsed } = withOver();
    partition.apply(set('other', bytes(1)), { requestId: 'r' });

    partition.apply(set('other', bytes(1)), { requestId: 'r', lapsed });

    expect(partition.read(get('k')).code).toBe(KeyValueCode.got);
  });

  it('whatever its index, unless that is the one of the entry that gave the key its present end', () => {
    const steps = fc.array(
      fc.oneof(
        fc.constant(set('k', bytes(1), { expiresMs: 10 })),
        fc.constant(set('k', bytes(1))),
        fc.constant(prolong('k', 10)),
        fc.constant(remove('k')),
        fc.nat(12),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const partition = emptyPartition();
        let armedAt: LogIndex | undefined;
        for (const step of list) {
          const alive = partition.read(get('k')).code === KeyValueCode.got;
          if (typeof step === 'number') {
            partition.apply(get('k'), { lapsed: [{ space: 'key', name: 'k', armedAt: logIndex(step) }] });
            const over = armedAt !== undefined && step === armedAt;
            if (over) armedAt = undefined;
            expect(partition.read(get('k')).code === KeyValueCode.got).toBe(alive && !over);
          } else {
            const applied = partition.apply(step).outcome.code !== KeyValueCode.doesNotExist;
            const hasEnd = 'expiresMs' in step && step.expiresMs !== undefined;
            if (applied) armedAt = hasEnd ? partition.state.applied : undefined;
          }
        }
      }),
    );
  });
});

describe('a read that is a command', () => {
  it('is not remembered, and is answered anew when it comes again', () => {
    const { partition, lapsed } = withOver();
    partition.apply(get('k'), { requestId: 'r', lapsed });
    partition.apply(set('k', bytes(9)));

    const { outcome } = partition.apply(get('k'), { requestId: 'r', lapsed });

    expect(outcome).toMatchObject({ code: KeyValueCode.got, value: bytes(9) });
    expect(partition.state.retries.indexOf.size).toBe(2);
  });

  it('may have the id of an earlier write', () => {
    const { partition, lapsed } = withOver();
    partition.apply(acquire('l', bytes(1)), { requestId: 'r' });

    expect(partition.apply(get('k'), { requestId: 'r', lapsed }).outcome.code).toBe(
      KeyValueCode.doesNotExist,
    );
  });

  it('tells digests apart where it ended something', () => {
    const digests = [true, false].map((says) => {
      const { partition, lapsed } = withOver();
      partition.apply(exists('other'), says ? { lapsed } : {});
      return partition.state.digest;
    });

    expect(digests[0]).not.toBe(digests[1]);
  });

  it('leaves no time behind where nothing was over', () => {
    const partition = emptyPartition();

    partition.apply(get('k'));

    expect(partition.state.lastModified).toEqual(ZERO_TIMESTAMP);
  });
});
