/**
 * Says in the log when this node begins or ceases to lead partitions: the one thing that an operator wants to see of
 * a healthy cluster. Each node speaks for itself only, so a change is said once and not by every node.
 */

import {
  emptyRadixArray,
  radixFirstDifference,
  radixGet,
  type GroupState,
  type NodeState,
} from '../../core/index.js';
import type { Log } from './log.js';

const LOOK_EVERY_MS = 200;
/** Of more partitions than this, only so many are named. */
const MOST_NAMED = 20;

/** Only the groups that changed since the last look cost anything. @returns stops the watch. */
export function watchLeadership(state: () => Pick<NodeState, 'groups'>, log: Log): () => void {
  const led = new Set<number>();
  let seen: NodeState['groups'] = emptyRadixArray<GroupState>();
  const look = (): void => {
    const { groups } = state();
    const won: number[] = [];
    const lost: number[] = [];
    let term = 0;
    let id = radixFirstDifference(seen, groups, 0);
    for (; id !== undefined; id = radixFirstDifference(seen, groups, id + 1)) {
      const raft = radixGet(groups, id)?.raft;
      const leads = raft?.role === 'leader';
      if (leads === led.has(id)) continue;
      if (leads) {
        led.add(id);
        won.push(id);
        term = Math.max(term, raft.term);
      } else {
        led.delete(id);
        lost.push(id);
      }
    }
    seen = groups;
    if (won.length > 0) log.info({ event: 'leads', partitions: won, term }, `now leads ${name(won)}`);
    if (lost.length > 0)
      log.info({ event: 'leads-no-more', partitions: lost }, `no longer leads ${name(lost)}`);
  };
  const interval = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(interval);
}

function name(groups: readonly number[]): string {
  const named = groups.slice(0, MOST_NAMED).join(', ');
  const others = groups.length - MOST_NAMED;
  return `partition${groups.length === 1 ? '' : 's'} ${named}${others > 0 ? ` and ${others} others` : ''}`;
}
