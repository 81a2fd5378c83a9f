/** From what a script asks to what the store is asked, and back. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { nodeId, revision, wallMs, type GroupId } from '../machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type KeyValueOperation,
  type KeyValueOutcome,
  type PageItem,
  type PageOutcome,
  type ScanOperation,
  type SetOperation,
  type Value,
} from '../partition/command.js';
import { MAX_PAGE_ITEMS } from '../partition/scan.js';
import type { LockNeed } from '../partition/transaction-command.js';
import { FIRST_PARTITION, partitionOfKey, partitionOfKeySpace } from '../placement/partition-of-key.js';
import {
  ScriptCode,
  type Answer,
  type Entry,
  type LockNeed as ScriptLock,
  type ScriptPageRead,
  type ScriptSet,
  type StoreOperation,
} from '../script/effects.js';
import { bucketOf } from '../script/independence.js';
import type { LockInTransaction } from './calls.js';

/** The end of a millisecond: everything that is stamped within it is not later. */
export function endOf(ms: number): Timestamp {
  return { node: nodeId(0x7fff_ffff), wall: wallMs(ms), counter: 0xffff_ffff };
}

/** What becomes of one operation of a script: a row of operations of the store, of which the next depends on what was told. */
export interface Errand {
  readonly asked: StoreOperation;
  /** The operation that is under way. */
  readonly next: KeyValueOperation;
  /** Of a page: where it goes on after this partition, and what was found so far. */
  readonly groups: readonly GroupId[];
  readonly found: readonly Entry[];
}

export type ErrandStep =
  { readonly type: 'Ask'; readonly errand: Errand } | { readonly type: 'Done'; readonly answer: Answer };

/** The first operation. Extending for ever has no place in the store's own words: it is an expiry of 0, which only sessions know. */
export function errandOf(asked: StoreOperation, partitions: number): Errand {
  if ('prefix' in asked) return pageErrand(asked, partitions);
  return { asked, next: pointOperation(asked), groups: [], found: [] };
}

type Space = { readonly ephemeral?: true };

function spaceOf({ ephemeral }: Space): Space {
  return ephemeral === true ? { ephemeral } : {};
}

function pointOperation(asked: Exclude<StoreOperation, ScriptPageRead>): KeyValueOperation {
  const space = spaceOf(asked);
  switch (asked.type) {
    case 'Set':
      return setOperation(asked, comparedFirst(asked));
    case 'Delete':
      return { type: 'Delete', key: asked.key, ...space };
    case 'Extend':
      return { type: 'Extend', key: asked.key, expiresMs: asked.expiresMs ?? 0, ...space };
    case 'Get':
    case 'Exists': {
      const { type, key, revision: wanted, asOfMs } = asked;
      if (wanted !== undefined) return { type, key, revision: revision(wanted), ...space };
      return asOfMs === undefined ? { type, key, ...space } : { type, key, at: endOf(asOfMs), ...space };
    }
  }
}

/** Zero bytes stand for an absent key and for a value of null too; the store tells them apart, so both are tried. */
function comparedFirst({ flags, compareValue }: ScriptSet): Value {
  if ((flags & SetFlag.ifEqualToValue) === 0) return null;
  return compareValue === undefined || compareValue.length === 0 ? null : compareValue;
}

function setOperation(asked: ScriptSet, compareValue: Value): SetOperation {
  const { key, value, flags, compareRevision = 0, expiresMs } = asked;
  return {
    type: 'Set',
    key,
    value,
    flags,
    compareValue,
    compareRevision: revision(compareRevision),
    ...(expiresMs !== undefined && { expiresMs }),
    ...spaceOf(asked),
  };
}

function pageErrand(asked: ScriptPageRead, partitions: number): Errand {
  const groups =
    asked.type === 'Bucket'
      ? [partitionOfKeySpace(asked.prefix, partitions)]
      : Array.from({ length: partitions }, (_, i) => (FIRST_PARTITION + i) as GroupId);
  const [group, ...others] = groups as [GroupId, ...GroupId[]];
  return { asked, next: scanOperation(asked, group, undefined), groups: others, found: [] };
}

function scanOperation(asked: ScriptPageRead, group: GroupId, after: string | undefined): ScanOperation {
  const { type, prefix, asOfMs } = asked;
  return {
    type: 'Scan',
    prefix: type === 'Bucket' ? `${prefix}/` : prefix,
    group,
    limit: MAX_PAGE_ITEMS,
    ...(after !== undefined && { from: { key: after, inclusive: false } }),
    ...(asOfMs !== undefined && { at: endOf(asOfMs) }),
    ...spaceOf(asked),
  };
}

/** What follows from an answer of the store. */
export function errandAnswered(
  errand: Errand,
  outcome: KeyValueOutcome | PageOutcome,
  reason: string | undefined,
): ErrandStep {
  const { asked } = errand;
  if (outcome.family === 'page') return pageAnswered(errand, outcome, reason);
  const key = 'key' in asked ? asked.key : '';
  if (asked.type === 'Set' && outcome.code === KeyValueCode.notSet) {
    const { next } = errand;
    const wasNull = next.type === 'Set' && next.compareValue === null;
    if ((asked.flags & SetFlag.ifEqualToValue) !== 0 && wasNull) {
      return { type: 'Ask', errand: { ...errand, next: setOperation(asked, new Uint8Array(0)) } };
    }
  }
  const entries = entriesOf(key, outcome);
  const answer = { type: 'Answered', code: outcome.code, entries } as const;
  return { type: 'Done', answer: reason === undefined ? answer : { ...answer, reason } };
}

function entriesOf(key: string, outcome: KeyValueOutcome): readonly Entry[] {
  const { code, value, lastModified, expires } = outcome;
  switch (code) {
    case KeyValueCode.set:
    case KeyValueCode.notSet:
    case KeyValueCode.deleted:
    case KeyValueCode.extended:
      return [{ key, revision: outcome.revision, ...(expires !== undefined && { expires }) }];
    case KeyValueCode.got:
    case KeyValueCode.exists: {
      const shown = code === KeyValueCode.got ? { value: value ?? new Uint8Array(0) } : {};
      return [
        {
          key,
          ...shown,
          revision: outcome.revision,
          ...(expires !== undefined && { expires }),
          lastModified,
        },
      ];
    }
    case KeyValueCode.doesNotExist:
      return [{ key, revision: -1 }];
    default:
      return [];
  }
}

function pageAnswered(errand: Errand, page: PageOutcome, reason: string | undefined): ErrandStep {
  const { asked, next, groups, found } = errand;
  if ((asked.type !== 'Bucket' && asked.type !== 'Scan') || next.type !== 'Scan') {
    return {
      type: 'Done',
      answer: { type: 'Stopped', code: ScriptCode.errored, reason: 'a page was not asked for' },
    };
  }
  if (page.code !== KeyValueCode.got) {
    const refused = { type: 'Answered', code: page.code, entries: [] } as const;
    return { type: 'Done', answer: reason === undefined ? refused : { ...refused, reason } };
  }
  const items = page.items.filter(({ key }) => asked.type === 'Scan' || bucketOf(key) === asked.prefix);
  const all = [...found, ...items.map(entryOf)];
  if (all.length < asked.limit) {
    const [group, ...others] = groups;
    const here = next.group as GroupId;
    if (page.hasMore && page.lastKey !== '') {
      return {
        type: 'Ask',
        errand: { ...errand, found: all, next: scanOperation(asked, here, page.lastKey) },
      };
    }
    if (group !== undefined) {
      const there = scanOperation(asked, group, undefined);
      return { type: 'Ask', errand: { asked, found: all, groups: others, next: there } };
    }
  }
  const entries = all.slice(0, asked.limit);
  return { type: 'Done', answer: { type: 'Answered', code: ScriptCode.got, entries } };
}

function entryOf({ key, value, revision: at, lastModified, expires }: PageItem): Entry {
  const entry = { key, value: value ?? new Uint8Array(0), revision: at, lastModified };
  return expires === undefined ? entry : { ...entry, expires };
}

/** So many locks are asked for at a time, at most. */
const MAX_LOCKS_AT_ONCE = 1_024;

/**
 * The locks of a script: those of one participant at once, one participant after the other, in an order that is the same for all
 * scripts. So of two that want the same ones, one has them all.
 */
export function locksInOrder(locks: readonly ScriptLock[], partitions: number): readonly LockInTransaction[] {
  const wanted = locks
    .map((lock) => ({ group: groupOf(lock, partitions), name: nameOf(lock), lock }))
    .sort((a, b) => a.group - b.group || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const asked: LockInTransaction[] = [];
  let from = 0;
  for (let i = 1; i <= wanted.length; i += 1) {
    const [first, next] = [wanted[from], wanted[i]];
    const isSame = first?.group === next?.group && first?.lock.ephemeral === next?.lock.ephemeral;
    if (first === undefined || (isSame && i - from < MAX_LOCKS_AT_ONCE)) continue;
    asked.push(lockOf(first.lock, wanted.slice(from + 1, i)));
    from = i;
  }
  return asked;
}

function groupOf(lock: ScriptLock, partitions: number): GroupId {
  return lock.type === 'Key'
    ? partitionOfKey(lock.key, partitions)
    : partitionOfKeySpace(lock.bucket, partitions);
}

function nameOf(lock: ScriptLock): string {
  const space = lock.ephemeral === true ? '~' : ':';
  return space + (lock.type === 'Key' ? lock.key : `${lock.bucket}/`);
}

function lockOf(first: ScriptLock, others: readonly { readonly lock: ScriptLock }[]): LockInTransaction {
  const also = others.length === 0 ? {} : { also: others.map(({ lock }) => needOf(lock)) };
  return {
    type: 'LockInTransaction',
    need: needOf(first),
    ...also,
    leaseMs: 0,
    once: true,
    ...spaceOf(first),
  };
}

function needOf(lock: ScriptLock): LockNeed {
  return lock.type === 'Key'
    ? { type: 'KeyLock', key: lock.key }
    : { type: 'PrefixLock', prefix: `${lock.bucket}/` };
}
