/** Plainer settings of our own system, for shrinking: fewer groups and keys, and nodes that do fewer things at once. */

import {
  TRANSACTION_KINDS,
  type KeyValueScenario,
  type KeyValueSettings,
  type NodeSettings,
  type TransactionSettings,
} from './settings.js';

/** Scenarios with one setting plainer, the most promising first. */
export function smallerKeyValue(scenario: KeyValueScenario): readonly KeyValueScenario[] {
  const { settings } = scenario;
  const { partitions, keys, readPercent, specialReadPercent, services = 0, node } = settings;
  const change = (changed: Partial<KeyValueSettings>): KeyValueScenario => ({
    ...scenario,
    settings: { ...settings, ...changed },
  });
  const told = (changed: Partial<NodeSettings>): KeyValueScenario =>
    change({ node: { ...node, ...changed } });
  return [
    ...(partitions > 1 ? [onePartition(scenario)] : []),
    ...(keys > 1 ? [change({ keys: 1 })] : []),
    ...(readPercent > 0 && readPercent < 100 ? [change({ readPercent: 0 })] : []),
    ...(services > 0 ? [change({ services: 0 })] : []),
    ...plainerTransactions(settings).map(change),
    ...(specialReadPercent > 0 ? [change({ specialReadPercent: 0 })] : []),
    // No snapshots, no leases, one append at a time, no bound that is ever reached.
    ...(node.snapshotEveryEntries < 10_000 ? [told({ snapshotEveryEntries: 10_000 })] : []),
    ...(node.snapshotPercentOfRecords > 0 ? [told({ snapshotPercentOfRecords: 0 })] : []),
    ...(node.leaseMs > 0 ? [told({ leaseMs: 0 })] : []),
    ...(node.maxInflightAppends > 1 ? [told({ maxInflightAppends: 1 })] : []),
    ...(node.maxAppendBytes < 65_536 ? [told({ maxAppendBytes: 65_536 })] : []),
    ...(node.maxInflightBytes < 1_000_000 ? [told({ maxInflightBytes: 1_000_000 })] : []),
    ...(node.snapshotChunkBytes < 65_536 ? [told({ snapshotChunkBytes: 65_536 })] : []),
    ...(node.maxInflightChunks > 1 ? [told({ maxInflightChunks: 1 })] : []),
    ...(node.maxUncommittedBytes < 1_000_000 ? [told({ maxUncommittedBytes: 1_000_000 })] : []),
  ];
}

/** None at all, of one kind alone, fewer keys. */
function plainerTransactions({
  transactions,
}: KeyValueSettings): readonly Pick<KeyValueSettings, 'transactions'>[] {
  if (transactions === undefined) return [];
  const { percent, keys, kind, insists } = transactions;
  const told = (changed: Partial<TransactionSettings>): Pick<KeyValueSettings, 'transactions'> => ({
    transactions: { ...transactions, ...changed },
  });
  return [
    ...(percent > 0 ? [told({ percent: 0 })] : []),
    ...(kind === undefined ? TRANSACTION_KINDS.map((only) => told({ kind: only })) : []),
    ...(keys > 1 ? [told({ keys: 1 })] : []),
    ...(insists ? [told({ insists: false })] : []),
  ];
}

/** One group, which every fault that struck a leader now strikes the leader of. */
function onePartition(scenario: KeyValueScenario): KeyValueScenario {
  const faults = scenario.faults.map((fault) =>
    'target' in fault && 'leaderOf' in fault.target ? { ...fault, target: { leaderOf: 1 } } : fault,
  );
  return { ...scenario, settings: { ...scenario.settings, partitions: 1 }, faults };
}
