/**
 * What a node has asked its disk to hold of a group, as far as it has got: its log, its term and its vote, and nothing else.
 *
 * `durable-view.ts` is the same a little later, when the disk has done it. A log that was cut off, overwritten, compacted or
 * replaced by a snapshot must read back as it stands in memory, whichever of its writes is the last before a crash.
 */

import { broken } from './broken.js';
import { durableTermAt, lastDurableIndex, type DurableView } from './durable-view.js';
import type { Raft } from './group-history.js';

/** A copy to go on from: what is on the disk when a node starts. */
export function copyOfView(view: DurableView): DurableView {
  return {
    ...view,
    terms: [...view.terms],
    segments: [...view.segments],
    chunks: new Map(view.chunks),
    // What it once held is asked of the disk only.
    ever: new Set(),
  };
}

/** Called when a turn is over, for each group that it changed. */
export function checkWritten(view: DurableView, raft: Raft): void {
  const { term, vote, log } = raft;
  if (view.term !== term || view.vote !== vote) {
    broken(
      'the disk is told all',
      raft,
      `its vote is for ${vote}; the disk is told of term ${view.term} with a vote for ${view.vote}`,
    );
  }
  const last = lastDurableIndex(view);
  if (last !== log.lastIndex || (last > view.baseIndex && durableTermAt(view, last) !== log.lastTerm)) {
    broken(
      'the disk is told all',
      raft,
      `its log ends at ${log.lastIndex} of term ${log.lastTerm}, on the disk it would end at ${last} of term ${durableTermAt(view, last)}`,
    );
  }
}
