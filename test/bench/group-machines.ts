/**
 * Three node machines in this process, with a network and disks that do at once what they are told: for the heap that a
 * sleeping group takes, and for what a put costs, without a socket or a disk.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  createNode,
  DEFAULT_NODE_OPTIONS,
  monotonicMs,
  nodeId,
  radixForEach,
  revision,
  SetFlag,
  wallMs,
  type NodeEffect,
  type NodeEvent,
  type NodeMachine,
  type NodeState,
} from '../../core/index.js';
import { median } from './table.js';

const IDS = [1, 2, 3];
const PUTS = 3_000;
const REPETITIONS = 5;

interface Machines {
  /** Time passes, and everything that is due happens. */
  pass(ms: number): void;
  /** A client puts a value under a key, at any node, and is answered. */
  put(number: number): void;
  awake(): number;
  /** A node is gone for good. */
  kill(node: number): void;
  /** Groups that no running node leads. */
  unled(): number;
}

/** Heap of one sleeping group on one node, in bytes, and processor time of one put through all three nodes, in microseconds. */
export function measureMachines(groups: number): { readonly heapBytes: number; readonly putUs: number } {
  const empty = heapUsed();
  const machines = startMachines(groups);
  for (let rounds = 0; machines.awake() > 0; rounds += 1) {
    if (rounds > 1_000) throw new Error(`${machines.awake()} of ${groups} groups never went to sleep`);
    machines.pass(20);
  }
  const heapBytes = (heapUsed() - empty) / (groups * IDS.length);
  let puts = 0;
  const runs = Array.from({ length: REPETITIONS + 1 }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < PUTS; i += 1) machines.put((puts += 1));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / PUTS;
  }).slice(1);
  return { heapBytes, putUs: median(runs) };
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

export function startMachines(groups: number): Machines {
  const machines = IDS.map((node): NodeMachine =>
    createNode({
      ...DEFAULT_NODE_OPTIONS,
      node: nodeId(node),
      voters: IDS.map(nodeId),
      partitions: groups,
      snapshotEveryEntries: Number.MAX_SAFE_INTEGER,
    }),
  );
  let now = 1_000;
  let turns = 0;
  let answered = 0;
  const waiting: NodeEvent[][] = IDS.map(() => []);
  const timers = IDS.map(() => Number.POSITIVE_INFINITY);
  const clocks = () => ({ monotonic: monotonicMs(now), wall: wallMs(now) });
  const entropy = () => Math.imul((turns += 1), 0x9e3779b1) >>> 0;

  const dead = new Set<number>();
  const perform = (from: number, effects: readonly NodeEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'Send') {
        if (dead.has(effect.to)) continue;
        for (const message of effect.messages) {
          waiting[effect.to - 1]?.push({ type: 'MessageReceived', from: nodeId(from), message });
        }
      } else if (effect.type === 'Persist') {
        waiting[from - 1]?.push({ type: 'WriteCompleted', write: effect.write });
      } else if (effect.type === 'SetTimer') timers[from - 1] = effect.at;
      else if (effect.type === 'Reply') answered += 1;
    }
  };
  const states = machines.map((machine, i) => {
    const boot = { now: clocks(), entropy: entropy(), incarnation: `bench-${i}`, stored: [] };
    const { state, effects } = machine.start(boot);
    perform(i + 1, effects);
    return state;
  });
  const turn = (i: number, events: readonly NodeEvent[]): void => {
    const machine = machines[i] as NodeMachine;
    const step = machine.step(states[i] as NodeState, { now: clocks(), entropy: entropy(), events });
    states[i] = step.state;
    perform(i + 1, step.effects);
  };
  const settle = (): void => {
    while (waiting.some((events) => events.length > 0)) {
      for (let i = 0; i < IDS.length; i += 1) {
        const events = waiting[i] as NodeEvent[];
        if (events.length === 0) continue;
        waiting[i] = [];
        turn(i, events);
      }
    }
  };

  return {
    pass(ms) {
      now += ms;
      for (let i = 0; i < IDS.length; i += 1) {
        if ((timers[i] as number) > now) continue;
        timers[i] = Number.POSITIVE_INFINITY;
        turn(i, [{ type: 'TimerFired' }]);
      }
      settle();
    },
    put(number) {
      const before = answered;
      const operation = {
        type: 'Set',
        key: `bench/${number % 5_000}`,
        value: new Uint8Array(256),
        flags: SetFlag.set,
        compareValue: null,
        compareRevision: revision(0),
      } as const;
      turn(number % IDS.length, [{ type: 'RequestReceived', token: number, request: { operation } }]);
      settle();
      if (answered === before) throw new Error(`put ${number} was not answered`);
    },
    kill(node) {
      dead.add(node);
      waiting[node - 1] = [];
      timers[node - 1] = Number.POSITIVE_INFINITY;
    },
    unled() {
      const led = new Set<number>();
      states.forEach((state, i) => {
        if (dead.has(i + 1)) return;
        radixForEach(state.groups, ({ raft }, group) => {
          if (raft.role === 'leader') led.add(group);
        });
      });
      return groups - led.size;
    },
    awake() {
      let count = 0;
      for (const state of states) {
        radixForEach(state.groups, ({ raft }) => {
          if (!raft.rest.asleep) count += 1;
        });
      }
      return count;
    },
  };
}
