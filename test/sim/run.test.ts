import { describe, expect, it } from 'vitest';
import {
  hashValue,
  PropertyBroken,
  run,
  stormScenario,
  type KeyValueScenario,
  type NodeObserver,
} from '../../sim/index.js';

const STORM = stormScenario(4);

/** Ten seconds of a storm. */
const SHORT: KeyValueScenario = {
  ...STORM,
  calm: { ...STORM.calm, atMs: 8_000 },
  minimumMs: 10_000,
  workload: { ...STORM.workload, operationsPerClient: 20 },
};

describe('a report', () => {
  it('counts what happened', () => {
    const report = run(SHORT);

    expect(report).toMatchObject({ verdict: 'valid', seed: 4, failure: undefined });
    expect(report.operations).toBe(SHORT.workload.clients * 20);
    expect(report.answered).toBeGreaterThan(0);
    expect(report.answered).toBeLessThanOrEqual(report.operations);
    expect(report.events).toBeGreaterThan(report.operations);
    expect(report.virtualMs).toBeGreaterThanOrEqual(10_000);
    expect(report.hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is unknown, and not valid, when a checker runs out of its budget', () => {
    const report = run({ ...SHORT, budgets: { ...SHORT.budgets, maxCheckSteps: 1 } });

    expect(report.verdict).toBe('unknown');
    expect(report.failure).toBeUndefined();
  });

  it('says which property broke and when, and the run ends there', () => {
    const report = run(SHORT, {
      observer: (nowUs) => ({
        ...blind,
        stepped() {
          if (nowUs() > 3_000_000) throw new PropertyBroken('a test', 'three seconds have passed');
        },
      }),
    });

    expect(report.verdict).toBe('invalid');
    expect(report.failure).toMatchObject({ property: 'a test', detail: 'three seconds have passed' });
    expect(report.failure?.atUs).toBeGreaterThan(3_000_000);
    expect(report.virtualMs).toBe(Math.floor((report.failure?.atUs ?? 0) / 1_000));
  });

  it('is none when an observer fails by itself', () => {
    const observer = (): NodeObserver => ({
      ...blind,
      stepped() {
        throw new TypeError('a mistake');
      },
    });

    expect(() => run(SHORT, { observer })).toThrow('a mistake');
  });
});

const blind: NodeObserver = {
  started() {
    // Sees nothing.
  },
  stepped() {
    // Sees nothing.
  },
  synced() {
    // Sees nothing.
  },
  crashed() {
    // Sees nothing.
  },
};

describe('an observer', () => {
  it('changes nothing of the run', () => {
    const watched = run(SHORT, { observer: () => blind });

    expect(watched).toEqual(run(SHORT));
  });

  it('sees every event that is counted', () => {
    let events = 0;

    const report = run(SHORT, {
      observer: () => ({
        ...blind,
        stepped: (_node, _before, turn) => {
          events += turn.events.length;
        },
      }),
    });

    expect(events).toBe(report.events);
  });

  it('sees each state follow from the one before', () => {
    const states = new Map<number, number>();
    let steps = 0;

    run(SHORT, {
      observer: () => ({
        ...blind,
        started: (node, _boot, step) => states.set(node, hashValue(step.state)),
        stepped: (node, before, _turn, step) => {
          expect(hashValue(before)).toBe(states.get(node));
          states.set(node, hashValue(step.state));
          steps += 1;
        },
      }),
    });

    expect(steps).toBeGreaterThan(1_000);
  });
});

describe('a scenario', () => {
  it('of one node and one client runs too', () => {
    const alone: KeyValueScenario = {
      ...SHORT,
      nodes: 1,
      faults: [],
      workload: { ...SHORT.workload, clients: 1 },
    };

    const report = run(alone);

    expect(report.failure).toBeUndefined();
    expect(report.answered).toBe(20);
  });

  it('runs the same from JSON', () => {
    const parsed = JSON.parse(JSON.stringify(SHORT)) as KeyValueScenario;

    expect(run(parsed)).toEqual(run(SHORT));
  });

  it('is not changed by being run', () => {
    const before = JSON.stringify(SHORT);

    run(SHORT);

    expect(JSON.stringify(SHORT)).toBe(before);
  });
});
