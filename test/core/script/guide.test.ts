/** The examples of core/script/README.md give what they say, and its lists are complete. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { DEFAULT_SCRIPT_LIMITS, highlight, SCRIPT_FUNCTIONS } from '../../../core/index.js';
import { OPTION_NAMES } from '../../../core/script/options.js';
import { STATEMENT_KEYWORDS } from '../../../core/script/token.js';
import { problemIn, resultOf } from './support/run.js';

const FOLDER = fileURLToPath(new URL('../../../core/script/', import.meta.url));
const GUIDE = readFileSync(`${FOLDER}README.md`, 'utf8');

const examples = [...GUIDE.matchAll(/```wavetank\n(.*?)# gives: (.*?)\n```/gs)].map(
  ([, script = '', gives = '']) => ({ script, gives }),
);

describe('an example gives what it says', () => {
  it.each(examples)('$gives', ({ script, gives }) => {
    expect(resultOf(script)).toBe(gives);
    expect(highlight(script).some(({ kind }) => kind === 'error')).toBe(false);
  });

  it('and every one says so', () => {
    expect(examples.length).toBeGreaterThan(5);
    expect(GUIDE.match(/```wavetank/g)).toHaveLength(examples.length);
  });
});

test('the error that the guide shows is the one that is given', () => {
  const [, shown = ''] = /```text\n(.*?)\n```/s.exec(GUIDE) ?? [];

  expect(problemIn('let stock = get k\nif stock the\nend')).toBe(shown);
});

test.each([...SCRIPT_FUNCTIONS])('the guide names the function %s', (name) => {
  expect(GUIDE).toMatch(new RegExp(`\`${name}[(\`]`));
});

test.each([...STATEMENT_KEYWORDS, ...OPTION_NAMES])('the guide names %s', (word) => {
  expect(GUIDE).toMatch(new RegExp(`\`${word}\\b`));
});

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'index.ts'))(
  'the guide says where %s belongs, and it is not long',
  (file) => {
    const named =
      GUIDE.includes(`\`${file}\``) || (file.startsWith('functions-') && GUIDE.includes('`functions-*.ts`'));

    expect(named || ['failure.ts', 'function-inputs.ts'].includes(file)).toBe(true);
    expect(readFileSync(FOLDER + file, 'utf8').split('\n').length).toBeLessThan(300);
  },
);

test('the limits of the guide are those of the code', () => {
  const { maxSourceLength, maxDepth, maxSteps, maxMemoryBytes, maxArrayItems } = DEFAULT_SCRIPT_LIMITS;
  const written = (limit: number): string => limit.toString().replace(/\B(?=(\d{3})+$)/g, ',');

  for (const limit of [maxSourceLength, maxDepth, maxSteps, maxArrayItems])
    expect(GUIDE).toContain(written(limit));
  expect(GUIDE).toContain(`${maxMemoryBytes / 2 ** 20} MiB`);
});
