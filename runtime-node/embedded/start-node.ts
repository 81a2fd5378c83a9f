/** Starting the machine in this process, with a storage and without a socket, and the port by which it is asked. */

import {
  checkNodeOptions,
  createNode,
  decodeStored,
  DEFAULT_NODE_OPTIONS,
  describeNode,
  encodeStored,
  NO_NODE,
  nodeId,
  type ClientAnswer,
  type NodeOptions,
  type NodeState,
  type NodeStatus,
  type NodeTuning,
  type Stored,
  type StoredRecord,
  type TransactionAnswer,
} from '../../core/index.js';
import type { CommonOptions } from '../client/client.js';
import type { ClientPort } from '../client/port.js';
import { startHost, StartRefused, type StoragePort } from '../host/index.js';
import { SILENT_LOG, type Log } from '../observe/log.js';
import { metricsPage } from '../observe/metrics.js';
import { createRequestMetrics } from '../observe/request-metrics.js';
import type { NodeHost } from '../server-face.js';
import { openStorage } from '../storage/index.js';
import { createInProcessPort } from './in-process-port.js';
import { createMemoryStorage } from './memory-storage.js';

export interface EmbeddedOptions extends CommonOptions {
  /** Where LevelDB keeps all that is not ephemeral; nothing outlives the process when absent. */
  readonly folder?: string;
  /** Data partitions; fixed for a folder's life. Default 4. */
  readonly partitions?: number;
  /** The name of the cluster in the folder. Default `embedded`. */
  readonly cluster?: string;
  /** Beside the defaults; see `wavetank settings`. */
  readonly tuning?: Partial<NodeTuning>;
  /** Default: silence. */
  readonly log?: Log;
  /** Called when the node can go on no longer, such as when its disk fails. Every operation fails from then on. */
  readonly onFatal?: (reason: string) => void;
}

/** A machine that runs, and takes requests. */
export interface RunningNode {
  readonly port: ClientPort;
  status(): NodeStatus;
  /** For Prometheus, in its text format. */
  metrics(): string;
}

/** There is nobody else to hear from: what is long between machines would only be a wait at the start. */
const ALONE = { electionTimeoutMs: 20, heartbeatIntervalMs: 10, leaseMs: 20 } as const;
const NODE = 1;
const DEFAULT_PARTITIONS = 4;
const DEFAULT_CLUSTER = 'embedded';

/** @throws StartRefused when the folder or the settings cannot be used, with what to do. */
export async function startNode(options: EmbeddedOptions): Promise<RunningNode> {
  const { log = SILENT_LOG, onFatal = () => undefined } = options;
  const nodeOptions = nodeOptionsOf(options);
  const opened = await openStore(options, nodeOptions);
  const requests = createRequestMetrics();
  const led = promiseOfLeaders();
  let host: NodeHost;
  let fatal: string | undefined;
  try {
    host = startHost({
      machine: createNode(nodeOptions),
      stored: opened.stored,
      storage: opened.storage,
      transport: { start: () => undefined, send: () => undefined },
      log,
      onFatal: (reason) => {
        fatal = reason;
        led.fail(reason);
        onFatal(reason);
      },
      watch: (state) => {
        if (!led.isSettled() && isLed(nodeOptions, state)) led.come();
      },
    });
    await led.promise;
  } catch (error) {
    await opened.close();
    throw error;
  }
  const port = createInProcessPort({
    partitions: nodeOptions.partitions,
    // The machine answers each kind of request with its own kind of answer.
    request: (call) => requests.measure(call, host.request(call) as Promise<ClientAnswer>),
    transact: (call) =>
      requests.measureTransaction(call, host.request({ transaction: call }) as Promise<TransactionAnswer>),
    fatal: () => fatal,
    async stop() {
      host.stop();
      await opened.close();
    },
  });
  return {
    port,
    status: () => describeNode(nodeOptions, host.state()),
    metrics: () => {
      const node = { state: host.state(), waiting: host.waiting() };
      return metricsPage({ requests, node, isReady: !port.isClosed() && fatal === undefined });
    },
  };
}

function nodeOptionsOf({ partitions = DEFAULT_PARTITIONS, tuning }: EmbeddedOptions): NodeOptions {
  const nodeOptions: NodeOptions = {
    ...DEFAULT_NODE_OPTIONS,
    ...ALONE,
    ...tuning,
    node: nodeId(NODE),
    voters: [nodeId(NODE)],
    addresses: [''],
    partitions,
  };
  const problems = checkNodeOptions(nodeOptions);
  if (problems.length === 0) return nodeOptions;
  throw new StartRefused(`the node's settings are not sound: ${problems.join('; ')}`);
}

interface Store {
  readonly storage: StoragePort<Stored>;
  readonly stored: readonly StoredRecord<Stored>[];
  close(): Promise<void>;
}

async function openStore(
  { folder, cluster = DEFAULT_CLUSTER }: EmbeddedOptions,
  { voters, partitions }: NodeOptions,
): Promise<Store> {
  if (folder === undefined) {
    return { storage: createMemoryStorage(), stored: [], close: () => Promise.resolve() };
  }
  const identity = { cluster, node: NODE, partitions, voters };
  const codec = { encode: encodeStored, decode: decodeStored };
  const storage = await openStorage<Stored>({ folder, identity, codec });
  try {
    return { storage, stored: await storage.load(), close: () => storage.close() };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function isLed(options: NodeOptions, state: NodeState): boolean {
  return describeNode(options, state).groups.every(({ leader }) => leader !== NO_NODE);
}

interface LeadersAwaited {
  readonly promise: Promise<void>;
  isSettled(): boolean;
  come(): void;
  fail(reason: string): void;
}

function promiseOfLeaders(): LeadersAwaited {
  let settled = false;
  let come: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    come = resolve;
    fail = reject;
  });
  return {
    promise,
    isSettled: () => settled,
    come: () => {
      settled = true;
      come();
    },
    fail: (reason) => {
      // What comes after the start is told to whoever asks; it must not look like a promise that nobody minded.
      if (!settled) fail(new StartRefused(reason));
      settled = true;
    },
  };
}
