import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkIsolation,
  explainAnomalies,
  type AnomalyName,
  type IsolationLevel,
} from '../../../../sim/check/isolation/index.js';
import { forbidden } from './histories.js';
import { runStore, type Discipline, type Plan } from './stores.js';

const plans: fc.Arbitrary<Plan> = fc.record({
  model: fc.constantFrom('list-append' as const, 'rw-register' as const),
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  transactions: fc.integer({ min: 1, max: 60 }),
  clients: fc.integer({ min: 1, max: 6 }),
  keys: fc.integer({ min: 1, max: 4 }),
  abortedPercent: fc.constantFrom(0, 20),
  unknownPercent: fc.constantFrom(0, 20),
  scans: fc.boolean(),
});

/** A run that nothing contradicts; it may also be too small to prove anything. */
function isNeverInvalid(discipline: Discipline, levels: readonly IsolationLevel[], numRuns: number): void {
  fc.assert(
    fc.property(plans, (plan) => {
      const history = runStore(discipline, plan);
      for (const level of levels) {
        const result = checkIsolation(history, { model: plan.model, level });

        expect(result.verdict === 'invalid' ? explainAnomalies(result) : '').toBe('');
      }
    }),
    { numRuns },
  );
}

/** How many of a hundred larger runs have an anomaly of each name at a level. */
function countNames(
  discipline: Discipline,
  model: Plan['model'],
  level: IsolationLevel,
): ReadonlyMap<AnomalyName, number> {
  const counts = new Map<AnomalyName, number>();
  for (let seed = 0; seed < 100; seed++) {
    const history = runStore(discipline, {
      model,
      seed,
      transactions: 80,
      clients: 5,
      keys: 2,
      abortedPercent: 5,
      unknownPercent: 5,
      scans: seed % 2 === 0,
    });
    const names = forbidden(checkIsolation(history, { model, level }));
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

describe('a store that runs one transaction after another', () => {
  it('is never contradicted, at any level', () => {
    isNeverInvalid(
      'serial',
      ['read-uncommitted', 'snapshot-isolation', 'repeatable-read', 'serializable', 'strict-serializable'],
      400,
    );
  });

  it('is found valid, not merely unknown, when it has something to do', () => {
    for (const model of ['list-append', 'rw-register'] as const) {
      const history = runStore('serial', {
        model,
        seed: 1,
        transactions: 300,
        clients: 5,
        keys: 5,
        abortedPercent: 10,
        unknownPercent: 10,
        scans: true,
      });

      const { verdict, statistics } = checkIsolation(history, { model, level: 'strict-serializable' });

      expect(verdict).toBe('valid');
      expect(statistics.resolved).toBeGreaterThan(5);
      expect(Math.min(...Object.values(statistics.edges))).toBeGreaterThan(0);
    }
  });
});

describe('a store with snapshots, in which the first committer wins', () => {
  it('is never contradicted at snapshot isolation', () => {
    isNeverInvalid('snapshot', ['read-uncommitted', 'read-committed', 'snapshot-isolation'], 500);
  });

  it.each(['list-append', 'rw-register'] as const)('is caught in write skew: %s', (model) => {
    const counts = countNames('snapshot', model, 'serializable');

    expect(counts.get('G2-item')).toBeGreaterThan(10);
    expect(counts.get('G2')).toBeGreaterThan(1);
    expect([...counts.keys()].filter((name) => !name.startsWith('G2'))).toEqual([]);
  });
});

describe('a store that reads what is committed', () => {
  it('is never contradicted at read committed', () => {
    isNeverInvalid('committed', ['read-uncommitted', 'read-committed'], 500);
  });

  it.each(['list-append', 'rw-register'] as const)('is caught in lost updates and read skew: %s', (model) => {
    const counts = countNames('committed', model, 'snapshot-isolation');

    expect(counts.get('lost-update')).toBeGreaterThan(10);
    expect(counts.get('G-single')).toBeGreaterThan(10);
  });
});
