/** Conditions made neutral: all that a storm draws besides its faults, as far as the failure can do without. */

import type { Scenario } from '../faults/scenario.js';
import { fewer, type Pass } from './steps.js';

type Change = <S>(scenario: Scenario<S>) => Scenario<S>;

const link =
  (change: (network: Scenario['network']) => Partial<Scenario['network']>): Change =>
  (scenario) => ({ ...scenario, network: { ...scenario.network, ...change(scenario.network) } });
const disk =
  (change: (disk: Scenario['disk']) => Partial<Scenario['disk']>): Change =>
  (scenario) => ({ ...scenario, disk: { ...scenario.disk, ...change(scenario.disk) } });

/** What makes a run rough, each with what it is without. */
const NEUTRAL: readonly Change[] = [
  link(() => ({ lossChance: 0 })),
  link(() => ({ duplicateChance: 0 })),
  link(() => ({ corruptChance: 0 })),
  link(() => ({ slowChance: 0, slowMaxDelayUs: 0 })),
  link(() => ({ bytesPerSecond: 0 })),
  link(() => ({ inOrder: true })),
  link(() => ({ checksums: true })),
  link(({ minDelayUs }) => ({ maxDelayUs: minDelayUs })),
  disk(() => ({ slowChance: 0, slowMaxSyncUs: 0 })),
  disk(() => ({ failChance: 0 })),
  disk(({ readFailChance }) => (readFailChance === undefined ? {} : { readFailChance: 0 })),
  disk(({ minSyncUs }) => ({ maxSyncUs: minSyncUs })),
  disk(() => ({ checksums: true })),
  disk(() => ({ atomicWrites: true })),
  (scenario) => ({ ...scenario, clocks: { ...scenario.clocks, maxDriftPpm: 0 } }),
  (scenario) => ({ ...scenario, clocks: { ...scenario.clocks, maxWallOffsetMs: 0 } }),
  (scenario) => ({ ...scenario, host: { ...scenario.host, turnUs: 0 } }),
  (scenario) => ({ ...scenario, bends: { ...scenario.bends, onChance: 0, fireChance: 0, off: [] } }),
  (scenario) => ({ ...scenario, workload: { ...scenario.workload, giveUpChance: 0 } }),
  (scenario) => ({ ...scenario, calm: { ...scenario.calm, heal: 'all' } }),
];

/** Whatever is rough and need not be. */
export function neutralConditions<S>(): Pass<S> {
  return {
    name: 'plainer conditions',
    *steps(hand) {
      const before = hand.best;
      const same = JSON.stringify(before);
      const rough = NEUTRAL.filter((change) => JSON.stringify(change(before)) !== same);
      const without = (kept: readonly Change[]): Scenario<S> =>
        rough
          .filter((change) => !kept.includes(change))
          .reduce((scenario, change) => change(scenario), before);
      yield* fewer(hand, rough, without, 'plainer conditions');
    },
  };
}
