/**
 * A small picture of operations in time, in plain characters: one row for each, time going right.
 *
 * Time is drawn by rank and not to scale, so that a gap of an hour takes no more room than one of a millisecond; what can be
 * seen is what came before what, which is all that linearizability is about.
 */

export interface PictureRow {
  readonly label: string;
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
  readonly text: string;
}

const maxWidth = 48;

/** One line for each row: `c1 #4     |-------|    get -> missing`. An open end (`|---->`) has no answer. */
export function drawTimeline(rows: readonly PictureRow[]): readonly string[] {
  const times = rows.flatMap(({ invokedAt, answeredAt }) =>
    answeredAt === undefined ? [invokedAt] : [invokedAt, answeredAt],
  );
  const distinct = [...new Set(times)].sort((a, b) => a - b);
  const rank = new Map(distinct.map((time, index) => [time, index]));
  const scale = Math.max(1, Math.min(4, Math.floor(maxWidth / Math.max(1, distinct.length))));
  const columnOf = (time: number): number => (rank.get(time) ?? 0) * scale;
  const width = distinct.length * scale + 2;
  const labelWidth = Math.max(0, ...rows.map(({ label }) => label.length));
  return rows.map(({ label, invokedAt, answeredAt, text }) => {
    const start = columnOf(invokedAt);
    const bar =
      answeredAt === undefined
        ? `|${'-'.repeat(width - start - 2)}>`
        : answeredAt === invokedAt
          ? '|'
          : `|${'-'.repeat(columnOf(answeredAt) - start - 1)}|`;
    return `${label.padEnd(labelWidth)}  ${(' '.repeat(start) + bar).padEnd(width)}  ${text}`.trimEnd();
  });
}

/** A value as it is shown to people: quoted, so that an empty text can be seen; null stays bare. */
export function quote(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}
