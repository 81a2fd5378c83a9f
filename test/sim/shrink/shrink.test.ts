import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../sim/faults/fault.js';
import { parseScenario } from '../../../sim/faults/schema.js';
import { keyValueSystem } from '../../../sim/key-value/system.js';
import { scenarioOf } from '../../../sim/faults/profiles.js';
import { stormScenario } from '../../../sim/key-value/storm.js';
import type { KeyValueScenario } from '../../../sim/key-value/settings.js';
import { namesOf } from '../../../sim/shrink/cluster.js';
import { describeShrunk, fatesOf, shrink, type Fails, type Found } from '../../../sim/shrink/index.js';
import { runSystem } from '../../../sim/system/run.js';

type Settings = KeyValueScenario['settings'];

const BROKEN: Found = { property: 'a property', detail: 'It is broken.', atUs: 30_000_000 };

/** Fails where `isBad` says so. */
function failsWhere(isBad: (candidate: KeyValueScenario) => boolean): Fails<Settings> {
  return (candidate) => (isBad(candidate as KeyValueScenario) ? BROKEN : undefined);
}

const has = ({ faults }: KeyValueScenario, type: Fault['type']): boolean =>
  faults.some((fault) => fault.type === type);

/** A seed whose storm has both kinds of fault before its 30th second. */
const STORM: KeyValueScenario = {
  ...stormScenario(4),
  faults: [
    ...stormScenario(4).faults.filter(({ atMs }) => atMs < 20_000),
    { type: 'Pause' as const, atMs: 20_100, untilMs: 20_900, target: { leaderOf: 1 } },
    { type: 'Split' as const, atMs: 20_500, untilMs: 21_000, side: [1, 2] },
  ],
};

describe('shrinking keeps', () => {
  it('the two faults that a failure needs, and drops everything else', () => {
    const fails = failsWhere((candidate) => has(candidate, 'Pause') && has(candidate, 'Split'));

    const shrunk = shrink(STORM, fails);

    expect(shrunk?.scenario.faults.map(({ type }) => type).sort()).toEqual(['Pause', 'Split']);
    expect(shrunk?.size).toMatchObject({ faults: 2, operations: 0, clients: 0 });
    expect(shrunk?.scenario.network).toMatchObject({ lossChance: 0, slowChance: 0, bytesPerSecond: 0 });
  });

  it('the single operation that a failure needs', () => {
    const fails = failsWhere(({ workload }) => {
      const asked = namesOf(workload).filter((name) => !workload.skip.includes(name));
      return asked.includes('2:3');
    });

    const shrunk = shrink(STORM, fails);

    const { workload } = shrunk?.scenario ?? STORM;
    expect(workload).toMatchObject({ clients: 2, operationsPerClient: 3 });
    expect(workload.skip).toEqual(['1:1', '1:2', '1:3', '2:1', '2:2']);
    expect(shrunk?.size).toMatchObject({ faults: 0, operations: 1 });
  });

  it('a fault only as long and as strong as it must be, and strikes a node by its number', () => {
    const lag: Fault = { type: 'Lag', atMs: 5_000, untilMs: 9_000, target: { leaderOf: 1 }, delayMs: 800 };
    const fails = failsWhere(({ faults }) =>
      faults.some((fault) => fault.type === 'Lag' && fault.untilMs - fault.atMs > 99 && fault.delayMs > 9),
    );

    const shrunk = shrink({ ...STORM, faults: [lag] }, fails);

    const [left] = shrunk?.scenario.faults ?? [];
    expect(left).toMatchObject({ type: 'Lag', target: { node: 1 } });
    expect(left?.type === 'Lag' ? left.untilMs - left.atMs : 0).toBeLessThan(120);
    expect(left?.type === 'Lag' ? left.delayMs : 0).toBeLessThan(13);
    expect(left?.atMs).toBe(0);
  });

  it('the property: a candidate that breaks another one is refused', () => {
    const other: Found = { ...BROKEN, property: 'another property' };
    const fails: Fails<Settings> = ({ faults }) =>
      faults.some(({ type }) => type === 'Split') ? BROKEN : other;

    const shrunk = shrink(STORM, fails);

    expect(shrunk?.failure.property).toBe('a property');
    expect(shrunk?.scenario.faults.map(({ type }) => type)).toEqual(['Split']);
  });

  it('a scenario that can be run, at every step', () => {
    const seen: KeyValueScenario[] = [];
    const fails = failsWhere((candidate) => {
      seen.push(candidate);
      return has(candidate, 'Pause');
    });

    shrink(STORM, fails, { maxRuns: 150 });

    const refused = seen.flatMap((scenario) => {
      const parsed = parseScenario(scenario);
      return parsed.ok ? [] : parsed.problems;
    });
    expect(refused).toEqual([]);
  });
});

describe('shrinking', () => {
  it('gives nothing for a scenario that does not fail', () => {
    expect(shrink(STORM, () => undefined)).toBeUndefined();
  });

  it('stops when its runs are used up, and says so', () => {
    const shrunk = shrink(
      STORM,
      failsWhere((candidate) => has(candidate, 'Pause')),
      { maxRuns: 5 },
    );

    expect(shrunk).toMatchObject({ runs: 5, unfinished: true });
  });

  it('does the same every time', () => {
    const fails = failsWhere((candidate) => has(candidate, 'Pause') && candidate.workload.clients > 1);

    expect(shrink(STORM, fails)).toEqual(shrink(STORM, fails));
  });

  it('tells of every run what it tries and how big the smallest is', () => {
    const told: number[] = [];
    const fails = failsWhere((candidate) => has(candidate, 'Pause'));

    const shrunk = shrink(STORM, fails, { onProgress: ({ size }) => told.push(size.faults) });

    expect(told.at(-1)).toBe(shrunk?.size.faults);
    expect(Math.max(...told)).toBeLessThanOrEqual(STORM.faults.length);
  });

  it('tells the story of what is left', () => {
    const shrunk = shrink(
      STORM,
      failsWhere((candidate) => has(candidate, 'Split')),
    );

    const story = shrunk === undefined ? '' : describeShrunk(shrunk);

    expect(story).toMatch(/to {9}1 fault, 0 operations of 0 clients/);
    expect(story).toMatch(/0 ms {2}Split, for 1 ms, side \[[12]\]/);
    expect(story).toContain('broken     a property');
  });

  it('takes nodes away, and moves the names of those above', () => {
    const split: Fault = { type: 'Split', atMs: 10, untilMs: 20, side: [2, 4] };
    const five = { ...scenarioOf('five-nodes', 1), faults: [split] };
    const fails = failsWhere(
      ({ nodes, faults }) =>
        nodes >= 3 && faults.some((fault) => fault.type === 'Split' && fault.side.length === 2),
    );

    const shrunk = shrink(five, fails);

    expect(shrunk?.scenario.nodes).toBe(3);
    expect(shrunk?.scenario.faults[0]).toMatchObject({ type: 'Split', side: [2, 3] });
  });
});

describe('the fates of a run', () => {
  const short: KeyValueScenario = {
    ...stormScenario(2),
    faults: [{ type: 'Isolate', atMs: 900, untilMs: 1_500, target: { leaderOf: 1 } }],
    network: { ...stormScenario(2).network, lossChance: 20_000, duplicateChance: 20_000, bytesPerSecond: 0 },
    workload: { ...stormScenario(2).workload, clients: 3, operationsPerClient: 5 },
    calm: { atMs: 3_000, heal: 'all', limitMs: 20_000 },
    minimumMs: 3_000,
  };

  it('are decisions that make the same run again, bit for bit, whatever the chances then say', () => {
    const list = fatesOf(keyValueSystem(), short);
    const decided = { ...short.network, lossChance: 900_000, decisions: { delayUs: 0, list } };

    const drawn = runSystem(keyValueSystem(), short);
    const again = runSystem(keyValueSystem(), { ...short, network: decided });

    expect(list.some(({ arriveUs }) => arriveUs.length === 0)).toBe(true);
    expect(list.some(({ arriveUs }) => arriveUs.length === 2)).toBe(true);
    expect(again.hash).toBe(drawn.hash);
    expect(again.operations).toBe(drawn.operations);
  });

  it('replace chance where a failure hangs on a message, and only those stay that it hangs on', () => {
    const second = { from: 1, to: 2, kind: 'Append', nth: 2, arriveUs: [] };
    const fates = [1, 2, 3, 4, 5].map((nth) => ({ ...second, nth, arriveUs: nth === 2 ? [] : [nth] }));
    const fails = failsWhere(({ network }) =>
      network.decisions === undefined
        ? network.lossChance > 0
        : network.decisions.list.some(({ nth, arriveUs }) => nth === 2 && arriveUs.length === 0),
    );

    const shrunk = shrink(short, fails, { fates: () => fates });

    expect(shrunk?.scenario.network.decisions?.list).toEqual([second]);
    expect(shrunk?.scenario.network.lossChance).toBe(0);
  });
});
