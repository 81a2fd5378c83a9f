/** Storms for our own system: the scenario of a seed. */

import { DEFAULT_NODE_OPTIONS } from '../../core/index.js';
import { drawConditions, drawFaults, sizesOf } from '../faults/storm.js';
import { withTrueDrift } from './leases.js';
import {
  SERVICE_KINDS,
  type KeyValueScenario,
  type KeyValueSettings,
  type NodeSettings,
} from './settings.js';

const MINUTE_MS = 60_000;

/** The default scenario of a seed: at least one virtual minute and 500 operations under its own mix of faults. */
export function stormScenario(seed: number): KeyValueScenario {
  const pick = sizesOf(seed);
  const spares = pick('spares', [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
  return spares === 0 ? stormOver(seed, pick('nodes', [3, 3, 4, 5])) : membershipStorm(seed);
}

/** A storm over a cluster whose members change. */
export function membershipStorm(seed: number): KeyValueScenario {
  const pick = sizesOf(seed);
  const nodes = pick('founders', [1, 2, 3, 3, 3, 4, 5]);
  return stormOver(seed, nodes, pick('spares that come', [1, 2, 3]));
}

/** In a press all clients are after a few things of one kind, and meet all the time. */
function servicesOf(seed: number): Pick<KeyValueSettings, 'services' | 'serviceKind'> {
  const pick = sizesOf(seed);
  const serviceKind = pick('press', [...NO_PRESS, ...SERVICE_KINDS]);
  return serviceKind === undefined
    ? { services: pick('services', [0, 0, 40, 70]) }
    : { services: 100, serviceKind };
}

/** Some clients run transactions in some storms. */
function transactionsOf(seed: number): Pick<KeyValueSettings, 'transactions'> {
  const pick = sizesOf(seed);
  if (!pick('transactions besides', SELDOM)) return {};
  return {
    transactions: {
      percent: pick('transaction share', [5, 15, 35]),
      keys: pick('transaction keys', [2, 4, 8]),
      // So many operations would not come to an end in time.
      insists: false,
    },
  };
}

/** Not on a seed that the bank has on record. */
const SELDOM: readonly boolean[] = Array.from({ length: 12 }, (_, i) => i === 11);

/** Most values of these clients have a few bytes: the defaults keep none of them apart. */
function valuesOf(seed: number, apart: boolean): ValueTuning {
  const { separateValuesFrom, maxValueBytesInMemory, maxValueReads, snapshotEveryValueBytes } =
    DEFAULT_NODE_OPTIONS;
  if (!apart) return { separateValuesFrom, maxValueBytesInMemory, maxValueReads, snapshotEveryValueBytes };
  const pick = sizesOf(seed);
  return {
    separateValuesFrom: pick('values apart from', [1, 1, 3]),
    maxValueBytesInMemory: pick('value bytes', [0, 0, 12, 60, 400]),
    maxValueReads: pick('value reads', [1, 4, 1_000]),
    snapshotEveryValueBytes: pick('snapshot value bytes', [1, 40, 1_000]),
  };
}

type ValueTuning = Pick<
  NodeSettings,
  'separateValuesFrom' | 'maxValueBytesInMemory' | 'maxValueReads' | 'snapshotEveryValueBytes'
>;

const NO_PRESS: readonly undefined[] = Array.from({ length: 12 }, () => undefined);

function stormOver(seed: number, nodes: number, spares = 0): KeyValueScenario {
  const pick = sizesOf(seed);
  const partitions = pick('partitions', [1, 1, 2, 3]);
  const heartbeatIntervalMs = pick('heartbeat', [40, 60, 100, 150]);
  const electionTimeoutMs = heartbeatIntervalMs * pick('election', [3, 4, 6, 10]);
  const clients = pick('clients', [4, 6, 8, 14, 24]);
  const shore = {
    seed,
    nodes,
    spares,
    takesOrders: true,
    groups: partitions,
    versions: 2,
    paceMs: electionTimeoutMs,
  };
  const conditions = drawConditions(shore);
  const chunkBytes = pick('chunk bytes', [1, 80, 400, 2_000, 65_536]);
  // Who joins is sent everything, over links and disks that may be slow, one group after the other; and a snapshot that is sent
  // record by record, each when the one before it is durable, takes its time (seed 1814: 458 records in 68 s). A transaction is a
  // row of operations, and is begun anew when others are in its way (seed 1699: the last of 266 sessions in 60 s), the more so where a
  // log takes one entry after the other (seed 8079: all ended, after 93 s).
  const transactions = transactionsOf(seed);
  const percent = transactions.transactions?.percent ?? 0;
  const appendBytes = pick('append bytes', [1, 1, 120, 1_000, 65_536]);
  const patience =
    (spares > 0 ? 3 : 1) *
    (chunkBytes === 1 ? 4 : 1) *
    (percent > 15 ? 2 : 1) *
    (percent > 0 && appendBytes === 1 ? 3 : 1);
  const inflightBytes = pick('inflight bytes', [1, 150, 1_000, 1_000_000]);
  const apart = pick('values apart', [false, false, false, false, true]);
  const readFailChance = apart ? pick('failed read chance', [0, 5_000, 40_000]) : 0;
  return withTrueDrift({
    system: 'key-value',
    seed,
    nodes,
    ...(spares === 0 ? {} : { spares }),
    settings: {
      partitions,
      keys: pick('keys', [2, 3, 5]),
      readPercent: pick('reads', [20, 40, 60]),
      specialReadPercent: pick('special reads', [0, 50, 50, 90]),
      ...servicesOf(seed),
      ...transactions,
      node: {
        heartbeatIntervalMs,
        electionTimeoutMs,
        leaseMs: pick('lease', [electionTimeoutMs, electionTimeoutMs, electionTimeoutMs >>> 1, 0]),
        // Whatever the clocks of this storm do: see `withTrueDrift`.
        maxClockDriftPercent: 0,
        quiesceAfterMs: pick('quiesce', [0, 1, 50, 250, 1_500]),
        maxAppendBytes: appendBytes,
        maxInflightAppends: pick('inflight', [1, 2, 4, 16]),
        maxInflightBytes: inflightBytes,
        maxUncommittedBytes: pick('uncommitted', [400, 10_000, 10_000, 1_000_000]),
        maxPromotionLag: pick('promotion lag', [0, 5, 100]),
        snapshotEveryEntries: pick('snapshot', [3, 3, 7, 20, 10_000]),
        snapshotPercentOfRecords: pick('snapshot share', [0, 0, 0, 30]),
        keepEntries: pick('keep', [0, 0, 0, 3, 20]),
        maxKeepEntries: pick('keep for followers', [0, 0, 5, 1_000]),
        maxKeepBytes: pick('keep bytes', [0, 300, 1_000_000]),
        ...valuesOf(seed, apart),
        persistentRevisionRetentionCount: DEFAULT_NODE_OPTIONS.persistentRevisionRetentionCount,
        persistentRevisionRetentionAgeMs: DEFAULT_NODE_OPTIONS.persistentRevisionRetentionAgeMs,
        persistentRevisionCleanupMs: DEFAULT_NODE_OPTIONS.persistentRevisionCleanupMs,
        snapshotChunkBytes: chunkBytes,
        maxInflightChunks: pick('inflight chunks', [1, 2, 4]),
        maxSnapshotsSending: pick('snapshots sending', [1, 1, 2]),
        maxSnapshotsReceiving: pick('snapshots receiving', [1, 1, 2]),
        maxSnapshotsWriting: pick('snapshots writing', [1, 2]),
        requestTimeoutMs: pick('request timeout', [400, 1_500, 5_000]),
        forwardTimeoutMs: pick('forward timeout', [80, 250, 700]),
        retryWindow: 10_000,
        maxOpenReads: pick('open reads', [20, 1_000]),
        expirySweepMs: pick('expiry sweep', [0, 100, 1_000]),
        sequenceBlockSize: pick('sequence block', [1, 5, 50]),
        maxWaitingReservations: pick('waiting reservations', [1, 1_000]),
        maxConcurrentSessions: pick('concurrent sessions', [0, 0, 0, 8]),
        maxConcurrentScripts: pick('concurrent scripts', [0, 0, 0, 4]),
        reservedSlots: DEFAULT_NODE_OPTIONS.reservedSlots,
        priorityAgingMs: DEFAULT_NODE_OPTIONS.priorityAgingMs,
        maxQueuedAdmissions: DEFAULT_NODE_OPTIONS.maxQueuedAdmissions,
        meta: spares > 0,
        placementIntervalMs: pick('placement', [0, 100, 700]),
        placementSettleMs: pick('placement settles', [0, 300, 3_000]),
        placementTransfers: pick('placement transfers', [1, 8]),
        maxBlockedOperations: pick('blocked operations', [1, 4_096, 4_096]),
        // Where a log takes one entry after the other, each when the one before it is durable, no commit ends in less (seed 4170).
        intentGraceMs: Math.max(pick('intent grace', [200, 1_000, 5_000]), inflightBytes === 1 ? 5_000 : 0),
        maxUnsettledTransactions: pick('most prepared', [1, 16_384, 16_384, 16_384]),
      },
    },
    ...conditions,
    disk: readFailChance === 0 ? conditions.disk : { ...conditions.disk, readFailChance },
    calm: { ...conditions.calm, limitMs: conditions.calm.limitMs * patience },
    workload: {
      clients,
      operationsPerClient: Math.ceil(pick('operations', [520, 560, 640]) / clients),
      thinkMs: pick('think', [20, 120, 300]),
      clientTimeoutMs: pick('client timeout', [150, 600, 2_000]),
      giveUpChance: pick('give up', [0, 20_000]),
      skip: [],
    },
    ...drawFaults(shore, conditions.calm.atMs),
    minimumMs: MINUTE_MS,
    budgets: { maxEvents: 2_000_000, maxCheckSteps: 4_000_000 },
  });
}
