import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SweepFailure } from '../../../sim/index.js';
import { againBySeed } from '../../../runtime-node/cli/reproduce.js';
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

/** The words of a command that has none to be quoted. */
function commandIn(text = ''): readonly string[] {
  return text.split(' ');
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { output } = await wavetank(...args, '--json');
  return JSON.parse(output) as Record<string, unknown>;
}

/** How nodes count: soundly; back after a while; back by chance; with a part of their state hidden outside. */
const COUNTING = {
  sound: 'count + 1',
  unsound: 'count > 5 ? -1 : count + 1',
  shaky: 'entropy % 512 === 0 ? -1 : count + 1',
  hiding: 'count + (hidden += 1)',
} as const;

/** Two nodes that count, and a judge who may never come to a verdict. */
function writeSystem(way: keyof typeof COUNTING, verdict: 'valid' | 'unknown' = 'valid'): string {
  const file = join(folder, 'system.js');
  writeFileSync(
    file,
    `import { defineSystem } from '${SIM}';
import { monotonicMs } from '${CORE}';
let hidden = 0;
export const system = defineSystem({
  name: 'counting',
  nodes: [2],
  settings: () => ({}),
  paceMs: () => 50,
  machine: () => ({
    start: ({ now }) => ({ state: { count: 0 }, effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 500) }] }),
    step: ({ count }, { now, entropy }) => ({
      state: { count: ${COUNTING[way]} },
      effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 500) }],
    }),
  }),
  clients: {
    ask: () => 1,
    workload: { clients: 0 },
    judge: () => ({ verdict: '${verdict}', failure: undefined }),
  },
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
    const swept = await json('sim', '--seeds', '3', '--jobs', '2', '--recheck', '100');

    expect(swept).toMatchObject({ verdict: 'valid', seeds: 3, rechecked: 3, failures: [] });
    expect(swept['done']).toEqual([{ from: 1, count: 3 }]);
  });

  it('merges shards to the report of the whole', async () => {
    const whole = await json('sim', '--seeds', '4', '--jobs', '1');
    for (const part of [1, 2]) {
      await wavetank('sim', '--seeds', '4', '--shard', `${part}/2`, '--report', join(folder, `part-${part}`));
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
    const guided = ['sim', '--system', writeSystem('sound'), '--seeds', '120', '--guided'];
    const [one, two] = [await json(...guided, '--jobs', '1'), await json(...guided, '--jobs', '2')];

    expect(one).toMatchObject({ verdict: 'valid', seeds: 120 });
    expect({ ...two, realMs: 0 }).toEqual({ ...one, realMs: 0 });
  });

  it("tries a user's own system, and says what it never reached only after enough seeds", async () => {
    const swept = await json('sim', '--system', writeSystem('sound'), '--seeds', '5');

    expect(swept).toMatchObject({ verdict: 'valid', system: 'counting', neverReached: [] });
  });

  it("finds what is wrong with a user's own system, and leaves its scenario behind", async () => {
    const { exitCode, output } = await wavetank('sim', '--system', writeSystem('unsound'), '--seeds', '5');

    expect(exitCode).toBe(1);
    expect(output).toContain('broken     counts are not negative');
    expect(existsSync(join(folder, 'wavetank-failure-1.json'))).toBe(true);
  });

  it('tells at length of a sweep whose only failure is that two runs of a seed differ', async () => {
    const file = writeSystem('hiding');
    const sweep = ['sim', '--system', file, '--seeds', '1', '--recheck', '100'];

    const { exitCode, output } = await wavetank(...sweep);
    const again = commandIn(/^reproduce {2}npx wavetank (.*)$/m.exec(output)?.[1]);

    expect(exitCode).toBe(1);
    expect(output).toContain('broken     the same run twice');
    expect(output).toContain('is the same in both runs, but the node does something else with it');
    expect(again).toEqual(['sim', '--seed', '1', '--recheck', '100', '--system', file]);
    expect(await wavetank(...again)).toMatchObject({ exitCode: 1 });
  });

  it('says why the only seed of a sweep was not decided, and how it is run again', async () => {
    const file = writeSystem('sound', 'unknown');

    const { exitCode, output } = await wavetank('sim', '--system', file, '--seeds', '1');

    expect(exitCode).toBe(3);
    expect(output).toContain('excuse     the checker of the history ran out of its budget');
    expect(output).toContain(`reproduce  npx wavetank sim --seed 1 --system ${file}`);
  });

  it('gives a command that fails again in the same way for each failure of a guided sweep', async () => {
    const file = writeSystem('shaky');

    const swept = await json('sim', '--system', file, '--seeds', '60', '--guided', '--keep-going');
    const failures = swept['failures'] as readonly (SweepFailure & { readonly reproduce: string })[];
    const late = failures.filter(({ reproduce }) => /guided-1-[345]\d\.json/.test(reproduce)).slice(-4);

    expect(late).toHaveLength(4);
    for (const { seed, property, atMs, reproduce } of late) {
      const again = await json(...commandIn(reproduce.slice('npx wavetank '.length)));
      expect(again['failures']).toMatchObject([{ seed, property, atMs }]);
    }
  });

  it('names the guide where a guided sweep fails so often that not every scenario is kept', async () => {
    const file = writeSystem('unsound');

    const swept = await json('sim', '--system', file, '--seeds', '24', '--guided', '--keep-going');
    const failures = swept['failures'] as readonly { readonly reproduce: string }[];

    expect(failures).toHaveLength(24);
    expect(failures.map(({ reproduce }) => reproduce)).toContain(
      `npx wavetank sim --guided --from 1 --seeds 24 --keep-going --system ${file}`,
    );
  });

  it('names the profile in the command that runs a failure again, and the scenario where there is one', async () => {
    const tight = join(folder, 'tight.json');
    await wavetank('sim', '--seed', '3', '--profile', 'clocks', '--save', tight);
    writeFileSync(tight, readFileSync(tight, 'utf8').replace('"maxEvents": 2000000', '"maxEvents": 50'));

    const byFile = await json('sim', '--scenario', tight);

    expect(byFile['failures']).toMatchObject([{ reproduce: `npx wavetank sim --scenario ${tight}` }]);
    expect(againBySeed({ seed: 3, property: 'reads' }, { profile: 'clocks' })).toBe(
      'npx wavetank sim --seed 3 --profile clocks',
    );
  });

  it('shows the single failure of merged shards with its command', async () => {
    const report = join(folder, 'part');
    await wavetank('sim', '--system', writeSystem('unsound'), '--seeds', '1', '--report', report);

    const { exitCode, output } = await wavetank('merge', report);

    expect(exitCode).toBe(1);
    expect(output).toContain('seed 1: invalid, counts are not negative');
    expect(output).toContain('npx wavetank sim --seed 1 --system FILE-OF-counting');
  });

  it('prints the schema of scenarios, of ours with all settings', async () => {
    const ours = await wavetank('sim', '--schema');
    const theirs = await wavetank('sim', '--schema', '--system', writeSystem('sound'));

    expect(JSON.parse(ours.output)).toMatchObject({
      properties: { system: { enum: ['key-value'] }, settings: { properties: { partitions: {} } } },
    });
    expect(JSON.parse(theirs.output)).toMatchObject({ properties: { system: { enum: ['counting'] } } });
  });

  it('says in its help what each profile means', async () => {
    const { output } = await wavetank('sim', '--help');

    expect(output).toMatch(/^ {2}churn {2,}Nodes restart and change their version all the time\.$/m);
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
