/** One node as a child process of `wavetank up`, and what is shown of its log. */

import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';

import pc from 'picocolors';

import type { PlannedNode } from './up-plan.js';

export interface ChildNode {
  readonly planned: PlannedNode;
  readonly process: ChildProcess;
  /** How it ended, once it has. */
  readonly ended: Promise<ChildEnd>;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * @param main the program that the child runs, with the arguments of the plan.
 * @param show takes a line of the child's log, for a person, and whether it tells of an error.
 */
export function startChild(
  planned: PlannedNode,
  main: string,
  verbose: boolean,
  show: (line: string, isError: boolean) => void,
): ChildNode {
  const child = fork(main, planned.args, {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches only `up`, which then stops each child once. Should `up` vanish, the IPC
    // channel closes, and the child stops by itself.
    detached: true,
    env: withoutServeSettings(process.env),
    execArgv: [],
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const { level, message, event } = parseLine(line);
      const isNews = level in COLOURS || QUIET_EVENTS.includes(event);
      if (verbose || isNews)
        show(renderLine(planned.id, level, message), level === 'error' || level === 'fatal');
    });
  }
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 1, signal: null }));
  });
  return { planned, process: child, ended };
}

/** Settings for one `serve` in the environment would contradict the plan where it leaves a default. */
function withoutServeSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('WAVETANK_')));
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  warn: pc.yellow,
  error: pc.red,
  fatal: pc.red,
};
const QUIET_EVENTS: readonly unknown[] = ['leads', 'leads-no-more'];

function renderLine(id: number, level: string, message: string): string {
  // What strangers sent may be part of a message; it must not steer the terminal.
  const text = stripVTControlCharacters(message).replace(/\p{Cc}/gu, ' ');
  return `${pc.dim(`node ${id} |`)} ${COLOURS[level]?.(text) ?? text}`;
}

function parseLine(line: string): {
  readonly level: string;
  readonly message: string;
  readonly event?: unknown;
} {
  try {
    const { level, msg, event } = JSON.parse(line) as { level?: unknown; msg?: unknown; event?: unknown };
    if (typeof level === 'string' && typeof msg === 'string') return { level, message: msg, event };
  } catch {
    // Not of the log: an error of the command line, or of Node itself. People want to see it.
  }
  return { level: 'error', message: line };
}

export function describeEnd({ code, signal }: ChildEnd): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === 0 ? 'has stopped' : `ended with exit code ${code ?? 'unknown'}`;
}
