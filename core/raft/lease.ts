/**
 * Leases: a leader that may answer reads without asking anybody (thesis, section 6.4.1).
 *
 * A voter that heard from its leader helps nobody else to an election for `leaseMs` (`hearsFromLeader`), nor does it
 * when it may have heard from one just before it was started. So after a majority has answered a round of heartbeats, no
 * other leader can be elected until that majority's patience ends. The leader counts from when it *sent* the round,
 * by its own clock, and gives up early by what two clocks may drift apart meanwhile. It compares its clock when it
 * answers: a process that stood still finds that its lease has run out.
 *
 * A lease ends with the leadership, and for the rest of the term when another node is asked to campaign
 * (`askedToCampaign`): that request may arrive late, and voters obey it whatever they promised.
 */

import { emptyFifo, fifoPeek, fifoPop, fifoPush, type Fifo } from '../collections/fifo.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import type { RaftOptions, RaftState } from './state.js';
import type { RaftTurn } from './turn.js';

export interface Lease {
  /** By this leader's own clock, no other node can have been elected before; 0 for no lease. */
  readonly until: MonotonicMs;
  /** Rounds of heartbeats that no majority has answered yet, oldest first. CheckQuorum bounds their number. */
  readonly unconfirmed: Fifo<SentRound>;
}

export interface SentRound {
  readonly round: number;
  readonly sentAt: MonotonicMs;
}

export const NO_LEASE: Lease = { until: monotonicMs(0), unconfirmed: emptyFifo() };

/**
 * How long a lease lasts from the sending of its round, in milliseconds of the leader's clock; 0 for no leases.
 *
 * With clocks that run between 1 - d and 1 + d times as fast as time does, a voter's promise of p ms by its own clock may be
 * over after p / (1 + d) ms, and a lease of l ms may last l / (1 - d) ms. One millisecond is lost to the rounding of clocks.
 */
export function leaseDurationMs({ leaseMs, maxClockDriftPercent }: RaftOptions): number {
  if (leaseMs === 0) return 0;
  return Math.floor(((leaseMs - 1) * (100 - maxClockDriftPercent)) / (100 + maxClockDriftPercent));
}

/** Whether this node may answer reads by lease: it leads, has committed in its term, and its lease has not run out. */
export function holdsLease<Image>(
  raft: Pick<RaftState<Image>, 'role' | 'commit' | 'termStart' | 'lease' | 'askedToCampaign'>,
  now: MonotonicMs,
): boolean {
  const isSettled = raft.role === 'leader' && raft.commit >= raft.termStart && !raft.askedToCampaign;
  return isSettled && now < raft.lease.until;
}

/** Gives the heartbeats that are about to be sent a round of their own, and notes when it was sent. */
export function openLeaseRound<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const { until, unconfirmed } = raft.lease;
  if (raft.askedToCampaign || context.options.leaseMs === 0) return;
  raft.round += 1;
  const sent: SentRound = { round: raft.round, sentAt: context.now };
  raft.lease = { until, unconfirmed: fifoPush(unconfirmed, sent) };
}

/** A majority has answered this round: the lease goes on from when it, or the last one before it, was sent. */
export function extendLease<Image>(turn: RaftTurn<Image>, confirmed: number): void {
  const { raft, context } = turn;
  let { until, unconfirmed } = raft.lease;
  let sent = fifoPeek(unconfirmed);
  if (sent === undefined || sent.round > confirmed) return;
  while (sent !== undefined && sent.round <= confirmed) {
    until = monotonicMs(sent.sentAt + leaseDurationMs(context.options));
    unconfirmed = fifoPop(unconfirmed);
    sent = fifoPeek(unconfirmed);
  }
  raft.lease = { until, unconfirmed };
}
