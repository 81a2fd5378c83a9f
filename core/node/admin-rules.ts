/**
 * What a change of members comes to: the roster after it, or why it is refused, in words for whoever asked.
 *
 * A refusal rests on a survey: what every member that answers says of the groups that it leads. It is a kindness and not
 * what safety rests on: that is for each group's leader and for Raft, which decide by what they know themselves.
 */

import type { GroupId, NodeId } from '../machine/units.js';
import { isAsWanted, membersWanted } from './reconcile.js';
import type {
  AdminRefusal,
  ChangeMembers,
  GroupReport,
  MemberReport,
  MembersReport,
} from './admin-protocol.js';
import type { MemberSurvey } from './membership.js';
import {
  DEFAULT_PRIORITY,
  listed,
  memberOf,
  nameNodes,
  problemWithRoster,
  rosterVoters,
  type Member,
  type Roster,
} from './roster.js';

export type Judged =
  | { readonly type: 'Change'; readonly roster: Roster; readonly summary: string }
  | { readonly type: 'Unchanged' }
  | { readonly type: 'Refused'; readonly refusal: AdminRefusal; readonly reason: string };

function refused(refusal: AdminRefusal, reason: string): Judged {
  return { type: 'Refused', refusal, reason };
}

/** What is wrong with the command, whatever the roster is; undefined when nothing is. */
export function problemWithChange({ add, promote, remove, priorities }: ChangeMembers): string | undefined {
  if (add.length + promote.length + remove.length + priorities.length === 0) {
    return 'nothing is asked for: name nodes to add, to promote or to remove, or a priority';
  }
  const membership = [...add.map(({ node }) => node), ...promote, ...remove];
  for (const node of [...membership, ...priorities.map((each) => each.node)]) {
    if (!Number.isSafeInteger(node) || node < 1)
      return `a node id is a whole number of 1 or more, but one is ${node}`;
  }
  const twice = membership.find((node, i) => membership.indexOf(node) !== i);
  return twice === undefined ? undefined : `node ${twice} is named twice; say once what shall become of it`;
}

/** The roster after the change, before anything is asked of the cluster. */
export function changedRoster(roster: Roster, change: ChangeMembers): Judged {
  const version = roster.version + 1;
  let members: readonly Member[] = roster.members;
  for (const { node, address, role } of change.add) {
    const known = memberOf(roster, node);
    if (known !== undefined && known.address === address && (known.role === role || role === 'learner'))
      continue;
    if (known !== undefined && known.address !== address) {
      const reason = `node ${node} is a member already, at ${known.address}; remove it first, or give the new one an id of its own`;
      return refused('AlreadyMember', reason);
    }
    if (known !== undefined) {
      return refused('AlreadyMember', `node ${node} is a member already, as a learner; promote it`);
    }
    const other = members.find((each) => address !== '' && each.address === address);
    if (other !== undefined && !change.remove.includes(other.node)) {
      return refused('AddressTaken', `${address} is the address of node ${other.node}`);
    }
    members = [...members, { node, address, role, priority: DEFAULT_PRIORITY, since: version }];
  }
  for (const node of change.promote) {
    if (memberOf(roster, node) === undefined) return unknownNode(roster, node);
    members = members.map((each) => (each.node === node ? { ...each, role: 'voter' as const } : each));
  }
  // A node that is gone already is what was asked for.
  members = members.filter(({ node }) => !change.remove.includes(node));
  for (const { node, priority } of change.priorities) {
    if (!members.some((each) => each.node === node)) return unknownNode(roster, node);
    members = members.map((each) => (each.node === node ? { ...each, priority } : each));
  }
  const next: Roster = { version, members: [...members].sort((a, b) => a.node - b.node) };
  if (rosterVoters(next).length === 0) {
    const reason = `removing ${nameNodes(change.remove)} would leave no voter; add or promote another one in the same step`;
    return refused('LastVoter', reason);
  }
  const problem = problemWithRoster(next);
  if (problem !== undefined) return refused('InvalidInput', `the roster would not be sound: ${problem}`);
  if (isEqual(next.members, roster.members)) return { type: 'Unchanged' };
  return { type: 'Change', roster: next, summary: summaryOf(roster, next) };
}

function unknownNode({ members }: Roster, node: NodeId): Judged {
  const known = members.map((member) => member.node);
  return refused('UnknownNode', `node ${node} is no member; the members are ${nameNodes(known)}`);
}

function isEqual(some: readonly Member[], others: readonly Member[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ node, address, role, priority }, i) => {
      const other = others[i] as Member;
      return (
        node === other.node && address === other.address && role === other.role && priority === other.priority
      );
    })
  );
}

function summaryOf(before: Roster, after: Roster): string {
  const come = after.members.filter(({ node }) => memberOf(before, node) === undefined);
  const go = before.members.filter(({ node }) => memberOf(after, node) === undefined);
  const changed = after.members.filter(({ node, role }) => {
    const known = memberOf(before, node);
    return known !== undefined && known.role !== role;
  });
  const parts = [
    sentence(come, 'joins', 'join'),
    sentence(changed, 'is to vote', 'are to vote'),
    sentence(go, 'leaves', 'leave'),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'the priorities are changed' : listed(parts);
}

function sentence(members: readonly Member[], one: string, many: string): string {
  if (members.length === 0) return '';
  return `${nameNodes(members.map(({ node }) => node))} ${members.length === 1 ? one : many}`;
}

/** The newest word on each group, by group. */
export function newestReports(surveys: readonly MemberSurvey[]): ReadonlyMap<GroupId, Led> {
  const newest = new Map<GroupId, Led>();
  for (const { node, groups } of surveys) {
    for (const report of groups) {
      const known = newest.get(report.group);
      if (known === undefined || known.report.term < report.term)
        newest.set(report.group, { leader: node, report });
    }
  }
  return newest;
}

export interface Led {
  readonly leader: NodeId;
  readonly report: GroupReport;
}

/** What is in the way of a change that makes sense by itself; undefined when nothing is. */
export function obstacleTo(
  roster: Roster,
  next: Roster,
  change: ChangeMembers,
  surveys: readonly MemberSurvey[],
  maxLag: number,
): Judged | undefined {
  const led = newestReports(surveys);
  return (
    changeInProgress(roster, change, led) ??
    notCaughtUp(change, led, maxLag) ??
    wouldLoseQuorum(roster, next, surveys, led)
  );
}

/** A group is on its way, and not only because of the nodes that are to go: then they may go first. */
function changeInProgress(
  roster: Roster,
  change: ChangeMembers,
  led: ReadonlyMap<GroupId, Led>,
): Judged | undefined {
  if (change.add.length + change.promote.length + change.remove.length === 0) return undefined;
  const wanted = membersWanted(roster);
  const without = (nodes: readonly NodeId[]): readonly NodeId[] =>
    nodes.filter((node) => !change.remove.includes(node));
  const rest = { voters: without(wanted.voters), learners: without(wanted.learners) };
  for (const [group, { report }] of led) {
    const { voters, outgoing, learners } = report;
    const config = {
      voters: without(voters),
      outgoing,
      learners: without(learners),
      learnersNext: [],
    };
    if (report.committed && isAsWanted(config, rest)) continue;
    const others = [...led.values()].filter((each) => !isDone(each.report, roster)).length - 1;
    const more = others > 0 ? `, and ${others} more` : '';
    const now = outgoing.length > 0 ? `${listed(outgoing)} to ${listed(voters)}` : `voters ${listed(voters)}`;
    const reason =
      `a change is in progress: group ${group} is not yet where the roster wants it (${now}` +
      `${learners.length > 0 ? `, learners ${listed(learners)}` : ''}${more}). Wait for it, or remove the node that it waits for`;
    return refused('ChangeInProgress', reason);
  }
  return undefined;
}

/** Whether a group is what the roster wants, for good. */
export function isDone({ committed, voters, outgoing, learners }: GroupReport, roster: Roster): boolean {
  return committed && isAsWanted({ voters, outgoing, learners, learnersNext: [] }, membersWanted(roster));
}

/** Only who is to be promoted now: one that is added as a voter becomes one when it is level. */
function notCaughtUp(
  change: ChangeMembers,
  led: ReadonlyMap<GroupId, Led>,
  maxLag: number,
): Judged | undefined {
  for (const node of change.promote) {
    let worst = -1;
    let where: GroupId | undefined;
    for (const [group, { leader, report }] of led) {
      if (leader === node || report.voters.includes(node)) continue;
      const lag = lagIn(report, node);
      if (lag > worst) {
        worst = lag;
        where = group;
      }
    }
    if (worst > maxLag && where !== undefined) {
      const reason =
        `node ${node} is not caught up: it is ${withCommas(worst)} entries behind in group ${where}, and ` +
        `${withCommas(maxLag)} are the most. Wait; \`members list\` shows how far it is`;
      return refused('NotCaughtUp', reason);
    }
  }
  return undefined;
}

function lagIn(report: GroupReport, node: NodeId): number {
  const peer = report.peers.find((each) => each.node === node);
  return peer === undefined ? report.lastIndex : Math.max(0, report.lastIndex - peer.match);
}

function wouldLoseQuorum(
  roster: Roster,
  next: Roster,
  surveys: readonly MemberSurvey[],
  led: ReadonlyMap<GroupId, Led>,
): Judged | undefined {
  const gone = rosterVoters(roster).filter((node) => memberOf(next, node) === undefined);
  if (gone.length === 0) return undefined;
  const voters = rosterVoters(next);
  // Who is to vote only now does so when it is level, and nobody goes before: it cannot be missed.
  const isNew = (node: NodeId): boolean => memberOf(roster, node)?.role !== 'voter';
  const answers = (node: NodeId): boolean => isNew(node) || surveys.some((survey) => survey.node === node);
  const alive = voters.filter(answers);
  if (alive.length > voters.length >>> 1) return undefined;
  const silent = voters.filter((node) => !answers(node)).map((node) => describeSilence(node, led));
  const reason =
    `removing ${nameNodes(gone)} would lose quorum: of the voters that would remain, ${listed(voters)}, ` +
    `${listed(silent)}. Bring ${silent.length === 1 ? 'it' : 'them'} back, or remove ${silent.length === 1 ? 'it' : 'them'} first`;
  return refused('WouldLoseQuorum', reason);
}

function describeSilence(node: NodeId, led: ReadonlyMap<GroupId, Led>): string {
  const heard = heardMsAgo(node, led);
  return heard === undefined
    ? `node ${node} does not answer`
    : `node ${node} has not answered for ${Math.max(1, Math.round(heard / 1_000))} s`;
}

function heardMsAgo(node: NodeId, led: ReadonlyMap<GroupId, Led>): number | undefined {
  let least: number | undefined;
  for (const { report } of led.values()) {
    const heard = report.peers.find((peer) => peer.node === node)?.heardMsAgo;
    if (heard !== undefined && (least === undefined || heard < least)) least = heard;
  }
  return least;
}

/** The members and how they are, put together from what they say. */
export function membersReport(
  roster: Roster,
  surveys: readonly MemberSurvey[],
  groups: readonly GroupId[],
): MembersReport {
  const led = newestReports(surveys);
  return {
    roster,
    members: roster.members.map((member) => describeMember(member, surveys, led)),
    groups: groups.length,
    leaderless: groups.filter((group) => !led.has(group)),
    unsettled: [...led].filter(([, { report }]) => !isDone(report, roster)).map(([group]) => group),
  };
}

function describeMember(
  member: Member,
  surveys: readonly MemberSurvey[],
  led: ReadonlyMap<GroupId, Led>,
): MemberReport {
  const { node } = member;
  let leads = 0;
  let votesIn = 0;
  let learnsIn = 0;
  let lag: number | undefined;
  let lagGroup: GroupId | undefined;
  for (const [group, { leader, report }] of led) {
    if (leader === node) leads += 1;
    if (report.voters.includes(node)) votesIn += 1;
    if (report.learners.includes(node)) learnsIn += 1;
    const behind = leader === node ? 0 : lagIn(report, node);
    if (lag === undefined || behind > lag) {
      lag = behind;
      lagGroup = group;
    }
  }
  const alive = surveys.some((survey) => survey.node === node);
  return { ...member, alive, heardMsAgo: heardMsAgo(node, led), leads, votesIn, learnsIn, lag, lagGroup };
}

/** 5210 as "5,210". */
function withCommas(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}
