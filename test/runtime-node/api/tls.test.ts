import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { readTlsIdentity, type TlsFiles } from '../../../runtime-node/api/index.js';
import { StartRefused } from '../../../runtime-node/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { EXPIRED_CERT, OTHER_KEY, PFX_PASSPHRASE, SOUND_CERT, SOUND_KEY, SOUND_PFX } from './certificates.js';

const NOW = Date.UTC(2030, 0, 1);

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function whyRefused(files: TlsFiles, now = NOW): string {
  try {
    readTlsIdentity(files, now);
  } catch (error) {
    if (error instanceof StartRefused) return error.message;
    throw error;
  }
  return 'it was taken';
}

const pem = (cert: string, key: string): TlsFiles => ({
  type: 'Pem',
  cert: file('node.crt', cert),
  key: file('node.key', key),
});
const pfx = (passphrase?: string): TlsFiles => ({
  type: 'Pfx',
  pfx: file('node.pfx', Buffer.from(SOUND_PFX, 'base64')),
  ...(passphrase === undefined ? {} : { passphraseFile: file('passphrase', passphrase) }),
});

describe('a certificate', () => {
  it('is taken with its key, as PEM and as PKCS #12', () => {
    expect(readTlsIdentity(pem(SOUND_CERT, SOUND_KEY), NOW)).toMatchObject({
      cert: Buffer.from(SOUND_CERT),
      key: Buffer.from(SOUND_KEY),
    });
    expect(readTlsIdentity(pfx(`${PFX_PASSPHRASE}\n`), NOW)).toMatchObject({ passphrase: PFX_PASSPHRASE });
  });

  it('that is not there is refused with its flag', () => {
    const { cert } = pem(SOUND_CERT, SOUND_KEY) as { readonly cert: string };

    expect(whyRefused({ type: 'Pem', cert: '/no/such.crt', key: cert })).toContain(
      '/no/such.crt (--tls-cert): there is no such file',
    );
    expect(whyRefused({ type: 'Pem', cert, key: '/no/such.key' })).toContain('/no/such.key (--tls-key)');
  });

  it('that is none, or whose key is none, is refused', () => {
    expect(whyRefused(pem('hello', SOUND_KEY))).toContain('holds no certificate in PEM');
    expect(whyRefused(pem(SOUND_CERT, 'hello'))).toContain('holds no private key in PEM');
  });

  it('with the key of another one is refused', () => {
    expect(whyRefused(pem(SOUND_CERT, OTHER_KEY))).toContain('is not the one of the certificate');
  });

  it('that is out of its time is refused', () => {
    expect(whyRefused(pem(EXPIRED_CERT, SOUND_KEY))).toContain('expired on Feb  1 00:00:00 2020 GMT');
    expect(whyRefused(pem(SOUND_CERT, SOUND_KEY), Date.UTC(2001, 0, 1))).toContain('is valid only from');
    expect(whyRefused(pfx(PFX_PASSPHRASE), Date.UTC(2001, 0, 1))).toContain('is valid only from');
  });

  it('in a PKCS #12 file with another passphrase is refused', () => {
    expect(whyRefused(pfx('waves?'))).toContain('the passphrase');
    expect(whyRefused(pfx())).toContain('--tls-passphrase-file');
    expect(whyRefused({ type: 'Pfx', pfx: file('x.pfx', 'hello') })).toContain('is not a PKCS #12 file');
  });
});
