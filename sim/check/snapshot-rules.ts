/**
 * What nodes do about snapshots that are under way: no more of them than they may, nothing beyond the window, and nothing
 * kept of a leadership that is over (design notes, sections 8 and 9, invariant 19).
 */

import { radixGet, type NodeState } from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

/** The same fields as in `NodeOptions`. */
export interface SnapshotLimits {
  readonly maxInflightChunks: number;
  readonly maxSnapshotsSending: number;
  readonly maxSnapshotsReceiving: number;
  readonly maxSnapshotsWriting: number;
}

type Work = Pick<NodeState, 'groups' | 'writing' | 'sending' | 'receiving'>;

/** Checks one node after a step. */
export function checkSnapshotWork(node: number, state: Work, limits: SnapshotLimits): void {
  const broken = (property: string, detail: string): never => {
    throw new PropertyBroken(property, `node ${node}: ${detail}`);
  };
  const atMost = (what: string, count: number, limit: number): void => {
    if (count > limit) broken('snapshots are bounded', `it ${what} ${count} at a time, more than ${limit}`);
  };
  atMost('sends', state.sending.length, limits.maxSnapshotsSending);
  atMost('receives', state.receiving.length, limits.maxSnapshotsReceiving);
  atMost('writes', state.writing.length, limits.maxSnapshotsWriting);
  for (const { group, peer, term, acked, sent, lastCut } of state.sending) {
    if (sent - acked > limits.maxInflightChunks || acked > sent || sent > lastCut) {
      broken(
        'windows',
        `group ${group}: of ${lastCut} chunks ${sent} were sent to node ${peer}, ${acked} arrived`,
      );
    }
    const raft = radixGet(state.groups, group)?.raft;
    if (raft?.role !== 'leader' || raft.term !== term) {
      broken(
        'transfers end with the term',
        `group ${group}: it sends node ${peer} a snapshot as leader of term ${term}`,
      );
    }
  }
  for (const { group, from, term, index } of state.receiving) {
    const raft = radixGet(state.groups, group)?.raft;
    if (raft?.term !== term || (raft.leader !== 0 && raft.leader !== from)) {
      broken('transfers end with the term', `group ${group}: it keeps a part of a snapshot of term ${term}`);
    }
    if (raft !== undefined && raft.commit >= index) {
      broken(
        'snapshots are lacked',
        `group ${group}: it receives one at ${index}, committed is ${raft.commit}`,
      );
    }
  }
}
