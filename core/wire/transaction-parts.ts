/** The parts of what coordinators ask: writes that are staged, what was seen, and locks that are needed. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { Revision } from '../machine/units.js';
import type { KeyBound, Value } from '../partition/command.js';
import type { LockNeed, Observation, RangeLock, StagedWrite } from '../partition/transaction-command.js';
import { checkedExpiry, readBound, writeBound } from './key-operations.js';
import {
  malformed,
  positive,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey, readTimestamp, readValue, writeTimestamp } from './values.js';

/** Their numbers, counted from 1. */
const WRITES: readonly StagedWrite['type'][] = ['Set', 'Delete', 'Extend'];

export function writeStagedWrite(writer: Writer, write: StagedWrite): void {
  writeUnsigned(writer, 8, WRITES.indexOf(write.type) + 1);
  writeText(writer, 18, write.key);
  if (write.type === 'Set') writeOptionalBytes(writer, 26, write.value);
  if (write.type !== 'Extend') writeUnsigned(writer, 32, write.revisions);
  if (write.type === 'Set') writeBool(writer, 40, write.noRevision === true);
  if (write.type !== 'Delete') writeUnsigned(writer, 48, write.expiresMs ?? 0);
}

/** The value is a view of the input. */
export function readStagedWrite(reader: Reader): StagedWrite {
  let number = 0;
  let key = '';
  let value: Value = null;
  let revisions = 0;
  let noRevision = 0;
  let expiresMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        number = readUnsigned(reader, 'StagedWrite.type');
        break;
      case 18:
        key = readText(reader, 'StagedWrite.key');
        break;
      case 26:
        value = readValue(reader, 'StagedWrite.value');
        break;
      case 32:
        revisions = readUnsigned(reader, 'StagedWrite.revisions');
        break;
      case 40:
        noRevision = readUnsigned(reader, 'StagedWrite.no_revision');
        break;
      case 48:
        expiresMs = readUnsigned(reader, 'StagedWrite.expires_ms');
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'StagedWrite.key');
  const type = WRITES[number - 1];
  const lifetime =
    expiresMs === 0 ? {} : { expiresMs: checkedExpiry(reader, expiresMs, 'StagedWrite.expires_ms') };
  if (type === 'Extend') return { type, key, ...lifetime };
  positive(reader, revisions, 'StagedWrite.revisions');
  switch (type) {
    case 'Set':
      return { type, key, value, revisions, ...(noRevision === 0 ? {} : { noRevision: true }), ...lifetime };
    case 'Delete':
      return { type, key, revisions };
    default:
      return malformed(reader, `StagedWrite.type ${number} is unknown`);
  }
}

/** A key that was seen has a key; a range has a prefix. */
export function writeObservation(writer: Writer, observation: Observation): void {
  if (observation.type === 'Key') {
    writeText(writer, 10, observation.key);
    writeBool(writer, 16, observation.exists);
    writeSigned(writer, 24, observation.revision);
    return;
  }
  writeText(writer, 34, observation.prefix);
  if (observation.from !== undefined) writeNested(writer, 42, observation.from, writeBound);
  if (observation.to !== undefined) writeNested(writer, 50, observation.to, writeBound);
  writeTimestamp(writer, 58, observation.at);
}

export function readObservation(reader: Reader): Observation {
  let key = '';
  let exists = 0;
  let revision = 0;
  let prefix = '';
  let from: KeyBound | undefined;
  let to: KeyBound | undefined;
  let at = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'Observation.key');
        break;
      case 16:
        exists = readUnsigned(reader, 'Observation.exists');
        break;
      case 24:
        revision = readSigned(reader, 'Observation.revision');
        break;
      case 34:
        prefix = readText(reader, 'Observation.prefix');
        break;
      case 42:
        from = readNested(reader, readBound);
        break;
      case 50:
        to = readNested(reader, readBound);
        break;
      case 58:
        at = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if ((key === '') === (prefix === '')) {
    malformed(reader, 'an Observation is neither of a key nor of a range, or of both');
  }
  if (key === '') return { type: 'Range', prefix, ...boundsIf(from, to), at };
  if (revision < -1) malformed(reader, `Observation.revision is ${revision}, below -1`);
  return { type: 'Key', key, exists: exists !== 0, revision: revision as Revision };
}

function boundsIf(from: KeyBound | undefined, to: KeyBound | undefined): Pick<RangeLock, 'from' | 'to'> {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Their numbers, counted from 1; a range lock that is shared is one more. */
const NEEDS: readonly LockNeed['type'][] = ['KeyLock', 'PrefixLock', 'RangeLock'];
const SHARED = NEEDS.length + 1;

export function writeNeed(writer: Writer, need: LockNeed): void {
  const isShared = need.type === 'RangeLock' && need.mode === 'shared';
  writeUnsigned(writer, 8, isShared ? SHARED : NEEDS.indexOf(need.type) + 1);
  writeText(writer, 18, need.type === 'KeyLock' ? need.key : need.prefix);
  if (need.type !== 'RangeLock') return;
  if (need.from !== undefined) writeNested(writer, 26, need.from, writeBound);
  if (need.to !== undefined) writeNested(writer, 34, need.to, writeBound);
}

export function readNeed(reader: Reader): LockNeed {
  let number = 0;
  let name = '';
  let from: KeyBound | undefined;
  let to: KeyBound | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        number = readUnsigned(reader, 'LockNeed.type');
        break;
      case 18:
        name = readText(reader, 'LockNeed.name');
        break;
      case 26:
        from = readNested(reader, readBound);
        break;
      case 34:
        to = readNested(reader, readBound);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, name, 'LockNeed.name');
  const type = number === SHARED ? 'RangeLock' : NEEDS[number - 1];
  switch (type) {
    case 'KeyLock':
      return { type, key: name };
    case 'PrefixLock':
      return { type, prefix: name };
    case 'RangeLock': {
      const mode = number === SHARED ? 'shared' : 'exclusive';
      return { type, prefix: name, ...boundsIf(from, to), mode };
    }
    default:
      return malformed(reader, `LockNeed.type ${number} is unknown`);
  }
}
