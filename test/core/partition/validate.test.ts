import { describe, expect, it } from 'vitest';
import { revision } from '../../../core/machine/units.js';
import type { KeyValueOperation, RequestId, SetOperation } from '../../../core/partition/command.js';
import { MAX_VALUE_BYTES, problemWith, problemWithId } from '../../../core/partition/validate.js';
import { bytes, remove, set } from './support.js';

const tooLong = new Uint8Array(MAX_VALUE_BYTES + 1);

function setWith(fields: Partial<SetOperation>): SetOperation {
  return { ...set('k', bytes(1)), ...fields };
}

const onKey = (key: string): readonly KeyValueOperation[] => [
  set(key, bytes(1)),
  remove(key),
  { type: 'Get', key },
  { type: 'Exists', key },
];

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
    ['the revision of a key never written', [setWith({ flags: 32, compareRevision: revision(-1) })]],
  ])('%s', (_what, operations) => {
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
    [
      'a compare value that is too large',
      [setWith({ compareValue: tooLong })],
      `compareValue has ${MAX_VALUE_BYTES + 1} bytes`,
    ],
  ])('%s', (_what, operations, words) => {
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
