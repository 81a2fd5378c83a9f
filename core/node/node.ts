/**
 * One node: many Raft groups and the requests of many clients behind one step.
 *
 * Routes every event to the group or request that it belongs to, then closes the groups that were touched and turns
 * what they want into effects. The rule of durability is kept here and nowhere else: a message that depends on a
 * write is held back until the host reports that write durable, and dies with the process if it never is.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { addDeadline, dropEarliest } from '../collections/deadlines.js';
import { mixNumber } from '../collections/digest.js';
import { emptyFifo, fifoFrom, fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { emptyOrderedMap } from '../collections/ordered-map.js';
import { emptyRadixArray, radixForEach, radixGet, radixSet } from '../collections/radix-array.js';
import { assert, unreachable } from '../machine/assert.js';
import type { Boot, HostEffect, HostEvent, Machine, Step, Turn } from '../machine/machine.js';
import {
  groupId,
  logIndex,
  monotonicMs,
  NO_NODE,
  term,
  writeNumber,
  type MonotonicMs,
  type NodeId,
  type WriteNumber,
} from '../machine/units.js';
import { EMPTY_PARTITION } from '../partition/partition.js';
import { writesCompleted } from '../raft/durability.js';
import type { Entry } from '../raft/messages.js';
import { nextDeadline, restoreRaft } from '../raft/state.js';
import { closeReads, closeTurn, receive, tick, settleMembers } from '../raft/step.js';
import { drawPatience } from '../raft/turn.js';
import { adminForwarded, adminRequested, forwardedAnswered, surveyAnswered, surveyAsked } from './admin.js';
import type { NodeAnswer, NodeRequest } from './admin-protocol.js';
import { applyCommitted } from './applying.js';
import {
  choresDue,
  metaSettled,
  noteGroup,
  rosterAsked,
  rosterIn,
  rosterInLog,
  rosterNews,
} from './chores.js';
import { floorAnswered, holdsSettled } from './floors.js';
import {
  coordinationDue,
  deadlockMessageReceived,
  scriptsGoOn,
  sessionForwardAnswered,
  sessionForwardReceived,
  sessionTaskAnswered,
  transactionRequested,
} from './coordinating.js';
import {
  answer,
  forwardAnswered,
  forwardReceived,
  leaderLearnt,
  requestAlarm,
  requestReceived,
} from './gateway.js';
import { learntOfLeader, serveReads } from './group.js';
import {
  bundleAnswer,
  bundleHeartbeat,
  heartbeatsAnswered,
  heartbeatsReceived,
  releaseBundles,
} from './heartbeats.js';
import { emptyJournal, recordWrite, recoverGroups, type RecoveredGroup } from './journal.js';
import { linkAlarm } from './link.js';
import { checkLinks, noteRest, setBeatAlarm } from './liveness.js';
import { emptyMembership, type Membership } from './membership.js';
import { checkNodeOptions, type NodeOptions } from './options.js';
import { releaseWaiters } from './proposals.js';
import type { GroupMessage, NodeMessage, Stored } from './protocol.js';
import { META_GROUP } from './roster.js';
import type { Addressed, GroupState, NodeState } from './state.js';
import { chunkReceived, tendReceiving } from './snapshot-receiving.js';
import { offerSnapshot, snapshotAnswered, tendSending, valuesLoaded } from './snapshot-sending.js';
import { compactIfDue } from './snapshot-writing.js';
import type { TaskAnswer } from './requests.js';
import { resolveAt, resolveIfDue, resolverAnswered } from './resolver.js';
import { trimIfDue } from './retaining.js';
import type { NodeStatus } from './status.js';
import { sweepIfDue } from './sweeper.js';
import { keepTasks, tellTasks } from './tasks.js';
import { noticeLeadership } from './tenure.js';
import { groupOf, openedGroup, openGroup, openNode, type NodeTurn, type OpenGroup } from './turn.js';
import { valueRead } from './value-reading.js';
import { EMPTY_VALUE_STORE, emptyGroupValues, openStore, type GroupValues } from './value-store.js';
import { dropSuperseded, evictValues, flushValues, valuesDurable } from './value-writer.js';
import { isReluctant } from './worklist.js';

export type NodeEvent = HostEvent<NodeMessage, NodeRequest, Stored>;
export type NodeEffect = HostEffect<NodeMessage, NodeAnswer, Stored>;
export type NodeMachine = Machine<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored>;

/**
 * The machine of one node of the cluster.
 *
 * @throws ImpossibleState when the options are not sound; `checkNodeOptions` says so beforehand, in words.
 */
export function createNode(options: NodeOptions): NodeMachine {
  const problems = checkNodeOptions(options);
  assert(problems.length === 0, () => `node options: ${problems.join('; ')}`);
  return {
    start: (boot) => startNode(options, boot),
    step: (state, turn) => stepNode(options, state, turn),
  };
}

function startNode(options: NodeOptions, boot: Boot<Stored>): Step<NodeState, NodeEffect> {
  const recovered = recoverGroups(boot.stored);
  let groups = emptyRadixArray<GroupState>();
  let values = emptyRadixArray<GroupValues>();
  let groupAlarms: NodeState['groupAlarms'];
  for (let number = options.meta ? 0 : 1; number <= options.partitions; number += 1) {
    const id = groupId(number);
    const known = recovered.get(id);
    const image = known?.image ?? { term: term(0), vote: NO_NODE, snapshot: undefined, entries: [] };
    const raft = restoreRaft(
      { group: id, self: options.node, voters: options.voters },
      image,
      boot.now.monotonic,
      drawPatience(options.electionTimeoutMs, mixNumber(mixNumber(boot.entropy, id), options.node)),
    );
    const alarmAt = nextDeadline(raft);
    if (alarmAt !== undefined) groupAlarms = addDeadline(groupAlarms, alarmAt, id);
    const kept = known === undefined ? undefined : recoveredValues(known);
    if (kept !== undefined) values = radixSet(values, id, kept);
    groups = radixSet(groups, id, {
      raft,
      partition: image.snapshot?.state ?? EMPTY_PARTITION,
      journal: known?.journal ?? emptyJournal(id),
      waiting: emptyRadixArray(),
      proposed: emptyOrderedMap(),
      lead: undefined,
      alarmAt,
    });
  }
  const state: NodeState = {
    incarnation: boot.incarnation,
    halted: false,
    groups,
    lastWrite: writeNumber(0),
    durableWrite: writeNumber(0),
    held: emptyFifo(),
    requests: emptyRadixArray(),
    tokensOf: emptyOrderedMap(),
    reads: emptyRadixArray(),
    nextRead: 0,
    openReads: 0,
    writing: EMPTY_LIST,
    sending: EMPTY_LIST,
    receiving: EMPTY_LIST,
    groupAlarms,
    requestAlarms: undefined,
    timerAt: undefined,
    links: EMPTY_LIST,
    beatAt: undefined,
    clock: ZERO_TIMESTAMP,
    membership: restoreMembership(options, boot, groups, recovered.get(META_GROUP)?.image.entries ?? []),
    ...(values.root === undefined ? {} : { values: { ...EMPTY_VALUE_STORE, groups: values } }),
  };
  return close(openNode(options, state, boot.now, boot.entropy));
}

/** What is known of the values that a group keeps apart: all of them are on the disk. */
function recoveredValues({ generation, superseded, image }: RecoveredGroup): GroupValues | undefined {
  if (generation === undefined) return undefined;
  const at = image.snapshot?.index ?? logIndex(0);
  return {
    ...emptyGroupValues(generation),
    superseded: fifoFrom(superseded.map((index) => ({ at, index }))),
  };
}

function restoreMembership(
  { meta, node, electionTimeoutMs }: NodeOptions,
  { now }: Boot<Stored>,
  groups: NodeState['groups'],
  entries: readonly Entry[],
): Membership {
  const roster = meta ? rosterIn(groupOf({ groups }, META_GROUP).partition) : undefined;
  const book = meta ? (rosterInLog(entries) ?? roster) : undefined;
  // By then a leader of group 0 has spoken, or is asked for: this node may have been left out while it was away.
  const choresAt = meta ? monotonicMs(now.monotonic + electionTimeoutMs) : undefined;
  return { ...emptyMembership(book, isReluctant(false, book, node)), roster, choresAt };
}

function stepNode(
  options: NodeOptions,
  state: NodeState,
  input: Turn<NodeEvent>,
): Step<NodeState, NodeEffect> {
  if (state.halted) return { state, effects: [] };
  const turn = openNode(options, state, input.now, input.entropy, input.bend);
  for (const event of input.events) happen(turn, event);
  checkLinks(turn);
  return close(turn);
}

function happen(turn: NodeTurn, event: NodeEvent): void {
  switch (event.type) {
    case 'MessageReceived':
      return messageReceived(turn, event.from, event.message);
    case 'RequestReceived':
      return requested(turn, event.token, event.request);
    case 'TimerFired':
      return timerFired(turn);
    case 'WriteCompleted':
      return writeCompleted(turn, event.write);
    case 'WriteFailed':
      // There is no second try: what reached the disk is known only by reading it back.
      turn.halt = `write ${event.write} failed: ${event.reason}`;
      return;
    case 'ReadCompleted':
      for (const wait of valueRead(turn, event, answer)) valuesLoaded(turn, wait);
      return;
    case 'ReadFailed':
      turn.halt = `read ${event.read} failed: ${event.reason}`;
      return;
    default:
      return unreachable(event);
  }
}

function requested(turn: NodeTurn, token: number, request: NodeRequest): void {
  if ('admin' in request) adminRequested(turn, token, request.admin);
  else if ('transaction' in request) transactionRequested(turn, token, request.transaction);
  else requestReceived(turn, token, request);
}

function messageReceived(turn: NodeTurn, from: NodeId, message: NodeMessage): void {
  switch (message.type) {
    case 'Group':
      return groupMessageReceived(turn, from, message);
    case 'SnapshotChunk':
      return chunkReceived(turn, from, message);
    case 'SnapshotAnswer':
      return snapshotAnswered(turn, from, message);
    case 'Heartbeats':
      return heartbeatsReceived(turn, from, message);
    case 'HeartbeatAnswers':
      return heartbeatsAnswered(turn, from, message);
    case 'Forward':
      return forwardReceived(turn, from, message);
    case 'ForwardAnswer':
      if (!floorAnswered(turn, message, answer)) forwardAnswered(turn, from, message);
      return;
    case 'RosterAsk':
      return rosterAsked(turn, from, message);
    case 'RosterNews':
      return rosterNews(turn, message);
    case 'SurveyAsk':
      return surveyAsked(turn, from, message);
    case 'SurveyAnswer':
      return surveyAnswered(turn, from, message);
    case 'AdminForward':
      return adminForwarded(turn, from, message);
    case 'AdminForwarded':
      return forwardedAnswered(turn, from, message);
    case 'SessionForward':
      return sessionForwardReceived(turn, from, message);
    case 'SessionForwarded':
      return sessionForwardAnswered(turn, from, message);
    case 'WaitProbe':
    case 'Condemn':
      return deadlockMessageReceived(turn, message);
    default:
      return unreachable(message);
  }
}

function groupMessageReceived(turn: NodeTurn, from: NodeId, { group, message }: GroupMessage): void {
  // Nothing is known of a group beyond the configured ones: such a message is of another cluster, or garbage.
  if (radixGet(turn.node.groups, group) === undefined) return;
  const opened = openGroup(turn, group);
  receive(opened.raft, from, message);
  noteRest(turn, opened);
}

/** Looks after every group and request whose time has come; the others are not touched. */
function timerFired(turn: NodeTurn): void {
  const { node, now } = turn;
  node.timerAt = undefined;
  for (let due = node.groupAlarms; due !== undefined && due.at <= now.monotonic; due = node.groupAlarms) {
    node.groupAlarms = dropEarliest(due);
    const id = groupId(due.id);
    const alarmAt = openedGroup(turn, id)?.group.alarmAt ?? groupOf(node, id).alarmAt;
    if (alarmAt !== due.at) continue;
    const opened = openGroup(turn, id);
    opened.group.alarmAt = undefined;
    tick(opened.raft);
  }
  for (let due = node.requestAlarms; due !== undefined && due.at <= now.monotonic; due = node.requestAlarms) {
    node.requestAlarms = dropEarliest(due);
    requestAlarm(turn, due.id, due.at);
  }
  if (node.coordination !== undefined) coordinationDue(turn);
  const { choresAt } = node.membership;
  if (choresAt !== undefined && choresAt <= now.monotonic) choresDue(turn, answer);
}

/** Lets go of what waited for this write and all earlier ones. */
function writeCompleted(turn: NodeTurn, write: WriteNumber): void {
  const { node } = turn;
  assert(
    write <= node.lastWrite,
    () => `the host reports write ${write} durable, but only ${node.lastWrite} were issued`,
  );
  if (write <= node.durableWrite) return;
  node.durableWrite = write;
  valuesDurable(turn);
  for (
    let held = fifoPeek(node.held);
    held !== undefined && held.write <= write;
    held = fifoPeek(node.held)
  ) {
    node.held = fifoPop(node.held);
    for (const message of held.messages) turn.messages = added(turn.messages, message);
    for (const id of held.groups) writesCompleted(openGroup(turn, id).raft, write);
  }
}

/** Closes what the turn opened and says what it wants done. */
function close(turn: NodeTurn): Step<NodeState, NodeEffect> {
  // Settling a group concerns only requests for that group; but what this node itself has asked may lead to others.
  let settled = 0;
  do {
    for (; settled < turn.open.length; settled += 1) settleGroup(turn, turn.open[settled] as OpenGroup);
  } while (tellTasks(turn, taskAnswered) || scriptsGoOn(turn));
  for (const opened of turn.open) closeGroup(turn, opened);
  keepTasks(turn);
  evictValues(turn);
  setBeatAlarm(turn);
  releaseBundles(turn);
  return { state: turn.node, effects: effectsOf(turn) };
}

/** Something that this node asked on its own account is answered. */
function taskAnswered(turn: NodeTurn, answered: TaskAnswer): void {
  const { task } = answered;
  switch (task.type) {
    case 'Session':
      return sessionTaskAnswered(turn, answered);
    case 'Resolver':
      return resolverAnswered(turn, task, answered);
    default:
      return unreachable(task);
  }
}

function settleGroup(turn: NodeTurn, opened: OpenGroup): void {
  settleMembers(opened.raft);
  noticeLeadership(turn, opened, answer);
  releaseWaiters(turn, opened, answer);
  applyCommitted(turn, opened, answer);
  serveReads(turn, opened, answer);
  if (opened.raft.raft.group === META_GROUP) {
    metaSettled(turn, opened);
    holdsSettled(turn, opened, answer);
  }
  if (learntOfLeader(opened)) leaderLearnt(turn, opened.raft.raft.group);
  sweepIfDue(turn, opened, answer);
  resolveIfDue(turn, opened, answer);
  trimIfDue(turn, opened, answer);
  compactIfDue(turn, opened);
}

function closeGroup(turn: NodeTurn, opened: OpenGroup): void {
  const { group, raft } = opened;
  const id = raft.raft.group;
  // A lease, or a group of one voter, confirms reads at once. What comes of them may be proposed, so it is done before
  // the turn says what it writes.
  closeReads(raft);
  serveReads(turn, opened, answer);
  const write = closeTurn(raft);
  flushValues(turn, id);
  assert(
    raft.readsReady.length === 0 && raft.readsRefused.length === 0,
    () => `group ${id} confirmed or refused reads that nobody looks after any more`,
  );
  if (write !== undefined) {
    const superseded = dropSuperseded(turn, opened);
    if (superseded.length > 0 && opened.snapshotRecords !== undefined) {
      opened.snapshotRecords = { ...opened.snapshotRecords, superseded };
    }
    const { journal, changes } = recordWrite(
      group.journal,
      write,
      opened.snapshotRecords,
      turn.node.receiving.find((receiving) => receiving.group === id)?.number,
    );
    group.journal = journal;
    for (const change of changes) turn.changes = added(turn.changes, change);
  }
  if (write !== undefined || opened.writes) turn.writingGroups = added(turn.writingGroups, id);
  for (const { to, message, after } of raft.outgoing) {
    if (message.type === 'InstallSnapshot') {
      offerSnapshot(turn, opened, to, message.snapshot);
      continue;
    }
    const addressed: Addressed = { to, message: { type: 'Group', group: id, message } };
    const waits = after > turn.node.durableWrite;
    if (!waits && message.type === 'Heartbeat') bundleHeartbeat(turn, to, id, message);
    else if (!waits && message.type === 'HeartbeatAnswer') bundleAnswer(turn, to, id, message);
    else if (waits) turn.heldMessages = added(turn.heldMessages, addressed);
    else turn.messages = added(turn.messages, addressed);
  }
  tendSending(turn, opened);
  tendReceiving(turn, opened);
  noteRest(turn, opened);
  noteGroup(turn, opened);
  group.raft = raft.raft;
  const { lead } = group;
  const deadline = earlierOf(
    earlierOf(nextDeadline(group.raft), lead?.sweepAt),
    earlierOf(resolveAt(lead), lead?.trimming?.at),
  );
  if (deadline !== undefined && (group.alarmAt === undefined || deadline < group.alarmAt)) {
    group.alarmAt = deadline;
    turn.node.groupAlarms = addDeadline(turn.node.groupAlarms, deadline, id);
  }
  turn.node.groups = radixSet(turn.node.groups, id, group);
}

function earlierOf(a: MonotonicMs | undefined, b: MonotonicMs | undefined): MonotonicMs | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

function effectsOf(turn: NodeTurn): readonly NodeEffect[] {
  const { node } = turn;
  let effects: readonly NodeEffect[] = EMPTY_LIST;
  if (turn.halt !== undefined) {
    node.halted = true;
    return [{ type: 'Halt', reason: turn.halt }];
  }
  if (turn.valuesWritten.length > 0) {
    const store = openStore(turn);
    store.writing = fifoPush(store.writing, { write: turn.write, places: turn.valuesWritten });
  }
  if (turn.values !== undefined) node.values = turn.values;
  if (turn.changes.length > 0) {
    node.lastWrite = turn.write;
    effects = added(effects, { type: 'Persist', write: turn.write, changes: turn.changes });
  }
  if (turn.writingGroups.length > 0 || turn.heldMessages.length > 0) {
    // A message that depends on an earlier write waits for the newest one: later than needed, never too early.
    const held = { write: node.lastWrite, groups: turn.writingGroups, messages: turn.heldMessages };
    node.held = fifoPush(node.held, held);
  }
  for (const read of turn.coldReads) effects = added(effects, read);
  effects = addFrames(effects, turn.messages);
  for (const { token, answer: given } of turn.replies) {
    effects = added(effects, { type: 'Reply', token, answer: given });
  }

  const earliest = earliestAlarm(turn);
  if (earliest !== undefined && (node.timerAt === undefined || earliest < node.timerAt)) {
    node.timerAt = earliest;
    effects = added(effects, { type: 'SetTimer', at: earliest });
  }
  return effects;
}

/** One `Send` for each destination, in the order in which destinations first appear. */
function addFrames(effects: readonly NodeEffect[], messages: readonly Addressed[]): readonly NodeEffect[] {
  let all = effects;
  for (const { to, message } of messages) {
    const frame = frameTo(all, to);
    if (frame === undefined) all = added(all, { type: 'Send', to, messages: [message] });
    else added(frame, message);
  }
  return all;
}

/** Destinations are few: a search through them is quicker than a map. */
function frameTo(effects: readonly NodeEffect[], to: NodeId): readonly NodeMessage[] | undefined {
  for (const effect of effects) if (effect.type === 'Send' && effect.to === to) return effect.messages;
  return undefined;
}

function earliestAlarm({ node, options, now }: NodeTurn): MonotonicMs | undefined {
  const earliest = Math.min(
    // What came when the groups were closed is for the next turn, at once.
    (node.tasks?.answered.length ?? 0) > 0 ? now.monotonic : Number.POSITIVE_INFINITY,
    node.groupAlarms?.at ?? Number.POSITIVE_INFINITY,
    node.requestAlarms?.at ?? Number.POSITIVE_INFINITY,
    node.coordination?.alarms?.at ?? Number.POSITIVE_INFINITY,
    node.membership.choresAt ?? Number.POSITIVE_INFINITY,
    linkAlarm(node, options.electionTimeoutMs) ?? Number.POSITIVE_INFINITY,
  );
  return earliest === Number.POSITIVE_INFINITY ? undefined : monotonicMs(earliest);
}

/** What a node knows of its groups. */
export function describeNode(options: Pick<NodeOptions, 'node'>, state: NodeState): NodeStatus {
  const groups: NodeStatus['groups'][number][] = [];
  radixForEach(state.groups, ({ raft, partition }) => {
    groups.push({
      group: raft.group,
      role: raft.role,
      leader: raft.leader,
      term: raft.term,
      asleep: raft.rest.asleep,
      commit: raft.commit,
      applied: partition.applied,
      lastIndex: raft.log.lastIndex,
      snapshotIndex: raft.snapshot?.index ?? raft.log.baseIndex,
      keys: partition.keys.size,
      digest: partition.digest,
    });
  });
  const { heldBytes, unwrittenBytes, waitingReads } = state.values ?? EMPTY_VALUE_STORE;
  const values = {
    bytesInMemory: heldBytes,
    bytesUnwritten: unwrittenBytes,
    readsWaiting: waitingReads,
  };
  return { node: options.node, groups, values };
}
