/**
 * A leader's notes on one follower, and how they are changed.
 *
 * Notes change with nearly every message, so each change is a literal of one fixed shape.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { assert, present } from '../machine/assert.js';
import { logIndex, type LogIndex, type MonotonicMs, type NodeId } from '../machine/units.js';
import { reachedByQuorum } from './configuration.js';
import type { InFlight, Progress, RaftOptions, RaftState } from './state.js';
import type { RaftTurn } from './turn.js';

const NO_INDEX = logIndex(0);

/** What a leader knows of a member that it has not heard of yet: nothing, but that it may be alive. */
export function newProgress(peer: NodeId, next: LogIndex, now: MonotonicMs): Progress {
  return {
    peer,
    match: logIndex(0),
    next,
    mode: 'probe',
    probing: false,
    inflight: EMPTY_LIST,
    snapshotIndex: NO_INDEX,
    snapshotMovedAt: now,
    heardAt: now,
    round: 0,
    matchAtTick: logIndex(0),
  };
}

/** How far the follower is and what is under way to it. */
export function withFlow(
  progress: Progress,
  match: LogIndex,
  next: LogIndex,
  inflight: readonly InFlight[],
): Progress {
  const { peer, mode, probing, snapshotIndex, snapshotMovedAt, heardAt, round, matchAtTick } = progress;
  return {
    peer,
    match,
    next,
    mode,
    probing,
    inflight,
    snapshotIndex,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick,
  };
}

/** Changes to a mode, in which nothing is under way yet. */
export function inMode(progress: Progress, mode: Progress['mode'], next: LogIndex): Progress {
  const { peer, match, snapshotMovedAt, heardAt, round, matchAtTick } = progress;
  return {
    peer,
    match,
    next,
    mode,
    probing: false,
    inflight: EMPTY_LIST,
    snapshotIndex: NO_INDEX,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick,
  };
}

/** Notes whether the one append of probe mode is out. */
export function withProbing(progress: Progress, probing: boolean): Progress {
  const { peer, match, next, mode, inflight, snapshotIndex, snapshotMovedAt, heardAt, round, matchAtTick } =
    progress;
  return {
    peer,
    match,
    next,
    mode,
    probing,
    inflight,
    snapshotIndex,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick,
  };
}

/** Snapshot mode: the one at this index was offered, or made progress, now. */
export function withSnapshot(
  progress: Progress,
  snapshotIndex: LogIndex,
  snapshotMovedAt: MonotonicMs,
): Progress {
  const { peer, match, next, heardAt, round, matchAtTick } = progress;
  return {
    peer,
    match,
    next,
    mode: 'snapshot',
    probing: false,
    inflight: EMPTY_LIST,
    snapshotIndex,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick,
  };
}

/** Notes how far the follower is at a heartbeat. */
export function notedAtTick(progress: Progress): Progress {
  const { peer, match, next, mode, probing, inflight, snapshotIndex, snapshotMovedAt, heardAt, round } =
    progress;
  if (match === progress.matchAtTick) return progress;
  return {
    peer,
    match,
    next,
    mode,
    probing,
    inflight,
    snapshotIndex,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick: match,
  };
}

/** Payload bytes of the appends that are under way to the follower. */
export function bytesInFlight({ inflight }: Progress): number {
  let bytes = 0;
  for (const append of inflight) bytes += append.bytes;
  return bytes;
}

/** Whether a follower has not answered for longer than an election timeout. */
export function isSilent(
  { heardAt }: Progress,
  now: MonotonicMs,
  { electionTimeoutMs }: Pick<RaftOptions, 'electionTimeoutMs'>,
): boolean {
  return now - heardAt > electionTimeoutMs;
}

/** Whether this leader has heard from a member within the last election timeout; from itself it has. */
export function hasHeardFrom<Image>({ raft, context }: RaftTurn<Image>, node: NodeId): boolean {
  if (node === raft.self) return true;
  const heardAt = raft.peers[placeOf(raft.peers, node)]?.heardAt;
  return heardAt !== undefined && context.now - heardAt < context.options.electionTimeoutMs;
}

/** Whether an answer is for this node: it leads, and whoever sends it is a member still. */
export function answersUs<Image>({ raft }: RaftTurn<Image>, from: NodeId): boolean {
  return raft.role === 'leader' && placeOf(raft.peers, from) >= 0;
}

/** Notes that a follower answered in this term, and which read round; gives its place among the peers. */
export function heardFrom<Image>(turn: RaftTurn<Image>, from: NodeId, answeredRound = 0): number {
  const { raft, context } = turn;
  const at = placeOf(raft.peers, from);
  const known = present(raft.peers[at], () => `leader ${raft.self} heard from ${from}, which is no member`);
  const { peer, match, next, mode, probing, inflight, snapshotIndex, snapshotMovedAt, matchAtTick } = known;
  const heardAt = context.now;
  const round = Math.max(known.round, answeredRound);
  replacePeer(turn, at, {
    peer,
    match,
    next,
    mode,
    probing,
    inflight,
    snapshotIndex,
    snapshotMovedAt,
    heardAt,
    round,
    matchAtTick,
  });
  return at;
}

/** Where a member stands among a leader's peers; -1 for nobody that it knows. */
export function placeOf(peers: readonly Progress[], node: NodeId): number {
  for (let at = 0; at < peers.length; at += 1) if (peers[at]?.peer === node) return at;
  return -1;
}

export function replacePeer<Image>(turn: RaftTurn<Image>, at: number, progress: Progress): void {
  if (turn.raft.peers[at] === progress) return;
  assert(
    progress.match < progress.next,
    () => `follower ${progress.peer} would match ${progress.match}, beyond its next index ${progress.next}`,
  );
  if (!turn.ownsPeers) {
    turn.raft.peers = turn.raft.peers.slice();
    turn.ownsPeers = true;
  }
  (turn.raft.peers as Progress[])[at] = progress;
}

/**
 * The highest number that a quorum of the configuration reaches: this leader with `own`, its peers with theirs. A leader
 * that has left itself out counts nowhere.
 */
export function reachedByMembers<Image>(
  { config, self, peers }: Pick<RaftState<Image>, 'config' | 'self' | 'peers'>,
  own: number,
  numberOf: (progress: Progress) => number,
): number {
  return reachedByQuorum(config, (node) => {
    if (node === self) return own;
    const at = placeOf(peers, node);
    return at < 0 ? 0 : numberOf(peers[at] as Progress);
  });
}
