/** Equal parts of states, kept once: what has the same fingerprints is the same object. */

/** Things by fingerprint. */
export interface Pool<T> {
  readonly known: Map<number, T[]>;
  size: number;
}

export function createPool<T>(): Pool<T> {
  return { known: new Map(), size: 0 };
}

/** The thing with these prints; made, and given the next number, when there is none yet. */
export function pooled<T extends { readonly prints: Int32Array }>(
  pool: Pool<T>,
  prints: Int32Array,
  make: (number: number) => T,
): T {
  const low = prints[0] as number;
  let bucket = pool.known.get(low);
  if (bucket === undefined) pool.known.set(low, (bucket = []));
  const found = bucket.find((other) => other.prints[1] === prints[1]);
  if (found !== undefined) return found;
  const made = make(pool.size);
  pool.size += 1;
  bucket.push(made);
  return made;
}
