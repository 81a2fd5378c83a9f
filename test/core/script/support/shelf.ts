/**
 * A key/value store of one process that carries out the effects of scripts: what the tests run them against.
 *
 * It follows section 7 of the script specification: revisions, tombstones, expiry, history. A transaction works on a copy, which
 * replaces the original at its commit.
 */

import { bucketOf } from '../../../../core/script/independence.js';
import {
  monotonicMs,
  nodeId,
  RESERVED_KEY_PREFIX,
  ScriptCode,
  SetFlag,
  wallMs,
  type ScriptAnswer as Answer,
  type ScriptEffect as Effect,
  type ScriptEntry as Entry,
  type ScriptOperation as StoreOperation,
  type Timestamp,
} from '../../../../core/index.js';

/** One state of a key; without a value it is a tombstone. */
interface Version {
  readonly revision: number;
  readonly value?: Uint8Array;
  readonly expiresAt?: number;
  readonly modifiedAt: number;
  /** Whether it goes into the history when it is superseded. */
  readonly kept: boolean;
}

interface Versions {
  readonly newest: Version;
  readonly past: readonly Version[];
}

type Keys = ReadonlyMap<string, Versions>;

export interface Shelf {
  /** Both spaces: names of ephemeral keys begin with `~`, others with `=`. */
  committed: Keys;
  /** What the transaction under way sees; absent without one. */
  staged: Keys | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Keys and buckets that somebody else has locked. */
  readonly locked: Set<string>;
}

export function emptyShelf(now = 1_000_000): Shelf {
  return { committed: new Map(), staged: undefined, now, locked: new Set() };
}

export function clocksOf({ now }: Shelf): {
  monotonic: ReturnType<typeof monotonicMs>;
  wall: ReturnType<typeof wallMs>;
} {
  return { monotonic: monotonicMs(now), wall: wallMs(now) };
}

export function carryOut(shelf: Shelf, effect: Effect): Answer {
  switch (effect.type) {
    case 'Begin': {
      const taken = effect.locks.map((lock) => (lock.type === 'Key' ? lock.key : lock.bucket));
      const blocked = taken.find((name) => shelf.locked.has(name));
      if (blocked !== undefined) {
        return { type: 'Stopped', code: ScriptCode.aborted, reason: `the key ${blocked} is locked` };
      }
      shelf.staged = new Map(shelf.committed);
      return { type: 'Begun' };
    }
    case 'Sleep':
      shelf.now += effect.ms;
      return { type: 'Done' };
    case 'Commit':
      shelf.committed = published(shelf.committed, shelf.staged ?? shelf.committed);
      shelf.staged = undefined;
      return { type: 'Done' };
    case 'Rollback':
      shelf.staged = undefined;
      return { type: 'Done' };
    case 'Operate':
      return operate(shelf, effect.operation);
  }
}

/** Only the last value of each key becomes visible, though every write counted. */
function published(committed: Keys, staged: Keys): Keys {
  const result = new Map(committed);
  for (const [name, versions] of staged) {
    const before = committed.get(name);
    if (before === versions) continue;
    const past = before === undefined ? [] : superseded(before, versions.newest.kept);
    result.set(name, { newest: versions.newest, past });
  }
  return result;
}

function superseded({ newest, past }: Versions, kept: boolean): readonly Version[] {
  return kept && newest.kept ? [...past, newest] : past;
}

function operate(shelf: Shelf, operation: StoreOperation): Answer {
  const name = 'key' in operation ? operation.key : operation.prefix;
  if (name.startsWith(RESERVED_KEY_PREFIX)) return answer(ScriptCode.invalidInput, [], 'the key is reserved');
  if ('prefix' in operation) return readPage(shelf, operation);
  const place = placeOf(operation.key, operation.ephemeral);
  const visible = shelf.staged ?? shelf.committed;
  const versions = visible.get(place);
  switch (operation.type) {
    case 'Set':
      return set(shelf, place, versions, operation);
    case 'Delete': {
      if (!isLive(versions?.newest, shelf.now)) return absent(operation.key, versions);
      const revision = (versions?.newest.revision ?? -1) + 1;
      write(shelf, place, versions, { revision, modifiedAt: shelf.now, kept: true });
      return answer(ScriptCode.deleted, [{ key: operation.key, revision }]);
    }
    case 'Extend': {
      const newest = versions?.newest;
      if (versions === undefined || newest?.value === undefined || !isLive(newest, shelf.now)) {
        return absent(operation.key, versions);
      }
      const { revision, value, modifiedAt, kept } = newest;
      const expiry = operation.expiresMs === undefined ? {} : { expiresAt: shelf.now + operation.expiresMs };
      put(shelf, place, {
        ...versions,
        newest: { revision, ...(value && { value }), modifiedAt, kept, ...expiry },
      });
      return answer(ScriptCode.extended, [{ key: operation.key, revision: newest.revision }]);
    }
    case 'Get':
    case 'Exists': {
      const found = lookUp(shelf, place, operation);
      if (found?.value === undefined) return absent(operation.key, versions);
      const { value, ...entry } = entryOf(operation.key, found);
      return operation.type === 'Get'
        ? answer(ScriptCode.got, [{ ...entry, ...(value && { value }) }])
        : answer(ScriptCode.exists, [entry]);
    }
  }
}

type SetOf = StoreOperation & { readonly type: 'Set' };

function set(shelf: Shelf, place: string, versions: Versions | undefined, operation: SetOf): Answer {
  const { key, value, flags, compareValue, compareRevision, expiresMs } = operation;
  const live = isLive(versions?.newest, shelf.now);
  const current = versions?.newest.revision ?? -1;
  const stored = live ? (versions?.newest.value ?? new Uint8Array()) : new Uint8Array();
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const refused =
    (has(SetFlag.ifNotExists) && live) ||
    (has(SetFlag.ifExists) && !live) ||
    (has(SetFlag.ifEqualToValue) && !Buffer.from(stored).equals(compareValue ?? new Uint8Array())) ||
    (has(SetFlag.ifEqualToRevision) && compareRevision !== current);
  if (refused) return answer(ScriptCode.notSet, [{ key, revision: current }]);
  const expiry = expiresMs === undefined ? {} : { expiresAt: shelf.now + expiresMs };
  const kept = !has(SetFlag.noRevision);
  write(shelf, place, versions, { revision: current + 1, value, modifiedAt: shelf.now, kept, ...expiry });
  return answer(ScriptCode.set, [{ key, revision: current + 1 }]);
}

function write(shelf: Shelf, place: string, versions: Versions | undefined, newest: Version): void {
  put(shelf, place, { newest, past: versions === undefined ? [] : superseded(versions, newest.kept) });
}

function put(shelf: Shelf, place: string, versions: Versions): void {
  const changed = new Map(shelf.staged ?? shelf.committed).set(place, versions);
  if (shelf.staged === undefined) shelf.committed = changed;
  else shelf.staged = changed;
}

type PointOf = StoreOperation & { readonly type: 'Get' | 'Exists' };

/** What a read shows; own writes only to plain ones. */
function lookUp(shelf: Shelf, place: string, { revision, asOfMs }: PointOf): Version | undefined {
  if (revision === undefined && asOfMs === undefined) {
    const newest = (shelf.staged ?? shelf.committed).get(place)?.newest;
    return isLive(newest, shelf.now) ? newest : undefined;
  }
  const versions = shelf.committed.get(place);
  if (versions === undefined) return undefined;
  if (asOfMs !== undefined) return shownAt(versions, asOfMs);
  if (revision === -1) return versions.newest;
  return [...versions.past, versions.newest].find((each) => each.revision === revision);
}

function shownAt({ newest, past }: Versions, instant: number): Version | undefined {
  const then = [...past, newest].filter(({ modifiedAt }) => modifiedAt <= instant).at(-1);
  return isLive(then, instant) ? then : undefined;
}

type PageOf = StoreOperation & { readonly type: 'Bucket' | 'Scan' };

function readPage(shelf: Shelf, { type, prefix, limit, asOfMs, ephemeral }: PageOf): Answer {
  const inside = shelf.staged !== undefined && type === 'Bucket' && asOfMs === undefined;
  const keys = (inside ? shelf.staged : undefined) ?? shelf.committed;
  const space = placeOf('', ephemeral);
  const entries: Entry[] = [];
  for (const [place, versions] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = place.slice(1);
    const belongs = type === 'Bucket' ? bucketOf(key) === prefix : key.startsWith(prefix);
    const found = asOfMs === undefined ? versions.newest : shownAt(versions, asOfMs);
    const live = asOfMs === undefined ? isLive(found, shelf.now) : found !== undefined;
    if (place.startsWith(space) && belongs && live && found !== undefined) entries.push(entryOf(key, found));
  }
  return answer(entries.length > 0 ? ScriptCode.got : ScriptCode.doesNotExist, entries.slice(0, limit));
}

function placeOf(key: string, ephemeral: true | undefined): string {
  return (ephemeral ? '~' : '=') + key;
}

function isLive(version: Version | undefined, now: number): boolean {
  if (version?.value === undefined) return false;
  return version.expiresAt === undefined || version.expiresAt >= now;
}

function entryOf(key: string, { revision, value, expiresAt, modifiedAt }: Version): Entry {
  const expiry = expiresAt === undefined ? {} : { expires: timestamp(expiresAt) };
  return { key, ...(value && { value }), revision, ...expiry, lastModified: timestamp(modifiedAt) };
}

function timestamp(at: number): Timestamp {
  return { node: nodeId(1), wall: wallMs(at), counter: 0 };
}

function answer(code: ScriptCode, entries: readonly Entry[], reason?: string): Answer {
  return { type: 'Answered', code, entries, ...(reason !== undefined && { reason }) };
}

function absent(key: string, versions: Versions | undefined): Answer {
  return answer(ScriptCode.doesNotExist, [{ key, revision: versions?.newest.revision ?? -1 }]);
}
