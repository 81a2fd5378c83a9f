import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NetworkSettings } from '../../../sim/faults/scenario.js';
import {
  arrivals,
  beginSquall,
  createNetwork,
  cutLink,
  endSquall,
  healLink,
  linkOf,
  mendLink,
  type Network,
  type Parcels,
} from '../../../sim/world/network.js';

const QUIET: NetworkSettings = {
  minDelayUs: 100,
  maxDelayUs: 1_000,
  slowChance: 0,
  slowMaxDelayUs: 500_000,
  lossChance: 0,
  duplicateChance: 0,
  corruptChance: 0,
  checksums: true,
  inOrder: false,
  bytesPerSecond: 0,
};

const NODES = 3;

/** Messages are texts; their first word is their kind, and each letter is a byte. */
const PARCELS: Parcels = {
  kindOf: (message) => String(message).split(' ')[0] as string,
  bytesOf: (message) => String(message).length,
};

function network(changes: Partial<NetworkSettings> = {}, seed = 1): Network {
  return createNetwork(seed, NODES, { ...QUIET, ...changes }, PARCELS, new Map());
}

/** When the copies of a message arrive that is sent now. */
function times(over: Network, from: number, to: number, nowUs: number, message = 'word'): readonly number[] {
  return arrivals(over, from, to, message, nowUs).map(({ atUs }) => atUs);
}

/** Whatever is sent to this node takes so much longer, as under a `Lag`. */
function changeLag(over: Network, to: number, byUs: number): void {
  for (let from = 1; from <= NODES; from += 1) linkOf(over, from, to).lagUs += byUs;
}

/** What becomes of `count` messages from node 1 to node 2, one every 10 µs. */
function flight(over: Network, count = 1_000): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, i) => times(over, 1, 2, i * 10));
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

    const copies = Array.from({ length: 20 }, () => times(over, 1, 2, 5)).flat();

    expect(new Set(copies).size).toBe(20);
  });

  it('decides about a message by its own moment, whatever else is sent', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1_000), { minLength: 2, maxLength: 30 }),
        fc.nat(),
        (moments, seed) => {
          const sorted = moments.toSorted((a, b) => a - b);
          const settings = {
            lossChance: 100_000,
            duplicateChance: 100_000,
            slowChance: 100_000,
            corruptChance: 100_000,
          };
          const all = network(settings, seed);
          const some = network(settings, seed);

          const ofAll = new Map(sorted.map((at) => [at, arrivals(all, 1, 2, 'word', at)]));
          const ofSome = sorted
            .filter((_, i) => i % 2 === 0)
            .map((at) => [at, arrivals(some, 1, 2, 'word', at)] as const);

          for (const [at, copies] of ofSome) expect(copies).toEqual(ofAll.get(at));
        },
      ),
    );
  });
});

describe('a cut link', () => {
  it('delivers nothing, and its other direction still does', () => {
    const over = network();

    cutLink(over, 1, 2, 'Isolate');

    expect(times(over, 1, 2, 0)).toEqual([]);
    expect(times(over, 2, 1, 0)).toHaveLength(1);
    expect(times(over, 1, 3, 0)).toHaveLength(1);
  });

  it('is mended when everything that cut it is over', () => {
    const over = network();
    cutLink(over, 1, 2, 'Isolate');
    cutLink(over, 1, 2, 'Isolate');

    mendLink(over, 1, 2, 'Isolate');
    const stillCut = times(over, 1, 2, 0);
    mendLink(over, 1, 2, 'Isolate');
    const mended = times(over, 1, 2, 0);

    expect(stillCut).toEqual([]);
    expect(mended).toHaveLength(1);
  });
});

describe('a lag', () => {
  it('holds up all that is sent to one node, and only that', () => {
    const over = network();

    changeLag(over, 2, 30_000);

    expect(times(over, 1, 2, 0)[0]).toBeGreaterThanOrEqual(30_000);
    expect(times(over, 3, 2, 0)[0]).toBeGreaterThanOrEqual(30_000);
    expect(times(over, 2, 1, 0)[0]).toBeLessThanOrEqual(QUIET.maxDelayUs);
  });

  it('adds to another, and ends', () => {
    const over = network();
    changeLag(over, 2, 30_000);
    changeLag(over, 2, 50_000);

    const both = times(over, 1, 2, 0)[0];
    changeLag(over, 2, -30_000);
    const one = times(over, 1, 2, 100)[0];
    changeLag(over, 2, -50_000);
    const none = times(over, 1, 2, 200)[0];

    expect(both).toBeGreaterThanOrEqual(80_000);
    expect(one).toBeLessThan(52_000);
    expect(none).toBeLessThanOrEqual(200 + QUIET.maxDelayUs);
  });

  it('that ends lets nothing overtake on a link that keeps its order', () => {
    const over = network({ inOrder: true });

    changeLag(over, 2, 30_000);
    const [first] = times(over, 1, 2, 0);
    changeLag(over, 2, -30_000);
    const [second] = times(over, 1, 2, 10);

    expect(second).toBeGreaterThanOrEqual(first ?? 0);
  });
});

describe('a squall', () => {
  const squall = { lossChance: 500_000, duplicateChance: 500_000, corruptChance: 0, maxDelayUs: 100_000 };

  it('loses, repeats and delays while it lasts', () => {
    const over = network();

    beginSquall(over, squall);
    const during = flight(over, 200);
    endSquall(over, squall);
    const after = flight(over, 200);

    expect(during.some((copies) => copies.length === 0)).toBe(true);
    expect(during.some((copies) => copies.length === 2)).toBe(true);
    expect(during.some((copies, i) => (copies[0] ?? 0) > i * 10 + QUIET.maxDelayUs)).toBe(true);
    expect(after.every((copies) => copies.length === 1)).toBe(true);
  });

  it('never makes the weather better than the scenario says', () => {
    const over = network({ lossChance: 1_000_000 });

    beginSquall(over, { ...squall, lossChance: 0 });

    expect(flight(over, 50).flat()).toEqual([]);
  });
});

describe('a calm link', () => {
  it('loses, repeats and holds up nothing', () => {
    const over = network({ lossChance: 900_000, duplicateChance: 900_000, slowChance: 900_000 });

    linkOf(over, 1, 2).calm = true;
    const sent = flight(over, 200);

    sent.forEach((copies, i) => {
      expect(copies).toHaveLength(1);
      expect(copies[0]).toBeLessThanOrEqual(i * 10 + QUIET.maxDelayUs);
    });
  });
});

describe('damage', () => {
  it('strikes about as many messages as it should, and says which', () => {
    const over = network({ corruptChance: 200_000 });

    const damaged = Array.from({ length: 1_000 }, (_, i) => arrivals(over, 1, 2, 'word', i * 10))
      .flat()
      .filter(({ corrupt }) => corrupt !== undefined).length;

    expect(damaged).toBeGreaterThan(140);
    expect(damaged).toBeLessThan(260);
    expect(over.felt.get('message damaged')).toBe(damaged);
  });
});

describe('a link that carries only so much', () => {
  it('lets messages leave one behind the other, by their bytes', () => {
    const over = network({ bytesPerSecond: 1_000, minDelayUs: 0, maxDelayUs: 0 });

    const sent = ['ten bytes!', 'four', 'x'].map((message) => times(over, 1, 2, 0, message)[0]);

    expect(sent).toEqual([10_000, 14_000, 15_000]);
    expect(over.felt.get('bandwidth')).toBe(2);
    expect(times(over, 2, 1, 0, 'four')).toEqual([4_000]);
    expect(times(over, 1, 2, 20_000, 'four')).toEqual([24_000]);
  });
});

describe('a network with decisions', () => {
  const decisions = {
    delayUs: 700,
    list: [
      { from: 1, to: 2, kind: 'vote', nth: 1, arriveUs: [] },
      { from: 1, to: 2, kind: 'vote', nth: 3, arriveUs: [90_000] },
      { from: 1, to: 2, kind: 'append', nth: 1, arriveUs: [100, 200] },
    ],
  };
  const rough = { lossChance: 900_000, duplicateChance: 900_000, slowChance: 900_000, inOrder: true };

  it('lets named messages be lost, late or twice, and all others take their fixed time', () => {
    const over = network({ ...rough, decisions });

    const votes = [0, 10, 20, 30].map((at) => times(over, 1, 2, at, 'vote for me'));
    const appends = [40, 50].map((at) => times(over, 1, 2, at, 'append this'));

    expect(votes).toEqual([[], [710], [90_020], [730]]);
    expect(appends).toEqual([[140, 240], [750]]);
  });

  it('counts by link and by kind', () => {
    const over = network({ ...rough, decisions });

    expect(times(over, 2, 1, 0, 'vote for me')).toEqual([700]);
    expect(times(over, 1, 3, 0, 'vote for me')).toEqual([700]);
    expect(times(over, 1, 2, 0, 'vote for me')).toEqual([]);
  });

  it('is the same whatever the seed', () => {
    const fates = (seed: number): readonly (readonly number[])[] => {
      const over = network({ ...rough, decisions }, seed);
      return Array.from({ length: 20 }, (_, i) => times(over, 1, 2, i, i % 2 === 0 ? 'vote' : 'append'));
    };

    expect(fates(1)).toEqual(fates(2));
  });
});

describe('a healed link', () => {
  it('that keeps its order is not held up by what was held up on it', () => {
    const over = network({ inOrder: true });
    linkOf(over, 1, 2).lagUs = 60_000_000;
    const [before] = times(over, 1, 2, 0);

    healLink(over, linkOf(over, 1, 2), 10);

    expect(before).toBeGreaterThanOrEqual(60_000_000);
    expect(times(over, 1, 2, 20)[0]).toBeLessThanOrEqual(20 + QUIET.maxDelayUs);
    expect(linkOf(over, 1, 2).connection).toBe(1);
    expect(linkOf(over, 2, 1).connection).toBe(0);
  });
});
