/**
 * Tenure: when this node's leadership of a group begins and ends (`leadership.ts` says what it holds).
 */

import { fifoToArray } from '../collections/fifo.js';
import { mapForEach } from '../collections/ordered-map.js';
import { radixForEach } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import { wake } from '../raft/quiescence.js';
import { newLeadership, type Leadership } from './leadership.js';
import { tryAgain, type Answer } from './proposals.js';
import type { NodeTurn, OpenGroup } from './turn.js';

/** This node's leadership of the group, where it does lead. */
export function leadershipOf({ group, raft }: OpenGroup): Leadership | undefined {
  const { lead } = group;
  return lead !== undefined && raft.raft.role === 'leader' && raft.raft.term === lead.term ? lead : undefined;
}

/** The same where it is known that this node leads, and has noticed. */
export function presentLeadership(opened: OpenGroup): Leadership {
  return present(leadershipOf(opened), () => `this node does not lead group ${opened.raft.raft.group}`);
}

/**
 * Begins the leadership that this node has won, ends the one that it has lost. To be called before anything is done as
 * a leader, and before those who asked a leader are told. A node may lose one and win another in a single turn.
 */
export function noticeLeadership(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { group } = opened;
  const { role, term } = opened.raft.raft;
  const { lead } = group;
  if (role === 'leader' ? lead?.term === term : lead === undefined) return;
  const { partition } = group;
  group.lead = role === 'leader' ? newLeadership(term, turn.now.monotonic, partition.applied) : undefined;
  if (lead === undefined) return;
  releaseReservations(turn, opened, lead, answer);
  releaseBlocked(turn, opened, lead, answer);
}

/**
 * The same for whoever is about to act as a leader of its own accord or for a request. A group that sleeps is woken first: its
 * leader may find then that it has slept through the loss of its majority and leads no longer (`wake`), and that must not
 * come between what it does.
 */
export function wakeToLead(turn: NodeTurn, opened: OpenGroup, answer: Answer): Leadership | undefined {
  const { raft } = opened.raft;
  if (raft.role === 'leader' && raft.rest.asleep) {
    wake(opened.raft);
    noticeLeadership(turn, opened, answer);
  }
  return leadershipOf(opened);
}

function releaseReservations(turn: NodeTurn, opened: OpenGroup, lost: Leadership, answer: Answer): void {
  const result = tryAgain(opened, 'leadership was lost before the values were reserved');
  mapForEach(lost.blocks, (_name, { queue }) => {
    for (const { origin } of fifoToArray(queue)) answer(turn, opened.raft.raft.group, origin, result);
  });
}

function releaseBlocked(turn: NodeTurn, opened: OpenGroup, { blocked }: Leadership, answer: Answer): void {
  if (blocked === undefined) return;
  const result = tryAgain(
    opened,
    'leadership was lost before the transaction that is in the way was settled',
  );
  radixForEach(blocked.byArrival, ({ execution }) => {
    answer(turn, opened.raft.raft.group, execution.origin, result);
  });
}
