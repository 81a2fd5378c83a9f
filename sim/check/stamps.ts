/**
 * The times that answers give: one revision of a key has one time, and a later revision a later one, whatever the
 * clocks of the nodes show.
 */

import { compareTimestamps, type Timestamp } from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

/** By key: the times of its revisions, in no particular order of arrival. */
export type Stamps = Map<string, Map<number, Timestamp>>;

export function createStamps(): Stamps {
  return new Map();
}

/** Takes note of one answer. @throws PropertyBroken when it contradicts an earlier one. */
export function noteStamp(stamps: Stamps, key: string, revision: number, stamp: Timestamp): void {
  let known = stamps.get(key);
  if (known === undefined) stamps.set(key, (known = new Map()));
  const same = known.get(revision);
  if (same !== undefined && compareTimestamps(same, stamp) !== 0) {
    throw new PropertyBroken(
      'one time for one revision',
      `revision ${revision} of ${key} was made at ${format(same)}, then at ${format(stamp)}`,
    );
  }
  known.set(revision, stamp);
}

/** @throws PropertyBroken when the times of a key do not grow with its revisions. */
export function checkStamps(stamps: Stamps): void {
  for (const [key, times] of stamps) {
    const ordered = [...times].sort(([a], [b]) => a - b);
    ordered.forEach(([revision, stamp], i) => {
      const before = ordered[i - 1];
      if (before !== undefined && compareTimestamps(before[1], stamp) >= 0) {
        throw new PropertyBroken(
          'times grow with revisions',
          `revision ${before[0]} of ${key} was made at ${format(before[1])}, revision ${revision} at ${format(stamp)}`,
        );
      }
    });
  }
}

function format({ wall, counter, node }: Timestamp): string {
  return `${wall}.${counter} (node ${node})`;
}
