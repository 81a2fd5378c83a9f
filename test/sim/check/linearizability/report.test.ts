import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  explainCounterexample,
  keyValueModel,
  registerModel,
  type RegisterInput,
  type RegisterOutput,
} from '../../../../sim/check/linearizability/index.js';
import { get, got, history, kv, set, wasSet } from './histories.js';

describe('the explanation of a counterexample', () => {
  it('shows two answers that exclude each other, and nothing else', () => {
    const result = checkLinearizable(
      keyValueModel,
      kv([0, 1, set('a'), wasSet(0)], [2, 3, set('b'), wasSet(1)], [5, 9, get, got('a', 0)]),
    );

    expect(explainCounterexample(result)).toMatchInlineSnapshot(`
      "Not linearizable: the operations on key "x" have no legal order.
      These cannot both be true: operation 1 was answered at 3 with the key at revision 1, and operation 2, invoked later at 5, ran on revision 0.

        x c1 #1  |---|               set "b" -> set at revision 1
        x c2 #2          |---|       get -> got "a" at revision 0"
    `);
  });

  it('shows how far a legal order goes and why nothing can come next', () => {
    const result = checkLinearizable(
      registerModel,
      history<RegisterInput, RegisterOutput>([
        [0, 4, { type: 'write', value: 'a' }, { type: 'written' }],
        [3, 9, { type: 'write', value: 'b' }, { type: 'written' }],
        [5, 6, { type: 'read' }, { type: 'read', value: 'b' }],
        [7, 8, { type: 'read' }, { type: 'read', value: 'a' }],
        [7, undefined, { type: 'write', value: 'c' }],
      ]),
    );

    expect(explainCounterexample(result)).toMatchInlineSnapshot(`
      "Not linearizable: the operations on key "x" have no legal order.
      The longest legal beginning has 3 of 4 answered operations. Its end, then what might come next (x):

          c0 #0  |-------|                           write "a" -> written
          c1 #1      |-----------------------|       write "b" -> written
          c2 #2              |---|                   read -> read "b"
        x c3 #3                      |---|           read -> read "a"
        x c4 #4                      |------------>  write "c" -> no answer

      After that beginning the state is: "b".
      One of the operations marked x must come next, for c3 #3 was answered at 8, before any other was invoked. None can:
        c3 #3: read -> read "a": here it must answer: read "b".
        c4 #4: write "c" -> no answer: it has no answer and may have run here, but that leads no further."
    `);
  });

  it('says of a valid history how much was checked', () => {
    const result = checkLinearizable(keyValueModel, kv([0, 1, set('a'), wasSet(0)]));

    expect(explainCounterexample(result)).toBe(
      'Linearizable: every key has a legal order (keys: 1, answered operations: 1).',
    );
  });

  it('says that unknown is not a pass', () => {
    const crowd = Array.from({ length: 12 }, () => [0, 9, set('a'), wasSet(5)] as const);
    const result = checkLinearizable(
      { ...keyValueModel, contradiction: () => undefined },
      kv(...crowd, ...crowd.map((_, index) => [0, undefined, set(`${index}`)] as const)),
      { maxSteps: 10 },
    );

    expect(result.verdict).toBe('unknown');
    expect(explainCounterexample(result)).toContain('this is not a pass');
  });
});
