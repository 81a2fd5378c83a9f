/**
 * What the operations of a transaction do to a key, as the transaction sees it: what was committed when it was first touched, with its
 * own writes on top.
 *
 * Pure: nothing here asks anybody. Whoever calls has read the key where `readsFirst` says so.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { revision } from '../machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type KeyValueOutcome,
  type PageItem,
  type SetOperation,
  type Value,
} from '../partition/command.js';
import { conditionsHold, type Found } from '../partition/conditions.js';
import { endOfLease } from '../partition/contents.js';
import { refusal } from '../partition/operation.js';
import type { Observation, StagedWrite } from '../partition/transaction-command.js';
import type { KeyBase, KeyView, SessionWrite } from './session-state.js';

/** What an operation comes to: what is told, and the key afterwards. */
export interface Viewed {
  readonly outcome: KeyValueOutcome;
  readonly view: KeyView;
}

/** Whether the key is there, as the transaction sees it. */
export function isThere({ staged, base }: KeyView): boolean {
  if (staged === undefined || staged.type === 'Extend') return base.exists;
  return staged.type === 'Set';
}

export function revisionIn({ staged, base }: KeyView): number {
  return base.revision + (staged === undefined || staged.type === 'Extend' ? 0 : staged.revisions);
}

/** Its own value, if the transaction has given it one: then nobody need be asked for it. */
export function ownValue({ staged }: KeyView): { readonly value: Value } | undefined {
  if (staged === undefined || staged.type === 'Extend') return undefined;
  return { value: staged.type === 'Set' ? staged.value : null };
}

/** Whether the committed state of the key must be read before this write can be judged. */
export function readsFirst(view: KeyView | undefined, operation: SessionWrite): boolean {
  if (view === undefined) return true;
  return (
    operation.type === 'Set' &&
    (operation.flags & SetFlag.ifEqualToValue) !== 0 &&
    ownValue(view) === undefined &&
    isThere(view)
  );
}

/** What a read of the key shows. `value` is the committed one. */
export function readView(view: KeyView, type: 'Get' | 'Exists', value: Value, stamp: Timestamp): Viewed {
  const own = ownValue(view);
  const observed = view.observed || own === undefined;
  const seen = { ...view, observed };
  if (!isThere(view)) return { outcome: refusal(KeyValueCode.doesNotExist), view: seen };
  const code = type === 'Get' ? KeyValueCode.got : KeyValueCode.exists;
  const shown = outcomeOf(code, view, stamp);
  const read = own === undefined ? value : own.value;
  return { outcome: type === 'Get' ? { ...shown, value: read } : shown, view: seen };
}

/** A key on a page, as its own write has it; undefined for none. */
export function itemOf(view: KeyView, item: PageItem | undefined, stamp: Timestamp): PageItem | undefined {
  const { staged, stagedExpires, key } = view;
  if (staged === undefined) return item;
  if (staged.type === 'Delete') return undefined;
  if (staged.type === 'Set') {
    const own = { key, value: staged.value, revision: revision(revisionIn(view)), lastModified: stamp };
    return stagedExpires === undefined ? own : { ...own, expires: stagedExpires };
  }
  if (item === undefined) return undefined;
  const lasting = withoutExpiry(item);
  return stagedExpires === undefined ? lasting : { ...lasting, expires: stagedExpires };
}

function withoutExpiry({ expires: _, ...item }: PageItem): PageItem {
  return item;
}

/** What a write does. `value` is the committed one, where `readsFirst` wanted it. */
export function writeView(view: KeyView, operation: SessionWrite, value: Value, stamp: Timestamp): Viewed {
  const before = dependsOnBase(view, operation) ? { ...view, observed: true } : view;
  switch (operation.type) {
    case 'Set':
      return setView(before, operation, value, stamp);
    case 'Delete': {
      if (!isThere(before)) return { outcome: refusal(KeyValueCode.doesNotExist), view: before };
      const staged = { type: 'Delete', key: view.key, revisions: writesOf(before) + 1 } as const;
      return withStaged(before, KeyValueCode.deleted, staged, undefined, stamp);
    }
    case 'Extend': {
      if (!isThere(before)) return { outcome: refusal(KeyValueCode.doesNotExist), view: before };
      const { expiresMs } = operation;
      const lifetime = expiresMs === 0 ? {} : { expiresMs };
      const expires = expiresMs === 0 ? undefined : endOfLease(stamp, expiresMs);
      return withStaged(before, KeyValueCode.extended, extended(before, lifetime), expires, stamp);
    }
  }
}

/** Whether what is told of a write depends on what was committed before. A set without conditions overwrites whatever there is. */
function dependsOnBase(view: KeyView, operation: SessionWrite): boolean {
  if (operation.type === 'Set') {
    if ((operation.flags & SetFlag.ifEqualToRevision) !== 0) return true;
    const conditions = SetFlag.ifExists | SetFlag.ifNotExists | SetFlag.ifEqualToValue;
    if ((operation.flags & conditions) === 0) return false;
  }
  return ownValue(view) === undefined;
}

function writesOf({ staged }: KeyView): number {
  return staged === undefined || staged.type === 'Extend' ? 0 : staged.revisions;
}

function setView(view: KeyView, operation: SetOperation, value: Value, stamp: Timestamp): Viewed {
  if (!conditionsHold(operation, foundAs(view, value))) {
    return { outcome: outcomeOf(KeyValueCode.notSet, view, stamp), view };
  }
  const { key, flags, expiresMs } = operation;
  const staged: StagedWrite = {
    type: 'Set',
    key,
    value: operation.value,
    revisions: writesOf(view) + 1,
    ...((flags & SetFlag.noRevision) !== 0 && { noRevision: true }),
    ...(expiresMs !== undefined && { expiresMs }),
  };
  const expires = expiresMs === undefined ? undefined : endOfLease(stamp, expiresMs);
  return withStaged(view, KeyValueCode.set, staged, expires, stamp);
}

/** The key before a set, with the committed value where the transaction gave it none of its own. */
function foundAs(view: KeyView, committed: Value): Found {
  const exists = isThere(view);
  const own = ownValue(view);
  const value = own === undefined ? committed : own.value;
  return { exists, revision: revisionIn(view), value: exists ? value : null };
}

function extended({ key, staged }: KeyView, lifetime: { readonly expiresMs?: number }): StagedWrite {
  if (staged?.type !== 'Set') return { type: 'Extend', key, ...lifetime };
  const { value, revisions, noRevision } = staged;
  return { type: 'Set', key, value, revisions, ...(noRevision && { noRevision }), ...lifetime };
}

function withStaged(
  { staged: _staged, stagedExpires: _expires, ...before }: KeyView,
  code: KeyValueCode,
  staged: StagedWrite,
  expires: Timestamp | undefined,
  stamp: Timestamp,
): Viewed {
  const view: KeyView = {
    ...before,
    staged,
    ...(expires !== undefined && { stagedExpires: expires }),
  };
  return { outcome: outcomeOf(code, view, stamp), view };
}

function outcomeOf(code: KeyValueCode, view: KeyView, stamp: Timestamp): KeyValueOutcome {
  const { staged, stagedExpires, base } = view;
  const lastModified = staged === undefined || staged.type === 'Extend' ? base.lastModified : stamp;
  const expires = staged === undefined ? base.expires : stagedExpires;
  const outcome = { code, revision: revision(revisionIn(view)), value: null, lastModified };
  return expires === undefined ? outcome : { ...outcome, expires };
}

/** What the outcome of a read tells of the committed key. */
export function baseOf(outcome: KeyValueOutcome): KeyBase {
  const { code, revision: at, lastModified, expires } = outcome;
  if (code === KeyValueCode.doesNotExist) {
    return { exists: false, revision: at, lastModified: ZERO_TIMESTAMP };
  }
  return { exists: true, revision: at, lastModified, ...(expires !== undefined && { expires }) };
}

export function sameBase(a: KeyBase, b: KeyBase): boolean {
  return a.exists === b.exists && a.revision === b.revision;
}

export function observationOf({ key, base }: KeyView): Observation {
  return { type: 'Key', key, exists: base.exists, revision: revision(base.revision) };
}
