/** A node that starts knows what its disk holds: no less, and no more. */

import { termAt } from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { durableTermAt, lastDurableIndex, type DurableView } from './durable-view.js';
import type { Raft } from './group-history.js';

export function checkRecovered(view: DurableView, raft: Raft): void {
  const broken = (detail: string): never => {
    throw new PropertyBroken('restarts lose nothing', `group ${raft.group}, node ${raft.self}: ${detail}`);
  };
  if (raft.term !== view.term || raft.vote !== view.vote) {
    broken(
      `it starts in term ${raft.term} with its vote for ${raft.vote}; its disk has ${view.term}, ${view.vote}`,
    );
  }
  if (raft.log.lastIndex !== lastDurableIndex(view)) {
    broken(`its log ends at ${raft.log.lastIndex}, on its disk at ${lastDurableIndex(view)}`);
  }
  for (let index = raft.log.baseIndex + 1; index <= raft.log.lastIndex; index += 1) {
    const held = durableTermAt(view, index);
    if (held !== undefined && held !== termAt(raft.log, index)) {
      broken(`its log has term ${termAt(raft.log, index)} at index ${index}, its disk term ${held}`);
    }
  }
}
