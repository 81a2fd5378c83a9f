/**
 * Where everything in the picture of a counterexample goes: rows for clients, and columns for the moments that matter, each as wide
 * as the texts that must fit over it.
 */

export interface Bar {
  readonly client: string;
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
  readonly text: string;
  /** Part of the legal beginning; unable to come next; or without effect anyway. */
  readonly kind: 'placed' | 'blocked' | 'idle';
  /** The number of a placed operation in the legal order, which is also the order of the bars; else a letter. */
  readonly mark: string;
}

export interface PlacedBar extends Bar {
  /** The text, cut to what is drawn. */
  readonly label: string;
  readonly row: number;
  /** In pixels, from the left edge of the lanes. */
  readonly x: number;
  readonly width: number;
  /** Where the mark goes; for placed operations ascending, as the order is. */
  readonly pointX: number;
}

export interface Lane {
  readonly client: string;
  readonly firstRow: number;
  /** More than one when operations of the client overlap. */
  readonly rows: number;
}

export interface Layout {
  readonly bars: readonly PlacedBar[];
  readonly lanes: readonly Lane[];
  readonly rows: number;
  readonly labelWidth: number;
  readonly width: number;
}

const shownLetters = 36;
const leastColumn = 14;
/** Room in a bar beside its text: the mark on the left, and a little on the right. */
const padding = 34;
const gap = 6;

export function layOut(bars: readonly Bar[], letterWidth: number): Layout {
  const rankOf = ranks(bars);
  const columns = columnsFor(bars, rankOf, letterWidth);
  const labelWidth = Math.max(0, ...bars.map(({ client }) => client.length * letterWidth)) + 16;
  const leftOf = leftEdges(columns, labelWidth);
  const { lanes, rowOf, rows } = assignRows(bars);
  let latestPoint = -Infinity;
  const placed = bars.map((bar, index): PlacedBar => {
    const x = leftOf(rankOf.start(bar));
    const width = leftOf(rankOf.end(bar)) - x - gap;
    const earliest = x + 14;
    if (bar.kind === 'placed') {
      latestPoint = Math.min(Math.max(earliest, latestPoint + 10), Math.max(earliest, x + width - 10));
    }
    const pointX = bar.kind === 'placed' ? latestPoint : earliest;
    return { ...bar, label: labelOf(bar), row: rowOf[index] ?? 0, x, width, pointX };
  });
  return { bars: placed, lanes, rows, labelWidth, width: leftOf(columns.length) };
}

interface Ranks {
  start(bar: Bar): number;
  /** The column that begins where the bar ends; the last one for an open end. */
  end(bar: Bar): number;
  readonly count: number;
}

/** Every moment is a column; an invocation at the time of an answer comes before it, as the two are concurrent. */
function ranks(bars: readonly Bar[]): Ranks {
  const keys = bars.flatMap(({ invokedAt, answeredAt }) => [
    invokedAt * 2,
    ...(answeredAt === undefined ? [] : [answeredAt * 2 + 1]),
  ]);
  const distinct = [...new Set(keys)].sort((a, b) => a - b);
  const rank = new Map(distinct.map((key, index) => [key, index]));
  return {
    start: ({ invokedAt }) => rank.get(invokedAt * 2) ?? 0,
    end: ({ answeredAt }) =>
      answeredAt === undefined ? distinct.length : (rank.get(answeredAt * 2 + 1) ?? 0),
    count: distinct.length,
  };
}

/** The narrowest operations ask first; what a wider one still lacks is spread over its columns. */
function columnsFor(bars: readonly Bar[], rankOf: Ranks, letterWidth: number): readonly number[] {
  const columns = Array.from({ length: rankOf.count }, () => leastColumn);
  const spanOf = (bar: Bar): number => rankOf.end(bar) - rankOf.start(bar);
  for (const bar of bars.toSorted((a, b) => spanOf(a) - spanOf(b))) {
    const start = rankOf.start(bar);
    const span = Math.max(1, spanOf(bar));
    const held = columns.slice(start, start + span).reduce((sum, column) => sum + column, 0);
    const lacking = labelOf(bar).length * letterWidth + padding - held;
    if (lacking <= 0) continue;
    for (let column = start; column < start + span; column++) {
      columns[column] = (columns[column] ?? 0) + lacking / span;
    }
  }
  return columns;
}

function leftEdges(columns: readonly number[], labelWidth: number): (column: number) => number {
  const edges = [labelWidth];
  for (const column of columns) edges.push((edges.at(-1) ?? 0) + column);
  return (column) => edges[column] ?? 0;
}

/** Clients in the order of their names; of one client the first row that is free. */
function assignRows(bars: readonly Bar[]): {
  readonly lanes: readonly Lane[];
  readonly rowOf: readonly number[];
  readonly rows: number;
} {
  const clients = [...new Set(bars.map(({ client }) => client))].sort(byName);
  const rowOf = bars.map(() => 0);
  const lanes: Lane[] = [];
  let rows = 0;
  for (const client of clients) {
    const freeFrom: number[] = [];
    const own = bars.map((bar, index) => ({ bar, index })).filter(({ bar }) => bar.client === client);
    for (const { bar, index } of own.sort((a, b) => a.bar.invokedAt - b.bar.invokedAt)) {
      const free = freeFrom.findIndex((time) => time < bar.invokedAt);
      const row = free === -1 ? freeFrom.length : free;
      freeFrom[row] = bar.answeredAt ?? Infinity;
      rowOf[index] = rows + row;
    }
    lanes.push({ client, firstRow: rows, rows: freeFrom.length });
    rows += freeFrom.length;
  }
  return { lanes, rowOf, rows };
}

/** `process 9` before `process 10`. */
function byName(a: string, b: string): number {
  const [numberOfA, numberOfB] = [a, b].map((name) => Number(/\d+$/.exec(name)?.[0] ?? -1)) as [
    number,
    number,
  ];
  const [stemA, stemB] = [a, b].map((name) => name.replace(/\d+$/, '')) as [string, string];
  if (stemA !== stemB) return stemA < stemB ? -1 : 1;
  return numberOfA - numberOfB;
}

function labelOf({ text }: Bar): string {
  return text.length <= shownLetters ? text : `${text.slice(0, shownLetters - 1)}…`;
}
