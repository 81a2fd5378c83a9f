/** Our node, as the tools for traces see it. */

import {
  describeNode,
  encodeNodeMessage,
  nodeId,
  radixForEach,
  radixGet,
  type GroupState,
  type NodeEffect,
  type NodeMachine,
  type NodeMessage,
  type NodeState,
  type SpokenMessage,
} from '../../core/index.js';
import { keyValueSystem } from '../key-value/system.js';
import { toBase64 } from './base64.js';
import { decodeBoot, decodeTurn } from './decode.js';
import { describeEffect, describeMessage } from './describe.js';
import type { TraceHeader } from './record.js';
import type { StateField, TraceSubject } from './subject.js';
import { unfoldCollection } from './unfold.js';

/** The fields of a group: a path that begins with one of them means group 1. */
const GROUP_FIELDS: ReadonlySet<string> = new Set<keyof GroupState>([
  'raft',
  'partition',
  'journal',
  'waiting',
  'proposed',
  'alarmAt',
]);

function field(settings: Omit<StateField, 'read'>, read: (group: GroupState) => number | string): StateField {
  return {
    ...settings,
    read(state: NodeState, group: number): number | string | undefined {
      const known = radixGet(state.groups, group);
      return known === undefined ? undefined : read(known);
    },
  };
}

const FIELDS: readonly StateField[] = [
  field(
    {
      name: 'role',
      about: 'its role in the group',
      words: ['follower', 'precandidate', 'candidate', 'leader'],
      headline: true,
    },
    ({ raft }) => raft.role,
  ),
  field({ name: 'term', about: 'its term', counter: true, headline: true }, ({ raft }) => raft.term),
  field({ name: 'vote', about: 'whom it voted for, 0 for nobody', headline: true }, ({ raft }) => raft.vote),
  field(
    { name: 'leader', about: 'whom it follows, 0 for nobody', headline: true },
    ({ raft }) => raft.leader,
  ),
  field({ name: 'commit', about: 'the last committed index', counter: true }, ({ raft }) => raft.commit),
  field({ name: 'applied', about: 'the last applied index' }, ({ partition }) => partition.applied),
  field({ name: 'lastIndex', about: 'the last index of its log' }, ({ raft }) => raft.log.lastIndex),
  field({ name: 'lastTerm', about: 'the term of the last entry' }, ({ raft }) => raft.log.lastTerm),
  field({ name: 'durable', about: 'the last durable index' }, ({ raft }) => raft.durable.lastIndex),
  field(
    { name: 'snapshot', about: 'the index of its snapshot' },
    ({ raft }) => raft.snapshot?.index ?? raft.log.baseIndex,
  ),
  field(
    { name: 'keys', about: 'how many keys it holds, tombstones too' },
    ({ partition }) => partition.keys.size,
  ),
  field({ name: 'digest', about: 'the digest of all it applied' }, ({ partition }) => partition.digest >>> 0),
];

/** A record, so that the compiler asks for a type that is missing here. */
const MESSAGE_TYPES: Readonly<Record<Exclude<NodeMessage['type'], 'Group'> | SpokenMessage['type'], true>> = {
  PreVoteRequest: true,
  PreVoteAnswer: true,
  VoteRequest: true,
  VoteAnswer: true,
  Append: true,
  AppendAccepted: true,
  AppendRefused: true,
  Heartbeat: true,
  HeartbeatAnswer: true,
  ReadIndexRequest: true,
  ReadIndexAnswer: true,
  ReadIndexRefused: true,
  CampaignNow: true,
  NotMember: true,
  SnapshotChunk: true,
  SnapshotAnswer: true,
  Forward: true,
  ForwardAnswer: true,
  Heartbeats: true,
  HeartbeatAnswers: true,
  RosterAsk: true,
  RosterNews: true,
  SurveyAsk: true,
  SurveyAnswer: true,
  AdminForward: true,
  AdminForwarded: true,
  SessionForward: true,
  SessionForwarded: true,
  WaitProbe: true,
  Condemn: true,
};

export const nodeSubject: TraceSubject = {
  machineOf({ scenario }: TraceHeader, node: number, version: number): NodeMachine {
    return keyValueSystem().machineOf(scenario)(nodeId(node), version);
  },
  bootOf: decodeBoot,
  turnOf: decodeTurn,

  describeEffect(effect: NodeEffect): string {
    return describeEffect(effect);
  },
  describeMessage(message: NodeMessage): string {
    return describeMessage(message);
  },
  describeState(node: number, state: NodeState): readonly string[] {
    const rows = describeNode({ node: nodeId(node) }, state).groups.map(
      ({ group, role, leader, term, commit, applied, lastIndex, snapshotIndex, keys, digest }) =>
        `  group ${group}: ${role} of term ${term}, leader ${leader === 0 ? 'unknown' : leader}, ` +
        `log to ${lastIndex}, commit ${commit}, applied ${applied}, snapshot ${snapshotIndex}, ` +
        `${keys} keys, digest ${digest >>> 0}`,
    );
    const waits = state.lastWrite === state.durableWrite ? 'all durable' : `durable to ${state.durableWrite}`;
    return [`node ${node} (run ${state.incarnation}): ${state.lastWrite} writes, ${waits}`, ...rows];
  },

  messageType(message: NodeMessage): string {
    return message.type === 'Group' ? message.message.type : message.type;
  },
  messageTypes: Object.keys(MESSAGE_TYPES),
  messageKey(message: NodeMessage): string {
    return toBase64(encodeNodeMessage(message));
  },

  fields: FIELDS,
  groupsOf(state: NodeState): readonly number[] {
    const groups: number[] = [];
    radixForEach(state.groups, (_, group) => groups.push(group));
    return groups;
  },
  leads(state: NodeState, group: number): boolean {
    return radixGet(state.groups, group)?.raft.role === 'leader';
  },
  wholePath(path: string): string {
    const first = /^\w*/.exec(path)?.[0] ?? '';
    return GROUP_FIELDS.has(first) ? `groups[1].${path}` : path;
  },
  unfold: unfoldCollection,
};
