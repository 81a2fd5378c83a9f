/**
 * Administrative requests: taken here or handed on to the leader that they concern, tried again until their deadline,
 * and answered with what was done or why not.
 *
 * A change of members first asks every member how its groups are, so that a refusal can say what is in the way; then
 * it writes the roster by compare-and-set. Everything after that is each group's own affair (`reconcile.ts`).
 */

import { mapGet } from '../collections/ordered-map.js';
import { radixDelete, radixForEach, radixGet, radixSet } from '../collections/radix-array.js';
import { unreachable } from '../machine/assert.js';
import { monotonicMs, NO_NODE, revision, type GroupId, type NodeId } from '../machine/units.js';
import { KeyValueCode, OWN_REQUEST_ID_PREFIX, SetFlag, type RequestId } from '../partition/command.js';
import { newestOf } from '../raft/state.js';
import { transferLeadership } from '../raft/transfer.js';
import { encodeRoster } from '../wire/index.js';
import type {
  AdminAnswer,
  AdminCommand,
  AdminRefusal,
  ChangeMembers,
  GroupReport,
  TransferLeadership,
} from './admin-protocol.js';
import {
  changedRoster,
  membersReport,
  newestReports,
  obstacleTo,
  problemWithChange,
  type Judged,
} from './admin-rules.js';
import { execute } from './group.js';
import { linkOf } from './link.js';
import type { AdminOrigin, AdminStage, AdminTask, MemberSurvey } from './membership.js';
import type { AdminForward, AdminForwarded, ForwardResult, SurveyAnswer, SurveyAsk } from './protocol.js';
import type { Answer } from './proposals.js';
import { bestHeir } from './reconcile.js';
import type { GroupState } from './state.js';
import { listed, META_GROUP, nameNodes, ROSTER_KEY, type Roster } from './roster.js';
import { groupOf, openedGroup, openGroup, sendAtOnce, type NodeTurn } from './turn.js';
import { beginToDrain, doChoresAt, isMemberHere, rosterOf } from './worklist.js';

/** A client of this node asks. */
export function adminRequested(turn: NodeTurn, token: number, command: AdminCommand): void {
  begin(turn, { type: 'Client', token }, command);
}

/** Another node hands on what it was asked. A repetition of what is under way is not begun again. */
export function adminForwarded(turn: NodeTurn, from: NodeId, { id, command }: AdminForward): void {
  let isKnown = false;
  radixForEach(turn.node.membership.tasks, ({ origin }) => {
    if (origin.type === 'Node' && origin.node === from && origin.id === id) isKnown = true;
  });
  if (!isKnown) begin(turn, { type: 'Node', node: from, id }, command);
}

function begin(turn: NodeTurn, origin: AdminOrigin, command: AdminCommand): void {
  const { node, options, now } = turn;
  const number = node.membership.nextTask;
  node.membership = { ...node.membership, nextTask: number + 1 };
  const task: AdminTask = {
    number,
    command,
    origin,
    deadline: monotonicMs(now.monotonic + options.requestTimeoutMs),
    stage: { type: 'Seek' },
    wrote: false,
  };
  if (origin.type === 'Client' && command.type !== 'HandOver' && !isMemberHere(turn)) {
    const reason = `node ${options.node} is no member of the cluster: ask another node`;
    return finish(turn, task, { outcome: 'Unavailable', reason, version: rosterOf(turn).version });
  }
  const problem = problemWith(turn, command);
  if (problem !== undefined) return finish(turn, task, refusedAnswer(turn, problem.refusal, problem.reason));
  pursue(turn, task);
}

function problemWith(
  { options }: NodeTurn,
  command: AdminCommand,
): { readonly refusal: AdminRefusal; readonly reason: string } | undefined {
  switch (command.type) {
    case 'ChangeMembers': {
      if (!options.meta) {
        const reason =
          'the members of this cluster are fixed: its nodes were started without a group for the roster';
        return { refusal: 'FixedMembership', reason };
      }
      const reason = problemWithChange(command);
      return reason === undefined ? undefined : { refusal: 'InvalidInput', reason };
    }
    case 'TransferLeadership': {
      const { group } = command;
      const first = options.meta ? 0 : 1;
      if (Number.isSafeInteger(group) && group >= first && group <= options.partitions) return undefined;
      return {
        refusal: 'UnknownGroup',
        reason: `there is no group ${group}; there are ${first} to ${options.partitions}`,
      };
    }
    case 'ListMembers':
    case 'HandOver':
      return undefined;
    default:
      return unreachable(command);
  }
}

/** Does what a task can do now. It stays on the books, and is looked at again with the chores. */
function pursue(turn: NodeTurn, task: AdminTask): void {
  const { command } = task;
  switch (command.type) {
    case 'ListMembers':
      return survey(turn, task);
    case 'HandOver':
      return handOver(turn, task);
    case 'ChangeMembers':
      return leads(turn, META_GROUP) ? survey(turn, task) : passOn(turn, task, META_GROUP, command);
    case 'TransferLeadership':
      return leads(turn, command.group)
        ? transfer(turn, task, command)
        : passOn(turn, task, command.group, command);
    default:
      return unreachable(command);
  }
}

/** Whether this node leads the group, as this turn has it. */
function leads(turn: NodeTurn, group: GroupId): boolean {
  return (openedGroup(turn, group)?.raft.raft ?? groupOf(turn.node, group).raft).role === 'leader';
}

function leaderOf(turn: NodeTurn, group: GroupId): NodeId {
  return (openedGroup(turn, group)?.raft.raft ?? groupOf(turn.node, group).raft).leader;
}

function passOn(
  turn: NodeTurn,
  task: AdminTask,
  group: GroupId,
  command: ChangeMembers | TransferLeadership,
): void {
  if (task.origin.type === 'Node') {
    // It was handed on once; whoever did so finds the leader itself.
    const { node, id } = task.origin;
    dropTask(turn, task);
    return sendAtOnce(turn, node, { type: 'AdminForwarded', id, answer: undefined });
  }
  const { options, now } = turn;
  const leader = leaderOf(turn, group);
  if (leader === NO_NODE || leader === options.node) return keep(turn, task, { type: 'Seek' });
  const retryAt = monotonicMs(now.monotonic + options.forwardTimeoutMs);
  keep(turn, task, { type: 'Forwarded', to: leader, retryAt });
  sendAtOnce(turn, leader, { type: 'AdminForward', id: nameOf(turn, task), command });
}

/** No other run of this node gives this name again. */
function nameOf({ node }: NodeTurn, { number }: AdminTask): string {
  return `${number}:${node.incarnation}`;
}

/** The leader to which a request was handed on answers. */
export function forwardedAnswered(turn: NodeTurn, from: NodeId, { id, answer }: AdminForwarded): void {
  const task = taskNamed(turn, id);
  if (task?.stage.type !== 'Forwarded' || task.stage.to !== from) return;
  if (answer === undefined) keep(turn, task, { type: 'Seek' });
  else finish(turn, task, answer);
}

function taskNamed(turn: NodeTurn, name: string): AdminTask | undefined {
  const number = Number.parseInt(name, 10);
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  const task = radixGet(turn.node.membership.tasks, number);
  return task === undefined || nameOf(turn, task) !== name ? undefined : task;
}

// The chores of every task.

/** The time has come to look at what is under way. */
export function tasksDue(turn: NodeTurn, answer: Answer): void {
  const tasks: AdminTask[] = [];
  radixForEach(turn.node.membership.tasks, (task) => tasks.push(task));
  for (const task of tasks) taskDue(turn, task, answer);
}

function taskDue(turn: NodeTurn, task: AdminTask, answer: Answer): void {
  const { now } = turn;
  const { stage } = task;
  if (now.monotonic >= task.deadline) return giveUp(turn, task, stage);
  switch (stage.type) {
    case 'Seek':
      return pursue(turn, task);
    case 'Forwarded':
      return now.monotonic >= stage.retryAt ? pursue(turn, task) : doChoresAt(turn, stage.retryAt);
    case 'Survey':
      return surveyDue(turn, task, stage, answer);
    case 'Transferring':
      return transferDue(turn, task, stage);
    case 'Writing':
      return doChoresAt(turn, task.deadline);
    default:
      return unreachable(stage);
  }
}

function giveUp(turn: NodeTurn, task: AdminTask, stage: AdminStage): void {
  const ms = turn.options.requestTimeoutMs;
  if (task.command.type === 'HandOver') {
    const left = countLed(turn);
    return finish(turn, task, {
      outcome: 'Unavailable',
      reason: `${left} of this node's groups could not be handed over within ${ms} ms: nobody else can lead them`,
      version: rosterOf(turn).version,
    });
  }
  const isUncertain = task.wrote || stage.type === 'Forwarded' || stage.type === 'Writing';
  const why =
    stage.type === 'Survey'
      ? describeMissing(turn, stage.reports)
      : stage.type === 'Transferring'
        ? `node ${stage.target} did not take over`
        : 'no leader answered';
  finish(turn, task, {
    outcome: isUncertain ? 'Unknown' : 'Unavailable',
    reason: `${why} within ${ms} ms${isUncertain ? '; it may still be done: ask again, which is harmless' : '; nothing was done: try again'}`,
    version: rosterOf(turn).version,
  });
}

// A change of members, and the list of them.

function survey(turn: NodeTurn, task: AdminTask): void {
  const { node, options, now } = turn;
  const number = node.membership.nextTask;
  node.membership = { ...node.membership, nextTask: number + 1 };
  const own: MemberSurvey = { node: options.node, groups: reportLed(turn) };
  keep(turn, task, {
    type: 'Survey',
    number,
    begunAt: now.monotonic,
    askedAt: now.monotonic,
    reports: [own],
  });
  askMembers(turn, task, number, [own]);
}

function askMembers(turn: NodeTurn, task: AdminTask, number: number, reports: readonly MemberSurvey[]): void {
  const name = `${task.number}:${number}:${turn.node.incarnation}`;
  for (const { node } of rosterOf(turn).members) {
    if (reports.some((report) => report.node === node)) continue;
    sendAtOnce(turn, node, { type: 'SurveyAsk', survey: name });
  }
}

export function surveyAsked(turn: NodeTurn, from: NodeId, { survey: name }: SurveyAsk): void {
  sendAtOnce(turn, from, { type: 'SurveyAnswer', survey: name, groups: reportLed(turn) });
}

export function surveyAnswered(turn: NodeTurn, from: NodeId, message: SurveyAnswer): void {
  const [text = '', survey = '', ...run] = message.survey.split(':');
  const task = radixGet(turn.node.membership.tasks, Number.parseInt(text, 10) >>> 0);
  if (task?.stage.type !== 'Survey' || run.join(':') !== turn.node.incarnation) return;
  const { stage } = task;
  if (String(stage.number) !== survey) return;
  const others = stage.reports.filter((report) => report.node !== from);
  keep(turn, task, { ...stage, reports: [...others, { node: from, groups: message.groups }] });
  // The verdict is part of the chores, so that one place decides it.
  doChoresAt(turn, turn.now.monotonic);
}

/** What this node can say of the groups that it leads. */
function reportLed(turn: NodeTurn): readonly GroupReport[] {
  const reports: GroupReport[] = [];
  radixForEach(turn.node.groups, (group, id) => {
    const raft = openedGroup(turn, id as GroupId)?.raft.raft ?? group.raft;
    if (raft.role !== 'leader') return;
    const { config, index } = newestOf(raft.configs);
    reports.push({
      group: raft.group,
      term: raft.term,
      voters: config.voters,
      outgoing: config.outgoing,
      learners: config.learners,
      committed: index <= raft.commit && raft.commit >= raft.termStart,
      lastIndex: raft.log.lastIndex,
      peers: raft.peers.map(({ peer, match, heardAt }) => ({
        node: peer,
        match,
        heardMsAgo: Math.max(0, turn.now.monotonic - heardOf(turn, raft, peer, heardAt)),
      })),
    });
  });
  return reports;
}

/** While a group sleeps, its nodes hear of each other for it. */
function heardOf(
  turn: NodeTurn,
  { rest }: Pick<GroupState['raft'], 'rest'>,
  peer: NodeId,
  heardAt: number,
): number {
  if (!rest.asleep || !rest.agreed.includes(peer)) return heardAt;
  return Math.max(heardAt, linkOf(turn.node, peer).answeredAt);
}

function surveyDue(
  turn: NodeTurn,
  task: AdminTask,
  stage: Extract<AdminStage, { type: 'Survey' }>,
  answer: Answer,
): void {
  const { options, now } = turn;
  const { reports, begunAt } = stage;
  const roster = rosterOf(turn);
  const all = roster.members.every(({ node }) => reports.some((report) => report.node === node));
  const covered = missingGroups(turn, reports).length === 0;
  // Whoever asked must still be there to hear the answer, however long an election may take.
  const patienceMs = Math.min(options.electionTimeoutMs, options.requestTimeoutMs >>> 1);
  const patienceIsOver = now.monotonic - begunAt >= patienceMs;
  if (!(covered && all) && !patienceIsOver) return askAgain(turn, task, stage);
  if (task.command.type === 'ListMembers') {
    const report = membersReport(roster, reports, groupsOf(turn));
    return finish(turn, task, { outcome: 'Done', reason: '', version: roster.version, report });
  }
  if (task.command.type !== 'ChangeMembers') return;
  // An election under way leaves a group without a word; then the members are asked anew.
  if (!covered || !leads(turn, META_GROUP)) return pursue(turn, task);
  changeMembers(turn, task, task.command, reports, answer);
}

function askAgain(turn: NodeTurn, task: AdminTask, stage: Extract<AdminStage, { type: 'Survey' }>): void {
  const { options, now } = turn;
  const again = monotonicMs(stage.askedAt + options.heartbeatIntervalMs);
  if (now.monotonic < again) return doChoresAt(turn, again);
  keep(turn, task, { ...stage, askedAt: now.monotonic });
  askMembers(turn, task, stage.number, stage.reports);
}

function groupsOf({ options }: NodeTurn): readonly GroupId[] {
  const first = options.meta ? 0 : 1;
  return Array.from({ length: options.partitions + 1 - first }, (_, i) => (first + i) as GroupId);
}

function missingGroups(turn: NodeTurn, reports: readonly MemberSurvey[]): readonly GroupId[] {
  const led = newestReports(reports);
  return groupsOf(turn).filter((group) => !led.has(group));
}

function describeMissing(turn: NodeTurn, reports: readonly MemberSurvey[]): string {
  const missing = missingGroups(turn, reports);
  if (missing.length === 0) return 'the leader of group 0 could not decide';
  const shown = missing.slice(0, 5);
  const more = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : '';
  return `no leader of group ${listed(shown)}${more} answered`;
}

function changeMembers(
  turn: NodeTurn,
  task: AdminTask,
  command: ChangeMembers,
  reports: readonly MemberSurvey[],
  answer: Answer,
): void {
  const opened = openGroup(turn, META_GROUP);
  const { raft } = opened.raft;
  // What the log holds and is not applied yet may be a newer roster.
  if (opened.group.partition.applied < raft.termStart) return keep(turn, task, { type: 'Seek' });
  const roster = rosterOf(turn);
  const judged = changedRoster(roster, command);
  if (judged.type !== 'Change') return conclude(turn, task, judged, roster);
  const obstacle = obstacleTo(roster, judged.roster, command, reports, turn.options.maxPromotionLag);
  if (obstacle !== undefined) return conclude(turn, task, obstacle, roster);

  const stored = mapGet(opened.group.partition.keys, ROSTER_KEY)?.revision ?? -1;
  if (stored !== roster.version - 1) return keep(turn, task, { type: 'Seek' });
  const writing: AdminTask = { ...task, stage: { type: 'Writing' }, wrote: true };
  saveTask(turn, writing);
  doChoresAt(turn, task.deadline);
  const number = turn.node.membership.nextTask;
  turn.node.membership = { ...turn.node.membership, nextTask: number + 1 };
  execute(
    turn,
    {
      group: META_GROUP,
      requestId: `${OWN_REQUEST_ID_PREFIX}admin-${number}:${turn.node.incarnation}` as RequestId,
      basis: opened.group.partition.applied,
      operation: {
        type: 'Set',
        key: ROSTER_KEY,
        value: encodeRoster(judged.roster),
        flags: SetFlag.set | SetFlag.ifEqualToRevision,
        compareValue: null,
        compareRevision: revision(roster.version - 1),
      },
      origin: { type: 'Admin', task: task.number, summary: judged.summary },
    },
    answer,
  );
}

function conclude(turn: NodeTurn, task: AdminTask, judged: Judged, { version }: Roster): void {
  switch (judged.type) {
    case 'Unchanged':
      return finish(
        turn,
        task,
        task.wrote
          ? { outcome: 'Done', reason: 'the roster says so', version }
          : { outcome: 'Unchanged', reason: 'the roster says so already', version },
      );
    case 'Refused':
      return finish(turn, task, {
        outcome: 'Refused',
        refusal: judged.refusal,
        reason: judged.reason,
        version,
      });
    case 'Change':
      return;
    default:
      return unreachable(judged);
  }
}

/** The write of a roster has come to an end. */
export function rosterWritten(turn: NodeTurn, number: number, summary: string, result: ForwardResult): void {
  const task = radixGet(turn.node.membership.tasks, number);
  if (task?.stage.type !== 'Writing') return;
  const outcome = result.type === 'Executed' ? result.outcome : undefined;
  if (outcome !== undefined && outcome.family === undefined && outcome.code === KeyValueCode.set) {
    const version = outcome.revision + 1;
    return finish(turn, task, { outcome: 'Done', reason: summary, version });
  }
  // Somebody else was quicker, or leadership was lost on the way: look again at how things are.
  const isRefused = result.type === 'Executed';
  saveTask(turn, { ...task, wrote: task.wrote && !isRefused, stage: { type: 'Seek' } });
  doChoresAt(turn, monotonicMs(turn.now.monotonic + turn.options.heartbeatIntervalMs));
}

// Leadership.

function transfer(turn: NodeTurn, task: AdminTask, command: TransferLeadership): void {
  const opened = openGroup(turn, command.group);
  const { version } = rosterOf(turn);
  const target = command.target === NO_NODE ? bestHeir(opened.raft, rosterOf(turn)) : command.target;
  if (target === undefined) {
    const reason = `no other voter of group ${command.group} answers and is level with its leader`;
    return finish(turn, task, { outcome: 'Unavailable', reason, version });
  }
  const started = transferLeadership(opened.raft, target);
  switch (started.type) {
    case 'Unchanged': {
      const reason = `node ${target} leads group ${command.group} already`;
      return finish(turn, task, { outcome: 'Unchanged', reason, version });
    }
    case 'Started':
      return keep(turn, task, { type: 'Transferring', group: command.group, target });
    case 'Refused': {
      if (started.why === 'no voter') {
        const { voters } = opened.raft.raft.config;
        const reason = `node ${target} has no vote in group ${command.group}; ${nameNodes(voters)} ${voters.length === 1 ? 'has' : 'have'}`;
        return finish(turn, task, refusedAnswer(turn, 'NotAVoter', reason));
      }
      if (started.why === 'not answering') {
        return finish(turn, task, { outcome: 'Unavailable', reason: started.reason, version });
      }
      return keep(turn, task, { type: 'Seek' });
    }
    default:
      return unreachable(started);
  }
}

function transferDue(
  turn: NodeTurn,
  task: AdminTask,
  stage: Extract<AdminStage, { type: 'Transferring' }>,
): void {
  const { group, target } = stage;
  const leader = leaderOf(turn, group);
  if (leader === target) {
    const reason = `node ${target} leads group ${group}`;
    return finish(turn, task, { outcome: 'Done', reason, version: rosterOf(turn).version });
  }
  if (leads(turn, group) && openGroup(turn, group).raft.raft.transfer === undefined) {
    const reason = `node ${target} did not take over group ${group} in time; node ${leader} still leads it. Try again`;
    return finish(turn, task, { outcome: 'Unavailable', reason, version: rosterOf(turn).version });
  }
  keep(turn, task, stage);
}

/** This node begins to hand over all that it leads; `chores.ts` goes on with it. */
function handOver(turn: NodeTurn, task: AdminTask): void {
  beginToDrain(turn);
  if (countLed(turn) > 0) return keep(turn, task, { type: 'Seek' });
  const reason = 'this node leads nothing';
  finish(turn, task, { outcome: 'Done', reason, version: rosterOf(turn).version });
}

/** Groups that this node leads and somebody else could. */
function countLed(turn: NodeTurn): number {
  let count = 0;
  radixForEach(turn.node.groups, (group, id) => {
    const raft = openedGroup(turn, id as GroupId)?.raft.raft ?? group.raft;
    if (raft.role === 'leader' && raft.config.voters.length > 1) count += 1;
  });
  return count;
}

// The books.

function keep(turn: NodeTurn, task: AdminTask, stage: AdminStage): void {
  saveTask(turn, { ...task, stage });
  const soon = turn.now.monotonic + turn.options.heartbeatIntervalMs;
  doChoresAt(turn, monotonicMs(Math.min(soon, task.deadline)));
}

function saveTask(turn: NodeTurn, task: AdminTask): void {
  const { membership } = turn.node;
  turn.node.membership = { ...membership, tasks: radixSet(membership.tasks, task.number, task) };
}

function dropTask(turn: NodeTurn, { number }: AdminTask): void {
  const { membership } = turn.node;
  turn.node.membership = { ...membership, tasks: radixDelete(membership.tasks, number) };
}

function refusedAnswer(turn: NodeTurn, refusal: AdminRefusal, reason: string): AdminAnswer {
  return { outcome: 'Refused', refusal, reason, version: rosterOf(turn).version };
}

function finish(turn: NodeTurn, task: AdminTask, given: AdminAnswer): void {
  dropTask(turn, task);
  const { origin } = task;
  if (origin.type === 'Client') {
    turn.replies = [...turn.replies, { token: origin.token, answer: given }];
  } else {
    sendAtOnce(turn, origin.node, { type: 'AdminForwarded', id: origin.id, answer: given });
  }
}
