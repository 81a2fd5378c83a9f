/** The shell as a process of its own, with its lines on stdin. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { expect, it } from 'vitest';

import { realNode } from '../runtime-node/support/real-node.js';

const MAIN = join(import.meta.dirname, '../../dist/runtime-node/cli/main.js');

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

function shell(endpoint: string, lines: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, 'shell', '--no-history', '--endpoints', endpoint]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  return new Promise((resolve) => {
    child.on('close', (exitCode) => resolve({ exitCode, output: stripVTControlCharacters(output) }));
  });
}

it('a shell runs the lines of its stdin, gives back its locks, and ends with the code of the last command', async () => {
  const endpoint = await realNode();

  const first = await shell(endpoint, ['set greeting "good evening"', 'lock r 600000', 'get greeting']);
  const second = await shell(endpoint, ['get-lock r', 'exit', 'set greeting "never run"']);
  const third = await shell(endpoint, ['get greeting']);

  expect(first.exitCode).toBe(0);
  expect(first.output).toMatch(/^set "greeting", revision 0\nlocked "r" .*\ngood evening\nunlocked "r"\n$/);
  expect(second).toEqual({ exitCode: 1, output: 'nobody holds "r"\n' });
  expect(third).toEqual({ exitCode: 0, output: 'good evening\n' });
});
