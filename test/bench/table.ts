/** A part of the bench's report, and how it is printed. */

export interface Section {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly notes: readonly string[];
}

export function printSection({ title, columns, rows, notes }: Section): void {
  const cells = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const lines = [title, ...cells.map((row) => `  ${format(row)}`), ...notes.map((note) => `  ${note}`)];
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >>> 1] ?? 0;
}

/** The value below which `percent` of a hundred lie; the values must be in ascending order. */
export function percentile(sorted: readonly number[] | Float64Array, percent: number): number {
  const place = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[place] ?? 0;
}
