/** Plays every file in `scenarios/`; `support/scenario.ts` explains how they are written and recorded. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { playScenario } from './support/scenario.js';

const folder = new URL('scenarios/', import.meta.url);

describe('scenarios', () => {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort((a, b) => (a < b ? -1 : 1));

  it.each(files)('%s', (name) => {
    const file = new URL(name, folder);
    const recorded = readFileSync(file, 'utf8');

    const played = playScenario(recorded);

    if (process.env['WAVETANK_REWRITE'] === '1') writeFileSync(file, played);
    else expect(played).toBe(recorded);
  });

  it('a scenario is told when its recorded result is wrong', () => {
    const wrong = 'nodes 3\nstatus\n----\nall is well\n';

    expect(playScenario(wrong)).not.toBe(wrong);
  });

  it('a command that does not exist is refused', () => {
    expect(() => playScenario('nodes 3\ndance 1\n')).toThrow(/unknown command "dance 1"/);
  });
});
