/** What a node's state says in numbers: each group's Raft, and what waits where. Read when somebody asks, kept nowhere. */

import { radixForEach, type GroupState, type NodeState } from '../../core/index.js';
import type { MetricFamily, Sample } from './exposition.js';

interface GroupGauge {
  readonly name: string;
  readonly help: string;
  readonly valueOf: (group: GroupState) => number;
}

const GROUP_GAUGES: readonly GroupGauge[] = [
  {
    name: 'wavetank_raft_is_leader',
    help: 'Whether this node leads the group.',
    valueOf: ({ raft }) => (raft.role === 'leader' ? 1 : 0),
  },
  {
    name: 'wavetank_raft_leader_node',
    help: 'The node that leads the group, as far as this one knows; 0 for nobody.',
    valueOf: ({ raft }) => raft.leader,
  },
  { name: 'wavetank_raft_term', help: 'The term of the group.', valueOf: ({ raft }) => raft.term },
  {
    name: 'wavetank_raft_asleep',
    help: 'Whether the group sleeps, because nothing happens in it.',
    valueOf: ({ raft }) => (raft.rest.asleep ? 1 : 0),
  },
  {
    name: 'wavetank_raft_commit_index',
    help: 'The newest log entry that is known to be committed.',
    valueOf: ({ raft }) => raft.commit,
  },
  {
    name: 'wavetank_raft_applied_lag',
    help: 'Committed entries that are not applied here yet.',
    valueOf: ({ raft, partition }) => raft.commit - partition.applied,
  },
  {
    name: 'wavetank_raft_uncommitted_entries',
    help: 'Entries of the log that are not known to be committed.',
    valueOf: ({ raft }) => raft.log.lastIndex - raft.commit,
  },
  {
    name: 'wavetank_raft_uncommitted_bytes',
    help: 'Bytes that the leader has proposed and that are not committed; 0 elsewhere.',
    valueOf: ({ raft }) => raft.uncommittedBytes,
  },
  {
    name: 'wavetank_raft_log_entries',
    help: 'Entries that the log holds one by one.',
    valueOf: ({ raft }) => raft.log.lastIndex - raft.log.baseIndex,
  },
];

export interface NodeReadings {
  readonly state: NodeState;
  /** Requests that the machine has not answered. */
  readonly waiting: number;
}

export function nodeFamilies({ state, waiting }: NodeReadings): readonly MetricFamily[] {
  const groups: GroupState[] = [];
  radixForEach(state.groups, (group) => groups.push(group));
  const ofGroups = GROUP_GAUGES.map(({ name, help, valueOf }): MetricFamily => {
    const samples = groups.map((group): Sample => ({
      labels: { group: group.raft.group },
      value: valueOf(group),
    }));
    return { name, help, type: 'gauge', samples };
  });
  const { heldBytes = 0, unwrittenBytes = 0, waitingReads = 0 } = state.values ?? {};
  return [
    ...ofGroups,
    gauge('wavetank_queue_requests', 'Requests that the machine has not answered.', waiting),
    gauge(
      'wavetank_queue_writes',
      'Writes to the disk that are issued and not durable yet.',
      state.lastWrite - state.durableWrite,
    ),
    gauge(
      'wavetank_transactions_open',
      'Sessions that this node keeps, those of scripts included.',
      state.coordination?.sessionCount ?? 0,
    ),
    {
      name: 'wavetank_transactions_deadlocks_total',
      help: 'Sessions of this node that were aborted to end a deadlock.',
      type: 'counter',
      samples: [{ value: state.coordination?.deadlocks ?? 0 }],
    },
    gauge('wavetank_values_memory_bytes', 'Bytes of values kept apart that are in memory.', heldBytes),
    gauge(
      'wavetank_values_unwritten_bytes',
      'Of those, the bytes of which no write was asked for yet; the log has them.',
      unwrittenBytes,
    ),
    gauge('wavetank_values_reads_waiting', 'Reads that wait for values from the disk.', waitingReads),
    gauge('wavetank_snapshots_writing', 'Snapshots that this node writes.', state.writing.length),
    gauge('wavetank_snapshots_sending', 'Snapshots that this node sends.', state.sending.length),
    gauge('wavetank_snapshots_receiving', 'Snapshots that this node receives.', state.receiving.length),
  ];
}

/** By the names that Prometheus' own libraries use. */
export function processFamilies(): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of this process.',
      type: 'counter',
      samples: [{ value: (user + system) / 1_000_000 }],
    },
    gauge('process_resident_memory_bytes', 'Memory of this process.', rss),
    gauge('nodejs_heap_size_used_bytes', 'Of it, what JavaScript holds.', heapUsed),
    gauge('process_start_time_seconds', 'When this process started.', Date.now() / 1_000 - process.uptime()),
  ];
}

export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ value }] };
}
