/** The conditions of a set (key/value specification, section 4): they are the same for a single set and within a transaction. */

import { SetFlag, type SetOperation } from './command.js';
import { keptEquals, type KeptValue } from './value-reference.js';

/** A key as whoever sets it finds it. */
export interface Found {
  readonly exists: boolean;
  /** Of its newest version, which may be a tombstone; -1 for one that was never written. */
  readonly revision: number;
  /** Null where it does not exist. */
  readonly value: KeptValue;
}

/** Whether all the conditions of the set hold; one without conditions always does. */
export function conditionsHold(operation: SetOperation, { exists, revision, value }: Found): boolean {
  const { flags } = operation;
  if ((flags & SetFlag.ifExists) !== 0 && !exists) return false;
  if ((flags & SetFlag.ifNotExists) !== 0 && exists) return false;
  if ((flags & SetFlag.ifEqualToValue) !== 0 && !keptEquals(value, operation.compareValue)) return false;
  return (flags & SetFlag.ifEqualToRevision) === 0 || revision === operation.compareRevision;
}
