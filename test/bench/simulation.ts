/** Simulated events a second on one core: whole storms of three nodes and five clients, with every check on. */

import { run, stormScenario, type KeyValueScenario } from '../../sim/index.js';
import { median, type Section } from './table.js';

const WARM_UP_SEEDS = 10;
const SEEDS = 40;
const REPETITIONS = 3;

export function benchSimulation(): Section {
  sweep(0, WARM_UP_SEEDS);
  const measured = Array.from({ length: REPETITIONS }, () => sweep(WARM_UP_SEEDS, WARM_UP_SEEDS + SEEDS));
  const { events, operations, virtualMs } = measured[0] as Sweep;
  const seconds = median(measured.map((sweepOf) => sweepOf.seconds));
  return {
    title: 'Simulation: storms of three nodes and five clients, all checks on, one core',
    columns: ['', 'figure'],
    rows: [
      ['simulated events a second', Math.round(events / seconds)],
      ['client operations a second', Math.round(operations / seconds)],
      ['virtual time to real time', `${Math.round(virtualMs / 1_000 / seconds)} : 1`],
      ['seeds a second', (SEEDS / seconds).toFixed(1)],
    ],
    notes: [`${SEEDS} seeds, ${events} events; median of ${REPETITIONS} runs.`],
  };
}

interface Sweep {
  readonly events: number;
  readonly operations: number;
  readonly virtualMs: number;
  readonly seconds: number;
}

function sweep(from: number, to: number): Sweep {
  const startedAt = performance.now();
  let events = 0;
  let operations = 0;
  let virtualMs = 0;
  for (let seed = from; seed < to; seed += 1) {
    const report = run(scenarioOf(seed));
    if (report.verdict !== 'valid') throw new Error(`seed ${seed} of the bench is ${report.verdict}`);
    events += report.events;
    operations += report.operations;
    virtualMs += report.virtualMs;
  }
  return { events, operations, virtualMs, seconds: (performance.now() - startedAt) / 1_000 };
}

function scenarioOf(seed: number): KeyValueScenario {
  const storm = stormScenario(seed);
  const struck = storm.faults.filter(
    (fault) => !('target' in fault && 'node' in fault.target && fault.target.node > 3),
  );
  const faults = struck.map((fault) =>
    fault.type === 'Split' ? { ...fault, side: [1 + (fault.atMs % 3)] } : fault,
  );
  return {
    ...storm,
    nodes: 3,
    faults,
    workload: { ...storm.workload, clients: 5, operationsPerClient: 110 },
  };
}
