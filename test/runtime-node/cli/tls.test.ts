import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { temporaryFolder } from '../support/temporary-folder.js';
import { EXPIRED_CERT, SOUND_CERT, SOUND_KEY } from '../api/certificates.js';
import { startService, type Service } from '../api/services/start.js';

const COMMAND = fileURLToPath(new URL('../../../dist/runtime-node/cli/main.js', import.meta.url));

let service: Service;
let url: string;
let cleartextUrl: string;
beforeAll(async () => {
  service = await startService({ tls: { cert: Buffer.from(SOUND_CERT), key: Buffer.from(SOUND_KEY) } });
  url = service.url.replace('http:', 'https:');
  cleartextUrl = service.url;
});
afterAll(() => service.stop());

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly complaints: string;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, NO_COLOR: '1', ...env } };
    execFile(process.execPath, [COMMAND, ...args], options, (error, out, complaints) =>
      resolve({ exitCode: Number(error?.code ?? 0), out, complaints }),
    );
  });
}

async function file(name: string, text: string): Promise<string> {
  const path = join(await temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

describe('commands on a cluster that speaks TLS', () => {
  it.each([
    [['status']],
    [['members']],
    [['set', 'a', 'v']],
    [['transfer-leader', '--group', '1', '--to', '1']],
  ])('are told whom to trust: %o', async (command) => {
    const ca = await file('ca.pem', SOUND_CERT);

    const told = await run([...command, '--endpoints', url, '--ca', ca]);
    const surroundings = await run(command, { WAVETANK_ENDPOINTS: url, WAVETANK_CA: ca });

    expect(told).toMatchObject({ exitCode: 0, complaints: '' });
    expect(surroundings).toMatchObject({ exitCode: 0, complaints: '' });
    expect(await run([...command, '--endpoints', url, '--insecure'])).toMatchObject({ exitCode: 0 });
  });

  it.each([[['status']], [['members', '--timeout', '500']], [['get', 'a']]])(
    'say that they trust nobody there, rather than that nobody is there: %o',
    async (command) => {
      const { exitCode, out, complaints } = await run([...command, '--endpoints', url]);

      expect(exitCode).toBe(69);
      expect(out + complaints).toContain('no authority that is trusted here');
      expect(out + complaints).not.toContain('wavetank up');
    },
  );

  it.each([
    [['status'], 69],
    [['members'], 2],
    [['set', 'a', 'v'], 2],
  ])('say that http is the wrong way: %o', async (command, code) => {
    const { exitCode, out, complaints } = await run([...command, '--endpoints', cleartextUrl]);

    expect(exitCode).toBe(code);
    expect(out + complaints).toContain('ask it with https instead of http');
  });

  it('refuse files that name no authority', async () => {
    const missing = await run(['status', '--endpoints', url, '--ca', '/no/such.pem']);
    const key = await run(['get', 'a', '--endpoints', url, '--ca', await file('node.key', SOUND_KEY)]);
    const other = await run(['get', 'a', '--endpoints', url, '--ca', await file('other.pem', EXPIRED_CERT)]);

    expect(missing).toMatchObject({ exitCode: 2, complaints: expect.stringContaining('ENOENT') as string });
    expect(key).toMatchObject({
      exitCode: 2,
      complaints: expect.stringContaining('It holds no certificate in PEM') as string,
    });
    expect(other).toMatchObject({ exitCode: 69 });
  });
});

describe('commands on a cluster that speaks no TLS', () => {
  it('say that https is the wrong way', async () => {
    const plain = await startService();
    const { exitCode, complaints } = await run([
      'get',
      'a',
      '--endpoints',
      plain.url.replace('http:', 'https:'),
    ]);
    await plain.stop();

    expect(exitCode).toBe(69);
    expect(complaints).toContain('is it http instead of https?');
  });
});
