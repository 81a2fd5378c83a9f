/**
 * One key whose value is a text: get, put and append, as in the key/value store of MIT's course 6.824 and in the histories that
 * were recorded from it. A key that was never written holds the empty text.
 */
import type { Operation } from './history.js';
import type { Hint, Model } from './model.js';
import { quote } from './picture.js';

export type TextInput =
  | { readonly type: 'get' }
  | { readonly type: 'put'; readonly text: string }
  | { readonly type: 'append'; readonly text: string };

export type TextOutput = { readonly type: 'got'; readonly text: string } | { readonly type: 'written' };

export interface TextState {
  readonly text: string;
  /** The put that it began with; null before the first. */
  readonly begunBy: string | null;
}

export const textModel: Model<TextState, TextInput, TextOutput> = {
  initial: { text: '', begunBy: null },
  step(state, input, output) {
    switch (input.type) {
      case 'get':
        return output === undefined || (output.type === 'got' && output.text === state.text)
          ? state
          : undefined;
      case 'put':
        return output?.type === 'got' ? undefined : { text: input.text, begunBy: input.text };
      case 'append':
        return output?.type === 'got' ? undefined : { ...state, text: state.text + input.text };
    }
  },
  stateKey: ({ text, begunBy }) => `${begunBy === null ? -1 : begunBy.length} ${text}`,
  describe(input, output) {
    const asked = input.type === 'get' ? 'get' : `${input.type} ${shorten(input.text)}`;
    if (output === undefined) return `${asked} -> no answer`;
    return output.type === 'got' ? `${asked} -> ${shorten(output.text)}` : asked;
  },
  describeState: ({ text }) => shorten(text),
  explain: ({ text }) => `here it must answer: ${shorten(text)}`,
  readOnly: (input) => input.type === 'get',
  hints,
};

/**
 * The same model for one history, and faster there: it knows all puts, so it sees when an answer can never be given any more. A text
 * that does not go on from the present one needs another put to begin with; if the only put that it can have begun with is the
 * one that the present text began with, it is too late.
 */
export function textModelFor(
  operations: readonly Operation<TextInput, TextOutput>[],
): Model<TextState, TextInput, TextOutput> {
  const puts = new Map<string, number>();
  for (const { input } of operations) {
    if (input.type === 'put') puts.set(input.text, (puts.get(input.text) ?? 0) + 1);
  }
  const lengths = [...new Set([...puts.keys()].map(({ length }) => length))];
  const beginnings = new Map<string, readonly string[]>();
  const beginningsOf = (text: string): readonly string[] => {
    const known = beginnings.get(text);
    if (known !== undefined) return known;
    const found = lengths.map((length) => text.slice(0, length)).filter((start) => puts.has(start));
    const distinct = [...new Set(found)];
    beginnings.set(text, distinct);
    return distinct;
  };
  return {
    ...textModel,
    impossibleFrom(state, _input, output) {
      if (output.type !== 'got' || output.text.startsWith(state.text)) return false;
      return beginningsOf(output.text).every((start) => start === state.begunBy && puts.get(start) === 1);
    },
  };
}

const shownCharacters = 60;

/** Appended texts grow long, and differ at their ends. */
function shorten(text: string): string {
  if (text.length <= shownCharacters) return quote(text);
  return `${quote(text.slice(0, 20))} … ${quote(text.slice(-20))} (${text.length} characters)`;
}

/**
 * A text that is in no answer can only have been overwritten before the next get. So unanswered puts of such texts may trade
 * places, and so may appends of them. Equal texts may always.
 */
function hints(
  operations: readonly Operation<TextInput, TextOutput>[],
): (operation: Operation<TextInput, TextOutput>) => Hint<never> {
  const answers = new Set(
    operations.flatMap(({ output }) => (output?.type === 'got' && output.text !== '' ? [output.text] : [])),
  );
  const isSeen = (text: string): boolean => {
    if (text === '') return true;
    for (const answer of answers) if (answer.includes(text)) return true;
    return false;
  };
  return ({ input }) => {
    if (input.type === 'get') return { impliedOutput: undefined, likeness: undefined };
    const text = isSeen(input.text) ? input.text : null;
    return { impliedOutput: undefined, likeness: JSON.stringify([input.type, text]) };
  };
}
