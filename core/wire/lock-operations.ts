/** Operations on locks, and their outcomes. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { LockCode, type LockOperation, type LockOutcome } from '../partition/lock-command.js';
import { checkedExpiry, EPHEMERAL, ephemeralIf, writeEphemeral } from './key-operations.js';
import {
  keepable,
  malformed,
  readText,
  readUnsigned,
  skipField,
  writeOptionalBytes,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey, readTimestamp, readValue, writeTimestamp } from './values.js';

/** All of them are one kind of message, some without an owner or a lease. */
export function writeLockOperation(writer: Writer, operation: LockOperation): void {
  writeText(writer, 10, operation.resource);
  if ('owner' in operation) writeOptionalBytes(writer, 18, operation.owner);
  if ('expiresMs' in operation) writeUnsigned(writer, 24, operation.expiresMs);
  writeEphemeral(writer, operation);
}

/** The owner outlives the entry by as long as the lock is held, so it never keeps a large buffer alive. */
export function readLockOperation(reader: Reader, type: LockOperation['type']): LockOperation {
  let resource = '';
  let owner: Uint8Array | undefined;
  let expiresMs = 0;
  let flag = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        resource = readText(reader, 'the resource of a lock');
        break;
      case 18:
        owner = keepable(readValue(reader, 'the owner of a lock'));
        break;
      case 24:
        expiresMs = readUnsigned(reader, 'the lease of a lock');
        break;
      case EPHEMERAL:
        flag = readUnsigned(reader, 'ephemeral of a lock');
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, resource, 'the resource of a lock');
  const ephemeral = ephemeralIf(flag);
  if (type === 'GetLock') return { type, resource, ...ephemeral };
  if (owner === undefined || owner.length === 0) malformed(reader, 'the owner of a lock is missing or empty');
  if (type === 'ReleaseLock') return { type, resource, owner, ...ephemeral };
  checkedExpiry(reader, expiresMs, 'the lease of a lock');
  return { type, resource, owner, expiresMs, ...ephemeral };
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(LockCode));

export function writeLockOutcome(writer: Writer, outcome: LockOutcome): void {
  writeUnsigned(writer, 8, outcome.code);
  writeUnsigned(writer, 16, outcome.fencingToken);
  writeOptionalBytes(writer, 26, outcome.owner);
  writeTimestamp(writer, 34, outcome.expires);
}

export function readLockOutcome(reader: Reader): LockOutcome {
  let code = 0;
  let fencingToken = 0;
  let owner: Uint8Array | null = null;
  let expires = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'LockOutcome.code');
        break;
      case 16:
        fencingToken = readUnsigned(reader, 'LockOutcome.fencing_token');
        break;
      case 26:
        owner = keepable(readValue(reader, 'LockOutcome.owner'));
        break;
      case 34:
        expires = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `LockOutcome.code ${code} is unknown`);
  return { family: 'lock', code: code as LockCode, fencingToken, owner, expires };
}
