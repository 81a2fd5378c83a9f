/** What the page of recipes shows is what happens: each of its commands is run, one after the other, on a node of this process. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { Command } from 'commander';
import { expect, it, onTestFinished } from 'vitest';

import type { Seat } from '../../../runtime-node/cli/service.js';
import { SERVICE_COMMANDS } from '../../../runtime-node/cli/services.js';
import { wordsIn } from '../../../runtime-node/cli/words.js';
import type { WavetankClient } from '../../../runtime-node/client/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';

const FOLDER = join(import.meta.dirname, '../../../core/script/recipes');
const PAGE = readFileSync(join(FOLDER, 'README.md'), 'utf8');

interface Shown {
  readonly command: string;
  readonly output: string;
}

const SHOWN = [...PAGE.matchAll(/^```console\n([^]*?)^```/gm)].flatMap(([, block = '']) =>
  block
    .split(/^\$ wavetank /m)
    .slice(1)
    .map((text): Shown => {
      const [command = '', ...lines] = text.trimEnd().split('\n');
      return { command, output: lines.join('\n') };
    }),
);

async function run(client: WavetankClient, command: string): Promise<string> {
  let said = '';
  const say = (text: string | Uint8Array): void => {
    said += `${typeof text === 'string' ? text : Buffer.from(text).toString()}\n`;
  };
  const seat: Seat = { with: (_flags, use) => use(client), out: say, complain: say, exit: () => undefined };
  const root = new Command('wavetank');
  for (const make of SERVICE_COMMANDS) root.addCommand(make(seat));
  const read = wordsIn(command);
  if (read.type === 'Unfinished') throw new Error(`${command}: ${read.reason}`);
  const words = read.words.map((word) => (word.endsWith('.script') ? join(FOLDER, word) : word));
  await root.parseAsync(words, { from: 'user' });
  return stripVTControlCharacters(said).replaceAll(`${FOLDER}/`, '').trimEnd();
}

it('every command of the page says what the page says', async () => {
  const client = await startEmbedded();
  onTestFinished(() => client.close());

  const said: Shown[] = [];
  for (const { command } of SHOWN) said.push({ command, output: await run(client, command) });

  expect(said).toEqual(SHOWN);
});

it('every recipe is on the page', () => {
  const scripts = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.script'),
  );

  const shown = new Set(SHOWN.map(({ command }) => /^run (\S+)/.exec(command)?.[1]));

  expect(scripts.filter((script) => !shown.has(script))).toEqual([]);
});
