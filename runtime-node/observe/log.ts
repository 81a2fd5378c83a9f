/**
 * The log of a process: JSON lines with a level, a time and a sentence, written synchronously to stderr.
 *
 * Synchronous because the last line before a crash is the one that matters; nothing on a hot path logs. Parts take
 * the small `Log` interface and not pino's, so that a test can hand in a list.
 */

import { pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log whose every line carries `fields`, such as the node's id. */
export function createLog(level: LogLevel, fields: LogFields): Log {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: { ...fields }, formatters }, pino.destination({ fd: 2, sync: true }));
}

/** For tests and for embedding a node in a program that wants to hear nothing. */
export const SILENT_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};
