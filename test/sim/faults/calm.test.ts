import { describe, expect, it } from 'vitest';
import { monotonicMs, writeNumber, type HostEffect, type Machine } from '../../../core/index.js';
import { becalm } from '../../../sim/faults/calm.js';
import type { CalmSettings, Fault, Scenario } from '../../../sim/faults/scenario.js';
import { scheduleFaults } from '../../../sim/faults/strike.js';
import { runSystem, type Report } from '../../../sim/system/run.js';
import type { System } from '../../../sim/system/system.js';
import { callAt, createWorld, runWorld, startNode, type World } from '../../../sim/world/world.js';

/** A machine that says something to all others every 10 ms, and writes it down. */
type Chatter = Machine<number, string, never, never, number>;
type ChatterWorld = World<number, string, never, never, number>;

const NODES = 5;
const CALM_MS = 150;
const END_MS = 400;
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const QUORUM: CalmSettings = { atMs: CALM_MS, heal: 'quorum', limitMs: 1_000 };
const ALL: CalmSettings = { ...QUORUM, heal: 'all' };

const chatter = (self: number): Chatter => ({
  start: ({ now }) => ({ state: 0, effects: [{ type: 'SetTimer', at: now.monotonic }] }),
  step(said, { now, events }) {
    if (!events.some(({ type }) => type === 'TimerFired')) return { state: said, effects: [] };
    const effects: HostEffect<string, never, number>[] = [];
    for (let to = 1; to <= NODES; to += 1) {
      if (to !== self) effects.push({ type: 'Send', to: to as never, messages: [`${self}`] });
    }
    const changes = [{ type: 'Put', key: 'said', value: said + 1 }] as const;
    effects.push({ type: 'Persist', write: writeNumber(said + 1), changes });
    effects.push({ type: 'SetTimer', at: monotonicMs(now.monotonic + 10) });
    return { state: said + 1, effects };
  },
});

const SCENARIO: Scenario<undefined> = {
  system: 'chatter',
  seed: 1,
  nodes: NODES,
  settings: undefined,
  network: {
    minDelayUs: 100,
    maxDelayUs: 500,
    slowChance: 0,
    slowMaxDelayUs: 0,
    lossChance: 0,
    duplicateChance: 0,
    corruptChance: 0,
    checksums: true,
    inOrder: true,
    bytesPerSecond: 0,
  },
  disk: {
    minSyncUs: 1_000,
    maxSyncUs: 1_000,
    slowChance: 0,
    slowMaxSyncUs: 0,
    failChance: 0,
    checksums: true,
    atomicWrites: true,
  },
  clocks: { maxDriftPpm: 0, maxWallOffsetMs: 0 },
  host: { turnUs: 0, restartMs: 30 },
  workload: { clients: 0, operationsPerClient: 0, thinkMs: 0, clientTimeoutMs: 1, giveUpChance: 0, skip: [] },
  bends: { onChance: 0, fireChance: 0, off: [] },
  faults: [],
  calm: ALL,
  minimumMs: 0,
  expect: 'service',
  budgets: { maxEvents: 100_000, maxCheckSteps: 1 },
};

interface Chat {
  readonly world: ChatterWorld;
  readonly healed: readonly number[];
  /** After the calm: who heard whom, as `from>to`, and which nodes took turns. */
  readonly links: ReadonlySet<string>;
  readonly turned: ReadonlySet<number>;
}

function chat(
  calm: CalmSettings,
  faults: readonly Fault[] = [],
  changes: Partial<Scenario> = {},
  electorates?: readonly (readonly number[])[],
): Chat {
  const links = new Set<string>();
  const turned = new Set<number>();
  let healed: readonly number[] = [];
  const none = (): void => undefined;
  const world: ChatterWorld = createWorld({ ...SCENARIO, ...changes }, chatter, {
    started: none,
    synced: none,
    crashed: none,
    stepped(node, _before, turn) {
      if (world.nowUs <= (CALM_MS + 1) * 1_000) return;
      turned.add(node);
      for (const event of turn.events)
        if (event.type === 'MessageReceived') links.add(`${event.from}>${node}`);
    },
  });
  for (const { id } of world.nodes) callAt(world, 0, () => startNode(world, id));
  scheduleFaults(world, faults, () => false);
  callAt(world, CALM_MS * 1_000, () => {
    healed = becalm(world, calm, electorates);
  });
  runWorld(world, () => world.nowUs > END_MS * 1_000);
  expect(world.failure).toBeUndefined();
  return { world, healed, links, turned };
}

function allLinks(nodes: readonly number[]): readonly string[] {
  return nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => `${from}>${to}`));
}

/** One of everything that can ail a node or its links, and lasts beyond the calm. */
const LASTING: readonly Fault[] = (
  [
    { type: 'Isolate' },
    { type: 'Pause' },
    { type: 'Crash' },
    { type: 'StuckDisk' },
    { type: 'FullDisk' },
    { type: 'ClockFreeze' },
    { type: 'SlowNode', turnUs: 1_000_000 },
    { type: 'SlowDisk', syncMs: 10_000 },
    { type: 'Lag', delayMs: 10_000 },
    { type: 'Throttle', bytesPerSecond: 1 },
    { type: 'ClockDrift', driftPpm: -900_000 },
  ] as const
).map((kind, i) => ({ ...kind, atMs: 140, untilMs: 100_000, target: { node: 1 + (i % NODES) } }));

describe('the calm that heals all', () => {
  it('heals all, whatever ails them', () => {
    const { healed, links, turned, world } = chat(ALL, LASTING);

    expect(healed).toEqual([1, 2, 3, 4, 5]);
    expect([...links].sort()).toEqual([...allLinks([1, 2, 3, 4, 5])].sort());
    expect(turned.size).toBe(NODES);
    for (const node of world.nodes) {
      expect(node.disk).toMatchObject({ slowUs: 0, stuck: 0, full: 0, failNext: false });
      expect(node.clock).toMatchObject({ frozen: false, driftPpm: 0 });
      expect(node.turnUs).toBe(0);
      expect(node.state).toBeGreaterThan(24);
    }
  });

  it('heals none whose disk was destroyed', () => {
    const { healed, world } = chat(ALL, [{ type: 'LoseDisk', atMs: 50, node: 2 }]);

    expect(healed).toEqual([1, 3, 4, 5]);
    expect(world.nodes[1]?.state).toBeUndefined();
  });

  it('lets no fault begin after it', () => {
    const late = LASTING.map((fault) => ({ ...fault, atMs: CALM_MS + 20 }));

    const { world, links } = chat(ALL, late);

    expect([...world.felt.keys()]).toEqual([]);
    expect(links.size).toBe(NODES * (NODES - 1));
  });
});

describe('the calm that heals a quorum', () => {
  it('heals a bare majority, whose nodes all reach each other', () => {
    for (const seed of SEEDS) {
      const { healed, links } = chat(QUORUM, LASTING, { seed });

      expect(healed).toHaveLength(3);
      for (const link of allLinks(healed)) expect(links).toContain(link);
    }
  });

  it('heals a majority of every electorate, and nobody who is not needed for one', () => {
    const electorates = [
      [1, 2, 3],
      [3, 4, 5],
    ];
    for (const seed of SEEDS) {
      const { healed } = chat(QUORUM, [], { seed }, electorates);

      const isEnough = (nodes: readonly number[]): boolean =>
        electorates.every((voters) => voters.filter((voter) => nodes.includes(voter)).length >= 2);
      expect(isEnough(healed)).toBe(true);
      for (const node of healed) expect(isEnough(healed.filter((other) => other !== node))).toBe(false);
    }
  });

  it('draws whom it heals', () => {
    const drawn = new Set(SEEDS.map((seed) => chat(QUORUM, [], { seed }).healed.join()));

    expect(drawn.size).toBeGreaterThan(5);
    expect(chat(QUORUM, [], { seed: 7 }).healed).toEqual(chat(QUORUM, [], { seed: 7 }).healed);
  });

  it('never heals a node whose disk was destroyed', () => {
    for (const seed of SEEDS) {
      const lost: readonly Fault[] = [2, 4].map((node) => ({ type: 'LoseDisk', atMs: 50, node }));

      expect(chat(QUORUM, lost, { seed }).healed).toEqual([1, 3, 5]);
    }
  });

  it('leaves the others to what it draws for each, for ever', () => {
    const seen = new Map<string, number>();
    for (const seed of SEEDS) {
      const { world, healed, links, turned } = chat(QUORUM, [], { seed });
      const felt = [...world.felt].filter(([name]) => name.startsWith('calm without one'));
      for (const [name, count] of felt) seen.set(name, (seen.get(name) ?? 0) + count);

      const ailing = world.nodes.map(({ id }) => id as number).filter((id) => !healed.includes(id as never));
      const ways = ailing.map((id) => {
        const [friend] = healed as readonly [number];
        const hears = links.has(`${friend}>${id}`);
        const isHeard = links.has(`${id}>${friend}`);
        if (hears && isHeard) return 'as it is';
        if (hears) return 'mute';
        if (isHeard) return 'deaf';
        if (turned.has(id)) return 'isolated';
        return world.nodes[id - 1]?.state === undefined ? 'down' : 'paused';
      });
      const drawn = felt.flatMap(([name, count]) => Array.from({ length: count }, () => name.split(': ')[1]));
      expect(ways.sort()).toEqual(drawn.sort());
    }

    expect([...seen.keys()].sort()).toEqual(
      ['as it is', 'deaf', 'down', 'isolated', 'mute', 'paused'].map((way) => `calm without one: ${way}`),
    );
  });
});

/** A system with a client that is never answered, or is at once. */
function systemOf(answered: boolean): System<undefined, number, string, never, never, number> {
  return {
    name: 'chatter',
    storm: () => SCENARIO,
    sometimes: [],
    machineOf: () => chatter,
    leads: () => false,
    begin: () => ({
      observer: {
        started: () => undefined,
        stepped: () => undefined,
        synced: () => undefined,
        crashed: () => undefined,
      },
      startClients: () => undefined,
      unfinished: () => (answered ? 0 : 1),
      settled: () => true,
      describe: () => 'all is quiet',
      judge: () => ({ verdict: 'valid', failure: undefined }),
      operations: () => ({ asked: 1, answered: answered ? 1 : 0 }),
      finalHash: () => 0,
    }),
  };
}

function report(answered: boolean, changes: Partial<Scenario<undefined>> = {}): Report {
  return runSystem(systemOf(answered), { ...SCENARIO, ...changes });
}

describe('a stall in the calm', () => {
  it('is the failure liveness where service is expected', () => {
    const { verdict, failure, excuse } = report(false);

    expect(verdict).toBe('invalid');
    expect(failure?.property).toBe('liveness');
    expect(failure?.detail).toBe('1 clients still wait 1000 ms after the faults ended: all is quiet');
    expect(failure?.atUs).toBeGreaterThan((CALM_MS + ALL.limitMs) * 1_000);
    expect(excuse).toBeUndefined();
  });

  it('is excused by name where refusal is expected', () => {
    const { verdict, failure, excuse } = report(false, { expect: 'refusal' });

    expect(verdict).toBe('valid');
    expect(failure).toBeUndefined();
    expect(excuse).toBe('more was destroyed than the system claims to survive, and it went silent');
  });

  it('is none where everybody was answered', () => {
    expect(report(true)).toMatchObject({ verdict: 'valid', failure: undefined, excuse: undefined });
    expect(report(true, { expect: 'refusal' }).excuse).toBeUndefined();
  });
});

describe('a run that needs more events than it may', () => {
  it('is unknown, and says how many', () => {
    const budgets = { ...SCENARIO.budgets, maxEvents: 100 };

    const { verdict, failure, excuse, events } = report(false, { budgets });

    expect({ verdict, failure }).toEqual({ verdict: 'unknown', failure: undefined });
    expect(excuse).toBe('it needs more than 100 events');
    expect(events).toBeGreaterThan(100);
  });
});
