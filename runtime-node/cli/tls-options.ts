/** How the command line is told whom to trust behind `https:`. */

import { readFileSync } from 'node:fs';

import { InvalidArgumentError, Option, type Command } from 'commander';

import type { TlsOptions } from '../client/index.js';
import { reasonOf } from './refuse.js';

export interface TlsFlags {
  /** Certificates, as PEM. */
  readonly ca?: string;
  readonly insecure?: boolean;
}

export function withTlsOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--ca <file>', 'for https: certificates, as PEM, of the authorities to trust')
        .env('WAVETANK_CA')
        .argParser(readCertificates),
    )
    .option('--insecure', 'for https: take any certificate');
}

export function tlsOf({ ca, insecure }: TlsFlags): TlsOptions {
  return { ...(ca === undefined ? {} : { ca }), insecure: insecure === true };
}

function readCertificates(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${reasonOf(error)}.`);
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new InvalidArgumentError(
    'It holds no certificate in PEM, which begins with "-----BEGIN CERTIFICATE-----".',
  );
}
