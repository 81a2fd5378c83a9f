/** The records of a partition's state: keys with their history, locks, and retries. Values are copies of their own. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { LogIndex, Revision } from '../machine/units.js';
import type { Outcome } from '../partition/command.js';
import type { KeyEntry, KeyVersion } from '../partition/key-entry.js';
import type { LockEntry } from '../partition/lock-entry.js';
import type { RetryRecord } from '../partition/retry-table.js';
import { isReference, type KeptValue } from '../partition/value-reference.js';
import {
  keepable,
  malformed,
  positive,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writePresentUnsigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readHoldOutcome, writeHoldOutcome } from './hold-operations.js';
import { readLockOutcome, writeLockOutcome } from './lock-operations.js';
import { readOutcome, writeOutcome } from './outcomes.js';
import { readSequenceOutcome, writeSequenceOutcome } from './sequence-records.js';
import { readTransactionOutcome, writeTransactionOutcome } from './transaction-outcomes.js';
import { readReference, writeReference } from './value-reference.js';
import { checkedKey, checkedRequestId, readTimestamp, readValue, writeTimestamp } from './values.js';

export function writeKeyEntry(writer: Writer, key: string, entry: KeyEntry): void {
  writeText(writer, 10, key);
  if (!isReference(entry.value)) writeOptionalBytes(writer, 18, entry.value);
  writeUnsigned(writer, 24, entry.revision);
  writeBool(writer, 32, entry.deleted);
  writeTimestamp(writer, 42, entry.lastModified);
  writeTimestamp(writer, 50, entry.expires);
  writeTimestamp(writer, 58, entry.lapsedAt);
  writeUnsigned(writer, 64, entry.expiresMs);
  writeUnsigned(writer, 72, entry.armedAt);
  for (const version of entry.history) writeNested(writer, 82, version, writeVersion);
  if (entry.forgotten !== undefined) writePresentUnsigned(writer, 88, entry.forgotten);
  if (isReference(entry.value)) writeNested(writer, 98, entry.value, writeReference);
  writeUnsigned(writer, 104, entry.revisions ?? 0);
}

const NO_HISTORY: readonly KeyVersion[] = [];

export function readKeyEntry(reader: Reader): { readonly key: string; readonly entry: KeyEntry } {
  let key = '';
  let value: KeptValue = null;
  let revision = 0;
  let deleted = false;
  let lastModified = ZERO_TIMESTAMP;
  let expires = ZERO_TIMESTAMP;
  let lapsedAt = ZERO_TIMESTAMP;
  let expiresMs = 0;
  let armedAt = 0;
  let history: KeyVersion[] | undefined;
  let forgotten: number | undefined;
  let revisions = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'KeyEntry.key');
        break;
      case 18:
        value = keepable(readValue(reader, 'KeyEntry.value'));
        break;
      case 24:
        revision = readUnsigned(reader, 'KeyEntry.revision');
        break;
      case 32:
        deleted = readUnsigned(reader, 'KeyEntry.deleted') !== 0;
        break;
      case 42:
        lastModified = readTimestamp(reader);
        break;
      case 50:
        expires = readTimestamp(reader);
        break;
      case 58:
        lapsedAt = readTimestamp(reader);
        break;
      case 64:
        expiresMs = readUnsigned(reader, 'KeyEntry.expires_ms');
        break;
      case 72:
        armedAt = readUnsigned(reader, 'KeyEntry.armed_at');
        break;
      case 82:
        (history ??= []).push(readNested(reader, readVersion));
        break;
      case 88:
        forgotten = readUnsigned(reader, 'KeyEntry.forgotten');
        break;
      case 98:
        value = readNested(reader, readReference);
        break;
      case 104:
        revisions = readUnsigned(reader, 'KeyEntry.revisions');
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'KeyEntry.key');
  // Literals with the fields in the order in which a write makes them, and one empty history for all: a node that starts again
  // makes all its keys here, and a spread would cost more than the reading.
  const newest = revision as Revision;
  const armed = armedAt as LogIndex;
  const older = history ?? NO_HISTORY;
  const told: KeyEntry =
    forgotten === undefined
      ? {
          value,
          revision: newest,
          deleted,
          lastModified,
          expires,
          lapsedAt,
          expiresMs,
          armedAt: armed,
          history: older,
        }
      : {
          value,
          revision: newest,
          deleted,
          lastModified,
          expires,
          lapsedAt,
          expiresMs,
          armedAt: armed,
          history: older,
          forgotten: forgotten as Revision,
        };
  const entry = withRevisions(told, revisions);
  checkVersion(reader, entry, 'KeyEntry');
  checkArmed(reader, expiresMs, armedAt, 'KeyEntry');
  if (expiresMs > 0 && (deleted || lapsedAt.node !== 0)) {
    malformed(reader, 'a KeyEntry is over, but has a time to live');
  }
  let newer = revision;
  for (const each of older) {
    if (each.revision >= newer)
      malformed(reader, `in KeyEntry.history, ${each.revision} comes after ${newer}`);
    newer = each.revision;
  }
  return { key, entry };
}

function withRevisions<T extends KeyVersion>(version: T, revisions: number): T {
  return revisions === 0 ? version : { ...version, revisions };
}

function checkVersion(
  reader: Reader,
  { deleted, value, lastModified, revision, revisions }: KeyVersion,
  what: string,
): void {
  if (revisions !== undefined && (revisions < 2 || revisions > revision + 1)) {
    malformed(reader, `${what}.revisions is ${revisions}, but its revision is ${revision}`);
  }
  if (deleted && value !== null) malformed(reader, `a ${what} is deleted, but has a value`);
  if (lastModified.node === 0) malformed(reader, `${what}.last_modified is missing`);
}

function checkArmed(reader: Reader, expiresMs: number, armedAt: number, what: string): void {
  if ((expiresMs === 0) !== (armedAt === 0)) {
    malformed(reader, `${what}.expires_ms is ${expiresMs}, but armed_at is ${armedAt}`);
  }
}

export function writeVersion(writer: Writer, version: KeyVersion): void {
  if (!isReference(version.value)) writeOptionalBytes(writer, 10, version.value);
  writeUnsigned(writer, 16, version.revision);
  writeBool(writer, 24, version.deleted);
  writeTimestamp(writer, 34, version.lastModified);
  writeTimestamp(writer, 42, version.expires);
  writeTimestamp(writer, 50, version.lapsedAt);
  if (isReference(version.value)) writeNested(writer, 58, version.value, writeReference);
  writeUnsigned(writer, 64, version.revisions ?? 0);
}

export function readVersion(reader: Reader): KeyVersion {
  let value: KeptValue = null;
  let revision = 0;
  let deleted = false;
  let lastModified = ZERO_TIMESTAMP;
  let expires = ZERO_TIMESTAMP;
  let lapsedAt = ZERO_TIMESTAMP;
  let revisions = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        value = keepable(readValue(reader, 'KeyVersion.value'));
        break;
      case 16:
        revision = readUnsigned(reader, 'KeyVersion.revision');
        break;
      case 24:
        deleted = readUnsigned(reader, 'KeyVersion.deleted') !== 0;
        break;
      case 34:
        lastModified = readTimestamp(reader);
        break;
      case 42:
        expires = readTimestamp(reader);
        break;
      case 50:
        lapsedAt = readTimestamp(reader);
        break;
      case 58:
        value = readNested(reader, readReference);
        break;
      case 64:
        revisions = readUnsigned(reader, 'KeyVersion.revisions');
        break;
      default:
        skipField(reader, tag);
    }
  }
  const plain = { value, revision: revision as Revision, deleted, lastModified, expires, lapsedAt };
  const version = withRevisions(plain, revisions);
  checkVersion(reader, version, 'KeyVersion');
  return version;
}

export function writeLockEntry(writer: Writer, resource: string, entry: LockEntry): void {
  writeText(writer, 10, resource);
  writeOptionalBytes(writer, 18, entry.owner);
  writeUnsigned(writer, 24, entry.fencingToken);
  writeUnsigned(writer, 32, entry.expiresMs);
  writeUnsigned(writer, 40, entry.armedAt);
  writeTimestamp(writer, 50, entry.expires);
  writeBool(writer, 56, entry.lapsed);
  writeTimestamp(writer, 66, entry.lastModified);
}

export function readLockEntry(reader: Reader): { readonly resource: string; readonly entry: LockEntry } {
  let resource = '';
  let owner: Uint8Array | null = null;
  let fencingToken = 0;
  let expiresMs = 0;
  let armedAt = 0;
  let expires = ZERO_TIMESTAMP;
  let lapsed = false;
  let lastModified = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        resource = readText(reader, 'LockEntry.resource');
        break;
      case 18:
        owner = keepable(readValue(reader, 'LockEntry.owner'));
        break;
      case 24:
        fencingToken = readUnsigned(reader, 'LockEntry.fencing_token');
        break;
      case 32:
        expiresMs = readUnsigned(reader, 'LockEntry.expires_ms');
        break;
      case 40:
        armedAt = readUnsigned(reader, 'LockEntry.armed_at');
        break;
      case 50:
        expires = readTimestamp(reader);
        break;
      case 56:
        lapsed = readUnsigned(reader, 'LockEntry.lapsed') !== 0;
        break;
      case 66:
        lastModified = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, resource, 'LockEntry.resource');
  checkArmed(reader, expiresMs, armedAt, 'LockEntry');
  if ((owner !== null && !lapsed) !== expiresMs > 0) {
    malformed(reader, 'a LockEntry has a lease but nobody who holds it, or the other way round');
  }
  if (lapsed && owner === null) malformed(reader, 'a LockEntry has lapsed, but its owner is missing');
  if (lastModified.node === 0) malformed(reader, 'LockEntry.last_modified is missing');
  const lease = { expiresMs, armedAt: armedAt as LogIndex, expires, lapsed };
  return { resource, entry: { owner, fencingToken, ...lease, lastModified } };
}

export function writeRetryRecord(
  writer: Writer,
  { requestId, index, operation, outcome }: RetryRecord,
): void {
  writeText(writer, 10, requestId);
  writeUnsigned(writer, 16, index);
  writeText(writer, 26, operation);
  if (outcome.family === undefined) writeNested(writer, 34, outcome, writeOutcome);
  else if (outcome.family === 'lock') writeNested(writer, 42, outcome, writeLockOutcome);
  else if (outcome.family === 'sequence') writeNested(writer, 50, outcome, writeSequenceOutcome);
  else if (outcome.family === 'transaction') writeNested(writer, 58, outcome, writeTransactionOutcome);
  else if (outcome.family === 'hold') writeNested(writer, 402, outcome, writeHoldOutcome);
}

export function readRetryRecord(reader: Reader): RetryRecord {
  let requestId = '';
  let index = 0;
  let operation = '';
  let outcome: Outcome | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'RetryRecord.request_id');
        break;
      case 16:
        index = readUnsigned(reader, 'RetryRecord.index');
        break;
      case 26:
        operation = readText(reader, 'RetryRecord.operation');
        break;
      case 34: {
        const read = readNested(reader, readOutcome);
        outcome = read.value === null ? read : { ...read, value: keepable(read.value) };
        break;
      }
      case 42:
        outcome = readNested(reader, readLockOutcome);
        break;
      case 50:
        outcome = readNested(reader, readSequenceOutcome);
        break;
      case 58:
        outcome = readNested(reader, readTransactionOutcome);
        break;
      case 402:
        outcome = readNested(reader, readHoldOutcome);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (outcome === undefined) malformed(reader, 'RetryRecord holds no outcome that this version knows');
  return {
    requestId: checkedRequestId(reader, requestId, 'RetryRecord.request_id'),
    index: positive(reader, index, 'RetryRecord.index') as LogIndex,
    operation,
    outcome,
  };
}
