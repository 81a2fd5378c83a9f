/** A node's durable key/value records, as an immutable list in ascending order of keys. */

import type { Persist, StoredRecord } from '../../core/index.js';

/** The records after one more write. */
export function afterWrite<Stored>(
  records: readonly StoredRecord<Stored>[],
  { changes }: Persist<Stored>,
): readonly StoredRecord<Stored>[] {
  let after = records;
  for (const change of changes) {
    if (change.type === 'DropRange') {
      after = after.filter(({ key }) => key < change.from || key >= change.before);
      continue;
    }
    if (change.type === 'Drop') {
      after = after.filter(({ key }) => key !== change.key);
      continue;
    }
    const { key, value } = change;
    const from = after.findIndex((record) => record.key >= key);
    const at = from < 0 ? after.length : from;
    const rest = after[at]?.key === key ? at + 1 : at;
    after = [...after.slice(0, at), { key, value }, ...after.slice(rest)];
  }
  return after;
}
