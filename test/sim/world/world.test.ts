import { describe, expect, it } from 'vitest';
import {
  ImpossibleState,
  monotonicMs,
  nodeId,
  writeNumber,
  type HostEffect,
  type HostEvent,
  type Machine,
} from '../../../core/index.js';
import {
  ask,
  callAt,
  crashNode,
  createWorld,
  pauseNode,
  PropertyBroken,
  runWorld,
  startNode,
  type Observer,
  type World,
  type WorldSettings,
} from '../../../sim/world/world.js';

/** A machine that does what it is asked to do, and keeps a list of all that happened to it. */
type Log = readonly string[];
type Wish = HostEffect<string, string, string>;
type ScriptedWorld = World<Log, string, readonly Wish[], string, string>;

const scripted: Machine<Log, string, readonly Wish[], string, string> = {
  start: ({ stored }) => ({ state: stored.map(({ key, value }) => `found ${key}=${value}`), effects: [] }),
  step: (state, { events }) => ({
    state: [...state, ...events.map(tell)],
    effects: events.flatMap((event) => (event.type === 'RequestReceived' ? event.request : [])),
  }),
};

function tell(event: HostEvent<string, readonly Wish[]>): string {
  switch (event.type) {
    case 'MessageReceived':
      return `${event.from} said ${event.message}`;
    case 'WriteCompleted':
      return `wrote ${event.write}`;
    default:
      return event.type;
  }
}

const SETTINGS: WorldSettings = {
  seed: 1,
  nodes: 2,
  network: {
    minDelayUs: 100,
    maxDelayUs: 100,
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
  host: { turnUs: 0, restartMs: 50 },
  bends: { onChance: 0, fireChance: 0, off: [] },
};

const ONE = nodeId(1);
const TWO = nodeId(2);

const blind: Observer<Log, string, readonly Wish[], string, string> = {
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

/** A world in which both nodes run, at virtual time 0. */
function open(changes: { settings?: Partial<WorldSettings>; observer?: typeof blind } = {}): ScriptedWorld {
  const world = createWorld({ ...SETTINGS, ...changes.settings }, () => scripted, changes.observer ?? blind);
  for (const { id } of world.nodes) startNode(world, id);
  return world;
}

function logOf(world: ScriptedWorld, node: number): Log | undefined {
  return world.nodes[node - 1]?.state;
}

/** Lets a node do these things; whatever it answers goes to `heard`. */
function wish(world: ScriptedWorld, effects: readonly Wish[], heard: string[] = []): void {
  ask(world, ONE, effects, (answer) => heard.push(answer));
}

const forever = (): boolean => false;

const write = (number: number, value = `v${number}`): Wish => ({
  type: 'Persist',
  write: writeNumber(number),
  changes: [{ type: 'Put', key: 'k', value }],
});

describe('the world', () => {
  it('delivers messages in the order of one link', () => {
    const world = open();

    wish(world, [{ type: 'Send', to: TWO, messages: ['a', 'b', 'c'] }]);
    runWorld(world, forever);

    expect(logOf(world, 2)).toEqual(['1 said a', '1 said b', '1 said c']);
  });

  it('gives each answer to whoever asked, once', () => {
    const world = open();
    const heard: string[] = [];
    const token = world.nextToken;

    wish(
      world,
      [
        { type: 'Reply', token, answer: 'yes' },
        { type: 'Reply', token, answer: 'no' },
      ],
      heard,
    );
    runWorld(world, forever);

    expect(heard).toEqual(['yes']);
  });

  it('syncs writes in order and reports the last of a sync', () => {
    const world = open();

    wish(world, [write(1), write(2)]);
    runWorld(world, forever);

    expect(logOf(world, 1)).toEqual(['RequestReceived', 'wrote 2']);
  });

  it('starts a node from what its disk kept', () => {
    const world = open();
    wish(world, [write(1, 'kept')]);
    runWorld(world, forever);

    crashNode(world, ONE);
    startNode(world, ONE);

    expect(logOf(world, 1)).toEqual(['found k=kept']);
  });

  it('forgets with a crash what was on its way to the process: timers, syncs and its inbox', () => {
    const world = open();
    const startedAt = world.nodes[0]?.clock.monotonicMs ?? 0;
    wish(world, [write(1), { type: 'SetTimer', at: monotonicMs(startedAt + 5) }]);

    callAt(world, 500, () => {
      crashNode(world, ONE);
      startNode(world, ONE);
    });
    runWorld(world, forever);

    expect(logOf(world, 1)?.filter((line) => !line.startsWith('found'))).toEqual([]);
  });

  it('lets a later timer replace an earlier one', () => {
    const world = open();
    const startedAt = world.nodes[0]?.clock.monotonicMs ?? 0;
    const timer = (afterMs: number): Wish => ({ type: 'SetTimer', at: monotonicMs(startedAt + afterMs) });

    wish(world, [timer(5), timer(9)]);
    runWorld(world, forever);

    expect(logOf(world, 1)).toEqual(['RequestReceived', 'TimerFired']);
    expect(world.nowUs).toBe(9_000);
  });

  it('drops what arrives at a node that is down', () => {
    const world = open();
    crashNode(world, TWO);

    wish(world, [{ type: 'Send', to: TWO, messages: ['a'] }]);
    callAt(world, 5_000, () => startNode(world, TWO));
    runWorld(world, forever);

    expect(logOf(world, 2)).toEqual([]);
  });

  it('hands a busy node all that waits in one turn', () => {
    const turns: number[] = [];
    const observer = {
      ...blind,
      stepped: (node: number, _before: Log, turn: { readonly events: readonly unknown[] }) => {
        if (node === 2) turns.push(turn.events.length);
      },
    };
    const world = open({ observer });

    pauseNode(world, TWO, 10_000);
    wish(world, [{ type: 'Send', to: TWO, messages: ['a', 'b', 'c'] }]);
    runWorld(world, forever);

    expect(turns).toEqual([3]);
    expect(world.nowUs).toBe(10_000);
  });

  it('shows a step before anything that it sent arrives, whatever the delay', () => {
    const order: string[] = [];
    const observer = {
      ...blind,
      stepped: (node: number) => {
        order.push(`step of ${node}`);
      },
    };
    const world = open({
      observer,
      settings: { network: { ...SETTINGS.network, minDelayUs: 0, maxDelayUs: 0 } },
    });

    wish(world, [{ type: 'Send', to: TWO, messages: ['a'] }]);
    runWorld(world, forever);

    expect(order).toEqual(['step of 1', 'step of 2']);
  });

  it('draws another clock for every run of a node, whose rate stays', () => {
    const world = open({ settings: { clocks: { maxDriftPpm: 50_000, maxWallOffsetMs: 1_000 } } });
    const first = world.nodes[0]?.clock;

    crashNode(world, ONE);
    startNode(world, ONE);
    const second = world.nodes[0]?.clock;

    expect(second?.driftPpm).toBe(first?.driftPpm);
    expect(second?.wallMs).toBe(first?.wallMs);
    expect(second?.monotonicMs).not.toBe(first?.monotonicMs);
  });
});

describe('a run ends', () => {
  it('when nothing more will happen', () => {
    const world = open();

    runWorld(world, forever);

    expect(world.failure).toBeUndefined();
  });

  it('when it is told to', () => {
    const world = open();
    callAt(world, 1_000, () => undefined);
    callAt(world, 2_000, () => undefined);

    runWorld(world, () => world.nowUs >= 1_000);

    expect(world.nowUs).toBe(1_000);
  });

  it.each<[string, () => never, string]>([
    [
      'a broken property',
      () => {
        throw new PropertyBroken('a rule', 'in words');
      },
      'a rule',
    ],
    [
      'an assertion of the machine',
      () => {
        throw new ImpossibleState('in words');
      },
      'assertion of the machine',
    ],
  ])('at %s', (_name, fail, property) => {
    const world = open();

    callAt(world, 700, fail);
    callAt(world, 800, () => undefined);
    runWorld(world, forever);

    expect(world.failure).toEqual({ property, detail: 'in words', atUs: 700 });
    expect(world.nowUs).toBe(700);
  });

  it('when a node halts', () => {
    const world = open();

    wish(world, [{ type: 'Halt', reason: 'the disk is gone' }]);
    runWorld(world, forever);

    expect(world.failure).toMatchObject({
      property: 'a node halted',
      detail: 'node 1 halted: the disk is gone',
    });
  });

  it('with an exception when the simulator itself is wrong', () => {
    const world = open();

    callAt(world, 700, () => {
      throw new TypeError('a mistake');
    });

    expect(() => runWorld(world, forever)).toThrow('a mistake');
  });
});
