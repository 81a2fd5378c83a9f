import { beforeEach, describe, expect, it } from 'vitest';
import {
  emptyFifo,
  groupId,
  KeyValueCode,
  logIndex,
  monotonicMs,
  nodeId,
  partitionOfKey,
  revision,
  SetFlag,
  term,
  type HeartbeatAnswer,
  type ClientAnswer,
  type KeyValueOutcome,
  type Told,
  type Timestamp,
  type KeyValueOperation,
  type Operation,
  type NodeMessage,
  type SpokenMessage,
  type RequestId,
  type SentRound,
} from '../../../core/index.js';
import { createAnswerRules, type AnswerRules, type Served } from '../../../sim/check/answers.js';
import { createReference, execute } from '../../../sim/check/reference.js';
import { leader, raft, verdictOf } from './support/states.js';

const READ: KeyValueOperation = { type: 'Get', key: 'a' };
const WRITE: KeyValueOperation = {
  type: 'Set',
  key: 'a',
  value: null,
  flags: SetFlag.set,
  compareValue: null,
  compareRevision: revision(0),
};

const STAMP: Timestamp = { node: nodeId(1), wall: 1 as Timestamp['wall'], counter: 0 };

let nowUs: number;
let committed: number;
let rules: AnswerRules;

beforeEach(() => {
  nowUs = 0;
  committed = 1;
  const reference = createReference(1);
  const command = {
    requestId: 'w' as RequestId,
    basis: logIndex(0),
    stampedAt: STAMP,
    operation: WRITE,
  };
  execute(reference, command, 100);
  rules = createAnswerRules({
    nowUs: () => nowUs,
    partitions: 1,
    referenceOf: () => reference,
    lastCommitted: () => committed,
    trustsLeases: true,
    shown: () => undefined,
    reach: () => undefined,
  });
});

const leads = leader(1, [1], { term: 1 });
const turnOf = (state = leads): Served => ({
  events: [],
  before: () => state,
  after: () => state,
  nowMs: 0,
});

function ask(operation: KeyValueOperation, token = 7, requestId = 'w'): void {
  rules.heard(1, {
    type: 'RequestReceived',
    token,
    request: { requestId: requestId as RequestId, operation },
  });
}

function answerOf(code: KeyValueCode, index: number): KeyValueOutcome & Told {
  const servedAt = { group: groupId(1), index: logIndex(index) };
  return { code, revision: revision(0), value: null, lastModified: STAMP, servedAt };
}

const reply = (answer: ClientAnswer, turn = turnOf(), token = 7): string =>
  verdictOf(() => rules.replied(1, token, answer, turn));

/** Node 2 answers a heartbeat of node 1, and the answer arrives later. */
function confirm(sentAtUs: number, arrivesAtUs: number, ofTerm = 1): void {
  const answer: HeartbeatAnswer = { type: 'HeartbeatAnswer', term: term(ofTerm), round: 1 };
  const message: NodeMessage = { type: 'Group', group: groupId(1), message: answer };
  nowUs = sentAtUs;
  rules.said(2, nodeId(1), message, turnOf(raft(2, [1], { term: 1 })));
  nowUs = arrivesAtUs;
  rules.heard(1, { type: 'MessageReceived', from: nodeId(2), message });
}

it('all keys of these tests have one place', () => {
  expect(partitionOfKey('a', 1)).toBe(1);
});

describe('a write', () => {
  it('may be answered with what its entry led to', () => {
    ask(WRITE);

    expect(reply(answerOf(KeyValueCode.set, 1))).toBe('holds');
  });

  it('may be put off without a place in the log, but not decided', () => {
    ask(WRITE, 7);
    ask(WRITE, 8);
    const { servedAt, ...bare } = answerOf(KeyValueCode.set, 1);

    expect(servedAt?.index).toBe(1);
    expect(reply({ ...bare, code: KeyValueCode.mustRetry })).toBe('holds');
    expect(reply(bare, turnOf(), 8)).toBe('answers are committed');
  });

  it('may not be answered from what is not committed', () => {
    ask(WRITE);

    expect(reply(answerOf(KeyValueCode.set, 2))).toBe('answers are committed');
  });

  it('may not be answered with the entry of another request', () => {
    ask(WRITE, 7, 'other');

    expect(reply(answerOf(KeyValueCode.set, 1))).toBe('answers are true');
  });

  it('may not be answered twice', () => {
    ask(WRITE);
    reply(answerOf(KeyValueCode.set, 1));

    expect(reply(answerOf(KeyValueCode.set, 1))).toBe('answers are given once');
  });

  it('may not be answered from another group', () => {
    ask(WRITE);
    const answer = { ...answerOf(KeyValueCode.set, 1), servedAt: { group: groupId(2), index: logIndex(1) } };

    expect(reply(answer)).toBe('keys have one place');
  });
});

describe('a read', () => {
  it('may be answered when another node spoke after it came', () => {
    nowUs = 100;
    ask(READ);
    confirm(100, 150);

    expect(reply(answerOf(KeyValueCode.got, 1))).toBe('holds');
  });

  it('may not be answered by what was said before it came, however late that arrives', () => {
    nowUs = 100;
    ask(READ);
    confirm(99, 150);

    expect(reply(answerOf(KeyValueCode.got, 1))).toBe('reads are confirmed');
  });

  it('may not be answered by what was said in another term', () => {
    nowUs = 100;
    ask(READ);
    confirm(120, 150, 2);

    expect(reply(answerOf(KeyValueCode.got, 1))).toBe('reads are confirmed');
  });

  it('may not be answered by a follower', () => {
    nowUs = 100;
    ask(READ);
    confirm(120, 150);

    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(raft(1, [1], { term: 1 })))).toBe(
      'reads are confirmed',
    );
  });

  it('may not miss what was committed when it came', () => {
    ask(READ);
    committed = 2;
    ask(READ, 8);
    confirm(0, 0);

    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(), 7)).toBe('holds');
    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(), 8)).toBe('reads are fresh');
  });
});

describe('a read by lease', () => {
  const lease = { until: monotonicMs(100), unconfirmed: emptyFifo<SentRound>() };
  const lessor = leader(1, [1], { term: 1, commit: logIndex(1), termStart: logIndex(1), lease });

  it('may be answered unconfirmed while the lease holds, and not by a moment longer', () => {
    ask({ ...READ, mode: 'lease' }, 7);
    ask({ ...READ, mode: 'lease' }, 8);

    expect(reply(answerOf(KeyValueCode.got, 1), { ...turnOf(lessor), nowMs: 99 }, 7)).toBe('holds');
    expect(reply(answerOf(KeyValueCode.got, 1), { ...turnOf(lessor), nowMs: 100 }, 8)).toBe(
      'reads are confirmed',
    );
  });

  it('may be answered in the turn that asks another to campaign, and in none after it', () => {
    ask({ ...READ, mode: 'lease' }, 7);
    ask({ ...READ, mode: 'lease' }, 8);
    const ran = { ...lessor, lease: { ...lease, until: monotonicMs(1) } };
    const gone = { ...lessor, askedToCampaign: true };
    const turn = (before: typeof lessor) => ({
      ...turnOf(gone),
      before: () => before,
      after: () => gone,
      nowMs: 99,
    });

    expect(reply(answerOf(KeyValueCode.got, 1), turn(ran), 7)).toBe('holds');
    expect(reply(answerOf(KeyValueCode.got, 1), turn(gone), 8)).toBe('reads are confirmed');
  });

  it('may not miss what was committed when it came', () => {
    committed = 2;
    ask({ ...READ, mode: 'lease' });

    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(lessor))).toBe('reads are fresh');
  });

  it('gives nobody else the right to answer unconfirmed', () => {
    ask(READ);

    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(lessor))).toBe('reads are confirmed');
  });
});

describe('a stale read', () => {
  it('may be of the past, but not of a past that never was', () => {
    committed = 2;
    ask({ ...READ, mode: 'stale' }, 7);
    ask({ ...READ, mode: 'stale' }, 8);
    ask({ ...READ, mode: 'stale' }, 9);

    expect(reply(answerOf(KeyValueCode.got, 1), turnOf(), 7)).toBe('holds');
    expect(reply(answerOf(KeyValueCode.got, 3), turnOf(), 8)).toBe('answers are committed');
    expect(reply(answerOf(KeyValueCode.doesNotExist, 1), turnOf(), 9)).toBe('answers are true');
  });
});

describe('a read at a follower', () => {
  const follower = turnOf(raft(2, [1], { term: 1 }));

  /** What passes between follower 2 and leader 1 about a batch. */
  const question = (batch: number): NodeMessage =>
    inGroup({ type: 'ReadIndexRequest', term: term(1), batch });
  const told = (batch: number, index: number): NodeMessage =>
    inGroup({ type: 'ReadIndexAnswer', term: term(1), batch, index: logIndex(index) });
  const inGroup = (message: SpokenMessage): NodeMessage => ({
    type: 'Group',
    group: groupId(1),
    message,
  });
  const hear = (node: number, from: number, message: NodeMessage): void =>
    rules.heard(node, { type: 'MessageReceived', from: nodeId(from), message });
  const read = (token: number): void =>
    rules.heard(2, { type: 'RequestReceived', token, request: { operation: { ...READ, mode: 'follower' } } });
  const answered = (token: number, index = 1): string =>
    verdictOf(() => rules.replied(2, token, answerOf(KeyValueCode.got, index), follower));
  const say = (batch: number, index: number, message = told(batch, index)): string =>
    verdictOf(() => rules.said(1, nodeId(2), message, turnOf()));

  it('may be answered when the leader has said since then how far the state must be', () => {
    nowUs = 100;
    read(7);
    rules.said(2, nodeId(1), question(5), follower);
    hear(1, 2, question(5));
    confirm(120, 150);
    const answer = told(5, 1);
    const said = say(5, 1, answer);
    hear(2, 1, answer);

    expect([said, answered(7)]).toEqual(['holds', 'holds']);
  });

  it('may not be answered without a question, or by the answer to an earlier one', () => {
    nowUs = 90;
    rules.said(2, nodeId(1), question(5), follower);
    hear(1, 2, question(5));
    nowUs = 100;
    read(7);
    read(8);
    const unasked = answered(7);
    hear(2, 1, told(5, 1));

    expect([unasked, answered(8)]).toEqual(['reads are confirmed', 'reads are confirmed']);
  });

  it('may not be answered by what an earlier run asked under the same number', () => {
    nowUs = 90;
    rules.said(2, nodeId(1), question(5), follower);
    hear(1, 2, question(5));
    confirm(91, 92);
    const answer = told(5, 1);
    say(5, 1, answer);
    rules.crashed(2);
    nowUs = 100;
    read(7);
    rules.said(2, nodeId(1), question(5), follower);
    hear(2, 1, answer);

    expect(answered(7)).toBe('reads are confirmed');
  });

  it('may not be told an index by a leader that was not confirmed, that is too low, or unasked', () => {
    nowUs = 100;
    hear(1, 2, question(5));
    const unconfirmed = say(5, 1);
    committed = 2;
    hear(1, 2, question(6));

    expect([unconfirmed, say(6, 1), say(9, 2)]).toEqual([
      'reads are confirmed',
      'reads are fresh',
      'answers are asked for',
    ]);
  });
});

describe('an answer to another node', () => {
  const result = { type: 'Executed', outcome: answerOf(KeyValueCode.set, 1), index: logIndex(1) } as const;
  const message: NodeMessage = {
    type: 'ForwardAnswer',
    group: groupId(1),
    requestId: 'w' as RequestId,
    result,
  };
  const say = (to: number): string => verdictOf(() => rules.said(1, nodeId(to), message, turnOf()));

  it('goes to whoever asked', () => {
    const forward: NodeMessage = {
      type: 'Forward',
      group: groupId(1),
      requestId: 'w' as RequestId,
      basis: logIndex(0),
      operation: WRITE,
    };
    rules.heard(1, { type: 'MessageReceived', from: nodeId(2), message: forward });

    expect(say(2)).toBe('holds');
    expect(say(3)).toBe('answers are asked for');
  });
});

describe('a hold that is granted', () => {
  const HELD: Timestamp = { ...STAMP, wall: 50 as Timestamp['wall'] };
  const grant = (floor: Timestamp | undefined): string => {
    const held = createReference(0);
    const run = (operation: Operation): void =>
      execute(
        held,
        { requestId: operation.type as RequestId, basis: logIndex(0), stampedAt: STAMP, operation },
        100,
      );
    run({ type: 'AcquireHold', holder: 'a', timestamp: HELD, leaseMs: 1_000 });
    if (floor !== undefined) {
      run({ type: 'SetFloor', group: groupId(1), timestamp: floor, position: logIndex(1) });
    }
    // One reference plays both parts: it has the hold, and the floor.
    const granting = createAnswerRules({
      nowUs: () => nowUs,
      partitions: 1,
      referenceOf: () => held,
      lastCommitted: () => committed,
      trustsLeases: true,
      shown: () => undefined,
      reach: () => undefined,
    });
    const operation = { type: 'AcquireHold', holder: 'a', timestamp: HELD, leaseMs: 1_000 } as const;
    const requestId = 'AcquireHold' as RequestId;
    granting.heard(1, { type: 'RequestReceived', token: 7, request: { requestId, operation } });
    const outcome = held.effects[1]?.outcome;
    if (outcome?.family !== 'hold') throw new Error('it was not acquired');
    const answer = { ...outcome, servedAt: { group: groupId(0), index: logIndex(1) } };
    return verdictOf(() => granting.replied(1, 7, answer, turnOf()));
  };

  it('is held by every partition', () => {
    expect(grant(HELD)).toBe('holds');
    expect(grant(STAMP)).toBe('holds');
    expect(grant(undefined)).toBe('holds are granted with their floors');
    expect(grant({ ...HELD, counter: 1 })).toBe('holds are granted with their floors');
  });
});
