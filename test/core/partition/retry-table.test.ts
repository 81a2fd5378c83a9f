import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { radixForEach } from '../../../core/collections/radix-array.js';
import { KeyValueCode, SetFlag, type RequestId } from '../../../core/partition/command.js';
import { executeRead } from '../../../core/partition/partition.js';
import { findRetry, type RetryTable } from '../../../core/partition/retry-table.js';
import { bytes, emptyPartition, remove, set } from './support.js';

function remembered(table: RetryTable): readonly string[] {
  const ids: string[] = [];
  radixForEach(table.records, ({ requestId }) => ids.push(requestId));
  return ids;
}

describe('a request that comes twice', () => {
  it('takes effect once and is told the same both times', () => {
    const partition = emptyPartition();
    const first = partition.apply(set('k', bytes(1)), { requestId: 'r' });
    partition.apply(set('k', bytes(2)), { requestId: 'other' });

    const second = partition.apply(set('k', bytes(1)), { requestId: 'r' });

    expect(second.outcome).toEqual(first.outcome);
    expect(executeRead(partition.state, { type: 'Get', key: 'k' })).toMatchObject({
      revision: 1,
      value: bytes(2),
    });
  });

  it('is told of the refusal that it met, even where it would be accepted now', () => {
    const partition = emptyPartition();
    const first = partition.apply(set('k', bytes(1), { flags: SetFlag.ifExists }), { requestId: 'r' });
    partition.apply(set('k', bytes(2)));

    const second = partition.apply(set('k', bytes(1), { flags: SetFlag.ifExists }), { requestId: 'r' });

    expect(first.outcome.code).toBe(KeyValueCode.notSet);
    expect(second.outcome).toEqual(first.outcome);
  });

  it('does not meet its own effect: a create is told that it created', () => {
    const partition = emptyPartition();
    const create = set('k', bytes(1), { flags: SetFlag.ifNotExists });
    partition.apply(create, { requestId: 'r' });

    expect(partition.apply(create, { requestId: 'r' }).outcome).toMatchObject({
      code: KeyValueCode.set,
      revision: 0,
    });
  });

  it('still moves the applied index and the digest, as every entry does', () => {
    const partition = emptyPartition();
    partition.apply(remove('k'), { requestId: 'r' });
    const before = partition.state;

    partition.apply(remove('k'), { requestId: 'r' });

    expect(partition.state.applied).toBe(before.applied + 1);
    expect(partition.state.digest).not.toBe(before.digest);
  });
});

describe('an id that was used for another operation', () => {
  it.each([
    ['another kind', remove('k')],
    ['another key', set('l', bytes(1))],
  ])('of %s is refused without effect, with the earlier one named', (_what, other) => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { requestId: 'r' });
    const before = partition.state.keys;

    const { outcome, reason } = partition.apply(other, { requestId: 'r' });

    expect(outcome.code).toBe(KeyValueCode.invalidInput);
    expect(reason).toContain('set k');
    expect(partition.state.keys).toBe(before);
  });

  it('does not forget what the id was used for first', () => {
    const partition = emptyPartition();
    const first = partition.apply(set('k', bytes(1)), { requestId: 'r' });
    partition.apply(remove('k'), { requestId: 'r' });

    expect(partition.apply(set('k', bytes(1)), { requestId: 'r' }).outcome).toEqual(first.outcome);
  });
});

describe('the window', () => {
  it('remembers a request for as many further entries as it is long, and not one more', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { requestId: 'r', window: 5 });

    partition.applyNothing(4, 5);
    const still = findRetry(partition.state.retries, 'r' as RequestId);
    partition.applyNothing(1, 5);
    const noMore = findRetry(partition.state.retries, 'r' as RequestId);

    expect(still?.index).toBe(1);
    expect(noMore).toBeUndefined();
  });

  it('keeps the table from growing', () => {
    const partition = emptyPartition();

    for (let i = 0; i < 100; i += 1) partition.apply(set('k', bytes(i)), { requestId: `r${i}`, window: 7 });

    expect(remembered(partition.state.retries)).toEqual(['r93', 'r94', 'r95', 'r96', 'r97', 'r98', 'r99']);
    expect(partition.state.retries.indexOf.size).toBe(7);
    expect(mapGet(partition.state.retries.indexOf, 'r93')).toBe(94);
  });

  it('refuses, without effect, a command that took longer than the window to arrive', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)), { requestId: 'r', basis: 0, window: 5 });
    partition.applyNothing(5, 5);
    const before = partition.state.keys;

    const { outcome, reason } = partition.apply(set('k', bytes(1)), { requestId: 'r', basis: 0, window: 5 });

    expect(outcome.code).toBe(KeyValueCode.mustRetry);
    expect(reason).toContain('5 writes');
    expect(partition.state.keys).toBe(before);
  });

  it('takes a command that is exactly as old as the window', () => {
    const partition = emptyPartition();
    partition.applyNothing(4, 5);

    const { outcome } = partition.apply(set('k', bytes(1)), { basis: 0, window: 5 });

    expect(outcome.code).toBe(KeyValueCode.set);
  });

  it('does not remember a command that it refused for its age', () => {
    const partition = emptyPartition();
    partition.applyNothing(10, 5);

    partition.apply(set('k', bytes(1)), { requestId: 'late', basis: 0, window: 5 });

    expect(remembered(partition.state.retries)).toEqual([]);
  });
});

describe('at most once', () => {
  /**
   * Each request is taken by a node at some applied index, its basis, and may be delivered to the log any number
   * of times, however late. The window is short, so that forgetting, refusing and recognising all happen.
   */
  it('holds for every sequence of duplicates and delays', () => {
    const deliveries = fc.array(fc.nat(11), { minLength: 10, maxLength: 60 });
    let refusedForAge = 0;
    let recognised = 0;

    fc.assert(
      fc.property(deliveries, fc.integer({ min: 1, max: 12 }), (list, window) => {
        const partition = emptyPartition();
        const bases = new Map<string, number>();
        const effects = new Map<string, number>();

        for (const request of list) {
          const requestId = `request ${request}`;
          const basis = bases.get(requestId) ?? partition.state.applied;
          bases.set(requestId, basis);
          const before = partition.state.keys;
          const { outcome } = partition.apply(set(`key ${request % 3}`, null), { requestId, basis, window });
          if (partition.state.keys !== before) effects.set(requestId, (effects.get(requestId) ?? 0) + 1);
          if (outcome.code === KeyValueCode.mustRetry) refusedForAge += 1;
          else if (partition.state.keys === before) recognised += 1;
        }

        for (const [requestId, times] of effects) expect([requestId, times]).toEqual([requestId, 1]);
      }),
      { numRuns: 300 },
    );
    expect(Math.min(refusedForAge, recognised)).toBeGreaterThan(100);
  });
});
