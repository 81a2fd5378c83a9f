/** What something was like from each index of the log on, so that answers of any age can be held against it. */

export interface Moment<T> {
  readonly index: number;
  readonly state: T;
}

/** By name, the oldest first. */
export type Timeline<T> = Map<string, Moment<T>[]>;

/** What it was like at an index; undefined when there was nothing yet. */
export function stateAt<T>(timeline: Timeline<T>, name: string, index: number): T | undefined {
  const known = timeline.get(name) ?? [];
  let at = known.length - 1;
  while (at >= 0 && (known[at] as Moment<T>).index > index) at -= 1;
  return known[at]?.state;
}

export function latest<T>(timeline: Timeline<T>, name: string): T | undefined {
  return timeline.get(name)?.at(-1)?.state;
}

export function put<T>(timeline: Timeline<T>, name: string, index: number, state: T): void {
  const known = timeline.get(name);
  if (known === undefined) timeline.set(name, [{ index, state }]);
  else known.push({ index, state });
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === b) return true;
  return a !== null && b !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
