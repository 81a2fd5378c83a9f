import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

import { createProgram } from '../../../runtime-node/cli/program.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetank-explore-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs `wavetank explore` with these arguments; gives what it prints and its exit code. */
async function exploreWith(...args: readonly string[]): Promise<{ output: string; exitCode: unknown }> {
  const before = process.exitCode;
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  await createProgram().parseAsync(['node', 'wavetank', 'explore', ...args]);
  const { exitCode } = process;
  process.exitCode = before;
  return { output, exitCode };
}

/** A file that holds this schedule of two-phase commit. */
function scheduleFile(name: string, steps: readonly string[]): string {
  const file = join(folder, name);
  const settings = { nodes: 2, symmetry: false };
  const about = 'a way to a commit';
  const schedule = { wavetank: 'schedule', format: 1, model: 'two-phase-commit', settings, about, steps };
  writeFileSync(file, JSON.stringify(schedule));
  return file;
}

describe('wavetank explore', () => {
  it('prints one JSON object, and exits with 0 when all holds', async () => {
    const { output, exitCode } = await exploreWith('--model', 'two-phase-commit', '--nodes', '3', '--json');

    expect(JSON.parse(output)).toMatchObject({ verdict: 'holds', states: 288, generated: 1_146, depth: 11 });
    expect(exitCode).toBe(0);
  });

  it('exits with 3 when a limit comes first, and says which', async () => {
    const { output, exitCode } = await exploreWith('--model', 'two-phase-commit', '--max-states', '100');

    expect(output).toContain('--max-states came before the end of the bound');
    expect(exitCode).toBe(3);
  });

  it('exits with 1 when the bound is too small to see anything', async () => {
    const { output, exitCode } = await exploreWith('--timeouts', '0');

    expect(output).toContain('broken     somebody leads');
    expect(exitCode).toBe(1);
  });

  it('explores Raft within the bound that it is told', async () => {
    const bound = ['--timeouts', '1', '--crashes', '0', '--requests', '0', '--disk', 'instant'];

    const { output, exitCode } = await exploreWith(...bound, '--order', 'depth', '--json');

    expect(JSON.parse(output)).toMatchObject({
      verdict: 'holds',
      settings: { nodes: 3, elections: 1, crashes: 0, proposals: 0, disk: 'instant', symmetry: true },
      reached: ['somebody leads', 'something is committed'],
    });
    expect(exitCode).toBe(0);
  });

  it('follows a schedule to its end', async () => {
    const steps = ['Prepare 1', 'Prepare 2', 'ReceivePrepared 1', 'ReceivePrepared 2', 'Commit'];

    const { output, exitCode } = await exploreWith('--replay', scheduleFile('whole.json', steps));

    expect(output).toContain('     5  Commit');
    expect(output).toContain('nothing is broken at the end');
    expect(exitCode).toBe(0);
  });

  it('says where a schedule no longer fits, and what is possible there', async () => {
    const { output, exitCode } = await exploreWith(
      '--replay',
      scheduleFile('odd.json', ['Prepare 1', 'Commit']),
    );

    expect(output).toContain('step 2 cannot be taken: Commit');
    expect(output).toContain('ReceivePrepared 1');
    expect(exitCode).toBe(3);
  });

  it.each([
    [['--replay', '/nowhere.json'], 'cannot read /nowhere.json'],
    [['--nodes', '9'], '--nodes of a Raft group is 1 to 5'],
    [['--order', 'sideways'], 'Allowed choices are breadth, depth'],
    [['--max-states', 'many'], '--max-states wants a whole number'],
  ])('refuses %j', async (args, message) => {
    const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);

    await expect(exploreWith(...args)).rejects.toThrow(message);

    expect(said).toHaveBeenCalled();
  });
});
