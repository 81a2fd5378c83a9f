/**
 * Leadership: what a group's leader keeps in its memory alone, and what is gone when it leads no longer.
 *
 * Belongs to one node in one term. It begins when the node is first seen to lead and is dropped, whole, with the role or
 * the term (`tenure.ts`): nothing in it is ever carried over, so nothing in it can contradict what another leader did meanwhile.
 *
 *  - Since when each lease has run (`leases.ts`, `expiry.ts`). One that was armed under an earlier leader starts afresh at
 *    the moment this leadership began: this node cannot know how much of it has passed, so it lasts longer, never shorter.
 *  - The ephemeral keys and locks (`ephemeral.ts`).
 *  - The blocks of sequences (`reservations.ts`).
 *  - The locks of transactions (`locking.ts`), what waits for those that are prepared (`blocked.ts`), and what it looks after
 *    for their sake (`resolver.ts`).
 *  - How far it has come in looking for what is to go of the past (`retaining.ts`).
 */

import type { Fifo } from '../collections/fifo.js';
import { emptyOrderedMap, type OrderedMap } from '../collections/ordered-map.js';
import { logIndex, type LogIndex, type MonotonicMs, type Term } from '../machine/units.js';
import { EMPTY_PARTITION, type PartitionState } from '../partition/partition.js';
import type { SequenceBlock } from '../partition/sequence-block.js';
import type { Agenda } from './agenda.js';
import type { Blocked } from './blocked.js';
import type { Execution } from './execution.js';
import { NO_LEASES, type Leases, type Space } from './leases.js';
import type { LockTable } from './lock-table.js';
import type { Trimming } from './retaining.js';

export interface Leadership {
  readonly term: Term;
  /** When it began, by this node's clock. */
  readonly since: MonotonicMs;
  /** What this node had applied by then: what was armed at or before it began under an earlier leader. */
  readonly inherited: LogIndex;
  readonly leases: Leases;
  /** Where to go on looking for leases of earlier leaders; undefined once they are all among `leases`. */
  readonly unseen: Unseen | undefined;
  /** When to look for what is over, or for what is unseen; undefined while there is neither. */
  readonly sweepAt: MonotonicMs | undefined;
  /** Not before this time. */
  readonly sweepFrom: MonotonicMs;
  /** The newest command that only says what is over, 0 for none: there is no other one before it is applied. */
  readonly sweep: LogIndex;
  readonly ephemeral: Ephemeral;
  /** By the name of the sequence; only those that have anything to remember. */
  readonly blocks: OrderedMap<SequenceBlocks>;
  /** Undefined until one is asked for. */
  readonly locks: TransactionLocks | undefined;
  /** Undefined for nothing. */
  readonly blocked: Blocked | undefined;
  /** Undefined until it has looked for what there is: not before it has applied all that it inherits. */
  readonly agenda: Agenda | undefined;
  /** Absent while there is no past to be bounded. */
  readonly trimming?: Trimming;
}

/** Those on ephemeral keys are apart. */
export interface TransactionLocks {
  readonly persistent?: LockTable;
  readonly ephemeral?: LockTable;
}

/** A place among all keys, locks and holds. */
export interface Unseen {
  readonly space: Space;
  readonly from: string;
}

/** A partition that is not replicated; its indexes count the writes to it. */
export interface Ephemeral {
  readonly state: PartitionState;
  readonly leases: Leases;
}

/** What a leader holds of a sequence. */
export interface SequenceBlocks {
  /** What is left of the newest block; undefined for nothing. */
  readonly held: SequenceBlock | undefined;
  /** The command on its way that takes the next one; 0 for none. */
  readonly inFlight: LogIndex;
  /** Reservations that wait for it, oldest first; at most `maxWaitingReservations`. */
  readonly queue: Fifo<Execution>;
  readonly queued: number;
}

const NOTHING_EPHEMERAL: Ephemeral = { state: EMPTY_PARTITION, leases: NO_LEASES };

/** A leadership that begins now, in a group of which this node has applied so much. */
export function newLeadership(term: Term, since: MonotonicMs, inherited: LogIndex): Leadership {
  return {
    term,
    since,
    inherited,
    leases: NO_LEASES,
    unseen: { space: 'key', from: '' },
    sweepAt: undefined,
    sweepFrom: since,
    sweep: logIndex(0),
    ephemeral: NOTHING_EPHEMERAL,
    blocks: emptyOrderedMap(),
    locks: undefined,
    blocked: undefined,
    agenda: undefined,
  };
}
