/**
 * Landmarks: the rules, states and turns of events of Raft that a run came by, for the coverage table.
 *
 * Nothing is judged here. A sweep that never truncates a conflicting entry has not tested the rule that does it.
 */

import {
  hasVote,
  isJoint,
  isMember,
  newestOf,
  radixFirstDifference,
  type PartitionState,
  type RaftMessage,
  type Role,
} from '../../../core/index.js';
import type { Raft } from './group-history.js';

const KINDS: readonly RaftMessage<PartitionState>['type'][] = [
  'PreVoteRequest',
  'PreVoteAnswer',
  'VoteRequest',
  'VoteAnswer',
  'Append',
  'AppendAccepted',
  'AppendRefused',
  'Heartbeat',
  'HeartbeatAnswer',
  'ReadIndexRequest',
  'ReadIndexAnswer',
  'ReadIndexRefused',
  'InstallSnapshot',
  'CampaignNow',
  'NotMember',
];
const ROLES: readonly Role[] = ['follower', 'precandidate', 'candidate', 'leader'];

/** Turns of events in changes of the members, and of leadership on request. */
const MEMBERSHIP = [
  'joint configuration entered',
  'joint configuration left',
  'joint configuration inherited by a new leader',
  'restart in a joint configuration',
  'snapshot during a joint configuration',
  'configuration truncated',
  'configuration installed by a snapshot',
  'learner promoted',
  'leader removed itself',
  'left-out node told',
  'node joined by a snapshot',
  'node joined by the log',
  'transfer completed',
  'transfer aborted',
] as const;

/** What a sweep that is worth its name comes by. */
export const MUST_REACH: readonly string[] = [
  'election won',
  'election won with uncommitted entries',
  'election won with a compacted log',
  'leader stepped down for want of a quorum',
  'leader deposed by a newer term',
  'leader deposed with uncommitted entries',
  'entries of older terms committed with the first of a new one',
  'conflicting entries truncated',
  'log compacted behind a snapshot',
  'snapshot installed beyond the log',
  'restart with a log',
  'leader fell asleep',
  'leader fell asleep without a silent follower',
  'follower fell asleep',
  'sleeping leader woken by a proposal',
  'sleeping leader woken by a read',
  'sleeping leader deposed',
  'sleeping follower woken',
  "sleeping groups woken because their leader's node was lost",
  'sleeping groups woken because a follower was lost',
  'sleeping groups named one by one',
  'read by lease answered without asking',
  'read by lease asked for confirmation',
  'read answered by a follower',
  'stale read answered',
  'read answered from the log',
  'key came to its end',
  'lock came to its end',
  'values served from a block',
  'ephemeral operation answered',
  ...MEMBERSHIP,
  'a transaction committed at once',
  'a transaction was committed by its record',
  'a transaction was aborted by its record',
  'a transaction over several partitions committed',
  'a lock of another transaction was in the way',
  'snapshot transaction committed',
  'script committed',
];

type Reach = (feature: string) => void;

export interface Landmarks {
  /** A node in this state is handed this message. */
  received(raft: Raft, message: RaftMessage<PartitionState>): void;
  changed(before: Raft | undefined, after: Raft): void;
}

export function createLandmarks(reach: Reach): Landmarks {
  /** Which messages were met in which role: noted once a run. */
  const met = new Uint8Array(KINDS.length * ROLES.length * 3);
  return {
    received({ role, term }, message) {
      const relation = message.term < term ? 0 : message.term === term ? 1 : 2;
      const cell = (KINDS.indexOf(message.type) * ROLES.length + ROLES.indexOf(role)) * 3 + relation;
      if (met[cell] !== 0) return;
      met[cell] = 1;
      reach(
        `${message.type} of ${(['an older', 'the same', 'a newer'] as const)[relation]} term, as ${role}`,
      );
    },
    changed(before, after) {
      if (before === undefined) {
        if (after.log.lastIndex > 0) reach('restart with a log');
        if (isJoint(after.config)) reach('restart in a joint configuration');
        return;
      }
      if (before.rest !== after.rest) changeOfRest(reach, before, after);
      if (before.configs !== after.configs) changeOfMembers(reach, before, after);
      if (before.transfer !== undefined && before.transfer !== after.transfer)
        endOfTransfer(reach, before, after);
      if (before.leftOutAt === 0 && after.leftOutAt > 0) reach('left-out node told');
      if (
        before.snapshot !== after.snapshot &&
        after.snapshot !== undefined &&
        isJoint(after.snapshot.config)
      ) {
        reach('snapshot during a joint configuration');
      }
      if (before.role !== after.role) changeOfRole(reach, before, after);
      if (before.log !== after.log) changeOfLog(reach, before, after);
      if (before.commit !== after.commit && after.role === 'leader' && before.commit < after.termStart - 1) {
        if (after.commit >= after.termStart)
          reach('entries of older terms committed with the first of a new one');
      }
    },
  };
}

function changeOfRest(reach: (feature: string) => void, before: Raft, after: Raft): void {
  if (after.rest.asleep) {
    if (before.rest.asleep) return;
    reach(after.role === 'leader' ? 'leader fell asleep' : 'follower fell asleep');
    if (after.rest.without.length > 0) reach('leader fell asleep without a silent follower');
    return;
  }
  if (!before.rest.asleep) return;
  if (before.role === 'leader') {
    reach('sleeping leader woken');
    if (before.log !== after.log && after.role === 'leader') reach('sleeping leader woken by a proposal');
    if (before.readRounds !== after.readRounds && after.role === 'leader')
      reach('sleeping leader woken by a read');
    if (after.role !== 'leader') reach('sleeping leader deposed');
    return;
  }
  reach('sleeping follower woken');
}

function changeOfRole(reach: Reach, before: Raft, after: Raft): void {
  if (after.role === 'leader') {
    reach('election won');
    if (after.log.lastIndex > after.commit + 1) reach('election won with uncommitted entries');
    if (after.log.baseIndex > 0) reach('election won with a compacted log');
    if (isJoint(before.config)) reach('joint configuration inherited by a new leader');
    return;
  }
  if (before.role !== 'leader') return;
  reach(
    before.term === after.term
      ? 'leader stepped down for want of a quorum'
      : 'leader deposed by a newer term',
  );
  if (before.log.lastIndex > before.commit) reach('leader deposed with uncommitted entries');
  if (before.term === after.term && !hasVote(after.config, after.self)) reach('leader removed itself');
}

function changeOfMembers(reach: Reach, before: Raft, after: Raft): void {
  const { config, configs, log } = after;
  const last = newestOf(before.configs);
  const isGone = !configs.some(({ index }) => index === last.index);
  if (isGone && log.baseIndex < last.index) reach('configuration truncated');
  if (log.baseIndex > before.log.lastIndex && before.config !== config) {
    reach('configuration installed by a snapshot');
  }
  if (!isMember(before.config, after.self) && isMember(config, after.self)) {
    const bySnapshot = isMember((configs[0] ?? last).config, after.self);
    reach(bySnapshot ? 'node joined by a snapshot' : 'node joined by the log');
  }
  if (after.role !== 'leader' || before.role !== 'leader' || before.config === config) return;
  if (isJoint(config)) reach('joint configuration entered');
  else if (isJoint(before.config)) reach('joint configuration left');
  if (before.config.learners.some((learner) => config.voters.includes(learner))) reach('learner promoted');
}

/** Asking for an election is all that a leader can do: whether the target wins it shows in whom the leader votes for. */
function endOfTransfer(reach: Reach, before: Raft, after: Raft): void {
  if (after.role === 'leader' && after.transfer === undefined) return reach('transfer aborted');
  if (after.role !== 'leader' && after.vote === before.transfer?.target) reach('transfer completed');
}

function changeOfLog(reach: Reach, before: Raft, after: Raft): void {
  const { log } = after;
  if (log.baseIndex > before.log.lastIndex) return reach('snapshot installed beyond the log');
  if (
    log.baseIndex > before.commit &&
    log.lastIndex === log.baseIndex &&
    before.log.lastIndex > log.lastIndex
  ) {
    return reach(
      before.log.lastTerm === after.term
        ? 'log shortened to a snapshot'
        : 'entries of an older term replaced by a snapshot, or cut off and compacted in one turn',
    );
  }
  if (log.baseIndex > before.log.baseIndex) reach('log compacted behind a snapshot');
  if (after.role === 'leader') return;
  const from = Math.max(before.log.baseIndex, log.baseIndex) + 1;
  if (from > before.log.lastIndex) return;
  const changed = radixFirstDifference(before.log.entries, log.entries, from);
  if (changed !== undefined && changed <= before.log.lastIndex) reach('conflicting entries truncated');
}
