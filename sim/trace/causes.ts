/**
 * Causes: which earlier line of which node stands behind every event of a trace.
 *
 * A trace records inputs, so what was sent is known by replaying: every `Send` effect is a message on its link. A
 * receipt is matched to a send of the same content on the same link, before it. Where several sends have that
 * content, the record of a simulated run says which it was. Where the record does not say, it is taken to be the
 * oldest that has not arrived, and when all have, one more copy of the newest: a guess, but never one that is wrong
 * about what was said.
 */

import type { TraceLine } from './record.js';
import type { Timeline } from './timeline.js';

/** A message that left a node, and where it arrived: nowhere when it was lost, more than once when repeated. */
export interface Sent {
  /** The line whose step let it go. */
  readonly n: number;
  readonly from: number;
  readonly to: number;
  readonly message: unknown;
  /** The lines that received it, in ascending order. */
  readonly receipts: readonly number[];
}

/** What stands behind one event. */
export type EventCause =
  /** A message that left in line `n`. `copy` marks every arrival of one message after the first. */
  | { readonly type: 'Sent'; readonly n: number; readonly copy: boolean }
  /** A timer that line `n` set. */
  | { readonly type: 'TimerSet'; readonly n: number }
  /** Writes that these lines issued, in ascending order; the last is the one that the event names. */
  | { readonly type: 'Written'; readonly lines: readonly number[] }
  /** A read of the storage that line `n` asked for. */
  | { readonly type: 'Read'; readonly n: number }
  /** A client outside of the trace. */
  | { readonly type: 'Asked' }
  /** Nothing in the trace: a message of a node that was not recorded, a timer that nobody set. */
  | { readonly type: 'Unknown' };

export interface Causes {
  readonly timeline: Timeline;
  /** `ofEvents[n - 1]` are the causes of the events of line n, in their order. */
  readonly ofEvents: readonly (readonly EventCause[])[];
  /** All messages, in the order in which they left. */
  readonly sent: readonly Sent[];
  /** By node and token (`requestKey`): the line in which a client's request came in. */
  readonly requests: ReadonlyMap<string, number>;
}

interface OpenSend extends Sent {
  readonly receipts: number[];
}

/** The messages of one link by their content, each list in the order of sending. */
type Link = Map<string, OpenSend[]>;

/** What is known of one run of one node. */
interface RunNotes {
  timerSetAt: number | undefined;
  /** Lines of writes that are not durable yet, by write number, in the order of their numbers. */
  readonly writes: Map<number, number>;
  /** Lines that asked for reads of the storage, by number, until those are answered. */
  readonly reads: Map<number, number>;
  /** How often the node was started up to here: tokens are told apart by it. */
  readonly run: number;
}

/** A timeline never changes, and neither do its causes: they are found once. */
const remembered = new WeakMap<Timeline, Causes>();

/** The causes of every event. */
export function findCauses(timeline: Timeline): Causes {
  const known = remembered.get(timeline);
  if (known !== undefined) return known;
  const causes = search(timeline);
  remembered.set(timeline, causes);
  return causes;
}

function search(timeline: Timeline): Causes {
  const { subject } = timeline;
  const links = new Map<string, Link>();
  const runs = new Map<number, RunNotes>();
  const sent: OpenSend[] = [];
  const requests = new Map<string, number>();
  const ofEvents: EventCause[][] = [];

  for (const { line, events, effects } of timeline.moments) {
    const { n, node } = line;
    let notes = runs.get(node);
    if (notes === undefined || 'start' in line) {
      notes = { timerSetAt: undefined, writes: new Map(), reads: new Map(), run: (notes?.run ?? 0) + 1 };
      runs.set(node, notes);
    }
    const causes: EventCause[] = [];
    events.forEach((event, i) => {
      switch (event.type) {
        case 'MessageReceived':
          causes.push(
            arrive(
              links.get(linkKey(event.from, node)),
              subject.messageKey(event.message),
              n,
              departureOf(line, i),
            ),
          );
          break;
        case 'RequestReceived':
          requests.set(requestKey(node, notes.run, event.token), n);
          causes.push({ type: 'Asked' });
          break;
        case 'TimerFired':
          causes.push(
            notes.timerSetAt === undefined ? { type: 'Unknown' } : { type: 'TimerSet', n: notes.timerSetAt },
          );
          break;
        case 'WriteCompleted':
        case 'WriteFailed':
          causes.push(written(notes, event.write));
          break;
        case 'ReadCompleted':
        case 'ReadFailed':
          causes.push(readBy(notes, event.read));
          break;
      }
    });
    ofEvents.push(causes);
    for (const effect of effects) {
      switch (effect.type) {
        case 'Send':
          for (const message of effect.messages) {
            sent.push(depart(links, { n, from: node, to: effect.to, message }, subject.messageKey(message)));
          }
          break;
        case 'Persist':
          notes.writes.set(effect.write, n);
          break;
        case 'Read':
          notes.reads.set(effect.read, n);
          break;
        case 'SetTimer':
          notes.timerSetAt = n;
          break;
        case 'Reply':
        case 'Halt':
          break;
      }
    }
  }
  return { timeline, ofEvents, sent, requests };
}

function linkKey(from: number, to: number): string {
  return `${from}>${to}`;
}

function requestKey(node: number, run: number, token: number): string {
  return `${node}.${run}.${token}`;
}

function depart(links: Map<string, Link>, base: Omit<Sent, 'receipts'>, content: string): OpenSend {
  const key = linkKey(base.from, base.to);
  let link = links.get(key);
  if (link === undefined) links.set(key, (link = new Map()));
  const open: OpenSend = { ...base, receipts: [] };
  const same = link.get(content);
  if (same === undefined) link.set(content, [open]);
  else same.push(open);
  return open;
}

function arrive(
  link: Link | undefined,
  content: string,
  n: number,
  departed: number | undefined,
): EventCause {
  const same = link?.get(content);
  if (same === undefined) return { type: 'Unknown' };
  const recorded = same.filter((message) => message.n === departed);
  const candidates = recorded.length > 0 ? recorded : same;
  const found =
    candidates.find(({ receipts }) => receipts.length === 0) ??
    (candidates[candidates.length - 1] as OpenSend);
  const copy = found.receipts.length > 0;
  found.receipts.push(n);
  return { type: 'Sent', n: found.n, copy };
}

/** The line in which a received message left, where the record says so. */
function departureOf(line: TraceLine, event: number): number | undefined {
  const recorded = 'turn' in line ? line.turn.events[event] : undefined;
  return recorded !== undefined && 'message' in recorded ? recorded.sent : undefined;
}

/** A report covers its write and all earlier ones of the run that were not reported yet. */
function written(notes: RunNotes, write: number): EventCause {
  const lines: number[] = [];
  for (const [number, n] of notes.writes) {
    if (number > write) break;
    lines.push(n);
    notes.writes.delete(number);
  }
  return lines.length === 0 ? { type: 'Unknown' } : { type: 'Written', lines };
}

function readBy(notes: RunNotes, read: number): EventCause {
  const n = notes.reads.get(read);
  notes.reads.delete(read);
  return n === undefined ? { type: 'Unknown' } : { type: 'Read', n };
}

/** The lines behind an event: none where it came from outside of the trace. */
export function linesBehind(cause: EventCause): readonly number[] {
  switch (cause.type) {
    case 'Sent':
    case 'TimerSet':
    case 'Read':
      return [cause.n];
    case 'Written':
      return cause.lines;
    case 'Asked':
    case 'Unknown':
      return [];
  }
}

/** The line in which the request came in that line `n` answers under this token; undefined when there is none. */
export function requestOf(causes: Causes, n: number, token: number): number | undefined {
  const { timeline, requests } = causes;
  const node = timeline.moments[n - 1]?.line.node ?? 0;
  let run = 0;
  for (const line of timeline.linesOf.get(node) ?? []) {
    if (line > n) break;
    if ('start' in (timeline.moments[line - 1] as (typeof timeline.moments)[number]).line) run += 1;
  }
  return requests.get(requestKey(node, run, token));
}

/** Messages that are on their way after line `n`: sent by then, and received later. */
export function inFlight(causes: Causes, n: number): readonly Sent[] {
  return causes.sent.filter((message) => message.n <= n && message.receipts.some((receipt) => receipt > n));
}
