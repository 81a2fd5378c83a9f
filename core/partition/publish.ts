/** Makes the writes of a transaction into versions of their keys, all with the time of its commit. */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import { assert, present } from '../machine/assert.js';
import type { LogIndex, Revision } from '../machine/units.js';
import type { Command } from './command.js';
import type { KeyEntry } from './key-entry.js';
import { isLive } from './key-history.js';
import { FOR_EVER, lifetime, superseding } from './keys.js';
import type { StagedWrite } from './transaction-command.js';

export interface Publication {
  /** Of the entry that publishes, from which times to live count, and its command. */
  readonly index: LogIndex;
  readonly command: Command;
  /** The time of all the versions. */
  readonly at: Timestamp;
  /** None of the keys was changed since then, nor at that time. */
  readonly unchangedSince: Timestamp;
}

export interface Published {
  readonly keys: OrderedMap<KeyEntry>;
  /** What each of the writes came to, in their order. */
  readonly revisions: readonly Revision[];
}

/** Values stay in the state, however large they are. */
export function publish(
  keys: OrderedMap<KeyEntry>,
  writes: readonly StagedWrite[],
  publication: Publication,
): Published {
  let published = keys;
  const revisions: Revision[] = [];
  for (const write of writes) {
    const current = mapGet(keys, write.key);
    checkUnchanged(write.key, current, publication.unchangedSince);
    const entry = written(current, write, publication);
    published = mapSet(published, write.key, entry);
    revisions.push(entry.revision);
  }
  return { keys: published, revisions };
}

function checkUnchanged(key: string, current: KeyEntry | undefined, since: Timestamp): void {
  if (current === undefined) return;
  const { lastModified, lapsedAt } = current;
  assert(
    compareTimestamps(lastModified, since) < 0 && compareTimestamps(lapsedAt, since) < 0,
    () => `the key "${key}" was changed although a transaction had an intent on it`,
  );
}

function written(
  current: KeyEntry | undefined,
  write: StagedWrite,
  { index, command, at }: Publication,
): KeyEntry {
  switch (write.type) {
    case 'Set': {
      const { value, revisions, noRevision, expiresMs } = write;
      const fresh = { value, lastModified: at, revisions };
      return superseding(current, noRevision !== true, fresh, lifetime(index, command, expiresMs));
    }
    case 'Delete': {
      const fresh = { value: null, lastModified: at, deleted: true, revisions: write.revisions };
      return superseding(current, true, fresh, FOR_EVER);
    }
    case 'Extend': {
      const entry = present(current, () => `the key "${write.key}" is to live longer, but was never written`);
      assert(isLive(entry), () => `the key "${write.key}" is to live longer, but is over`);
      return { ...entry, ...lifetime(index, command, write.expiresMs) };
    }
  }
}
