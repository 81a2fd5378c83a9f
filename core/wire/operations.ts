/** Operations, as a field of the message around them: which field it is says what kind it is. */

import { unreachable } from '../machine/assert.js';
import type { Operation } from '../partition/command.js';
import { readNested, writeNested, type Reader, type Writer } from './fields.js';
import {
  readDelete,
  readExtend,
  readPointRead,
  readScan,
  readSet,
  writeDelete,
  writeExtend,
  writePointRead,
  writeScan,
  writeSet,
} from './key-operations.js';
import { readLockOperation, writeLockOperation } from './lock-operations.js';
import {
  readCreateSequence,
  readNameOnly,
  readReserveSequence,
  readUpdateSequence,
  writeCreateSequence,
  writeNameOnly,
  writeReserveSequence,
  writeUpdateSequence,
} from './sequence-operations.js';
import { readTransactionOperation, writeTransactionOperation } from './transaction-operations.js';

/** Writes the operation as one of the fields 4 to 19. */
export function writeOperation(writer: Writer, operation: Operation): void {
  switch (operation.type) {
    case 'Set':
      return writeNested(writer, 34, operation, writeSet);
    case 'Delete':
      return writeNested(writer, 42, operation, writeDelete);
    case 'Get':
      return writeNested(writer, 50, operation, writePointRead);
    case 'Exists':
      return writeNested(writer, 58, operation, writePointRead);
    case 'Extend':
      return writeNested(writer, 66, operation, writeExtend);
    case 'Scan':
      return writeNested(writer, 74, operation, writeScan);
    case 'AcquireLock':
      return writeNested(writer, 82, operation, writeLockOperation);
    case 'ExtendLock':
      return writeNested(writer, 90, operation, writeLockOperation);
    case 'ReleaseLock':
      return writeNested(writer, 98, operation, writeLockOperation);
    case 'GetLock':
      return writeNested(writer, 106, operation, writeLockOperation);
    case 'CreateSequence':
      return writeNested(writer, 114, operation, writeCreateSequence);
    case 'UpdateSequence':
      return writeNested(writer, 122, operation, writeUpdateSequence);
    case 'ReserveSequence':
      return writeNested(writer, 130, operation, writeReserveSequence);
    case 'DeleteSequence':
      return writeNested(writer, 138, operation, writeNameOnly);
    case 'GetSequence':
      return writeNested(writer, 146, operation, writeNameOnly);
    case 'Prepare':
    case 'CommitAtOnce':
    case 'Validate':
    case 'Decide':
    case 'Settle':
    case 'Finish':
    case 'GetDecision':
    case 'AcquireTransactionLocks':
    case 'ReleaseTransactionLocks':
      return writeNested(writer, 154, operation, writeTransactionOperation);
    default:
      unreachable(operation);
  }
}

/** The operation in the field of that tag, or undefined when it is not the field of an operation: then nothing is read. */
export function readOperation(reader: Reader, tag: number): Operation | undefined {
  switch (tag) {
    case 34:
      return readNested(reader, readSet);
    case 42:
      return readNested(reader, readDelete);
    case 50:
      return { type: 'Get', ...readNested(reader, readPointRead) };
    case 58:
      return { type: 'Exists', ...readNested(reader, readPointRead) };
    case 66:
      return readNested(reader, readExtend);
    case 74:
      return readNested(reader, readScan);
    case 82:
      return readNested(reader, (nested) => readLockOperation(nested, 'AcquireLock'));
    case 90:
      return readNested(reader, (nested) => readLockOperation(nested, 'ExtendLock'));
    case 98:
      return readNested(reader, (nested) => readLockOperation(nested, 'ReleaseLock'));
    case 106:
      return readNested(reader, (nested) => readLockOperation(nested, 'GetLock'));
    case 114:
      return readNested(reader, readCreateSequence);
    case 122:
      return readNested(reader, readUpdateSequence);
    case 130:
      return readNested(reader, readReserveSequence);
    case 138:
      return { type: 'DeleteSequence', name: readNested(reader, readNameOnly) };
    case 146:
      return { type: 'GetSequence', name: readNested(reader, readNameOnly) };
    case 154:
      return readNested(reader, readTransactionOperation);
    default:
      return undefined;
  }
}
