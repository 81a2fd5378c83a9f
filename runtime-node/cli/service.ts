/**
 * What all commands on locks, keys, sequences and holds have in common: their options, how an outcome is told, and the exit codes
 * that it comes with. They run by themselves or in the shell; the seat is what differs.
 */

import type { Command } from 'commander';
import pc from 'picocolors';

import {
  createClient,
  isWavetankError,
  type Timestamp,
  type WavetankClient,
  type WavetankError,
} from '../client/index.js';
import { endpointsOption } from './addresses.js';
import { wholeNumber } from './arguments.js';
import { ExitCode } from './exit-codes.js';
import type { HeldLocks } from './held-locks.js';
import { tlsOf, withTlsOptions, type TlsFlags } from './tls-options.js';

export interface ServiceFlags extends TlsFlags {
  readonly endpoints: readonly string[];
  readonly timeout: number;
  readonly json?: boolean;
  readonly ephemeral?: boolean;
}

/** Where a command runs: as a process of its own, or as a line of the shell. */
export interface Seat {
  /** Hands a client to the operation, for as long as it takes. */
  with<T>(flags: ServiceFlags, use: (client: WavetankClient) => Promise<T>): Promise<T>;
  /** Text gets its end of line, bytes are written as they are. */
  out(text: string | Uint8Array): void;
  complain(text: string): void;
  exit(code: number): void;
  /** The shell knows who took which lock. */
  readonly held?: HeldLocks;
}

export const PROCESS_SEAT: Seat = {
  async with(flags, use) {
    await using client = clientFor(flags);
    return await use(client);
  },
  out: (text) => process.stdout.write(typeof text === 'string' ? `${text}\n` : text),
  complain: (text) => process.stderr.write(`${pc.yellow(text)}\n`),
  exit: (code) => {
    process.exitCode = code;
  },
};

export function clientFor({ endpoints, timeout, ...flags }: ServiceFlags): WavetankClient {
  return createClient({ endpoints, timeoutMs: timeout, tls: tlsOf(flags) });
}

/** Adds the options that say whom to ask, and for how long. */
export function withConnectionOptions(command: Command): Command {
  return withTlsOptions(command.addOption(endpointsOption())).option(
    '--timeout <ms>',
    'how long to try, retries included',
    wholeNumber('--timeout', 1),
    10_000,
  );
}

/** Adds the options that every command on locks, keys, sequences and holds takes. */
export function withServiceOptions(command: Command): Command {
  return withConnectionOptions(command).option('--json', 'print one JSON object');
}

export function withEphemeralOption(command: Command): Command {
  return command.option(
    '--ephemeral',
    "in the leader's memory alone: a space of its own, lost with the leadership",
  );
}

/** What a person is told, what a program is, and the exit code. */
export interface Telling {
  readonly text: string | Uint8Array;
  readonly json: Readonly<Record<string, unknown>> & { readonly outcome: string };
  readonly exitCode: number;
  /** Where the text goes: results to stdout, refusals to stderr. */
  readonly isResult: boolean;
}

export function done(
  text: string | Uint8Array,
  outcome: string,
  json: Readonly<Record<string, unknown>> = {},
): Telling {
  return { text, json: { outcome, ...json }, exitCode: ExitCode.ok, isResult: true };
}

/** The state says no. */
export function no(text: string, outcome: string, json: Readonly<Record<string, unknown>> = {}): Telling {
  return { text, json: { outcome, ...json }, exitCode: ExitCode.no, isResult: false };
}

/** Runs one operation and tells its outcome. */
export async function runService(
  seat: Seat,
  flags: ServiceFlags,
  operation: (client: WavetankClient) => Promise<Telling>,
): Promise<void> {
  const startedAt = performance.now();
  const telling = await seat.with(flags, operation).catch(failure);
  if (flags.json === true) {
    const elapsedMs = Math.round(performance.now() - startedAt);
    seat.out(JSON.stringify({ ...telling.json, elapsedMs, exitCode: telling.exitCode }));
  } else if (telling.isResult) {
    seat.out(telling.text);
  } else {
    seat.complain(String(telling.text));
  }
  seat.exit(telling.exitCode);
}

function failure(error: unknown): Telling {
  if (isWavetankError(error)) {
    const { code, reason, isOutcomeUnknown, attempts, endpoint } = error;
    const json = {
      outcome: code,
      reason,
      isOutcomeUnknown,
      attempts,
      ...(endpoint === undefined ? {} : { endpoint }),
    };
    return { text: wordsFor(error), json, exitCode: exitCodeOf(error), isResult: false };
  }
  if (!(error instanceof TypeError)) throw error;
  const reason = error.message;
  const json = { outcome: 'invalidInput', reason };
  return { text: `refused: ${reason}`, json, exitCode: ExitCode.badArguments, isResult: false };
}

const NOBODY_LISTENS = 'ECONNREFUSED';
const HOW_TO_START = ' Is it running? `npx wavetank up` starts one here.';

function wordsFor({ code, reason, operation, isOutcomeUnknown }: WavetankError): string {
  switch (code) {
    case 'unavailable':
    case 'mustRetry':
    case 'cancelled':
      return isOutcomeUnknown
        ? `unknown whether it took effect: ${reason}. Read it to find out.`
        : `the cluster does not answer: ${reason}.${reason.includes(NOBODY_LISTENS) ? HOW_TO_START : ''}`;
    case 'invalidInput':
      return `refused: ${reason}`;
    default:
      return `${operation}: ${reason}`;
  }
}

function exitCodeOf({ code, isOutcomeUnknown }: WavetankError): number {
  if (isOutcomeUnknown) return ExitCode.unknownOutcome;
  switch (code) {
    case 'invalidInput':
      return ExitCode.badArguments;
    case 'lockDoesNotExist':
    case 'invalidOwner':
    case 'alreadyExists':
    case 'notFound':
    case 'maxValueExceeded':
    case 'aborted':
    case 'alreadyLocked':
      return ExitCode.no;
    case 'unavailable':
    case 'mustRetry':
    case 'admissionRefused':
    case 'cancelled':
      return ExitCode.unreachable;
    default:
      return ExitCode.unknownOutcome;
  }
}

/** As the wire has it. */
export function timeJson({ node, wall, counter }: Timestamp): Readonly<Record<string, number>> {
  return { n: node, l: wall, c: counter };
}

/** For people: the wall clock's word, in their own time's absence, as UTC. */
export function timeText({ wall }: Timestamp): string {
  return new Date(wall).toISOString();
}
