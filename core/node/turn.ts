/**
 * A turn of a node: its state opened for change, the groups that the turn touches, and what it will say and write.
 *
 * Private to the step that opened it; see `raft/turn.ts` for why this is still a pure function. A group is opened
 * when the first input for it comes and closed once, at the end, however many inputs there were: that is what makes
 * one write and one frame of many events.
 */

import { radixGet } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import type { Clocks, StorageChange } from '../machine/machine.js';
import { writeNumber, type GroupId, type NodeId, type WriteNumber } from '../machine/units.js';
import type { KeyValueAnswer } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import { openTurn, type RaftTurn } from '../raft/turn.js';
import type { NodeOptions } from './options.js';
import type { NodeMessage, Stored } from './protocol.js';
import type { Addressed, GroupState, NodeState } from './state.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export interface NodeTurn {
  readonly options: NodeOptions;
  readonly now: Clocks;
  readonly entropy: number;
  readonly node: Mutable<NodeState>;
  /** In the order in which they were opened. */
  readonly open: Map<GroupId, OpenGroup>;
  /** The number of this turn's write, should there be one. */
  readonly write: WriteNumber;
  readonly changes: StorageChange<Stored>[];
  readonly writingGroups: GroupId[];
  /** Messages that may leave at once, and those that wait for this turn's write or an earlier one. */
  readonly messages: Addressed[];
  readonly heldMessages: Addressed[];
  readonly replies: { readonly token: number; readonly answer: KeyValueAnswer }[];
  halt: string | undefined;
}

export interface OpenGroup {
  readonly group: Mutable<GroupState>;
  readonly raft: RaftTurn<PartitionState>;
  /** As the turn found it, to tell what changed. */
  readonly before: GroupState;
}

export function openNode(options: NodeOptions, state: NodeState, now: Clocks, entropy: number): NodeTurn {
  return {
    options,
    now,
    entropy,
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
      groupAlarms: state.groupAlarms,
      requestAlarms: state.requestAlarms,
      timerAt: state.timerAt,
      clock: state.clock,
    },
    open: new Map(),
    write: writeNumber(state.lastWrite + 1),
    changes: [],
    writingGroups: [],
    messages: [],
    heldMessages: [],
    replies: [],
    halt: undefined,
  };
}

/** The group, opened for change if this turn has not yet done so. */
export function openGroup(turn: NodeTurn, id: GroupId): OpenGroup {
  const known = turn.open.get(id);
  if (known !== undefined) return known;
  const before = groupOf(turn.node, id);
  const opened: OpenGroup = {
    group: {
      raft: before.raft,
      partition: before.partition,
      journal: before.journal,
      waiting: before.waiting,
      proposed: before.proposed,
      alarmAt: before.alarmAt,
    },
    raft: openTurn(before.raft, {
      options: turn.options,
      now: turn.now.monotonic,
      entropy: turn.entropy,
      write: turn.write,
    }),
    before,
  };
  turn.open.set(id, opened);
  return opened;
}

export function groupOf(node: Pick<NodeState, 'groups'>, id: GroupId): GroupState {
  return present(radixGet(node.groups, id), () => `this node has no group ${id}`);
}

/** Sends a message that promises nothing which a crash could take back. */
export function sendAtOnce(turn: NodeTurn, to: NodeId, message: NodeMessage): void {
  turn.messages.push({ to, message });
}
