import { beforeEach, describe, expect, it } from 'vitest';
import {
  logIndex,
  nodeId,
  term,
  type Configuration,
  type Entry,
  type PartitionState,
  type PlacedConfiguration,
} from '../../../../core/index.js';
import { appendEntry } from '../../../../core/raft/log.js';
import {
  checkConfigurations,
  checkTold,
  checkTurnedAway,
} from '../../../../sim/check/raft/configurations.js';
import {
  createGroupHistory,
  sameConfiguration,
  sameEntry,
  type GroupHistory,
  type Raft,
} from '../../../../sim/check/raft/group-history.js';
import type { Snapshot } from '../../../../core/raft/messages.js';
import { entry, progress, raft, verdictOf } from '../support/states.js';

let history: GroupHistory;

beforeEach(() => {
  history = createGroupHistory();
});

function members(
  voters: readonly number[],
  others: { readonly [list in 'outgoing' | 'learners' | 'learnersNext']?: readonly number[] } = {},
): Configuration {
  return {
    voters: voters.map(nodeId),
    outgoing: (others.outgoing ?? []).map(nodeId),
    learners: (others.learners ?? []).map(nodeId),
    learnersNext: (others.learnersNext ?? []).map(nodeId),
  };
}

const THREE = members([1, 2, 3]);
const placed = (index: number, config: Configuration): PlacedConfiguration => ({
  index: logIndex(index),
  config,
});

/** A node whose log of term 1 changes the members where this says, and which has noted that. */
function holding(
  self: number,
  length: number,
  changes: Readonly<Record<number, Configuration>>,
  more: Partial<Raft> = {},
): Raft {
  const empty = raft(self, [], { term: 1 });
  let { log } = empty;
  const configs = [placed(0, THREE)];
  for (let index = 1; index <= length; index += 1) {
    const config = changes[index];
    const payload = new Uint8Array(0);
    log = appendEntry(log, config === undefined ? entry(index, 1) : { term: term(1), payload, config });
    if (config !== undefined) configs.push(placed(index, config));
  }
  const config = configs[configs.length - 1]?.config as Configuration;
  return { ...empty, log, configs, config, ...more };
}

/** The same as a leader, with a peer for everybody else. */
function leading(of: Raft, more: Partial<Raft> = {}): Raft {
  const { voters, outgoing, learners } = of.config;
  const others = [...new Set([...voters, ...outgoing, ...learners])].filter((node) => node !== of.self);
  const peers = others.sort((a, b) => a - b).map((node) => progress(node, 1));
  return { ...of, role: 'leader', termStart: logIndex(1), commit: logIndex(1), peers, ...more };
}

/** What is committed, with these changes of the members among it. */
function commit(length: number, changes: Readonly<Record<number, Configuration>> = {}): void {
  for (let index = history.committed.length; index <= length; index += 1) {
    const config = changes[index];
    const committed: Entry =
      config === undefined ? entry(index, 1) : { term: term(1), payload: new Uint8Array(0), config };
    history.committed[index] = committed;
  }
}

const verdict = (...steps: readonly (readonly [Raft | undefined, Raft])[]): string =>
  verdictOf(() => {
    for (const [before, after] of steps) checkConfigurations(history, before, after);
  });

describe('the configuration in force', () => {
  it('may be the first one, one in the log, and the one before it when that is cut off', () => {
    const first = holding(2, 1, {});
    const second = holding(2, 2, { 2: members([1, 2]) });

    expect(verdict([undefined, first], [first, second], [second, first])).toBe('holds');
  });

  it('may be what a node that joins knows: nobody', () => {
    const nobody = members([]);
    const joining = { ...raft(4, [], { term: 0 }), config: nobody, configs: [placed(0, nobody)] };
    const joined = holding(4, 1, { 1: members([1, 2, 3], { learners: [4] }) });

    expect(
      verdict(
        [undefined, joining],
        [joining, { ...joined, configs: [placed(0, nobody), ...joined.configs.slice(1)] }],
      ),
    ).toBe('holds');
  });

  const newest = holding(2, 3, { 2: members([1, 2, 3], { learners: [4] }), 3: members([1, 2]) });

  it.each([
    ['is an older one', { ...newest, config: THREE }],
    [
      'was not noted',
      { ...newest, configs: newest.configs.slice(0, 2), config: newest.configs[1]?.config as Configuration },
    ],
    [
      'is not in the log any more',
      { ...newest, log: holding(2, 2, { 2: members([1, 2, 3], { learners: [4] }) }).log },
    ],
    [
      'is another than the log holds',
      { ...newest, configs: [...newest.configs.slice(0, 2), placed(3, THREE)], config: THREE },
    ],
    ['was noted twice', { ...newest, configs: [...newest.configs, ...newest.configs.slice(2)] }],
  ])('breaks a rule when it %s', (_what, wrong) => {
    expect(verdict([undefined, wrong])).toBe('the newest configuration is in force');
  });

  it('breaks a rule when an entry comes that changes it, and it stays', () => {
    const before = holding(2, 1, {});
    const after = holding(2, 2, { 2: members([1, 2]) });

    expect(verdict([before, { ...after, configs: before.configs, config: before.config }])).toBe(
      'the newest configuration is in force',
    );
  });

  it('breaks a rule when the one under the log changes', () => {
    const before = holding(2, 1, {});
    const after = holding(2, 2, {});

    expect(
      verdict([before, { ...after, configs: [placed(0, members([1, 2]))], config: members([1, 2]) }]),
    ).toBe('the newest configuration is in force');
  });
});

describe('a configuration after another', () => {
  const joint = members([1, 4, 5], { outgoing: [1, 2, 3], learners: [6], learnersNext: [2] });

  it.each([
    ['one voter more', { 1: members([1, 2, 3, 4]) }],
    ['one voter less, who learns', { 1: members([1, 2], { learners: [3] }) }],
    ['the same voters, any learners', { 1: members([1, 2, 3], { learners: [4, 5] }), 2: THREE }],
    ['several votes, through both', { 1: joint, 2: members([1, 4, 5], { learners: [2, 6] }) }],
  ])('may have %s', (_what, changes) => {
    expect(verdict([undefined, holding(1, 2, changes)])).toBe('holds');
  });

  it.each([
    ['two voters more', { 1: members([1, 2, 3, 4, 5]) }],
    ['one voter in place of another', { 1: members([1, 2, 4]) }],
    ['other voters on its way out', { 1: members([1, 4, 5], { outgoing: [1, 2] }) }],
    ['other voters after both', { 1: joint, 2: members([1, 4], { learners: [2, 6] }) }],
    ['forgotten whom it demotes', { 1: joint, 2: members([1, 4, 5], { learners: [6] }) }],
    ['a joint one after a joint one', { 1: joint, 2: members([1, 4], { outgoing: [1, 4, 5] }) }],
  ])('breaks a rule when it has %s', (_what, changes) => {
    expect(verdict([undefined, holding(1, 2, changes)])).toBe('one vote changes at a time');
  });

  it.each([
    ['nobody votes', members([])],
    ['somebody is named twice', members([1, 2, 2])],
    ['the order is not ascending', members([2, 1, 3])],
    ['a voter learns', members([1, 2, 3], { learners: [3] })],
    ['a voter that goes learns already', members([1], { outgoing: [1, 2, 3], learners: [2] })],
    ['a voter is to learn', members([1, 2], { outgoing: [1, 2, 3], learnersNext: [2] })],
  ])('breaks a rule when %s', (_what, config) => {
    expect(verdict([undefined, holding(1, 1, { 1: config })])).toBe('configurations are sound');
  });
});

describe('committed configurations', () => {
  const change = { 2: members([1, 2, 3], { learners: [4] }) };

  it('are the same at all who have committed as much', () => {
    const at = (self: number) => holding(self, 3, change, { commit: logIndex(3) });
    commit(3, change);

    expect(verdict([undefined, holding(1, 1, {})], [undefined, at(1)], [undefined, at(2)])).toBe('holds');
  });

  it('break a rule when a node has another', () => {
    commit(3, change);
    const other = holding(2, 3, { 2: members([1, 2, 3], { learners: [5] }) }, { commit: logIndex(3) });

    expect(verdict([undefined, holding(1, 1, {})], [undefined, other])).toBe('replicas agree on the members');
  });

  const snapshotOf = (index: number, config: Configuration) =>
    ({
      index: logIndex(index),
      term: term(1),
      config,
      state: undefined as unknown as PartitionState,
    }) satisfies Snapshot<PartitionState>;

  it('are in snapshots as they were at their index', () => {
    const snapshots = [snapshotOf(1, THREE), snapshotOf(3, change[2])];
    commit(3, change);

    const verdicts = snapshots.map((snapshot) =>
      verdict(
        [undefined, holding(1, 1, {})],
        [undefined, holding(1, 3, change, { commit: logIndex(3), snapshot })],
      ),
    );

    expect(verdicts).toEqual(['holds', 'holds']);
  });

  it.each([
    ['a later one', 1, change[2]],
    ['an older one', 3, THREE],
    ['nobody', 1, members([])],
  ])('break a rule when a snapshot holds %s', (_what, index, config) => {
    commit(3, change);
    const wrong = holding(1, 3, change, { commit: logIndex(3), snapshot: snapshotOf(index, config) });

    expect(verdict([undefined, holding(1, 1, {})], [undefined, wrong])).toBe('snapshots hold the members');
  });
});

describe('a leader', () => {
  it('may have one change that is not committed, and inherit one whose commit it does not know', () => {
    const learner = members([1, 2, 3], { learners: [4] });
    commit(2, { 2: learner });
    const node = holding(1, 3, { 2: learner, 3: members([1, 2, 3, 4]) });

    expect(verdict([undefined, leading(node, { commit: logIndex(1) })])).toBe('holds');
  });

  it('breaks a rule when it has two', () => {
    commit(1);
    const node = holding(1, 3, { 2: members([1, 2, 3], { learners: [4] }), 3: members([1, 2, 3, 4]) });

    expect(verdict([undefined, leading(node)])).toBe('one change at a time');
  });

  it('breaks a rule when it changes the members before it has committed in its term', () => {
    const before = leading(holding(1, 2, {}), { termStart: logIndex(2), commit: logIndex(1) });
    const after = leading(holding(1, 3, { 3: members([1, 2]) }), {
      termStart: logIndex(2),
      commit: logIndex(1),
    });

    expect(verdict([before, after])).toBe('changes wait for the term');
  });

  it('may lead without a vote until that is committed', () => {
    const node = holding(1, 2, { 2: members([2, 3]) });
    commit(1);

    expect(verdict([leading(holding(1, 1, {})), leading(node)])).toBe('holds');
  });

  it('breaks a rule when it leads on without a vote', () => {
    const node = holding(1, 2, { 2: members([2, 3]) });
    const before = leading(node);
    commit(2, { 2: members([2, 3]) });

    expect(verdict([before, { ...before, commit: logIndex(2) }])).toBe('leaders that are left out go');
  });

  it('breaks a rule when it stays in a joint configuration that is committed', () => {
    const joint = members([1, 2, 4], { outgoing: [1, 2, 3] });
    const before = leading(holding(1, 2, { 2: joint }));
    commit(2, { 2: joint });

    expect(verdict([before, { ...before, commit: logIndex(2) }])).toBe('joint configurations are left');
  });

  it.each([
    ['leaves a learner out', [2, 3]],
    ['sends to somebody who is gone', [2, 3, 4, 5]],
    ['sends to itself', [1, 2, 3]],
  ])('breaks a rule when it %s', (_what, nodes) => {
    commit(2, { 2: members([1, 2, 3], { learners: [4] }) });
    const node = holding(1, 2, { 2: members([1, 2, 3], { learners: [4] }) });
    const peers = nodes.map((peer) => progress(peer, 1));

    expect(verdict([undefined, leading(node, { peers })])).toBe('leaders serve the members');
  });
});

describe('who asks for votes', () => {
  it.each(['precandidate', 'candidate'] as const)('may be a voter of either half, as %s', (role) => {
    const node = holding(3, 1, { 1: members([1, 2, 4], { outgoing: [1, 2, 3] }) });

    expect(verdict([node, { ...node, role }])).toBe('holds');
  });

  it.each(['precandidate', 'candidate', 'leader'] as const)(
    'breaks a rule when it is a learner, as %s',
    (role) => {
      const node = holding(4, 1, { 1: members([1, 2, 3], { learners: [4] }) });

      const expected = role === 'leader' ? 'only voters lead' : 'only voters campaign';
      expect(verdict([node, { ...node, role }])).toBe(expected);
    },
  );

  it('may be one that loses its vote by what is not committed, and none that knows it is', () => {
    const node = holding(3, 2, { 2: members([1, 2]) });
    const knows = { ...node, commit: logIndex(2) };
    commit(2, { 2: members([1, 2]) });

    expect(verdict([node, { ...node, role: 'precandidate' }])).toBe('holds');
    expect(verdict([knows, { ...knows, role: 'precandidate' }])).toBe('only voters campaign');
  });

  it('breaks a rule when a leader has told it that it was left out', () => {
    const node = holding(3, 1, {}, { leftOutAt: logIndex(2) });

    expect(verdict([node, { ...node, role: 'precandidate' }])).toBe('who was left out keeps quiet');
  });

  it('may be one that was told so, and was taken in again since', () => {
    const node = holding(3, 3, { 3: members([1, 2, 3], { learners: [4] }) }, { leftOutAt: logIndex(2) });

    expect(verdict([node, { ...node, role: 'precandidate' }])).toBe('holds');
  });

  const told = (index: number) => [
    { message: { type: 'NotMember' as const, term: term(1), index: logIndex(index) } },
  ];

  it.each([
    ['a follower', holding(3, 1, {}), 2, 'holds'],
    ['one that knows better', holding(3, 3, { 3: members([1, 3]) }, { role: 'candidate' }), 2, 'holds'],
    ['one that goes on', holding(3, 1, {}, { role: 'candidate' }), 2, 'who was left out keeps quiet'],
  ])('%s is told that it was left out', (_what, node, index, expected) => {
    expect(verdictOf(() => checkTold(node, told(index)))).toBe(expected);
  });
});

describe('entries', () => {
  it('are the same only with the same members', () => {
    const one: Entry = { term: term(1), payload: new Uint8Array(0), config: members([1, 2]) };

    expect(sameEntry(one, { ...one, config: members([1, 2]) })).toBe(true);
    expect(sameEntry(one, { ...one, config: members([1], { learners: [2] }) })).toBe(false);
    expect(sameEntry(one, { term: one.term, payload: one.payload })).toBe(false);
    expect(sameConfiguration(undefined, undefined)).toBe(true);
  });
});

describe('a leader that leaves itself out', () => {
  const before = holding(1, 1, {}, { role: 'leader', leader: nodeId(1) });
  const change = { 2: members([2, 3]) };

  it('leads on until that is committed', () => {
    const gone = holding(1, 2, change, { role: 'follower' });

    expect(verdict([before, gone])).toBe('leaders that leave stay until it is committed');
  });

  it('may step down for what is older, or committed by then', () => {
    const committed = holding(1, 2, change, { role: 'follower', commit: logIndex(2) });
    history.changes.push(placed(0, THREE), placed(2, change[2]));

    expect(verdict([before, { ...before, role: 'follower' }])).toBe('holds');
    expect(verdictOf(() => checkConfigurations(history, before, committed))).toBe('holds');
  });
});

describe('who was left out and asks for votes', () => {
  const leads = {
    ...holding(1, 2, { 2: members([1, 2]) }, { role: 'leader', leader: nodeId(1), commit: logIndex(2) }),
    peers: [progress(2, 2)],
    durable: { ...holding(1, 2, {}).durable, term: term(1) },
  };
  const request = {
    type: 'PreVoteRequest',
    term: term(2),
    lastIndex: logIndex(1),
    lastTerm: term(1),
  } as const;
  const told = { type: 'NotMember', term: term(1), index: logIndex(2) } as const;
  const away = (leader: Raft, from: number, said: readonly (typeof told)[]): string =>
    verdictOf(() => checkTurnedAway(leader, leader, from, request, said));

  it('is told', () => {
    expect(away(leads, 3, [told])).toBe('holds');
    expect(away(leads, 3, [])).toBe('who was left out is told');
  });

  it('is not, while that is not committed, or if it is a member', () => {
    expect(away({ ...leads, commit: logIndex(1) }, 3, [])).toBe('holds');
    expect(away(leads, 2, [])).toBe('holds');
  });
});
