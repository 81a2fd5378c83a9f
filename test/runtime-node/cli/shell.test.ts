import { stripVTControlCharacters } from 'node:util';

import { describe, expect, it, onTestFinished } from 'vitest';

import { paint } from '../../../runtime-node/cli/shell-scripts.js';
import { createShell, type Shell } from '../../../runtime-node/cli/shell-session.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { clientOf } from '../client/support.js';
import { fakeNode, type FakeAnswer, type FakeNode } from '../support/fake-node.js';

interface Trial {
  readonly shell: Shell;
  readonly node: FakeNode;
  readonly said: string[];
}

async function shellOn(...answers: readonly FakeAnswer[]): Promise<Trial> {
  const node = await fakeNode(...answers);
  const said: string[] = [];
  const say = (text: string | Uint8Array): void => {
    said.push(stripVTControlCharacters(typeof text === 'string' ? text : Buffer.from(text).toString()));
  };
  return { shell: createShell({ client: clientOf([node.endpoint]), out: say, complain: say }), node, said };
}

const LOCKED = { type: 0, fencingToken: 4 };
const UNLOCKED = { type: 3 };

describe('the shell', () => {
  it('runs one command after the other, and keeps the exit code of the last', async () => {
    const { shell, said } = await shellOn(
      { type: 0, revision: 0 },
      { type: 103 },
      { type: 3, value: 'aGk=' },
    );

    await shell.run('set greeting "hello world"');
    expect(shell.exitCode()).toBe(0);
    await shell.run('get nothing');
    expect(shell.exitCode()).toBe(1);
    await shell.run('get greeting');
    expect(shell.exitCode()).toBe(0);

    expect(said).toEqual(['set "greeting", revision 0', 'there is no key "nothing"', 'hi\n']);
  });

  it('gives a command the same defaults each time', async () => {
    const { shell, node } = await shellOn({ type: 0 });

    await shell.run('set k v --if-exists --expires 5 --ephemeral');
    await shell.run('set k v');

    expect(node.asked.map(({ body }) => [body['flags'], body['expiresMs'], body['durability']])).toEqual([
      [5, 5, 0],
      [1, 0, 1],
    ]);
  });

  it('goes on after what it does not understand, with the reason', async () => {
    const { shell, said } = await shellOn(500);

    const after = [
      await shell.run('fly'),
      await shell.run('set "a'),
      await shell.run('get'),
      await shell.run(''),
    ];

    expect(after).toEqual(['go on', 'go on', 'go on', 'go on']);
    expect(said.join('\n')).toMatch(
      /unknown command 'fly'[^]*is not closed[^]*missing required argument 'key'/,
    );
    expect(shell.exitCode()).toBe(2);
  });

  it('shows its commands, and the options of one, without those that are said once', async () => {
    const { shell, said } = await shellOn(500);

    await shell.run('help');
    const help = [...said];
    await shell.run('help set');
    await shell.run('sequence --help');

    expect(help.join('\n')).toMatch(/Usage: <command>[^]*extend-lock[^]*sequence[^]*`exit` leaves/);
    expect(said.join('\n')).toContain('--if-revision');
    expect(said.join('\n')).not.toContain('--endpoints');
    expect(said.join('\n')).toContain('reserve');
  });

  it('knows the owner of a lock that it took, and gives it back at its end', async () => {
    const { shell, node, said } = await shellOn(LOCKED, LOCKED, { type: 2, fencingToken: 4 }, UNLOCKED);

    await shell.run('lock jobs/a 60000');
    await shell.run('lock jobs/b 60000 --ephemeral --owner me');
    await shell.run('extend-lock jobs/a 5000');
    await shell.run('locks');
    await shell.run('unlock jobs/a');
    await shell.end();
    await shell.end();

    const owners = node.asked.map(({ path, body }) => [
      path.slice(10),
      body['resource'],
      body['owner'] === 'bWU=',
    ]);
    expect(owners.slice(0, 5)).toEqual([
      ['try-lock', 'jobs/a', false],
      ['try-lock', 'jobs/b', true],
      ['try-extend', 'jobs/a', false],
      ['try-unlock', 'jobs/a', false],
      ['try-unlock', 'jobs/b', true],
    ]);
    expect(node.asked[3]?.body['owner']).toBe(node.asked[0]?.body['owner']);
    expect(node.asked[4]?.body['durability']).toBe(0);
    expect(said).toContain('unlocked "jobs/b"');
  });

  it('asks for the owner of a lock that it did not take, or that it has lost', async () => {
    const { shell, node, said } = await shellOn(LOCKED, { type: 103 });

    await shell.run('unlock other');
    await shell.run('lock jobs/a 60000');
    await shell.run('extend-lock jobs/a 5000');
    await shell.run('unlock jobs/a');

    expect(said.join('\n').match(/--owner is needed/g)).toHaveLength(2);
    expect(node.asked).toHaveLength(2);
  });

  it('completes commands, their parts, options, and the names of locks', async () => {
    const { shell } = await shellOn(LOCKED);
    await shell.run('lock jobs/a 60000');

    expect(shell.complete('ex')).toEqual([['exists ', 'extend ', 'extend-lock ', 'exit '], 'ex']);
    expect(shell.complete('sequence re')).toEqual([['reserve '], 're']);
    expect(shell.complete('set k v --if-n')).toEqual([['--if-not-exists ', '--if-null '], '--if-n']);
    expect(shell.complete('unlock ')).toEqual([['jobs/a '], '']);
    expect(shell.complete('help unl')).toEqual([['unlock '], 'unl']);
    expect(shell.complete('get --end')).toEqual([[], '--end']);
  });

  const RAN = { type: 3, values: [{ value: 'aGk=', revision: -1 }] };
  const textOf = (script: unknown): string => Buffer.from(String(script), 'base64').toString();

  it('runs scripts: on one line, and on several that end with an empty one', async () => {
    const { shell, node, said } = await shellOn(RAN, {
      type: 99,
      reason: 'Syntax error at line 1, column 1',
    });

    await shell.run('script return "hi"');
    await shell.run('script');
    const inside = shell.isInScript();
    await shell.run('  let x = 1');
    await shell.run('exit');
    await shell.run('');

    expect(node.asked.map(({ body }) => textOf(body['script']))).toEqual([
      'return "hi"',
      '  let x = 1\nexit',
    ]);
    expect([inside, shell.isInScript(), shell.exitCode()]).toEqual([true, false, 2]);
    expect(said).toEqual(['hi', 'script: Syntax error at line 1, column 1']);
  });

  it('remembers the parameters of scripts, and forgets a script that is given up', async () => {
    const { shell, node, said } = await shellOn(RAN);

    await shell.run('param key=a @n=1 gone=x');
    await shell.run('param gone=');
    await shell.run('script');
    await shell.run('throw 1');
    shell.dropScript();
    await shell.run('script return @key');

    expect(said.slice(0, 2)).toEqual(['@key = "a"\n@n = "1"\n@gone = "x"', '@key = "a"\n@n = "1"']);
    expect(node.asked).toHaveLength(1);
    expect(node.asked[0]?.body['parameters']).toEqual([
      { key: '@key', value: 'a' },
      { key: '@n', value: '1' },
    ]);
  });

  it('completes the words of scripts, with what stood on the lines before', async () => {
    const { shell } = await shellOn(RAN);

    expect(shell.complete('script ret')).toEqual([['return '], 'ret']);
    expect(shell.complete('scr')).toEqual([['script '], 'scr']);
    await shell.run('script');
    await shell.run('let stock = get k');
    expect(shell.complete('return sto')).toEqual([['stock '], 'sto']);
    expect(shell.complete('return to_i')[0]).toContain('to_int(');
  });

  it('shows a script in colours, letter for letter', () => {
    const script = 'set `item/7` "a" # why\n  @x';

    expect(stripVTControlCharacters(paint(script))).toBe(script);
  });

  it('does what stands between begin and commit as one, and what is not committed not at all', async () => {
    const client = await startEmbedded();
    onTestFinished(() => client.close());
    const said: string[] = [];
    const say = (text: string | Uint8Array): void => void said.push(Buffer.from(text).toString().trim());
    const shell = createShell({ client, out: say, complain: (text) => say(stripVTControlCharacters(text)) });

    for (const line of ['commit', 'begin', 'begin', 'set a 1', 'get a']) await shell.run(line);
    const before = await client.keys.exists('a');
    for (const line of ['commit', 'begin --optimistic', 'set a 2', 'rollback', 'get a', 'begin', 'set a 3'])
      await shell.run(line);
    await shell.end();

    expect([before, await client.keys.getText('a')]).toEqual([false, '1']);
    expect(said).toEqual([
      'no transaction is open: `begin` begins one',
      'began a transaction, pessimistic',
      'a transaction is open: `commit` it, or `rollback`',
      'set "a", revision 0',
      '1',
      'committed',
      'began a transaction, optimistic',
      'set "a", revision 1',
      'rolled back',
      '1',
      'began a transaction, pessimistic',
      'set "a", revision 1',
      'the transaction that was not committed is rolled back',
    ]);
    expect((await client.keys.set('a', '4')).written).toBe(true);
  });

  it.each(['commit', 'rollback'])(
    'does nothing outside of a transaction that was aborted, until %s',
    async (end) => {
      const client = await startEmbedded();
      onTestFinished(() => client.close());
      const said: string[] = [];
      const say = (text: string | Uint8Array): void => void said.push(Buffer.from(text).toString().trim());
      const shell = createShell({
        client,
        out: say,
        complain: (text) => say(stripVTControlCharacters(text)),
      });

      await client.keys.set('a', '1');
      for (const line of ['begin --optimistic', 'get a']) await shell.run(line);
      await client.keys.set('a', '2');
      for (const line of ['get a', 'set b 1', 'begin']) await shell.run(line);
      const during = await client.keys.exists('b');
      for (const line of [end, 'set b 2']) await shell.run(line);
      await shell.end();

      expect([during, await client.keys.getText('b')]).toEqual([false, '2']);
      expect(said).toEqual([
        'began a transaction, optimistic',
        '1',
        expect.stringContaining('was changed by somebody else'),
        expect.stringContaining('the transaction was aborted'),
        'the transaction was aborted: `rollback` ends it',
        end === 'commit' ? expect.stringContaining('the transaction was aborted') : 'rolled back',
        'set "b", revision 0',
      ]);
    },
  );

  it('leaves when it is told to', async () => {
    const { shell } = await shellOn(500);

    expect([await shell.run('exit'), await shell.run(' quit '), await shell.run('# a remark')]).toEqual([
      'exit',
      'exit',
      'go on',
    ]);
  });
});
