import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  textModel,
  textModelFor,
  type Operation,
  type TextInput,
  type TextOutput,
} from '../../../../sim/check/linearizability/index.js';
import { isLinearizable } from './brute-force.js';

/** Few and short texts, so that puts repeat, begin each other and are appended too. */
const texts = fc.constantFrom('', 'a', 'b', 'ab');

const operation = fc.record({
  input: fc.oneof(
    fc.constant<TextInput>({ type: 'get' }),
    texts.map((text): TextInput => ({ type: 'put', text })),
    texts.map((text): TextInput => ({ type: 'append', text })),
  ),
  told: fc.array(texts, { maxLength: 3 }).map((parts) => parts.join('')),
  invokedAt: fc.nat(12),
  takes: fc.option(fc.nat(6), { freq: 5 }),
});

const histories = fc.array(operation, { maxLength: 7 }).map((drawn) =>
  drawn.map(({ input, told, invokedAt, takes }, id): Operation<TextInput, TextOutput> => {
    const output: TextOutput = input.type === 'get' ? { type: 'got', text: told } : { type: 'written' };
    return {
      id,
      client: `c${id}`,
      key: 'x',
      input,
      invokedAt,
      answeredAt: takes === null ? undefined : invokedAt + takes,
      output: takes === null ? undefined : output,
    };
  }),
);

describe('the model of a text', () => {
  it('gives the verdict of trying everything, and so does the one made for the history', () => {
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(histories, (history) => {
        const expected = isLinearizable(textModel, history);
        seen.add(expected);

        expect(checkLinearizable(textModel, history).verdict).toBe(expected ? 'valid' : 'invalid');
        expect(checkLinearizable(textModelFor(history), history).verdict).toBe(
          expected ? 'valid' : 'invalid',
        );
      }),
      { numRuns: 1_500 },
    );

    expect(seen).toEqual(new Set([true, false]));
  });

  it('knows an answer as impossible once its only beginning is lost', () => {
    const put = (text: string): TextInput => ({ type: 'put', text });
    const common = { key: 'x', client: 'c', answeredAt: undefined, output: undefined, invokedAt: 0 };
    const model = textModelFor([
      { ...common, id: 0, input: put('a') },
      { ...common, id: 1, input: put('b') },
      { ...common, id: 2, input: put('b') },
    ]);
    const isImpossible = (text: string, begunBy: string | null, answer: string): boolean | undefined =>
      model.impossibleFrom?.({ text, begunBy }, { type: 'get' }, { type: 'got', text: answer });

    expect(isImpossible('ax', 'a', 'ay')).toBe(true);
    expect(isImpossible('ax', 'a', 'axy')).toBe(false);
    expect(isImpossible('ax', 'a', 'b')).toBe(false);
    expect(isImpossible('bx', 'b', 'by')).toBe(false);
    expect(isImpossible('x', null, 'y')).toBe(true);
  });

  it('shows the ends of a long text', () => {
    const description = textModel.describe(
      { type: 'get' },
      { type: 'got', text: `start${'-'.repeat(90)}finish` },
    );

    expect(description).toMatch(/^get -> "start-+" … "-+finish" \(101 characters\)$/);
  });
});
