import { describe, expect, it } from 'vitest';
import { groupId } from '../../../core/machine/units.js';
import { KeyValueCode, type Operation } from '../../../core/partition/command.js';
import { LockCode } from '../../../core/partition/lock-command.js';
import {
  describeOperation,
  groupOfOperation,
  isRead,
  nameIn,
  refusalOf,
  type Refusal,
} from '../../../core/partition/operation.js';
import { SequenceCode } from '../../../core/partition/sequence-command.js';
import { partitionOfKey, partitionOfKeySpace } from '../../../core/placement/partition-of-key.js';
import {
  acquire,
  bytes,
  exists,
  extendLock,
  get,
  getLock,
  prolong,
  release,
  remove,
  set,
} from './support.js';

const scan: Operation = { type: 'Scan', prefix: 'a/b', limit: 1 };
const onKeys: readonly Operation[] = [
  set('a/b', null),
  remove('a/b'),
  prolong('a/b', 1),
  get('a/b'),
  exists('a/b'),
];
const onLocks: readonly Operation[] = [
  acquire('a/b', bytes(1)),
  extendLock('a/b', bytes(1)),
  release('a/b', bytes(1)),
  getLock('a/b'),
];
const onSequences: readonly Operation[] = [
  { type: 'CreateSequence', name: 'a/b', initialValue: 0, increment: 1 },
  { type: 'UpdateSequence', name: 'a/b', increment: 1 },
  { type: 'ReserveSequence', name: 'a/b', count: 1 },
  { type: 'DeleteSequence', name: 'a/b' },
  { type: 'GetSequence', name: 'a/b' },
];
const all = [scan, ...onKeys, ...onLocks, ...onSequences];

describe('an operation', () => {
  it('has a name, and one of its own kind', () => {
    expect(all.map(nameIn)).toEqual(all.map(() => 'a/b'));
    expect(new Set(all.map(describeOperation)).size).toBe(all.length);
    expect(describeOperation(set('k', null))).toBe('set k');
    expect(describeOperation(acquire('k', bytes(1)))).toBe('acquireLock k');
    expect(describeOperation({ ...set('k', null), ephemeral: true })).toBe('ephemeral set k');
    expect(describeOperation({ ...acquire('k', bytes(1)), ephemeral: true })).toBe('ephemeral acquireLock k');
  });

  it('reads or writes', () => {
    expect(all.filter(isRead).map(({ type }) => type)).toEqual([
      'Scan',
      'Get',
      'Exists',
      'GetLock',
      'GetSequence',
    ]);
  });
});

describe('the partition of an operation', () => {
  const groupsOf = (operations: readonly Operation[]): readonly number[] => [
    ...new Set(operations.map((operation) => groupOfOperation(operation, 1000))),
  ];

  it('is that of its key or resource', () => {
    expect(groupsOf([...onKeys, ...onLocks])).toEqual([partitionOfKey('a/b', 1000)]);
  });

  it('is that of the key under which a sequence would be kept', () => {
    expect(groupsOf(onSequences)).toEqual([partitionOfKey('__kahuna:sequences:a/b', 1000)]);
  });

  it('is that of the prefix of a scan as a key space, where the keys of that bucket are, unless it names one', () => {
    expect(groupsOf([scan])).toEqual([partitionOfKeySpace('a/b', 1000)]);
    expect(groupsOf([scan])).toEqual([partitionOfKey('a/b/c', 1000)]);
    expect(groupsOf([{ ...scan, group: groupId(7) }])).toEqual([7]);
  });
});

describe('a refusal', () => {
  it.each<[Refusal, number, number, number]>([
    ['invalidInput', KeyValueCode.invalidInput, LockCode.invalidInput, SequenceCode.invalidInput],
    ['mustRetry', KeyValueCode.mustRetry, LockCode.mustRetry, SequenceCode.mustRetry],
    ['errored', KeyValueCode.errored, LockCode.errored, SequenceCode.error],
  ])('%s is told in the codes and the form of its family', (why, ofKeys, ofLocks, ofSequences) => {
    const told = (operations: readonly Operation[]) =>
      operations.map((operation) => {
        const { family, code } = refusalOf(operation, why);
        return [family, code];
      });

    expect(told([scan])).toEqual([['page', ofKeys]]);
    expect(told(onKeys)).toEqual(onKeys.map(() => [undefined, ofKeys]));
    expect(told(onLocks)).toEqual(onLocks.map(() => ['lock', ofLocks]));
    expect(told(onSequences)).toEqual(onSequences.map(() => ['sequence', ofSequences]));
  });
});
