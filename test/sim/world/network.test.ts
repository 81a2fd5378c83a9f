import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NetworkSettings } from '../../../sim/faults/scenario.js';
import { arrivals, changeCut, changeLag, createNetwork, type Network } from '../../../sim/world/network.js';

const QUIET: NetworkSettings = {
  minDelayUs: 100,
  maxDelayUs: 1_000,
  slowChance: 0,
  slowMaxDelayUs: 500_000,
  lossChance: 0,
  duplicateChance: 0,
  inOrder: false,
};

function network(changes: Partial<NetworkSettings> = {}, seed = 1): Network {
  return createNetwork(seed, { ...QUIET, ...changes });
}

/** What becomes of `count` messages from node 1 to node 2, one every 10 µs. */
function flight(over: Network, count = 1_000): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, i) => arrivals(over, 1, 2, i * 10));
}

describe('the simulated network', () => {
  it('delivers every message once within its delays when nothing is the matter', () => {
    const sent = flight(network());

    sent.forEach((copies, i) => {
      expect(copies).toHaveLength(1);
      expect(copies[0]).toBeGreaterThanOrEqual(i * 10 + QUIET.minDelayUs);
      expect(copies[0]).toBeLessThanOrEqual(i * 10 + QUIET.maxDelayUs);
    });
  });

  it('lets messages overtake each other unless its links keep their order', () => {
    const free = flight(network()).flat();
    const ordered = flight(network({ inOrder: true, duplicateChance: 100_000, slowChance: 50_000 })).flat();

    expect(free).not.toEqual(free.toSorted((a, b) => a - b));
    expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
  });

  it('loses about as many messages as it should', () => {
    const lost = flight(network({ lossChance: 200_000 })).filter((copies) => copies.length === 0).length;

    expect(lost).toBeGreaterThan(140);
    expect(lost).toBeLessThan(260);
  });

  it('repeats about as many messages as it should', () => {
    const twice = flight(network({ duplicateChance: 200_000 })).filter(
      (copies) => copies.length === 2,
    ).length;

    expect(twice).toBeGreaterThan(140);
    expect(twice).toBeLessThan(260);
  });

  it('holds some messages up for long', () => {
    const slow = flight(network({ slowChance: 100_000 })).filter(
      (copies, i) => (copies[0] ?? 0) - i * 10 > QUIET.maxDelayUs,
    );

    expect(slow.length).toBeGreaterThan(50);
    expect(slow.length).toBeLessThan(200);
  });

  it('tells messages of one moment apart', () => {
    const over = network({ maxDelayUs: 1_000_000 });

    const copies = Array.from({ length: 20 }, () => arrivals(over, 1, 2, 5)).flat();

    expect(new Set(copies).size).toBe(20);
  });

  it('decides about a message by its own moment, whatever else is sent', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1_000), { minLength: 2, maxLength: 30 }),
        fc.nat(),
        (moments, seed) => {
          const times = moments.toSorted((a, b) => a - b);
          const settings = { lossChance: 100_000, duplicateChance: 100_000, slowChance: 100_000 };
          const all = network(settings, seed);
          const some = network(settings, seed);

          const ofAll = new Map(times.map((at) => [at, arrivals(all, 1, 2, at)]));
          const ofSome = times
            .filter((_, i) => i % 2 === 0)
            .map((at) => [at, arrivals(some, 1, 2, at)] as const);

          for (const [at, copies] of ofSome) expect(copies).toEqual(ofAll.get(at));
        },
      ),
    );
  });
});

describe('a cut link', () => {
  it('delivers nothing, and its other direction still does', () => {
    const over = network();

    changeCut(over, 1, 2, 1);

    expect(arrivals(over, 1, 2, 0)).toEqual([]);
    expect(arrivals(over, 2, 1, 0)).toHaveLength(1);
    expect(arrivals(over, 1, 3, 0)).toHaveLength(1);
  });

  it('is mended when everything that cut it is over', () => {
    const over = network();
    changeCut(over, 1, 2, 1);
    changeCut(over, 1, 2, 1);

    changeCut(over, 1, 2, -1);
    const stillCut = arrivals(over, 1, 2, 0);
    changeCut(over, 1, 2, -1);
    const mended = arrivals(over, 1, 2, 0);

    expect(stillCut).toEqual([]);
    expect(mended).toHaveLength(1);
  });
});

describe('a lag', () => {
  it('holds up all that is sent to one node, and only that', () => {
    const over = network();

    changeLag(over, 2, 30_000);

    expect(arrivals(over, 1, 2, 0)[0]).toBeGreaterThanOrEqual(30_000);
    expect(arrivals(over, 3, 2, 0)[0]).toBeGreaterThanOrEqual(30_000);
    expect(arrivals(over, 2, 1, 0)[0]).toBeLessThanOrEqual(QUIET.maxDelayUs);
  });

  it('adds to another, and ends', () => {
    const over = network();
    changeLag(over, 2, 30_000);
    changeLag(over, 2, 50_000);

    const both = arrivals(over, 1, 2, 0)[0];
    changeLag(over, 2, -30_000);
    const one = arrivals(over, 1, 2, 100)[0];
    changeLag(over, 2, -50_000);
    const none = arrivals(over, 1, 2, 200)[0];

    expect(both).toBeGreaterThanOrEqual(80_000);
    expect(one).toBeLessThan(52_000);
    expect(none).toBeLessThanOrEqual(200 + QUIET.maxDelayUs);
  });

  it('that ends lets nothing overtake on a link that keeps its order', () => {
    const over = network({ inOrder: true });

    changeLag(over, 2, 30_000);
    const [first] = arrivals(over, 1, 2, 0);
    changeLag(over, 2, -30_000);
    const [second] = arrivals(over, 1, 2, 10);

    expect(second).toBeGreaterThanOrEqual(first ?? 0);
  });
});

describe('a squall', () => {
  const squall = { lossChance: 500_000, duplicateChance: 500_000, maxDelayUs: 100_000 };

  it('loses, repeats and delays while it lasts', () => {
    const over = network();

    over.squalls.add(squall);
    const during = flight(over, 200);
    over.squalls.clear();
    const after = flight(over, 200);

    expect(during.some((copies) => copies.length === 0)).toBe(true);
    expect(during.some((copies) => copies.length === 2)).toBe(true);
    expect(during.some((copies, i) => (copies[0] ?? 0) > i * 10 + QUIET.maxDelayUs)).toBe(true);
    expect(after.every((copies) => copies.length === 1)).toBe(true);
  });

  it('never makes the weather better than the scenario says', () => {
    const over = network({ lossChance: 1_000_000 });

    over.squalls.add({ ...squall, lossChance: 0 });

    expect(flight(over, 50).flat()).toEqual([]);
  });
});

describe('a calm network', () => {
  it('loses, repeats and holds up nothing', () => {
    const over = network({ lossChance: 900_000, duplicateChance: 900_000, slowChance: 900_000 });

    over.calm = true;
    const sent = flight(over, 200);

    sent.forEach((copies, i) => {
      expect(copies).toHaveLength(1);
      expect(copies[0]).toBeLessThanOrEqual(i * 10 + QUIET.maxDelayUs);
    });
  });
});
