/**
 * Watches every node of our system: the Raft invariants of every group, and what nodes tell their clients.
 *
 * An observer of the world. After every step it looks at the groups that the step changed and at every message and
 * reply that the step lets go.
 */

import {
  isClientAnswer,
  decodeCommand,
  groupOfOperation,
  nameIn,
  EMPTY_PARTITION,
  emptyRadixArray,
  groupMessagesOf,
  linkAlarm,
  META_GROUP,
  NODE_TUNING,
  radixFirstDifference,
  radixForEach,
  radixGet,
  RETRY_WINDOW,
  ROSTER_KEY,
  type GroupState,
  type ClientAnswer,
  type ClientCall,
  type NodeEffect,
  type NodeEvent,
  type NodeId,
  type NodeMessage,
  type NodeState,
  type PartitionState,
  type RaftMessage,
  type RaftState,
  type Persist,
  type Step,
  type Stored,
  type Turn,
} from '../../core/index.js';
import type { Desk } from '../system/system.js';
import { PropertyBroken, type Observer } from '../world/world.js';
import {
  checkChunksTaken,
  checkPartsKept,
  checkSnapshotWork,
  type SnapshotLimits,
} from './snapshot-rules.js';
import { createAnswerRules, type Served } from './answers.js';
import { createValueRules, newReads } from './value-rules.js';
import { createEndRules } from './end-rules.js';
import { createLapseRules } from './lapse-rules.js';
import { createLeadRules } from './lead-rules.js';
import {
  checkCare,
  checkHeard,
  checkSaid,
  createConduct,
  noteLeaders,
  type Conduct,
  type Heard,
} from './raft/conduct.js';
import { checkConfigurations, checkTold, checkTurnedAway } from './raft/configurations.js';
import { checkAsks, checkAwake, checkDue, checkQuestions } from './raft/diligence.js';
import { checkRecovered } from './raft/recovery.js';
import { createDurableView, noteChange, type DurableView } from './raft/durable-view.js';
import { createGroupHistory, lastCommitted, type GroupHistory } from './raft/group-history.js';
import { createLandmarks } from './raft/landmarks.js';
import { createLeaseRules } from './raft/lease-rules.js';
import { checkLateAcceptance, checkMessage } from './raft/message-rules.js';
import { checkLevel, checkVigil, createVigil, noteWaking, type Vigil } from './raft/sleep.js';
import {
  checkLeadership,
  checkStates,
  checkVoteAsked,
  type GroupLimits,
  type StateContext,
} from './raft/state-rules.js';
import { createTransactionRules, type TransactionRules } from './transaction-rules.js';
import { checkTransfer } from './raft/transfer-rules.js';
import { checkWritten, copyOfView } from './raft/written-view.js';
import {
  checkForgotten,
  compareAll,
  compareChanges,
  createReference,
  execute,
  type Reference,
} from './reference.js';

export type NodeObserver = Observer<NodeState, NodeMessage, ClientCall, ClientAnswer, Stored>;

const NO_DESK: Desk = {
  nowUs: () => 0,
  reach() {
    // Nobody asked.
  },
};

export interface RuleSettings {
  readonly partitions: number;
  /** What the nodes are told, by the version of their machine. */
  readonly versions: readonly GroupLimits[];
  /** See `NodeOptions`. */
  readonly retryWindow?: number;
  readonly snapshots?: SnapshotLimits;
  readonly maxValueReads?: number | undefined;
  /** What leases rest on; absent where clocks do not keep to it, or nobody has looked whether they do. */
  /** See `NodeOptions`. */
  readonly maxClockDriftPercent: number;
  readonly leases?: { readonly leaseMs: number; readonly maxClockDriftPercent: number } | undefined;
}

const NOTHING_HEARD: readonly Heard[] = [];

/** A node as the rules follow it, for one of its runs. */
interface Run {
  readonly conducts: Map<number, Conduct>;
  readonly vigil: Vigil;
  alarmMs: number | undefined;
  /** The groups in which it had been before this run, and when this run began. */
  readonly known: ReadonlySet<number>;
  readonly startedMs: number;
}

/** @param desk takes note of what the run comes by. */
export function createNodeRules(settings: RuleSettings, desk: Desk = NO_DESK): NodeObserver {
  const { partitions, retryWindow = RETRY_WINDOW, snapshots } = settings;
  const landmarks = createLandmarks((feature) => desk.reach(feature));
  // By group, and by node and group: all are small numbers, so places in lists.
  const histories: GroupHistory[] = [];
  const views: DurableView[][] = [];
  /** What each node has asked its disk to hold. */
  const written: DurableView[][] = [];
  const running = new Map<number, NodeState>();
  const limits = new Map<number, GroupLimits>();
  const runs = new Map<number, Run>();
  const references: Reference[] = [];

  const historyOf = (group: number): GroupHistory => (histories[group] ??= createGroupHistory());
  const viewOf = (node: number, group: number): DurableView =>
    ((views[node] ??= [])[group] ??= createDurableView());
  const writtenOf = (node: number, group: number): DurableView =>
    ((written[node] ??= [])[group] ??= copyOfView(viewOf(node, group)));
  const noteWritten = (node: number, effects: readonly NodeEffect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'Persist') continue;
      for (const change of effect.changes) noteChange((group) => writtenOf(node, group), change);
    }
  };
  const referenceOf = (group: number): Reference =>
    (references[group] ??= createReference(group, group !== META_GROUP));
  const conductOf = (node: number, group: number): Conduct => {
    const { conducts } = runs.get(node) as Run;
    let conduct = conducts.get(group);
    if (conduct === undefined) conducts.set(group, (conduct = createConduct()));
    return conduct;
  };
  const leases =
    settings.leases === undefined ? undefined : createLeaseRules(settings.leases, () => desk.nowUs());
  const ends = createEndRules(settings.maxClockDriftPercent);
  const answers = createAnswerRules({
    nowUs: () => desk.nowUs(),
    partitions,
    referenceOf,
    lastCommitted: (group) => lastCommitted(historyOf(group)),
    trustsLeases: leases !== undefined,
    shown: (node, group, operation, shown) => ends.checkShown(node, referenceOf(group), operation, shown),
    reach: (feature) => desk.reach(feature),
  });
  const lapses = createLapseRules(
    leases !== undefined,
    () => desk.nowUs(),
    (feature) => desk.reach(feature),
  );
  const transactions = createTransactionRules((feature) => desk.reach(feature));
  const values = createValueRules({
    maxValueReads: settings.maxValueReads ?? NODE_TUNING.maxValueReads.default,
  });
  const keeping = createLeadRules(leases !== undefined, () => desk.nowUs());
  const contexts: StateContext[] = [];
  const contextOf = (group: number): StateContext => contexts[group] ?? addContext(group);
  const addContext = (group: number): StateContext =>
    (contexts[group] = {
      history: historyOf(group),
      viewOf: (node) => viewOf(node, group),
      everywhere: () => {
        const rafts: RaftState<PartitionState>[] = [];
        for (const state of running.values()) {
          const known = radixGet(state.groups, group)?.raft;
          if (known !== undefined) rafts.push(known);
        }
        return rafts;
      },
      limitsOf: (node) => limits.get(node) as GroupLimits,
    });

  const checkGroups = (before: NodeState | undefined, after: NodeState, nowMs: number): void => {
    forEachChanged(before, after, (known, group, id) => {
      if (known?.raft !== group.raft) landmarks.changed(known?.raft, group.raft);
      checkStates(contextOf(id), known?.raft, group.raft);
      const { maxPromotionLag } = limits.get(group.raft.self) as GroupLimits;
      checkConfigurations(historyOf(id), known?.raft, group.raft, maxPromotionLag);
      checkVoteAsked(historyOf(id), known?.raft, group.raft);
      checkDue(known?.raft, group.raft);
      if (known?.raft !== group.raft && group.raft.rest.asleep) {
        checkLevel(group.raft, contextOf(id).everywhere());
      }
      checkApplied(historyOf(id), known, group);
      if (!after.halted) checkUpToDate(group);
      checkWaiting(known, group);
      const reference = referenceOf(id);
      catchUp(reference, historyOf(id), partitions, retryWindow, transactions);
      keeping.check(known, group);
      ends.noted(known, group, nowMs);
      lapses.executed(reference);
      lapses.checkProposed(reference, known?.raft, group.raft);
      checkPartition(reference, known, group, retryWindow);
    });
  };

  /** The timers of a node, after a turn; all of its groups when its timer has just fired. */
  const checkTimers = (
    node: NodeId,
    before: NodeState | undefined,
    after: NodeState,
    effects: readonly NodeEffect[],
    nowMs: number,
    timerFired: boolean,
  ): void => {
    const run = runs.get(node) as Run;
    if (timerFired) run.alarmMs = undefined;
    for (const effect of effects) if (effect.type === 'SetTimer') run.alarmMs = effect.at;
    if (after.halted) return;
    const ofNode = limits.get(node) as GroupLimits;
    forEachChanged(before, after, (known, { raft }) => {
      checkTransfer(known?.raft, raft, nowMs);
      checkQuestions(raft, nowMs, ofNode);
    });
    if (!timerFired) {
      forEachChanged(before, after, (_known, { raft }) => checkAwake(raft, run.alarmMs, nowMs, ofNode));
      return;
    }
    radixForEach(after.groups, ({ raft }) => checkAwake(raft, run.alarmMs, nowMs, ofNode));
    const dueMs = linkAlarm(after, ofNode.electionTimeoutMs);
    if (dueMs !== undefined && (run.alarmMs === undefined || run.alarmMs > dueMs)) {
      throw new PropertyBroken(
        'nobody oversleeps',
        `node ${node}: it must look after its sleeping groups at ${dueMs} ms, but wakes at ${run.alarmMs} ms`,
      );
    }
    radixForEach(after.requests, ({ requestId, retryAt }) => {
      if (retryAt > nowMs) return;
      throw new PropertyBroken(
        'nobody oversleeps',
        `node ${node}: request ${requestId} should have been tried again at ${retryAt} ms, it is ${nowMs} ms`,
      );
    });
  };

  const checkEffects = (
    node: NodeId,
    before: NodeState | undefined,
    state: NodeState,
    events: readonly NodeEvent[],
    effects: readonly NodeEffect[],
    nowMs: number,
  ): void => {
    const turn: Served = {
      events,
      before: (group) => (before === undefined ? undefined : radixGet(before.groups, group)?.raft),
      after: (group) => radixGet(state.groups, group)?.raft,
      nowMs,
    };
    for (const wait of newReads(before?.values, state.values)) answers.waits(node, wait, turn);
    for (const effect of effects) {
      if (effect.type === 'Send') {
        for (const message of effect.messages) {
          answers.said(node, effect.to, message, turn);
          for (const { group, message: said } of inTermsOfRaft(message)) {
            const { raft } = radixGet(state.groups, group) as GroupState;
            leases?.said(node, group, effect.to, said);
            checkLateAcceptance(viewOf(node, group), raft, said);
            checkMessage(historyOf(group), viewOf(node, group), raft, effect.to, said, turn.before(group));
            const ofNode = limits.get(node) as GroupLimits;
            checkSaid(conductOf(node, group), turn.before(group), raft, effect.to, said, nowMs, ofNode);
          }
        }
        checkWindows(effect, state, limits.get(node) as GroupLimits);
      } else if (effect.type === 'Reply' && isClientAnswer(effect.answer)) {
        answers.replied(node, effect.token, effect.answer, turn);
      }
    }
  };

  return {
    started(node, boot, step: Step<NodeState, NodeEffect>, version) {
      running.set(node, step.state);
      limits.set(node, settings.versions[version] as GroupLimits);
      // What was on its way to the disk when it crashed is not asked for any more.
      written[node] = [];
      const known = new Set<number>();
      radixForEach(step.state.groups, ({ raft }, id) => void (raft.term > 0 && known.add(id)));
      const startedMs = boot.now.monotonic;
      runs.set(node, { conducts: new Map(), vigil: createVigil(), alarmMs: undefined, known, startedMs });
      radixForEach(step.state.groups, ({ raft }, id) => checkRecovered(viewOf(node, id), raft));
      noteWritten(node, step.effects);
      values.started(node, step.state);
      checkGroups(undefined, step.state, boot.now.monotonic);
      checkEffects(node, undefined, step.state, [], step.effects, boot.now.monotonic);
      checkTimers(node, undefined, step.state, step.effects, boot.now.monotonic, false);
    },
    stepped(node, before, turn: Turn<NodeEvent>, step: Step<NodeState, NodeEffect>) {
      running.set(node, step.state);
      const nowMs = turn.now.monotonic;
      const heard = new Map<number, Heard[]>();
      let timerFired = false;
      for (const event of turn.events) {
        answers.heard(node, event);
        if (event.type === 'TimerFired') timerFired = true;
        if (event.type !== 'MessageReceived') continue;
        for (const { group: id, message } of inTermsOfRaft(event.message)) {
          const group = radixGet(before.groups, id);
          if (group === undefined) continue;
          landmarks.received(group.raft, message);
          leases?.heard(node, id, message);
          const known = heard.get(id);
          if (known === undefined) heard.set(id, [{ from: event.from, message }]);
          else known.push({ from: event.from, message });
        }
      }
      checkPreVoteChangesNothing(node, turn, step.effects);
      // A node that halts leaves everything as it stands.
      if (snapshots !== undefined && !step.state.halted) checkSnapshotWork(node, step.state, snapshots);
      noteWritten(node, step.effects);
      values.stepped(node, step.state, step.effects);
      checkChunksTaken(node, before, step.state, turn.events);
      checkPartsKept(node, before, step.state, step.effects);
      checkGroups(before, step.state, nowMs);
      const ofNode = limits.get(node) as GroupLimits;
      const run = runs.get(node) as Run;
      forEachChanged(before, step.state, (known, { raft }, id) => {
        if (known === undefined || known.raft === raft) return;
        noteWaking(known.raft, raft, turn, (feature) => desk.reach(feature));
        const messages = heard.get(id) ?? NOTHING_HEARD;
        if (!step.state.halted) checkWritten(writtenOf(node, id), raft);
        leases?.checkExtended(known.raft, raft, nowMs);
        const restartedMs = run.known.has(id) ? run.startedMs : undefined;
        const facts = { events: turn.events.length, timerFired, restartedMs };
        checkHeard(conductOf(node, id), known.raft, raft, messages, facts, nowMs, ofNode);
        leases?.checkVote(known.raft, raft);
        leases?.checkHolder(historyOf(id), raft, nowMs);
        checkTold(raft, messages);
      });
      checkEffects(node, before, step.state, turn.events, step.effects, nowMs);
      for (const [id, messages] of heard) {
        const { raft } = radixGet(step.state.groups, id) as GroupState;
        noteLeaders(conductOf(node, id), raft, messages, nowMs);
        const only = turn.events.length === 1 ? messages[0] : undefined;
        const known = radixGet(before.groups, id)?.raft;
        if (only === undefined || known === undefined || step.state.halted) continue;
        checkTurnedAway(known, raft, only.from, only.message, saidTo(only.from, id, step.effects));
      }
      checkTimers(node, before, step.state, step.effects, nowMs, timerFired);
      if (!step.state.halted) {
        const { vigil } = runs.get(node) as Run;
        checkVigil(vigil, node, step.state, turn, ofNode.electionTimeoutMs, (feature) => desk.reach(feature));
      }
      // A node that has halted says nothing any more, whatever is due.
      if (step.state.halted || (!timerFired && heard.size === 0)) return;
      const places = snapshots?.maxSnapshotsSending ?? Number.POSITIVE_INFINITY;
      const isSending = before.sending.length >= places || step.state.sending.length >= places;
      radixForEach(step.state.groups, ({ raft }, id) => {
        const known = radixGet(before.groups, id)?.raft;
        if (timerFired && known !== undefined && !heard.has(id)) checkAsks(known, raft, nowMs);
        if (timerFired) checkLeadership(contextOf(id), raft, nowMs);
        if (timerFired) leases?.checkHolder(historyOf(id), raft, nowMs);
        const said = heard.get(id) ?? NOTHING_HEARD;
        checkCare(conductOf(node, id), raft, said, timerFired, nowMs, ofNode, isSending);
      });
    },
    synced(node, writes: readonly Persist<Stored>[]) {
      values.synced(node, writes);
      for (const { changes } of writes) {
        for (const change of changes) noteChange((group) => viewOf(node, group), change);
      }
    },
    crashed(node) {
      running.delete(node);
      runs.delete(node);
      answers.crashed(node);
      transactions.crashed(node);
      ends.crashed(node);
    },
  };
}

/**
 * What a message says in the words of Raft, which knows snapshots only whole: a chunk is the word of a leader that has a
 * snapshot to give, an answer to one that of a follower that lives.
 */
function inTermsOfRaft(said: NodeMessage): ReturnType<typeof groupMessagesOf> {
  if (said.type === 'SnapshotChunk') {
    const { group, term, index, snapshotTerm, config } = said;
    const snapshot = { index, term: snapshotTerm, config, state: EMPTY_PARTITION };
    return [{ group, message: { type: 'InstallSnapshot', term, snapshot } }];
  }
  if (said.type === 'SnapshotAnswer') {
    return [{ group: said.group, message: { type: 'HeartbeatAnswer', term: said.term, round: 0 } }];
  }
  return groupMessagesOf(said);
}

/** What a turn says to one node of one group. */
function saidTo(
  to: number,
  group: number,
  effects: readonly NodeEffect[],
): readonly RaftMessage<PartitionState>[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'Send' || effect.to !== to) return [];
    return effect.messages
      .flatMap(groupMessagesOf)
      .flatMap((said) => (said.group === group ? [said.message] : []));
  });
}

/** Visits the groups that a step changed: the others cost nothing, however many there are. */
function forEachChanged(
  before: NodeState | undefined,
  after: NodeState,
  visit: (known: GroupState | undefined, group: GroupState, id: number) => void,
): void {
  const { groups } = after;
  const known = before === undefined ? emptyRadixArray<GroupState>() : before.groups;
  let id = radixFirstDifference(known, groups, 0);
  for (; id !== undefined; id = radixFirstDifference(known, groups, id + 1)) {
    const group = radixGet(groups, id);
    if (group !== undefined) visit(radixGet(known, id), group, id);
  }
}

/** Replicas that applied the same entries are in the same state; a snapshot is the state that it claims to be. */
function checkApplied(history: GroupHistory, before: GroupState | undefined, after: GroupState): void {
  const { raft, partition } = after;
  const broken = (property: string, detail: string): never => {
    throw new PropertyBroken(property, `group ${raft.group}, node ${raft.self}: ${detail}`);
  };
  const { applied, digest } = partition;
  if (before?.partition !== partition) {
    if (before !== undefined && applied < before.partition.applied) {
      broken('applied never falls', `it fell from ${before.partition.applied} to ${applied}`);
    }
    if (applied > raft.commit) broken('applied is committed', `applied ${applied}, commit ${raft.commit}`);
    const known = history.digests.get(applied);
    if (known === undefined) history.digests.set(applied, digest);
    else if (known !== digest) {
      broken('replicas agree', `its state at index ${applied} is not the one that another replica had there`);
    }
  }
  const { snapshot } = raft;
  if (snapshot !== undefined && snapshot !== before?.raft.snapshot) {
    if (snapshot.index > applied)
      broken('snapshots are applied', `snapshot ${snapshot.index}, applied ${applied}`);
    const committed = history.committed[snapshot.index];
    if (committed === undefined || committed.term !== snapshot.term) {
      broken('snapshots are committed', `term ${snapshot.term} at index ${snapshot.index} is not committed`);
    }
    const known = history.digests.get(snapshot.index);
    if (known !== undefined && known !== snapshot.state.digest) {
      broken('snapshots are true', `the snapshot at index ${snapshot.index} is not the state there`);
    }
  }
}

/** A turn applies all that is committed by its end: what it left would wait for another event. */
function checkUpToDate({ raft, partition }: GroupState): void {
  if (partition.applied === raft.commit) return;
  throw new PropertyBroken(
    'what is committed is applied',
    `group ${raft.group}, node ${raft.self}: a turn ends with ${raft.commit} committed and ${partition.applied} applied`,
  );
}

/** Requests wait only at the leader that proposed them, in the term in which it did. */
function checkWaiting(before: GroupState | undefined, { raft, waiting }: GroupState): void {
  if (before?.waiting === waiting && before.raft.role === raft.role && before.raft.term === raft.term) return;
  radixForEach(waiting, ({ requestId, term }, index) => {
    if (raft.role === 'leader' && term === raft.term) return;
    throw new PropertyBroken(
      'requests wait at leaders',
      `group ${raft.group}, node ${raft.self}, ${raft.role} of term ${raft.term}: request ${requestId} waits for index ${index} of term ${term}`,
    );
  });
}

/** Executes what is newly committed. */
function catchUp(
  reference: Reference,
  history: GroupHistory,
  partitions: number,
  window: number,
  transactions: TransactionRules,
): void {
  for (let index = reference.effects.length; index <= lastCommitted(history); index += 1) {
    const payload = history.committed[index]?.payload;
    const command = payload === undefined || payload.length === 0 ? undefined : decodeCommand(payload);
    if (command !== undefined && !command.ok) {
      throw new PropertyBroken(
        'commands can be read',
        `group ${reference.group}: index ${index}: ${command.reason}`,
      );
    }
    if (
      command !== undefined &&
      (nameIn(command.value.operation) === ROSTER_KEY
        ? META_GROUP
        : groupOfOperation(command.value.operation, partitions)) !== reference.group
    ) {
      throw new PropertyBroken(
        'keys have one place',
        `group ${reference.group} has committed a write of ${nameIn(command.value.operation)}, which is not its own`,
      );
    }
    if (command !== undefined && 'ephemeral' in command.value.operation) {
      throw new PropertyBroken(
        'ephemeral things stay in memory',
        `group ${reference.group} has committed an ephemeral ${command.value.operation.type} at index ${index}`,
      );
    }
    execute(reference, command?.value, window);
    if (command !== undefined) transactions.executed(reference, index, command.value);
  }
}

/** What a replica and its snapshot hold is what the committed commands led to. */
function checkPartition(
  reference: Reference,
  before: GroupState | undefined,
  { raft, partition }: GroupState,
  window: number,
): void {
  if (before?.partition !== partition) {
    if (before === undefined || before.partition.applied < raft.log.baseIndex) {
      compareAll(reference, raft.self, partition);
    } else compareChanges(reference, raft.self, before.partition.applied, partition);
    checkForgotten(reference, raft.self, partition, window);
  }
  const { snapshot } = raft;
  if (snapshot !== undefined && snapshot !== before?.raft.snapshot && snapshot.state !== partition) {
    compareAll(reference, raft.self, snapshot.state);
  }
}

/** No follower is sent more at once than its window, and one append to find out whether any of them was lost. */
function checkWindows(
  { to, messages }: Extract<NodeEffect, { readonly type: 'Send' }>,
  state: NodeState,
  { maxInflightAppends }: GroupLimits,
): void {
  if (messages.length <= maxInflightAppends + 1) return;
  const appends = new Map<number, number>();
  for (const message of messages) {
    if (message.type !== 'Group' || message.message.type !== 'Append') continue;
    const count = (appends.get(message.group) ?? 0) + 1;
    appends.set(message.group, count);
    if (count <= maxInflightAppends + 1) continue;
    const { raft } = radixGet(state.groups, message.group) as GroupState;
    throw new PropertyBroken(
      'windows',
      `group ${message.group}, node ${raft.self}: it sends ${count} appends to node ${to} at once`,
    );
  }
}

/** Being asked for a pre-vote leaves no trace on the disk. */
function checkPreVoteChangesNothing(
  node: NodeId,
  turn: Turn<NodeEvent>,
  effects: readonly NodeEffect[],
): void {
  const asksOnly = turn.events.every(
    (event) =>
      event.type === 'MessageReceived' &&
      event.message.type === 'Group' &&
      event.message.message.type === 'PreVoteRequest',
  );
  if (asksOnly && effects.some((effect) => effect.type === 'Persist')) {
    throw new PropertyBroken(
      'a pre-vote changes nothing',
      `node ${node} wrote to its disk when asked for one`,
    );
  }
}
