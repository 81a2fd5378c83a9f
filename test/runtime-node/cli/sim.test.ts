import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMMAND = join(ROOT, 'dist/runtime-node/cli/main.js');
const SIM = pathToFileURL(join(ROOT, 'dist/sim/index.js')).href;
const CORE = pathToFileURL(join(ROOT, 'dist/core/index.js')).href;

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

interface Ran {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs the real command, as built, in a folder of its own. */
function wavetank(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder }, (error, output, errors) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, output, errors });
    });
  });
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { output } = await wavetank(...args, '--json');
  return JSON.parse(output) as Record<string, unknown>;
}

/** Two nodes that count; with `sound` false the count falls back after a while. */
function writeSystem(sound: boolean): string {
  const file = join(folder, 'system.js');
  writeFileSync(
    file,
    `import { defineSystem } from '${SIM}';
import { monotonicMs } from '${CORE}';
export const system = defineSystem({
  name: 'counting',
  nodes: [2],
  settings: () => ({}),
  paceMs: () => 50,
  machine: () => ({
    start: ({ now }) => ({ state: { count: 0 }, effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 500) }] }),
    step: ({ count }, { now }) => ({
      state: { count: ${sound ? 'count + 1' : 'count > 5 ? -1 : count + 1'} },
      effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 500) }],
    }),
  }),
  properties: ({ always, sometimes }) => [
    always('counts are not negative', ({ up }) => up.every(({ state }) => state.count >= 0)),
    sometimes('somebody counts to three', ({ up }) => up.some(({ state }) => state.count === 3)),
  ],
});
`,
  );
  return file;
}

describe('wavetank sim', () => {
  it('runs a scenario from a file as it runs its seed', async () => {
    const saved = join(folder, 'seven.json');

    const bySeed = await json('sim', '--seed', '7', '--save', saved);
    const byFile = await json('sim', '--scenario', saved);

    expect(byFile['hash']).toBe(bySeed['hash']);
    expect(bySeed).toMatchObject({ verdict: 'valid', failures: [] });
  });

  it('refuses a scenario that is wrong, and says where', async () => {
    const file = join(folder, 'wrong.json');
    await wavetank('sim', '--seed', '7', '--save', file);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"nodes": 3', '"nodes": "three"'));

    const { exitCode, errors } = await wavetank('sim', '--scenario', file);

    expect(exitCode).toBe(2);
    expect(errors).toContain('nodes is "three", but must be');
  });

  it('sums up a sweep, and runs a share of it twice', async () => {
    const swept = await json('sim', '--seeds', '6', '--jobs', '2', '--recheck', '100');

    expect(swept).toMatchObject({ verdict: 'valid', seeds: 6, rechecked: 6, failures: [] });
    expect(swept['done']).toEqual([{ from: 1, count: 6 }]);
  });

  it('merges shards to the report of the whole', async () => {
    const whole = await json('sim', '--seeds', '6', '--jobs', '1');
    for (const part of [1, 2]) {
      await wavetank('sim', '--seeds', '6', '--shard', `${part}/2`, '--report', join(folder, `part-${part}`));
    }

    const merged = await json('merge', join(folder, 'part-1'), join(folder, 'part-2'));

    expect({ ...merged, realMs: 0 }).toEqual({ ...whole, realMs: 0, missing: 0 });
  });

  it('goes on where a sweep stopped', async () => {
    const report = join(folder, 'sweep.json');
    await wavetank('sim', '--seeds', '4', '--shard', '1/2', '--report', report);
    const half = JSON.parse(readFileSync(report, 'utf8')) as { done: unknown; shard: unknown };
    writeFileSync(report, JSON.stringify({ ...half, shard: { index: 1, of: 1 } }));

    const { output } = await wavetank('sim', '--seeds', '4', '--report', report, '--resume');

    expect(output).toContain('valid: 4 seeds');
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ done: [{ from: 1, count: 4 }] });
  });

  it('refuses to go on with another sweep', async () => {
    const report = join(folder, 'sweep.json');
    await wavetank('sim', '--seeds', '2', '--report', report);

    const { exitCode, errors } = await wavetank('sim', '--seeds', '3', '--report', report, '--resume');

    expect(exitCode).toBe(2);
    expect(errors).toContain('is of another sweep: its count is 2, that of this one 3');
  });

  it('lets a guide choose, the same whatever the number of workers', async () => {
    const [one, two] = [
      await json('sim', '--seeds', '20', '--guided', '--jobs', '1'),
      await json('sim', '--seeds', '20', '--guided', '--jobs', '2'),
    ];

    expect(one).toMatchObject({ verdict: 'valid', seeds: 20 });
    expect({ ...two, realMs: 0 }).toEqual({ ...one, realMs: 0 });
  });

  it("tries a user's own system, and says what it never reached only after enough seeds", async () => {
    const swept = await json('sim', '--system', writeSystem(true), '--seeds', '5');

    expect(swept).toMatchObject({ verdict: 'valid', system: 'counting', neverReached: [] });
  });

  it("finds what is wrong with a user's own system, and leaves its scenario behind", async () => {
    const { exitCode, output } = await wavetank('sim', '--system', writeSystem(false), '--seeds', '5');

    expect(exitCode).toBe(1);
    expect(output).toContain('broken     counts are not negative');
    expect(existsSync(join(folder, 'wavetank-failure-1.json'))).toBe(true);
  });

  it.each([
    [['sim', '--seed', '1', '--seeds', '2'], 'say either --seed NUMBER or --scenario FILE'],
    [['sim', '--seeds', '2', '--shard', '3/2'], '--shard wants i/n with i from 1 to n'],
    [['sim', '--seeds', '2', '--resume'], '--resume needs --report FILE'],
    [['sim', '--seeds', '2', '--recheck', '101'], '--recheck wants a whole number from 0 to 100'],
    [['sim', '--seeds', '2', '--guided', '--shard', '1/2'], '--guided learns from every run before'],
    [['sim', '--seed', '1', '--profile', 'strom'], 'there is no profile "strom". Did you mean "storm"?'],
    [['sim', '--seed', '1', '--system', 'none.js'], 'cannot load none.js'],
    [['merge', 'none.json'], 'none.json is no report of a sweep'],
  ])('refuses %j', async (args, words) => {
    const { exitCode, errors } = await wavetank(...args);

    expect(exitCode).toBe(2);
    expect(errors).toContain(words);
  });
});
