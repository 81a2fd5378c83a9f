/**
 * Handing leadership over: thesis, section 3.10.
 *
 * The leader takes no more proposals, brings the target level, and then tells it to campaign at once; the other
 * voters hear such a candidate although they hear from a leader. It ends with the leadership, when the target is no
 * voter any more, or after an election timeout: then the leader goes on as before.
 */

import { monotonicMs, type NodeId } from '../machine/units.js';
import { hasVote } from './configuration.js';
import { hasHeardFrom, placeOf } from './progress.js';
import { wake } from './quiescence.js';
import { AT_ONCE, send, type RaftTurn } from './turn.js';

export type TransferStart =
  /** Under way; whether it succeeds is seen in who leads. Asking again for the same target changes nothing. */
  | { readonly type: 'Started' }
  /** The target leads already. */
  | { readonly type: 'Unchanged' }
  | { readonly type: 'Refused'; readonly why: TransferRefusal; readonly reason: string };

export type TransferRefusal = 'not the leader' | 'no voter' | 'not answering' | 'being transferred';

/** Asks this leader to hand over to `target`. */
export function transferLeadership<Image>(turn: RaftTurn<Image>, target: NodeId): TransferStart {
  const { raft, context } = turn;
  const refused = (why: TransferRefusal, reason: string): TransferStart => ({ type: 'Refused', why, reason });
  if (raft.role === 'leader') wake(turn);
  if (raft.role !== 'leader') return refused('not the leader', `node ${raft.self} does not lead the group`);
  if (target === raft.self) return { type: 'Unchanged' };
  if (!hasVote(raft.config, target)) return refused('no voter', `node ${target} has no vote in the group`);
  if (raft.transfer?.target === target) return { type: 'Started' };
  if (raft.transfer !== undefined) {
    return refused('being transferred', `leadership is being handed over to node ${raft.transfer.target}`);
  }
  const { electionTimeoutMs } = context.options;
  if (!hasHeardFrom(turn, target)) {
    return refused('not answering', `node ${target} has not answered for ${electionTimeoutMs} ms`);
  }
  raft.transfer = { target, deadline: monotonicMs(context.now + electionTimeoutMs), told: false };
  return { type: 'Started' };
}

/** Tells the target to campaign once it has the whole log; called when the turn closes, after what is sent to it. */
export function transferTick<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const { transfer } = raft;
  if (transfer === undefined) return;
  if (context.now >= transfer.deadline) {
    raft.transfer = undefined;
    return;
  }
  if (transfer.told) return;
  const progress = raft.peers[placeOf(raft.peers, transfer.target)];
  if (progress === undefined || progress.match < raft.log.lastIndex) return;
  raft.transfer = { ...transfer, told: true };
  tellToCampaign(turn, transfer.target);
}

/** From here on an election may come at any time, however late the message arrives: no lease holds in this term any more. */
export function tellToCampaign<Image>(turn: RaftTurn<Image>, target: NodeId): void {
  turn.raft.askedToCampaign = true;
  send(turn, target, { type: 'CampaignNow', term: turn.raft.term }, AT_ONCE);
}
