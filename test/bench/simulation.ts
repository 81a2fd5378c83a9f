/**
 * Simulated events a second on one core, with every check on: whole storms of three nodes with their clients; and how much faster
 * than real time a cluster runs, in a storm and idle.
 */

import { run, stormScenario, type KeyValueScenario } from '../../sim/index.js';
import { median, type Section } from './table.js';

const WARM_UP = 8;
const STORMS = 40;
const REPETITIONS = 3;
const IDLE_MS = 600_000;

export function benchSimulation(): Section {
  const storms = threeNodeStorms(WARM_UP + STORMS);
  time(storms.slice(0, WARM_UP));
  const measured = Array.from({ length: REPETITIONS }, () => time(storms.slice(WARM_UP)));
  const { events, operations, virtualMs } = measured[0] as Sweep;
  const seconds = median(measured.map((sweep) => sweep.seconds));
  const cpuSeconds = median(measured.map((sweep) => sweep.cpuSeconds));
  const idle = [1, 8].map((partitions) => ({ partitions, ...time([idleScenario(partitions)]) }));
  return {
    title: 'Simulation: storms of three nodes, all checks on, one core',
    columns: ['', 'figure', 'aim'],
    rows: [
      ['events a second', Math.round(events / seconds), '500000'],
      ['events a second of processor time', Math.round(events / cpuSeconds), ''],
      ['client operations a second', Math.round(operations / seconds), ''],
      ['virtual to real time, storm', `${Math.round(virtualMs / 1_000 / seconds)} : 1`, '100 : 1'],
      ...idle.map((sweep) => [
        `virtual to real time, idle, ${sweep.partitions} ${sweep.partitions === 1 ? 'partition' : 'partitions'}`,
        `${Math.round(sweep.virtualMs / 1_000 / sweep.seconds)} : 1`,
        '1000 : 1',
      ]),
      ['storms a second', (STORMS / seconds).toFixed(1), ''],
      ['memory of the process, MiB', Math.round(process.memoryUsage.rss() / (1 << 20)), ''],
    ],
    notes: [`${STORMS} storms, ${events} events; median of ${REPETITIONS} runs.`],
  };
}

function threeNodeStorms(count: number): readonly KeyValueScenario[] {
  const storms: KeyValueScenario[] = [];
  for (let seed = 1; storms.length < count; seed += 1) {
    const storm = stormScenario(seed);
    if (storm.nodes === 3 && storm.expect === 'service') storms.push(storm);
  }
  return storms;
}

/** Three nodes with the options of production, and nobody who asks for anything. */
function idleScenario(partitions: number): KeyValueScenario {
  const storm = stormScenario(1);
  return {
    ...storm,
    nodes: 3,
    settings: {
      ...storm.settings,
      partitions,
      node: { ...storm.settings.node, heartbeatIntervalMs: 100, electionTimeoutMs: 600 },
    },
    network: { ...storm.network, lossChance: 0, duplicateChance: 0, corruptChance: 0, slowChance: 0 },
    host: { ...storm.host, turnUs: 0 },
    bends: { ...storm.bends, onChance: 0 },
    workload: { ...storm.workload, clients: 0 },
    faults: [],
    calm: { ...storm.calm, heal: 'all', atMs: IDLE_MS },
    minimumMs: IDLE_MS,
  };
}

interface Sweep {
  readonly events: number;
  readonly operations: number;
  readonly virtualMs: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

function time(scenarios: readonly KeyValueScenario[]): Sweep {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  let events = 0;
  let operations = 0;
  let virtualMs = 0;
  for (const scenario of scenarios) {
    const report = run(scenario);
    if (report.verdict !== 'valid')
      throw new Error(`seed ${scenario.seed} of the bench is ${report.verdict}`);
    events += report.events;
    operations += report.operations;
    virtualMs += report.virtualMs;
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { events, operations, virtualMs, seconds, cpuSeconds: (user + system) / 1e6 };
}
