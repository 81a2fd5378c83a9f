/** What an operation looks at, and has come to its end by somebody's judgment: the leader's, who has a clock. */

import { compareTimestamps } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import type { Lapse, Operation, ScanOperation } from './command.js';
import type { Contents } from './contents.js';
import type { KeyEntry } from './key-entry.js';
import { isLive } from './key-history.js';
import type { LockEntry } from './lock-entry.js';
import { intentOn } from './prepared.js';
import { walkPage } from './scan.js';

export type HasEnded = (space: Lapse['space'], name: string, entry: KeyEntry | LockEntry) => boolean;

/**
 * The live keys and locks with an end that the operation looks at and `hasEnded` says are over. It is asked of nothing
 * else. Of a page, those are also the keys that it comes to when the dead ones before them are passed over.
 */
export function lapsesIn(contents: Contents, operation: Operation, hasEnded: HasEnded): readonly Lapse[] {
  if ('key' in operation) {
    if ((operation.type === 'Get' || operation.type === 'Exists') && isOfThePast(contents, operation))
      return NONE;
    return lapseOfKey(contents, operation.key, mapGet(contents.keys, operation.key), hasEnded);
  }
  if ('resource' in operation) {
    return lapseOf('lock', operation.resource, mapGet(contents.locks, operation.resource), hasEnded);
  }
  return operation.type === 'Scan' ? lapsesInPage(contents, operation, hasEnded) : NONE;
}

const NONE: readonly Lapse[] = [];

/** What was at a time that is over stays as it was, and a revision is the same for ever. */
function isOfThePast(
  { lastModified }: Contents,
  { at, revision }: Pick<ScanOperation, 'at'> & { readonly revision?: number },
): boolean {
  return revision !== undefined || (at !== undefined && compareTimestamps(at, lastModified) <= 0);
}

/** A key with an intent does not end (`endKey`). */
function lapseOfKey(
  contents: Contents,
  key: string,
  entry: KeyEntry | undefined,
  hasEnded: HasEnded,
): readonly Lapse[] {
  return intentOn(contents, key) === undefined ? lapseOf('key', key, entry, hasEnded) : NONE;
}

function lapseOf(
  space: Lapse['space'],
  name: string,
  entry: KeyEntry | LockEntry | undefined,
  hasEnded: HasEnded,
): readonly Lapse[] {
  if (entry === undefined || entry.expiresMs === 0 || !hasEnded(space, name, entry)) return NONE;
  return [{ space, name, armedAt: entry.armedAt }];
}

function lapsesInPage(contents: Contents, operation: ScanOperation, hasEnded: HasEnded): readonly Lapse[] {
  if (isOfThePast(contents, operation)) return NONE;
  const lapses: Lapse[] = [];
  walkPage(contents, operation, (key, entry) => {
    const lapse = lapseOfKey(contents, key, entry, hasEnded);
    lapses.push(...lapse);
    return isLive(entry) && lapse.length === 0 ? 'shown' : 'passed over';
  });
  return lapses;
}
