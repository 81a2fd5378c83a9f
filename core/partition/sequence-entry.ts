/** What a partition keeps of a sequence. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { SequenceAllocation, SequenceRecord } from './sequence-command.js';

export interface SequenceEntry {
  readonly record: SequenceRecord;
  /** Allocations that can be replayed, oldest first. */
  readonly keyed: readonly KeyedAllocation[];
}

export interface KeyedAllocation {
  readonly key: string;
  readonly allocation: SequenceAllocation;
  readonly at: Timestamp;
}
