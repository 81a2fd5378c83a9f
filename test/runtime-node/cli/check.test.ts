import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../../dist/runtime-node/cli/main.js', import.meta.url));

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wavetank-check-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function check(args: readonly string[], input = ''): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'check', ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { exitCode: status, output: stdout, errors: stderr };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const VALID = '0 :invoke :write 1\n0 :ok :write 1\n1 :invoke :read nil\n1 :ok :read 1\n';
const INVALID = VALID.replace(':ok :read 1', ':ok :read 2');

describe('wavetank check', () => {
  it('ends with 0 for a legal history, and says how much there was', () => {
    const { exitCode, output } = check([file('valid.log', VALID), '--model', 'register']);

    expect(exitCode).toBe(0);
    expect(output).toMatch(/^history {4}.*valid\.log \(log\): 2 answered and 0 unanswered operations\n/);
    expect(output).toContain('verdict    valid');
  });

  it('ends with 1 for an illegal one, says why, and draws it', () => {
    const picture = join(folder, 'why.svg');

    const { exitCode, output } = check([file('bad.log', INVALID), '--model', 'register', '--svg', picture]);

    expect(exitCode).toBe(1);
    expect(output).toContain('read -> read "2": here it must answer: read "1"');
    expect(output).toContain(`Drawn in ${picture}.`);
    expect(readFileSync(picture, 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/);
  });

  it('ends with 3 when the steps run out', () => {
    const writes = Array.from({ length: 12 }, (_, process) => `${process} :invoke :write ${process}\n`).join(
      '',
    );
    const reads = '20 :invoke :read nil\n20 :ok :read 3\n20 :invoke :read nil\n20 :ok :read 99\n';

    const { exitCode, output } = check([
      file('hard.log', writes + reads),
      '--model',
      'register',
      '--max-steps',
      '2',
    ]);

    expect(exitCode).toBe(3);
    expect(output).toContain('this is not a pass');
  });

  it('reads standard input, and prints one JSON object when asked', () => {
    const { exitCode, output } = check(['-', '--model', 'cas-register', '--json'], INVALID);

    expect(exitCode).toBe(1);
    expect(output.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(output)).toMatchObject({
      file: 'standard input',
      model: 'cas-register',
      format: 'log',
      verdict: 'invalid',
      operations: 2,
      keys: [{ key: 'register', verdict: 'invalid', answered: 2, unanswered: 0 }],
      anomalies: [],
      notes: [],
    });
  });

  it('judges transactions at a level', () => {
    const history = file(
      'skew.jsonl',
      [
        '{"client":"a","start":0,"end":9,"transaction":[["r","x",[]],["append","y",1]]}',
        '{"client":"b","start":0,"end":9,"transaction":[["r","y",[]],["append","x",1]]}',
        '{"client":"c","start":10,"end":11,"transaction":[["r","x",[1]],["r","y",[1]]]}',
      ].join('\n'),
    );

    const strict = check([history, '--model', 'list-append', '--json']);
    const snapshot = check([history, '--model', 'list-append', '--level', 'snapshot-isolation']);

    expect(strict.exitCode).toBe(1);
    expect(JSON.parse(strict.output)).toMatchObject({ verdict: 'invalid', anomalies: [{ name: 'G2-item' }] });
    expect(snapshot.exitCode).toBe(0);
    expect(snapshot.output).toContain('Nothing contradicts snapshot isolation');
  });

  it('begins with the value that it is told', () => {
    const history = file(
      'zero.edn',
      '{:type :invoke, :f :read, :process 0}\n{:type :ok, :f :read, :value 0, :process 0}',
    );

    expect(check([history, '--model', 'register']).exitCode).toBe(1);
    expect(check([history, '--model', 'register', '--initial', '0']).exitCode).toBe(0);
  });

  it.each([
    [['nowhere.edn', '--model', 'register'], 'cannot read nowhere.edn', 'no such file'],
    [['-', '--model', 'register', '--format', 'edn'], 'standard input, line 1, column 1', 'one map a line'],
    [
      ['-', '--model', 'register', '--svg', '/nowhere/at/all.svg'],
      'cannot write /nowhere/at/all.svg',
      'no such file',
    ],
  ])('ends with 2 for %o', (args, wrong, helpful) => {
    const { exitCode, errors } = check(args, INVALID);

    expect(exitCode).toBe(2);
    expect(errors).toContain(wrong);
    expect(errors).toContain(helpful);
  });
});
