/**
 * Snapshots: Raft section 7.
 *
 * Owns when a snapshot replaces the log's prefix, on the node that took it and on a follower that needs it. The
 * image itself is opaque. An installed snapshot is acknowledged only when it is durable.
 */

import { assert } from '../machine/assert.js';
import { logIndex, type NodeId } from '../machine/units.js';
import type { PlacedConfiguration } from './configuration.js';
import { dropThrough, emptyLogAfter, termAt } from './log.js';
import type { InstallSnapshot, Snapshot } from './messages.js';
import { withSnapshotSent } from './progress.js';
import { followLeader } from './role.js';
import type { Progress } from './state.js';
import { afterEverything, AT_ONCE, forgetDurableFrom, send, type RaftTurn } from './turn.js';

/**
 * Takes note of a snapshot that the machine made of its applied state, and drops the log behind it, less
 * `keepEntries` for followers that are only a little behind. Nothing happens on a node that does not know the members yet.
 */
export function compact<Image>(
  turn: RaftTurn<Image>,
  index: number,
  state: Image,
  keepEntries: number,
): void {
  const { raft } = turn;
  const term = termAt(raft.log, index);
  assert(
    index <= raft.commit && term !== undefined,
    () => `a snapshot at ${index} needs an entry there, and none above the commit index ${raft.commit}`,
  );
  const configs = raft.configs.slice(placeAt(raft.configs, index));
  const { config } = configs[0] as PlacedConfiguration;
  // One that has not come to the entry that takes it in knows of no members: its snapshot would say that there are none.
  if (config.voters.length === 0) return;
  raft.configs = configs;
  const snapshot: Snapshot<Image> = { index: logIndex(index), term, config, state };
  raft.snapshot = snapshot;
  turn.newSnapshot = snapshot;
  raft.log = dropThrough(raft.log, logIndex(Math.max(index - keepEntries, raft.log.baseIndex)));
}

/** Which of the configurations is in force at this index of the log. */
function placeAt(configs: readonly PlacedConfiguration[], index: number): number {
  let at = configs.length - 1;
  while (at > 0 && (configs[at] as PlacedConfiguration).index > index) at -= 1;
  return at;
}

/** For a follower whose next entry is gone from the log. Appends to it pause until it answers. */
export function sendSnapshot<Image>(turn: RaftTurn<Image>, progress: Progress): Progress {
  const { raft, context } = turn;
  const { snapshot } = raft;
  assert(
    snapshot !== undefined,
    () => `the log begins after ${raft.log.baseIndex}, but there is no snapshot`,
  );
  send(turn, progress.peer, { type: 'InstallSnapshot', term: raft.term, snapshot }, AT_ONCE);
  return withSnapshotSent(progress, context.now);
}

/** A snapshot that was not answered for an election timeout counts as lost. */
export function snapshotTimedOut<Image>(turn: RaftTurn<Image>, progress: Progress): boolean {
  const { context } = turn;
  return (
    progress.mode === 'snapshot' && context.now - progress.snapshotSentAt >= context.options.electionTimeoutMs
  );
}

export function snapshotReceived<Image>(
  turn: RaftTurn<Image>,
  from: NodeId,
  message: InstallSnapshot<Image>,
): void {
  const { raft } = turn;
  followLeader(turn, from);
  const { snapshot } = message;
  const { index, term } = snapshot;
  if (index > raft.commit) {
    if (termAt(raft.log, index) === term) {
      // The log already leads to this state; it only was not known to be committed.
      raft.commit = index;
    } else {
      forgetDurableFrom(turn, 1);
      raft.log = emptyLogAfter(index, term);
      raft.configs = [{ index, config: snapshot.config }];
      raft.config = snapshot.config;
      raft.snapshot = snapshot;
      raft.commit = index;
      turn.newSnapshot = snapshot;
      turn.logReplaced = true;
      turn.changedFrom = 0;
    }
  }
  send(turn, from, { type: 'AppendAccepted', term: raft.term, index: raft.commit }, afterEverything(turn));
}
