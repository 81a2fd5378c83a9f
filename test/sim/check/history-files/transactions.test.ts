import { describe, expect, it } from 'vitest';
import {
  judgeHistory,
  readHistory,
  toTransactions,
  UnreadableHistory,
  type IsolationLevel,
} from '../../../../sim/index.js';

const writeSkew = `
{:type :invoke, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0}
{:type :invoke, :f :txn, :value [[:r 2 nil] [:append 1 1]], :process 1}
{:type :ok, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0}
{:type :ok, :f :txn, :value [[:r 2 []] [:append 1 1]], :process 1}
{:type :invoke, :f :txn, :value [[:r 1 nil] [:r 2 nil]], :process 0}
{:type :ok, :f :txn, :value [[:r 1 [1]] [:r 2 [1]]], :process 0}
`;

describe('transactions in EDN', () => {
  it.each<readonly [IsolationLevel, string]>([
    ['strict-serializable', 'invalid'],
    ['serializable', 'invalid'],
    ['snapshot-isolation', 'valid'],
  ])('are judged at %s: %s', (level, verdict) => {
    const judged = judgeHistory(writeSkew, { model: 'list-append', format: 'auto', level });

    expect(judged).toMatchObject({ verdict, operations: 3, keys: [], picture: undefined });
    expect(judged.anomalies.map(({ name }) => name)).toEqual(['G2-item']);
    expect(judged.explanation).toContain('write skew');
  });

  it('take what was read from the completion, and nil there for an absent key', () => {
    const text = `
{:type :invoke, :f :txn, :value [[:w :x 1] [:r :y nil]], :process 0}
{:type :invoke, :f :txn, :value [[:r "x" nil]], :process 1}
{:type :invoke, :f :txn, :value [[:r :y nil] [:w :y 12345678901234567890N]], :process 2}
{:type :ok, :f :txn, :value [[:w :x 1] [:r :y nil]], :process 0}
{:type :fail, :f :txn, :value [[:r "x" nil]], :process 1}
{:type :info, :f :txn, :value [[:r :y nil] [:w :y 12345678901234567890N]], :process 2, :error :timeout}`;

    const transactions = toTransactions(readHistory(text, 'edn'), 'rw-register');

    expect(transactions).toEqual([
      {
        id: 0,
        client: 'process 0',
        outcome: 'committed',
        invokedAt: 0,
        answeredAt: 3,
        operations: [
          { type: 'write', key: ':x', value: 1 },
          { type: 'read', key: ':y', value: null },
        ],
      },
      {
        id: 1,
        client: 'process 1',
        outcome: 'aborted',
        invokedAt: 1,
        answeredAt: 4,
        operations: [{ type: 'read', key: 'x', value: undefined }],
      },
      {
        id: 2,
        client: 'process 2',
        outcome: 'unknown',
        invokedAt: 2,
        answeredAt: undefined,
        operations: [
          { type: 'read', key: ':y', value: undefined },
          { type: 'write', key: ':y', value: '12345678901234567890' },
        ],
      },
    ]);
  });
});

describe('transactions in JSON', () => {
  it('are objects with both times, an outcome, and scans', () => {
    const text = `
{"client":"a","start":0,"end":4,"outcome":"committed","transaction":[["append","x",1],["r","x",[1]]]}
{"client":"b","start":5,"end":6,"transaction":[["scan","x",[["x",1]]],["read","y",null]]}
{"client":"c","start":5,"transaction":[["append","x","two"],["r","x",null],["scan","x",null]]}
{"client":"d","start":5,"end":7,"outcome":"aborted","transaction":[["append","x",3]]}`;

    const transactions = toTransactions(readHistory(text, 'json'), 'list-append');

    expect(transactions.map(({ outcome, operations }) => [outcome, operations])).toEqual([
      [
        'committed',
        [
          { type: 'append', key: 'x', value: 1 },
          { type: 'list', key: 'x', values: [1] },
        ],
      ],
      [
        'committed',
        [
          { type: 'scan', prefix: 'x', found: [['x', 1]] },
          { type: 'list', key: 'y', values: [] },
        ],
      ],
      [
        'unknown',
        [
          { type: 'append', key: 'x', value: 'two' },
          { type: 'list', key: 'x', values: undefined },
          { type: 'scan', prefix: 'x', found: undefined },
        ],
      ],
      ['aborted', [{ type: 'append', key: 'x', value: 3 }]],
    ]);
    expect(judgeHistory(text, { model: 'list-append', format: 'auto' }).verdict).toBe('valid');
  });

  it.each([
    ['[["append","x",1]]', '[["append","x",1]]', 'another value than in line 1'],
    ['[["w","x",1]]', '[]', 'a history for --model rw-register?'],
    ['[["r","x",1]]', '[]', 'expected [:append key value], [:r key [values]]'],
    ['[["append","x",null]]', '[]', 'expected [:append key value]'],
    ['[["jump","x",1]]', '[]', 'expected [:append key value]'],
    ['[["scan","x",[1]]]', '[]', 'pairs of keys and values'],
    ['[1]', '[]', 'a transaction, as'],
    ['3', '[]', 'a transaction, as'],
  ])('errors say what was expected: %s and %s', (first, second, expected) => {
    const text = [first, second]
      .map((value) => `{"client":"a","start":0,"end":4,"transaction":${value}}`)
      .join('\n');

    const judge = (): unknown => judgeHistory(text, { model: 'list-append', format: 'json' });

    expect(judge).toThrow(UnreadableHistory);
    expect(judge).toThrow(expected);
  });
});
