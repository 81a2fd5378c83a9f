/**
 * Log replication: Raft sections 5.3 and 5.4.2.
 *
 * Owns how a leader brings followers level and when it commits, and how a follower takes entries. The leader's own
 * log counts only as far as it is durable; a follower says "accepted" only when it is. Appends go out while the
 * leader's own write is still under way.
 */

import { listWith } from '../collections/list.js';
import { assert } from '../machine/assert.js';
import { isBent } from '../machine/bend.js';
import { logIndex, type LogIndex, type NodeId, type Term } from '../machine/units.js';
import { radixGet } from '../collections/radix-array.js';
import { appendEntry, entriesFrom, entryAt, lastNotAbove, payloadBytes, termAt } from './log.js';
import type { Append, AppendAccepted, AppendRefused, Entry } from './messages.js';
import {
  answersUs,
  bytesInFlight,
  heardFrom,
  inMode,
  reachedByMembers,
  replacePeer,
  withFlow,
  withProbing,
} from './progress.js';
import { wake } from './quiescence.js';
import { configurationCommitted, takeConfiguration } from './reconfigure.js';
import { followLeader } from './role.js';
import { sendSnapshot } from './snapshot.js';
import type { Progress } from './state.js';
import {
  afterEverything,
  afterHardState,
  AT_ONCE,
  logChangedFrom,
  send,
  truncateLog,
  type RaftTurn,
} from './turn.js';

// The leader's side.

export type Proposal =
  | { readonly type: 'Accepted'; readonly index: LogIndex; readonly term: Term }
  | {
      readonly type: 'Refused';
      readonly why: 'not the leader' | 'leadership is being transferred' | 'overloaded';
      readonly leader: NodeId;
    };

/** Appends a payload to the leader's log. It is sent and written when the turn closes; it is not yet committed. */
export function propose<Image>(turn: RaftTurn<Image>, payload: Uint8Array): Proposal {
  const { raft, context } = turn;
  if (raft.role === 'leader') wake(turn);
  if (raft.role !== 'leader') return { type: 'Refused', why: 'not the leader', leader: raft.leader };
  if (raft.transfer !== undefined) {
    return { type: 'Refused', why: 'leadership is being transferred', leader: raft.self };
  }
  const bytes = raft.uncommittedBytes + payload.length;
  // A single oversize payload passes when nothing else waits, or it could never be proposed.
  const full = bytes > context.options.maxUncommittedBytes || isBent(context.bend, 'too much is uncommitted');
  if (raft.uncommittedBytes > 0 && full) {
    return { type: 'Refused', why: 'overloaded', leader: raft.self };
  }
  raft.uncommittedBytes = bytes;
  raft.log = appendEntry(raft.log, { term: raft.term, payload });
  logChangedFrom(turn, raft.log.lastIndex);
  return { type: 'Accepted', index: raft.log.lastIndex, term: raft.term };
}

/** Sends every follower what it may have now; called once, when the turn closes. */
export function replicate<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  for (let i = 0; i < raft.peers.length; i += 1) {
    let progress = raft.peers[i] as Progress;
    while (maySend(turn, progress)) progress = sendAppend(turn, progress);
    replacePeer(turn, i, progress);
  }
}

function maySend<Image>(turn: RaftTurn<Image>, progress: Progress): boolean {
  const hasMore = progress.next <= turn.raft.log.lastIndex;
  switch (progress.mode) {
    case 'probe':
      return !progress.probing && (hasMore || progress.match + 1 < progress.next);
    case 'replicate':
      return hasMore && hasRoom(turn, progress);
    case 'snapshot':
      return false;
  }
}

/** Whether the window takes one more append. One alone always fits, or an entry of its size could never be sent. */
function hasRoom<Image>(turn: RaftTurn<Image>, progress: Progress): boolean {
  const { maxInflightAppends, maxInflightBytes } = turn.context.options;
  const { length } = progress.inflight;
  if (length === 0) return true;
  if (length >= maxInflightAppends) return false;
  // An entry that is gone from the log is not sent, but a snapshot in its place.
  const next = radixGet(turn.raft.log.entries, progress.next);
  return bytesInFlight(progress) + (next?.payload.length ?? 0) <= maxInflightBytes;
}

function sendAppend<Image>(turn: RaftTurn<Image>, progress: Progress): Progress {
  const { raft, context } = turn;
  const previousIndex = logIndex(progress.next - 1);
  const previousTerm = termAt(raft.log, previousIndex);
  if (previousTerm === undefined) return sendSnapshot(turn, progress);

  const { maxAppendBytes, maxInflightBytes } = context.options;
  const room = Math.min(maxAppendBytes, maxInflightBytes - bytesInFlight(progress));
  const maxBytes = isBent(context.bend, 'one entry in an append') ? 0 : room;
  const entries = entriesFrom(raft.log, progress.next, maxBytes);
  const { term, commit } = raft;
  send(turn, progress.peer, { type: 'Append', term, previousIndex, previousTerm, entries, commit }, AT_ONCE);
  if (progress.mode === 'probe') return withProbing(progress, true);

  const last = logIndex(previousIndex + entries.length);
  const inflight = listWith(progress.inflight, { last, bytes: payloadBytes(entries) });
  return withFlow(progress, progress.match, logIndex(last + 1), inflight);
}

export function appendAccepted<Image>(turn: RaftTurn<Image>, from: NodeId, answer: AppendAccepted): void {
  const { raft } = turn;
  if (!answersUs(turn, from)) return;
  const at = heardFrom(turn, from);
  const known = raft.peers[at] as Progress;
  assert(
    answer.index <= raft.log.lastIndex,
    () =>
      `node ${from} accepted index ${answer.index} of term ${raft.term}; the log ends at ${raft.log.lastIndex}`,
  );
  const match = logIndex(Math.max(known.match, answer.index));
  let progress = withFlow(
    known,
    match,
    logIndex(Math.max(known.next, match + 1)),
    known.inflight.filter(({ last }) => last > match),
  );
  const levels =
    (known.mode === 'probe' && answer.index >= known.match) ||
    (known.mode === 'snapshot' && match >= raft.log.baseIndex);
  if (levels) progress = inMode(progress, 'replicate', logIndex(match + 1));
  replacePeer(turn, at, progress);
  if (match > known.match) advanceCommit(turn);
}

export function appendRefused<Image>(turn: RaftTurn<Image>, from: NodeId, answer: AppendRefused): void {
  const { raft } = turn;
  if (!answersUs(turn, from)) return;
  const at = heardFrom(turn, from);
  const known = raft.peers[at] as Progress;
  switch (known.mode) {
    case 'replicate':
      // An append in flight was lost. What matched still matches: go back there.
      if (answer.refused > known.match) {
        replacePeer(turn, at, inMode(known, 'probe', logIndex(known.match + 1)));
      }
      return;
    case 'probe': {
      if (answer.refused !== known.next - 1) return;
      // The hint is where the follower could agree; skip from there over the terms that it cannot have. Below the
      // base there is nothing to skip over: the follower will need the snapshot.
      const hint = Math.min(answer.hintIndex, answer.refused - 1);
      const agreed = hint < raft.log.baseIndex ? hint : lastNotAbove(raft.log, hint, answer.hintTerm).index;
      const next = logIndex(Math.max(agreed, known.match) + 1);
      replacePeer(turn, at, withProbing(withFlow(known, known.match, next, known.inflight), false));
      return;
    }
    case 'snapshot':
      return;
  }
}

/**
 * Commits what a majority holds durably, if it is of this term: counting replicas of an older term's entry does not
 * make it safe (section 5.4.2, figure 8); it is committed with the first entry of this term.
 */
export function advanceCommit<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader') return;
  const majority = reachedByMembers(raft, raft.durable.lastIndex, matchOf);
  if (majority <= raft.commit) return;
  if (termAt(raft.log, majority) !== raft.term) return;
  commitTo(turn, logIndex(majority));
  configurationCommitted(turn);
}

function matchOf(progress: Progress): number {
  return progress.match;
}

/** Moves the commit index up; it never falls. */
export function commitTo<Image>(turn: RaftTurn<Image>, index: LogIndex): void {
  const { raft } = turn;
  if (raft.role === 'leader') {
    for (let i = Math.max(raft.commit + 1, raft.termStart); i <= index; i += 1) {
      raft.uncommittedBytes -= entryAt(raft.log, i).payload.length;
    }
  }
  raft.commit = index;
}

// The follower's side. The caller has made sure that the message is of this node's term.

export function appendReceived<Image>(turn: RaftTurn<Image>, from: NodeId, append: Append): void {
  const { raft } = turn;
  followLeader(turn, from);
  const { previousIndex, previousTerm, entries } = append;
  if (previousIndex < raft.commit) {
    // Everything up to the commit index is settled and equal; tell the leader to go on from there.
    send(turn, from, { type: 'AppendAccepted', term: raft.term, index: raft.commit }, afterEverything(turn));
    return;
  }
  if (termAt(raft.log, previousIndex) !== previousTerm) {
    const hint = lastNotAbove(raft.log, previousIndex, previousTerm);
    const refused = previousIndex;
    const { term } = raft;
    send(
      turn,
      from,
      { type: 'AppendRefused', term, refused, hintIndex: hint.index, hintTerm: hint.term },
      afterHardState(turn),
    );
    return;
  }
  takeEntries(turn, previousIndex, entries);
  const lastNew = logIndex(previousIndex + entries.length);
  // Only what this append proved to match may be committed by it.
  const commit = logIndex(Math.min(append.commit, lastNew));
  if (commit > raft.commit) commitTo(turn, commit);
  send(turn, from, { type: 'AppendAccepted', term: raft.term, index: lastNew }, afterEverything(turn));
}

/** Adds what is new; only a real conflict (same index, another term) removes what was there. */
function takeEntries<Image>(turn: RaftTurn<Image>, previousIndex: LogIndex, entries: readonly Entry[]): void {
  const { raft } = turn;
  for (let i = 0; i < entries.length; i += 1) {
    const entry = entries[i] as Entry;
    const index = previousIndex + 1 + i;
    if (index <= raft.log.lastIndex) {
      if (termAt(raft.log, index) === entry.term) continue;
      assert(
        index > raft.commit,
        () => `node ${raft.self} was asked to overwrite index ${index}, committed up to ${raft.commit}`,
      );
      truncateLog(turn, index);
    }
    raft.log = appendEntry(raft.log, entry);
    if (entry.config !== undefined) takeConfiguration(turn, raft.log.lastIndex, entry.config);
    logChangedFrom(turn, index);
  }
}
