import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../runtime-node/cli/program.js';
import { exitCodeOf } from '../../../runtime-node/cli/refuse.js';
import { parseTrace, scenarioOf, stormScenario, type KeyValueScenario } from '../../../sim/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Ran {
  readonly exitCode: number | string | null | undefined;
  readonly output: string;
  readonly errors: string;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const program = createProgram();
  let output = '';
  let errors = '';
  for (const command of [program, ...program.commands])
    command.configureOutput({ writeErr: (text) => (errors += text) });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  try {
    await program.parseAsync(['node', 'wavetank', 'shrink', ...args]);
    return { exitCode: process.exitCode, output, errors };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: exitCodeOf(error), output, errors };
  }
}

/** Three nodes, two of them cut off for most of a calm that leaves no time to catch up: it stalls, as it must. */
function stalling(): KeyValueScenario {
  const storm = scenarioOf('calm', 3);
  return {
    ...storm,
    nodes: 3,
    settings: { ...storm.settings, partitions: 1 },
    workload: { ...storm.workload, clients: 3, operationsPerClient: 5 },
    faults: [1, 2].map((node) => ({ type: 'Isolate', atMs: 10, untilMs: 900, target: { node } })),
    calm: { atMs: 900, heal: 'all', limitMs: 1 },
    minimumMs: 900,
  };
}

async function fileOf(text: string): Promise<string> {
  const file = join(await temporaryFolder(), 'scenario.json');
  writeFileSync(file, text);
  return file;
}

describe('wavetank shrink', () => {
  it('writes the small scenario and its trace, tells the story, and ends with 0', async () => {
    const file = await fileOf(JSON.stringify(stalling(), null, 2));
    const out = `${file}.out`;
    const trace = `${file}.trace`;

    const { exitCode, output } = await run(file, '--out', out, '--trace', trace, '--max-runs', '60');

    const small = JSON.parse(readFileSync(out, 'utf8')) as KeyValueScenario;
    expect(exitCode).toBe(0);
    expect(small.faults.length).toBeLessThan(2);
    expect(parseTrace(readFileSync(trace, 'utf8')).header.scenario).toEqual(small);
    expect(output).toContain('broken     liveness');
    expect(output).toContain(`scenario   ${out}`);
  });

  it('reads the scenario from the header of a trace', async () => {
    const header = { wavetank: 'trace', format: 2, scenario: stalling() };

    const { exitCode, output } = await run(
      await fileOf(`${JSON.stringify(header)}\n{}\n`),
      '--json',
      '--max-runs',
      '5',
    );

    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ fails: true, runs: 5, unfinished: true });
  });

  it('ends with 4 when nothing fails', async () => {
    const scenario = { ...stalling(), faults: [], calm: { atMs: 900, heal: 'all', limitMs: 60_000 } };

    const { exitCode, output } = await run(await fileOf(JSON.stringify(scenario)));

    expect(exitCode).toBe(4);
    expect(output).toContain('does not fail');
  });
});

describe('bad input ends with 2', () => {
  it.each<[string, readonly string[], string]>([
    ['neither a file nor a seed', [], 'say either a FILE or --seed NUMBER'],
    ['both', ['a.json', '--seed', '1'], 'say either a FILE or --seed NUMBER'],
    ['a profile without a seed', ['a.json', '--profile', 'calm'], '--profile needs --seed'],
    ['a profile that nobody knows', ['--seed', '1', '--profile', 'clam'], 'Did you mean "calm"?'],
    ['no such file', ['/nowhere/at-all.json'], 'cannot read /nowhere/at-all.json'],
    ['no number of runs', ['--seed', '1', '--max-runs', '0'], '--max-runs wants a whole number of 1 or more'],
  ])('%s', async (_name, args, expected) => {
    const { exitCode, errors } = await run(...args);

    expect(exitCode).toBe(2);
    expect(errors).toContain(expected);
  });

  it('a scenario that cannot be run, with what is wrong and where', async () => {
    const { exitCode, errors } = await run(await fileOf(JSON.stringify({ ...stormScenario(1), nods: 3 })));

    expect(exitCode).toBe(2);
    expect(errors).toContain('nods is a field that nobody knows');
    expect(errors).toContain('Did you mean "nodes"?');
  });
});
