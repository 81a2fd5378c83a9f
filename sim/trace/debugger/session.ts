/** The state of a debugging session, and what a command makes of it. */

import type { Condition } from '../condition/condition.js';
import { tellMoment } from '../tell.js';
import { lastLine, momentAt, type Timeline } from '../timeline.js';

export interface Session {
  readonly timeline: Timeline;
  /** The line that has just happened; 0 before the first. */
  readonly at: number;
  /** Steps go to lines of these nodes only; all when empty. */
  readonly watched: readonly number[];
  readonly breaks: readonly Condition[];
}

export interface Answer {
  readonly session: Session;
  /** What to show, a row each. */
  readonly lines: readonly string[];
  /** False when the command was not understood. */
  readonly ok: boolean;
  /** True when the session is over. */
  readonly quit: boolean;
}

export interface DebuggerCommand {
  /** The name, and shorter ones. */
  readonly names: readonly [string, ...string[]];
  /** Its arguments, as the help shows them. */
  readonly usage: string;
  readonly about: string;
  /** What could come next after these arguments. */
  readonly complete?: (session: Session, args: readonly string[]) => readonly string[];
  readonly run: (session: Session, args: readonly string[], rest: string) => Answer;
}

export function openSession(timeline: Timeline): Session {
  return { timeline, at: 0, watched: [], breaks: [] };
}

export function shows(session: Session, lines: readonly string[]): Answer {
  return { session, lines, ok: true, quit: false };
}

export function refuses(session: Session, problem: string): Answer {
  return { session, lines: [problem], ok: false, quit: false };
}

/** The present line in full; at the ends, where they are. */
export function tellPlace(session: Session): readonly string[] {
  const { timeline, at } = session;
  const { header, lines } = timeline.trace;
  const last = lastLine(timeline);
  const rows = at === 0 ? [`before line 1 of ${last}`] : tellMoment(timeline, momentAt(timeline, at));
  if (at < last) return rows;
  const end = timeline.parted;
  if (end !== undefined) {
    return [
      ...rows,
      `the replay ends here: it parts from the record at line ${end.n}, node ${end.node}: ${end.how}`,
    ];
  }
  const { failure } = header;
  const verdict = failure === null ? '' : `; broken: ${failure.property}: ${failure.detail}`;
  return [...rows, `the end of the trace, ${lines.length} lines${verdict}`];
}

/** A whole number among the arguments; undefined where the text is none. */
export function wholeNumberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A node of the cluster; undefined where the text names none. */
export function nodeOf(session: Session, text: string | undefined): number | undefined {
  const node = wholeNumberOf(text);
  return node !== undefined && session.timeline.nodes.includes(node) ? node : undefined;
}

export function noSuchNode(session: Session, text: string): Answer {
  return refuses(
    session,
    `"${text}" is no node of this cluster; its nodes are ${session.timeline.nodes.join(', ')}`,
  );
}

export function nodeNames(session: Session): readonly string[] {
  return session.timeline.nodes.map(String);
}
