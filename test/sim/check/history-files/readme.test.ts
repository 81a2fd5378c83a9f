import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { guessFormat, readHistory } from '../../../../sim/check/history-files/index.js';

const readme = readFileSync(
  new URL('../../../../sim/check/history-files/README.md', import.meta.url),
  'utf8',
);
const blocks = [...readme.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const formats: Readonly<Record<string, string>> = { clojure: 'edn', text: 'log', json: 'json' };

describe('every example in the description of the forms', () => {
  it('is there for each form', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(Object.keys(formats)));
  });

  it.each(blocks)('can be read, and is taken for what it is: $language $text', ({ language, text }) => {
    const format = guessFormat(text);

    expect(format).toBe(formats[language]);
    expect(readHistory(text, format).operations.length).toBeGreaterThan(0);
  });
});
