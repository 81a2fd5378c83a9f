/**
 * Changes of the members: chapter 4 of the thesis, section 6 of the paper.
 *
 * A leader that is asked for other members appends one entry with the whole new configuration, which is in force from
 * then on. A change of more than one vote goes through a joint configuration, and the leader leaves it by a second entry
 * once the first is committed; so does whoever leads next. Only one change at a time, and none before the leader has
 * committed an entry of its own term: without that rule two majorities could come about that do not meet (the
 * note of 2015 on the bug in single-server changes).
 *
 * A new voter must have been a learner and be level with the log, or the group could not commit until it is.
 */

import { added, EMPTY_LIST } from '../collections/list.js';
import { logIndex, NO_NODE, type LogIndex, type NodeId, type Term } from '../machine/units.js';
import {
  describeConfiguration,
  hasQuorum,
  hasVote,
  isJoint,
  leaveJoint,
  membersOf,
  simpleConfiguration,
  votersOf,
  type Configuration,
} from './configuration.js';
import { appendEntry } from './log.js';
import { hasHeardFrom, newProgress, placeOf } from './progress.js';
import { wake } from './quiescence.js';
import { becomeFollower, NO_PAYLOAD } from './role.js';
import { newestOf, type Progress, type RaftState } from './state.js';
import { tellToCampaign } from './transfer.js';
import { logChangedFrom, type RaftTurn } from './turn.js';

/** The members that a group shall have: two sets, in any order. Whoever stands in both votes. */
export interface Members {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export type Reconfigured =
  | { readonly type: 'Accepted'; readonly index: LogIndex; readonly term: Term }
  /** The members are these already. */
  | { readonly type: 'Unchanged' }
  | { readonly type: 'Refused'; readonly why: ReconfigurationRefusal; readonly reason: string };

export type ReconfigurationRefusal =
  | 'not the leader'
  | 'being transferred'
  | 'change in progress'
  | 'too early in the term'
  | 'no voters'
  | 'not caught up'
  | 'would lose quorum';

/**
 * Asks for these members, in one step. The answer says whether the change is on its way; it is done when the
 * configuration in force is simple and its index is committed.
 */
export function reconfigure<Image>(turn: RaftTurn<Image>, members: Members): Reconfigured {
  const { raft } = turn;
  const refused = (why: ReconfigurationRefusal, reason: string): Reconfigured => ({
    type: 'Refused',
    why,
    reason,
  });
  if (raft.role === 'leader') wake(turn);
  if (raft.role !== 'leader') return refused('not the leader', `node ${raft.self} does not lead the group`);
  if (raft.transfer !== undefined) {
    return refused('being transferred', `leadership is being handed over to node ${raft.transfer.target}`);
  }
  if (isJoint(raft.config) || newestOf(raft.configs).index > raft.commit) {
    return refused('change in progress', `the group is changing to ${describeConfiguration(raft.config)}`);
  }
  if (raft.commit < raft.termStart) {
    return refused('too early in the term', 'the leader has not committed an entry of its term yet');
  }
  const voters = inOrder(members.voters);
  const learners = inOrder(members.learners).filter((node) => !voters.includes(node));
  if (voters.length === 0) return refused('no voters', 'a group needs at least one voter');
  const config = configurationTowards(raft.config, { voters, learners });
  if (config === undefined) return { type: 'Unchanged' };

  const behind = voters.find((voter) => !hasVote(raft.config, voter) && !isLevel(turn, voter));
  if (behind !== undefined) return refused('not caught up', describeLag(turn, behind));
  if (!hasQuorum(config, (node) => hasHeardFrom(turn, node))) {
    const silent = votersOf(config).filter((node) => !hasHeardFrom(turn, node));
    return refused(
      'would lose quorum',
      `the group would be ${describeConfiguration(config)}, of which too many do not answer: ${silent.join(', ')}`,
    );
  }
  appendConfiguration(turn, config);
  return { type: 'Accepted', index: raft.log.lastIndex, term: raft.term };
}

/** In ascending order and without repeats: a node that is named twice has one vote. */
function inOrder(nodes: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(nodes)].sort((a, b) => a - b);
}

/** The next configuration on the way to these members; undefined when they are reached. */
function configurationTowards(now: Configuration, { voters, learners }: Members): Configuration | undefined {
  const come = voters.filter((node) => !now.voters.includes(node));
  const go = now.voters.filter((node) => !voters.includes(node));
  if (come.length + go.length <= 1) {
    const same = come.length + go.length === 0 && isSame(learners, now.learners);
    return same ? undefined : simpleConfiguration(voters, learners);
  }
  return {
    voters,
    outgoing: now.voters,
    learners: learners.filter((node) => !now.voters.includes(node)),
    learnersNext: learners.filter((node) => now.voters.includes(node)),
  };
}

function isSame(some: readonly NodeId[], others: readonly NodeId[]): boolean {
  return some.length === others.length && some.every((node, i) => node === others[i]);
}

/** Whether a learner has what it takes to vote: little is left that it must still be sent, and it answers. */
function isLevel<Image>(turn: RaftTurn<Image>, node: NodeId): boolean {
  const { raft, context } = turn;
  const progress = raft.peers[placeOf(raft.peers, node)];
  if (progress === undefined || progress.mode === 'snapshot' || !hasHeardFrom(turn, node)) return false;
  return raft.log.lastIndex - progress.match <= context.options.maxPromotionLag && progress.match > 0;
}

function describeLag<Image>(turn: RaftTurn<Image>, node: NodeId): string {
  const { peers, log } = turn.raft;
  const progress = peers[placeOf(peers, node)];
  if (progress === undefined) return `node ${node} is no learner of the group yet`;
  if (!hasHeardFrom(turn, node)) return `node ${node} does not answer`;
  return `node ${node} is ${log.lastIndex - progress.match} entries behind`;
}

function appendConfiguration<Image>(turn: RaftTurn<Image>, config: Configuration): void {
  const { raft } = turn;
  raft.log = appendEntry(raft.log, { term: raft.term, payload: NO_PAYLOAD, config });
  logChangedFrom(turn, raft.log.lastIndex);
  takeConfiguration(turn, raft.log.lastIndex, config);
  meetMembers(turn);
  turn.membersChanged = true;
}

/** An entry that changes the members is in the log: they are in force. */
export function takeConfiguration<Image>(
  turn: RaftTurn<Image>,
  index: LogIndex,
  config: Configuration,
): void {
  const { raft } = turn;
  raft.configs = [...raft.configs, { index, config }];
  raft.config = config;
}

/** A leader looks after the members that there are now, and after nobody else. */
function meetMembers<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  let peers: readonly Progress[] = EMPTY_LIST;
  for (const member of membersOf(raft.config)) {
    if (member === raft.self) continue;
    const known = raft.peers[placeOf(raft.peers, member)];
    peers = added(peers, known ?? newProgress(member, logIndex(raft.log.lastIndex), context.now));
  }
  raft.peers = peers;
  turn.ownsPeers = true;
  if (raft.transfer !== undefined && !hasVote(raft.config, raft.transfer.target)) raft.transfer = undefined;
}

/**
 * What a leader does when its configuration is committed: it leaves a joint one; and one that has left itself out
 * hands over to the best of those who stay and steps down (thesis, section 4.2.2).
 */
export function configurationCommitted<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader' || newestOf(raft.configs).index > raft.commit || raft.commit < raft.termStart)
    return;
  if (isJoint(raft.config)) return appendConfiguration(turn, leaveJoint(raft.config));
  if (hasVote(raft.config, raft.self)) return;
  const heir = furthest(raft);
  if (heir !== undefined) tellToCampaign(turn, heir);
  becomeFollower(turn, raft.term, NO_NODE);
}

function furthest<Image>({ config, peers }: RaftState<Image>): NodeId | undefined {
  let best: Progress | undefined;
  for (const progress of peers) {
    if (!hasVote(config, progress.peer)) continue;
    if (best === undefined || progress.match > best.match) best = progress;
  }
  return best?.peer;
}
