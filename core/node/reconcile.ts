/**
 * How a group follows the roster: its leader moves its members, and then its leadership, towards what the roster says.
 *
 * Who joins is a learner first and votes once it is level, so that a newcomer never costs a group its quorum. Who goes
 * stays until every newcomer is level, and all of that is one step (a joint configuration, when more than one vote
 * changes): a replacement never makes the group smaller on its way. A leader that is to go hands over first.
 *
 * Whoever leads looks after its group; a leader that falls in the middle is followed by one that sees the same roster
 * and the same configuration, and goes on. Nothing here need be remembered.
 */

import { hasVote, isJoint, membersOf, type Configuration } from '../raft/configuration.js';
import { hasHeardFrom, placeOf } from '../raft/progress.js';
import { reconfigure, type Members } from '../raft/reconfigure.js';
import { newestOf, type RaftState } from '../raft/state.js';
import { transferLeadership } from '../raft/transfer.js';
import type { RaftTurn } from '../raft/turn.js';
import type { NodeId } from '../machine/units.js';
import { bestLeader } from './placement.js';
import { rosterLearners, rosterVoters, type Roster } from './roster.js';

/** The members that the roster wants every group to have. */
export function membersWanted(roster: Roster): Members {
  return { voters: rosterVoters(roster), learners: rosterLearners(roster) };
}

/** Whether a configuration is what is wanted, and nothing is left to do. */
export function isAsWanted(config: Configuration, { voters, learners }: Members): boolean {
  return !isJoint(config) && isSame(config.voters, voters) && isSame(config.learners, learners);
}

function isSame(some: readonly NodeId[], others: readonly NodeId[]): boolean {
  return some.length === others.length && some.every((node, i) => node === others[i]);
}

/**
 * The members to ask for next, on the way from a configuration to what is wanted; undefined when there is nothing to ask
 * for now: it is reached, or joint, or it waits for newcomers to be level.
 */
export function nextMembers(
  config: Configuration,
  wanted: Members,
  isLevel: (node: NodeId) => boolean,
): Members | undefined {
  if (isJoint(config)) return undefined;
  const stays = (node: NodeId): boolean => wanted.voters.includes(node) || wanted.learners.includes(node);
  const present = membersOf(config);
  const strangers = [...wanted.voters, ...wanted.learners].filter((node) => !present.includes(node));
  const newcomers = wanted.voters.filter((node) => !hasVote(config, node));
  const level = newcomers.filter((node) => present.includes(node) && isLevel(node));
  const next: Members =
    level.length === newcomers.length
      ? { voters: wanted.voters, learners: wanted.learners }
      : {
          voters: inOrder([...config.voters, ...level]),
          learners: inOrder([
            ...config.learners.filter((node) => stays(node) && !level.includes(node)),
            ...strangers,
          ]),
        };
  const isReached = isSame(next.voters, config.voters) && isSame(next.learners, config.learners);
  return isReached ? undefined : next;
}

function inOrder(nodes: readonly NodeId[]): readonly NodeId[] {
  return [...nodes].sort((a, b) => a - b);
}

/** What the leader's look at its group came to. */
export type Looked =
  /** The members are as they should be, and so is the leader, as far as this look was to care. */
  | 'settled'
  /** Something was begun, or is awaited. */
  | 'under way';

/** Does what can be done now to bring a group that this node leads closer to the roster. */
export function reconcileGroup<Image>(turn: RaftTurn<Image>, roster: Roster): Looked {
  const { raft } = turn;
  const wanted = membersWanted(roster);
  const { index, config } = newestOf(raft.configs);
  if (index > raft.commit || raft.transfer !== undefined) return 'under way';
  if (isAsWanted(config, wanted)) return 'settled';
  const next = nextMembers(config, wanted, (node) => isLevel(turn, node));
  if (next === undefined) return 'under way';
  if (!next.voters.includes(raft.self) && hasVote(config, raft.self)) {
    // It would lead uncounted and then leave the group without a leader; one that stays can do better.
    const heir = bestHeir(turn, roster, (node) => next.voters.includes(node));
    if (heir !== undefined) {
      transferLeadership(turn, heir);
      return 'under way';
    }
  }
  reconfigure(turn, next);
  return 'under way';
}

/** Who should lead in place of this node: it stands highest with the roster, votes, is level and answers. */
export function bestHeir<Image>(
  turn: RaftTurn<Image>,
  roster: Roster,
  isFit: (node: NodeId) => boolean = () => true,
): NodeId | undefined {
  const { raft } = turn;
  const canLead = (node: NodeId): boolean =>
    node !== raft.self && hasVote(raft.config, node) && isFit(node) && isLevel(turn, node);
  return bestLeader(roster, raft.group, canLead);
}

/** Whether a member answers, and has all but the newest entries. */
export function isLevel<Image>(turn: RaftTurn<Image>, node: NodeId): boolean {
  const { raft, context } = turn;
  if (node === raft.self) return true;
  const progress = raft.peers[placeOf(raft.peers, node)];
  if (progress === undefined || progress.mode !== 'replicate') return false;
  if (!hasHeardFrom(turn, node)) return false;
  return raft.log.lastIndex - progress.match <= context.options.maxPromotionLag;
}

/** Whether a better node than this one should lead the group, and which. */
export function betterLeader<Image>(
  turn: RaftTurn<Image>,
  roster: Roster,
  isFit: (node: NodeId) => boolean = () => true,
): NodeId | undefined {
  const { raft } = turn;
  const best = bestLeader(
    roster,
    raft.group,
    (node) => node === raft.self || (hasVote(raft.config, node) && isFit(node) && isLevel(turn, node)),
  );
  return best === raft.self ? undefined : best;
}

/** Whether this node is not the one that the roster would have lead, be the other alive or not. */
export function isMisplaced<Image>(raft: RaftState<Image>, roster: Roster): boolean {
  return bestLeader(roster, raft.group, () => true) !== raft.self;
}

/** Whether somebody has a higher priority than this node, or it is no voter any more: then it should not lead at all. */
export function isOutranked<Image>({ self }: RaftState<Image>, { members }: Roster): boolean {
  const own = members.find(({ node, role }) => node === self && role === 'voter');
  return (
    own === undefined || members.some(({ role, priority }) => role === 'voter' && priority > own.priority)
  );
}
