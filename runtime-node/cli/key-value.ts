/** What the commands on keys have in common: how to read, and how keys and values are shown. */

import { InvalidArgumentError, Option, type Command } from 'commander';

import { READ_MODES, type KeyInfo, type ReadMode, type ReadOptions, type Value } from '../client/index.js';
import { wholeNumber, written } from './arguments.js';
import { timeJson, withEphemeralOption, withServiceOptions, type ServiceFlags } from './service.js';

/** How a read is to be answered, for the commands that read. */
export interface ReadFlags extends ServiceFlags {
  readonly read: ReadMode;
  readonly revision?: number;
  readonly at?: Date;
}

export function readModeOption(): Option {
  return new Option(
    '--read <mode>',
    "linearizable; by the leader's lease; at the node that is asked (follower); or stale",
  )
    .choices(READ_MODES)
    .default('linearizable' satisfies ReadMode);
}

/** Adds what every command on keys takes. */
export function withKeyValueOptions(command: Command): Command {
  return withEphemeralOption(withServiceOptions(command));
}

/** And what every read of one key takes. */
export function withReadOptions(command: Command): Command {
  return withKeyValueOptions(command)
    .addOption(readModeOption())
    .option('--revision <number>', 'this revision, and not the newest', wholeNumber('--revision', 0))
    .addOption(atOption().conflicts('revision'));
}

export function atOption(): Option {
  return new Option('--at <time>', 'as it was then: milliseconds since 1970, or an ISO date').argParser(
    (text) => moment(text, '--at'),
  );
}

export function moment(text: string, flag: string): Date {
  const date = new Date(/^\d+$/.test(text) ? Number(text) : text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError(
    `${flag} wants a time, for example ${written(flag, 1_790_000_000_000)} or ${written(flag, '2026-11-21T20:00:00Z')}.`,
  );
}

export function readOptions({ read, revision, at, ephemeral }: ReadFlags): ReadOptions {
  return {
    read,
    ...(revision === undefined ? {} : { revision }),
    ...(at === undefined ? {} : { at }),
    ephemeral: ephemeral === true,
  };
}

/** That nothing was found, of the time or the revision that was asked for. */
export function noKey(key: string, { revision, at }: Pick<ReadFlags, 'revision' | 'at'> = {}): string {
  const name = JSON.stringify(key);
  if (revision !== undefined) return `the key ${name} has no revision ${revision}, or it was deleted by it`;
  return at === undefined ? `there is no key ${name}` : `there was no key ${name} at ${at.toISOString()}`;
}

export function infoJson({ revision, lastModified, expires }: KeyInfo): Readonly<Record<string, unknown>> {
  return {
    revision,
    lastModified: timeJson(lastModified),
    ...(expires === undefined ? {} : { expires: timeJson(expires) }),
  };
}

export function valueJson(value: Value): Readonly<Record<string, unknown>> {
  return { value: textOf(value), valueBase64: base64(value) };
}

/** Null for "no value", and for bytes that are not text: those are in `valueBase64`. */
function textOf(value: Value): string | null {
  if (value === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return null;
  }
}

function base64(value: Value): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}

/** On one line, without what a terminal would obey. */
export function valueText(value: Value): string {
  const text = textOf(value);
  if (value === null) return '(null)';
  if (text === null) return `base64:${base64(value)}`;
  return text === '' || /[\u0000-\u001f\u007f-\u009f]/.test(text) ? JSON.stringify(text) : text;
}
