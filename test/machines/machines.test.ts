import { describe, expect, it } from 'vitest';
import { runSystem, type Report, type System } from '../../sim/index.js';
import { gossip } from './gossip.js';
import { paxos } from './paxos.js';
import { twoPhaseCommit } from './two-phase-commit.js';

type AnySystem = System<never, never, never, never, never, never>;

const SEEDS = 60;

/** What the seeds from 1 on make of a system: the first failure, and everything that was reached. */
function sweep(system: AnySystem): {
  readonly failed: Report | undefined;
  readonly reached: ReadonlySet<string>;
} {
  const reached = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const report = runSystem(system, system.storm(seed));
    if (report.verdict !== 'valid') return { failed: report, reached };
    for (const feature of Object.keys(report.reached)) reached.add(feature);
  }
  return { failed: undefined, reached };
}

const SOUND = [
  ['single-decree Paxos', paxos()],
  ['two-phase commit', twoPhaseCommit()],
  ['gossip membership', gossip()],
] as const;

describe('a machine of another kind', () => {
  it.each(SOUND)('keeps its promises under storms: %s', (_name, system) => {
    const { failed, reached } = sweep(system as unknown as AnySystem);

    expect(failed).toBeUndefined();
    expect(system.sometimes.filter((goal) => !reached.has(goal))).toEqual([]);
  });

  it('is caught when a proposer of Paxos proposes its own value whatever was accepted', () => {
    const { failed } = sweep(paxos((_, own) => own) as unknown as AnySystem);

    expect(failed?.failure?.property).toBe('one decision');
  });

  it('is caught when a vote of two-phase commit leaves before it is on the disk', () => {
    const { failed } = sweep(twoPhaseCommit(true) as unknown as AnySystem);

    expect(failed?.failure?.property).toBe('nobody commits what another aborts');
  });

  it('is caught when a gossiping node forgets that it lived before', () => {
    const { failed } = sweep(gossip(true) as unknown as AnySystem);

    expect(failed?.failure?.property).toBe('nobody is believed to be ahead of itself');
  });
});
