import { beforeEach, describe, expect, it } from 'vitest';
import {
  groupId,
  KeyValueCode,
  logIndex,
  nodeId,
  partitionOfKey,
  revision,
  SetFlag,
  term,
  ZERO_TIMESTAMP,
  type HeartbeatAnswer,
  type KeyValueAnswer,
  type KeyValueOperation,
  type NodeMessage,
  type RequestId,
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
    stampedAt: ZERO_TIMESTAMP,
    operation: WRITE,
  };
  execute(reference, command, 100);
  rules = createAnswerRules({
    nowUs: () => nowUs,
    partitions: 1,
    referenceOf: () => reference,
    lastCommitted: () => committed,
    trustsLeases: true,
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

function answerOf(code: KeyValueCode, index: number): KeyValueAnswer {
  const servedAt = { group: groupId(1), index: logIndex(index) };
  return { code, revision: revision(0), value: null, lastModified: ZERO_TIMESTAMP, servedAt };
}

const reply = (answer: KeyValueAnswer, turn = turnOf(), token = 7): string =>
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
