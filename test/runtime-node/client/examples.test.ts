/** The examples of docstrings and of READMEs are run, and say what stands behind their `//=>`. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';

import ts from 'typescript';
import { describe, expect, it, onTestFinished } from 'vitest';

import { createClient, isWavetankError } from '../../../runtime-node/client/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { realNode } from '../support/real-node.js';

interface Example {
  readonly name: string;
  readonly code: string;
}

const ROOT = join(import.meta.dirname, '../../..');
const FOLDERS = ['runtime-node/client', 'runtime-node/embedded'];
const GUIDES = ['README.md', 'runtime-node/README.md'];

function examplesOf(): readonly Example[] {
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
  );
  return [
    ...sources.filter((name) => name.endsWith('.ts')).flatMap((name) => inDocstrings(name)),
    ...GUIDES.flatMap((name) => blocksOf(name, readFileSync(join(ROOT, name), 'utf8'))),
  ];
}

function inDocstrings(name: string): readonly Example[] {
  const text = readFileSync(join(ROOT, name), 'utf8');
  const comments = [...text.matchAll(/\/\*\*[^]*?\*\//g)].map(([comment]) =>
    comment.replace(/^ *\* ?/gm, ''),
  );
  return comments.flatMap((comment) => blocksOf(name, comment));
}

/** Of a guide, what is about the client or the embedded node. */
function blocksOf(name: string, text: string): readonly Example[] {
  const blocks = [...text.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code = '']) => code);
  const ours = blocks.filter((code) => name.endsWith('.ts') || /wavetank\/(client|embedded)'/.test(code));
  return ours.map((code, i) => ({ name: `${name} ${i + 1}`, code }));
}

/** Runs the code with the package's names in scope, and gives back what it says. */
async function run(code: string): Promise<readonly string[]> {
  const said: string[] = [];
  const client = await startEmbedded();
  onTestFinished(() => client.close());
  const url = await realNode();
  const body = code.replace(/^import .*$/gm, '').replaceAll('http://127.0.0.1:2070', url);
  const { outputText } = ts.transpileModule(`async function main() {\n${body}\n}`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const names = { client, createClient, isWavetankError, startEmbedded, console: { log: say } };
  const main = new Function(...Object.keys(names), `${outputText}\nreturn main();`) as (
    ...values: readonly unknown[]
  ) => Promise<void>;
  await main(...Object.values(names));
  return said;

  function say(...values: readonly unknown[]): void {
    said.push(format(...values));
  }
}

function promisedBy(code: string): readonly string[] {
  return [...code.matchAll(/\/\/=> (.*)$/gm)].map(([, text = '']) => text);
}

describe('an example', () => {
  const examples = examplesOf();

  it.each(examples.map((example) => [example.name, example] as const))(
    'of %s does as it says',
    async (_name, example) => {
      expect(await run(example.code)).toEqual(promisedBy(example.code));
    },
  );

  it('is there for each part', () => {
    const names = examples.map(({ name }) => name).join();

    const parts = ['client', 'error', 'keys', 'many-keys', 'ranges', 'locks', 'sequences', 'embedded'];
    for (const part of [...parts, 'transactions', 'scripts']) expect(names).toContain(`/${part}.ts`);
  });
});
