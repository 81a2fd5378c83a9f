/**
 * The rules of handing leadership over (thesis, section 3.10): meanwhile nothing is proposed, it ends with the leadership or
 * when its time is over, and who is told to campaign has the whole log.
 */

import { radixGet, type NodeId } from '../../../core/index.js';
import { broken } from './broken.js';
import type { Raft } from './group-history.js';

/** Called for every changed state; `nowMs` by the clock of its node. */
export function checkTransfer(before: Raft | undefined, after: Raft, nowMs: number): void {
  const { transfer, role, log } = after;
  if (transfer === undefined) return;
  if (role !== 'leader') {
    return broken(
      'transfers end with the leadership',
      after,
      `it is ${role}, and hands over to node ${transfer.target}`,
    );
  }
  if (nowMs >= transfer.deadline) {
    broken(
      'transfers end in time',
      after,
      `it still hands over at ${nowMs} ms, which was to end at ${transfer.deadline} ms`,
    );
  }
  // It may have been begun after a proposal of the same turn.
  if (before?.transfer?.deadline !== transfer.deadline || before.term !== after.term) return;
  for (let index = before.log.lastIndex + 1; index <= log.lastIndex; index += 1) {
    if (radixGet(log.entries, index)?.config !== undefined) continue;
    broken('nothing is proposed in a transfer', after, `it appends index ${index} while it hands over`);
  }
}

/** Called for every request to campaign at once. A leader that has left itself out follows already, and tells the best. */
export function checkTarget(sender: Raft, to: NodeId): void {
  if (sender.role !== 'leader' || sender.transfer?.target !== to) return;
  const match = sender.peers.find(({ peer }) => peer === to)?.match ?? 0;
  if (match >= sender.log.lastIndex) return;
  broken(
    'who takes over has the whole log',
    sender,
    `it tells node ${to} to campaign, which has ${match} of ${sender.log.lastIndex}`,
  );
}
