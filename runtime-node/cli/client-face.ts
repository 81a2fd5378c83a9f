/** How a node shows itself to clients: the options that `serve` and `up` have in common. */

import { InvalidArgumentError, Option, type Command } from 'commander';

import type { TlsFiles } from '../api/tls.js';
import { refuseArguments } from './refuse.js';

export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsPfx?: string;
  readonly tlsPassphraseFile?: string;
}

export function addTlsOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--tls-cert <file>',
        'speak TLS with clients: the certificate, as PEM, with those between it and its authority after it',
      ).env('WAVETANK_TLS_CERT'),
    )
    .addOption(
      new Option('--tls-key <file>', "the certificate's private key, as PEM").env('WAVETANK_TLS_KEY'),
    )
    .addOption(
      new Option('--tls-pfx <file>', 'instead of both: certificate and key as PKCS #12').env(
        'WAVETANK_TLS_PFX',
      ),
    )
    .addOption(
      new Option('--tls-passphrase-file <file>', 'holds the passphrase of --tls-pfx').env(
        'WAVETANK_TLS_PASSPHRASE_FILE',
      ),
    );
}

/** Undefined where clients are spoken to in the clear. */
export function tlsFilesOf(
  { tlsCert, tlsKey, tlsPfx, tlsPassphraseFile }: TlsFlags,
  command: Command,
): TlsFiles | undefined {
  if (tlsPfx !== undefined) {
    if (tlsCert !== undefined || tlsKey !== undefined)
      return refuseArguments(
        command,
        '--tls-pfx holds certificate and key: leave out --tls-cert and --tls-key.',
      );
    const passphrase = tlsPassphraseFile === undefined ? {} : { passphraseFile: tlsPassphraseFile };
    return { type: 'Pfx', pfx: tlsPfx, ...passphrase };
  }
  if (tlsPassphraseFile !== undefined)
    return refuseArguments(command, '--tls-passphrase-file is for --tls-pfx, which is missing.');
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    const missing = tlsCert === undefined ? '--tls-cert' : '--tls-key';
    return refuseArguments(command, `--tls-cert and --tls-key belong together, but ${missing} is missing.`);
  }
  return { type: 'Pem', cert: tlsCert, key: tlsKey };
}

/** The arguments that say the same to another command. */
export function tlsArguments(files: TlsFiles | undefined): readonly string[] {
  if (files === undefined) return [];
  if (files.type === 'Pem') return ['--tls-cert', files.cert, '--tls-key', files.key];
  const passphrase = files.passphraseFile;
  return ['--tls-pfx', files.pfx, ...(passphrase === undefined ? [] : ['--tls-passphrase-file', passphrase])];
}

/** A parser of a base URL for clients. */
export function clientUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBase = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (url !== undefined && isBase && /^https?:$/.test(url.protocol)) return url.origin;
  throw new InvalidArgumentError(
    '--advertise-client wants a base URL, for example --advertise-client https://10.0.0.7:2070.',
  );
}
