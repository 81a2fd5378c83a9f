/**
 * Keys, their revisions and their time to live (key/value specification, section 4).
 *
 * A key whose time to live has come to its end counts as absent, and as null in comparisons, from the entry on that
 * says so (`endKey`); its revisions count on. Until then it lives, whatever any clock says.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
import { assert } from '../machine/assert.js';
import { logIndex, revision, type LogIndex } from '../machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type Command,
  type DeleteOperation,
  type ExistsOperation,
  type ExtendOperation,
  type GetOperation,
  type KeyValueOutcome,
  type KeyValueRead,
  type KeyValueWrite,
  type Lapse,
  type SetOperation,
} from './command.js';
import { conditionsHold, type Found } from './conditions.js';
import {
  endOfLease,
  nextStamp,
  type Answer,
  type Change,
  type Contents,
  type KeptApart,
} from './contents.js';
import { NEVER_WRITTEN, type KeyEntry, type KeyVersion } from './key-entry.js';
import {
  historyAfter,
  historyWithout,
  isLive,
  pagedAfter,
  revisionBefore,
  versionAt,
  versionOf,
  wasLive,
  type Kept,
} from './key-history.js';
import { refusal } from './operation.js';
import { newPage, withPage, type AtHand, type Past, type WrittenPage } from './past.js';
import { intentOn } from './prepared.js';
import { withRetention } from './retention.js';
import { readPage } from './scan.js';
import { keptValue, shownValue } from './value-reference.js';

export function writeKey(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: KeyValueWrite,
  apart: KeptApart,
): Change {
  switch (operation.type) {
    case 'Set':
      return setKey(contents, index, command, operation, apart);
    case 'Delete':
      return deleteKey(contents, command, operation, apart);
    case 'Extend':
      return extendKey(contents, index, command, operation);
  }
}

function setKey(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: SetOperation,
  apart: KeptApart,
): Change {
  const current = mapGet(contents.keys, operation.key);
  if (!conditionsHold(operation, foundAs(current))) {
    return { contents, outcome: outcomeOf(KeyValueCode.notSet, current) };
  }
  const keepsHistory = (operation.flags & SetFlag.noRevision) === 0;
  const fresh = {
    value: keptValue(operation.value, index, apart.separateFrom),
    lastModified: nextStamp(contents, command.stampedAt),
  };
  const life = lifetime(index, command, operation.expiresMs);
  const version = superseding(current, keepsHistory, fresh, life, hasPages(apart));
  return withVersion(contents, operation.key, KeyValueCode.set, version, apart);
}

function deleteKey(
  contents: Contents,
  { stampedAt }: Command,
  { key }: DeleteOperation,
  apart: KeptApart,
): Change {
  const current = mapGet(contents.keys, key);
  if (current === undefined || !isLive(current)) {
    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };
  }
  const fresh = { value: null, lastModified: nextStamp(contents, stampedAt), deleted: true };
  const version = superseding(current, true, fresh, FOR_EVER, hasPages(apart));
  return withVersion(contents, key, KeyValueCode.deleted, version, apart);
}

/** No new version: the value, its revision and its time stay. */
function extendKey(
  contents: Contents,
  index: LogIndex,
  command: Command,
  { key, expiresMs }: ExtendOperation,
): Change {
  const current = mapGet(contents.keys, key);
  if (current === undefined || !isLive(current)) {
    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };
  }
  const extended = { ...current, ...lifetime(index, command, expiresMs) };
  return {
    contents: { ...contents, keys: mapSet(contents.keys, key, extended) },
    outcome: outcomeOf(KeyValueCode.extended, extended),
  };
}

export type Lifetime = Pick<KeyEntry, 'expires' | 'expiresMs' | 'armedAt'>;

/** No time to live. */
export const FOR_EVER: Lifetime = { expires: ZERO_TIMESTAMP, expiresMs: 0, armedAt: logIndex(0) };

/** The time to live that an entry arms; absent for ever. */
export function lifetime(index: LogIndex, { stampedAt }: Command, expiresMs: number | undefined): Lifetime {
  if (expiresMs === undefined) return FOR_EVER;
  return { expires: endOfLease(stampedAt, expiresMs), expiresMs, armedAt: index };
}

interface Fresh {
  readonly value: KeyEntry['value'];
  readonly lastModified: Timestamp;
  readonly deleted?: boolean;
  /** By how many the revision grows; absent for one. */
  readonly revisions?: number;
}

export interface NewVersion {
  readonly entry: KeyEntry;
  /** The versions that go into a page, newest first; undefined for none. */
  readonly paged: readonly KeyVersion[] | undefined;
}

/**
 * The entry with a new version. Its two shapes are written out, since this is what a partition does most, and what it
 * keeps longest: a spread into either costs as much as all the rest of a put.
 */
export function superseding(
  current: KeyEntry | undefined,
  keepsHistory: boolean,
  { value, lastModified, deleted = false, revisions = 1 }: Fresh,
  { expires, expiresMs, armedAt }: Lifetime,
  inPages: boolean,
): NewVersion {
  const { history, forgotten, paged } = whatIsKept(current, keepsHistory, inPages);
  const next = revision((current?.revision ?? NEVER_WRITTEN) + revisions);
  const lapsedAt = ZERO_TIMESTAMP;
  if (revisions > 1) {
    const version = { value, revision: next, deleted, lastModified, expires, lapsedAt, revisions };
    const entry = { ...version, expiresMs, armedAt, history };
    return { entry: forgotten === undefined ? entry : { ...entry, forgotten }, paged };
  }
  if (forgotten === undefined) {
    const entry = {
      value,
      revision: next,
      deleted,
      lastModified,
      expires,
      lapsedAt,
      expiresMs,
      armedAt,
      history,
    };
    return { entry, paged };
  }
  const entry = {
    value,
    revision: next,
    deleted,
    lastModified,
    expires,
    lapsedAt,
    expiresMs,
    armedAt,
    history,
    forgotten,
  };
  return { entry, paged };
}

function whatIsKept(current: KeyEntry | undefined, keepsHistory: boolean, inPages: boolean): Kept {
  if (current === undefined) return NOTHING_KEPT;
  if (!keepsHistory) return historyWithout(current);
  return inPages ? pagedAfter(current) : historyAfter(current);
}

const NOTHING_KEPT: Kept = { history: [], forgotten: undefined };

/** Whether versions for which an entry has no room go into pages; else they are forgotten. */
export function hasPages({ encodeVersions }: KeptApart): boolean {
  return encodeVersions !== undefined;
}

/** The page of versions for which a key's entry has no room any more. */
export function pageOf(
  past: Past | undefined,
  key: string,
  { history, lastModified }: KeyEntry,
  versions: readonly KeyVersion[],
  { encodeVersions }: KeptApart,
): WrittenPage {
  const oldest = versions[versions.length - 1];
  assert(
    oldest !== undefined && encodeVersions !== undefined,
    () => `versions of the key "${key}" are to go into a page, where there are no pages`,
  );
  const until = history[history.length - 1]?.lastModified ?? lastModified;
  return newPage(past, { key, versions, before: revisionBefore(oldest), until }, encodeVersions);
}

function withVersion(
  contents: Contents,
  key: string,
  code: KeyValueCode,
  { entry, paged }: NewVersion,
  apart: KeptApart,
): Change {
  const { locks, sequences, transactions } = contents;
  const keys = mapSet(contents.keys, key, entry);
  const next = withRetention(
    { keys, locks, sequences, transactions, lastModified: entry.lastModified },
    contents,
  );
  const outcome = outcomeOf(code, entry);
  if (paged === undefined) return { contents: next, outcome };
  const written = pageOf(contents.past, key, entry, paged, apart);
  return {
    contents: { ...next, past: withPage(contents.past, written) },
    outcome,
    pages: { written: [written], removed: [] },
  };
}

/** A key that is deleted or over counts as absent for the existence flags, and as null for the comparison by value. */
function foundAs(current: KeyEntry | undefined): Found {
  if (current === undefined) return { exists: false, revision: NEVER_WRITTEN, value: null };
  const { revision } = current;
  return isLive(current)
    ? { exists: true, revision, value: current.value }
    : { exists: false, revision, value: null };
}

export function readKeys(contents: Contents, operation: KeyValueRead, atHand: AtHand): Answer {
  if (operation.type === 'Scan') return readPage(contents, operation, atHand);
  const { key, revision: wanted, at } = operation;
  const entry = mapGet(contents.keys, key);
  if (entry === undefined) return { outcome: absentOutcome(operation, NEVER_WRITTEN) };
  if (wanted === undefined && at === undefined) return seen(entry, operation, isLive(entry), atHand);
  const known = { key, entry, contents, versionsOf: atHand.versionsOf };
  const found = at === undefined ? versionOf(known, revision(wanted ?? 0)) : versionAt(known, at);
  switch (found) {
    case 'elsewhere':
      return LACKING;
    case 'forgotten':
      return noLongerKnown(at === undefined ? `revision ${wanted}` : `what it was at ${at.wall} ms`, key);
    case 'none':
      return { outcome: refusal(KeyValueCode.doesNotExist) };
    default:
      // Of a revision it does not matter whether it was superseded, deleted or has lapsed since; a tombstone is no value.
      return at === undefined
        ? seen({ ...found, expires: ZERO_TIMESTAMP }, operation, !found.deleted, atHand)
        : seen(found, operation, wasLive(found, at), atHand);
  }
}

/** The outcome is for nobody: whoever reads has to have the page first. */
const LACKING: Answer = { outcome: refusal(KeyValueCode.mustRetry), lacks: true };

/** What is told of a key that is not there. */
function absentOutcome({ tombstone }: GetOperation | ExistsOperation, last: number): KeyValueOutcome {
  const outcome = refusal(KeyValueCode.doesNotExist);
  return tombstone === true ? { ...outcome, revision: revision(last) } : outcome;
}

function seen(
  version: KeyVersion,
  operation: GetOperation | ExistsOperation,
  lives: boolean,
  { valueOf }: AtHand,
): Answer {
  const { type } = operation;
  if (!lives) return { outcome: absentOutcome(operation, version.revision) };
  if (type === 'Exists') return { outcome: outcomeOf(KeyValueCode.exists, version) };
  return { outcome: { ...outcomeOf(KeyValueCode.got, version), value: shownValue(version.value, valueOf) } };
}

function noLongerKnown(what: string, key: string): Answer {
  const reason = `${what} of the key "${key}" is not known: not all of its superseded versions are kept`;
  return { outcome: refusal(KeyValueCode.errored), reason };
}

/**
 * A key whose time to live is over is absent from here on, if it is still the same life. One with an intent stays as it is:
 * nobody is shown it before the intent is settled, and it can end then.
 */
export function endKey(contents: Contents, { name, armedAt }: Lapse, at: Timestamp): Contents {
  const entry = mapGet(contents.keys, name);
  if (entry === undefined || entry.expiresMs === 0 || entry.armedAt !== armedAt) return contents;
  if (intentOn(contents, name) !== undefined) return contents;
  // Later than every time that a page was told to show: such a page shows the key also afterwards.
  const lapsedAt = nextStamp(contents, at);
  const ended = { ...entry, lapsedAt, expiresMs: 0, armedAt: logIndex(0) };
  return { ...contents, keys: mapSet(contents.keys, name, ended), lastModified: lapsedAt };
}

function outcomeOf(code: KeyValueCode, version: KeyVersion | undefined): KeyValueOutcome {
  const outcome = {
    code,
    revision: version?.revision ?? NEVER_WRITTEN,
    value: null,
    lastModified: version?.lastModified ?? ZERO_TIMESTAMP,
  };
  if (version === undefined || version.expires.node === 0) return outcome;
  return { ...outcome, expires: version.expires };
}
