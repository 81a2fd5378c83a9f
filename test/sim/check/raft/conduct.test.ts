import { beforeEach, describe, expect, it } from 'vitest';
import { simpleConfiguration } from '../../../../core/raft/configuration.js';
import { logIndex, nodeId, term, type PartitionState, type RaftMessage } from '../../../../core/index.js';
import {
  checkCare,
  checkHeard,
  checkSaid,
  createConduct,
  noteLeaders,
  type Conduct,
} from '../../../../sim/check/raft/conduct.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { entry, leader, progress, raft, verdictOf } from '../support/states.js';

type Message = RaftMessage<PartitionState>;

const LIMITS = {
  maxInflightAppends: 2,
  maxInflightBytes: 1_000,
  electionTimeoutMs: 200,
  heartbeatIntervalMs: 50,
};

let conduct: Conduct;

beforeEach(() => {
  conduct = createConduct();
});

const heartbeat = (ofTerm: number, commit = 0): Message => ({
  type: 'Heartbeat',
  term: term(ofTerm),
  commit: logIndex(commit),
  round: 0,
});

const append = (ofTerm: number, previousIndex: number, entries: number, commit = 0): Message => ({
  type: 'Append',
  term: term(ofTerm),
  previousIndex: logIndex(previousIndex),
  previousTerm: term(ofTerm),
  entries: Array.from({ length: entries }, (_, i) => entry(previousIndex + 1 + i, ofTerm)),
  commit: logIndex(commit),
});

const accepted = (ofTerm: number, index: number): Message => ({
  type: 'AppendAccepted',
  term: term(ofTerm),
  index: logIndex(index),
});

const granted = (type: 'VoteAnswer' | 'PreVoteAnswer', ofTerm: number): Message => ({
  type,
  term: term(ofTerm),
  granted: true,
});

const asks = (type: 'VoteRequest' | 'PreVoteRequest', ofTerm: number): Message => {
  const log = { term: term(ofTerm), lastIndex: logIndex(0), lastTerm: term(0) };
  return type === 'VoteRequest' ? { type, ...log, handedOver: false } : { type, ...log };
};

interface Turn {
  readonly atMs?: number;
  readonly timerFired?: boolean;
  readonly restartedMs?: number;
}

/** What the rules say of a turn that hears these messages, each from the node before it. */
function hear(
  before: Raft,
  after: Raft,
  messages: readonly (readonly [number, Message])[],
  { atMs = 1_000, timerFired = false, restartedMs }: Turn = {},
): string {
  const heard = messages.map(([from, message]) => ({ from: nodeId(from), message }));
  const turn = { events: heard.length + (timerFired ? 1 : 0), timerFired, restartedMs };
  return verdictOf(() => {
    checkHeard(conduct, before, after, heard, turn, atMs, LIMITS);
    noteLeaders(conduct, after, heard, atMs);
  });
}

function say(sender: Raft, message: Message, atMs = 1_000, before: Raft | undefined = sender): string {
  return verdictOf(() => checkSaid(conduct, before, sender, nodeId(2), message, atMs, LIMITS));
}

const follower = (ofTerm: number, changes: object = {}): Raft =>
  raft(1, [1, 1, 1], { term: ofTerm, ...changes });

describe('a message of an older term', () => {
  it('may be answered', () => {
    const before = leader(1, [1], { term: 2 });

    expect(hear(before, { ...before }, [[2, accepted(1, 1)]])).toBe('holds');
  });

  it('may not move what a leader knows of its followers', () => {
    const before = leader(1, [1], { term: 2, peers: [progress(2, 0)] });
    const after = { ...before, peers: [progress(2, 1)] };

    expect(hear(before, after, [[2, accepted(1, 1)]])).toBe('older terms mean nothing');
  });
});

describe('a node that is told in an older term that it is left out', () => {
  const told: Message = { type: 'NotMember', term: term(1), index: logIndex(3) };
  const stands = raft(1, [1, 1, 1], {
    term: 2,
    role: 'precandidate',
    votes: [{ voter: nodeId(1), granted: true }],
  });
  const gaveUp: Raft = { ...stands, role: 'follower', votes: [], leftOutAt: logIndex(3) };

  it('may give up its candidature', () => {
    expect(hear(stands, gaveUp, [[2, told]])).toBe('holds');
  });

  it('gives it up for nothing else', () => {
    expect(hear(stands, { ...gaveUp, leftOutAt: stands.leftOutAt }, [[2, told]])).toBe(
      'older terms mean nothing',
    );
    expect(hear(stands, gaveUp, [[2, heartbeat(1)]])).toBe('older terms mean nothing');
    expect(hear(stands, { ...gaveUp, commit: logIndex(1) }, [[2, told]])).toBe('older terms mean nothing');
    expect(hear(stands, { ...gaveUp, role: 'candidate' }, [[2, told]])).toBe('older terms mean nothing');
  });
});

describe('a later term', () => {
  it('is followed by whoever is told of it', () => {
    const answer = accepted(3, 1);

    expect(hear(follower(2), follower(3), [[2, answer]])).toBe('holds');
    expect(hear(follower(2), { ...follower(2) }, [[2, answer]])).toBe('later terms are followed');
  });

  it('may be left to those who only ask', () => {
    const verdict = hear(follower(2), follower(2), [
      [2, asks('PreVoteRequest', 3)],
      [3, granted('PreVoteAnswer', 3)],
    ]);

    expect(verdict).toBe('holds');
  });
});

describe('a follower that hears a leader', () => {
  it('goes with the news of a later term', () => {
    hear(follower(1), follower(1), [[2, heartbeat(1)]]);

    expect(hear(follower(1), follower(3), [[3, heartbeat(3)]], { atMs: 1_050 })).toBe('holds');
  });

  it('hears a candidate again when the leader has been silent for long', () => {
    hear(follower(1), follower(1), [[2, heartbeat(1)]]);

    expect(hear(follower(1), follower(2), [[3, asks('VoteRequest', 2)]], { atMs: 1_200 })).toBe('holds');
  });

  it('may not go with a candidate', () => {
    hear(follower(1), follower(1), [[2, heartbeat(1)]]);

    const verdict = hear(follower(1), follower(2), [[3, asks('VoteRequest', 2)]], { atMs: 1_199 });

    expect(verdict).toBe('leaders are left alone');
  });

  it('may not grant a pre-vote', () => {
    hear(follower(1), follower(1), [[3, heartbeat(1)]]);

    expect(say(follower(1), granted('PreVoteAnswer', 2), 1_199)).toBe('leaders are left alone');
    expect(say(follower(1), granted('PreVoteAnswer', 2), 1_200)).toBe('holds');
  });

  it('may have granted one before the leader spoke in the same turn', () => {
    const heard = [{ from: nodeId(3), message: heartbeat(1) }];
    checkHeard(
      conduct,
      follower(1),
      follower(1),
      heard,
      { events: 2, timerFired: false, restartedMs: undefined },
      1_000,
      LIMITS,
    );

    expect(say(follower(1), granted('PreVoteAnswer', 2))).toBe('holds');
  });

  it('may not campaign', () => {
    hear(follower(1), follower(1), [[3, heartbeat(1)]]);

    expect(say(follower(1), asks('PreVoteRequest', 2), 1_150)).toBe('leaders are left alone');
  });
});

describe('a candidate', () => {
  it('waits before it asks again', () => {
    expect(say(follower(1), asks('PreVoteRequest', 2), 1_000)).toBe('holds');
    expect(say(follower(1), asks('PreVoteRequest', 2), 1_200)).toBe('holds');
    expect(say(follower(1), asks('PreVoteRequest', 2), 1_399)).toBe('candidates wait');
  });

  it('campaigns when a majority would vote for it, even if its requests leave late', () => {
    hear(follower(1), follower(1), [[2, granted('PreVoteAnswer', 2)]]);
    hear(follower(2), follower(2), [[2, granted('PreVoteAnswer', 3)]]);

    expect(say(follower(2), asks('VoteRequest', 2))).toBe('holds');
  });

  it('campaigns with a majority of those who were members when it began', () => {
    const more = { ...follower(1).config, voters: [1, 2, 3, 4].map(nodeId) };
    const candidate = raft(1, [1], { term: 2, role: 'candidate', vote: nodeId(1) });
    hear(follower(1), candidate, [[2, granted('PreVoteAnswer', 2)]]);

    expect(say({ ...candidate, config: more }, asks('VoteRequest', 2))).toBe('holds');
    expect(say({ ...follower(3), config: more }, asks('VoteRequest', 3))).toBe('candidates ask first');
  });

  it('may not campaign without having asked', () => {
    hear(follower(1), follower(1), [[2, granted('PreVoteAnswer', 2)]]);

    expect(say(follower(3), asks('VoteRequest', 3))).toBe('candidates ask first');
  });

  it('leads when a majority told it so in this term', () => {
    const verdict = hear(follower(2), leader(1, [1, 2], { term: 2 }), [[3, granted('VoteAnswer', 2)]]);

    expect(verdict).toBe('holds');
  });

  it('may not lead without an entry of its own', () => {
    const verdict = hear(follower(2), leader(1, [1], { term: 2 }), [[3, granted('VoteAnswer', 2)]]);

    expect(verdict).toBe('leaders open their term');
  });

  it('may not lead by votes of another term, nor by one that is repeated', () => {
    const five = [1, 2, 3, 4, 5].map(nodeId);
    const before = raft(1, [1], { term: 2, config: simpleConfiguration(five) });
    const after = leader(1, [1, 2], { term: 2, config: simpleConfiguration(five) });

    const old = [[3, granted('VoteAnswer', 1)]] as const;
    expect(hear(follower(2), leader(1, [1, 2], { term: 2 }), old, { timerFired: true })).toBe(
      'leaders are elected',
    );
    expect(
      hear(before, after, [
        [2, granted('VoteAnswer', 2)],
        [2, granted('VoteAnswer', 2)],
      ]),
    ).toBe('leaders are elected');
  });
});

describe('a commit index', () => {
  it('rises to what an append proved', () => {
    const after = follower(1, { commit: logIndex(2) });

    expect(hear(follower(1), after, [[2, append(1, 1, 1, 9)]])).toBe('holds');
  });

  it('may not rise beyond it', () => {
    const after = follower(1, { commit: logIndex(3) });

    expect(hear(follower(1), after, [[2, append(1, 1, 1, 9)]])).toBe('commits are proven');
  });

  it('may not be carried by a heartbeat beyond the match', () => {
    const sender = leader(1, [1, 1], { term: 1, peers: [progress(2, 1)] });

    expect(say(sender, heartbeat(1, 1))).toBe('holds');
    expect(say(sender, heartbeat(1, 2))).toBe('commits are proven');
  });
});

describe('an acceptance', () => {
  it('states what the leader has shown to match', () => {
    hear(follower(1), follower(1), [[2, append(1, 1, 1)]]);

    expect(say(follower(1), accepted(1, 2))).toBe('holds');
  });

  it('may state what is committed', () => {
    expect(say(follower(1, { commit: logIndex(3) }), accepted(1, 3))).toBe('holds');
  });

  it('may not state the rest of the log', () => {
    hear(follower(1), follower(1), [[2, append(1, 1, 1)]]);

    expect(say(follower(1), accepted(1, 3))).toBe('acceptances are proven');
  });

  it('moves the match, and nothing else does', () => {
    const before = leader(1, [1, 1, 1], { term: 1, peers: [progress(2, 0)] });
    const after = (match: number): Raft => ({ ...before, peers: [progress(2, match)] });

    expect(hear(before, after(2), [[2, accepted(1, 2)]])).toBe('holds');
    expect(hear(after(2), after(3), [[2, accepted(1, 1)]])).toBe('matches were accepted');
  });
});

describe('a leader', () => {
  const behind = leader(1, [1, 1, 1], { term: 1, peers: [progress(2, 1)] });

  /** One tick of the leader, at which the follower may have answered. */
  const tick = (atMs: number, says: readonly Message[], answers = true): string =>
    verdictOf(() => {
      for (const message of says) checkSaid(conduct, behind, behind, nodeId(2), message, atMs, LIMITS);
      const answer: Message = { type: 'HeartbeatAnswer', term: term(1), round: 0 };
      const heard = answers ? [{ from: nodeId(2), message: answer }] : [];
      checkCare(conduct, behind, heard, true, atMs, LIMITS);
    });

  const ticks = (count: number, says: (n: number) => readonly Message[], answers = true): readonly string[] =>
    Array.from({ length: count }, (_, n) => tick(1_000 + n * 50, says(n), answers));

  it('sends what is missing to whoever answers', () => {
    const verdicts = ticks(40, (n) => (n % 4 === 0 ? [heartbeat(1), append(1, 1, 1)] : [heartbeat(1)]));

    expect(new Set(verdicts)).toEqual(new Set(['holds']));
  });

  it('need not send anything but heartbeats to whoever is silent', () => {
    const verdicts = ticks(40, () => [heartbeat(1)], false);

    expect(new Set(verdicts)).toEqual(new Set(['holds']));
  });

  it('may not forget a follower that is behind', () => {
    const verdicts = ticks(40, () => [heartbeat(1)]);

    expect(verdicts).toContain('followers are kept');
  });

  it('forgot nobody while its process stood still', () => {
    const verdicts = [tick(1_000, [heartbeat(1)]), tick(90_000, [heartbeat(1)])];

    expect(verdicts).toEqual(['holds', 'holds']);
  });

  it('may not be silent', () => {
    expect(ticks(5, () => [append(1, 1, 1)])).toContain('followers are kept');
  });
});

describe('an election that the leader asked for', () => {
  const handedOver: Message = { ...asks('VoteRequest', 2), handedOver: true } as Message;

  it('needs no pre-votes, once a leader has asked for it', () => {
    hear(follower(1), follower(1), [[3, { type: 'CampaignNow', term: term(1) }]]);

    expect(say(follower(2), handedOver)).toBe('holds');
  });

  it('breaks a rule when no leader did', () => {
    expect(say(follower(2), handedOver)).toBe('only leaders hand over');
  });
});

describe('a promise to a leader', () => {
  const before = raft(1, [], { term: 2 });
  const voted = raft(1, [], { term: 3, vote: nodeId(3) });
  const asked = [[3, asks('VoteRequest', 3)]] as const;

  it('outlasts the term of that leader', () => {
    hear(raft(1, [], { term: 1 }), raft(1, [], { term: 1 }), [[2, heartbeat(1)]], { atMs: 1_000 });

    expect(hear(before, voted, asked, { atMs: 1_199 })).toBe('promises are kept');
    expect(hear(before, voted, asked, { atMs: 1_200 })).toBe('holds');
  });

  it('outlasts a restart, of which nobody knows what was heard before it', () => {
    expect(hear(before, voted, asked, { atMs: 1_199, restartedMs: 1_000 })).toBe('promises are kept');
    expect(hear(before, voted, asked, { atMs: 1_200, restartedMs: 1_000 })).toBe('holds');
  });

  it('does not stand against whom the leader asked to campaign', () => {
    const handedOver: Message = { ...asks('VoteRequest', 3), handedOver: true } as Message;

    expect(hear(before, voted, [[3, handedOver]], { atMs: 1_100, restartedMs: 1_000 })).toBe('holds');
  });
});
