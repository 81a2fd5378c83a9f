/** What keys must be like after each committed command, and which answers to reads of them are true. */

import {
  compareTimestamps,
  isReference,
  KeyValueCode,
  MAX_HISTORY,
  MAX_UNPAGED_HISTORY,
  NO_NODE,
  SetFlag,
  sha256,
  ZERO_TIMESTAMP,
  type KeyBound,
  type KeptValue,
  type KeyEntry,
  type KeyValueOutcome,
  type KeyValueRead,
  type KeyValueWrite,
  type KeyVersion,
  type Outcome,
  type PageOutcome,
  type PastPage,
  type Revision,
  type ScanOperation,
  type SetOperation,
  type StagedWrite,
  type Timestamp,
  type Trim,
  type Value,
} from '../../../core/index.js';
import { latest, put, sameBytes, stateAt, type Timeline } from './timeline.js';

export interface KeyFact {
  readonly value: Value;
  readonly revision: number;
  readonly deleted: boolean;
  readonly lastModified: Timestamp;
  readonly expires: Timestamp;
  readonly lapsedAt: Timestamp;
  readonly expiresMs: number;
  readonly armedAt: number;
  readonly before: Superseded | undefined;
  /** The versions before it of which a replica keeps the whole, newest first. */
  readonly kept: readonly KeyFact[];
  /** Those of them up to this revision may have been trimmed; -1 for none. */
  readonly mayBeGone: number;
}

/** What a key was before, and before that, for ever: a replica keeps only some of it. */
interface Superseded {
  readonly fact: KeyFact;
  readonly older: Superseded | undefined;
}

/** The command that is executed. */
export interface Moment {
  readonly index: number;
  readonly stampedAt: Timestamp;
  /** The time that a change would have now. */
  readonly next: () => Timestamp;
  /** The same, of a change that is made. */
  readonly stamp: () => Timestamp;
  /** The earliest time whose past is to be kept; undefined for none. */
  readonly floor: Timestamp | undefined;
  /** Whether all that is superseded is kept, in pages where need be. */
  readonly paged: boolean;
}

export type Keys = Timeline<KeyFact>;

/** No node has made the zero timestamp. */
function isNever({ node }: Timestamp): boolean {
  return node === NO_NODE;
}

export function isThere(fact: KeyFact | undefined): fact is KeyFact {
  return fact !== undefined && !fact.deleted && isNever(fact.lapsedAt);
}

export function writeKey(keys: Keys, moment: Moment, operation: KeyValueWrite): KeyValueOutcome {
  const now = latest(keys, operation.key);
  if (operation.type === 'Set') return setKey(keys, moment, operation, now);
  if (!isThere(now)) return told(KeyValueCode.doesNotExist, 0, ZERO_TIMESTAMP, undefined);
  if (operation.type === 'Delete') {
    const gone = {
      ...supersede(now, true, moment),
      value: null,
      deleted: true,
      lastModified: moment.stamp(),
    };
    put(keys, operation.key, moment.index, gone);
    return told(KeyValueCode.deleted, gone.revision, gone.lastModified, undefined);
  }
  const expires = later(moment.stampedAt, operation.expiresMs);
  const kept = { ...now, expires, expiresMs: operation.expiresMs, armedAt: moment.index };
  put(keys, operation.key, moment.index, kept);
  return told(KeyValueCode.extended, kept.revision, kept.lastModified, kept.expires);
}

function setKey(
  keys: Keys,
  moment: Moment,
  { key, value, flags, compareValue, compareRevision, expiresMs }: SetOperation,
  now: KeyFact | undefined,
): KeyValueOutcome {
  const there = isThere(now);
  const asked = (flag: number): boolean => (flags & flag) === flag;
  const refused =
    (asked(SetFlag.ifExists) && !there) ||
    (asked(SetFlag.ifNotExists) && there) ||
    (asked(SetFlag.ifEqualToValue) && !sameBytes(there ? now.value : null, compareValue)) ||
    (asked(SetFlag.ifEqualToRevision) && (now?.revision ?? -1) !== compareRevision);
  if (refused) {
    return told(KeyValueCode.notSet, now?.revision ?? -1, now?.lastModified ?? ZERO_TIMESTAMP, now?.expires);
  }
  const fact: KeyFact = {
    ...supersede(now, !asked(SetFlag.noRevision), moment),
    value,
    lastModified: moment.stamp(),
    ...(expiresMs === undefined
      ? {}
      : { expires: later(moment.stampedAt, expiresMs), expiresMs, armedAt: moment.index }),
  };
  put(keys, key, moment.index, fact);
  return told(KeyValueCode.set, fact.revision, fact.lastModified, fact.expires);
}

/** A write of a transaction takes effect, at the time of its commit; gives the key. */
export function publishKey(keys: Keys, moment: Moment, write: StagedWrite, at: Timestamp): string {
  const { key } = write;
  const { index, stampedAt } = moment;
  const now = latest(keys, key);
  const life = (expiresMs: number | undefined): Pick<KeyFact, 'expires' | 'expiresMs' | 'armedAt'> =>
    expiresMs === undefined
      ? { expires: ZERO_TIMESTAMP, expiresMs: 0, armedAt: 0 }
      : { expires: later(stampedAt, expiresMs), expiresMs, armedAt: index };
  if (write.type === 'Extend') {
    if (now !== undefined) put(keys, key, index, { ...now, ...life(write.expiresMs) });
    return key;
  }
  const fresh = supersede(now, write.type === 'Delete' || write.noRevision !== true, moment);
  const revision = (now?.revision ?? -1) + write.revisions;
  const fact =
    write.type === 'Delete'
      ? { ...fresh, revision, deleted: true, lastModified: at }
      : { ...fresh, revision, value: write.value, lastModified: at, ...life(write.expiresMs) };
  put(keys, key, index, fact);
  return key;
}

/** A new version after `fact`. A set that keeps no revision leaves none of what it supersedes. */
function supersede(fact: KeyFact | undefined, archived: boolean, moment: Moment): KeyFact {
  return {
    value: null,
    revision: (fact?.revision ?? -1) + 1,
    deleted: false,
    lastModified: ZERO_TIMESTAMP,
    expires: ZERO_TIMESTAMP,
    lapsedAt: ZERO_TIMESTAMP,
    expiresMs: 0,
    armedAt: 0,
    before: fact === undefined ? undefined : { fact, older: fact.before },
    kept: fact === undefined ? [] : archived ? keptAfter(fact, moment) : fact.kept,
    mayBeGone: fact?.mayBeGone ?? -1,
  };
}

export function later({ node, wall, counter }: Timestamp, ms: number): Timestamp {
  return { node, wall: (wall + ms) as Timestamp['wall'], counter };
}

/** A time to live has come to its end, if it is still the one that was armed there. */
export function endKey(keys: Keys, moment: Moment, key: string, armedAt: number): void {
  const now = latest(keys, key);
  if (!isThere(now) || now.expiresMs === 0 || now.armedAt !== armedAt) return;
  put(keys, key, moment.index, { ...now, lapsedAt: moment.stamp(), expiresMs: 0, armedAt: 0 });
}

function told(
  code: KeyValueCode,
  revision: number,
  lastModified: Timestamp,
  expires: Timestamp | undefined,
): KeyValueOutcome {
  const outcome = { code, revision: revision as Revision, value: null, lastModified };
  return expires === undefined || isNever(expires) ? outcome : { ...outcome, expires };
}

/**
 * What a replica holds of a key departs so from what it must; undefined when it does not.
 *
 * @param pages of its past, newest first; undefined where there are none by design.
 */
export function wrongEntry(
  fact: KeyFact | undefined,
  found: KeyEntry | undefined,
  pages: readonly PastPage[] | undefined,
): string | undefined {
  if (found === undefined && fact === undefined) return undefined;
  if (found === undefined || fact === undefined) return `${tellKey(found)}, but it must be ${tellKey(fact)}`;
  if (!sameVersion(fact, found)) return `${tellKey(found)}, but it must be ${tellKey(fact)}`;
  if (found.expiresMs !== fact.expiresMs || found.armedAt !== fact.armedAt) {
    return (
      `with ${found.expiresMs} ms to live from index ${found.armedAt} on, ` +
      `but it has ${fact.expiresMs} from ${fact.armedAt} on`
    );
  }
  const { history } = found;
  const kept = pages === undefined ? fact.kept : fact.kept.slice(0, history.length);
  const same = kept.length === history.length && kept.every((each, i) => sameVersion(each, history[i]));
  if (!same) return `with the history [${tellRevisions(history)}], but it must be [${tellRevisions(kept)}]`;
  return pages === undefined ? undefined : wrongPages(fact, history.length, pages);
}

function tellRevisions(versions: readonly { readonly revision: number }[]): string {
  return versions.map(({ revision }) => revision).join(' ');
}

/** What of a key's versions is in its entry, and so many of the older ones in its history, is right: the pages have the rest. */
function wrongPages(fact: KeyFact, inHistory: number, pages: readonly PastPage[]): string | undefined {
  if (inHistory > MAX_UNPAGED_HISTORY) return `with a history of ${inHistory}, more than there may be`;
  let rest = fact.kept.slice(inHistory);
  let newer = fact.kept[inHistory - 1] ?? fact;
  for (const page of pages) {
    const count = rest.findIndex(({ revision }) => revision < page.oldest);
    const versions = count < 0 ? rest : rest.slice(0, count);
    const newest = versions[0];
    const oldest = versions.at(-1);
    const isRight =
      newest?.revision === page.newest &&
      oldest?.revision === page.oldest &&
      compareTimestamps(oldest.lastModified, page.since) === 0 &&
      compareTimestamps(newer.lastModified, page.until) === 0;
    if (!isRight) {
      return `with a page of the revisions ${page.newest} to ${page.oldest}, but it must have [${tellRevisions(versions)}]`;
    }
    rest = rest.slice(versions.length);
    newer = oldest;
  }
  rest = rest.filter(({ revision }) => revision > fact.mayBeGone);
  return rest.length === 0 ? undefined : `without a page for the revisions [${tellRevisions(rest)}]`;
}

/** What is kept when `fact` is superseded: all, or the newest versions where nothing goes into pages. */
function keptAfter(fact: KeyFact, { paged }: Moment): readonly KeyFact[] {
  const all = [fact, ...fact.kept];
  return paged ? all : all.slice(0, MAX_HISTORY);
}

/**
 * Of each key the versions that are not kept by these rules may be gone from here on: those of which too many newer ones were written,
 * or that were superseded too long ago; but none that shows anything at the floor, or later. Gives the keys of which that is so.
 *
 * Never the newest ones. That they do go is not asked for: they go many at a time.
 */
export function trimKeys(keys: Keys, moment: Moment, { keep, before }: Trim): readonly string[] {
  const trimmed: string[] = [];
  for (const key of keys.keys()) {
    const now = latest(keys, key);
    if (now === undefined) continue;
    const isOver = (place: number): boolean => {
      const fact = now.kept[place];
      const until = now.kept[place - 1]?.lastModified;
      if (fact === undefined || until === undefined) return false;
      if (moment.floor !== undefined && compareTimestamps(until, moment.floor) > 0) return false;
      const isBeyond = keep > 0 && now.revision - fact.revision >= keep;
      return isBeyond || (!isNever(before) && compareTimestamps(until, before) < 0);
    };
    let first = MAX_HISTORY;
    while (first < now.kept.length && !isOver(first)) first += 1;
    const mayBeGone = now.kept[first]?.revision ?? -1;
    if (mayBeGone <= now.mayBeGone) continue;
    put(keys, key, moment.index, { ...now, mayBeGone });
    trimmed.push(key);
  }
  return trimmed;
}

function sameVersion(fact: KeyFact, found: KeyVersion | undefined): boolean {
  return (
    found !== undefined &&
    found.revision === fact.revision &&
    found.deleted === fact.deleted &&
    sameValue(found.value, fact.value) &&
    compareTimestamps(found.lastModified, fact.lastModified) === 0 &&
    compareTimestamps(found.expires, fact.expires) === 0 &&
    compareTimestamps(found.lapsedAt, fact.lapsedAt) === 0
  );
}

/** A value that is kept apart is known by its length and its digest. */
function sameValue(kept: KeptValue, value: Value): boolean {
  if (!isReference(kept)) return sameBytes(kept, value);
  return value !== null && kept.bytes === value.length && kept.digest === sha256(value);
}

function tellValue(value: KeptValue): string {
  if (value === null) return 'no value';
  return isReference(value) ? `${value.bytes} bytes, ${value.digest}` : value.join(' ');
}

export function tellKey(fact: KeyFact | KeyEntry | undefined): string {
  if (fact === undefined) return 'as never written';
  if (fact.deleted) return `deleted at revision ${fact.revision}`;
  const value = `at revision ${fact.revision}, [${tellValue(fact.value)}]`;
  return isNever(fact.lapsedAt) ? value : `${value}, come to its end`;
}

/** What a read may be told of a state: what was, or that nobody knows any more where a replica need not. */
interface Truth {
  /** Undefined for absent. */
  readonly fact: KeyFact | undefined;
  readonly mayBeLost: boolean;
}

const ABSENT: Truth = { fact: undefined, mayBeLost: false };

function truthAt(now: KeyFact | undefined, at: Timestamp): Truth {
  if (now === undefined) return ABSENT;
  let fact: KeyFact | undefined = now;
  let newer = now;
  let past = now.before;
  while (fact !== undefined && compareTimestamps(fact.lastModified, at) > 0) {
    newer = fact;
    fact = past?.fact;
    past = past?.older;
  }
  // Where the version after it is gone, nobody knows how long it lasted.
  const isGone = (version: KeyFact): boolean => version !== now && !isKept(now, version);
  const mayBeLost = fact === undefined ? keepsNotAll(now) : fact !== now && (isGone(fact) || isGone(newer));
  if (fact === undefined) return { fact, mayBeLost };
  const over = !isNever(fact.lapsedAt) && compareTimestamps(fact.lapsedAt, at) <= 0;
  return { fact: fact.deleted || over ? undefined : fact, mayBeLost };
}

/** Before the oldest version that is kept there may have been others. */
function keepsNotAll(now: KeyFact): boolean {
  let count = 0;
  for (let at = now.before; at !== undefined; at = at.older) count += 1;
  return count > now.kept.length || now.mayBeGone >= 0;
}

function isKept({ kept, mayBeGone }: KeyFact, version: KeyFact): boolean {
  return version.revision > mayBeGone && kept.includes(version);
}

function truthOf(now: KeyFact | undefined, operation: Exclude<KeyValueRead, ScanOperation>): Truth {
  const { revision, at } = operation;
  if (revision !== undefined) {
    let fact = now;
    let past = now?.before;
    while (fact !== undefined && fact.revision !== revision) {
      fact = past?.fact;
      past = past?.older;
    }
    const isKnown = now === undefined || fact === undefined || fact === now || isKept(now, fact);
    return { fact: fact?.deleted === true ? undefined : fact, mayBeLost: !isKnown };
  }
  if (at !== undefined) return truthAt(now, at);
  return { fact: isThere(now) ? now : undefined, mayBeLost: false };
}

/** What is wrong with an answer to a read of the state at an index; undefined for nothing. */
export function wrongRead(
  keys: Keys,
  index: number,
  operation: KeyValueRead,
  outcome: Outcome,
): string | undefined {
  if (operation.type === 'Scan') {
    if (outcome.family !== 'page') return 'a page was asked for';
    return wrongPage(keys, index, operation, outcome);
  }
  if (outcome.family !== undefined) return 'no key/value outcome';
  const now = stateAt(keys, operation.key, index);
  const { fact, mayBeLost } = truthOf(now, operation);
  const { code } = outcome;
  // What is no longer kept cannot be found; it may not be mistaken for something else. Of a number nobody need know that it was once one.
  const isGone = code === KeyValueCode.doesNotExist && operation.revision !== undefined;
  if (mayBeLost && (code === KeyValueCode.errored || isGone)) return undefined;
  if (fact === undefined) {
    return code === KeyValueCode.doesNotExist ? undefined : `it was absent (${tellKey(now)})`;
  }
  const same =
    code === (operation.type === 'Get' ? KeyValueCode.got : KeyValueCode.exists) &&
    outcome.revision === fact.revision &&
    (operation.type === 'Exists' || sameBytes(outcome.value, fact.value)) &&
    compareTimestamps(outcome.lastModified, fact.lastModified) === 0;
  return same ? undefined : `it was ${tellKey(fact)}`;
}

function wrongPage(
  keys: Keys,
  index: number,
  operation: ScanOperation,
  outcome: PageOutcome,
): string | undefined {
  const { at, limit, prefix, from, to } = operation;
  const { code, items, hasMore, lastKey } = outcome;
  const isAsked = (key: string): boolean =>
    key.startsWith(prefix) && isAfter(key, from) && isBefore(key, to) && (!hasMore || key <= lastKey);
  const names = [...keys.keys()].filter(isAsked).sort((a, b) => (a < b ? -1 : 1));
  const truths = names.map((key) => {
    const now = stateAt(keys, key, index);
    return {
      key,
      ...(at === undefined ? { fact: isThere(now) ? now : undefined, mayBeLost: false } : truthAt(now, at)),
    };
  });
  if (code === KeyValueCode.errored) {
    return truths.some(({ mayBeLost }) => mayBeLost) || (hasMore && at !== undefined)
      ? undefined
      : 'all of it is known';
  }
  if (code !== KeyValueCode.got) return 'there is a page';
  if (items.length > limit) return `no more than ${limit} keys were asked for`;
  if (hasMore && (lastKey === '' || !isAfter(lastKey, from)))
    return 'the next page would begin where this did';
  const expected = truths.filter(({ fact }) => fact !== undefined);
  const same =
    expected.length === items.length &&
    items.every((item, i) => {
      const { key, fact } = expected[i] ?? {};
      return item.key === key && item.revision === fact?.revision && sameBytes(item.value, fact.value);
    });
  if (same) return undefined;
  return `there were ${expected.map(({ key, fact }) => `${key} ${tellKey(fact)}`).join(', ') || 'no keys'}`;
}

function isAfter(key: string, bound: KeyBound | undefined): boolean {
  return bound === undefined || key > bound.key || (bound.inclusive && key === bound.key);
}

function isBefore(key: string, bound: KeyBound | undefined): boolean {
  return bound === undefined || key < bound.key || (bound.inclusive && key === bound.key);
}
