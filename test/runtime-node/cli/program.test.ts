import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';

import { createProgram } from '../../../runtime-node/cli/program.js';
import { exitCodeOf } from '../../../runtime-node/cli/refuse.js';

interface Ran {
  readonly exitCode: number | undefined;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command with these arguments; only for arguments with which it ends at once. */
async function run(...args: readonly string[]): Promise<Ran> {
  const program = createProgram();
  let output = '';
  let errors = '';
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: (text) => (output += text), writeErr: (text) => (errors += text) });
  }
  try {
    await program.parseAsync(['node', 'wavetank', ...args]);
    return { exitCode: undefined, output, errors };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: exitCodeOf(error), output, errors };
  }
}

const PEERS = '1=127.0.0.1:2075,2=127.0.0.1:2085,3=127.0.0.1:2095';

describe('bad arguments end with exit code 2, and say what was wrong, what was expected and an example', () => {
  it.each([
    [['serve', '--peers', PEERS], "required option '--id <number>' not specified", '--help'],
    [['serve', '--id', '0', '--peers', PEERS], '--id wants a whole number of 1 or more', '--id 7'],
    [
      ['serve', '--id', '1', '--peers', '1=localhost'],
      '"1=localhost" is not ID=HOST:PORT',
      '2=127.0.0.1:2085',
    ],
    [
      ['serve', '--id', '1', '--peers', PEERS, '--tls-cert', 'node.crt'],
      '--tls-cert and --tls-key belong together, but --tls-key is missing',
      '--help',
    ],
    [['up', '--tls-pfx', 'a.pfx', '--tls-key', 'a.key'], 'leave out --tls-cert and --tls-key', '--help'],
    [['up', '--tls-passphrase-file', 'a'], '--tls-passphrase-file is for --tls-pfx', '--help'],
    [
      ['serve', '--id', '1', '--peers', PEERS, '--advertise-client', 'https://a:1/x'],
      '--advertise-client wants a base URL',
      'https://10.0.0.7:2070',
    ],
    [['serve', '--id', '1'], 'either --peers or --join is needed', '--join 127.0.0.1:2075 joins one'],
    [['serve', '--id', '4', '--join', '127.0.0.1:2075'], '--join needs --listen too', 'HOST:PORT'],
    [
      ['serve', '--id', '4', '--join', '127.0.0.1:2075', '--listen', '0.0.0.0:2075'],
      '--listen 0.0.0.0:2075 is no address at which others reach this node',
      '--advertise HOST:PORT',
    ],
    [['serve', '--id', '4', '--join', 'somewhere'], '"somewhere" is not HOST:PORT', '127.0.0.1:2085'],
    [['transfer-leader', '--to', '2'], "required option '--group <number>' not specified", '--help'],
    [['serve', '--id', '1', '--peers', '1=a:1,1=b:2'], 'node 1 is there twice', ''],
    [
      ['serve', '--id', '9', '--peers', PEERS],
      '--id is 9, but --peers names only the nodes 1, 2, 3',
      '--peers "9=',
    ],
    [
      ['serve', '--id', '1', '--peers', PEERS, '--client', '2070'],
      '--client wants HOST:PORT',
      '127.0.0.1:2070',
    ],
    [
      ['serve', '--id', '1', '--peers', PEERS, '--listen', 'a:99999'],
      '--listen wants HOST:PORT',
      '127.0.0.1:2070',
    ],
    [['serve', '--id', '1', '--peers', PEERS, '--partitions', 'x'], '--partitions wants a whole number', '7'],
    [['serve', '--id', '1', '--peers', PEERS, '--log-level', 'loud'], 'Allowed choices are', 'info'],
    [['serve', '--id', '1', '--peers', PEERS, '--colour', 'red'], "unknown option '--colour'", '--help'],
    [['up', '--nodes', '2'], '--nodes wants an odd number from 1 to 7, but is 2', '--nodes 3'],
    [['up', '--nodes', '9'], '--nodes wants an odd number from 1 to 7, but is 9', '--nodes 3'],
    [['up', '--client-port', '65530'], 'the last node would listen on port 65555', '--client-port 2070'],
    [['get'], "missing required argument 'key'", '--help'],
    [['get', 'a', 'b'], 'too many arguments', '--help'],
    [['get', 'a', '--read', 'dirty'], 'Allowed choices are linearizable, lease, follower, stale', '--help'],
    [['exists', 'a', '--read', 'dirty'], 'Allowed choices are', '--help'],
    [['set', 'a'], "missing required argument 'value'", '--help'],
    [['set', 'a', 'b', '--if-revision', '-2'], '--if-revision wants a whole number of -1 or more', '7'],
    [['get', 'a', '--endpoints', 'ftp://x'], '"ftp://x" is not a URL', 'http://127.0.0.1:2070'],
    [['get', 'a', '--timeout', '0'], '--timeout wants a whole number of 1 or more', '7'],
    [['check', '-'], "required option '--model <name>' not specified", '--help'],
    [['check', '-', '--model', 'queue'], "argument 'queue' is invalid", 'cas-register'],
    [
      ['check', '-', '--model', 'kv', '--max-steps', '0'],
      '--max-steps wants a whole number of 1 or more',
      '7',
    ],
    [
      ['check', '-', '--model', 'kv', '--level', 'serializable'],
      '--level is about transactions',
      'list-append',
    ],
    [['check', '-', '--model', 'list-append', '--initial', '0'], '--initial is about single keys', 'kv'],
    [['check', '-', '--model', 'rw-register', '--svg', 'x'], '--svg is about single keys', 'cas-register'],
    [['fly'], "unknown command 'fly'", '--help'],
  ])('%o', async (args, wrong, example) => {
    const { exitCode, errors } = await run(...args);

    expect(exitCode).toBe(2);
    expect(errors).toContain(wrong);
    expect(errors).toContain(example);
  });
});

describe('every command', () => {
  it('has help with an example, and ends with exit code 0 after it', async () => {
    for (const command of createProgram().commands) {
      const { exitCode, output } = await run(command.name(), '--help');

      expect([command.name(), exitCode]).toEqual([command.name(), 0]);
      expect(output).toMatch(/Examples?:\n {2}wavetank /);
    }
  });

  it('is in the help of the whole, as is the version', async () => {
    const help = await run('--help');
    const version = await run('--version');

    expect(help.exitCode).toBe(0);
    for (const name of ['up', 'serve', 'status', 'get', 'set', 'del', 'exists']) {
      expect(help.output).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
    expect(version.output).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
