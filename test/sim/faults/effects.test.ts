import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../sim/faults/scenario.js';
import type { KeyValueScenario } from '../../../sim/key-value/settings.js';
import { stormScenario } from '../../../sim/key-value/storm.js';
import { run } from '../../../sim/key-value/system.js';
import { noEffects, watchEffects, type Effects } from '../support/effects.js';

/** A storm of this seed without any fault, of whatever kind. */
function quiet(seed: number): KeyValueScenario {
  const storm = stormScenario(seed);
  return {
    ...storm,
    network: {
      ...storm.network,
      slowChance: 0,
      lossChance: 0,
      duplicateChance: 0,
      corruptChance: 0,
      bytesPerSecond: 0,
      inOrder: true,
    },
    disk: { ...storm.disk, slowChance: 0, failChance: 0 },
    clocks: { maxDriftPpm: 0, maxWallOffsetMs: 0 },
    bends: { onChance: 0, fireChance: 0, off: [] },
    faults: [],
    calm: { ...storm.calm, heal: 'all' },
    expect: 'service',
  };
}

/** The faults of one kind of the first seed that draws it. */
function faultsOf(kind: Fault['type']): readonly Fault[] {
  for (let seed = 1; seed < 100; seed += 1) {
    const { nodes, settings, faults } = stormScenario(seed);
    const ofKind = faults.filter(({ type }) => type === kind);
    if (nodes === 3 && settings.partitions === 1 && ofKind.length > 3) return ofKind;
  }
  throw new Error(`no seed draws ${kind}`);
}

const SEED = Array.from({ length: 100 }, (_, i) => i + 1).find((seed) => {
  const { nodes, settings } = stormScenario(seed);
  return nodes === 3 && settings.partitions === 1;
}) as number;

function effectsOf(scenario: KeyValueScenario): Effects {
  const effects = noEffects();
  const report = run(scenario, { observer: watchEffects(effects) });
  expect(report.failure).toBeUndefined();
  return effects;
}

describe('a run without faults', () => {
  it('shows none', () => {
    const effects = effectsOf(quiet(SEED));

    expect(effects).toMatchObject({ repeated: 0, overtaken: 0, crashes: 0, restarts: 0, lostWrites: 0 });
    // What is on its way when the run ends does not arrive.
    expect(effects.lost).toBeLessThan(30);
    expect(effects.drift).toBeLessThan(0.01);
    expect(effects.longestDelayMs).toBeLessThan(50);
    expect(effects.longestSilenceMs).toBeLessThan(quiet(SEED).settings.node.electionTimeoutMs * 2);
  });
});

describe('in a run', () => {
  it.each<[Fault['type'], keyof Effects, number]>([
    ['Isolate', 'lost', 20],
    ['Deafen', 'lost', 20],
    ['Mute', 'lost', 20],
    ['Split', 'lost', 20],
    ['Lag', 'longestDelayMs', 50],
    ['Crash', 'crashes', 3],
    ['CrashAtWrite', 'crashes', 3],
    ['CrashAtWrite', 'lostWrites', 1],
    ['Blackout', 'crashes', 6],
    ['Blackout', 'restarts', 6],
  ])('%s is seen in %s', (kind, effect, least) => {
    const effects = effectsOf({ ...quiet(SEED), faults: faultsOf(kind) });

    expect(effects[effect]).toBeGreaterThanOrEqual(least);
  });

  it('Pause is seen as a silence, and a heap of work after it', () => {
    const pauses = faultsOf('Pause').map((fault) => ({ ...fault, untilMs: fault.atMs + 2_000 }) as Fault);

    const effects = effectsOf({ ...quiet(SEED), faults: pauses });

    expect(effects.longestSilenceMs).toBeGreaterThanOrEqual(2_000);
    expect(effects.largestTurn).toBeGreaterThan(10);
    expect(effects.crashes).toBe(0);
  });

  it('Squall is seen as loss, repetition and lateness', () => {
    const squalls = faultsOf('Squall').map((fault) => ({
      ...fault,
      lossChance: 200_000,
      duplicateChance: 200_000,
      maxDelayUs: 200_000,
    })) as readonly Fault[];
    const scenario = quiet(SEED);

    const effects = effectsOf({
      ...scenario,
      network: { ...scenario.network, inOrder: false },
      faults: squalls,
    });

    expect(effects.lost).toBeGreaterThan(50);
    expect(effects.repeated).toBeGreaterThan(50);
    expect(effects.overtaken).toBeGreaterThan(50);
  });

  it.each<[string, Partial<KeyValueScenario['network']>, keyof Effects]>([
    ['loss', { lossChance: 20_000 }, 'lost'],
    ['duplication', { duplicateChance: 50_000 }, 'repeated'],
    ['lateness', { slowChance: 20_000, inOrder: false }, 'overtaken'],
  ])('the %s of the scenario is seen', (_name, network, effect) => {
    const scenario = quiet(SEED);

    const effects = effectsOf({ ...scenario, network: { ...scenario.network, ...network } });

    expect(effects[effect]).toBeGreaterThan(50);
  });

  it('the drift of clocks is seen', () => {
    const effects = effectsOf({ ...quiet(SEED), clocks: { maxDriftPpm: 100_000, maxWallOffsetMs: 0 } });

    expect(effects.drift).toBeGreaterThan(0.01);
  });
});

describe('storms', () => {
  it('let every kind of fault strike, and every effect be felt', () => {
    const felt = new Set<string>();

    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 35, 49, 81]) {
      for (const name of Object.keys(run(stormScenario(seed)).felt)) felt.add(name);
    }

    expect([...KINDS.map((kind) => `${kind} struck`), ...FELT].filter((name) => !felt.has(name))).toEqual([]);
  });
});

/** Every kind of fault there is: the compiler refuses a list in which one is missing. */
const KINDS = Object.keys({
  Isolate: 0,
  Deafen: 0,
  Mute: 0,
  Split: 0,
  Partial: 0,
  Bridge: 0,
  Flap: 0,
  Squall: 0,
  Lag: 0,
  SlowLink: 0,
  Throttle: 0,
  SlowDisk: 0,
  StuckDisk: 0,
  FullDisk: 0,
  FailSync: 0,
  TornWrite: 0,
  BitRot: 0,
  LoseDisk: 0,
  ClockJump: 0,
  ClockFreeze: 0,
  ClockDrift: 0,
  Crash: 0,
  CrashAtWrite: 0,
  CrashLoop: 0,
  Blackout: 0,
  Pause: 0,
  SlowNode: 0,
  Upgrade: 0,
  Join: 0,
  Promote: 0,
  Leave: 0,
  Replace: 0,
  Reshape: 0,
  Transfer: 0,
  HandOver: 0,
} satisfies Record<Fault['type'], 0>);

const FELT = [
  ...['Isolate', 'Deafen', 'Mute', 'Split', 'Partial', 'Bridge', 'Flap', 'Lag', 'bandwidth'],
  ...['message lost', 'message repeated', 'message damaged', 'message slow', 'message overtaken'],
  ...['SlowDisk', 'StuckDisk', 'FullDisk', 'FailSync', 'TornWrite', 'BitRot', 'LoseDisk'],
  ...['sync slow', 'sync failed', 'unsynced write lost', 'write torn', 'start refused'],
  ...['ClockJump', 'ClockFreeze', 'ClockDrift'],
  ...['Crash', 'CrashAtWrite', 'CrashLoop', 'Pause', 'SlowNode'],
  ...['spare started', 'machine stopped for good', 'Change done', 'Transfer done', 'HandOver done'],
  ...['down', 'isolated', 'deaf', 'mute', 'paused', 'as it is'].map((way) => `calm without one: ${way}`),
];

describe('a handful of storms', () => {
  it('shows every effect there is', () => {
    const effects = noEffects();

    for (let seed = 1; seed <= 8; seed += 1) run(stormScenario(seed), { observer: watchEffects(effects) });

    for (const [name, seen] of Object.entries(effects)) expect(seen, name).toBeGreaterThan(0);
  });
});
