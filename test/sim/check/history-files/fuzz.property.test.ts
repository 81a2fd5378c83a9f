import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeHistory, UnreadableHistory } from '../../../../sim/check/history-files/index.js';

const histories = [
  '{:type :invoke, :f :cas, :value [1 2], :process 0, :error [:a "b\\n" \\c #{1} 2N 1/2]}\n{:type :fail, :f :cas, :value [1 2], :process 0}\n',
  '[#jepsen.history.Op{:process :nemesis, :type :info, :f :start, :value nil} #_ x {:process 1, :type :invoke, :f :read, :value #jepsen.independent.Tuple{:key 1, :value nil}}]',
  'INFO  jepsen.util - 4\t:invoke\t:cas\t[2 4]\nINFO  jepsen.util - 4\t:fail\t:cas\t[2 4]\n5 :invoke :read nil\n5 :ok :read nil\n',
  '[{"client":"a","op":"write","key":"x","input":1,"start":0,"end":5},\n{"client":"a","op":"read","key":"x","output":"\\u0031","start":6,"end":7}]',
  '{"client":"a","transaction":[["append","x",1],["r","x",[1]]],"start":0,"end":5,"outcome":"committed"}\n',
];

interface Change {
  readonly at: number;
  readonly length: number;
  readonly put: string;
}

/** A piece cut out and another put in, at any place. */
const change = fc.record({
  at: fc.nat(400),
  length: fc.nat(6),
  put: fc.oneof(
    fc.string({ maxLength: 4 }),
    fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      '"',
      '#',
      '#_',
      '\\',
      ':',
      'nil',
      '\n',
      ';',
      '\u0000',
      '\ud800',
      '9'.repeat(30),
    ),
  ),
});

function changed(text: string, changes: readonly Change[]): string {
  return changes.reduce((before, { at, length, put }) => {
    const place = at % (before.length + 1);
    return before.slice(0, place) + put + before.slice(place + length);
  }, text);
}

describe('a damaged history', () => {
  it.each(['auto', 'edn', 'json', 'log'] as const)(
    'read as %s gives a verdict or an error of ours',
    (format) => {
      fc.assert(
        fc.property(
          fc.constantFrom(...histories),
          fc.array(change, { maxLength: 6 }),
          fc.constantFrom('register', 'cas-register', 'kv', 'list-append', 'rw-register'),
          (history, changes, model) => {
            const text = changed(history, changes);

            try {
              const { verdict } = judgeHistory(text, { model, format, maxSteps: 1_000 });

              expect(['valid', 'invalid', 'unknown']).toContain(verdict);
            } catch (error) {
              if (!(error instanceof UnreadableHistory)) throw error;
              expect(error.line).toBeGreaterThan(0);
              expect(error.column).toBeGreaterThan(0);
            }
          },
        ),
        { numRuns: 2_000 },
      );
    },
  );

  it('of arbitrary characters gives a verdict or an error of ours', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.constantFrom('edn', 'json', 'log'),
        (text, format) => {
          try {
            judgeHistory(text, { model: 'register', format, maxSteps: 1_000 });
          } catch (error) {
            expect(error).toBeInstanceOf(UnreadableHistory);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
