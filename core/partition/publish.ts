/** Makes the writes of a transaction into versions of their keys, all with the time of its commit. */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
import { assert, present } from '../machine/assert.js';
import type { LogIndex, Revision } from '../machine/units.js';
import type { Command } from './command.js';
import type { Contents, KeptApart } from './contents.js';
import type { KeyEntry } from './key-entry.js';
import { isLive } from './key-history.js';
import { FOR_EVER, lifetime, hasPages, pageOf, superseding, type NewVersion } from './keys.js';
import { withPage, type PastChange, type WrittenPage } from './past.js';
import type { StagedWrite } from './transaction-command.js';

export interface Publication {
  /** Of the entry that publishes, from which times to live count, and its command. */
  readonly index: LogIndex;
  readonly command: Command;
  /** The time of all the versions. */
  readonly at: Timestamp;
  /** None of the keys was changed since then, nor at that time. */
  readonly unchangedSince: Timestamp;
  readonly apart: KeptApart;
}

export interface Published {
  readonly contents: Contents;
  /** The pages of the past that are written; absent for none. */
  readonly pages?: PastChange;
  /** What each of the writes came to, in their order. */
  readonly revisions: readonly Revision[];
}

/** Values stay in the state, however large they are. */
export function publish(
  contents: Contents,
  writes: readonly StagedWrite[],
  publication: Publication,
): Published {
  const { apart } = publication;
  let { keys, past } = contents;
  const written: WrittenPage[] = [];
  const revisions: Revision[] = [];
  for (const write of writes) {
    const { key } = write;
    const current = mapGet(keys, key);
    checkUnchanged(key, current, publication.unchangedSince);
    const { entry, paged } = newVersion(current, write, publication);
    keys = mapSet(keys, key, entry);
    revisions.push(entry.revision);
    if (paged === undefined) continue;
    const page = pageOf(past, key, entry, paged, apart);
    past = withPage(past, page);
    written.push(page);
  }
  if (past === undefined || written.length === 0) return { contents: { ...contents, keys }, revisions };
  return { contents: { ...contents, keys, past }, revisions, pages: { written, removed: [] } };
}

function checkUnchanged(key: string, current: KeyEntry | undefined, since: Timestamp): void {
  if (current === undefined) return;
  const { lastModified, lapsedAt } = current;
  assert(
    compareTimestamps(lastModified, since) < 0 && compareTimestamps(lapsedAt, since) < 0,
    () => `the key "${key}" was changed although a transaction had an intent on it`,
  );
}

function newVersion(
  current: KeyEntry | undefined,
  write: StagedWrite,
  { index, command, at, apart }: Publication,
): NewVersion {
  switch (write.type) {
    case 'Set': {
      const { value, revisions, noRevision, expiresMs } = write;
      const fresh = { value, lastModified: at, revisions };
      return superseding(
        current,
        noRevision !== true,
        fresh,
        lifetime(index, command, expiresMs),
        hasPages(apart),
      );
    }
    case 'Delete': {
      const fresh = { value: null, lastModified: at, deleted: true, revisions: write.revisions };
      return superseding(current, true, fresh, FOR_EVER, hasPages(apart));
    }
    case 'Extend': {
      const entry = present(current, () => `the key "${write.key}" is to live longer, but was never written`);
      assert(isLive(entry), () => `the key "${write.key}" is to live longer, but is over`);
      return { entry: { ...entry, ...lifetime(index, command, write.expiresMs) }, paged: undefined };
    }
  }
}
