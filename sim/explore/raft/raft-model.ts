/**
 * Raft as a model: a group of real members, all their schedules within a bound, and every invariant.
 *
 * It runs the code that production runs. The bound is part of what is said: "holds" means that nothing breaks with at
 * most so many elections, crashes, requests, …, in whatever order they and everything else happen.
 */

import { nodeId, type RaftOptions } from '../../../core/index.js';
import { createDurableView, type DurableView } from '../../check/raft/durable-view.js';
import { machineModel } from '../machine-model.js';
import type { MachineModel, World } from '../machine-spec.js';
import { sometimesHolds } from '../model.js';
import { describeMemberMessage, describeMemberRequest } from './describe.js';
import {
  createMember,
  type Disk,
  type MemberAnswer,
  type MemberMessage,
  type MemberRequest,
  type MemberState,
} from './member.js';
import { createProjection, leaseEnd } from './projection.js';
import { createWatch, type Lens, type RaftMemory } from './watch.js';

/** How much of what is looked at; all counts are over all nodes and a whole way. */
export interface RaftBound {
  /** 1 to 7. */
  readonly nodes: number;
  /** Election timeouts. */
  readonly elections: number;
  /** Heartbeat timeouts of leaders, each of which may also notice that a majority is silent. */
  readonly heartbeats: number;
  /** Times that a follower stops to trust its leader before its own election timeout. */
  readonly lapses: number;
  readonly crashes: number;
  /** Writes, then snapshots, then reads; each is asked once, of any leader (a snapshot: of any node). */
  readonly proposals: number;
  readonly snapshots: number;
  readonly reads: number;
  readonly losses: number;
  readonly duplicates: number;
  /** Messages on their way at a time. */
  readonly inFlight: number;
  /** When more are sent: `cut` the way off there, or `lose` some, in every choice of them. */
  readonly overflow: 'cut' | 'lose';
  readonly maxTerm: number;
  readonly disk: 'instant' | 'slow';
  /** An append message carries one entry; otherwise all that there are. */
  readonly singleEntries: boolean;
  /**
   * `all` rules that watch a simulated run, or only those on `outcomes`: a step that breaks another rule passes, and
   * what comes of it is looked at. (Assertions in the code always count.)
   */
  readonly rules: 'all' | 'outcomes';
  readonly symmetry: boolean;
  readonly reduction: boolean;
}

type RaftWorld = World<MemberState, MemberMessage, Disk, RaftMemory>;

/** The bound that `wavetank explore` completes when it is told nothing. */
export const DEFAULT_RAFT_BOUND: RaftBound = {
  nodes: 3,
  elections: 2,
  heartbeats: 0,
  lapses: 1,
  crashes: 1,
  proposals: 1,
  snapshots: 0,
  reads: 0,
  losses: 0,
  duplicates: 0,
  inFlight: 1,
  overflow: 'lose',
  maxTerm: 2,
  disk: 'slow',
  singleEntries: false,
  rules: 'all',
  symmetry: true,
  reduction: true,
};

export type RaftModel = MachineModel<
  MemberState,
  MemberMessage,
  MemberRequest,
  MemberAnswer,
  Disk,
  RaftMemory
>;

export function raftModel(bound: RaftBound): RaftModel {
  const { nodes, symmetry, reduction, disk } = bound;
  const voters = Array.from({ length: nodes }, (_, i) => nodeId(i + 1));
  const options: RaftOptions = {
    heartbeatIntervalMs: 500,
    electionTimeoutMs: 1000,
    // The projection looks at none of the times that sleeping depends on.
    quiesceAfterMs: 0,
    // One entry always passes; below zero, a second one never does, not even an empty one.
    maxAppendBytes: bound.singleEntries ? -1 : 1000,
    maxInflightAppends: 2,
    maxInflightBytes: 1000,
    maxKeepEntries: 0,
    maxKeepBytes: 1000,
    maxUncommittedBytes: 1000,
    maxPromotionLag: 0,
    // No two clocks of the model can be compared, so it has no leases.
    leaseMs: 0,
    maxClockDriftPercent: 0,
  };
  const requests: readonly MemberRequest[] = [
    ...Array.from({ length: bound.proposals }, (_, i) => ({
      type: 'Propose' as const,
      payload: Uint8Array.of(i + 1),
    })),
    ...Array.from({ length: bound.snapshots }, () => ({ type: 'Compact' as const })),
    ...Array.from({ length: bound.reads }, () => ({ type: 'Read' as const })),
  ];
  return machineModel<MemberState, MemberMessage, MemberRequest, MemberAnswer, Disk, RaftMemory>({
    nodes,
    machineOf: (node) => createMember(node, voters, options),
    disk,
    bounds: {
      timers: { election: bound.elections, heartbeat: bound.heartbeats },
      passes: bound.lapses,
      crashes: bound.crashes,
      losses: bound.losses,
      duplicates: bound.duplicates,
      inFlight: bound.inFlight,
      overflow: bound.overflow,
    },
    requests,
    accepts: ({ raft }, request) =>
      request.type === 'Compact'
        ? raft.commit > (raft.snapshot?.index ?? 0) && raft.commit > raft.log.baseIndex
        : raft.role === 'leader',
    timerKind: ({ raft }) => (raft.role === 'leader' ? 'heartbeat' : 'election'),
    passTo: ({ raft }, now) => leaseEnd(options, raft, now),
    projection: createProjection(options),
    watch: createWatch({ ...options, rules: bound.rules }, LENS),
    properties: [
      sometimesHolds<RaftWorld>('somebody leads', ({ history }) => history.value.group.leaders.size > 0),
      sometimesHolds<RaftWorld>(
        'something is committed',
        ({ history }) => history.value.group.committed.length > 1,
      ),
    ],
    withinBound: (world) => world.nodes.every(({ state }) => (state?.raft.term ?? 0) <= bound.maxTerm),
    symmetry,
    reduction,
    describeMessage: describeMemberMessage,
    describeRequest: describeMemberRequest,
  });
}

const views = new WeakMap<Disk, DurableView>();
const NOTHING = createDurableView();

/** Worked out once for each disk. */
function viewOf(disk: Disk | undefined): DurableView {
  if (disk === undefined) return NOTHING;
  let view = views.get(disk);
  if (view === undefined) {
    const { term, vote, snapshot, entries } = disk;
    const terms = entries.map((entry) => entry.term);
    const base = { baseIndex: snapshot?.index ?? 0, baseTerm: snapshot?.term ?? 0 };
    view = { ...createDurableView(), term, vote, ...base, terms };
    views.set(disk, view);
  }
  return view;
}

/** Members hold other images than partitions do, and the rules look into neither. */
const LENS: Lens<MemberState, MemberMessage, MemberRequest, MemberAnswer, Disk> = {
  raftOf: ({ raft }) => raft as never,
  viewOf: (stored) => viewOf(stored[0]?.value),
  messageOf: (message) => message as never,
  isRead: ({ type }) => type === 'Read',
  indexOf: ({ index }) => index,
};
