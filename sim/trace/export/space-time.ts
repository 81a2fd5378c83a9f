/**
 * A trace as a space-time diagram: an SVG with a lane for each node, time downwards, and an arrow for each message.
 *
 * One row a line, so that what happened within a millisecond can be told apart; the times stand at the left. Where a
 * node leads, its lane is coloured; where it is down, it is dotted. Everything tells more when pointed at. Colours
 * follow the reader's choice of light or dark.
 */

import { tellEffects, tellHead, tellInput, tellTime } from '../tell.js';
import type { Timeline } from '../timeline.js';
import { nameOf } from './perfetto.js';
import {
  arrowsIn,
  downtimes,
  leaderships,
  momentsIn,
  rangeOf,
  type Arrow,
  type Period,
  type Range,
} from './range.js';

/** Lines that are shown when no range is asked for: the last ones. */
const DEFAULT_LINES = 200;

const ROW = 20;
const TOP = 56;
const LEFT = 120;
const LANE = 230;
/** How far the arrow of a lost message goes towards its lane. */
const LOST_PART = 0.35;

const STYLE = `
  svg { --ink: #1f2328; --faint: #8c959f; --paper: #ffffff; --lane: #d0d7de; --arrow: #57606a; --lost: #cf222e;
        --lead: #2da44e; --start: #0969da; background: var(--paper); font: 11px ui-monospace, monospace; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #848d97; --paper: #0d1117; --lane: #30363d; --arrow: #9198a1; --lost: #f85149;
          --lead: #3fb950; --start: #58a6ff; }
  }
  text { fill: var(--ink); stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }
  .time, .about { fill: var(--faint); }
  .name { font-weight: bold; font-size: 13px; }
  .lane { stroke: var(--lane); stroke-width: 2; }
  .down { stroke: var(--paper); stroke-width: 4; }
  .gap { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 1 5; }
  .lead { fill: var(--lead); opacity: 0.55; }
  .arrow { stroke: var(--arrow); fill: none; marker-end: url(#tip); }
  .copy { stroke-dasharray: 5 3; }
  .lost { stroke: var(--lost); stroke-dasharray: 2 3; marker-end: none; }
  .arrow:hover { stroke-width: 3; }
  .tip { fill: var(--arrow); }
  .event { fill: var(--ink); }
  .start { fill: var(--start); }
  .crash { stroke: var(--lost); stroke-width: 3; }
  .mark { stroke: var(--lost); fill: none; }`;

interface Plan {
  readonly timeline: Timeline;
  readonly range: Range;
  readonly x: (node: number) => number;
  readonly y: (n: number) => number;
}

/** The SVG of the lines asked for: the last 200 when nothing is. */
export function toSpaceTime(timeline: Timeline, asked: Partial<Range> = {}): string {
  const range = rangeOf(timeline, asked, DEFAULT_LINES);
  const { nodes, trace } = timeline;
  const plan: Plan = {
    timeline,
    range,
    x: (node) => LEFT + nodes.indexOf(node) * LANE,
    y: (n) => TOP + (n - range.from) * ROW,
  };
  const width = LEFT + nodes.length * LANE;
  const height = TOP + (range.to - range.from + 1) * ROW;
  const about = `${trace.header.about}; lines ${range.from} to ${range.to} of ${trace.lines.length}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(about)}</title>`,
    `<style>${STYLE}\n</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<text class="about" x="8" y="14">${escape(about)}</text>`,
    ...nodes.map((node) => drawLane(plan, node)),
    ...leaderships(timeline, range, word(timeline)).map((period) => drawLeadership(plan, period)),
    ...downtimes(timeline, range).map((period) => drawDowntime(plan, period)),
    ...arrowsIn(timeline, range).map((arrow) => drawArrow(plan, arrow)),
    ...momentsIn(timeline, range).map(({ line }) => drawEvent(plan, line.n)),
    '</svg>\n',
  ].join('\n');
}

function escape(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return (
    text
      .replace(/[&<>"]/g, (character) => names[character] ?? character)
      // XML cannot hold most control characters at all.
      .replace(/[^\t\n\u0020-\ud7ff\ue000-\ufffd]/gu, '\ufffd')
  );
}

/** What is said of a leadership: the term, where the machine has one. */
function word({ subject }: Timeline): (state: unknown, group: number) => string {
  const term = subject.fields.find(({ name }) => name === 'term');
  return (state, group) => (term === undefined ? 'leads' : `leads, term ${term.read(state, group)}`);
}

function drawLane({ x, y, range }: Plan, node: number): string {
  const at = x(node);
  return (
    `<text class="name" x="${at}" y="36" text-anchor="middle">node ${node}</text>` +
    `<line class="lane" x1="${at}" y1="${TOP - 8}" x2="${at}" y2="${y(range.to) + ROW / 2}"/>`
  );
}

function endOf({ y, range }: Plan, { until }: Period): number {
  return until === undefined ? y(range.to) + ROW / 2 : y(until);
}

function drawLeadership(plan: Plan, period: Period): string {
  const { x, y } = plan;
  const top = y(period.from);
  // Groups stand side by side, the first on the lane itself.
  const left = x(period.node) - 4 - (period.group - 1) * 9;
  return (
    `<rect class="lead" x="${left}" y="${top}" width="8" height="${endOf(plan, period) - top}" rx="3">` +
    `<title>node ${period.node}, group ${period.group}: ${period.what}</title></rect>`
  );
}

function drawDowntime(plan: Plan, period: Period): string {
  const { x, y, range } = plan;
  const at = x(period.node);
  const top = period.from === range.from ? TOP - 8 : y(period.from);
  const ends = `x1="${at}" y1="${top}" x2="${at}" y2="${endOf(plan, period)}"`;
  return `<line class="down" ${ends}/><line class="gap" ${ends}><title>node ${period.node} is down</title></line>`;
}

function drawArrow({ timeline, x, y }: Plan, arrow: Arrow): string {
  const { from, to, message, sentIn, receivedIn, copy } = arrow;
  const left = x(from);
  const top = y(sentIn);
  const lost = receivedIn === undefined;
  const part = lost ? LOST_PART : 1;
  const right = left + Math.round((x(to) - left) * part);
  const bottom = lost ? top + ROW : y(receivedIn);
  const end = lost ? `<path class="mark" d="M${right - 3} ${bottom - 3}l6 6m0 -6l-6 6"/>` : '';
  const fate = lost ? 'never arrives' : `arrives in line ${receivedIn}${copy ? ' (a copy)' : ''}`;
  const title = `${from} to ${to}: ${timeline.subject.describeMessage(message)}; sent in line ${sentIn}, ${fate}`;
  const kind = lost ? ' lost' : copy ? ' copy' : '';
  return `<g><path class="arrow${kind}" d="M${left} ${top}L${right} ${bottom}"/>${end}<title>${escape(title)}</title></g>`;
}

function drawEvent({ timeline, x, y }: Plan, n: number): string {
  const moment = timeline.moments[n - 1] as Timeline['moments'][number];
  const { line } = moment;
  const at = x(line.node);
  const row = y(n);
  const did = tellEffects(timeline, moment).map((effect) => `\n-> ${effect}`);
  const title = `${tellHead(line).trim()}\n${tellInput(line)}${did.join('')}`;
  let mark = `<circle class="event" cx="${at}" cy="${row}" r="4"/>`;
  if ('crash' in line) mark = `<path class="crash" d="M${at - 6} ${row - 6}l12 12m0 -12l-12 12"/>`;
  if ('start' in line) mark = `<path class="start" d="M${at - 6} ${row - 6}l12 6l-12 6z"/>`;
  return (
    `<text class="time" x="8" y="${row + 4}">${tellTime(line.at)}</text>` +
    `<g>${mark}<text x="${at + 10}" y="${row + 4}">${n} ${escape(nameOf(timeline, n))}</text>` +
    `<title>${escape(title)}</title></g>`
  );
}
