import { beforeEach, describe, expect, it } from 'vitest';
import { simpleConfiguration } from '../../../../core/raft/configuration.js';
import {
  emptyFifo,
  fifoPush,
  logIndex,
  monotonicMs,
  nodeId,
  radixSet,
  radixSlice,
  term,
  writeNumber,
} from '../../../../core/index.js';
import type { ReadRound } from '../../../../core/raft/state.js';
import { checkLeadership } from '../../../../sim/check/raft/state-rules.js';
import {
  elect,
  entry,
  judge,
  leader,
  MAX_INFLIGHT,
  progress,
  raft,
  scene,
  store,
  verdictOf,
  type Scene,
} from '../support/states.js';

let context: Scene;

beforeEach(() => {
  context = scene();
});

/** Node 1 leads term 1 and has committed two entries, which nodes 1 and 2 hold durably. */
function commitTwo(): void {
  elect(context, 1, { term: 1, terms: [1, 1] });
  store(context, 2, { term: 1, vote: 1, terms: [1, 1] });
  const before = leader(1, [1, 1], { term: 1 });
  const after = { ...before, commit: logIndex(2) };

  expect(judge(context, [undefined, before], [before, after])).toBe('holds');
}

describe('terms and votes', () => {
  it('may rise together', () => {
    const before = raft(1, [], { term: 3, vote: nodeId(2) });

    expect(judge(context, [before, raft(1, [], { term: 4, vote: nodeId(3) })])).toBe('holds');
  });

  it('break a rule when the term falls', () => {
    const verdict = judge(context, [raft(1, [], { term: 3 }), raft(1, [], { term: 2 })]);

    expect(verdict).toBe('terms never fall');
  });

  it('break a rule when the vote changes within a term', () => {
    const before = raft(1, [], { term: 3, vote: nodeId(2) });

    expect(judge(context, [before, { ...before, vote: nodeId(3) }])).toBe('one vote a term');
  });

  it('break a rule when the vote is forgotten within a term', () => {
    const before = raft(1, [], { term: 3, vote: nodeId(2) });

    expect(judge(context, [before, { ...before, vote: nodeId(0) }])).toBe('one vote a term');
  });
});

describe('what a node takes to be durable', () => {
  const durable = { write: writeNumber(1), term: term(2), vote: nodeId(3), lastIndex: logIndex(2) };
  const believer = raft(1, [1, 2], { term: 2, vote: nodeId(3), durable });

  it('is left alone when it is on the disk', () => {
    store(context, 1, { term: 2, vote: 3, terms: [1, 2] });

    expect(judge(context, [undefined, believer])).toBe('holds');
  });

  it.each([
    ['term', { term: 1, vote: 3, terms: [1, 2] }],
    ['vote', { term: 2, vote: 0, terms: [1, 2] }],
    ['last entry', { term: 2, vote: 3, terms: [1] }],
    ['entry of that term', { term: 2, vote: 3, terms: [1, 1] }],
  ])('breaks a rule when the %s is not on it', (_name, disk) => {
    store(context, 1, disk);

    expect(judge(context, [undefined, believer])).toBe('durable is on disk');
  });

  it('breaks a rule when it is less than what is on the disk, and nothing is being written', () => {
    store(context, 1, { term: 2, vote: 3, terms: [1, 2, 2] });

    expect(judge(context, [undefined, believer])).toBe('the disk holds the log');
  });

  it('is left alone when it is less, and the write that cuts the disk is under way', () => {
    store(context, 1, { term: 2, vote: 3, terms: [1, 2, 2] });
    const cut = { write: writeNumber(2), term: term(2), vote: nodeId(3), lastIndex: logIndex(2) };

    const verdict = judge(context, [undefined, { ...believer, unsynced: fifoPush(emptyFifo(), cut) }]);

    expect(verdict).toBe('holds');
  });
});

describe('logs', () => {
  it('that agree are left alone, and so is a follower that replaces its own tail', () => {
    const first = raft(1, [1, 1], { term: 1 });
    const second = raft(2, [1, 1, 1], { term: 1 });
    const replaced = raft(2, [1, 1, 2], { term: 2 });

    expect(judge(context, [undefined, first], [undefined, second], [second, replaced])).toBe('holds');
  });

  it('break a rule when a leader changes what it has', () => {
    elect(context, 1, { term: 2 });
    const before = leader(1, [1, 2, 2], { term: 2 });
    const { log } = before;
    const rewritten = { ...log, entries: radixSet(log.entries, 3, entry(3, 2, 9)) };

    const verdict = judge(context, [undefined, before], [before, { ...before, log: rewritten }]);

    expect(verdict).toBe('leader append-only');
  });

  it('break a rule when an entry in the middle is changed, and those after it stay', () => {
    const before = raft(1, [1, 1, 1], { term: 1 });
    const { log } = before;
    const rewritten = { ...log, entries: radixSet(log.entries, 2, entry(2, 1, 9)) };

    const verdict = judge(context, [undefined, before], [before, { ...before, log: rewritten }]);

    expect(verdict).toBe('log matching');
  });

  it('break a rule when a leader cuts its own log', () => {
    elect(context, 1, { term: 2 });
    const before = leader(1, [1, 2, 2], { term: 2 });
    const { log } = before;
    const cut = {
      ...log,
      lastIndex: logIndex(2),
      lastTerm: term(2),
      entries: radixSlice(log.entries, 1, 3),
    };

    expect(judge(context, [before, { ...before, log: cut }])).toBe('leader append-only');
  });

  it('break a rule when an entry is missing in the middle', () => {
    const whole = raft(1, [1, 1, 1], { term: 1 });
    const log = { ...whole.log, entries: radixSlice(whole.log.entries, 3, 4) };

    expect(judge(context, [undefined, { ...whole, log }])).toBe('no gaps in a log');
  });

  it('break a rule when their terms fall', () => {
    const rising = raft(1, [1, 2, 2], { term: 2 });
    const log = { ...rising.log, entries: radixSet(rising.log.entries, 3, entry(3, 1)), lastTerm: term(1) };

    expect(judge(context, [undefined, { ...rising, log }])).toBe('terms in a log never fall');
  });

  it('break a rule when two entries of one index and term differ', () => {
    const first = raft(1, [1, 1], { term: 1 });
    const second = raft(2, [1, 1], { term: 1 });
    const log = { ...second.log, entries: radixSet(second.log.entries, 2, entry(2, 1, 7)) };

    expect(judge(context, [undefined, first], [undefined, { ...second, log }])).toBe('log matching');
  });

  it('break a rule when equal entries follow unequal ones', () => {
    const first = raft(1, [1, 3], { term: 3 });
    const second = raft(2, [2, 3], { term: 3 });

    expect(judge(context, [undefined, first], [undefined, second])).toBe('log matching');
  });

  it('break a rule when a committed entry is replaced', () => {
    commitTwo();
    const before = { ...raft(2, [1, 1], { term: 1 }), commit: logIndex(2) };
    const after = { ...raft(2, [1, 2], { term: 2 }), commit: logIndex(2) };

    expect(judge(context, [before, after])).toBe('committed entries stay');
  });
});

describe('leaders', () => {
  it('of different terms are left alone', () => {
    elect(context, 1, { term: 1 });
    elect(context, 2, { term: 2 });

    const verdict = judge(
      context,
      [undefined, leader(1, [1], { term: 1 })],
      [undefined, leader(2, [1, 2], { term: 2 })],
    );

    expect(verdict).toBe('holds');
  });

  it('break a rule when there are two in a term', () => {
    elect(context, 1, { term: 1 });
    elect(context, 2, { term: 1 });

    const verdict = judge(
      context,
      [undefined, leader(1, [], { term: 1 })],
      [undefined, leader(2, [], { term: 1 })],
    );

    expect(verdict).toBe('election safety');
  });

  it('break a rule when they have no vote', () => {
    elect(context, 3, { term: 1 });

    const verdict = judge(context, [
      undefined,
      leader(3, [], { term: 1, config: simpleConfiguration([1, 2].map(nodeId)) }),
    ]);

    expect(verdict).toBe('only voters lead');
  });

  it.each([
    ['for nobody', { term: 2, vote: 0 }],
    ['for another', { term: 2, vote: 2 }],
    ['of an older term', { term: 1, vote: 1 }],
  ])('break a rule when their disk has a vote %s', (_name, hard) => {
    store(context, 1, hard);

    const verdict = judge(context, [undefined, leader(1, [], { term: 2 })]);

    expect(verdict).toBe("a leader's own vote is durable");
  });

  it('break a rule when nobody else voted for them', () => {
    store(context, 1, { term: 2, vote: 1 });

    const verdict = judge(context, [undefined, leader(1, [], { term: 2 })]);

    expect(verdict).toBe('leaders are elected');
  });

  it('break a rule when they lack a committed entry', () => {
    commitTwo();
    elect(context, 3, { term: 2 });

    const verdict = judge(context, [undefined, leader(3, [1], { term: 2 })]);

    expect(verdict).toBe('leader completeness');
  });

  it('break a rule when they have another entry in the place of a committed one', () => {
    // Entries of terms 1 and 2 are committed; the leader of term 4 has one of term 3 instead.
    elect(context, 1, { term: 2, terms: [1, 2] });
    store(context, 2, { term: 2, vote: 1, terms: [1, 2] });
    elect(context, 3, { term: 4 });
    const before = leader(1, [1, 2], { term: 2 });
    judge(context, [undefined, before], [before, { ...before, commit: logIndex(2) }]);

    const verdict = judge(context, [undefined, leader(3, [1, 3, 4], { term: 4 })]);

    expect(verdict).toBe('leader completeness');
  });

  it('break a rule when they are elected already, and only then an entry that they lack is committed', () => {
    elect(context, 1, { term: 1, terms: [1, 1] });
    store(context, 2, { term: 1, vote: 1, terms: [1, 1] });
    elect(context, 3, { term: 2 });
    const old = leader(1, [1, 1], { term: 1 });
    const young = leader(3, [1, 2], { term: 2 });
    context.cast.push(old, young);

    const verdict = judge(
      context,
      [undefined, old],
      [undefined, young],
      [old, { ...old, commit: logIndex(2) }],
    );

    expect(verdict).toBe('leader completeness');
  });
});

describe('reads that wait to be confirmed', () => {
  const open = {
    readRounds: fifoPush(emptyFifo<ReadRound>(), { round: 1, index: logIndex(1), tokens: [7], asks: [] }),
  };

  it.each([
    ['rounds', open],
    ['reads before the first entry of the term', { earlyReads: [7] }],
  ])('may be kept by a leader, and by nobody else: %s', (_what, reads) => {
    const follower = raft(1, [1], { term: 2 });
    elect(context, 1, { term: 2, terms: [1, 2] });
    const leads = leader(1, [1, 2], { term: 2, ...reads });

    expect(judge(context, [undefined, leads])).toBe('holds');
    expect(judge(context, [follower, { ...follower, ...reads }])).toBe('reads end with the leadership');
  });
});

describe('a leader without a majority', () => {
  function judgeAt(nowMs: number, ...heardAt: readonly [number, number]): string {
    const [two, three] = heardAt;
    const peers = [
      progress(2, 0, { heardAt: monotonicMs(two) }),
      progress(3, 0, { heardAt: monotonicMs(three) }),
    ];
    return verdictOf(() => checkLeadership(context, leader(1, [], { term: 1, peers }), nowMs));
  }

  it('may lead on for a while', () => {
    expect(judgeAt(1_500, 1_000, 1_000)).toBe('holds');
  });

  it('may lead on for as long as one of two others answers', () => {
    expect(judgeAt(9_000, 1_000, 8_900)).toBe('holds');
  });

  it('breaks a rule when it leads on for long', () => {
    expect(judgeAt(1_501, 1_000, 1_000)).toBe('leaders step down');
  });

  it('is no matter when it does not lead', () => {
    const check = (): void => checkLeadership(context, raft(1, [], { term: 1 }), 9_000);

    expect(verdictOf(check)).toBe('holds');
  });
});

describe('what a leader believes of a follower', () => {
  const TERMS = [1, 1, 1];

  function judgePeer(peer: ReturnType<typeof progress>): string {
    elect(context, 1, { term: 1, terms: TERMS });
    store(context, 2, { term: 1, vote: 1, terms: [1, 1] });
    const before = leader(1, TERMS, { term: 1 });
    return judge(context, [undefined, before], [before, { ...before, peers: [peer, progress(3, 0)] }]);
  }

  it('is left alone when it is so', () => {
    expect(
      judgePeer(progress(2, 2, { inflight: [{ last: logIndex(3), bytes: 1 }], next: logIndex(4) })),
    ).toBe('holds');
  });

  it('is left alone when what is in flight fills the window', () => {
    const inflight = Array.from({ length: MAX_INFLIGHT }, (_, i) => ({ last: logIndex(i + 1), bytes: 1 }));

    expect(judgePeer(progress(2, 0, { inflight }))).toBe('holds');
  });

  /** The leader takes node 2 to hold so much, and then so much, in the same term or in a later one. */
  function judgeMatches(first: number, second: number, laterTerm = 1): string {
    elect(context, 1, { term: 1, terms: TERMS });
    store(context, 2, { term: 1, vote: 1, terms: [1, 1] });
    const before = leader(1, TERMS, { term: 1, peers: [progress(2, first), progress(3, 0)] });
    const after = { ...before, term: term(laterTerm), peers: [progress(2, second), progress(3, 0)] };
    const verdict = judge(context, [undefined, before]);
    if (verdict !== 'holds') return verdict;
    elect(context, 1, { term: laterTerm, terms: TERMS });
    return judge(context, [before, after]);
  }

  it('may grow, or stay as it is', () => {
    expect([judgeMatches(1, 2), judgeMatches(2, 2)]).toEqual(['holds', 'holds']);
  });

  it('breaks a rule when it falls', () => {
    expect(judgeMatches(2, 1)).toBe('match never falls');
  });

  it('may begin at nothing in a later term', () => {
    expect(judgeMatches(2, 0, 2)).toBe('holds');
  });

  it('breaks a rule when the next entry to be sent is one that matches', () => {
    expect(judgePeer(progress(2, 2, { next: logIndex(2) }))).toBe('match is below next');
  });

  it('breaks a rule when more is in flight than may be', () => {
    const inflight = Array.from({ length: MAX_INFLIGHT + 1 }, (_, i) => ({
      last: logIndex(i + 1),
      bytes: 1,
    }));

    expect(judgePeer(progress(2, 0, { inflight }))).toBe('windows');
  });

  it('breaks a rule when it is more than what is on the disk', () => {
    expect(judgePeer(progress(2, 3))).toBe('match is durable');
  });

  it('is left alone when the follower has gone on to a later term, and may have cut its log', () => {
    elect(context, 1, { term: 1, terms: TERMS });
    store(context, 2, { term: 2, vote: 3, terms: [1] });
    const before = leader(1, TERMS, { term: 1 });

    const verdict = judge(context, [before, { ...before, peers: [progress(2, 3)] }]);

    expect(verdict).toBe('holds');
  });
});

describe('commits', () => {
  it('of a leader are left alone when they are justified, and those of followers after them', () => {
    commitTwo();
    const before = raft(2, [1, 1], { term: 1 });

    expect(judge(context, [before, { ...before, commit: logIndex(2) }])).toBe('holds');
  });

  it('break a rule when they fall', () => {
    commitTwo();
    const before = { ...raft(2, [1, 1], { term: 1 }), commit: logIndex(2) };

    expect(judge(context, [before, { ...before, commit: logIndex(1) }])).toBe('commit never falls');
  });

  it('break a rule when they pass the end of the log', () => {
    const before = raft(2, [1, 1], { term: 1 });

    expect(judge(context, [before, { ...before, commit: logIndex(3) }])).toBe('commit within the log');
  });

  it('break a rule when a follower is ahead of every leader', () => {
    const before = raft(2, [1, 1], { term: 1 });

    expect(judge(context, [before, { ...before, commit: logIndex(1) }])).toBe('leaders commit first');
  });

  it('break a rule when a follower installs what no leader has committed', () => {
    const before = raft(2, [], { term: 1 });
    const log = { ...before.log, baseIndex: logIndex(9), baseTerm: term(1), lastIndex: logIndex(9) };

    expect(judge(context, [before, { ...before, log, commit: logIndex(9) }])).toBe('leaders commit first');
  });

  it('break a rule when another entry was committed there', () => {
    commitTwo();
    // The follower never had the entries of the leader; its log is of an earlier term's leader.
    const before = raft(3, [1, 2], { term: 2 });

    expect(judge(context, [before, { ...before, commit: logIndex(2) }])).toBe('state-machine safety');
  });

  it('break a rule when too few disks hold the entry', () => {
    elect(context, 1, { term: 1, terms: [1, 1] });
    store(context, 2, { term: 1, vote: 1, terms: [1] });
    const before = leader(1, [1, 1], { term: 1 });

    const verdict = judge(context, [undefined, before], [before, { ...before, commit: logIndex(2) }]);

    expect(verdict).toBe('commit justified');
  });

  it('break a rule when the disks hold another entry there', () => {
    elect(context, 1, { term: 2, terms: [1, 2] });
    store(context, 2, { term: 2, vote: 1, terms: [1, 1] });
    const before = leader(1, [1, 2], { term: 2 });

    const verdict = judge(context, [undefined, before], [before, { ...before, commit: logIndex(2) }]);

    expect(verdict).toBe('commit justified');
  });

  it('break a rule when an entry of an older term is committed by counting (figure 8)', () => {
    elect(context, 1, { term: 3, terms: [1, 2, 3] });
    for (const node of [2, 3]) store(context, node, { term: 3, vote: 1, terms: [1, 2, 3] });
    const before = leader(1, [1, 2, 3], { term: 3 });

    const verdict = judge(context, [undefined, before], [before, { ...before, commit: logIndex(2) }]);

    expect(verdict).toBe('commit justified');
  });

  it('of a leader that steps down in the same turn are judged too', () => {
    elect(context, 1, { term: 1, terms: [1] });
    const before = leader(1, [1], { term: 1 });
    const after = {
      ...before,
      role: 'follower' as const,
      term: term(2),
      vote: nodeId(0),
      commit: logIndex(1),
    };

    expect(judge(context, [undefined, before], [before, after])).toBe('commit justified');
  });
});
