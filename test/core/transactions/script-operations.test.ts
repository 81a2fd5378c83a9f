/** What scripts lock: the order that keeps them from blocking each other, and what goes together. */

import { describe, expect, it } from 'vitest';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import type { LockNeed } from '../../../core/script/effects.js';
import { locksInOrder } from '../../../core/transactions/script-operations.js';

const PARTITIONS = 2;

function keyIn(group: number, name: string): string {
  for (let i = 0; ; i += 1) {
    if (partitionOfKey(`${name}${i}`, PARTITIONS) === group) return `${name}${i}`;
  }
}

function key(name: string, ephemeral?: true): LockNeed {
  return ephemeral === undefined ? { type: 'Key', key: name } : { type: 'Key', key: name, ephemeral };
}

describe('the locks of a script', () => {
  const [a, b, c] = [keyIn(2, 'a'), keyIn(1, 'b'), keyIn(1, 'c')];

  it('are asked for at once where one partition keeps them in one space, and the partitions in their order', () => {
    const locks = locksInOrder([key(a), key(c), key(b, true), key(b)], PARTITIONS);
    const named = (name: string) => ({ type: 'KeyLock', key: name });
    expect(locks).toMatchObject([
      { need: named(b), also: [named(c)], once: true },
      { need: named(b), ephemeral: true },
      { need: named(a) },
    ]);
    expect(locks).toEqual(locksInOrder([key(b), key(b, true), key(a), key(c)], PARTITIONS));
    expect(locksInOrder([], PARTITIONS)).toEqual([]);
  });

  it('are not more at a time than a partition takes', () => {
    const many = Array.from({ length: 40_000 }, (_, i) => key(`${a}/${i}`));
    const locks = locksInOrder(many, 1);
    expect(locks.reduce((sum, { also = [] }) => sum + 1 + also.length, 0)).toBe(many.length);
    expect(Math.max(...locks.map(({ also = [] }) => 1 + also.length))).toBeLessThanOrEqual(1_024);
  });
});
