/** Whole scenarios of our own system for fast-check, built from parts that each may be given. */

import fc, { type Arbitrary } from 'fast-check';
import { scenarioOf } from '../faults/profiles.js';
import type { Fault } from '../faults/fault.js';
import type { Decisions, NetworkSettings, WorkloadSettings } from '../faults/scenario.js';
import type { KeyValueScenario } from '../key-value/settings.js';
import { faultSchedule, type Cluster } from './faults.js';

/**
 * A network that delays, loses, repeats and damages.
 *
 * @example fc.assert(fc.property(networkConditions(), ({ minDelayUs, maxDelayUs }) => minDelayUs <= maxDelayUs))
 */
export function networkConditions(): Arbitrary<NetworkSettings> {
  const chance = fc.integer({ min: 0, max: 100_000 });
  return fc
    .record({
      minDelayUs: fc.integer({ min: 0, max: 1_000 }),
      spreadUs: fc.integer({ min: 0, max: 20_000 }),
      slowChance: chance,
      slowMaxDelayUs: fc.integer({ min: 0, max: 1_000_000 }),
      lossChance: chance,
      duplicateChance: chance,
      corruptChance: chance,
      inOrder: fc.boolean(),
    })
    .map(({ spreadUs, ...rest }) => ({
      ...rest,
      maxDelayUs: rest.minDelayUs + spreadUs,
      checksums: true,
      bytesPerSecond: 0,
    }));
}

/**
 * A few clients with a few operations each.
 *
 * @example fc.assert(fc.property(workload({ maxClients: 3 }), ({ clients }) => clients <= 3))
 */
export function workload({
  maxClients = 6,
  maxOperations = 30,
}: { readonly maxClients?: number; readonly maxOperations?: number } = {}): Arbitrary<WorkloadSettings> {
  return fc.record({
    clients: fc.integer({ min: 0, max: maxClients }),
    operationsPerClient: fc.integer({ min: 0, max: maxOperations }),
    thinkMs: fc.integer({ min: 0, max: 300 }),
    clientTimeoutMs: fc.integer({ min: 100, max: 2_000 }),
    giveUpChance: fc.constantFrom(0, 20_000),
    skip: fc.constant([]),
  });
}

/**
 * Fates of single messages of these kinds, between the nodes of a cluster.
 *
 * @example fc.assert(fc.property(decisions({ nodes: 3, kinds: ['Append'] }), ({ list }) => list.every(({ to }) => to <= 3)))
 */
export function decisions({
  nodes,
  kinds,
  maxLength = 20,
}: {
  readonly nodes: number;
  readonly kinds: readonly string[];
  readonly maxLength?: number;
}): Arbitrary<Decisions> {
  const decision = fc
    .record({
      from: fc.integer({ min: 1, max: nodes }),
      step: fc.integer({ min: 1, max: nodes - 1 }),
      kind: fc.constantFrom(...kinds),
      nth: fc.integer({ min: 1, max: 30 }),
      arriveUs: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 2 }),
    })
    .map(({ step, ...rest }) => ({ ...rest, to: 1 + ((rest.from - 1 + step) % nodes) }));
  return fc.record({
    delayUs: fc.integer({ min: 0, max: 20_000 }),
    list: fc.uniqueArray(decision, {
      maxLength,
      selector: ({ from, to, kind, nth }) => `${from}>${to} ${kind} ${nth}`,
    }),
  });
}

/** What is fixed beforehand; everything else is drawn. */
export interface Constraints {
  readonly nodes?: number;
  readonly partitions?: number;
  readonly calmMs?: number;
  readonly network?: Arbitrary<NetworkSettings>;
  readonly workload?: Arbitrary<WorkloadSettings>;
  readonly faults?: (cluster: Cluster) => Arbitrary<readonly Fault[]>;
}

/**
 * A scenario of a few seconds, drawn part by part.
 *
 * @example fc.assert(fc.property(scenario({ nodes: 3, calmMs: 2_000 }), (drawn) => run(drawn).verdict === 'valid'))
 */
export function scenario(constraints: Constraints = {}): Arbitrary<KeyValueScenario> {
  const { calmMs = 5_000 } = constraints;
  const sizes = fc.record({
    seed: fc.nat(),
    nodes: constraints.nodes === undefined ? fc.constantFrom(3, 4, 5) : fc.constant(constraints.nodes),
    partitions:
      constraints.partitions === undefined ? fc.constantFrom(1, 2) : fc.constant(constraints.partitions),
  });
  return sizes.chain(({ seed, nodes, partitions }) => {
    const base = scenarioOf('calm', seed);
    const cluster = { nodes, groups: partitions, versions: 2, calmMs };
    return fc
      .record({
        network: constraints.network ?? networkConditions(),
        workload: constraints.workload ?? workload(),
        faults: (constraints.faults ?? faultSchedule)(cluster),
      })
      .map((drawn) => ({
        ...base,
        ...drawn,
        nodes,
        settings: { ...base.settings, partitions },
        calm: { ...base.calm, atMs: calmMs },
        minimumMs: calmMs,
      }));
  });
}
