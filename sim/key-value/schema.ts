/** What scenarios of our own system may say, beyond what every scenario may. */

import {
  checkNodeOptions,
  NODE_TUNING,
  nodeId,
  TUNABLE_NAMES,
  type Tunable,
  type TunableName,
} from '../../core/index.js';
import { count, milliseconds } from '../faults/fault-shapes.js';
import type { SystemRules } from '../faults/schema.js';
import type { Shape } from '../faults/shape.js';
import {
  ALL_TRANSACTION_KINDS,
  ALL_SERVICE_KINDS,
  type KeyValueScenario,
  type KeyValueSettings,
  type NodeSettings,
} from './settings.js';
import { nodeOptionsOf } from './system.js';

const tuning = Object.fromEntries(TUNABLE_NAMES.map((name) => [name, shapeOf(name)])) as Record<
  TunableName,
  Shape
>;

const node: Readonly<Record<keyof NodeSettings, Shape>> = {
  ...tuning,
  meta: { type: 'truth', about: 'Whether the cluster keeps its roster, in a group 0.' },
};

function shapeOf(name: TunableName): Shape {
  const { about, least, most }: Tunable = NODE_TUNING[name];
  return name.endsWith('Ms') ? milliseconds(about, least) : count(about, least, most);
}

const fields: Readonly<Record<keyof KeyValueSettings, Shape>> = {
  partitions: count('Data partitions, each a Raft group of its own; numbered from 1.', 1, 1_000),
  node: { type: 'record', about: 'What every node is told.', fields: node },
  keys: count('How many keys the clients share.', 1, 100_000),
  readPercent: count('Of every hundred operations, so many are reads.', 0, 100),
  specialReadPercent: count('Of every hundred reads, so many are by lease, at a follower or stale.', 0, 100),
  services: count(
    'Of every hundred operations, so many are on locks, sequences and keys with a time to live.',
    0,
    100,
  ),
  serviceKind: {
    type: 'choice',
    about: 'All of those are on these; a mix when absent.',
    of: ALL_SERVICE_KINDS,
  },
  transactions: {
    type: 'record',
    about: 'Clients run whole transactions.',
    fields: {
      percent: count('Of every hundred things that a client does, so many are transactions.', 0, 100),
      kind: {
        type: 'choice',
        about: 'All of them are of this kind; a mix when absent.',
        of: ALL_TRANSACTION_KINDS,
      },
      keys: count('How many lists and registers there are.', 1, 1_000),
      insists: { type: 'truth', about: 'What is aborted is tried again until it commits.' },
      orderly: {
        type: 'truth',
        about:
          'No fault excuses it: a deadlock that lasts, or whom others overtake on the way to a lock, is a failure.',
      },
    },
    optional: ['kind', 'orderly'],
  },
};

export const keyValueRules: SystemRules = {
  settings: {
    type: 'record',
    about: 'What the nodes and clients of the key/value store are told.',
    fields,
    optional: ['services', 'serviceKind', 'transactions'],
  },
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
