/**
 * Watches every node of our system: the Raft invariants of every group, and what nodes tell their clients.
 *
 * An observer of the world. After every step it looks at the groups that the step changed and at every message and
 * reply that the step lets go.
 */

import {
  emptyRadixArray,
  radixFirstDifference,
  radixGet,
  type GroupState,
  type KeyValueAnswer,
  type KeyValueRequest,
  type NodeEffect,
  type NodeEvent,
  type NodeId,
  type NodeMessage,
  type NodeState,
  type Persist,
  type Step,
  type Stored,
  type Turn,
} from '../../core/index.js';
import { partitionOfKey } from '../../core/index.js';
import type { Desk } from '../system/system.js';
import { PropertyBroken, type Observer } from '../world/world.js';
import { createDurableView, noteChange, type DurableView } from './raft/durable-view.js';
import { createGroupHistory, lastCommitted, type GroupHistory, type Raft } from './raft/group-history.js';
import { createLandmarks } from './raft/landmarks.js';
import { checkMessage } from './raft/message-rules.js';
import { checkLeadership, checkStates, type GroupLimits, type StateContext } from './raft/state-rules.js';

export type NodeObserver = Observer<NodeState, NodeMessage, KeyValueRequest, KeyValueAnswer, Stored>;

const NO_DESK: Pick<Desk, 'reach'> = {
  reach() {
    // Nobody asked.
  },
};

export interface RuleSettings {
  readonly partitions: number;
  /** What the nodes are told, by the version of their machine. */
  readonly versions: readonly GroupLimits[];
}

/** @param desk takes note of what the run comes by. */
export function createNodeRules(settings: RuleSettings, desk: Pick<Desk, 'reach'> = NO_DESK): NodeObserver {
  const landmarks = createLandmarks((feature) => desk.reach(feature));
  // By group, and by node and group: all are small numbers, so places in lists.
  const histories: GroupHistory[] = [];
  const views: DurableView[][] = [];
  const running = new Map<number, NodeState>();
  const limits = new Map<number, GroupLimits>();
  /** By token: what was committed in the key's group when a read was asked. */
  const readFloors = new Map<number, number>();

  const historyOf = (group: number): GroupHistory => (histories[group] ??= createGroupHistory());
  const viewOf = (node: number, group: number): DurableView =>
    ((views[node] ??= [])[group] ??= createDurableView());
  const contexts: StateContext[] = [];
  const contextOf = (group: number): StateContext => contexts[group] ?? addContext(group);
  const addContext = (group: number): StateContext =>
    (contexts[group] = {
      history: historyOf(group),
      viewOf: (node) => viewOf(node, group),
      everywhere: () => [...running.values()].flatMap((state) => radixGet(state.groups, group)?.raft ?? []),
      limitsOf: (node) => limits.get(node) as GroupLimits,
    });

  const checkGroups = (before: NodeState | undefined, after: NodeState): void => {
    const { groups } = after;
    const known = before === undefined ? emptyRadixArray<GroupState>() : before.groups;
    // Only the groups that changed cost anything, however many there are.
    let id = radixFirstDifference(known, groups, 0);
    for (; id !== undefined; id = radixFirstDifference(known, groups, id + 1)) {
      const group = radixGet(groups, id);
      if (group === undefined) continue;
      const earlier = radixGet(known, id);
      if (earlier?.raft !== group.raft) landmarks.changed(earlier?.raft, group.raft);
      checkStates(contextOf(id), earlier?.raft, group.raft);
      checkApplied(historyOf(id), earlier, group);
    }
  };

  /** Only a timer makes a leader give up. */
  const checkLeaders = (state: NodeState, { events, now }: Turn<NodeEvent>): void => {
    for (const event of events) {
      if (event.type !== 'TimerFired') continue;
      for (let group = 1; group <= settings.partitions; group += 1) {
        const known = radixGet(state.groups, group);
        if (known?.raft.role === 'leader') checkLeadership(contextOf(group), known.raft, now.monotonic);
      }
      return;
    }
  };

  const checkEffects = (node: NodeId, state: NodeState, effects: readonly NodeEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'Send') {
        for (const message of effect.messages) {
          if (message.type === 'Group') {
            const { raft } = radixGet(state.groups, message.group) as GroupState;
            const view = viewOf(node, message.group);
            checkMessage(historyOf(message.group), view, raft, effect.to, message.message);
          } else if (message.type === 'ForwardAnswer' && message.result.type === 'Executed') {
            checkServed(historyOf(message.group), node, message.result.index, 0);
          }
        }
      } else if (effect.type === 'Reply' && effect.answer.servedAt !== undefined) {
        const { group, index } = effect.answer.servedAt;
        checkServed(historyOf(group), node, index, readFloors.get(effect.token) ?? 0);
        readFloors.delete(effect.token);
      }
    }
  };

  return {
    started(node, _boot, step: Step<NodeState, NodeEffect>, version) {
      running.set(node, step.state);
      limits.set(node, settings.versions[version] as GroupLimits);
      checkGroups(undefined, step.state);
      checkEffects(node, step.state, step.effects);
    },
    stepped(node, before, turn: Turn<NodeEvent>, step: Step<NodeState, NodeEffect>) {
      running.set(node, step.state);
      for (const event of turn.events) {
        if (event.type === 'MessageReceived' && event.message.type === 'Group') {
          const group = radixGet(before.groups, event.message.group);
          if (group !== undefined) landmarks.received(group.raft, event.message.message);
        }
        if (event.type !== 'RequestReceived') continue;
        const { operation } = event.request;
        if (operation.type !== 'Get' && operation.type !== 'Exists') continue;
        const group = partitionOfKey(operation.key, settings.partitions);
        readFloors.set(event.token, lastCommitted(historyOf(group)));
      }
      checkPreVoteChangesNothing(node, turn, step.effects);
      checkGroups(before, step.state);
      checkEffects(node, step.state, step.effects);
      checkLeaders(step.state, turn);
    },
    synced(node, writes: readonly Persist<Stored>[]) {
      for (const { changes } of writes) {
        for (const change of changes) noteChange((group) => viewOf(node, group), change);
      }
    },
    crashed(node) {
      running.delete(node);
    },
  };
}

/** Replicas that applied the same entries are in the same state; a snapshot is the state that it claims to be. */
function checkApplied(history: GroupHistory, before: GroupState | undefined, after: GroupState): void {
  const { raft, partition } = after;
  const { applied, digest } = partition;
  if (before?.partition !== partition) {
    if (before !== undefined && applied < before.partition.applied) {
      broken(raft, 'applied never falls', `it fell from ${before.partition.applied} to ${applied}`);
    }
    if (applied > raft.commit)
      broken(raft, 'applied is committed', `applied ${applied}, commit ${raft.commit}`);
    const known = history.digests.get(applied);
    if (known === undefined) history.digests.set(applied, digest);
    else if (known !== digest) {
      broken(
        raft,
        'replicas agree',
        `its state at index ${applied} is not the one that another replica had there`,
      );
    }
  }
  const { snapshot } = raft;
  if (snapshot !== undefined && snapshot !== before?.raft.snapshot) {
    if (snapshot.index > applied)
      broken(raft, 'snapshots are applied', `snapshot ${snapshot.index}, applied ${applied}`);
    const committed = history.committed[snapshot.index];
    if (committed === undefined || committed.term !== snapshot.term) {
      broken(
        raft,
        'snapshots are committed',
        `term ${snapshot.term} at index ${snapshot.index} is not committed`,
      );
    }
    const known = history.digests.get(snapshot.index);
    if (known !== undefined && known !== snapshot.state.digest) {
      broken(raft, 'snapshots are true', `the snapshot at index ${snapshot.index} is not the state there`);
    }
  }
}

function broken({ group, self }: Raft, property: string, detail: string): never {
  throw new PropertyBroken(property, `group ${group}, node ${self}: ${detail}`);
}

/** What a client is told rests on a committed entry; a read sees all that was committed before it was asked. */
function checkServed(history: GroupHistory, node: NodeId, index: number, floor: number): void {
  if (index > lastCommitted(history)) {
    throw new PropertyBroken(
      'answers are committed',
      `node ${node} answered from index ${index}, not committed`,
    );
  }
  if (index < floor) {
    throw new PropertyBroken(
      'reads are fresh',
      `node ${node} answered a read from index ${index}, but ${floor} was committed before it was asked`,
    );
  }
}

/** Being asked for a pre-vote leaves no trace on the disk. */
function checkPreVoteChangesNothing(
  node: NodeId,
  turn: Turn<NodeEvent>,
  effects: readonly NodeEffect[],
): void {
  if (effects.some(isWrite) && turn.events.every(asksForPreVote)) {
    throw new PropertyBroken(
      'a pre-vote changes nothing',
      `node ${node} wrote to its disk when asked for one`,
    );
  }
}

function isWrite(effect: NodeEffect): boolean {
  return effect.type === 'Persist';
}

function asksForPreVote(event: NodeEvent): boolean {
  return (
    event.type === 'MessageReceived' &&
    event.message.type === 'Group' &&
    event.message.message.type === 'PreVoteRequest'
  );
}
