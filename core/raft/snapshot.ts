/**
 * Snapshots: Raft section 7.
 *
 * Owns when a snapshot replaces the log's prefix, on the node that took it and on a follower that needs it. The image
 * itself is opaque, and so is how it gets from one node to another: here an offer is made and the whole arrives; between
 * the two lies the transfer in chunks (`core/node/snapshot-transfer.ts`). An installed snapshot is acknowledged only when
 * it is durable.
 */

import { assert } from '../machine/assert.js';
import { logIndex, type LogIndex, type NodeId, type Term } from '../machine/units.js';
import type { PlacedConfiguration } from './configuration.js';
import { dropThrough, emptyLogAfter, entryAt, termAt } from './log.js';
import type { InstallSnapshot, Snapshot } from './messages.js';
import { isSilent, replacePeer, withSnapshot } from './progress.js';
import { becomeFollower, followLeader } from './role.js';
import { AWAKE, type Progress } from './state.js';
import { afterEverything, afterHardState, AT_ONCE, forgetDurableFrom, send, type RaftTurn } from './turn.js';

/**
 * Takes note of a snapshot that the machine made of its applied state, and drops the log behind it, less
 * `keepEntries` for followers that are only a little behind, and what others still use. Nothing happens on a node that
 * does not know the members yet.
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
  raft.log = dropThrough(raft.log, keptFrom(turn, index, keepEntries));
}

/** Which of the configurations is in force at this index of the log. */
function placeAt(configs: readonly PlacedConfiguration[], index: number): number {
  let at = configs.length - 1;
  while (at > 0 && (configs[at] as PlacedConfiguration).index > index) at -= 1;
  return at;
}

/**
 * The place after which the log is kept. A follower that reads the log, or is being sent an older snapshot, would have to
 * be sent the new one if its next entry went; so that is kept for it, within bounds, and not for one that is silent.
 */
function keptFrom<Image>(turn: RaftTurn<Image>, index: number, keepEntries: number): LogIndex {
  const { raft, context } = turn;
  const { maxKeepEntries, maxKeepBytes } = context.options;
  let wanted = index - keepEntries;
  for (const progress of raft.peers) {
    const { mode, match, snapshotIndex } = progress;
    if (mode === 'probe' || isSilent(progress, context.now, context.options)) continue;
    const needs = mode === 'snapshot' ? snapshotIndex : match;
    wanted = Math.min(wanted, Math.max(needs, index - maxKeepEntries));
  }
  const lowest = Math.max(wanted, raft.log.baseIndex);
  let from = index;
  for (let bytes = 0; from > lowest; from -= 1) {
    bytes += entryAt(raft.log, from).payload.length;
    if (bytes > maxKeepBytes) break;
  }
  return logIndex(from);
}

/** Offers the snapshot to a follower whose next entry is gone from the log. Appends to it pause until it is settled. */
export function sendSnapshot<Image>(turn: RaftTurn<Image>, progress: Progress): Progress {
  const { raft, context } = turn;
  const { snapshot } = raft;
  assert(
    snapshot !== undefined,
    () => `the log begins after ${raft.log.baseIndex}, but there is no snapshot`,
  );
  send(turn, progress.peer, { type: 'InstallSnapshot', term: raft.term, snapshot }, AT_ONCE);
  return withSnapshot(progress, snapshot.index, context.now);
}

/** The follower took a further part of the snapshot at this index: it is given time for the next one. */
export function snapshotMoved<Image>(turn: RaftTurn<Image>, peer: NodeId, index: LogIndex): void {
  const { raft, context } = turn;
  const at = raft.peers.findIndex((known) => known.peer === peer);
  const progress = raft.peers[at];
  if (progress?.mode !== 'snapshot') return;
  replacePeer(turn, at, withSnapshot(progress, index, context.now));
}

/** A snapshot that made no progress for an election timeout counts as lost. */
export function snapshotTimedOut<Image>(turn: RaftTurn<Image>, progress: Progress): boolean {
  const { context } = turn;
  return (
    progress.mode === 'snapshot' &&
    context.now - progress.snapshotMovedAt >= context.options.electionTimeoutMs
  );
}

/**
 * A part of a snapshot arrived from a node that leads, or led, `term`. False: it is not this node's leader, and is told
 * so where that may help it.
 */
export function hearsLeader<Image>(turn: RaftTurn<Image>, from: NodeId, term: Term): boolean {
  const { raft } = turn;
  if (from === raft.self) return false;
  if (term < raft.term) {
    send(turn, from, { type: 'HeartbeatAnswer', term: raft.term, round: 0 }, afterHardState(turn));
    return false;
  }
  if (term > raft.term) becomeFollower(turn, term, from);
  return true;
}

/** A place in the log, as a snapshot has it. */
export interface SnapshotPlace {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Whether a follower lacks a snapshot that its leader offers: one that it does not lack is answered at once. */
export function lacksSnapshot<Image>(turn: RaftTurn<Image>, from: NodeId, offered: SnapshotPlace): boolean {
  const { raft } = turn;
  followLeader(turn, from);
  const { index, term } = offered;
  if (index > raft.commit) {
    if (termAt(raft.log, index) !== term) return true;
    // The log already leads to this state; it only was not known to be committed.
    raft.commit = index;
  }
  accept(turn, from);
  return false;
}

export function snapshotReceived<Image>(
  turn: RaftTurn<Image>,
  from: NodeId,
  message: InstallSnapshot<Image>,
): void {
  const { raft } = turn;
  const { snapshot } = message;
  if (!lacksSnapshot(turn, from, snapshot)) return;
  // An old question may have sent it to sleep since the leader saw that it needs this.
  raft.rest = AWAKE;
  const { index, term } = snapshot;
  forgetDurableFrom(turn, 1);
  raft.log = emptyLogAfter(index, term);
  raft.configs = [{ index, config: snapshot.config }];
  raft.config = snapshot.config;
  raft.snapshot = snapshot;
  raft.commit = index;
  turn.newSnapshot = snapshot;
  turn.logReplaced = true;
  turn.changedFrom = 0;
  accept(turn, from);
}

function accept<Image>(turn: RaftTurn<Image>, from: NodeId): void {
  const { raft } = turn;
  send(turn, from, { type: 'AppendAccepted', term: raft.term, index: raft.commit }, afterEverything(turn));
}
