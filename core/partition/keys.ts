/**
 * Keys, their revisions and their time to live (key/value specification, section 4).
 *
 * A key whose time to live has come to its end counts as absent, and as null in comparisons, from the entry on that
 * says so (`endKey`); its revisions count on. Until then it lives, whatever any clock says.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
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
import { endOfLease, nextStamp, type Answer, type Change, type Contents } from './contents.js';
import { NEVER_WRITTEN, type KeyEntry, type KeyVersion } from './key-entry.js';
import {
  historyAfter,
  historyWithout,
  isLive,
  versionAt,
  versionOf,
  wasLive,
  type Kept,
} from './key-history.js';
import { refusal } from './operation.js';
import { intentOn } from './prepared.js';
import { floorOf, withRetention } from './retention.js';
import { readPage } from './scan.js';
import { keptValue, shownValue, type ValueOf } from './value-reference.js';

export function writeKey(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: KeyValueWrite,
  separateFrom: number,
): Change {
  switch (operation.type) {
    case 'Set':
      return setKey(contents, index, command, operation, separateFrom);
    case 'Delete':
      return deleteKey(contents, command, operation);
    case 'Extend':
      return extendKey(contents, index, command, operation);
  }
}

function setKey(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: SetOperation,
  separateFrom: number,
): Change {
  const current = mapGet(contents.keys, operation.key);
  if (!conditionsHold(operation, foundAs(current))) {
    return { contents, outcome: outcomeOf(KeyValueCode.notSet, current) };
  }
  const keepsHistory = (operation.flags & SetFlag.noRevision) === 0;
  const fresh = {
    value: keptValue(operation.value, index, separateFrom),
    lastModified: nextStamp(contents, command.stampedAt),
  };
  const life = lifetime(index, command, operation.expiresMs);
  const entry = superseding(current, keepsHistory, fresh, life, floorOf(contents));
  return withEntry(contents, operation.key, KeyValueCode.set, entry);
}

function deleteKey(contents: Contents, { stampedAt }: Command, { key }: DeleteOperation): Change {
  const current = mapGet(contents.keys, key);
  if (current === undefined || !isLive(current)) {
    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };
  }
  const fresh = { value: null, lastModified: nextStamp(contents, stampedAt), deleted: true };
  const entry = superseding(current, true, fresh, FOR_EVER, floorOf(contents));
  return withEntry(contents, key, KeyValueCode.deleted, entry);
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

/**
 * The entry with a new version. Its two shapes are written out, since this is what a partition does most, and what it
 * keeps longest: a spread into either costs as much as all the rest of a put.
 */
export function superseding(
  current: KeyEntry | undefined,
  keepsHistory: boolean,
  { value, lastModified, deleted = false, revisions = 1 }: Fresh,
  { expires, expiresMs, armedAt }: Lifetime,
  floor: Timestamp | undefined,
): KeyEntry {
  const { history, forgotten } = whatIsKept(current, keepsHistory, floor);
  const next = revision((current?.revision ?? NEVER_WRITTEN) + revisions);
  const lapsedAt = ZERO_TIMESTAMP;
  if (revisions > 1) {
    const version = { value, revision: next, deleted, lastModified, expires, lapsedAt, revisions };
    const entry = { ...version, expiresMs, armedAt, history };
    return forgotten === undefined ? entry : { ...entry, forgotten };
  }
  if (forgotten === undefined) {
    return { value, revision: next, deleted, lastModified, expires, lapsedAt, expiresMs, armedAt, history };
  }
  return {
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
}

function whatIsKept(
  current: KeyEntry | undefined,
  keepsHistory: boolean,
  floor: Timestamp | undefined,
): Kept {
  if (current === undefined) return NOTHING_KEPT;
  return keepsHistory ? historyAfter(current, floor) : historyWithout(current);
}

const NOTHING_KEPT: Kept = { history: [], forgotten: undefined };

function withEntry(contents: Contents, key: string, code: KeyValueCode, entry: KeyEntry): Change {
  const { locks, sequences, transactions } = contents;
  const keys = mapSet(contents.keys, key, entry);
  return {
    contents: withRetention(
      { keys, locks, sequences, transactions, lastModified: entry.lastModified },
      contents,
    ),
    outcome: outcomeOf(code, entry),
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

export function readKeys(contents: Contents, operation: KeyValueRead, valueOf: ValueOf): Answer {
  if (operation.type === 'Scan') return readPage(contents, operation, valueOf);
  const entry = mapGet(contents.keys, operation.key);
  if (entry === undefined) return { outcome: absentOutcome(operation, NEVER_WRITTEN) };
  if (operation.revision !== undefined) return readRevision(entry, operation, operation.revision, valueOf);
  return operation.at === undefined
    ? seen(entry, operation, isLive(entry), valueOf)
    : readAt(entry, operation, operation.at, valueOf);
}

/** Whether it was superseded, deleted or has lapsed since does not matter; a tombstone is no value. */
function readRevision(
  entry: KeyEntry,
  operation: GetOperation | ExistsOperation,
  wanted: number,
  valueOf: ValueOf,
): Answer {
  const found = versionOf(entry, revision(wanted));
  if (found === 'forgotten') return noLongerKnown(`revision ${wanted}`, operation.key, entry);
  if (found === 'none') return { outcome: refusal(KeyValueCode.doesNotExist) };
  return seen({ ...found, expires: ZERO_TIMESTAMP }, operation, !found.deleted, valueOf);
}

function readAt(
  entry: KeyEntry,
  operation: GetOperation | ExistsOperation,
  at: Timestamp,
  valueOf: ValueOf,
): Answer {
  const found = versionAt(entry, at);
  if (found === 'forgotten') return noLongerKnown(`what it was at ${at.wall} ms`, operation.key, entry);
  if (found === 'none') return { outcome: refusal(KeyValueCode.doesNotExist) };
  return seen(found, operation, wasLive(found, at), valueOf);
}

/** What is told of a key that is not there. */
function absentOutcome({ tombstone }: GetOperation | ExistsOperation, last: number): KeyValueOutcome {
  const outcome = refusal(KeyValueCode.doesNotExist);
  return tombstone === true ? { ...outcome, revision: revision(last) } : outcome;
}

function seen(
  version: KeyVersion,
  operation: GetOperation | ExistsOperation,
  lives: boolean,
  valueOf: ValueOf,
): Answer {
  const { type } = operation;
  if (!lives) return { outcome: absentOutcome(operation, version.revision) };
  if (type === 'Exists') return { outcome: outcomeOf(KeyValueCode.exists, version) };
  return { outcome: { ...outcomeOf(KeyValueCode.got, version), value: shownValue(version.value, valueOf) } };
}

function noLongerKnown(what: string, key: string, { history }: KeyEntry): Answer {
  const reason = `${what} of the key "${key}" is not known: of its superseded versions only ${history.length} are kept`;
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
