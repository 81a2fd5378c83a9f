import { describe, expect, it } from 'vitest';
import {
  casRegisterModel,
  checkLinearizable,
  keyValueModel,
  registerModel,
  type CasRegisterInput,
  type CasRegisterOutput,
  type KeyValueInput,
  type KeyValueOutput,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
} from '../../../../sim/check/linearizability/index.js';
import {
  deleted,
  get,
  got,
  history,
  kv,
  missing,
  notSet,
  remove,
  set,
  setIfNew,
  wasSet,
  type Line,
} from './histories.js';

const verdictOf = (operations: ReturnType<typeof kv>): string =>
  checkLinearizable(keyValueModel, operations).verdict;

describe('histories of the key/value store that must be accepted', () => {
  it('nothing at all is valid, and noted as having tested nothing', () => {
    const result = checkLinearizable(keyValueModel, []);

    expect(result.verdict).toBe('valid');
    expect(result.notes[0]).toContain('nothing was tested');
  });

  it('one operation after another', () => {
    expect(
      verdictOf(
        kv(
          [0, 1, get, missing],
          [2, 3, set('a'), wasSet(0)],
          [4, 5, setIfNew('b'), notSet(0)],
          [6, 7, remove, deleted(1)],
          [8, 9, remove, missing],
          [10, 11, setIfNew('b'), wasSet(2)],
          [12, 13, get, got('b', 2)],
        ),
      ),
    ).toBe('valid');
  });

  it('a read during a write may see either value', () => {
    const write = [0, 10, set('a'), wasSet(0)] as const;

    expect(verdictOf(kv(write, [2, 3, get, missing]))).toBe('valid');
    expect(verdictOf(kv(write, [2, 3, get, got('a', 0)]))).toBe('valid');
  });

  it('an unanswered write that took effect much later', () => {
    expect(
      verdictOf(
        kv(
          [0, undefined, set('late')],
          [1, 2, set('a'), wasSet(0)],
          [3, 4, get, got('a', 0)],
          [100, 101, get, got('late', 1)],
        ),
      ),
    ).toBe('valid');
  });

  it('an unanswered write that never took effect', () => {
    expect(
      verdictOf(kv([0, undefined, set('lost')], [1, 2, get, missing], [3, 4, set('a'), wasSet(0)])),
    ).toBe('valid');
  });

  it('a retry of an unanswered write that is refused because the first try took effect', () => {
    expect(
      verdictOf(
        kv([0, undefined, setIfNew('a')], [5, 6, setIfNew('a'), notSet(0)], [7, 8, get, got('a', 0)]),
      ),
    ).toBe('valid');
  });

  it('unanswered writes of values that nobody saw explain a jump of the revision', () => {
    expect(
      verdictOf(
        kv(
          [0, undefined, set('p')],
          [0, undefined, set('q')],
          [0, undefined, set('r')],
          [1, 2, set('a'), wasSet(2)],
          [3, 4, get, got('a', 2)],
        ),
      ),
    ).toBe('valid');
  });
});

describe('histories of the key/value store that must be rejected', () => {
  it('a stale read', () => {
    expect(
      verdictOf(kv([0, 1, set('a'), wasSet(0)], [2, 3, set('b'), wasSet(1)], [4, 5, get, got('a', 0)])),
    ).toBe('invalid');
  });

  it('a read from before the key was there, after it was', () => {
    expect(verdictOf(kv([0, 1, set('a'), wasSet(0)], [2, 3, get, missing]))).toBe('invalid');
  });

  it('a lost update: two conditional sets both win against one revision', () => {
    const ifFirst = (value: string) =>
      ({
        type: 'set',
        value,
        condition: { ifExists: false, ifNotExists: false, equalToRevision: 0 },
      }) as const;

    expect(
      verdictOf(
        kv([0, 1, set('a'), wasSet(0)], [2, 9, ifFirst('b'), wasSet(1)], [2, 9, ifFirst('c'), wasSet(2)]),
      ),
    ).toBe('invalid');
  });

  it('a write that is visible and then invisible, by an answer lost', () => {
    expect(verdictOf(kv([0, undefined, set('a')], [1, 2, get, got('a', 0)], [3, 4, get, missing]))).toBe(
      'invalid',
    );
  });

  it('two writes that made the same revision', () => {
    expect(verdictOf(kv([0, 9, set('a'), wasSet(0)], [0, 9, set('b'), wasSet(0)]))).toBe('invalid');
  });

  it('a retry applied twice', () => {
    expect(
      verdictOf(kv([0, undefined, set('a')], [10, 11, get, got('a', 0)], [12, 13, get, got('a', 1)])),
    ).toBe('invalid');
  });

  it('a value that nobody wrote', () => {
    expect(verdictOf(kv([0, 1, set('a'), wasSet(0)], [2, 3, get, got('z', 0)]))).toBe('invalid');
  });

  it('an unanswered write that took effect before it was invoked', () => {
    expect(verdictOf(kv([0, 1, get, got('a', 0)], [2, undefined, set('a')]))).toBe('invalid');
  });

  it('two readers who saw concurrent writes in opposite orders', () => {
    const write = (value: string): RegisterInput => ({ type: 'write', value });
    const read: RegisterInput = { type: 'read' };
    const saw = (value: string): RegisterOutput => ({ type: 'read', value });

    const { verdict } = checkLinearizable(
      registerModel,
      history<RegisterInput, RegisterOutput>([
        [0, 20, write('a'), { type: 'written' }],
        [0, 20, write('b'), { type: 'written' }],
        [1, 2, read, saw('a')],
        [3, 4, read, saw('b')],
        [5, 6, read, saw('a')],
      ]),
    );

    expect(verdict).toBe('invalid');
  });
});

describe('equal times', () => {
  it('an answer and an invocation at one time are concurrent', () => {
    expect(verdictOf(kv([0, 5, set('a'), wasSet(0)], [5, 6, get, missing]))).toBe('valid');
    expect(verdictOf(kv([0, 5, set('a'), wasSet(0)], [6, 7, get, missing]))).toBe('invalid');
  });

  it('an unanswered write invoked at the time of an answer may explain it', () => {
    expect(verdictOf(kv([0, 5, get, got('a', 0)], [5, undefined, set('a')]))).toBe('valid');
    expect(verdictOf(kv([0, 5, get, got('a', 0)], [6, undefined, set('a')]))).toBe('invalid');
  });

  it('operations of no length at one time may come in any order', () => {
    expect(verdictOf(kv([5, 5, get, got('a', 0)], [5, 5, set('a'), wasSet(0)], [5, 5, get, missing]))).toBe(
      'valid',
    );
  });
});

describe('a register with compare-and-set', () => {
  const compareAndSet = (from: string | null, to: string): CasRegisterInput => ({
    type: 'compareAndSet',
    from,
    to,
  });
  const swapped: CasRegisterOutput = { type: 'swapped' };
  const failed: CasRegisterOutput = { type: 'failed' };
  const check = (...lines: readonly Line<CasRegisterInput, CasRegisterOutput>[]) =>
    checkLinearizable(casRegisterModel, history(lines)).verdict;

  it('lets only one of two rivals win', () => {
    expect(check([0, 9, compareAndSet(null, 'a'), swapped], [0, 9, compareAndSet(null, 'b'), failed])).toBe(
      'valid',
    );
    expect(check([0, 9, compareAndSet(null, 'a'), swapped], [0, 9, compareAndSet(null, 'b'), swapped])).toBe(
      'invalid',
    );
  });

  it('lets an unanswered one explain a later success', () => {
    expect(check([0, undefined, compareAndSet(null, 'a')], [5, 9, compareAndSet('a', 'b'), swapped])).toBe(
      'valid',
    );
  });
});

describe('keys and budgets', () => {
  /** Writers whose answers were lost, and a read of what none of them wrote: all subsets look possible. */
  const hardKey = (): readonly Operation<CasRegisterInput, CasRegisterOutput>[] => {
    const chain = Array.from({ length: 40 }, (_, index): Line<CasRegisterInput, CasRegisterOutput> => {
      return index % 2 === 0
        ? [0, 1000, { type: 'write', value: `${index}` }, { type: 'written' }]
        : [0, undefined, { type: 'compareAndSet', from: `${index - 1}`, to: `${index}` }];
    });
    return history<CasRegisterInput, CasRegisterOutput>(
      [...chain, [0, 1000, { type: 'read' }, { type: 'read', value: 'never written' }]],
      'hard',
    );
  };

  it('says unknown when the budget runs out, and takes no more steps than the rounds allow', () => {
    const result = checkLinearizable(casRegisterModel, hardKey(), { maxSteps: 50_000 });

    expect(result.verdict).toBe('unknown');
    expect(result.keys[0]?.steps).toBeLessThan(110_000);
  });

  it('finds an easy illegal key behind a hard one without spending the whole budget', () => {
    const easy = history<CasRegisterInput, CasRegisterOutput>(
      [[0, 1, { type: 'read' }, { type: 'read', value: 'ghost' }]],
      'easy',
    ).map((operation) => ({ ...operation, id: 1000 }));

    const result = checkLinearizable(casRegisterModel, [...hardKey(), ...easy]);

    expect(result.verdict).toBe('invalid');
    expect(result.counterexample?.key).toBe('easy');
    expect(result.keys.map(({ verdict }) => verdict)).toEqual(['unknown', 'invalid']);
    expect(result.keys[0]?.steps).toBeLessThan(20_000);
  });

  it('judges each key alone', () => {
    const [first] = kv([0, 1, set('a'), wasSet(0)]);
    const second = { ...first, id: 1, key: 'y' } as NonNullable<typeof first>;

    const result = checkLinearizable(keyValueModel, [first as NonNullable<typeof first>, second]);

    expect(result.verdict).toBe('valid');
    expect(result.keys.map(({ key }) => key)).toEqual(['x', 'y']);
  });

  it('a history of a hundred thousand operations on one key overflows nothing', () => {
    const lines = Array.from({ length: 100_000 }, (_, index): Line<RegisterInput, RegisterOutput> => {
      const value = `${index - (index % 2)}`;
      const at = 10 * index;
      return index % 2 === 0
        ? [at, at + 25, { type: 'write', value }, { type: 'written' }]
        : [at, at + 5, { type: 'read' }, { type: 'read', value }];
    });

    const result = checkLinearizable(registerModel, history(lines));

    expect(result.verdict).toBe('valid');
    expect(result.keys[0]?.order).toHaveLength(100_000);
  });

  it('fifty clients on one key are decided in few steps', () => {
    // An operation begins at every moment and lasts 48: some fifty are always under way.
    const lines = Array.from({ length: 1700 }, (_, index): Line<RegisterInput, RegisterOutput> => {
      const value = `${index - (index % 3)}`;
      return index % 3 === 0
        ? [index - 24, index + 24, { type: 'write', value }, { type: 'written' }]
        : [index - 24, index + 24, { type: 'read' }, { type: 'read', value }];
    });
    const revisions = Array.from({ length: 1700 }, (_, index): Line<KeyValueInput, KeyValueOutput> => {
      return index % 3 === 0
        ? [index - 24, index + 24, set(`${index}`), wasSet(index / 3)]
        : [index - 24, index + 24, get, got(`${index - (index % 3)}`, (index - (index % 3)) / 3)];
    });

    const register = checkLinearizable(registerModel, history(lines));
    const store = checkLinearizable(keyValueModel, kv(...revisions));

    expect([register.verdict, store.verdict]).toEqual(['valid', 'valid']);
    expect(store.keys[0]?.steps).toBeLessThan(100_000);
  });

  it('refuses a budget of nothing', () => {
    expect(() => checkLinearizable(keyValueModel, [], { maxSteps: 0 })).toThrow('maxSteps');
  });
});
