/** What `get`, `set`, `del` and `exists` have in common: their options, and how an outcome is told. */

import { Option, type Command } from 'commander';
import pc from 'picocolors';

import { createClient, type ClientAnswer, type ClientResult, type KeyValueClient } from '../client/index.js';
import { KeyValueCode, READ_MODES, type ReadMode } from '../../core/partition/command.js';
import { endpointList, DEFAULT_ENDPOINTS } from './addresses.js';
import { wholeNumber } from './arguments.js';
import { ExitCode } from './exit-codes.js';

export interface KeyValueFlags {
  readonly endpoints: readonly string[];
  readonly timeout: number;
  readonly json?: boolean;
}

export function endpointsOption(): Option {
  return new Option('--endpoints <urls>', 'the nodes to ask, in this order')
    .env('WAVETANK_ENDPOINTS')
    .argParser(endpointList('--endpoints'))
    .default(endpointList('--endpoints')(DEFAULT_ENDPOINTS), DEFAULT_ENDPOINTS);
}

/** How a read is to be answered, for the commands that read. */
export interface ReadFlags extends KeyValueFlags {
  readonly read: ReadMode;
}

export function readOption(): Option {
  return new Option(
    '--read <mode>',
    "linearizable; by the leader's lease; at the node that is asked (follower); or stale",
  )
    .choices(READ_MODES)
    .default('linearizable' satisfies ReadMode);
}

/** Adds the options that every key/value command takes. */
export function withKeyValueOptions(command: Command): Command {
  return command
    .addOption(endpointsOption())
    .option('--timeout <ms>', 'how long to try, retries included', wholeNumber('--timeout', 1), 10_000)
    .option('--json', 'print one JSON object');
}

/** What a person is told, and the exit code that it comes with. */
export interface Telling {
  /** Bytes are written as they are, a line with its end. */
  readonly text: string | Uint8Array;
  readonly exitCode: number;
  /** Where the text goes: results to stdout, refusals to stderr. */
  readonly isResult: boolean;
}

/** Runs one operation and tells its outcome; `tell` knows the codes that the operation may answer with. */
export async function runOperation(
  flags: KeyValueFlags,
  operation: (client: KeyValueClient) => Promise<ClientResult>,
  tell: (answer: ClientAnswer) => Telling | undefined,
): Promise<void> {
  const client = createClient({ endpoints: flags.endpoints, timeoutMs: flags.timeout });
  const startedAt = performance.now();
  const result = await operation(client);
  client.close();
  const telling =
    result.type === 'Answered' ? (tell(result.answer) ?? unexpected(result.answer)) : failure(result);
  if (flags.json === true) {
    const elapsedMs = Math.round(performance.now() - startedAt);
    process.stdout.write(
      `${JSON.stringify({ ...describeResult(result), elapsedMs, exitCode: telling.exitCode })}\n`,
    );
  } else if (telling.isResult) {
    process.stdout.write(typeof telling.text === 'string' ? `${telling.text}\n` : telling.text);
  } else {
    process.stderr.write(`${pc.yellow(String(telling.text))}\n`);
  }
  process.exitCode = telling.exitCode;
}

function unexpected(answer: ClientAnswer): Telling {
  if (answer.type === KeyValueCode.invalidInput) {
    return {
      text: `refused: ${answer.reason ?? 'invalid input'}`,
      exitCode: ExitCode.badArguments,
      isResult: false,
    };
  }
  const reason = answer.reason === undefined ? '' : `: ${answer.reason}`;
  return {
    text: `unexpected outcome ${answer.type}${reason}`,
    exitCode: ExitCode.unknownOutcome,
    isResult: false,
  };
}

function failure(result: Exclude<ClientResult, { readonly type: 'Answered' }>): Telling {
  switch (result.type) {
    case 'Refused':
      return { text: `refused: ${result.reason}`, exitCode: ExitCode.badArguments, isResult: false };
    case 'Unavailable':
      return {
        text: `the cluster does not answer: ${result.reason}. Is it running? \`npx wavetank up\` starts one here.`,
        exitCode: ExitCode.unreachable,
        isResult: false,
      };
    case 'Unknown':
      return {
        text: `unknown whether it took effect: ${result.reason}. Read the key to find out.`,
        exitCode: ExitCode.unknownOutcome,
        isResult: false,
      };
  }
}

const OUTCOME_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(KeyValueCode).map(([name, code]) => [code, name]),
);

function describeResult(result: ClientResult): Readonly<Record<string, unknown>> {
  if (result.type !== 'Answered') {
    const endpoint = result.type === 'Refused' ? { endpoint: result.endpoint } : {};
    return { outcome: result.type.toLowerCase(), reason: result.reason, ...endpoint };
  }
  const { answer, endpoint, attempts } = result;
  const { type, revision, value, lastModified, reason } = answer;
  return {
    outcome: OUTCOME_NAMES[type] ?? 'unexpected',
    code: type,
    revision,
    ...(type === KeyValueCode.got ? { value: textOf(value), valueBase64: base64(value) } : {}),
    lastModified,
    ...(reason === undefined ? {} : { reason }),
    endpoint,
    attempts,
  };
}

/** Null for "no value", and for bytes that are not text: those are in `valueBase64`. */
function textOf(value: Uint8Array | null): string | null {
  if (value === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return null;
  }
}

function base64(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}
