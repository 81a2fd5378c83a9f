/** A node on LevelDB without a network, for the bench of restarts. */

import {
  createNode,
  decodeStored,
  DEFAULT_NODE_OPTIONS,
  encodeStored,
  nodeId,
  type ClientAnswer,
  type ClientCall,
  type NodeState,
} from '../../core/index.js';
import { startHost } from '../../runtime-node/host/index.js';
import { SILENT_LOG } from '../../runtime-node/observe/log.js';
import { openStorage } from '../../runtime-node/storage/index.js';

const PARTITIONS = 4;

export interface BenchNode {
  readonly loadMs: number;
  readonly startMs: number;
  state(): NodeState;
  request(call: ClientCall): Promise<ClientAnswer>;
  close(): Promise<void>;
}

export async function openNodeOn(folder: string, maxValueBytesInMemory: number): Promise<BenchNode> {
  const voters = [nodeId(1)];
  const openedAt = performance.now();
  const storage = await openStorage({
    folder,
    identity: { cluster: 'bench', node: 1, partitions: PARTITIONS, voters },
    codec: { encode: encodeStored, decode: decodeStored },
  });
  const stored = await storage.load();
  const loadedAt = performance.now();
  const host = startHost({
    machine: createNode({
      ...DEFAULT_NODE_OPTIONS,
      electionTimeoutMs: 20,
      heartbeatIntervalMs: 10,
      leaseMs: 20,
      maxUncommittedBytes: 1 << 30,
      node: nodeId(1),
      voters,
      addresses: [''],
      partitions: PARTITIONS,
      maxValueBytesInMemory,
    }),
    stored,
    storage,
    transport: { start: () => undefined, send: () => undefined },
    log: SILENT_LOG,
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  const startedAt = performance.now();
  return {
    loadMs: loadedAt - openedAt,
    startMs: startedAt - loadedAt,
    state: () => host.state(),
    // What is asked for is an operation, and the answer that of one.
    request: (call) => host.request(call) as Promise<ClientAnswer>,
    async close() {
      host.stop();
      await storage.close();
    },
  };
}
