import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId, type GroupId, type NodeId } from '../../../core/machine/units.js';
import { bestLeader, leadersInOrder } from '../../../core/node/placement.js';
import { isAsWanted, nextMembers } from '../../../core/node/reconcile.js';
import type { Member, Roster } from '../../../core/node/roster.js';
import {
  hasQuorum,
  isJoint,
  leaveJoint,
  membersOf,
  simpleConfiguration,
  type Configuration,
} from '../../../core/raft/configuration.js';
import type { Members } from '../../../core/raft/reconfigure.js';

const NODES = [1, 2, 3, 4, 5, 6, 7].map(nodeId);

/** Disjoint voters and learners, at least one of the former. */
const members: fc.Arbitrary<Members> = fc
  .array(fc.constantFrom('voter', 'learner', 'none'), { minLength: 7, maxLength: 7 })
  .map((roles) => ({
    voters: NODES.filter((_, i) => roles[i] === 'voter'),
    learners: NODES.filter((_, i) => roles[i] === 'learner'),
  }))
  .filter(({ voters }) => voters.length > 0);

/** What Raft makes of a wish that it accepts: in one step where one vote changes, through a joint one otherwise. */
function accepted(config: Configuration, { voters, learners }: Members): Configuration {
  const come = voters.filter((node) => !config.voters.includes(node));
  const go = config.voters.filter((node) => !voters.includes(node));
  if (come.length + go.length <= 1) return simpleConfiguration(voters, learners);
  return {
    voters,
    outgoing: config.voters,
    learners: learners.filter((node) => !config.voters.includes(node)),
    learnersNext: learners.filter((node) => config.voters.includes(node)),
  };
}

/** All configurations on the way, in order. */
function wayTo(
  from: Configuration,
  wanted: Members,
  isSlow: (node: NodeId) => boolean,
): readonly Configuration[] {
  const way: Configuration[] = [from];
  for (let steps = 0; steps < 20; steps += 1) {
    const config = way[way.length - 1] as Configuration;
    if (isJoint(config)) {
      way.push(leaveJoint(config));
      continue;
    }
    const next = nextMembers(config, wanted, (node) => !isSlow(node));
    if (next === undefined) break;
    way.push(accepted(config, next));
  }
  return way;
}

describe('from any members to any others', () => {
  it('there is a way that ends where it should, when everybody catches up', () => {
    fc.assert(
      fc.property(members, members, (from, wanted) => {
        const way = wayTo(simpleConfiguration(from.voters, from.learners), wanted, () => false);

        expect(isAsWanted(way[way.length - 1] as Configuration, wanted)).toBe(true);
      }),
    );
  });

  it('nobody votes who was not a learner before, and nobody goes before all newcomers vote', () => {
    fc.assert(
      fc.property(members, members, fc.subarray(NODES), (from, wanted, slow) => {
        const start = simpleConfiguration(from.voters, from.learners);
        const way = wayTo(start, wanted, (node) => slow.includes(node));

        for (let i = 1; i < way.length; i += 1) {
          const [before, after] = [way[i - 1] as Configuration, way[i] as Configuration];
          for (const voter of after.voters) expect(membersOf(before)).toContain(voter);
          const gone = before.voters.filter((node) => !after.voters.includes(node));
          const missing = wanted.voters.filter((node) => !after.voters.includes(node));
          if (gone.length > 0 && !isJoint(before)) expect(missing).toEqual([]);
        }
      }),
    );
  });

  it('whoever is slow to catch up never costs the group its quorum', () => {
    fc.assert(
      fc.property(members, members, fc.subarray(NODES), (from, wanted, slow) => {
        const start = simpleConfiguration(from.voters, from.learners);
        // The founders are level; a newcomer may be slow.
        const newcomers = wanted.voters.filter((node) => !from.voters.includes(node));
        const isSlow = (node: NodeId): boolean => slow.includes(node) && newcomers.includes(node);
        const way = wayTo(start, wanted, isSlow);

        for (const config of way) expect(hasQuorum(config, (node) => !isSlow(node))).toBe(true);
      }),
    );
  });
});

const roster: fc.Arbitrary<Roster> = fc
  .array(fc.tuple(fc.constantFrom('voter' as const, 'learner' as const), fc.constantFrom(0, 1, 1, 1, 7)), {
    minLength: 1,
    maxLength: 7,
  })
  .map((all) => {
    const list = all.map(([role, priority], i): Member => ({
      node: nodeId(i + 1),
      address: '',
      role,
      priority,
      since: 0,
    }));
    return { version: 1, members: list };
  });

function rosterOf(size: number): Roster {
  const list = Array.from({ length: size }, (_, i): Member => ({
    node: nodeId(i + 1),
    address: '',
    role: 'voter',
    priority: 1,
    since: 0,
  }));
  return { version: 0, members: list };
}

describe('leaders', () => {
  it('are chosen among all voters and nobody else, the highest priority first', () => {
    fc.assert(
      fc.property(roster, fc.nat(10_000), (all, group) => {
        const order = leadersInOrder(all, group as GroupId);
        const voters = all.members.filter(({ role }) => role === 'voter');
        const priorities = order.map((node) => voters.find((voter) => voter.node === node)?.priority ?? -1);

        expect([...order].sort((a, b) => a - b)).toEqual(voters.map(({ node }) => node));
        expect(priorities).toEqual([...priorities].sort((a, b) => b - a));
      }),
    );
  });

  it('are spread evenly over the voters', () => {
    const counts = new Map<number, number>();
    for (let group = 0; group < 500; group += 1) {
      const leader = bestLeader(rosterOf(5), group as GroupId, () => true) ?? 0;
      counts.set(leader, (counts.get(leader) ?? 0) + 1);
    }

    expect([...counts.values()]).toEqual([100, 100, 100, 100, 100]);
  });

  it('that fail are stood in for evenly, and no other group changes hands', () => {
    const counts = new Map<number, number>();
    for (let group = 0; group < 500; group += 1) {
      const before = bestLeader(rosterOf(5), group as GroupId, () => true) ?? 0;
      const after = bestLeader(rosterOf(5), group as GroupId, (node) => node !== 3) ?? 0;
      if (before !== 3) expect(after).toBe(before);
      else counts.set(after, (counts.get(after) ?? 0) + 1);
    }

    expect([...counts.values()]).toEqual([25, 25, 25, 25]);
  });
});
