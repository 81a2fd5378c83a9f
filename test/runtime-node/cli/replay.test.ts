import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { CommanderError } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { debug } from '../../../runtime-node/cli/debug.js';
import { createProgram } from '../../../runtime-node/cli/program.js';
import { exitCodeOf } from '../../../runtime-node/cli/refuse.js';
import { buildTimeline, formatTrace, openSession, type Trace } from '../../../sim/index.js';
import { recorded, shortStorm } from '../../sim/support/recorded.js';

let folder: string;
let file: string;
let other: string;
let parted: string;
let trace: Trace;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wavetank-replay-'));
  [file = '', other = '', parted = ''] = ['storm', 'other', 'parted'].map((name) =>
    join(folder, `${name}.jsonl`),
  );
  trace = recorded(shortStorm(5));
  writeFileSync(file, formatTrace(trace.header, trace.lines));
  writeFileSync(other, formatTrace(trace.header, trace.lines.slice(0, 80)));
  const changed = trace.lines.map((line) => (line.n === 90 && 'hash' in line ? { ...line, hash: 1 } : line));
  writeFileSync(parted, formatTrace(trace.header, changed));
});

afterAll(() => rmSync(folder, { recursive: true }));

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Ran {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

async function replay(...args: readonly string[]): Promise<Ran> {
  let output = '';
  let errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (output += String(text)) !== '');
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => (errors += String(text)) !== '');
  const program = createProgram();
  let exitCode: number;
  try {
    await program.parseAsync(['node', 'wavetank', 'replay', ...args]);
    exitCode = Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = exitCodeOf(error);
  }
  vi.restoreAllMocks();
  return { exitCode, output, errors };
}

describe('wavetank replay', () => {
  it('says that a trace matches, as text and as JSON', async () => {
    const text = await replay(file, '--to', '40', '--state');
    const json = await replay(file, '--json');

    expect(text.exitCode).toBe(0);
    expect(text.output).toContain(`40 of ${trace.lines.length} events replayed, bit for bit`);
    expect(text.output).toMatch(/^node 1 \(run 1\.1\)/m);
    expect(JSON.parse(json.output)).toEqual({
      matches: true,
      replayed: trace.lines.length,
      events: trace.lines.length,
      parted: null,
    });
  });

  it('names the line at which it parts, with exit code 1', async () => {
    const { exitCode, output } = await replay(parted);

    expect(exitCode).toBe(1);
    expect(output).toContain('at event 90');
  });

  it('tells why, also as JSON', async () => {
    const text = await replay(file, '--why', '60');
    const json = await replay(file, '--why', '60', '--json');

    expect(text.exitCode).toBe(0);
    expect(text.output).toMatch(/^ +60 .* ms {2}node \d/);
    expect(JSON.parse(json.output)).toMatchObject({ n: 60, cutOff: 0 });
    expect(json.output).toMatch(/"links":\[\{"n":60,"node":\d,"at":\d+,"causes":\[\{"type":/);
  });

  it('finds where a condition comes to hold, with exit code 3 when it never does', async () => {
    const found = await replay(file, '--break', 'count(role, leader) == 1', '--state');
    const json = await replay(file, '--break', 'line > 49', '--from', '20', '--json');
    const never = await replay(file, '--break', 'node 1 halts');

    expect(found.exitCode).toBe(0);
    expect(found.output).toMatch(/^holds {6}count\(role, leader\) == 1, at line \d+$/m);
    expect(found.output).toContain('group 1: leader');
    expect(JSON.parse(json.output)).toEqual({ condition: 'line > 49', struck: 50 });
    expect(never.exitCode).toBe(3);
    expect(never.output).toBe(`never      node 1 halts (lines 1 to ${trace.lines.length})\n`);
  });

  it('says where two traces part, with exit code 1 when they do', async () => {
    const same = await replay(file, '--diff', file);
    const differs = await replay(file, '--diff', other, '--json');

    expect(same.exitCode).toBe(0);
    expect(same.output).toBe(`the traces are equal, ${trace.lines.length} lines\n`);
    expect(differs.exitCode).toBe(1);
    expect(JSON.parse(differs.output)).toMatchObject({ equal: false, firstLine: 81 });
  });

  it.each([
    ['svg', /^<svg [^]*<\/svg>\n$/],
    ['perfetto', /^\{"displayTimeUnit":"ms"[^]*\]\}\n$/],
    ['shiviz', /^\(\?<line>[^]*\}\n$/],
  ])('writes a trace as %s, to a file or to the standard output', async (format, form) => {
    const out = join(folder, `out.${format}`);

    const written = await replay(file, '--export', format, '--from', '10', '--to', '60', '--out', out);
    const printed = await replay(file, '--export', format, '--from', '10', '--to', '60');

    expect(written.exitCode).toBe(0);
    expect(written.output).toContain(out);
    expect(readFileSync(out, 'utf8')).toMatch(form);
    expect(printed.output).toBe(readFileSync(out, 'utf8'));
  });

  it('says on the side that a trace can be looked into only up to where it parts', async () => {
    const { exitCode, output, errors } = await replay(parted, '--why', '90');

    expect(exitCode).toBe(0);
    expect(output).toMatch(/^ +90 /);
    expect(errors).toContain('the replay parts from the record at line 90');
  });

  it.each([
    [['--why', '999999'], '--why 999999 is beyond the last line'],
    [['--why', 'x'], '--why wants a whole number of 1 or more'],
    [['--break', 'role(1) = leader'], 'equality is written =='],
    [['--export', 'pdf'], 'Allowed choices are svg, perfetto, shiviz'],
    [['--export', 'svg', '--from', '90', '--to', '80'], 'lines 90 to 80 are none'],
    [['--out', 'x.svg'], '--out needs --export'],
    [['--debug', '--why', '3'], 'cannot be used with option'],
    [['--diff', 'no-such-file.jsonl'], 'cannot read no-such-file.jsonl'],
  ])('refuses %o with exit code 2, and says what was wrong', async (args, problem) => {
    const { exitCode, errors } = await replay(file, ...args);

    expect(exitCode).toBe(2);
    expect(errors).toContain(problem);
  });
});

describe('the debugger in a terminal', () => {
  async function type(
    text: string,
    interactive: boolean,
  ): Promise<{ readonly wrong: number; readonly output: string }> {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = '';
    output.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    input.end(text);
    const wrong = await debug(openSession(buildTimeline(trace)), { input, output, interactive });
    return { wrong, output: shown };
  }

  it('reads commands from a pipe, repeats them, and passes over empty lines and remarks', async () => {
    const { wrong, output } = await type('# to the first leader\n\nnext 2\nstate 1\nquit\nnext\n', false);

    expect(wrong).toBe(0);
    expect(output.match(/^> .*$/gm)).toEqual(['> next 2', '> state 1', '> quit']);
    expect(output).toContain('node 1 (run 1.1)');
    expect(output).not.toContain('(line ');
  });

  it('counts the commands that it did not understand, and ends with the input', async () => {
    const { wrong, output } = await type('fly\nnext\nback x', false);

    expect(wrong).toBe(2);
    expect(output).toContain('there is no command "fly"');
  });

  it('shows where it stands to people', async () => {
    const { output } = await type('next 7\nquit\n', true);

    expect(output).toContain('help lists the commands');
    expect(output).toContain('(line 0) ');
    expect(output).toContain('(line 7) ');
  });
});
