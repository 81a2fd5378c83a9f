import { beforeEach, describe, expect, it } from 'vitest';
import {
  emptyOrderedMap,
  monotonicMs,
  writeNumber,
  type Boot,
  type HostEffect,
  type HostEvent,
  type Machine,
} from '../../../core/index.js';
import type { Fault } from '../../../sim/faults/scenario.js';
import { becalm } from '../../../sim/faults/calm.js';
import { scheduleFaults } from '../../../sim/faults/strike.js';
import { callAt, createWorld, runWorld, startNode, type World } from '../../../sim/world/world.js';

/** A machine that does one thing: every 10 ms it greets the others and writes how often it did. */
interface Greeter {
  readonly greeted: number;
  readonly writes: number;
}

type GreeterWorld = World<Greeter, string, never, never, number>;
type Effect = HostEffect<string, never, number>;

const NODES = [1, 2, 3];
const EVERY_MS = 10;

function greeter(self: number): Machine<Greeter, string, never, never, number> {
  return {
    start: (boot) => ({
      state: { greeted: greetingsIn(boot), writes: 0 },
      effects: [{ type: 'SetTimer', at: boot.now.monotonic }],
    }),
    step(state, { now, events }) {
      if (!events.some(({ type }) => type === 'TimerFired')) return { state, effects: [] };
      const next = { greeted: state.greeted + 1, writes: state.writes + 1 };
      const effects: Effect[] = NODES.filter((to) => to !== self).map((to) => ({
        type: 'Send',
        to: to as never,
        messages: [`${self} says ${next.greeted}`],
      }));
      effects.push({
        type: 'Persist',
        write: writeNumber(next.writes),
        changes: [{ type: 'Put', key: 'greeted', value: next.greeted }],
      });
      effects.push({ type: 'SetTimer', at: monotonicMs(now.monotonic + EVERY_MS) });
      return { state: next, effects };
    },
  };
}

function greetingsIn({ stored }: Boot<number>): number {
  return stored[0]?.value ?? 0;
}

/** What an observer saw of one node. */
interface Seen {
  readonly heard: { readonly from: number; readonly atMs: number; readonly text: string }[];
  readonly turnsAtMs: number[];
  readonly startedAtMs: number[];
  readonly crashedAtMs: number[];
  /** What was on the disk at each start, beside what the node had greeted when it crashed. */
  readonly restored: number[];
  greeted: number;
}

let seen: Map<number, Seen>;
let world: GreeterWorld;

beforeEach(() => {
  seen = new Map(
    NODES.map((node) => [
      node,
      { heard: [], turnsAtMs: [], startedAtMs: [], crashedAtMs: [], restored: [], greeted: 0 },
    ]),
  );
  const nowMs = (): number => world.nowUs / 1_000;
  const of = (node: number): Seen => seen.get(node) as Seen;
  world = createWorld<Greeter, string, never, never, number>(
    {
      seed: 1,
      nodes: NODES.length,
      network: {
        minDelayUs: 100,
        maxDelayUs: 500,
        slowChance: 0,
        slowMaxDelayUs: 0,
        lossChance: 0,
        duplicateChance: 0,
        corruptChance: 0,
        checksums: true,
        inOrder: false,
        bytesPerSecond: 0,
      },
      disk: {
        minSyncUs: 25_000,
        maxSyncUs: 26_000,
        slowChance: 0,
        slowMaxSyncUs: 0,
        failChance: 0,
        checksums: true,
        atomicWrites: true,
      },
      clocks: { maxDriftPpm: 0, maxWallOffsetMs: 0 },
      host: { turnUs: 0, restartMs: 30 },
      bends: { onChance: 0, fireChance: 0, off: [] },
    },
    greeter,
    {
      started(node, boot) {
        of(node).startedAtMs.push(nowMs());
        of(node).restored.push(greetingsIn(boot));
      },
      stepped(node, _before, turn, step) {
        of(node).turnsAtMs.push(nowMs());
        of(node).greeted = step.state.greeted;
        for (const event of turn.events as readonly HostEvent<string, never>[]) {
          if (event.type === 'MessageReceived') {
            of(node).heard.push({ from: event.from, atMs: nowMs(), text: event.message });
          }
        }
      },
      synced() {
        // Seen when a node starts again.
      },
      crashed(node) {
        of(node).crashedAtMs.push(nowMs());
      },
    },
  );
});

const DURING = { atMs: 100, untilMs: 200 };

/** Runs 300 ms of greetings with this fault; node 2 counts as the leader of group 7. */
function weather(...faults: readonly Fault[]): void {
  for (const { id } of world.nodes) callAt(world, 0, () => startNode(world, id));
  scheduleFaults(world, faults, (state, group) => group === 7 && state === world.nodes[1]?.state);
  runWorld(world, () => world.nowUs > 300_000);
}

function of(node: number): Seen {
  return seen.get(node) as Seen;
}

/** How often `to` heard `from` while the fault lasted, and outside of it. */
function heard(from: number, to: number): { readonly during: number; readonly outside: number } {
  const all = of(to).heard.filter((message) => message.from === from);
  // A message may be on its way when the fault begins.
  const during = all.filter(({ atMs }) => atMs > DURING.atMs + 1 && atMs <= DURING.untilMs).length;
  return { during, outside: all.length - during };
}

function links(): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    NODES.flatMap((from) =>
      NODES.filter((to) => to !== from).map((to) => {
        const { during, outside } = heard(from, to);
        expect(outside, `${from} is heard by ${to} outside of the fault`).toBeGreaterThan(15);
        return [`${from}>${to}`, during > 0];
      }),
    ),
  );
}

const ALL_WORK = { '1>2': true, '1>3': true, '2>1': true, '2>3': true, '3>1': true, '3>2': true };

describe('without a fault', () => {
  it('everybody hears everybody', () => {
    weather();

    expect(links()).toEqual(ALL_WORK);
  });
});

describe('a cut', () => {
  it('Isolate stops what goes to and from its target', () => {
    weather({ type: 'Isolate', ...DURING, target: { node: 1 } });

    expect(links()).toEqual({ ...ALL_WORK, '1>2': false, '1>3': false, '2>1': false, '3>1': false });
  });

  it('Deafen stops what goes to its target', () => {
    weather({ type: 'Deafen', ...DURING, target: { node: 1 } });

    expect(links()).toEqual({ ...ALL_WORK, '2>1': false, '3>1': false });
  });

  it('Mute stops what comes from its target', () => {
    weather({ type: 'Mute', ...DURING, target: { node: 3 } });

    expect(links()).toEqual({ ...ALL_WORK, '3>1': false, '3>2': false });
  });

  it('Split stops what goes between its sides', () => {
    weather({ type: 'Split', ...DURING, side: [2] });

    expect(links()).toEqual({ ...ALL_WORK, '1>2': false, '3>2': false, '2>1': false, '2>3': false });
  });

  it('strikes whoever leads when it begins', () => {
    weather({ type: 'Mute', ...DURING, target: { leaderOf: 7 } });

    expect(links()).toEqual({ ...ALL_WORK, '2>1': false, '2>3': false });
  });

  it('strikes nobody when nobody leads', () => {
    weather({ type: 'Isolate', ...DURING, target: { leaderOf: 8 } });

    expect(links()).toEqual(ALL_WORK);
  });
});

describe('a squall', () => {
  const squall = {
    type: 'Squall',
    ...DURING,
    lossChance: 0,
    duplicateChance: 0,
    corruptChance: 0,
    maxDelayUs: 500,
  } as const;

  it('loses messages', () => {
    weather({ ...squall, lossChance: 1_000_000 });

    expect(Object.values(links())).toEqual([false, false, false, false, false, false]);
  });

  it('repeats messages', () => {
    weather({ ...squall, duplicateChance: 1_000_000 });

    const texts = of(1).heard.map(({ text }) => text);
    expect(texts.length - new Set(texts).size).toBeGreaterThan(10);
  });

  it('holds messages up, so that they overtake each other', () => {
    weather({ ...squall, maxDelayUs: 60_000 });

    const numbers = of(1)
      .heard.filter(({ from }) => from === 2)
      .map(({ text }) => Number(text.split(' ').at(-1)));
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
  });
});

describe('a lag', () => {
  it('holds up what is sent to its target, and nothing else', () => {
    weather({ type: 'Lag', ...DURING, target: { node: 1 }, delayMs: 40 });

    const arrivals = (node: number): readonly number[] => of(node).heard.map(({ atMs }) => atMs);
    expect(arrivals(1).filter((at) => at > 101 && at < 140)).toEqual([]);
    expect(arrivals(1).filter((at) => at >= 140 && at < 180).length).toBeGreaterThanOrEqual(6);
    expect(arrivals(2).filter((at) => at > 101 && at < 140).length).toBeGreaterThanOrEqual(6);
    expect(arrivals(1).length).toBeGreaterThan(55);
  });
});

describe('a crash', () => {
  it('ends a process and starts it again from its disk', () => {
    weather({ type: 'Crash', ...DURING, target: { node: 1 } });

    expect(of(1).crashedAtMs).toEqual([100]);
    expect(of(1).startedAtMs).toEqual([0, 200]);
    expect(of(1).turnsAtMs.filter((at) => at > 100 && at < 200)).toEqual([]);
    expect(of(2).crashedAtMs).toEqual([]);
  });

  it('loses some of what was not synced, and nothing that was', () => {
    const crashes = Array.from({ length: 5 }, (_, i): Fault => {
      const atMs = 60 + i * 45;
      return { type: 'Crash', atMs, untilMs: atMs, target: { node: 1 } };
    });

    weather(...crashes);

    const [, ...restored] = of(1).restored;
    expect(restored).toHaveLength(5);
    expect(restored).toEqual(restored.toSorted((a, b) => a - b));
    // 300 ms of greetings would be about 30; what was greeted again after a loss is missing.
    expect(of(1).greeted).toBeLessThan(of(2).greeted);
  });

  it('CrashAtWrite strikes when the target next writes, and keeps that write or not', () => {
    weather({ type: 'CrashAtWrite', atMs: 104, downMs: 50, target: { node: 1 } });

    expect(of(1).crashedAtMs).toEqual([110]);
    expect(of(1).startedAtMs).toEqual([0, 160]);
  });

  it('Blackout strikes all at once, and they come back one after another', () => {
    weather({ type: 'Blackout', ...DURING });

    expect(NODES.map((node) => of(node).crashedAtMs)).toEqual([[100], [100], [100]]);
    expect(NODES.map((node) => of(node).startedAtMs)).toEqual([
      [0, 133],
      [0, 166],
      [0, 200],
    ]);
  });
});

describe('a pause', () => {
  it('lets what arrives wait, and hands it over in one turn', () => {
    weather({ type: 'Pause', ...DURING, target: { node: 1 } });

    const late = of(1).heard.filter(({ atMs }) => atMs === 200);
    expect(of(1).turnsAtMs.filter((at) => at > 100 && at < 200)).toEqual([]);
    expect(of(1).crashedAtMs).toEqual([]);
    expect(late.length).toBeGreaterThanOrEqual(18);
    expect(of(1).turnsAtMs.filter((at) => at === 200)).toHaveLength(1);
  });
});

describe('the calm', () => {
  it('ends every fault, and starts whoever is down', () => {
    const forLong = { atMs: 50, untilMs: 100_000 };
    callAt(world, 150_000, () => becalm(world, { atMs: 150, heal: 'all', limitMs: 1_000 }));

    weather(
      { type: 'Crash', ...forLong, target: { node: 1 } },
      { type: 'Isolate', ...forLong, target: { node: 2 } },
      {
        type: 'Squall',
        ...forLong,
        lossChance: 1_000_000,
        duplicateChance: 0,
        corruptChance: 0,
        maxDelayUs: 500,
      },
      { type: 'CrashAtWrite', atMs: 149, downMs: 100_000, target: { node: 3 } },
    );

    expect(of(1).startedAtMs).toEqual([0, 150]);
    expect(of(3).crashedAtMs).toEqual([]);
    for (const node of NODES) {
      const from = of(node).heard.filter(({ atMs }) => atMs > 151);
      expect(new Set(from.map((message) => message.from)).size).toBe(2);
    }
  });
});

describe('after the calm', () => {
  it('a fault that lasts, or begins, cuts nothing', () => {
    callAt(world, 150_000, () => becalm(world, { atMs: 150, heal: 'all', limitMs: 1_000 }));

    weather(
      { type: 'Isolate', atMs: 100, untilMs: 200, target: { node: 1 } },
      { type: 'Isolate', atMs: 220, untilMs: 240, target: { node: 1 } },
    );

    const late = of(1).heard.filter(({ atMs }) => atMs > 151);
    expect(late.length).toBeGreaterThanOrEqual(28);
  });
});

// The machine above keeps nothing in ordered maps; this only shows that the world asks nothing of a machine's state.
describe('the world', () => {
  it('drives a machine whose state is a single value', () => {
    const machine: Machine<unknown, never, never, never, never> = {
      start: () => ({ state: emptyOrderedMap(), effects: [] }),
      step: (state) => ({ state, effects: [] }),
    };
    const { settings } = world;
    const other = createWorld(settings, () => machine, {
      started() {
        // Nothing to see.
      },
      stepped() {
        // Nothing to see.
      },
      synced() {
        // Nothing to see.
      },
      crashed() {
        // Nothing to see.
      },
    });

    callAt(other, 5, () => startNode(other, 1 as never));
    runWorld(other, () => false);

    expect(other.nowUs).toBe(5);
    expect(other.failure).toBeUndefined();
  });
});
