import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../sim/faults/fault.js';
import { describeProblem, parseScenario, scenarioJsonSchema } from '../../../sim/faults/schema.js';
import { membershipStorm, stormScenario } from '../../../sim/key-value/storm.js';

/** A sound scenario with little in it, as JSON that may be spoilt. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function sound(): any {
  const storm = stormScenario(1);
  const settings = { ...storm.settings, node: { ...storm.settings.node, meta: false, leaseMs: 0 } };
  return JSON.parse(
    JSON.stringify({
      ...storm,
      nodes: 3,
      spares: undefined,
      settings: { ...settings, partitions: 1 },
      faults: [],
      expect: 'service',
    }),
  );
}

/** The scenario with one fault; `calm` comes at 42000 ms or later. */
function struckBy(fault: unknown): unknown {
  return { ...sound(), faults: [fault] };
}

const WINDOW = { atMs: 100, untilMs: 200 };
const AT_ONE = { ...WINDOW, target: { node: 1 } };

function problemsOf(json: unknown): readonly string[] {
  const parsed = parseScenario(json);
  return parsed.ok ? [] : parsed.problems.map(describeProblem);
}

describe('a scenario passes', () => {
  it('when a storm drew it, and is the same after a round trip through JSON', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const storm = stormScenario(seed);

        const parsed = parseScenario(JSON.parse(JSON.stringify(storm)));

        expect(parsed).toEqual({ ok: true, scenario: storm });
      }),
      { numRuns: 150 },
    );
  });

  it('of another system, by the rules that are given for it', () => {
    const rules = {
      settings: { type: 'record', about: 'Nothing.', fields: {} },
      groups: () => 0,
      versions: 1,
      check: () => [],
    } as const;

    const parsed = parseScenario({ ...sound(), system: 'counter', settings: {} }, { counter: rules });

    expect(parsed.ok).toBe(true);
  });

  it('with decisions about links between nodes and to clients', () => {
    const list = [
      { from: 1, to: 2, kind: 'Append', nth: 1, arriveUs: [5, 9] },
      { from: 0, to: 3, kind: 'Ask', nth: 1, arriveUs: [] },
    ];
    const scenario = sound();
    scenario.network.decisions = { delayUs: 500, list };

    expect(problemsOf(scenario)).toEqual([]);
  });
});

describe('a field is refused, by its path', () => {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  it.each<[string, (scenario: any) => void, string]>([
    ['that nobody knows', (s) => (s.network.lossChanse = 1), 'Did you mean "lossChance"?'],
    ['at the top that nobody knows', (s) => (s.sed = 1), 'sed is a field that nobody knows'],
    ['that is missing', (s) => delete s.calm.atMs, 'calm.atMs is missing'],
    [
      'that is no whole number',
      (s) => (s.nodes = 2.5),
      'nodes is 2.5, but must be a whole number from 1 to 64',
    ],
    ['that is out of range', (s) => (s.network.lossChance = 1_000_001), 'network.lossChance is 1000001'],
    ['that is below its range', (s) => (s.seed = -1), 'seed is -1, but must be a whole number of 0 or more'],
    ['that is a text for a number', (s) => (s.seed = '7'), 'seed is "7"'],
    [
      'that is a number for a truth',
      (s) => (s.network.inOrder = 1),
      'network.inOrder is 1, but must be true or',
    ],
    ['that is none of the choices', (s) => (s.calm.heal = 'some'), 'must be one of "all", "quorum"'],
    ['that is no list', (s) => (s.faults = {}), 'faults is an object, but must be a list'],
    ['that is a list for an object', (s) => (s.disk = []), 'disk is a list of 0, but must be an object'],
    ['of a system that nobody knows', (s) => (s.system = 'key-vaule'), 'Did you mean "key-value"?'],
    ['of the settings', (s) => (s.settings.node.keepEntrys = 1), 'Did you mean "keepEntries"?'],
    ['that is a badly formed skip', (s) => (s.workload.skip = ['2-17']), 'workload.skip[0] is "2-17"'],
    [
      'for the delays the wrong way round',
      (s) => (s.network.minDelayUs = 9e6),
      'minDelayUs (9000000) or more',
    ],
    ['for the syncs the wrong way round', (s) => (s.disk.minSyncUs = 9e6), 'disk.maxSyncUs is'],
    [
      'for an election timeout that is too near the heartbeat',
      (s) => (s.settings.node.electionTimeoutMs = s.settings.node.heartbeatIntervalMs),
      'settings.node is unsound',
    ],
    [
      'of a decision about a node that is not there',
      (s) => (s.network.decisions = decide({ from: 1, to: 4 })),
      'network.decisions.list[0].to is 4, but must be a node up to 3',
    ],
    [
      'of a decision about a link to itself',
      (s) => (s.network.decisions = decide({ from: 2, to: 2 })),
      'network.decisions.list[0].to is 2, but must be another node',
    ],
  ])('%s', (_name, spoil, expected) => {
    const scenario = sound();
    spoil(scenario);

    const problems = problemsOf(scenario);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });
});

function decide(link: { readonly from: number; readonly to: number }): unknown {
  return { delayUs: 1, list: [{ ...link, kind: 'Append', nth: 1, arriveUs: [] }] };
}

describe('a fault is refused', () => {
  it.each<[string, unknown, string]>([
    ['of a kind that nobody knows', { ...AT_ONE, type: 'Isolated' }, 'Did you mean "Isolate"?'],
    ['without a kind', AT_ONE, 'faults[0].type is missing'],
    [
      'with a field of another',
      { ...AT_ONE, type: 'Mute', side: [1] },
      'faults[0].side is a field that nobody',
    ],
    [
      'with two targets',
      { ...WINDOW, type: 'Mute', target: { node: 1, leaderOf: 1 } },
      'either node or leaderOf',
    ],
    ['that ends before it begins', { ...AT_ONE, type: 'Mute', untilMs: 100 }, 'later than atMs (100)'],
    ['that outlasts the calm', { ...AT_ONE, type: 'Mute', untilMs: 60_000 }, 'faults[0].untilMs is 60000'],
    ['that begins in the calm', { type: 'BitRot', atMs: 60_000, node: 1 }, 'faults[0].atMs is 60000'],
    ['of a target that is not there', { ...WINDOW, type: 'Mute', target: { node: 4 } }, 'a node from 1 to 3'],
    [
      'of a group that is not there',
      { ...WINDOW, type: 'Mute', target: { leaderOf: 2 } },
      'a group from 1 to 1',
    ],
    ['of a node that is not there', { type: 'LoseDisk', atMs: 1, node: 9 }, 'faults[0].node is 9'],
    ['with everybody on one side', { ...WINDOW, type: 'Split', side: [1, 2, 3] }, 'fewer than all 3 nodes'],
    ['with nobody on a side', { ...WINDOW, type: 'Split', side: [] }, 'faults[0].side is a list of 0'],
    ['with a node twice on a side', { ...WINDOW, type: 'Split', side: [1, 1] }, 'a list without repeats'],
    [
      'with a bridge that is not there',
      { ...WINDOW, type: 'Bridge', side: [1], bridge: 4 },
      'faults[0].bridge is 4',
    ],
    ['of a pair of three', { ...WINDOW, type: 'Partial', pairs: [[1, 2, 3]] }, 'must be a list of 2'],
    [
      'of a pair with itself',
      { ...WINDOW, type: 'Partial', pairs: [[1, 1]] },
      'faults[0].pairs[0] is [1, 1]',
    ],
    [
      'of a link to itself',
      { ...WINDOW, type: 'SlowLink', from: 1, to: 1, delayMs: 1 },
      'another node than `from`',
    ],
    [
      'of a version that is not there',
      { type: 'Upgrade', atMs: 1, downMs: 1, node: 1, version: 2 },
      'a version from 0 to 1',
    ],
  ])('%s', (_name, fault, expected) => {
    const problems = problemsOf(struckBy(fault));

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('with another, when together they destroy more than a minority and service is expected', () => {
    const faults: Fault[] = [
      { type: 'LoseDisk', atMs: 1, node: 1 },
      { type: 'BitRot', atMs: 2, node: 2 },
    ];

    const service = problemsOf({ ...sound(), faults });
    const refusal = problemsOf({ ...sound(), faults, expect: 'refusal' });

    expect(service.join()).toContain('The schedule asks the impossible');
    expect(refusal).toEqual([]);
  });
});

describe('a change of the members is refused', () => {
  /** Three founders and two spares, 4 and 5. */
  const changing = (...faults: readonly unknown[]): readonly string[] => {
    const scenario = sound();
    scenario.settings.node.meta = true;
    return problemsOf({ ...scenario, spares: 2, faults });
  };

  it('nowhere, when it names who is there and spares that nobody used', () => {
    const faults = [
      { type: 'Join', atMs: 1, node: 4, role: 'learner' },
      { type: 'Promote', atMs: 2, node: 4 },
      { type: 'Replace', atMs: 3, node: 1, spare: 5 },
      { type: 'Leave', atMs: 4, node: 2, stopAfterMs: 10 },
      { type: 'Transfer', atMs: 5, group: 0, node: 3 },
      { type: 'HandOver', atMs: 6, node: 3, downMs: 10 },
      { type: 'Crash', ...WINDOW, target: { node: 5 } },
    ];

    expect(changing(...faults)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['of who is there already', { type: 'Join', atMs: 1, node: 3, role: 'voter' }, 'a spare from 4 to 5'],
    [
      'of a machine that is not there',
      { type: 'Join', atMs: 1, node: 6, role: 'voter' },
      'a node from 1 to 5',
    ],
    [
      'into a role that is none',
      { type: 'Join', atMs: 1, node: 4, role: 'king' },
      'one of "voter", "learner"',
    ],
    ['by a spare that is none', { type: 'Replace', atMs: 1, node: 1, spare: 2 }, 'a spare from 4 to 5'],
    ['by a spare that is not there', { type: 'Replace', atMs: 1, node: 1, spare: 9 }, 'faults[0].spare is 9'],
    [
      'that does nothing',
      { type: 'Reshape', atMs: 1, join: [], leave: [], stopAfterMs: 0 },
      'must be something to do',
    ],
    [
      'that lets go who is not there',
      { type: 'Reshape', atMs: 1, join: [4], leave: [7], stopAfterMs: 0 },
      'faults[0].leave is 7',
    ],
    ['of a group that is not there', { type: 'Transfer', atMs: 1, group: 2, node: 1 }, 'a group from 0 to 1'],
  ])('%s', (_name, fault, expected) => {
    const problems = changing(fault);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('when a spare is to come twice: no number is used again', () => {
    const problems = changing(
      { type: 'Join', atMs: 1, node: 4, role: 'voter' },
      { type: 'Replace', atMs: 2, node: 1, spare: 4 },
    );

    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain('a spare that joins once');
  });

  it('where the members are fixed; leaders may be moved there, but not that of the roster', () => {
    const spares = problemsOf({ ...sound(), spares: 1 });
    const join = problemsOf(struckBy({ type: 'Leave', atMs: 1, node: 1, stopAfterMs: 0 }));
    const transfer = problemsOf(struckBy({ type: 'Transfer', atMs: 1, group: 1, node: 2 }));
    const meta = problemsOf(struckBy({ type: 'Transfer', atMs: 1, group: 0, node: 2 }));

    expect(spares[0]).toContain('spares is 1, but must be 0 here');
    expect(join[0]).toContain('no change of members here');
    expect(transfer).toEqual([]);
    expect(meta[0]).toContain('a group from 1 to 1');
  });
});

describe('what is no scenario at all', () => {
  it.each([[null], [7], ['{}'], [[]], [{}]])('%j is refused', (json) => {
    expect(problemsOf(json)).not.toEqual([]);
  });
});

describe('the schema as a document', () => {
  it('is JSON, names its draft, and has every field of a storm with its meaning', () => {
    const document = JSON.parse(JSON.stringify(scenarioJsonSchema()));

    expect(document.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(Object.keys(document.properties).sort()).toEqual(Object.keys(membershipStorm(1)).sort());
    expect(document.required).not.toContain('spares');
    expect(document.properties.system).toMatchObject({ enum: ['key-value'] });
    expect(document.properties.faults.items.oneOf).toHaveLength(35);
    expect(document.properties.network.required).not.toContain('decisions');
    expect(document.properties.network.additionalProperties).toBe(false);
  });
});
