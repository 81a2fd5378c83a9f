/** Locks with leases and fencing tokens (lock specification, sections 3 to 5). */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, Lapse, Outcome } from './command.js';
import type { Change, Contents } from './contents.js';
import type { GetLockOperation, LockWrite } from './lock-command.js';
import { refusalOf } from './operation.js';

export function writeLock(
  contents: Contents,
  _index: LogIndex,
  _command: Command,
  operation: LockWrite,
): Change {
  return { contents, outcome: refusalOf(operation, 'errored') };
}

export function readLock(_contents: Contents, operation: GetLockOperation): Outcome {
  return refusalOf(operation, 'errored');
}

/** A lock whose lease is over is free from here on, if it is still the same lease. */
export function endLock(contents: Contents, _lapse: Lapse, _at: Timestamp): Contents {
  return contents;
}
