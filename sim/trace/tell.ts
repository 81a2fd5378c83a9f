/** Lines of a trace, and what stands behind them, in words. */

import type { EventCause } from './causes.js';
import type { TraceLine } from './record.js';
import type { Moment } from './replay.js';
import type { Timeline } from './timeline.js';

/** Milliseconds with three digits behind the point. */
export function tellTime(us: number): string {
  return `${(us / 1_000).toFixed(3)} ms`;
}

/** Number, time and node of a line. */
export function tellHead({ n, at, node }: TraceLine): string {
  return `${String(n).padStart(6)} ${tellTime(at).padStart(13)}  node ${node}`;
}

/** What happened in a line, without what came of it. */
export function tellInput(line: TraceLine): string {
  if ('crash' in line) return 'crashes';
  return 'start' in line ? `starts with ${line.start.stored.length} records` : line.saw.join('; ');
}

/** What the step of a line wanted done, in words. */
export function tellEffects(timeline: Timeline, { effects }: Moment): readonly string[] {
  return effects.map((effect) => timeline.subject.describeEffect(effect));
}

/** A line in full: what happened, and below it what the node wanted done. */
export function tellMoment(timeline: Timeline, moment: Moment): readonly string[] {
  const head = `${tellHead(moment.line)}  ${tellInput(moment.line)}`;
  const did = tellEffects(timeline, moment);
  return did.length === 0 ? [head] : [head, `${' '.repeat(30)}-> ${did.join('; ')}`];
}

/** What stands behind an event of a line. */
export function tellCause(
  timeline: Timeline,
  { line, events }: Moment,
  event: number,
  cause: EventCause,
): string {
  const happened = events[event];
  switch (cause.type) {
    case 'Sent': {
      const from = timeline.moments[cause.n - 1]?.line;
      const late = from === undefined ? '' : ` ${tellTime(line.at - from.at)} earlier`;
      const message =
        happened?.type === 'MessageReceived' ? timeline.subject.describeMessage(happened.message) : 'it';
      return `line ${cause.n} (node ${from?.node}) sent${late}: ${message}${cause.copy ? ' (this is a copy)' : ''}`;
    }
    case 'TimerSet':
      return `a timer went off that line ${cause.n} set`;
    case 'Read':
      return `line ${cause.n} asked the disk for it`;
    case 'Written':
      return `line ${cause.lines.join(', ')} wrote what is now ${happened?.type === 'WriteFailed' ? 'lost' : 'durable'}`;
    case 'Asked':
      return 'a client asked';
    case 'Unknown':
      return happened?.type === 'TimerFired'
        ? 'a timer went off that nobody set'
        : 'of something outside of the trace';
  }
}
