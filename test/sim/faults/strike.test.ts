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
import {
  callAt,
  createWorld,
  runWorld,
  startNode,
  type World,
  type WorldSettings,
} from '../../../sim/world/world.js';

/**
 * A machine that does one thing: every 10 ms it greets the others and writes how often it did, twice in one write. It
 * halts when a write fails, and says nothing where its code is bent.
 */
interface Greeter {
  readonly greeted: number;
  readonly writes: number;
}

type GreeterWorld = World<Greeter, string, never, never, number>;
type Effect = HostEffect<string, never, number>;

const NODES = [1, 2, 3];
const EVERY_MS = 10;

function greeter(self: number, version: number): Machine<Greeter, string, never, never, number> {
  return {
    start: (boot) => ({
      state: { greeted: greetingsIn(boot), writes: 0 },
      effects: [{ type: 'SetTimer', at: boot.now.monotonic }],
    }),
    step(state, { now, events, bend }) {
      const failed = events.find(({ type }) => type === 'WriteFailed');
      if (failed !== undefined) return { state, effects: [{ type: 'Halt', reason: 'a write failed' }] };
      if (!events.some(({ type }) => type === 'TimerFired')) return { state, effects: [] };
      const next = { greeted: state.greeted + 1, writes: state.writes + 1 };
      const name = version === 0 ? `${self}` : `${self} of version ${version}`;
      const silent = bend?.('say nothing') === true;
      const effects: Effect[] = NODES.filter((to) => to !== self && !silent).map((to) => ({
        type: 'Send',
        to: to as never,
        messages: [`${name} says ${next.greeted}`],
      }));
      effects.push({
        type: 'Persist',
        write: writeNumber(next.writes),
        changes: ['greeted', 'later'].map((key) => ({ type: 'Put', key, value: next.greeted })),
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
  /** Both numbers on the disk at each start. */
  readonly disks: (readonly (number | undefined)[])[];
  readonly versions: number[];
  readonly syncedAtMs: number[];
  /** When it greeted, and what its clocks showed then. */
  readonly greetings: { readonly atMs: number; readonly monotonic: number; readonly wall: number }[];
  readonly bent: number[];
  greeted: number;
}

let seen: Map<number, Seen>;
let world: GreeterWorld;

beforeEach(() => open());

/** A new world, with nothing in it that goes wrong by itself. */
function open(changes: Partial<WorldSettings> = {}): void {
  seen = new Map(
    NODES.map((node) => [
      node,
      {
        heard: [],
        turnsAtMs: [],
        startedAtMs: [],
        crashedAtMs: [],
        restored: [],
        disks: [],
        versions: [],
        syncedAtMs: [],
        greetings: [],
        bent: [],
        greeted: 0,
      },
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
      ...changes,
    },
    greeter,
    {
      started(node, boot, _step, version) {
        of(node).startedAtMs.push(nowMs());
        of(node).versions.push(version);
        of(node).disks.push(boot.stored.map(({ value }) => value));
        of(node).restored.push(greetingsIn(boot));
      },
      stepped(node, before, turn, step, bent) {
        if (bent.length > 0) of(node).bent.push(nowMs());
        if (step.state.greeted !== before.greeted) of(node).greetings.push({ atMs: nowMs(), ...turn.now });
        of(node).turnsAtMs.push(nowMs());
        of(node).greeted = step.state.greeted;
        for (const event of turn.events as readonly HostEvent<string, never>[]) {
          if (event.type === 'MessageReceived') {
            of(node).heard.push({ from: event.from, atMs: nowMs(), text: event.message });
          }
        }
      },
      synced(node, writes) {
        if (writes.length > 0) of(node).syncedAtMs.push(nowMs());
      },
      crashed(node) {
        of(node).crashedAtMs.push(nowMs());
      },
    },
  );
}

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

function felt(what: string): number {
  return world.felt.get(what) ?? 0;
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

describe('a cut of some links', () => {
  it('Partial stops what goes between its pairs, and nothing else', () => {
    weather({ type: 'Partial', ...DURING, pairs: [[1, 2]] });

    expect(links()).toEqual({ ...ALL_WORK, '1>2': false, '2>1': false });
    expect(felt('Partial')).toBeGreaterThanOrEqual(18);
  });

  it('Bridge stops what goes between its sides, but for one node that talks to both', () => {
    weather({ type: 'Bridge', ...DURING, side: [1], bridge: 2 });

    expect(links()).toEqual({ ...ALL_WORK, '1>3': false, '3>1': false });
    expect(felt('Bridge')).toBeGreaterThanOrEqual(18);
  });

  it('Flap stops what goes to and from its target for a period, and lets it go for another', () => {
    weather({ type: 'Flap', ...DURING, target: { node: 1 }, periodMs: 20 });

    const during = of(2).heard.filter(({ from, atMs }) => from === 1 && atMs > 101 && atMs < 200);
    const periods = during.map(({ atMs }) => Math.floor((atMs - 100) / 20));
    expect([...new Set(periods)]).toEqual([1, 3]);
    expect(heard(1, 2).outside).toBeGreaterThan(15);
    expect(felt('Flap')).toBeGreaterThanOrEqual(18);
  });

  it('that two faults make lasts as long as one of them', () => {
    weather(
      { type: 'Isolate', atMs: 100, untilMs: 150, target: { node: 1 } },
      { type: 'Isolate', atMs: 120, untilMs: 200, target: { node: 1 } },
    );

    expect(links()).toEqual({ ...ALL_WORK, '1>2': false, '1>3': false, '2>1': false, '3>1': false });
  });
});

describe('a slow link', () => {
  it('SlowLink holds up one direction of one link', () => {
    weather({ type: 'SlowLink', ...DURING, from: 1, to: 2, delayMs: 40 });

    const arrivals = (from: number, to: number): number =>
      of(to).heard.filter((message) => message.from === from && message.atMs > 101 && message.atMs < 140)
        .length;
    expect(arrivals(1, 2)).toBe(0);
    expect([arrivals(2, 1), arrivals(3, 2), arrivals(1, 3)].every((count) => count >= 3)).toBe(true);
    expect(of(2).heard.filter(({ from }) => from === 1).length).toBeGreaterThan(26);
  });

  it('Throttle lets the links from its target carry only so much, one message behind the other', () => {
    weather({ type: 'Throttle', ...DURING, target: { node: 1 }, bytesPerSecond: 2_000 });

    // A message is of 100 bytes, and so takes 50 ms.
    const late = of(2).heard.filter(({ from, atMs }) => from === 1 && atMs > 101 && atMs <= 200);
    expect(late.map(({ atMs }) => Math.floor(atMs))).toEqual([150]);
    expect(of(1).heard.filter(({ atMs }) => atMs > 101 && atMs <= 200).length).toBeGreaterThanOrEqual(18);
    expect(heard(1, 2).outside).toBeGreaterThan(15);
    expect(felt('bandwidth')).toBeGreaterThanOrEqual(16);
  });
});

describe('damage on the way', () => {
  const damage = {
    type: 'Squall',
    ...DURING,
    lossChance: 0,
    duplicateChance: 0,
    corruptChance: 1_000_000,
    maxDelayUs: 500,
  } as const;
  const HONEST = /^[123] says \d+$/;

  it('is noticed by checksums: what was damaged is dropped', () => {
    weather(damage);

    expect(Object.values(links())).toEqual([false, false, false, false, false, false]);
    expect(felt('message damaged')).toBeGreaterThanOrEqual(54);
  });

  it('reaches the machine without them', () => {
    open({ network: { ...world.settings.network, checksums: false } });

    weather(damage);

    const texts = of(1)
      .heard.filter(({ atMs }) => atMs > 101 && atMs <= 200)
      .map(({ text }) => text);
    expect(texts.length).toBeGreaterThanOrEqual(18);
    expect(texts.some((text) => !HONEST.test(text))).toBe(true);
    const others = of(1).heard.filter(({ atMs }) => atMs < 100 || atMs > 201);
    expect(others.every(({ text }) => HONEST.test(text))).toBe(true);
  });
});

describe('a disk', () => {
  const longestGap = (node: number): number => {
    const at = of(node).syncedAtMs;
    return Math.max(...at.map((ms, i) => ms - (at[i - 1] ?? 0)));
  };
  const onNode = { target: { node: 1 } };
  const us = (ms: number): number => Math.round(ms * 1_000);

  it('that is slow takes longer to sync: SlowDisk', () => {
    weather({ type: 'SlowDisk', ...DURING, ...onNode, syncMs: 60 });

    expect(longestGap(1)).toBeGreaterThanOrEqual(85);
    expect(longestGap(2)).toBeLessThan(40);
    expect(felt('SlowDisk')).toBeGreaterThanOrEqual(1);
    expect(world.nodes[0]?.disk.slowUs).toBe(0);
  });

  it('that is stuck finishes no sync, and goes on where it stood: StuckDisk', () => {
    weather({ type: 'StuckDisk', ...DURING, ...onNode });

    expect(of(1).syncedAtMs.filter((at) => at > 127 && at < 225)).toEqual([]);
    expect(of(1).syncedAtMs.filter((at) => at >= 225 && at <= 226)).toHaveLength(1);
    expect(felt('StuckDisk')).toBeGreaterThanOrEqual(1);
    expect(of(1).crashedAtMs).toEqual([]);
  });

  it('that is full takes no write; the node halts, and is started again and again: FullDisk', () => {
    weather({ type: 'FullDisk', ...DURING, ...onNode });

    expect(world.failure).toBeUndefined();
    expect(felt('FullDisk')).toBeGreaterThanOrEqual(2);
    expect(of(1).crashedAtMs).toHaveLength(felt('FullDisk'));
    expect(of(1).crashedAtMs.every((at) => at > 100 && at <= 200)).toBe(true);
    expect(of(1).startedAtMs.slice(1).map(us)).toEqual(of(1).crashedAtMs.map((at) => us(at) + 30_000));
    expect(new Set(of(1).restored.slice(1)).size).toBe(1);
    expect(of(1).syncedAtMs.some((at) => at > 230)).toBe(true);
  });

  it('that fails one sync keeps a prefix of what was under way; the node halts and starts again: FailSync', () => {
    const kept = Array.from({ length: 12 }, (_, i) => {
      open({ seed: i + 1 });
      weather({ type: 'FailSync', atMs: 100, ...onNode });

      expect(world.failure).toBeUndefined();
      expect(felt('FailSync')).toBe(1);
      expect(of(1).crashedAtMs).toHaveLength(1);
      expect(of(1).startedAtMs.map(us)).toEqual([0, us(of(1).crashedAtMs[0] as number) + 30_000]);
      expect(of(1).syncedAtMs.at(-1)).toBeGreaterThan(250);
      return of(1).restored[1] as number;
    });

    // Everything that was synced before 100 ms is there, and of the rest now less, now more.
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(5);
    expect(new Set(kept).size).toBeGreaterThan(2);
  });

  it('that the scenario lets fail by itself does so', () => {
    open({ disk: { ...world.settings.disk, failChance: 200_000 } });

    weather();

    expect(felt('sync failed')).toBeGreaterThan(0);
    expect(world.failure).toBeUndefined();
  });

  it('with atomic writes keeps the whole of a write or nothing when a crash tears it: TornWrite', () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      open({ seed });
      weather({ type: 'TornWrite', atMs: 104, downMs: 50, ...onNode });

      const [greeted, later] = of(1).disks[1] ?? [];
      expect(of(1).crashedAtMs).toEqual([110]);
      expect(of(1).startedAtMs).toEqual([0, 160]);
      expect(greeted).toBeGreaterThan(0);
      expect(later).toBe(greeted);
      expect(felt('write torn')).toBe(1);
    }
  });

  it('without atomic writes keeps the first half of the write that a crash tears: TornWrite', () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      open({ seed, disk: { ...world.settings.disk, atomicWrites: false } });
      weather({ type: 'TornWrite', atMs: 104, downMs: 50, ...onNode });

      const [greeted, later] = of(1).disks[1] ?? [];
      expect(greeted).toBe((later as number) + 1);
    }
  });

  it('that rots is noticed by checksums, and the node refuses to start: BitRot', () => {
    weather({ type: 'BitRot', atMs: 100, node: 1 });

    expect(of(1).crashedAtMs).toEqual([100]);
    expect(of(1).startedAtMs).toEqual([0]);
    expect(world.nodes[0]?.refuses).toBe('a stored record does not match its checksum');
    expect([felt('BitRot'), felt('start refused')]).toEqual([1, 1]);
  });

  it('that rots without checksums is read as it is: BitRot', () => {
    open({ disk: { ...world.settings.disk, checksums: false } });

    weather({ type: 'BitRot', atMs: 100, node: 1 });

    const [greeted, later] = of(1).disks[1] ?? [];
    expect(of(1).startedAtMs).toEqual([0, 100]);
    expect(greeted).not.toBe(later);
    expect([felt('BitRot'), felt('start refused')]).toEqual([1, 0]);
  });

  it('that is lost is empty, and the node never starts again: LoseDisk', () => {
    weather({ type: 'LoseDisk', atMs: 100, node: 1 }, { type: 'Crash', atMs: 150, untilMs: 200, ...onNode });

    expect(of(1).startedAtMs).toEqual([0]);
    expect(world.nodes[0]?.disk.durable.size).toBe(0);
    expect(felt('LoseDisk')).toBe(1);
    expect(felt('start refused')).toBe(1);
  });
});

describe('a clock', () => {
  const onNode = { target: { node: 1 } };
  const greetedAt = (node: number): readonly number[] => of(node).greetings.map(({ atMs }) => atMs);

  it('that jumps shows another time from then on, and what it passed over is due at once: ClockJump', () => {
    weather({ type: 'ClockJump', atMs: 104, ...onNode, wallMs: -500, monotonicMs: 50 });

    expect(greetedAt(1).filter((at) => at >= 100 && at < 130)).toEqual([100, 104, 114, 124]);
    const [before, after] = of(1).greetings.filter(({ atMs }) => atMs === 100 || atMs === 104);
    expect((after?.wall ?? 0) - (before?.wall ?? 0)).toBe(-496);
    expect((after?.monotonic ?? 0) - (before?.monotonic ?? 0)).toBe(54);
    expect(felt('ClockJump')).toBe(1);
  });

  it('that is frozen lets timers wait, and they fire after it: ClockFreeze', () => {
    weather({ type: 'ClockFreeze', ...DURING, ...onNode });

    expect(greetedAt(1).filter((at) => at >= 90 && at < 230)).toEqual([90, 100, 210, 220]);
    expect(greetedAt(2).filter((at) => at >= 100 && at < 200)).toHaveLength(10);
    expect(felt('ClockFreeze')).toBe(1);
  });

  it.each([
    [300_000, 13],
    [-300_000, 7],
  ])(
    'with a drift of %i ppm greets %i times in a tenth of a second, and ten times after: ClockDrift',
    (ppm, times) => {
      weather({ type: 'ClockDrift', ...DURING, ...onNode, driftPpm: ppm });

      const count = (from: number, to: number): number =>
        greetedAt(1).filter((at) => at > from && at <= to).length;
      expect(Math.abs(count(100, 200) - times)).toBeLessThanOrEqual(1);
      expect(count(200, 300)).toBeGreaterThanOrEqual(9);
      expect(count(200, 300)).toBeLessThanOrEqual(10);
      expect(felt('ClockDrift')).toBe(1);
    },
  );

  it('runs right again when all drifts are over, in whatever order they end', () => {
    weather(
      { type: 'ClockDrift', atMs: 100, untilMs: 200, ...onNode, driftPpm: 300_000 },
      { type: 'ClockDrift', atMs: 150, untilMs: 250, ...onNode, driftPpm: -300_000 },
    );

    expect(world.nodes[0]?.clock.driftPpm).toBe(0);
  });
});

describe('a process', () => {
  const onNode = { target: { node: 1 } };

  it('crashes again and again: CrashLoop', () => {
    weather({ type: 'CrashLoop', ...DURING, ...onNode, upMs: 10, downMs: 20 });

    expect(of(1).crashedAtMs).toEqual([100, 130, 160, 190]);
    expect(of(1).startedAtMs).toEqual([0, 120, 150, 180, 210]);
    expect(felt('CrashLoop')).toBe(4);
  });

  it('that is slow takes its time for every turn: SlowNode', () => {
    weather({ type: 'SlowNode', ...DURING, ...onNode, turnUs: 6_000 });

    const gaps = (node: number, from: number, to: number): readonly number[] => {
      const at = of(node).turnsAtMs.filter((ms) => ms > from && ms < to);
      return at.slice(1).map((ms, i) => ms - (at[i] as number));
    };
    expect(Math.min(...gaps(1, 101, 200))).toBeGreaterThanOrEqual(6);
    expect(Math.min(...gaps(2, 101, 200))).toBeLessThan(6);
    expect(Math.min(...gaps(1, 207, 300))).toBeLessThan(6);
    expect(felt('SlowNode')).toBe(1);
  });

  it('comes back as another version, from the same disk: Upgrade', () => {
    weather({ type: 'Upgrade', atMs: 100, downMs: 50, node: 1, version: 1 });

    expect(of(1).startedAtMs).toEqual([0, 150]);
    expect(of(1).versions).toEqual([0, 1]);
    expect(of(1).restored[1]).toBeGreaterThan(0);
    const texts = of(2)
      .heard.filter(({ from, atMs }) => from === 1 && atMs > 150)
      .map(({ text }) => text);
    expect(texts.length).toBeGreaterThan(10);
    expect(texts.every((text) => text.startsWith('1 of version 1 says'))).toBe(true);
  });
});

describe('what is felt', () => {
  it('counts every strike, and who lasts while it lasts', () => {
    const underWay: string[][] = [];
    for (const atMs of [99, 150, 201]) callAt(world, atMs * 1_000, () => underWay.push([...world.underWay]));

    weather({ type: 'Mute', ...DURING, target: { node: 1 } });

    expect(underWay).toEqual([[], ['Mute'], []]);
    expect(felt('Mute struck')).toBe(1);
  });

  it('is nothing where nobody is struck', () => {
    weather({ type: 'Mute', ...DURING, target: { leaderOf: 8 } });

    expect([...world.felt.keys()]).toEqual([]);
  });
});

describe('bends', () => {
  const bends = { onChance: 1_000_000, fireChance: 500_000, off: [] };
  /** When which node's code was bent in a run. */
  const bentTimes = (settings: Partial<WorldSettings>): readonly number[] => {
    open(settings);
    weather();
    return NODES.flatMap((node) => of(node).bent);
  };

  it('are taken at some turns, and shown to the observer', () => {
    const perSeed = Array.from({ length: 6 }, (_, i) => bentTimes({ seed: i + 1, bends }).length);

    expect(Math.max(...perSeed)).toBeGreaterThan(0);
    expect(perSeed.some((count) => count > 0 && count < 90)).toBe(true);
  });

  it('are felt by the name of the point', () => {
    const times = bentTimes({ seed: 2, bends });

    expect(times.length).toBeGreaterThan(0);
    expect(felt('bend: say nothing')).toBe(times.length);
    // Nothing was said in the turns that were bent: two messages each.
    expect(NODES.flatMap((node) => of(node).heard).length).toBeLessThan(186 - 2 * (times.length - 3));
  });

  it('are the same in the same run', () => {
    expect(bentTimes({ seed: 2, bends })).toEqual(bentTimes({ seed: 2, bends }));
  });

  it('have points that are on in some runs and off in others', () => {
    const on = Array.from(
      { length: 12 },
      (_, i) =>
        bentTimes({ seed: i + 1, bends: { ...bends, onChance: 500_000, fireChance: 1_000_000 } }).length > 0,
    );

    expect(new Set(on)).toEqual(new Set([true, false]));
  });

  it('leave alone a point that is named as off', () => {
    expect(bentTimes({ seed: 2, bends: { ...bends, off: ['say nothing'] } })).toEqual([]);
  });

  it('are none without a chance', () => {
    expect(bentTimes({ seed: 2, bends: { ...bends, onChance: 0 } })).toEqual([]);
  });

  it('are none for those whom the calm has healed', () => {
    open({ seed: 2, bends });
    callAt(world, 150_000, () => becalm(world, { atMs: 150, heal: 'all', limitMs: 1_000 }));

    weather();

    const times = NODES.flatMap((node) => of(node).bent);
    expect(times.length).toBeGreaterThan(0);
    expect(times.every((at) => at <= 150)).toBe(true);
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
