/** What scenarios of our own system may say, beyond what every scenario may. */

import { checkNodeOptions, nodeId } from '../../core/index.js';
import { count, milliseconds } from '../faults/fault-shapes.js';
import type { SystemRules } from '../faults/schema.js';
import type { Shape } from '../faults/shape.js';
import type { KeyValueScenario, KeyValueSettings, NodeSettings } from './settings.js';
import { nodeOptionsOf } from './system.js';

const node: Readonly<Record<keyof NodeSettings, Shape>> = {
  heartbeatIntervalMs: milliseconds('A leader tells its followers that it lives this often.', 1),
  electionTimeoutMs: milliseconds('A follower that has heard nothing for so long starts an election.', 1),
  leaseMs: milliseconds('A leader may answer reads without asking for nearly so long; 0 for never.'),
  maxClockDriftPercent: count('No clock is taken to run more than this percentage fast or slow.', 0, 90),
  quiesceAfterMs: milliseconds('A group with nothing to do for so long goes to sleep; 0 for never.'),
  maxAppendBytes: count('Entries of one append message, together.', 1),
  maxInflightAppends: count('Append messages to one follower that may be unanswered at a time.', 1),
  maxInflightBytes: count('Payload bytes of those messages, together.', 1),
  maxUncommittedBytes: count('Proposals of one group that may be uncommitted at a time.', 1),
  maxPromotionLag: count('A learner becomes a voter when it lacks no more entries than this.'),
  snapshotEveryEntries: count('A snapshot is taken after so many applied entries at the earliest.', 1),
  snapshotPercentOfRecords: count('… and when they are this many percent of the records.'),
  keepEntries: count('Entries kept behind a snapshot.'),
  maxKeepEntries: count('Entries kept behind a snapshot for followers that still use them, at most.'),
  maxKeepBytes: count('Payload bytes kept behind a snapshot at most.'),
  snapshotChunkBytes: count('Snapshots are written and sent in chunks of about so many bytes.', 1),
  maxInflightChunks: count('Chunks of one snapshot that may be unanswered at a time.', 1),
  maxSnapshotsSending: count('Snapshots that a node sends at a time.', 1),
  maxSnapshotsReceiving: count('Snapshots that a node receives at a time.', 1),
  maxSnapshotsWriting: count('Snapshots of its own that a node writes at a time.', 1),
  requestTimeoutMs: milliseconds("How long a client's request may wait.", 1),
  forwardTimeoutMs: milliseconds('How long a forwarded request waits before it is sent again.', 1),
  meta: { type: 'truth', about: 'Whether the cluster keeps its roster, in a group 0.' },
  placementIntervalMs: milliseconds(
    'Leaders that others should rather be are moved this often; 0 for never.',
  ),
  placementSettleMs: milliseconds('… and those only that have led for so long.'),
  placementTransfers: count('Leaders that a node hands over in one such interval.', 1),
  retryWindow: count('How many requests are remembered; the same on every node.', 1),
};

const fields: Readonly<Record<keyof KeyValueSettings, Shape>> = {
  partitions: count('Data partitions, each a Raft group of its own; numbered from 1.', 1, 1_000),
  node: { type: 'record', about: 'What every node is told.', fields: node },
  keys: count('How many keys the clients share.', 1, 100_000),
  readPercent: count('Of every hundred operations, so many are reads.', 0, 100),
  specialReadPercent: count('Of every hundred reads, so many are by lease, at a follower or stale.', 0, 100),
};

export const keyValueRules: SystemRules = {
  settings: { type: 'record', about: 'What the nodes and clients of the key/value store are told.', fields },
  groups: (settings) => (settings as KeyValueSettings).partitions,
  versions: 2,
  orders: (settings) => ((settings as KeyValueSettings).node.meta ? 'members' : 'leaders'),
  check: (scenario) =>
    checkNodeOptions(nodeOptionsOf(scenario as KeyValueScenario, nodeId(1))).map((problem) => ({
      path: 'settings.node',
      seen: 'unsound',
      expected: 'what a node would start with',
      advice: problem,
    })),
};
