import { describe, expect, it } from 'vitest';
import { groupId, revision } from '../../../core/machine/units.js';
import type { Operation, RequestId, ScanOperation, SetOperation } from '../../../core/partition/command.js';
import { MAX_VALUE_BYTES, problemWith, problemWithId } from '../../../core/partition/validate.js';
import type {
  CreateSequenceOperation,
  UpdateSequenceOperation,
} from '../../../core/partition/sequence-command.js';
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
  stamp,
} from './support.js';

const MAX = Number.MAX_SAFE_INTEGER;
const tooLong = new Uint8Array(MAX_VALUE_BYTES + 1);

function setWith(fields: Partial<SetOperation>): SetOperation {
  return { ...set('k', bytes(1)), ...fields };
}

const onKey = (key: string): readonly Operation[] => [
  set(key, bytes(1)),
  remove(key),
  prolong(key, 1),
  get(key),
  exists(key),
];

function scan(fields: Partial<ScanOperation> = {}): ScanOperation {
  return { type: 'Scan', prefix: 'p', limit: 1, ...fields };
}

const onLock = (resource: string): readonly Operation[] => [
  acquire(resource, bytes(1)),
  extendLock(resource, bytes(1)),
  release(resource, bytes(1)),
  getLock(resource),
];

const byOwner = (owner: Uint8Array): readonly Operation[] => [
  acquire('r', owner),
  extendLock('r', owner),
  release('r', owner),
];

/** Everything that has an end. */
const ending = (expiresMs: number): readonly Operation[] => [
  set('k', bytes(1), { expiresMs }),
  prolong('k', expiresMs),
  acquire('r', bytes(1), expiresMs),
  extendLock('r', bytes(1), expiresMs),
];

const onSequence = (name: string): readonly Operation[] => [
  { type: 'CreateSequence', name, initialValue: 0, increment: 1 },
  { type: 'UpdateSequence', name, increment: 1 },
  { type: 'ReserveSequence', name, count: 1 },
  { type: 'DeleteSequence', name },
  { type: 'GetSequence', name },
];

function create(fields: Partial<CreateSequenceOperation>): CreateSequenceOperation {
  return { type: 'CreateSequence', name: 's', initialValue: 0, increment: 1, ...fields };
}

function update(fields: Partial<UpdateSequenceOperation>): UpdateSequenceOperation {
  return { type: 'UpdateSequence', name: 's', ...fields };
}

type Parameters = Pick<UpdateSequenceOperation, 'initialValue' | 'increment'> & {
  maxValue?: number;
  blockSize?: number;
};

const creating = (fields: Parameters): readonly Operation[] => [create(fields), update(fields)];

const reserving = (count: number, idempotencyKey?: string): readonly Operation[] => [
  { type: 'ReserveSequence', name: 's', count, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) },
];

const readAt = (at: ReturnType<typeof stamp>): readonly Operation[] => [get('k', { at }), scan({ at })];

describe('problemWith finds nothing wrong with', () => {
  it.each([
    ['a plain key', onKey('k')],
    ['a key of slashes and bars', onKey('//|/')],
    ['a key beyond the basic plane', onKey('😀/ä')],
    ['the reserved prefix in the middle of a key', onKey('x__kahuna:y')],
    ['the reserved prefix without its colon', onKey('__kahuna')],
    ['a null value', [setWith({ value: null })]],
    ['no bytes', [setWith({ value: bytes() })]],
    ['the largest value', [setWith({ value: tooLong.subarray(1), compareValue: tooLong.subarray(1) })]],
    ['all flags together', [setWith({ flags: 63 })]],
    ['the shortest and the longest end', [...ending(1), ...ending(0x7fff_ffff)]],
    ['the first revision', [get('k', { revision: 0 })]],
    ['a time', readAt(stamp(0, 0xffff_ffff))],
    ['a page of any size', [scan(), scan({ limit: Number.MAX_SAFE_INTEGER })]],
    [
      'a page with bounds of one partition',
      [
        scan({
          group: groupId(1),
          from: { key: '', inclusive: true },
          to: { key: 'x', inclusive: false },
        }),
      ],
    ],
    ['locks of reserved names, of which there are none', onLock('__kahuna:x')],
    ['long names of locks', onLock('r'.repeat(100_000))],
    ['the longest name of a sequence', onSequence('s'.repeat(1024))],
    ['a range of one value', creating({ initialValue: -5, maxValue: -5 })],
    ['the largest numbers', creating({ initialValue: -MAX, increment: MAX, maxValue: MAX })],
    ['a block of one', creating({ blockSize: 1 })],
    ['an update that takes away', [update({ maxValue: null }), update({ blockSize: null })]],
    [
      'an update to zero',
      [update({ currentValue: 0 }), update({ initialValue: 0 }), update({ maxValue: 0 })],
    ],
    ['the largest reservation', reserving(0x7fff_ffff)],
    ['the longest idempotency key', reserving(1, '\u00e4'.repeat(512))],
    ['the revision of a key never written', [setWith({ flags: 32, compareRevision: revision(-1) })]],
  ])('%s', (_what: string, operations: readonly Operation[]) => {
    expect(operations.map(problemWith)).toEqual(operations.map(() => undefined));
  });
});

describe('problemWith names what is wrong with', () => {
  it.each([
    ['an empty key', onKey(''), 'the key is empty'],
    ['a lone high surrogate', onKey('a\ud800'), 'surrogate'],
    ['a lone low surrogate', onKey('\udc00a'), 'surrogate'],
    ['a reserved key', onKey('__kahuna:x'), '"__kahuna:"'],
    ['the bare reserved prefix', onKey('__kahuna:'), '"__kahuna:"'],
    ['an unknown flag', [setWith({ flags: 64 })], 'flags must be a sum'],
    ['negative flags', [setWith({ flags: -1 })], 'are -1'],
    ['half a flag', [setWith({ flags: 1.5 })], 'are 1.5'],
    ['flags that are no number', [setWith({ flags: Number.NaN })], 'are NaN'],
    [
      'half a revision',
      [setWith({ compareRevision: 0.5 as SetOperation['compareRevision'] })],
      'compareRevision',
    ],
    ['a value that is too large', [setWith({ value: tooLong })], `value has ${MAX_VALUE_BYTES + 1} bytes`],
    ['no end at all', ending(0), 'expiresMs must be a whole number from 1 to 2147483647, but is 0'],
    ['an end before the beginning', ending(-1), 'but is -1'],
    ['an end that is too far', ending(0x8000_0000), 'but is 2147483648'],
    ['half a millisecond', ending(0.5), 'but is 0.5'],
    ['a negative revision', [get('k', { revision: -1 })], 'revision must be a whole number of 0 or more'],
    ['a revision at a time', [get('k', { revision: 1, at: stamp(1) })], 'not of both'],
    ['the zero timestamp', readAt(stamp(0, 0, 0)), 'the time to read at'],
    ['a timestamp of no node', readAt(stamp(5, 0, 0)), 'the time to read at'],
    ['a timestamp before all time', readAt(stamp(-1)), 'the time to read at'],
    ['a counter that is too large', readAt(stamp(1, 2 ** 32)), 'the time to read at'],
    ['an empty prefix', [scan({ prefix: '' })], 'the prefix is empty'],
    ['a broken prefix', [scan({ prefix: '\ud800' })], 'the prefix is not valid Unicode'],
    ['a reserved prefix', [scan({ prefix: '__kahuna:s' })], '"__kahuna:"'],
    ['a broken bound', [scan({ to: { key: '\ud800', inclusive: true } })], 'a bound is not valid Unicode'],
    ['a page of nothing', [scan({ limit: 0 })], 'limit must be a whole number of 1 or more, but is 0'],
    ['half a page', [scan({ limit: 1.5 })], 'but is 1.5'],
    ['the partition of the roster', [scan({ group: groupId(0) })], 'the partition must be'],
    ['an empty resource', onLock(''), 'the resource is empty'],
    ['a broken resource', onLock('\ud800'), 'the resource is not valid Unicode'],
    ['an empty owner', byOwner(bytes()), 'the owner is empty'],
    ['an owner that is too large', byOwner(tooLong), 'owner has'],
    ['an empty sequence', onSequence(''), 'the name is empty'],
    ['a broken sequence', onSequence('\udc00'), 'the name is not valid Unicode'],
    ['a reserved sequence', onSequence('__kahuna:s'), '"__kahuna:"'],
    ['a sequence of 1,025 characters', onSequence('s'.repeat(1025)), 'the name has 1025 characters'],
    ['an increment of nothing', creating({ increment: 0 }), 'increment must be'],
    ['an increment down', creating({ increment: -1 }), 'increment must be'],
    ['half an increment', creating({ increment: 0.5 }), 'increment must be'],
    ['a beginning beyond all numbers', creating({ initialValue: 2 ** 53 }), 'initialValue must be'],
    ['a limit beyond all numbers', creating({ maxValue: -(2 ** 53) }), 'maxValue must be'],
    ['a limit below the beginning', creating({ initialValue: 5, maxValue: 4 }), 'below initialValue, 5'],
    ['a block of nothing', creating({ blockSize: 0 }), 'blockSize must be'],
    ['a block that is too large', creating({ blockSize: 0x8000_0000 }), 'blockSize must be'],
    ['a value beyond all numbers', [update({ currentValue: 2 ** 53 })], 'currentValue must be'],
    ['an update of nothing', [update({})], 'the update changes nothing'],
    ['a reservation of nothing', reserving(0), 'count must be a whole number from 1 to 2147483647, but is 0'],
    ['a reservation that is too large', reserving(0x8000_0000), 'count must be'],
    ['an empty idempotency key', reserving(1, ''), 'the idempotency key is empty'],
    ['a broken idempotency key', reserving(1, '\ud800'), 'the idempotency key is not valid Unicode'],
    ['an idempotency key of 1,026 bytes', reserving(1, '\u00e4'.repeat(513)), 'the idempotency key has 1026'],
    [
      'a compare value that is too large',
      [setWith({ compareValue: tooLong })],
      `compareValue has ${MAX_VALUE_BYTES + 1} bytes`,
    ],
  ])('%s', (_what: string, operations: readonly Operation[], words: string) => {
    for (const operation of operations) expect(problemWith(operation)).toContain(words);
  });
});

describe('a request id', () => {
  it.each([
    ['', 'a request id has 1 to 128 characters, but this one has 0'],
    ['x'.repeat(129), 'a request id has 1 to 128 characters, but this one has 129'],
    ['n:7', 'request ids that begin with "n:" are made by the nodes themselves'],
  ])('%j is refused with words', (id, problem) => {
    expect(problemWithId(id as RequestId)).toBe(problem);
  });

  it('of 1 to 128 characters is fine', () => {
    expect(problemWithId('c' as RequestId)).toBeUndefined();
    expect(problemWithId('c'.repeat(128) as RequestId)).toBeUndefined();
  });
});
