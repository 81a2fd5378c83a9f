/** By what replicas are told apart that should hold the same. */

import {
  emptyOrderedMap,
  mapForEach,
  mixNumber,
  mixWord,
  type Contents,
  type HoldEntry,
} from '../../core/index.js';
import { hashValue } from '../trace/state-hash.js';

/** All that a partition holds but its retry table, without the shape of its trees. */
export function hashContents({
  keys,
  locks,
  sequences,
  transactions,
  retention,
}: Omit<Contents, 'lastModified'>): number {
  let hash = 0;
  const { prepared, intents, open, closed } = transactions;
  const holds = retention?.type === 'Holds' ? retention.live : emptyOrderedMap<HoldEntry>();
  for (const map of [keys, locks, sequences, prepared, intents, open, closed, holds] as const) {
    mapForEach<unknown>(map, (name, entry) => {
      hash = mixWord(mixWord(hash, hashValue(name)), hashValue(inOrder(entry)));
    });
  }
  if (retention?.type === 'Holds') return mixNumber(hash, retention.changedAt);
  return retention === undefined ? hash : mixWord(hash, hashValue(inOrder(retention)));
}

/** A record with its fields in the order of their names: what was read from a snapshot has them in another one. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]: [string, unknown]) => [name, inOrder(field)]));
}
