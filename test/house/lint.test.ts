import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The snippets are linted in the place of these files, because rules with types need a file of the project. */
const PLACES = {
  core: 'core/partition/validate.ts',
  sim: 'sim/world/clock.ts',
  runtime: 'runtime-node/host/address.ts',
} as const;

let eslint: ESLint;

beforeAll(() => {
  eslint = new ESLint({ cwd: ROOT, overrideConfigFile: '.eslint.config.js' });
});

/** The rules that a snippet breaks. */
async function complaints(place: keyof typeof PLACES, snippet: string): Promise<readonly string[]> {
  const [result] = await eslint.lintText(`${snippet}\n`, { filePath: PLACES[place] });
  const messages = result?.messages ?? [];
  // A snippet that cannot be parsed would be "refused" for the wrong reason.
  expect(messages.filter(({ fatal }) => fatal === true)).toEqual([]);
  return messages.map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

const IMPURE: readonly string[] = [
  'export const now = Date.now();',
  'export const now = new Date(0);',
  'export const now = performance.now();',
  'export const chance = Math.random();',
  "export const chance = Math['random']();",
  'export const { random } = Math;',
  'export const bits = crypto.getRandomValues(new Uint8Array(4));',
  'setTimeout(() => 1, 0);',
  'setInterval(() => 1, 0);',
  'queueMicrotask(() => 1);',
  'export const later = Promise.resolve(1);',
  'export const later = new Promise(() => 1);',
  'export async function later() { return 1; }',
  'export const later = async () => 1;',
  'export const later = { async later() { return 1; } };',
  'export const later = async function () { return 1; };',
  'export async function* later() { yield 1; }',
  'for (const field in { a: 1 }) field.trim();',
  'export const sorted = [2, 1].sort();',
  'export const power = 2 ** 3;',
  'export let power = 2; power **= 3;',
  'export const root = Math.hypot(1, 2);',
  "export const order = 'a'.localeCompare('b');",
  "export const text = 'a'.toLocaleUpperCase();",
  'export const seen = new WeakSet();',
  'export const held = new WeakRef({});',
  "export const format = new Intl.NumberFormat('en');",
  'export const where = globalThis;',
  "console.log('a');",
  'export const bytes = Buffer.alloc(1);',
  'export const environment = process.env;',
  "import { readFileSync } from 'node:fs'; export const read = readFileSync;",
];

describe.each(['core', 'sim'] as const)('in %s the linter refuses', (room) => {
  it.each(IMPURE)('%s', async (snippet) => {
    const found = await complaints(room, snippet);

    expect(found.filter((complaint) => complaint.startsWith('no-restricted-')).length).toBeGreaterThan(0);
  });
});

describe('in core the linter refuses an import of', () => {
  it.each(['../../sim/index.js', '../../runtime-node/server.js', '../../test/core/support/pure.js'])(
    '%s',
    async (module) => {
      const found = await complaints('core', `import * as other from '${module}'; export const it = other;`);

      expect(found.some((complaint) => complaint.startsWith('no-restricted-imports'))).toBe(true);
    },
  );
});

describe('everywhere the linter refuses', () => {
  it.each([
    ['a forgotten promise', 'export function f(): void { Promise.resolve(1); }', 'no-floating-promises'],
    ['a default export', 'export default 1;', 'no-restricted-exports'],
    ['any', 'export const a: any = 1;', 'no-explicit-any'],
    ['a loose comparison', "export const a = (b: unknown): boolean => b == '1';", 'eqeqeq'],
    [
      'a switch that forgets a member',
      "export function f(a: 'x' | 'y'): number { switch (a) { case 'x': return 1; } return 0; }",
      'switch-exhaustiveness-check',
    ],
  ])('%s', async (_name, snippet, rule) => {
    const found = await complaints('runtime', snippet);

    expect(found.some((complaint) => complaint.includes(rule))).toBe(true);
  });
});

describe('the linter leaves alone', () => {
  it.each(['core', 'sim'] as const)('pure code in %s', async (room) => {
    const snippet = `
      export function largest(numbers: readonly number[]): number {
        const sorted = [...numbers].sort((a, b) => a - b);
        return Math.max(0, Math.floor(sorted[sorted.length - 1] ?? 0));
      }`;

    expect(await complaints(room, snippet)).toEqual([]);
  });

  it('clocks and promises in the runtime', async () => {
    const snippet = 'export async function now(): Promise<number> { return Promise.resolve(Date.now()); }';

    expect(await complaints('runtime', snippet)).toEqual([]);
  });
});
