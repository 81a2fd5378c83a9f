import { describe, expect, it } from 'vitest';
import { revision } from '../../../core/machine/units.js';
import type { Operation } from '../../../core/partition/command.js';
import { lapsesIn } from '../../../core/partition/lapse.js';
import {
  acquire,
  bytes,
  emptyPartition,
  exists,
  extendLock,
  get,
  getLock,
  prolong,
  release,
  remove,
  set,
  stamp,
} from './support.js';

const me = bytes(1);
const all = (): boolean => true;

describe('what an operation looks at and is over', () => {
  it.each<[string, Operation]>([
    ['set', set('k', null)],
    ['delete', remove('k')],
    ['extend', prolong('k', 5)],
    ['get', get('k')],
    ['exists', exists('k')],
  ])('%s: its key', (_what, operation) => {
    const partition = emptyPartition();
    partition.apply(acquire('k', me));
    partition.apply(set('k', bytes(1), { expiresMs: 5 }));

    expect(lapsesIn(partition.state, operation, all)).toEqual([{ space: 'key', name: 'k', armedAt: 2 }]);
  });

  it.each<[string, Operation]>([
    ['acquire', acquire('k', me)],
    ['extend', extendLock('k', me)],
    ['release', release('k', me)],
    ['get', getLock('k')],
  ])('%s: its lock', (_what, operation) => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 5 }));
    partition.apply(acquire('k', me));

    expect(lapsesIn(partition.state, operation, all)).toEqual([{ space: 'lock', name: 'k', armedAt: 2 }]);
  });

  it.each<Operation>([
    { type: 'CreateSequence', name: 'k', initialValue: 0, increment: 1 },
    { type: 'ReserveSequence', name: 'k', count: 1 },
    { type: 'GetSequence', name: 'k' },
  ])('$type: nothing', (operation) => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 5 }));
    partition.apply(acquire('k', me));

    expect(lapsesIn(partition.state, operation, all)).toEqual([]);
  });

  it('is judged by who is asked, who is told what it is', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 5 }));
    const asked: unknown[] = [];

    const lapses = lapsesIn(partition.state, get('k'), (space, name, { expiresMs, armedAt }) => {
      asked.push([space, name, expiresMs, armedAt]);
      return false;
    });

    expect(lapses).toEqual([]);
    expect(asked).toEqual([['key', 'k', 5, 1]]);
  });

  it('is not asked for of what has no end, or is over already', () => {
    const partition = emptyPartition();
    partition.apply(set('for ever', bytes(1)));
    partition.apply(set('deleted', bytes(1), { expiresMs: 5 }));
    partition.apply(remove('deleted'));
    partition.apply(set('over', bytes(1), { expiresMs: 5 }));
    partition.apply(get('over'), { lapsed: lapsesIn(partition.state, get('over'), all) });
    partition.apply(acquire('released', me));
    partition.apply(release('released', me));
    partition.apply(acquire('lapsed', me));
    partition.apply(getLock('lapsed'), { lapsed: lapsesIn(partition.state, getLock('lapsed'), all) });
    const operations = [
      ...['for ever', 'deleted', 'over', 'never written'].map((key) => get(key)),
      ...['released', 'lapsed', 'never seen'].map(getLock),
    ];

    const never = (): never => {
      throw new Error('it was asked');
    };

    for (const operation of operations) expect(lapsesIn(partition.state, operation, never)).toEqual([]);
  });

  it('is none of what is read of the past', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 5 }), { stampedAt: stamp(100) });

    expect(lapsesIn(partition.state, { ...get('k'), revision: revision(0) }, all)).toEqual([]);
    expect(lapsesIn(partition.state, get('k', { at: stamp(100) }), all)).toEqual([]);
    expect(lapsesIn(partition.state, get('k', { at: stamp(100, 1) }), all)).toHaveLength(1);
  });
});
