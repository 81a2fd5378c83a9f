/** Keys and their revisions (key/value specification, section 4). */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
import { logIndex, revision, type LogIndex } from '../machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type Command,
  type KeyValueOutcome,
  type KeyValueRead,
  type KeyValueWrite,
  type Lapse,
  type Outcome,
  type SetOperation,
  type Value,
} from './command.js';
import { nextStamp, type Change, type Contents } from './contents.js';
import { NEVER_WRITTEN, type KeyEntry } from './key-entry.js';
import { refusal } from './operation.js';

export function writeKey(
  contents: Contents,
  _index: LogIndex,
  command: Command,
  operation: KeyValueWrite,
): Change {
  const current = mapGet(contents.keys, operation.key);
  if (operation.type === 'Set') {
    if (!conditionsHold(operation, current)) {
      return { contents, outcome: outcomeOf(KeyValueCode.notSet, current) };
    }
    return withEntry(
      contents,
      operation.key,
      KeyValueCode.set,
      nextEntry(contents, command, current, operation.value, false),
    );
  }
  if (current === undefined || current.deleted)
    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };
  return withEntry(
    contents,
    operation.key,
    KeyValueCode.deleted,
    nextEntry(contents, command, current, null, true),
  );
}

function withEntry(contents: Contents, key: string, code: KeyValueCode, entry: KeyEntry): Change {
  const { locks, sequences } = contents;
  const keys = mapSet(contents.keys, key, entry);
  return {
    contents: { keys, locks, sequences, lastModified: entry.lastModified },
    outcome: outcomeOf(code, entry),
  };
}

/** A tombstone counts as absent for the existence flags, and as null for the comparison by value. */
function conditionsHold(operation: SetOperation, current: KeyEntry | undefined): boolean {
  const { flags } = operation;
  const exists = current !== undefined && !current.deleted;
  if ((flags & SetFlag.ifExists) !== 0 && !exists) return false;
  if ((flags & SetFlag.ifNotExists) !== 0 && exists) return false;
  if ((flags & SetFlag.ifEqualToValue) !== 0) {
    if (!valuesEqual(exists ? current.value : null, operation.compareValue)) return false;
  }
  if ((flags & SetFlag.ifEqualToRevision) !== 0) {
    if ((current?.revision ?? NEVER_WRITTEN) !== operation.compareRevision) return false;
  }
  return true;
}

function nextEntry(
  contents: Contents,
  { stampedAt }: Command,
  current: KeyEntry | undefined,
  value: Value,
  deleted: boolean,
): KeyEntry {
  return {
    value,
    revision: revision((current?.revision ?? NEVER_WRITTEN) + 1),
    deleted,
    lastModified: nextStamp(contents, stampedAt),
    expires: ZERO_TIMESTAMP,
    lapsedAt: ZERO_TIMESTAMP,
    expiresMs: 0,
    armedAt: logIndex(0),
    history: [],
  };
}

export function readKeys({ keys }: Contents, operation: KeyValueRead): Outcome {
  if (operation.type === 'Scan') return refusal(KeyValueCode.errored);
  const entry = mapGet(keys, operation.key);
  if (entry === undefined || entry.deleted) return refusal(KeyValueCode.doesNotExist);
  if (operation.type === 'Exists') return outcomeOf(KeyValueCode.exists, entry);
  return {
    code: KeyValueCode.got,
    revision: entry.revision,
    value: entry.value,
    lastModified: entry.lastModified,
  };
}

/** A key whose time to live is over is absent from here on, if it is still the same life. */
export function endKey(contents: Contents, _lapse: Lapse, _at: Timestamp): Contents {
  return contents;
}

export function valuesEqual(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

function outcomeOf(code: KeyValueCode, entry: KeyEntry | undefined): KeyValueOutcome {
  return {
    code,
    revision: entry?.revision ?? NEVER_WRITTEN,
    value: null,
    lastModified: entry?.lastModified ?? ZERO_TIMESTAMP,
  };
}
