/** Short ways to write a history down, and generators of random ones. */
import fc from 'fast-check';
import {
  unconditional,
  type CasRegisterInput,
  type CasRegisterOutput,
  type KeyValueInput,
  type KeyValueOutput,
  type Operation,
} from '../../../../sim/check/linearizability/index.js';
import { answer } from '../../../../sim/check/linearizability/key-value-model.js';

export type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>;
export type CasOperation = Operation<CasRegisterInput, CasRegisterOutput>;

export const set = (value: string | null): KeyValueInput => ({
  type: 'set',
  value,
  condition: unconditional,
});
export const setIfNew = (value: string): KeyValueInput => ({
  type: 'set',
  value,
  condition: { ifExists: false, ifNotExists: true },
});
export const get: KeyValueInput = { type: 'get' };
export const exists: KeyValueInput = { type: 'exists' };
export const remove: KeyValueInput = { type: 'delete' };

export const wasSet = (revision: number): KeyValueOutput => ({ type: 'set', revision });
export const notSet = (revision: number): KeyValueOutput => ({ type: 'notSet', revision });
export const got = (value: string | null, revision: number): KeyValueOutput => ({
  type: 'got',
  value,
  revision,
});
export const deleted = (revision: number): KeyValueOutput => ({ type: 'deleted', revision });
export const missing: KeyValueOutput = { type: 'missing' };

export type Line<I, O> = readonly [
  invokedAt: number,
  answeredAt: number | undefined,
  input: I,
  output?: O | undefined,
];

/** One client for each line; ids count from 0. */
export function history<I, O>(lines: readonly Line<I, O>[], key = 'x'): readonly Operation<I, O>[] {
  return lines.map(([invokedAt, answeredAt, input, output], id) => ({
    id,
    client: `c${id}`,
    key,
    input,
    invokedAt,
    answeredAt,
    output,
  }));
}

export const kv = (...lines: readonly Line<KeyValueInput, KeyValueOutput>[]): readonly KeyValueOperation[] =>
  history(lines);

const values = fc.constantFrom('a', 'b', null);
const revisions = fc.integer({ min: -1, max: 3 });

export const keyValueInputs: fc.Arbitrary<KeyValueInput> = fc.oneof(
  { weight: 3, arbitrary: values.map(set) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('set' as const),
      value: values,
      condition: fc.record(
        {
          ifExists: fc.boolean(),
          ifNotExists: fc.boolean(),
          equalToValue: values,
          equalToRevision: revisions,
        },
        { requiredKeys: ['ifExists', 'ifNotExists'] },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constant(get) },
  { weight: 1, arbitrary: fc.constant(exists) },
  { weight: 2, arbitrary: fc.constant(remove) },
);

export function keyValueOutputs(input: KeyValueInput): fc.Arbitrary<KeyValueOutput> {
  switch (input.type) {
    case 'set':
      return fc.record({ type: fc.constantFrom('set', 'notSet'), revision: revisions });
    case 'get':
      return fc.oneof(
        fc.constant(missing),
        fc.record({ type: fc.constant('got'), value: values, revision: revisions }),
      );
    case 'exists':
      return fc.oneof(fc.constant(missing), fc.record({ type: fc.constant('exists'), revision: revisions }));
    case 'delete':
      return fc.oneof(fc.constant(missing), revisions.map(deleted));
  }
}

/** Any answers at any times: most are illegal. */
export const wildHistories: fc.Arbitrary<readonly KeyValueOperation[]> = fc
  .array(
    keyValueInputs.chain((input) =>
      fc.record({
        input: fc.constant(input),
        output: fc.option(keyValueOutputs(input), { nil: undefined, freq: 3 }),
        invokedAt: fc.nat(8),
        takes: fc.nat(8),
      }),
    ),
    { maxLength: 6 },
  )
  .map((steps) =>
    history(
      steps.map(({ input, output, invokedAt, takes }): Line<KeyValueInput, KeyValueOutput> => {
        return [invokedAt, output === undefined ? undefined : invokedAt + takes, input, output];
      }),
    ),
  );

/**
 * What a correct store would have recorded: each operation takes effect at a moment of its own, the intervals are jittered
 * around it, and some answers are lost, of operations that took effect and of operations that never did.
 */
export function storeHistories(
  maxLength: number,
  jitter: number,
): fc.Arbitrary<readonly KeyValueOperation[]> {
  const operation = fc.record({
    input: keyValueInputs,
    before: fc.nat(jitter),
    after: fc.nat(jitter),
    fate: fc.constantFrom('answered', 'answered', 'answered', 'lost', 'neverRan'),
  });
  return fc.array(operation, { maxLength }).map((operations) => {
    let state = { revision: -1, present: false, value: null as string | null };
    return history(
      operations.map(({ input, before, after, fate }, index): Line<KeyValueInput, KeyValueOutput> => {
        const moment = 10 * index;
        if (fate === 'neverRan') return [moment - before, undefined, input];
        const output = answer(state, input);
        if (output.type === 'set' && input.type === 'set') {
          state = { revision: output.revision, present: true, value: input.value };
        } else if (output.type === 'deleted') {
          state = { revision: output.revision, present: false, value: null };
        }
        if (fate === 'lost') return [moment - before, undefined, input];
        return [moment - before, moment + after, input, output];
      }),
    );
  });
}

const registerValues = fc.constantFrom('a', 'b', 'c');
const readable = fc.option(registerValues);

export const wildCasHistories: fc.Arbitrary<readonly CasOperation[]> = fc
  .array(
    fc.record({
      call: fc.oneof(
        readable.map((value): [CasRegisterInput, CasRegisterOutput] => [
          { type: 'read' },
          { type: 'read', value },
        ]),
        registerValues.map((value): [CasRegisterInput, CasRegisterOutput] => [
          { type: 'write', value },
          { type: 'written' },
        ]),
        fc
          .record({
            from: readable,
            to: registerValues,
            type: fc.constantFrom('swapped' as const, 'failed' as const),
          })
          .map(({ from, to, type }): [CasRegisterInput, CasRegisterOutput] => [
            { type: 'compareAndSet', from, to },
            { type },
          ]),
      ),
      isAnswered: fc.boolean(),
      invokedAt: fc.nat(8),
      takes: fc.nat(8),
    }),
    { maxLength: 7 },
  )
  .map((steps) =>
    history(
      steps.map(
        ({
          call: [input, output],
          isAnswered,
          invokedAt,
          takes,
        }): Line<CasRegisterInput, CasRegisterOutput> => {
          return isAnswered ? [invokedAt, invokedAt + takes, input, output] : [invokedAt, undefined, input];
        },
      ),
    ),
  );
