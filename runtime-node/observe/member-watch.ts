/** Says in the log who the cluster's members are, whenever that changes, and what it means for this node. */

import {
  isMember,
  rosterLearners,
  memberOf,
  radixForEach,
  rosterVoters,
  type NodeOptions,
  type NodeState,
  type Roster,
} from '../../core/index.js';
import type { Log } from './log.js';

const LOOK_EVERY_MS = 200;

/** @returns stops the watch. */
export function watchMembership(
  { node }: Pick<NodeOptions, 'node'>,
  state: () => NodeState,
  log: Log,
): () => void {
  let said: Roster | undefined;
  let saidOut = false;
  const look = (): void => {
    const now = state();
    const { roster } = now.membership;
    if (roster === undefined) return;
    if (roster !== said) {
      said = roster;
      saidOut = false;
      const voters = rosterVoters(roster);
      const learners = rosterLearners(roster);
      log.info(
        { event: 'members', version: roster.version, voters, learners },
        `the cluster's members are now: voters ${voters.join(', ')}` +
          (learners.length > 0 ? `, learners ${learners.join(', ')}` : ''),
      );
      if (memberOf(roster, node) === undefined) {
        log.warn(
          { event: 'removed', version: roster.version },
          `node ${node} is no member of the cluster any more: it takes no requests, and hands over what it still has`,
        );
      }
    }
    if (saidOut || memberOf(roster, node) !== undefined || !isOut(now)) return;
    saidOut = true;
    log.warn(
      { event: 'out' },
      `node ${node} is out of every partition: it may be stopped, and its data removed`,
    );
  };
  const interval = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(interval);
}

/** Whether no group counts this node among its members any more, as far as it knows. */
export function isOut({ groups }: NodeState): boolean {
  let out = true;
  radixForEach(groups, ({ raft }) => {
    const config = raft.configs[raft.configs.length - 1];
    const isLeftOut = config !== undefined && raft.leftOutAt > config.index;
    if (isMember(raft.config, raft.self) && !isLeftOut) out = false;
  });
  return out;
}
