/**
 * A trace as a log for ShiViz, which draws it as an interactive space-time diagram.
 *
 * The format is the one that ShiViz documents on its page: the first line is the regular expression that its parser
 * is to use, the second the delimiter of several executions (here none), then two lines an event: what happened,
 * and the host with its vector clock as JSON. A host's own component must begin at 1 and grow by one.
 */

import { findCauses } from '../causes.js';
import { vectorClocks } from '../happened-before.js';
import { tellEffects, tellInput, tellTime } from '../tell.js';
import type { Timeline } from '../timeline.js';
import { momentsIn, rangeOf, type Range } from './range.js';

/** With named groups; `line` and `time` are shown beside the event. */
export const SHIVIZ_PATTERN =
  '(?<line>\\d+) (?<time>[\\d.]+ ms) (?<event>.*)\\n(?<host>\\S+) (?<clock>\\{.*\\})';

export function toShiViz(timeline: Timeline, asked: Partial<Range> = {}): string {
  const range = rangeOf(timeline, asked);
  const { clocks, nodes } = vectorClocks(findCauses(timeline), range.from, range.to);
  const rows = momentsIn(timeline, range).map((moment, i) => {
    const { line } = moment;
    const did = tellEffects(timeline, moment);
    const event = `${tellInput(line)}${did.length === 0 ? '' : ` -> ${did.join('; ')}`}`.replace(/\s+/g, ' ');
    const clock = (clocks[i] ?? []).flatMap((count, at) =>
      count === 0 ? [] : [`"node${nodes[at]}":${count}`],
    );
    return `${line.n} ${tellTime(line.at)} ${event}\nnode${line.node} {${clock.join(',')}}`;
  });
  return `${[SHIVIZ_PATTERN, '', ...rows].join('\n')}\n`;
}
