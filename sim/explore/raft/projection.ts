/**
 * What of a member's state decides its future: the rest is left out, so that states which behave alike merge.
 *
 * Left out, and why nothing depends on it:
 *
 * - Times of a node that does not lead, but for one bit: whether it heard from a leader within an election timeout.
 *   Its clock moves only when its timer fires, and then straight to the election deadline, which is never before that
 *   bit changes; or when time passes until it does. Deadlines and the drawn patience are only ever jumped to.
 * - Of a leader: everything of elections. Its own times count from now, in steps of its heartbeats, and what is
 *   older than anything asks for is equally old.
 * - Numbers of writes: counted from the newest durable one, for they are only compared with each other.
 * - The image that is to be durable: it is what the last waiting write holds, or else the disk.
 * - Who voted in which order, and a vote's place in a list: votes are a bag, peers too.
 * - Leases and reads at followers: the model has neither.
 */

import {
  fifoToArray,
  radixGet,
  type Configuration,
  type Entry,
  type RaftOptions,
  type StoredRecord,
} from '../../../core/index.js';
import { put, putBag, putBytes, type Fingerprint } from '../fingerprint.js';
import type { Names, Projection } from '../machine-spec.js';
import type { Disk, MemberMessage, MemberState } from './member.js';

const ROLES = { follower: 1, precandidate: 2, candidate: 3, leader: 4 } as const;
const MODES = { probe: 1, replicate: 2, snapshot: 3 } as const;
const MESSAGES = {
  PreVoteRequest: 1,
  PreVoteAnswer: 2,
  VoteRequest: 3,
  VoteAnswer: 4,
  Append: 5,
  AppendAccepted: 6,
  AppendRefused: 7,
  Heartbeat: 8,
  HeartbeatAnswer: 9,
  InstallSnapshot: 10,
  CampaignNow: 11,
  NotMember: 12,
  ReadIndexRequest: 13,
  ReadIndexAnswer: 14,
  ReadIndexRefused: 15,
} as const satisfies Record<MemberMessage['type'], number>;

type Raft = MemberState['raft'];

export function createProjection(options: RaftOptions): Projection<MemberState, MemberMessage, Disk> {
  return {
    state: (into, state, now, names) => {
      putRaft(into, options, state.raft, now, names);
      put(into, state.held.length);
      const { write } = state.raft.durable;
      for (const held of state.held) {
        put(into, held.write - write);
        put(into, names[held.to] as number);
        putMessage(into, held.message, names);
      }
    },
    message: putMessage,
    stored: putDisk,
    ignores,
  };
}

/** Whether this node heard from a leader, or started, within an election timeout. */
export function isFresh(options: RaftOptions, raft: Raft, now: number): boolean {
  return raft.role !== 'leader' && now - raft.leaderHeardAt < options.electionTimeoutMs;
}

function putRaft(into: Fingerprint, options: RaftOptions, raft: Raft, now: number, names: Names): void {
  const { durable, log } = raft;
  put(into, ROLES[raft.role]);
  put(into, raft.term);
  put(into, names[raft.vote] as number);
  put(into, names[raft.leader] as number);
  put(into, isFresh(options, raft, now) ? 1 : 0);
  put(into, raft.commit);
  put(into, log.baseIndex);
  put(into, log.baseTerm);
  put(into, log.lastIndex);
  for (let index = log.baseIndex + 1; index <= log.lastIndex; index += 1) {
    putEntry(into, radixGet(log.entries, index) as Entry, names);
  }
  putSnapshot(into, raft.snapshot, names);
  // Those after the first stand in the log, too, but a wrong one that differs from it is another state.
  put(into, raft.configs.length);
  for (const { index, config } of raft.configs) {
    put(into, index);
    putConfiguration(into, config, names);
  }
  put(into, raft.leftOutAt);

  put(into, durable.term);
  put(into, names[durable.vote] as number);
  put(into, durable.lastIndex);
  put(into, Math.max(0, raft.lastHardWrite - durable.write));
  put(into, Math.max(0, raft.lastWrite - durable.write));
  for (const write of fifoToArray(raft.unsynced)) {
    put(into, write.term);
    put(into, names[write.vote] as number);
    put(into, write.lastIndex);
  }
  putBag(into, raft.votes, (each, { voter, granted }) => {
    put(each, names[voter] as number);
    put(each, granted ? 1 : 0);
  });
  if (raft.role === 'leader') putLeader(into, options, raft, now, names);
}

function putLeader(into: Fingerprint, options: RaftOptions, raft: Raft, now: number, names: Names): void {
  const { electionTimeoutMs } = options;
  put(into, raft.termStart);
  put(into, Math.max(0, raft.heartbeatAt - now));
  put(into, Math.max(0, raft.quorumCheckAt - now));
  put(into, raft.uncommittedBytes);
  put(into, raft.round);
  for (const { round, index, tokens } of fifoToArray(raft.readRounds)) {
    put(into, round);
    put(into, index);
    for (const token of tokens) put(into, token);
  }
  const { transfer } = raft;
  put(into, transfer === undefined ? 0 : (names[transfer.target] as number));
  put(into, transfer === undefined ? 0 : Math.max(0, transfer.deadline - now));
  put(into, transfer?.told === true ? 1 : 0);
  put(into, raft.askedToCampaign ? 1 : 0);
  put(into, raft.earlyReads.length);
  for (const token of raft.earlyReads) put(into, token);
  putBag(into, raft.peers, (each, peer) => {
    put(each, names[peer.peer] as number);
    put(each, peer.match);
    put(each, peer.next);
    put(each, MODES[peer.mode] * 2 + (peer.probing ? 1 : 0));
    put(each, peer.inflight.length);
    for (const { last } of peer.inflight) put(each, last);
    put(each, Math.min(now - peer.heardAt, electionTimeoutMs + 1));
    put(each, peer.mode === 'snapshot' ? Math.min(now - peer.snapshotMovedAt, electionTimeoutMs) : 0);
    put(each, peer.snapshotIndex);
    put(each, peer.round);
    put(each, peer.matchAtTick);
  });
}

function putEntry(into: Fingerprint, { term, payload, config }: Entry, names: Names): void {
  put(into, term);
  putBytes(into, payload);
  if (config === undefined) put(into, 0);
  else putConfiguration(into, config, names);
}

/** Nodes that are interchanged change places in the lists: each list is a bag. */
export function putConfiguration(into: Fingerprint, config: Configuration, names: Names): void {
  put(into, 1);
  for (const nodes of [config.voters, config.outgoing, config.learners, config.learnersNext]) {
    putBag(into, nodes, (each, node) => put(each, names[node] as number));
  }
}

function putSnapshot(into: Fingerprint, snapshot: Disk['snapshot'], names: Names): void {
  put(into, snapshot === undefined ? -1 : snapshot.index);
  if (snapshot === undefined) return;
  put(into, snapshot.term);
  putConfiguration(into, snapshot.config, names);
}

function putDisk(into: Fingerprint, { term, vote, snapshot, entries }: Disk, names: Names): void {
  put(into, term);
  put(into, names[vote] as number);
  putSnapshot(into, snapshot, names);
  put(into, entries.length);
  for (const entry of entries) putEntry(into, entry, names);
}

/** Sender and receiver stand on the envelope; only configurations name nodes. */
function putMessage(into: Fingerprint, message: MemberMessage, names: Names): void {
  put(into, MESSAGES[message.type]);
  put(into, message.term);
  switch (message.type) {
    case 'VoteRequest':
      put(into, message.handedOver ? 1 : 0);
      put(into, message.lastIndex);
      return put(into, message.lastTerm);
    case 'PreVoteRequest':
      put(into, message.lastIndex);
      return put(into, message.lastTerm);
    case 'PreVoteAnswer':
    case 'VoteAnswer':
      return put(into, message.granted ? 1 : 0);
    case 'Append':
      put(into, message.previousIndex);
      put(into, message.previousTerm);
      put(into, message.commit);
      put(into, message.entries.length);
      for (const entry of message.entries) putEntry(into, entry, names);
      return;
    case 'AppendAccepted':
      return put(into, message.index);
    case 'AppendRefused':
      put(into, message.refused);
      put(into, message.hintIndex);
      return put(into, message.hintTerm);
    case 'Heartbeat':
      put(into, message.commit);
      return put(into, message.round);
    case 'HeartbeatAnswer':
      return put(into, message.round);
    case 'ReadIndexRequest':
    case 'ReadIndexRefused':
      return put(into, message.batch);
    case 'ReadIndexAnswer':
      put(into, message.batch);
      return put(into, message.index);
    case 'InstallSnapshot':
      return putSnapshot(into, message.snapshot, names);
    case 'CampaignNow':
      return;
    case 'NotMember':
      return put(into, message.index);
  }
}

/**
 * Answers to what this node is not any more. Its disk has the message's term or a later one, so no crash takes it
 * back before that term; in an older term than its own an answer says nothing, and in its own only to whoever still
 * asks. A node asks for votes, or leads, at most once a term: what it has given up it does not become again.
 */
function ignores(
  { raft }: MemberState,
  stored: readonly StoredRecord<Disk>[],
  message: MemberMessage,
): boolean {
  const { type, term } = message;
  if (term > (stored[0]?.value.term ?? 0)) return false;
  switch (type) {
    case 'PreVoteAnswer':
      // A refusal of its own term still counts while this node asks.
      return term < raft.term || (message.granted && term === raft.term);
    case 'VoteAnswer':
      return term < raft.term || raft.role !== 'candidate';
    case 'AppendAccepted':
    case 'AppendRefused':
    case 'HeartbeatAnswer':
      return term < raft.term || (raft.role !== 'candidate' && raft.role !== 'leader');
    case 'PreVoteRequest':
    case 'VoteRequest':
    case 'Append':
    case 'Heartbeat':
    case 'ReadIndexRequest':
    case 'ReadIndexAnswer':
    case 'ReadIndexRefused':
    case 'InstallSnapshot':
    case 'CampaignNow':
    case 'NotMember':
      return false;
  }
}

/** The time at which a node stops to trust that a leader lives, if that is still to come before its own election. */
export function leaseEnd(options: RaftOptions, raft: Raft, now: number): number | undefined {
  return isFresh(options, raft, now) ? raft.leaderHeardAt + options.electionTimeoutMs : undefined;
}
