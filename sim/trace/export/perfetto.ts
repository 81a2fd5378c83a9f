/**
 * A trace as JSON for Perfetto and chrome://tracing.
 *
 * The "Trace Event Format" of Chromium: a process for each node; its turns as complete events (`X`), messages as flows
 * (`s` at the sender's turn, `f` at the receiver's), starts and crashes as instants (`i`), leaderships as complete
 * events on a thread of their own, and numbers such as the term as counters (`C`). Times are virtual microseconds.
 */

import { tellEffects, tellInput } from '../tell.js';
import { momentAt, type Timeline } from '../timeline.js';
import { arrowsIn, leaderships, momentsIn, rangeOf, type Range } from './range.js';

export interface PerfettoEvent {
  readonly ph: 'X' | 's' | 'f' | 'i' | 'C' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: number;
  /** Binds the end of a flow to the slice around it, not to the next one. */
  readonly bp?: 'e';
  /** How far an instant reaches: its process. */
  readonly s?: 'p';
  readonly args?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** The thread of a node's turns; that of the leadership of group g is `GROUP_THREADS + g`. */
const TURN_THREAD = 1;
const GROUP_THREADS = 100;
/** How long a turn is shown; shorter when the next one begins before. */
const TURN_US = 100;

export function toPerfetto(timeline: Timeline, asked: Partial<Range> = {}): string {
  const { header } = timeline.trace;
  const range = rangeOf(timeline, asked);
  const traceEvents = [
    ...nameEvents(timeline, range),
    ...turnEvents(timeline, range),
    ...flowEvents(timeline, range),
    ...leaderEvents(timeline, range),
    ...counterEvents(timeline, range),
  ];
  const rows = traceEvents.map((event) => JSON.stringify(event)).join(',\n');
  const otherData = JSON.stringify({ about: header.about, version: header.version });
  return `{"displayTimeUnit":"ms","otherData":${otherData},"traceEvents":[\n${rows}\n]}\n`;
}

function nameEvents(timeline: Timeline, range: Range): readonly PerfettoEvent[] {
  const groups = new Set(
    momentsIn(timeline, range).flatMap(({ after }) =>
      after === undefined ? [] : timeline.subject.groupsOf(after),
    ),
  );
  const named = (pid: number, tid: number, what: string, name: string): PerfettoEvent => ({
    ph: 'M',
    name: what,
    pid,
    tid,
    args: { name },
  });
  return timeline.nodes.flatMap((node) => [
    named(node, 0, 'process_name', `node ${node}`),
    named(node, TURN_THREAD, 'thread_name', 'turns'),
    ...[...groups].map((group) => named(node, GROUP_THREADS + group, 'thread_name', `leads group ${group}`)),
  ]);
}

function turnEvents(timeline: Timeline, range: Range): readonly PerfettoEvent[] {
  const nextAt = new Map<number, number>();
  return momentsIn(timeline, range)
    .slice()
    .reverse()
    .flatMap((moment): readonly PerfettoEvent[] => {
      const { line } = moment;
      const base = { pid: line.node, tid: TURN_THREAD, ts: line.at };
      const dur = Math.min(TURN_US, (nextAt.get(line.node) ?? Number.MAX_SAFE_INTEGER) - line.at);
      nextAt.set(line.node, line.at);
      if ('crash' in line) return [{ ph: 'i', name: 'crash', ...base, s: 'p' }];
      const args = { line: line.n, saw: tellInput(line), did: tellEffects(timeline, moment) };
      const slice: PerfettoEvent = {
        ph: 'X',
        name: nameOf(timeline, line.n),
        cat: 'turn',
        ...base,
        dur,
        args,
      };
      return 'start' in line ? [slice, { ph: 'i', name: 'start', ...base, s: 'p' }] : [slice];
    })
    .reverse();
}

/** A turn in one or two words. */
export function nameOf(timeline: Timeline, n: number): string {
  const { line, events } = momentAt(timeline, n);
  if ('crash' in line) return 'crash';
  if ('start' in line) return 'start';
  const names = events.map((event) => {
    switch (event.type) {
      case 'MessageReceived':
        return timeline.subject.messageType(event.message);
      case 'RequestReceived':
        return 'request';
      case 'TimerFired':
        return 'timer';
      case 'WriteCompleted':
        return 'durable';
      case 'WriteFailed':
        return 'write failed';
      case 'ReadCompleted':
        return 'read';
      case 'ReadFailed':
        return 'read failed';
    }
  });
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(', ');
}

function flowEvents(timeline: Timeline, range: Range): readonly PerfettoEvent[] {
  return arrowsIn(timeline, range).flatMap(
    ({ from, to, message, sentIn, receivedIn }, i): readonly PerfettoEvent[] => {
      if (receivedIn === undefined) return [];
      const base = {
        name: timeline.subject.messageType(message),
        cat: 'message',
        id: i + 1,
        tid: TURN_THREAD,
      };
      const at = (n: number): number => momentAt(timeline, n).line.at;
      return [
        { ph: 's', ...base, pid: from, ts: at(sentIn) },
        { ph: 'f', bp: 'e', ...base, pid: to, ts: at(receivedIn) },
      ];
    },
  );
}

function leaderEvents(timeline: Timeline, range: Range): readonly PerfettoEvent[] {
  const counters = timeline.subject.fields.filter(({ name }) => name === 'term');
  const word = (state: unknown, group: number): string =>
    ['leads', ...counters.map(({ name, read }) => `${name} ${read(state, group)}`)].join(', ');
  const at = (n: number): number => momentAt(timeline, n).line.at;
  return leaderships(timeline, range, word).map(({ node, group, from, until, what }) => ({
    ph: 'X',
    name: what,
    cat: 'leader',
    pid: node,
    tid: GROUP_THREADS + group,
    ts: at(from),
    dur: at(until ?? range.to) - at(from),
  }));
}

/** A counter's value whenever it changes. */
function counterEvents(timeline: Timeline, range: Range): readonly PerfettoEvent[] {
  const counters = timeline.subject.fields.filter(({ counter }) => counter === true);
  const last = new Map<string, number | string>();
  return momentsIn(timeline, range).flatMap(({ line, after }): readonly PerfettoEvent[] => {
    if (after === undefined) return [];
    return timeline.subject.groupsOf(after).flatMap((group) =>
      counters.flatMap((field): readonly PerfettoEvent[] => {
        const value = field.read(after, group);
        const name = `${field.name} of group ${group}`;
        const key = `${line.node} ${name}`;
        if (value === undefined || last.get(key) === value) return [];
        last.set(key, value);
        return [{ ph: 'C', name, pid: line.node, tid: 0, ts: line.at, args: { value } }];
      }),
    );
  });
}
