import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  casRegisterModel,
  checkLinearizable,
  determinize,
  keyValueModel,
  type KeyValueInput,
  type KeyValueOutput,
  type KeyValueState,
  type Model,
  type NondeterministicModel,
} from '../../../../sim/check/linearizability/index.js';
import { isLinearizable, provesLinearizable } from './brute-force.js';
import {
  keyValueOutputs,
  storeHistories,
  wildCasHistories,
  wildHistories,
  type KeyValueOperation,
} from './histories.js';

/** The same model without any of the functions that shorten the search. */
function bare<S extends NonNullable<unknown>, I, O>(model: Model<S, I, O>): Model<S, I, O> {
  return {
    initial: model.initial,
    step: (state, input, output) => model.step(state, input, output),
    stateKey: (state) => model.stateKey(state),
    describe: (input, output) => model.describe(input, output),
    describeState: (state) => model.describeState(state),
  };
}

/** A store in which a set may also be dropped without a trace: two states after a set whose answer was lost. */
const forgetful: NondeterministicModel<KeyValueState, KeyValueInput, KeyValueOutput> = {
  ...bare(keyValueModel),
  initial: [keyValueModel.initial],
  step(state, input, output) {
    const next = keyValueModel.step(state, input, output);
    if (next === undefined) return [];
    return output?.type === 'set' ? [next, { ...next, value: 'b' }] : [next];
  },
};

/** A history that a correct store recorded, with the output of one operation replaced. */
const mutatedHistories: fc.Arbitrary<readonly KeyValueOperation[]> = storeHistories(6, 25).chain(
  (operations) => {
    const answered = operations.filter((operation) => operation.answeredAt !== undefined);
    if (answered.length === 0) return fc.constant(operations);
    return fc
      .constantFrom(...answered)
      .chain((victim) =>
        keyValueOutputs(victim.input).map((output) =>
          operations.map((operation) => (operation === victim ? { ...operation, output } : operation)),
        ),
      );
  },
);

function agreesWithBruteForce<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  operations: Parameters<typeof checkLinearizable<S, I, O>>[1],
): 'valid' | 'invalid' {
  const expected = isLinearizable(model, operations) ? 'valid' : 'invalid';
  const result = checkLinearizable(model, operations);
  expect(result.verdict).toBe(expected);
  for (const key of result.keys) {
    if (key.order !== undefined) expect(provesLinearizable(model, operations, key.order)).toBe(true);
  }
  return expected;
}

/** Runs a property and returns how often each verdict came up, so that a one-sided generator is noticed. */
function countVerdicts<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  judge: (value: T) => 'valid' | 'invalid',
) {
  const counts = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(arbitrary, (value) => {
      counts[judge(value)]++;
    }),
    { numRuns },
  );
  return counts;
}

describe('the checker against every possible order', () => {
  it('agrees on wild histories of the key/value store', () => {
    const counts = countVerdicts(wildHistories, 6000, (operations) =>
      agreesWithBruteForce(keyValueModel, operations),
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(300);
  });

  it('agrees on histories of a correct store with one answer replaced', () => {
    const counts = countVerdicts(mutatedHistories, 6000, (operations) =>
      agreesWithBruteForce(keyValueModel, operations),
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(300);
  });

  it('agrees on wild histories of a register with compare-and-set', () => {
    const counts = countVerdicts(wildCasHistories, 6000, (operations) =>
      agreesWithBruteForce(casRegisterModel, operations),
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(300);
  });

  it('agrees when the model offers nothing to shorten the search', () => {
    const counts = countVerdicts(mutatedHistories, 2000, (operations) =>
      agreesWithBruteForce(bare(keyValueModel), operations),
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(100);
  });

  it('agrees for a nondeterministic model', () => {
    const counts = countVerdicts(mutatedHistories, 2000, (operations) =>
      agreesWithBruteForce(determinize(forgetful), operations),
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(100);
  });
});

describe('a history recorded from a correct store', () => {
  it('is always valid, with a proof', () => {
    fc.assert(
      fc.property(storeHistories(60, 40), (operations) => {
        const result = checkLinearizable(keyValueModel, operations);

        expect(result.verdict).toBe('valid');
        expect(
          result.keys.every((key) => provesLinearizable(keyValueModel, operations, key.order ?? [])),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('gets the same result whenever it is checked', () => {
    fc.assert(
      fc.property(mutatedHistories, (operations) => {
        const first = checkLinearizable(keyValueModel, operations);
        const second = checkLinearizable(keyValueModel, operations);

        expect(second).toEqual(first);
      }),
      { numRuns: 200 },
    );
  });

  it('gets the same verdict when all times are stretched', () => {
    fc.assert(
      fc.property(mutatedHistories, (operations) => {
        const stretched = operations.map((operation) => ({
          ...operation,
          invokedAt: operation.invokedAt * 7 + 3,
          answeredAt: operation.answeredAt === undefined ? undefined : operation.answeredAt * 7 + 3,
        }));

        const { verdict } = checkLinearizable(keyValueModel, stretched);

        expect(verdict).toBe(checkLinearizable(keyValueModel, operations).verdict);
      }),
      { numRuns: 300 },
    );
  });
});
