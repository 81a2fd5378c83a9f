/**
 * The longest step of a node while it takes a snapshot of many keys: nothing else happens on the node meanwhile, so it
 * must stay far below the heartbeat interval. Beside it, the time for making all chunks in one piece, which is what a
 * step would take if the snapshot were written at once.
 */

import {
  createNode,
  DEFAULT_NODE_OPTIONS,
  encodeStored,
  monotonicMs,
  nodeId,
  radixGet,
  revision,
  wallMs,
  type GroupState,
  type NodeEffect,
  type NodeEvent,
  type NodeState,
} from '../../core/index.js';
import { encodeChunk, FIRST_CHUNK } from '../../core/wire/snapshot-chunk.js';
import type { Section } from './table.js';

const KEYS = 100_000;
const VALUE_BYTES = 256;

export function benchSnapshot(): Section {
  const options = {
    ...DEFAULT_NODE_OPTIONS,
    node: nodeId(1),
    voters: [nodeId(1)],
    partitions: 1,
    snapshotEveryEntries: KEYS,
    snapshotPercentOfRecords: 0,
  };
  const machine = createNode(options);
  let now = 0;
  let longestMs = 0;
  let measured = false;
  let state: NodeState;
  let effects: readonly NodeEffect[];
  const clocks = () => ({ monotonic: monotonicMs(now), wall: wallMs(now) });
  const turn = (...events: NodeEvent[]): void => {
    const startedAt = cpuMs();
    ({ state, effects } = machine.step(state, { now: clocks(), entropy: 1, events }));
    // The host encodes what a step writes before it does anything else.
    for (const effect of effects) {
      if (effect.type !== 'Persist') continue;
      for (const change of effect.changes) if (change.type === 'Put') encodeStored(change.value);
    }
    if (measured) longestMs = Math.max(longestMs, cpuMs() - startedAt);
  };
  const settle = (): void => {
    while (state.durableWrite < state.lastWrite) turn({ type: 'WriteCompleted', write: state.lastWrite });
  };
  ({ state, effects } = machine.start({ now: clocks(), entropy: 1, incarnation: 'bench', stored: [] }));
  now = 10_000;
  turn({ type: 'TimerFired' });
  settle();
  const batch = 500;
  for (let done = 0; done < KEYS - batch; done += batch) {
    turn(...Array.from({ length: batch }, (_, i) => request(done + i)));
    settle();
  }
  turn(...Array.from({ length: batch }, (_, i) => request(KEYS - batch + i)));
  // This one applies what was proposed, and makes the first chunk.
  turn({ type: 'WriteCompleted', write: state.lastWrite });
  measured = true;
  let chunks = 1;
  for (; state.writing.length > 0; chunks += 1) turn({ type: 'WriteCompleted', write: state.lastWrite });

  const { partition } = radixGet(state.groups, 1) as GroupState;
  const startedAt = cpuMs();
  encodeChunk(partition, FIRST_CHUNK, Number.MAX_SAFE_INTEGER);
  const wholeMs = cpuMs() - startedAt;
  return {
    title: `A snapshot of ${KEYS} keys of ${VALUE_BYTES} bytes, in milliseconds`,
    columns: ['', 'ms'],
    rows: [
      ['all of it in one step', wholeMs.toFixed(1)],
      [
        `the longest step, in chunks of ${options.snapshotChunkBytes >> 10} KiB (${chunks} of them)`,
        longestMs.toFixed(1),
      ],
    ],
    notes: ['Processor time, with the encoding for the disk.'],
  };
}

/** Of this process alone: the longest of many steps would else tell of whatever else the machine does. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function request(i: number): NodeEvent {
  return {
    type: 'RequestReceived',
    token: i + 1,
    request: {
      operation: {
        type: 'Set',
        key: `bench/${i}`,
        value: new Uint8Array(VALUE_BYTES),
        flags: 1,
        compareValue: null,
        compareRevision: revision(0),
      },
    },
  };
}
