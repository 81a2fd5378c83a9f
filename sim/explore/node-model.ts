/**
 * Whole nodes as a model: `createNode` with one partition, as production runs it, gateway and key/value store included.
 *
 * Slower than the bare Raft group and with more states, for nothing is projected: a state holds its times and write
 * numbers as they are. For small bounds, and because a counterexample can be written as a trace for `wavetank replay`.
 */

import {
  createNode,
  DEFAULT_NODE_OPTIONS,
  groupMessagesOf,
  nameIn,
  nodeId,
  radixGet,
  revision,
  SetFlag,
  type GroupState,
  type ClientCall,
  type NodeAnswer,
  type NodeMessage,
  type NodeRequest,
  type NodeState,
  type Stored,
  type StoredRecord,
} from '../../core/index.js';
import { createDurableView, noteChange, type DurableView } from '../check/raft/durable-view.js';
import { scenarioOf as profileScenario } from '../faults/profiles.js';
import type { KeyValueScenario } from '../key-value/settings.js';
import { describeMessage } from '../trace/describe.js';
import { createRecorder, type TraceLine } from '../trace/record.js';
import { machineModel } from './machine-model.js';
import type { Bounds, MachineAction, MachineModel } from './machine-spec.js';
import { sometimesHolds } from './model.js';
import { createWatch, type Lens, type RaftMemory } from './raft/watch.js';

export interface NodeBound {
  readonly nodes: number;
  readonly disk: 'instant' | 'slow';
  readonly bounds: Bounds;
  /** Writes, then reads, of one key, each asked of any node. */
  readonly writes: number;
  readonly reads: number;
}

/** What `wavetank explore --model node` completes when it is told nothing. */
export const DEFAULT_NODE_BOUND: NodeBound = {
  nodes: 3,
  disk: 'instant',
  bounds: { timers: { timer: 1 }, crashes: 0, losses: 0, duplicates: 0, inFlight: 4 },
  writes: 1,
  reads: 0,
};

export type NodeModel = MachineModel<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored, RaftMemory>;

/** No request gives up or is tried again within a bound: that would be one more timer. */
const PATIENCE_MS = 1_000_000;

const NODE = {
  ...DEFAULT_NODE_OPTIONS,
  partitions: 1,
  // One group is enough to explore; the roster would be a second one.
  meta: false,
  heartbeatIntervalMs: 500,
  electionTimeoutMs: 1_000,
  quiesceAfterMs: 0,
  requestTimeoutMs: PATIENCE_MS,
  forwardTimeoutMs: PATIENCE_MS,
};
const KEY = 'key';

export function nodeModel({ nodes, disk, bounds, writes, reads }: NodeBound): NodeModel {
  const voters = Array.from({ length: nodes }, (_, i) => nodeId(i + 1));
  const requests: readonly ClientCall[] = [
    ...Array.from({ length: writes }, (_, i): ClientCall => ({
      operation: {
        type: 'Set',
        key: KEY,
        value: Uint8Array.of(i + 1),
        flags: SetFlag.set,
        compareValue: null,
        compareRevision: revision(0),
      },
    })),
    ...Array.from({ length: reads }, (): ClientCall => ({ operation: { type: 'Get', key: KEY } })),
  ];
  const rules = {
    maxInflightAppends: NODE.maxInflightAppends,
    maxInflightBytes: NODE.maxInflightBytes,
    electionTimeoutMs: NODE.electionTimeoutMs,
    heartbeatIntervalMs: NODE.heartbeatIntervalMs,
    rules: 'all' as const,
  };
  return machineModel<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored, RaftMemory>({
    nodes,
    machineOf: (node) => createNode({ ...NODE, node, voters }),
    disk,
    bounds,
    requests,
    watch: createWatch(rules, LENS),
    properties: [
      sometimesHolds('somebody leads', ({ history }) => history.value.group.leaders.size > 0),
      sometimesHolds('something is committed', ({ history }) => history.value.group.committed.length > 1),
    ],
    describeMessage,
    describeRequest: (request) =>
      'admin' in request
        ? request.admin.type
        : 'transaction' in request
          ? request.transaction.type
          : `${request.operation.type.toLowerCase()} ${nameIn(request.operation)}`,
  });
}

/** A way through the model as the lines of a trace, and the scenario that its header must name. */
export function traceOf(
  bound: NodeBound,
  actions: readonly MachineAction<NodeMessage, NodeRequest>[],
): { readonly scenario: KeyValueScenario; readonly lines: readonly TraceLine[] } {
  const lines: TraceLine[] = [];
  nodeModel(bound).walk(
    actions,
    // An exploration has no time of its own: a step a millisecond.
    createRecorder(lines, () => lines.length * 1_000),
  );
  return { scenario: scenarioOf(bound), lines };
}

/** What a replay needs of a scenario is the nodes and their options: all else is as in any calm, and was not used. */
function scenarioOf({ nodes }: NodeBound): KeyValueScenario {
  const calm = profileScenario('calm', 0);
  const workload = { ...calm.workload, clients: 0 };
  const { partitions, ...node } = NODE;
  return { ...calm, nodes, settings: { ...calm.settings, partitions, node }, workload };
}

function viewOf(stored: readonly StoredRecord<Stored>[]): DurableView {
  const view = createDurableView();
  for (const { key, value } of stored) noteChange(() => view, { type: 'Put', key, value });
  return view;
}

const LENS: Lens<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored> = {
  raftOf: ({ groups }) => (radixGet(groups, 1) as GroupState).raft,
  viewOf,
  // Of one partition there is never more than one.
  messageOf: (message) => groupMessagesOf(message)[0]?.message,
  isRead: (request) => 'operation' in request && request.operation.type === 'Get',
  indexOf: (answer) => ('servedAt' in answer ? answer.servedAt?.index : undefined),
};
