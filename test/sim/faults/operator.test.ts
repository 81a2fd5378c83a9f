import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, type HostEffect, type Machine } from '../../../core/index.js';
import { createOperator, type Orders, type Wish } from '../../../sim/faults/operator.js';
import type { Fault, Scenario } from '../../../sim/faults/scenario.js';
import { scheduleFaults } from '../../../sim/faults/strike.js';
import { callAt, createWorld, runWorld, startNode, type World } from '../../../sim/world/world.js';

/** A machine that does nothing but hear orders, and answers each of them as it is told to. */
type Reply = 'yes' | 'no' | 'later';
type OrderWorld = World<number, never, string, Reply, number>;
type Heard = { readonly node: number; readonly text: string; readonly atMs: number };

const FOUNDERS = 3;
const SPARES = 2;
const END_MS = 30_000;

interface Play {
  readonly world: OrderWorld;
  readonly heard: readonly Heard[];
  readonly started: readonly { readonly node: number; readonly atMs: number }[];
  readonly felt: (what: string) => number;
}

interface Script {
  readonly faults: readonly Fault[];
  readonly answer?: (order: Heard) => Reply | undefined;
  readonly electorates?: Orders<string, Reply>['electorates'];
  readonly expect?: Scenario['expect'];
  /** When the calm comes, in which operators do nothing more. */
  readonly calmMs?: number;
}

/** Three founders and two spares; what a majority is needed of is all founders, if nothing else is said. */
function play({ faults, answer = () => 'yes', expect: expected = 'service', ...script }: Script): Play {
  const { electorates = () => [[1, 2, 3]], calmMs = END_MS } = script;
  const heard: Heard[] = [];
  const started: { node: number; atMs: number }[] = [];
  const listener = (node: number): Machine<number, never, string, Reply, number> => ({
    start: () => ({ state: 0, effects: [] }),
    step(state, { events }) {
      const effects: HostEffect<never, Reply, number>[] = [];
      for (const event of events) {
        if (event.type !== 'RequestReceived') continue;
        const order = { node, text: event.request, atMs: Math.floor(world.nowUs / 1_000) };
        heard.push(order);
        const said = answer(order);
        if (said !== undefined) effects.push({ type: 'Reply', token: event.token, answer: said });
      }
      return { state: state + 1, effects };
    },
  });
  const world: OrderWorld = createWorld<number, never, string, Reply, number>(
    {
      seed: 1,
      nodes: FOUNDERS,
      spares: SPARES,
      network: {
        minDelayUs: 100,
        maxDelayUs: 200,
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
        minSyncUs: 1,
        maxSyncUs: 1,
        slowChance: 0,
        slowMaxSyncUs: 0,
        failChance: 0,
        checksums: true,
        atomicWrites: true,
      },
      clocks: { maxDriftPpm: 0, maxWallOffsetMs: 0 },
      host: { turnUs: 0, restartMs: 10 },
      bends: { onChance: 0, fireChance: 0, off: [] },
    },
    listener,
    {
      started: (node) => void started.push({ node, atMs: Math.floor(world.nowUs / 1_000) }),
      stepped: () => undefined,
      synced: () => undefined,
      crashed: () => undefined,
    },
  );
  const orders: Orders<string, Reply> = {
    toRequest: describeWish,
    hear: (said) => (said === 'yes' ? 'done' : said === 'no' ? 'refused' : 'again'),
    electorates,
  };
  for (const { id } of world.nodes) callAt(world, 0, () => startNode(world, id));
  scheduleFaults(world, faults, () => false, createOperator(world, orders, expected));
  callAt(world, calmMs * 1_000, () => (world.calm = true));
  runWorld(world, () => world.nowUs > END_MS * 1_000);
  return { world, heard, started, felt: (what) => world.felt.get(what) ?? 0 };
}

function describeWish(wish: Wish): string {
  if (wish.type === 'HandOver') return 'hand over';
  if (wish.type === 'Transfer') return `group ${wish.group} to ${wish.node}`;
  const add = wish.add.map(({ node, role }) => `+${node} ${role}`);
  return [...add, ...wish.promote.map((node) => `^${node}`), ...wish.remove.map((node) => `-${node}`)].join();
}

function isUp({ world }: Play, node: number): boolean {
  return world.nodes[node - 1]?.state !== undefined;
}

const texts = (heard: readonly Heard[]): readonly string[] => [...new Set(heard.map(({ text }) => text))];

describe('a spare', () => {
  it('is no part of anything before it is wanted', () => {
    const crash: Fault = { type: 'Crash', atMs: 10, untilMs: 20, target: { node: 4 } };

    const played = play({ faults: [crash, { type: 'Blackout', atMs: 30, untilMs: 60 }] });

    expect(played.started.filter(({ node }) => node > FOUNDERS)).toEqual([]);
    expect(isUp(played, 4)).toBe(false);
  });

  it('starts when it is to join, is asked for under its number, and crashes and starts like any node', () => {
    const crash: Fault = { type: 'Crash', atMs: 500, untilMs: 600, target: { node: 4 } };

    const played = play({ faults: [{ type: 'Join', atMs: 100, node: 4, role: 'learner' }, crash] });

    expect(played.started.filter(({ node }) => node === 4).map(({ atMs }) => atMs)).toEqual([100, 600]);
    expect(texts(played.heard)).toEqual(['+4 learner']);
    expect(played.felt('Join struck')).toBe(1);
    expect(played.felt('Change done')).toBe(1);
    expect(isUp(played, 5)).toBe(false);
  });
});

describe('a wish', () => {
  const promote: Fault = { type: 'Promote', atMs: 100, node: 3 };

  it('is asked for again, also of other nodes, while nobody can say', () => {
    let asked = 0;

    const played = play({ faults: [promote], answer: () => ((asked += 1) < 12 ? 'later' : 'yes') });

    expect(played.heard).toHaveLength(12);
    expect(new Set(played.heard.map(({ node }) => node)).size).toBeGreaterThan(1);
    expect(played.felt('Change done')).toBe(1);
  });

  it('is asked for again when nobody answers', () => {
    const played = play({ faults: [promote], answer: ({ atMs }) => (atMs < 3_000 ? undefined : 'yes') });

    expect(played.heard.length).toBeGreaterThan(1);
    expect(played.felt('Change done')).toBe(1);
  });

  it('ends when it is refused', () => {
    const played = play({ faults: [promote], answer: () => 'no' });

    expect(played.heard).toHaveLength(1);
    expect(played.felt('Change refused')).toBe(1);
  });

  it('is given up after many attempts, and in the calm', () => {
    const stubborn = play({ faults: [promote], answer: () => 'later' });
    const calm = play({ faults: [promote], answer: () => 'later', calmMs: 500 });

    expect(stubborn.felt('Change given up')).toBe(1);
    expect(calm.felt('Change given up')).toBe(1);
    expect(calm.heard.length).toBeLessThan(stubborn.heard.length);
    expect(calm.heard.every(({ atMs }) => atMs <= 501)).toBe(true);
  });

  it('to move a leader names the group and the node: Transfer', () => {
    const played = play({ faults: [{ type: 'Transfer', atMs: 10, group: 2, node: 3 }] });

    expect(texts(played.heard)).toEqual(['group 2 to 3']);
    expect(played.felt('Transfer done')).toBe(1);
  });
});

describe('a node that goes', () => {
  it('by Leave is taken out, goes on for a while, and is stopped for good', () => {
    const played = play({
      faults: [
        { type: 'Leave', atMs: 100, node: 2, stopAfterMs: 1_000 },
        { type: 'Crash', atMs: 500, untilMs: 600, target: { node: 2 } },
        { type: 'Blackout', atMs: 5_000, untilMs: 5_100 },
      ],
    });

    expect(texts(played.heard)).toEqual(['-2']);
    expect(played.started.filter(({ node }) => node === 2)).toHaveLength(2);
    expect(isUp(played, 2)).toBe(false);
    expect(played.felt('machine stopped for good')).toBe(1);
  });

  it('is not stopped while its vote is still needed', () => {
    const faults: readonly Fault[] = [{ type: 'Leave', atMs: 100, node: 2, stopAfterMs: 0 }];

    const played = play({ faults, electorates: () => [[1, 2]] });

    expect(isUp(played, 2)).toBe(true);
  });

  it('is not stopped when the cluster would not let it go', () => {
    const faults: readonly Fault[] = [{ type: 'Leave', atMs: 100, node: 2, stopAfterMs: 0 }];

    expect(isUp(play({ faults, answer: () => 'no' }), 2)).toBe(true);
  });

  it('by Replace is dead for good, and a spare is asked for in its place in the same step', () => {
    const played = play({ faults: [{ type: 'Replace', atMs: 100, node: 1, spare: 5 }] });

    expect(texts(played.heard)).toEqual(['+5 voter,-1']);
    expect([isUp(played, 1), isUp(played, 5)]).toEqual([false, true]);
    expect(played.world.nodes[0]?.disk.durable.size).toBe(0);
  });

  it('goes together with others who come: Reshape', () => {
    const faults: readonly Fault[] = [
      { type: 'Reshape', atMs: 100, join: [4, 5], leave: [1], stopAfterMs: 10 },
    ];

    const played = play({ faults });

    expect(texts(played.heard)).toEqual(['+4 voter,+5 voter,-1']);
    expect([1, 4, 5].map((node) => isUp(played, node))).toEqual([false, true, true]);
  });

  it('by HandOver is asked itself, stops when it has handed over, and comes back', () => {
    const faults: readonly Fault[] = [{ type: 'HandOver', atMs: 100, node: 3, downMs: 400 }];

    const played = play({ faults, answer: ({ atMs }) => (atMs < 1_000 ? 'later' : 'yes') });

    expect(new Set(played.heard.map(({ node }) => node))).toEqual(new Set([3]));
    const restart = played.started.filter(({ node }) => node === 3)[1]?.atMs ?? 0;
    expect(restart).toBeGreaterThanOrEqual(1_400);
    expect(played.felt('HandOver done')).toBe(1);
  });
});

describe('the ledger', () => {
  const lose = (node: number): Fault => ({ type: 'LoseDisk', atMs: node * 10, node });

  it('holds back what would leave some electorate without a majority, and counts it', () => {
    const played = play({ faults: [lose(1), lose(2)] });

    expect([isUp(played, 1), isUp(played, 2)]).toEqual([false, true]);
    expect(played.felt('LoseDisk')).toBe(1);
    expect(played.felt('LoseDisk held back')).toBe(1);
  });

  it('lets everything happen where silence is all that is expected', () => {
    const played = play({ faults: [lose(1), lose(2), lose(3)], expect: 'refusal' });

    expect([1, 2, 3].map((node) => isUp(played, node))).toEqual([false, false, false]);
  });

  it('asks for the electorates with every wish that may still come true', () => {
    const asked: (readonly Wish[])[] = [];
    const faults: readonly Fault[] = [{ type: 'Join', atMs: 5, node: 4, role: 'voter' }, lose(1)];

    play({
      faults,
      answer: () => undefined,
      electorates(wishes) {
        asked.push([...wishes]);
        return [[1, 2, 3]];
      },
    });

    expect(asked[0]?.map(describeWish)).toEqual(['+4 voter']);
  });

  it('leaves a majority of every electorate, whatever is to be destroyed and replaced', () => {
    const node = fc.integer({ min: 1, max: 5 });
    const electorate = fc.uniqueArray(node, { minLength: 1, maxLength: 5 });
    const fault = fc.oneof(
      fc.record({ type: fc.constant('LoseDisk' as const), atMs: fc.nat(900), node }),
      fc.record({ type: fc.constant('BitRot' as const), atMs: fc.nat(900), node }),
      fc.record({ type: fc.constant('Leave' as const), atMs: fc.nat(900), node, stopAfterMs: fc.nat(500) }),
      fc.record({ type: fc.constant('Replace' as const), atMs: fc.nat(900), node, spare: fc.constant(4) }),
    );
    fc.assert(
      fc.property(
        fc.array(electorate, { minLength: 1, maxLength: 3 }),
        fc.array(fault, { maxLength: 8 }),
        (electorates, faults) => {
          const { world } = play({ faults, electorates: () => electorates });

          const isLost = (voter: number): boolean => world.nodes[nodeId(voter) - 1]?.refuses !== undefined;
          for (const voters of electorates) {
            const lost = voters.filter(isLost).length;
            expect(2 * lost).toBeLessThan(voters.length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
