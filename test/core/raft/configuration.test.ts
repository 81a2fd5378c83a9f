import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../core/machine/units.js';
import {
  describeConfiguration,
  hasQuorum,
  hasVote,
  isJoint,
  isMember,
  leaveJoint,
  majorityOf,
  membersOf,
  reachedByQuorum,
  simpleConfiguration,
  votersOf,
  type Configuration,
} from '../../../core/raft/configuration.js';
import { configuration } from './support/member.js';

/** Any configuration that a group can come into, of nodes 1 to 7. */
const anyConfiguration: fc.Arbitrary<Configuration> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 7 })),
    fc.uniqueArray(fc.integer({ min: 1, max: 7 })),
  )
  .map(([voters, outgoing, others]) => {
    const inOrder = (nodes: readonly number[]) => [...nodes].sort((a, b) => a - b);
    const free = others.filter((node) => !voters.includes(node));
    return configuration(inOrder(voters), {
      outgoing: inOrder(outgoing),
      learners: inOrder(free.filter((node) => !outgoing.includes(node))),
      learnersNext: inOrder(free.filter((node) => outgoing.includes(node))),
    });
  });

/** What a majority is, said without counting to it: the others alone cannot be as many. */
function isMajority(voters: readonly number[], of: ReadonlySet<number>): boolean {
  const within = voters.filter((node) => of.has(node));
  return within.length > voters.length - within.length;
}

function isQuorumOf({ voters, outgoing }: Configuration, of: ReadonlySet<number>): boolean {
  return isMajority(voters, of) && (outgoing.length === 0 || isMajority(outgoing, of));
}

function subsets(nodes: readonly number[]): readonly ReadonlySet<number>[] {
  return Array.from(
    { length: 1 << nodes.length },
    (_, bits) => new Set(nodes.filter((_node, i) => (bits >> i) & 1)),
  );
}

describe('a majority', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %i are %i', (count, majority) => {
    const computed = majorityOf(count);

    expect(computed).toBe(majority);
  });
});

describe('a quorum', () => {
  it.each([
    ['two of three', configuration([1, 2, 3]), [1, 3], true],
    ['one of three', configuration([1, 2, 3]), [2], false],
    ['two of four', configuration([1, 2, 3, 4]), [1, 2], false],
    ['the only voter', configuration([4]), [4], true],
    ['nobody, where nobody votes', configuration([]), [1, 2, 3], false],
    ['learners', configuration([1, 2, 3], { learners: [4, 5] }), [1, 4, 5], false],
    ['a majority of the half that comes', configuration([3, 4, 5], { outgoing: [1, 2, 3] }), [4, 5], false],
    ['a majority of the half that goes', configuration([3, 4, 5], { outgoing: [1, 2, 3] }), [1, 2], false],
    ['majorities of both', configuration([3, 4, 5], { outgoing: [1, 2, 3] }), [1, 3, 5], true],
    ['one who stands in both and one more', configuration([2, 3], { outgoing: [1, 2] }), [2, 3], false],
    [
      'voters that will be learners count for the half that goes',
      configuration([1], { outgoing: [1, 2, 3], learnersNext: [2, 3] }),
      [1, 2],
      true,
    ],
  ])('%s', (_what, config, holders, expected) => {
    const quorum = hasQuorum(config, (node) => holders.includes(node));

    expect(quorum).toBe(expected);
  });

  it('is a majority of each half, for every set of nodes', () => {
    fc.assert(
      fc.property(anyConfiguration, (config) => {
        const wrong = subsets([1, 2, 3, 4, 5, 6, 7]).filter(
          (set) => hasQuorum(config, (node) => set.has(node)) !== isQuorumOf(config, set),
        );

        expect(wrong).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('meets every other one of the same configuration, and of the configuration after it', () => {
    fc.assert(
      fc.property(anyConfiguration, (config) => {
        const quorums = (of: Configuration) =>
          subsets(votersOf(config)).filter((set) => hasQuorum(of, (node) => set.has(node)));
        const after = leaveJoint(config);

        const others = [...quorums(config), ...quorums(after)];
        const apart = quorums(config).filter((one) =>
          others.some((other) => ![...one].some((node) => other.has(node))),
        );

        expect(apart).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the number that a quorum reaches', () => {
  it('is the highest that a quorum is not below', () => {
    fc.assert(
      fc.property(
        anyConfiguration,
        fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
        (config, numbers) => {
          const reached = reachedByQuorum(config, (node) => numbers[node] as number);

          const expected = [5, 4, 3, 2, 1, 0].find((number) =>
            isQuorumOf(
              config,
              new Set([1, 2, 3, 4, 5, 6, 7].filter((node) => (numbers[node] ?? 0) >= number)),
            ),
          );
          expect(reached).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is nothing where nobody votes', () => {
    const reached = reachedByQuorum(configuration([]), () => 9);

    expect(reached).toBe(0);
  });

  it('is what the slower half of a joint configuration reaches', () => {
    const config = configuration([4, 5, 6], { outgoing: [1, 2, 3] });

    const reached = [
      reachedByQuorum(config, (node) => (node <= 3 ? 7 : 3)),
      reachedByQuorum(config, (node) => (node <= 3 ? 2 : 9)),
    ];

    expect(reached).toEqual([3, 2]);
  });
});

describe('who belongs to a configuration', () => {
  const joint = configuration([2, 3, 5], { outgoing: [1, 2, 4], learners: [6], learnersNext: [4] });

  it('both halves vote, in ascending order and once', () => {
    const voters = votersOf(joint);

    expect(voters).toEqual([1, 2, 3, 4, 5]);
    expect([1, 2, 3, 4, 5, 6, 7].filter((node) => hasVote(joint, nodeId(node)))).toEqual(voters);
  });

  it('learners are members without a vote', () => {
    const members = membersOf(joint);

    expect(members).toEqual([1, 2, 3, 4, 5, 6]);
    expect([1, 2, 3, 4, 5, 6, 7].filter((node) => isMember(joint, nodeId(node)))).toEqual(members);
    expect(hasVote(joint, nodeId(6))).toBe(false);
  });

  it('a joint configuration is left for its incoming half, and whom it demoted learns from then on', () => {
    const left = leaveJoint(joint);

    expect(isJoint(joint)).toBe(true);
    expect(left).toEqual(configuration([2, 3, 5], { learners: [4, 6] }));
    expect(isJoint(left)).toBe(false);
  });

  it('members of any configuration are its voters and learners, each once and in order', () => {
    fc.assert(
      fc.property(anyConfiguration, (config) => {
        const everybody = new Set([...config.voters, ...config.outgoing, ...config.learners]);

        expect(membersOf(config)).toEqual([...everybody].sort((a, b) => a - b));
      }),
    );
  });

  it.each([
    [simpleConfiguration([1, 2, 3].map(nodeId)), '1, 2, 3'],
    [simpleConfiguration([nodeId(1)], [nodeId(2)]), '1 (learners 2)'],
    [joint, '1, 2, 4 -> 2, 3, 5 (learners 6, then 4)'],
    [configuration([1], { outgoing: [1, 2, 3], learnersNext: [2, 3] }), '1, 2, 3 -> 1 (then 2, 3)'],
  ])('is told in words: %#', (config, words) => {
    const told = describeConfiguration(config);

    expect(told).toBe(words);
  });
});
