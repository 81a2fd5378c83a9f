/** What clients may ask about holds. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { MAX_HOLDER_LENGTH, type HoldOperation, type SetFloorOperation } from './hold-command.js';
import { MAX_EXPIRES_MS } from './validate.js';
import { problemWithName } from './validate-name.js';

/** What is wrong with the operation, in words for its sender; undefined when nothing is. */
export function problemWithHold(operation: HoldOperation | SetFloorOperation): string | undefined {
  switch (operation.type) {
    case 'AcquireHold':
      return (
        problemWithHolder(operation.holder) ??
        problemWithTime(operation.timestamp) ??
        problemWithLease(operation.leaseMs)
      );
    case 'RenewHold':
      return problemWithName('id of the hold', operation.hold) ?? problemWithLease(operation.leaseMs);
    case 'ReleaseHold':
      return problemWithName('id of the hold', operation.hold);
    case 'GetFloor':
      return undefined;
    case 'SetFloor':
      return isWhole(operation.group, operation.position) && operation.group >= 1
        ? undefined
        : `a floor is for a partition, which ${operation.group} is not, and has a position`;
  }
}

function problemWithHolder(holder: string): string | undefined {
  if (holder.length > MAX_HOLDER_LENGTH) {
    return `the holder has ${holder.length} characters; at most ${MAX_HOLDER_LENGTH} are allowed`;
  }
  return problemWithName('holder', holder);
}

function problemWithTime({ node, wall, counter }: Timestamp): string | undefined {
  if (!isWhole(node, wall, counter) || node > MAX_NODE || counter > MAX_COUNTER) {
    return `the time to hold must be a timestamp, but is ${wall}.${counter} of node ${node}`;
  }
  return wall === 0 && counter === 0 && node === 0 ? 'the time to hold is missing, or zero' : undefined;
}

const MAX_NODE = 0x7fff_ffff;
const MAX_COUNTER = 0xffff_ffff;

function isWhole(...numbers: readonly number[]): boolean {
  return numbers.every((each) => Number.isSafeInteger(each) && each >= 0);
}

function problemWithLease(leaseMs: number): string | undefined {
  if (Number.isSafeInteger(leaseMs) && leaseMs >= 1 && leaseMs <= MAX_EXPIRES_MS) return undefined;
  return `leaseMs must be a whole number from 1 to ${MAX_EXPIRES_MS}, but is ${leaseMs}`;
}
