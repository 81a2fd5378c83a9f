import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  findHistoryNotes,
  findHistoryProblems,
  keyValueModel,
} from '../../../../sim/check/linearizability/index.js';
import { get, kv, missing, type KeyValueOperation } from './histories.js';

const [fine] = kv([0, 5, get, missing]) as readonly [KeyValueOperation];

describe('a malformed history', () => {
  it.each<[string, readonly KeyValueOperation[], string]>([
    ['an answer before its invocation', [{ ...fine, invokedAt: 9 }], 'before its invocation at 9'],
    ['an id used twice', [fine, fine], 'repeats an id'],
    ['an id that is no integer', [{ ...fine, id: 0.5 }], 'not an integer'],
    ['a time that is not a number', [{ ...fine, invokedAt: NaN }], 'invoked at NaN'],
    ['an answer at a fraction of a unit', [{ ...fine, answeredAt: 1.5 }], 'answered at 1.5'],
    ['an answer without output', [{ ...fine, output: undefined }], 'has no output'],
    ['an output without answer', [{ ...fine, answeredAt: undefined }], 'no time of answer'],
  ])('%s is named', (_, operations, message) => {
    const problems = findHistoryProblems(operations);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it('is refused with the first few problems and the number of the others', () => {
    const operations = Array.from({ length: 8 }, (_, id) => ({ ...fine, id, invokedAt: 9 }));

    expect(() => checkLinearizable(keyValueModel, operations)).toThrow(/before its invocation[^]*and 3 more/);
  });
});

describe('notes on a history', () => {
  it('name a client with two operations under way at once', () => {
    const operations = kv([0, 5, get, missing], [3, 8, get, missing]).map((each) => ({
      ...each,
      client: 'c',
    }));

    expect(findHistoryNotes(operations)).toEqual([
      expect.stringContaining('operations 0 and 1 under way at once'),
    ]);
  });

  it('say nothing of a client that goes on after an operation without an answer', () => {
    const operations = kv([0, undefined, get], [3, 8, get, missing]).map((each) => ({
      ...each,
      client: 'c',
    }));

    expect(findHistoryNotes(operations)).toEqual([]);
  });
});
