/**
 * A turn of a node: its state opened for change, the groups that the turn touches, and what it will say and write.
 *
 * Private to the step that opened it; see `raft/turn.ts` for why this is still a pure function. A group is opened
 * when the first input for it comes and closed once, at the end, however many inputs there were: that is what makes
 * one write and one frame of many events.
 */

import { added, EMPTY_LIST } from '../collections/list.js';
import { radixGet } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import type { Bend } from '../machine/bend.js';
import type { Clocks, Read, StorageChange } from '../machine/machine.js';
import {
  monotonicMs,
  writeNumber,
  type GroupId,
  type MonotonicMs,
  type NodeId,
  type WriteNumber,
} from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import { heardAsleep } from '../raft/quiescence.js';
import type { Rest } from '../raft/state.js';
import { openTurn, type RaftTurn, type TurnContext } from '../raft/turn.js';
import type { NodeAnswer } from './admin-protocol.js';
import type { Coordination } from './coordination.js';
import { linkOf } from './link.js';
import type { NodeOptions } from './options.js';
import type {
  GroupHeartbeat,
  GroupHeartbeatAnswer,
  NodeMessage,
  SnapshotRecords,
  Stored,
} from './protocol.js';
import type { TaskAnswer } from './requests.js';
import type { Addressed, GroupState, NodeState } from './state.js';
import type { ValueStore, ValuesWriting } from './value-store.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export interface NodeTurn {
  readonly options: NodeOptions;
  readonly now: Clocks;
  readonly node: Mutable<NodeState>;
  /** In the order in which they were opened. */
  open: readonly OpenGroup[];
  /** The same by id, once there are more than a few. */
  openById: Map<GroupId, OpenGroup> | undefined;
  /** What the turns of the groups have in common. */
  readonly raftContext: TurnContext;
  /** The number of this turn's write, should there be one. */
  readonly write: WriteNumber;
  changes: readonly StorageChange<Stored>[];
  writingGroups: readonly GroupId[];
  /** Messages that may leave at once, and those that wait for this turn's write or an earlier one. */
  messages: readonly Addressed[];
  heldMessages: readonly Addressed[];
  /** Heartbeats and their answers, by receiver. */
  bundles: readonly Bundle[];
  readonly beatIsDue: boolean;
  replies: readonly Answered[];
  /** The node's values, once the turn has opened them for change. */
  values: Mutable<ValueStore> | undefined;
  /** The values whose records are in this turn's write. */
  valuesWritten: ValuesWriting['places'];
  coldReads: readonly Read[];
  /** What the node keeps as a coordinator, once the turn has opened it for change. */
  coordination: Mutable<Coordination> | undefined;
  /** What this node has asked and was answered in this turn, until those who asked are told. */
  answeredTasks: readonly TaskAnswer[];
  /** How often a script went on in this turn, by its number. */
  slices: Map<number, number> | undefined;
  halt: string | undefined;
}

/** What a turn has for one other node. */
export interface Bundle {
  readonly to: NodeId;
  heartbeats: readonly GroupHeartbeat[];
  answers: readonly GroupHeartbeatAnswer[];
  agrees: boolean | undefined;
}

/** What a client of this node is told. */
export interface Answered {
  readonly token: number;
  readonly answer: NodeAnswer;
}

export interface OpenGroup {
  readonly group: Mutable<GroupState>;
  readonly raft: RaftTurn<PartitionState>;
  /** As the turn found it, to tell what changed. */
  readonly before: GroupState;
  /** Where the snapshot lies that this turn takes or installs, its last chunk being in this turn's write. */
  snapshotRecords: SnapshotRecords | undefined;
  /** The turn writes something for the group beside what Raft asks for. */
  writes: boolean;
  /** Whether it slept when the links were last told. */
  noted: Rest;
}

/**
 * The next multiple of the interval by the node's clock: when the heartbeats of all its groups are due, so that they
 * travel together.
 */
function nextBeatAt(now: MonotonicMs, heartbeatIntervalMs: number): MonotonicMs {
  return monotonicMs((Math.floor(now / heartbeatIntervalMs) + 1) * heartbeatIntervalMs);
}

export function openNode(
  options: NodeOptions,
  state: NodeState,
  now: Clocks,
  entropy: number,
  bend?: Bend,
): NodeTurn {
  const write = writeNumber(state.lastWrite + 1);
  const turn: NodeTurn = {
    options,
    now,
    node: {
      incarnation: state.incarnation,
      halted: state.halted,
      groups: state.groups,
      lastWrite: state.lastWrite,
      durableWrite: state.durableWrite,
      held: state.held,
      requests: state.requests,
      tokensOf: state.tokensOf,
      reads: state.reads,
      nextRead: state.nextRead,
      openReads: state.openReads,
      writing: state.writing,
      sending: state.sending,
      receiving: state.receiving,
      groupAlarms: state.groupAlarms,
      requestAlarms: state.requestAlarms,
      timerAt: state.timerAt,
      links: state.links,
      beatAt: state.beatAt,
      clock: state.clock,
      membership: state.membership,
    },
    open: EMPTY_LIST,
    openById: undefined,
    raftContext: {
      options,
      now: now.monotonic,
      entropy,
      write,
      heartbeatAt: nextBeatAt(now.monotonic, options.heartbeatIntervalMs),
      reluctant: state.membership.reluctant,
      bend,
    },
    write,
    changes: EMPTY_LIST,
    writingGroups: EMPTY_LIST,
    messages: EMPTY_LIST,
    heldMessages: EMPTY_LIST,
    bundles: EMPTY_LIST,
    beatIsDue: state.beatAt !== undefined && now.monotonic >= state.beatAt,
    replies: EMPTY_LIST,
    values: undefined,
    valuesWritten: EMPTY_LIST,
    coldReads: EMPTY_LIST,
    coordination: undefined,
    answeredTasks: EMPTY_LIST,
    slices: undefined,
    halt: undefined,
  };
  // A node that keeps nothing apart has no such field.
  if (state.values !== undefined) turn.node.values = state.values;
  if (state.tasks !== undefined) turn.node.tasks = state.tasks;
  if (state.coordination !== undefined) turn.node.coordination = state.coordination;
  if (state.floors !== undefined) turn.node.floors = state.floors;
  if (state.keptAnswers !== undefined) turn.node.keptAnswers = state.keptAnswers;
  return turn;
}

/** The group, opened for change if this turn has not yet done so. */
export function openGroup(turn: NodeTurn, id: GroupId): OpenGroup {
  const known = openedGroup(turn, id);
  if (known !== undefined) return known;
  const before = groupOf(turn.node, id);
  const opened: OpenGroup = {
    group: {
      raft: before.raft,
      partition: before.partition,
      journal: before.journal,
      waiting: before.waiting,
      proposed: before.proposed,
      lead: before.lead,
      alarmAt: before.alarmAt,
    },
    raft: openTurn(before.raft, turn.raftContext),
    before,
    snapshotRecords: undefined,
    writes: false,
    noted: before.raft.rest,
  };
  if (opened.noted.asleep) {
    const follows = opened.noted.leader !== turn.options.node;
    heardAsleep(opened.raft, (peer) => {
      const { agreedAt, answeredAt } = linkOf(turn.node, peer);
      return follows ? agreedAt : answeredAt;
    });
  }
  turn.open = added(turn.open, opened);
  turn.openById?.set(id, opened);
  return opened;
}

/** Up to so many open groups are found by looking at each, which is quicker than making a map for them. */
const FEW_GROUPS = 8;

/** The group, if this turn has opened it. */
export function openedGroup(turn: NodeTurn, id: GroupId): OpenGroup | undefined {
  const { open } = turn;
  if (open.length > FEW_GROUPS) {
    turn.openById ??= new Map(open.map((opened) => [opened.raft.raft.group, opened]));
    return turn.openById.get(id);
  }
  for (const opened of open) if (opened.raft.raft.group === id) return opened;
  return undefined;
}

export function groupOf(node: Pick<NodeState, 'groups'>, id: GroupId): GroupState {
  return present(radixGet(node.groups, id), () => `this node has no group ${id}`);
}

/** The group as this turn has it by now, opened or not; but for its consensus, which is in `OpenGroup.raft` while it is open. */
export function currentGroup(turn: NodeTurn, id: GroupId): GroupState {
  return openedGroup(turn, id)?.group ?? groupOf(turn.node, id);
}

/** Sends a message that may leave when everything that this turn and earlier ones write is durable. */
export function sendWhenWritten(turn: NodeTurn, to: NodeId, message: NodeMessage): void {
  turn.heldMessages = added(turn.heldMessages, { to, message });
}

/** Sends a message that promises nothing which a crash could take back. */
export function sendAtOnce(turn: NodeTurn, to: NodeId, message: NodeMessage): void {
  turn.messages = added(turn.messages, { to, message });
}
