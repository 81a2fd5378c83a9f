/**
 * A counterexample as a picture for people: who asked what when, in which order a legal history could go, and where it ends.
 *
 * A row for each client, time going right, drawn by rank as in `picture.ts`. The last operations of the longest legal beginning
 * carry their numbers at the moments where they may have taken effect, joined by a line; those of which one would have to
 * come next are red, with the reasons beneath. A string of SVG that stands alone, in the colours of a light or a dark page.
 */
import type { CheckResult } from './check.js';
import type { BlockedOperation, Counterexample, DescribedOperation } from './counterexample.js';
import { quote } from './picture.js';
import { layOut, type Bar, type Layout } from './svg-layout.js';

const blockedShown = 10;
const barHeight = 26;
const rowHeight = 52;
const lineHeight = 19;
const margin = 24;
/** Of a monospaced letter at 12 pixels, rounded up. */
const letterWidth = 7.3;

/** The picture of the first invalid key; undefined when the result has no counterexample. The same result, the same text. */
export function drawCounterexample<I, O>(result: CheckResult<I, O>): string | undefined {
  const { counterexample } = result;
  return counterexample === undefined ? undefined : draw(counterexample);
}

function draw<I, O>(found: Counterexample<I, O>): string {
  const bars = found.contradiction === undefined ? barsOfDeadEnd(found) : barsOfContradiction(found);
  const layout = layOut(bars, letterWidth);
  const textWidth = Math.max(760, layout.width);
  const top = 96;
  const notesTop = top + layout.rows * rowHeight + 40;
  const notes = notesOf(found, bars).flatMap((note) => wrapped(note, Math.floor(textWidth / letterWidth)));
  const width = Math.ceil(textWidth + 2 * margin);
  const height = notesTop + notes.length * lineHeight + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>Not linearizable: key ${escapeText(quote(found.key))}</title>`,
    style,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="head" x="${margin}" y="38">Not linearizable: the operations on key ${escapeText(quote(found.key))} have no legal order.</text>`,
    `<text class="soft" x="${margin}" y="62">${escapeText(summaryOf(found))}</text>`,
    `<g transform="translate(${margin} ${top})">`,
    ...drawLanes(layout),
    ...drawPath(layout),
    ...layout.bars.map(drawBar),
    ...layout.bars.map(drawPoint),
    '</g>',
    ...notes.map(
      ({ text, isBad }, line) =>
        `<text class="${isBad ? 'bad' : 'note'}" x="${margin}" y="${notesTop + line * lineHeight}">${escapeText(text)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

const style = `<style>
:root { color-scheme: light dark; }
.page { fill: #ffffff; } .lane { stroke: #d9dde3; } .other { fill: #f5f6f8; }
text { font: 12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1d2430; }
.head { font-size: 17px; font-weight: 600; } .soft, .client { fill: #5b6472; } .bad { fill: #b3261e; }
.placed rect { fill: #e3ecfa; stroke: #3b6fb6; } .blocked rect { fill: #fbe4e2; stroke: #c0392b; }
.idle rect { fill: #eceef1; stroke: #8a93a0; } .open rect { stroke-dasharray: 5 3; }
.path { fill: none; stroke: #3b6fb6; stroke-opacity: 0.45; stroke-width: 1.5; }
.dot { fill: #3b6fb6; } .cross { fill: #c0392b; } .still { fill: #8a93a0; }
.mark { font-size: 10px; font-weight: 700; fill: #ffffff; text-anchor: middle; }
@media (prefers-color-scheme: dark) {
.page { fill: #14171c; } .lane { stroke: #323844; } .other { fill: #1a1e25; }
text { fill: #e6e9ee; } .soft, .client { fill: #9aa4b2; } .bad { fill: #ff8f85; }
.placed rect { fill: #1d2f49; stroke: #6ea0e6; } .blocked rect { fill: #47201e; stroke: #ff7b6e; }
.idle rect { fill: #262b33; stroke: #7c8694; } .path { stroke: #6ea0e6; }
.dot { fill: #3f78c9; } .cross { fill: #d6473a; } .still { fill: #68717e; }
}
</style>`;

function barsOfDeadEnd<I, O>(found: Counterexample<I, O>): readonly Bar[] {
  const first = found.longestPrefix.length - found.lastPlaced.length + 1;
  return [
    ...found.lastPlaced.map((placed, index) => barOf(placed, 'placed', String(first + index))),
    ...shownBlocked(found).map((blocked, index) =>
      barOf(blocked, blocked.obstacle === 'noEffect' ? 'idle' : 'blocked', letterOf(index)),
    ),
  ];
}

function barsOfContradiction<I, O>({ contradiction }: Counterexample<I, O>): readonly Bar[] {
  return (contradiction?.operations ?? []).map((operation, index) =>
    barOf(operation, 'blocked', letterOf(index)),
  );
}

function barOf<I, O>(
  { operation, description }: DescribedOperation<I, O>,
  kind: Bar['kind'],
  mark: string,
): Bar {
  const { client, invokedAt, answeredAt } = operation;
  return { client, invokedAt, answeredAt, text: description, kind, mark };
}

/** Those with a wrong answer first, those without any effect last. */
function shownBlocked<I, O>({ blocked }: Counterexample<I, O>): readonly BlockedOperation<I, O>[] {
  const order = ['impossible', 'illegal', 'deadEnd', 'noEffect'];
  return blocked
    .toSorted((a, b) => order.indexOf(a.obstacle) - order.indexOf(b.obstacle))
    .slice(0, blockedShown);
}

function letterOf(index: number): string {
  return String.fromCharCode(0x41 + index);
}

function summaryOf<I, O>(found: Counterexample<I, O>): string {
  if (found.contradiction !== undefined) return 'These operations cannot all have been answered so:';
  const { answered, answeredPlaced, longestPrefix, lastPlaced } = found;
  const hidden = longestPrefix.length - lastPlaced.length;
  return (
    `The longest legal beginning has ${answeredPlaced} of ${answered} answered operations` +
    (hidden > 0 ? `; its first ${hidden} are not drawn.` : '.')
  );
}

interface Note {
  readonly text: string;
  readonly isBad: boolean;
}

function notesOf<I, O>(found: Counterexample<I, O>, bars: readonly Bar[]): readonly Note[] {
  if (found.contradiction !== undefined) return [{ text: `${found.contradiction.reason}.`, isBad: true }];
  const shown = shownBlocked(found);
  const hidden = found.blocked.length - shown.length;
  const marks = bars.filter(({ kind }) => kind !== 'placed').map(({ mark }) => mark);
  return [
    { text: `After ${found.longestPrefix.length} the state is: ${found.state}.`, isBad: false },
    {
      text: `One of the marked operations must come next, and none can, for ${found.firstToAnswer.client} has its answer before any other begins:`,
      isBad: false,
    },
    ...shown.map(({ operation, reason, obstacle }, index) => ({
      text: `${marks[index] ?? ''} ${operation.client} #${operation.id}: ${reason}.`,
      isBad: obstacle !== 'noEffect',
    })),
    ...(hidden > 0 ? [{ text: `… nor can ${hidden} more that were under way.`, isBad: true }] : []),
  ];
}

function drawLanes({ lanes, width, labelWidth }: Layout): readonly string[] {
  return lanes.flatMap(({ client, firstRow, rows }, index) => {
    const y = firstRow * rowHeight;
    const middle = y + (rows * rowHeight) / 2;
    const shade = index % 2 === 0 ? 'other' : 'page';
    return [
      `<rect class="${shade}" x="${-margin / 2}" y="${y}" width="${number(width + margin)}" height="${rows * rowHeight}"/>`,
      `<line class="lane" x1="${labelWidth}" x2="${number(width)}" y1="${middle}" y2="${middle}"/>`,
      `<text class="client" x="0" y="${middle + 4}">${escapeText(client)}</text>`,
    ];
  });
}

function drawPath({ bars }: Layout): readonly string[] {
  const points = bars
    .filter(({ kind }) => kind === 'placed')
    .map((bar) => `${number(bar.pointX)},${pointYOf(bar)}`);
  return points.length < 2 ? [] : [`<polyline class="path" points="${points.join(' ')}"/>`];
}

type Placed = Layout['bars'][number];

function drawBar(bar: Placed): string {
  const { kind, x, width, text, label, row, answeredAt } = bar;
  const y = row * rowHeight + (rowHeight - barHeight) / 2;
  const open = answeredAt === undefined ? ' open' : '';
  return (
    `<g class="${kind}${open}"><title>${escapeText(text)}</title>` +
    `<rect x="${number(x)}" y="${y}" width="${number(width)}" height="${barHeight}" rx="5"/>` +
    `<text x="${number(x + (kind === 'placed' ? 9 : 26))}" y="${y + 17}">${escapeText(label)}</text></g>`
  );
}

/** A placed operation carries its number where it takes effect, the others their letter where they begin. */
function drawPoint(bar: Placed): string {
  const { kind, mark, pointX } = bar;
  const shape = kind === 'placed' ? 'dot' : kind === 'blocked' ? 'cross' : 'still';
  const radius = 5 + 3 * mark.length;
  return (
    `<rect class="${shape}" x="${number(pointX - radius)}" y="${pointYOf(bar) - 8}" width="${2 * radius}" height="16" rx="8"/>` +
    `<text class="mark" x="${number(pointX)}" y="${pointYOf(bar) + 4}">${mark}</text>`
  );
}

/** A number sits on the lower edge of its bar, out of the way of the text; a letter stands in front of the text. */
function pointYOf({ row, kind }: Placed): number {
  const middle = row * rowHeight + rowHeight / 2;
  return kind === 'placed' ? middle + barHeight / 2 : middle;
}

/** Tenths of a pixel, without a tail of digits. */
function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function wrapped({ text, isBad }: Note, letters: number): readonly Note[] {
  const lines: Note[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > letters) {
      lines.push({ text: line, isBad });
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, { text: line, isBad }];
}

/** As the text of XML; characters that XML cannot hold become U+FFFD. */
function escapeText(text: string): string {
  return text
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/[^\t\n\r\u0020-\ud7ff\ud800-\udfff\ue000-\ufffd]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
