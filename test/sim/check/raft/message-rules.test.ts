import { beforeEach, describe, expect, it } from 'vitest';
import { logIndex, nodeId, term, type PartitionState, type RaftMessage } from '../../../../core/index.js';
import { checkMessage } from '../../../../sim/check/raft/message-rules.js';
import type { DurableView } from '../../../../sim/check/raft/durable-view.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { leader, raft, scene, store, verdictOf, type Scene } from '../support/states.js';

type Message = RaftMessage<PartitionState>;

const TOO_EARLY = 'nothing said before it is durable';

let context: Scene;
/** A follower of term 3 with three entries in memory. */
let sender: Raft;

beforeEach(() => {
  context = scene();
  sender = raft(1, [1, 2, 3], { term: 3, vote: nodeId(2) });
});

function judge(message: Message, to = 2): string {
  const view = context.disks.get(1) as DurableView;
  return verdictOf(() => checkMessage(context.history, view, sender, nodeId(to), message));
}

const vote = (granted: boolean): Message => ({ type: 'VoteAnswer', term: term(3), granted });
const accepted = (index: number, ofTerm = 3): Message => ({
  type: 'AppendAccepted',
  term: term(ofTerm),
  index: logIndex(index),
});

describe('a vote', () => {
  it('may be given when it is on the disk', () => {
    store(context, 1, { term: 3, vote: 2 });

    expect(judge(vote(true))).toBe('holds');
  });

  it('may be given again to the same candidate', () => {
    store(context, 1, { term: 3, vote: 2 });

    expect([judge(vote(true)), judge(vote(true))]).toEqual(['holds', 'holds']);
  });

  it('may not be given before the term is on the disk', () => {
    store(context, 1, { term: 2, vote: 2 });

    expect(judge(vote(true))).toBe(TOO_EARLY);
    expect(judge(vote(false))).toBe(TOO_EARLY);
  });

  it.each([0, 3])('may not be given to node 2 when the disk has it for node %i', (given) => {
    store(context, 1, { term: 3, vote: given });

    expect(judge(vote(true))).toBe(TOO_EARLY);
  });

  it('may be refused whatever the disk says of it', () => {
    store(context, 1, { term: 3, vote: 3 });

    expect(judge(vote(false))).toBe('holds');
  });

  it('may not be given twice in a term, not even after the disk forgot it', () => {
    store(context, 1, { term: 3, vote: 2 });
    const first = judge(vote(true), 2);
    store(context, 1, { term: 3, vote: 3 });

    const second = judge(vote(true), 3);

    expect([first, second]).toEqual(['holds', 'one vote a term']);
  });
});

describe('a request for votes', () => {
  beforeEach(() => {
    sender = raft(1, [1, 2, 3], { term: 3, vote: nodeId(1), role: 'candidate' });
  });

  const request = (lastIndex: number): Message => ({
    type: 'VoteRequest',
    handedOver: false,
    term: term(3),
    lastIndex: logIndex(lastIndex),
    lastTerm: term(3),
  });

  it('may be made when term, vote and log are on the disk', () => {
    store(context, 1, { term: 3, vote: 1, terms: [1, 2, 3] });

    expect(judge(request(3))).toBe('holds');
  });

  it.each([
    ['term', { term: 2, vote: 1, terms: [1, 2, 3] }],
    ['vote', { term: 3, vote: 0, terms: [1, 2, 3] }],
    ['log', { term: 3, vote: 1, terms: [1, 2] }],
  ])('may not be made before the %s is', (_name, disk) => {
    store(context, 1, disk);

    expect(judge(request(3))).toBe(TOO_EARLY);
  });

  it('may leave after the log that it states was cut off by following the leader of its term', () => {
    store(context, 1, { term: 3, vote: 1, terms: [1, 2] });
    sender = raft(1, [1, 2], { term: 3, vote: nodeId(1), role: 'follower' });

    expect(judge(request(3))).toBe('holds');
  });
});

describe('an acknowledgement', () => {
  it('may be given for what is on the disk', () => {
    store(context, 1, { term: 3, terms: [1, 2, 3] });

    expect(judge(accepted(3))).toBe('holds');
  });

  it('may be given for what a snapshot on the disk covers', () => {
    store(context, 1, { term: 3 });
    Object.assign(context.disks.get(1) as DurableView, { baseIndex: 5, baseTerm: 3 });

    expect(judge(accepted(4))).toBe('holds');
  });

  it('may not be given for what is not', () => {
    store(context, 1, { term: 3, terms: [1, 2] });

    expect(judge(accepted(3))).toBe(TOO_EARLY);
  });

  it('may not be given while the disk has another entry there', () => {
    store(context, 1, { term: 3, terms: [1, 2, 2] });

    expect(judge(accepted(3))).toBe(TOO_EARLY);
  });

  it('may not be given before the term is on the disk', () => {
    store(context, 1, { term: 2, terms: [1, 2, 3] });

    expect(judge(accepted(3))).toBe(TOO_EARLY);
  });

  it('of an older term is not judged by the present log', () => {
    store(context, 1, { term: 3, terms: [1] });

    expect(judge(accepted(3, 2))).toBe('holds');
  });

  it('of one that leads meanwhile is not judged', () => {
    sender = leader(1, [1, 2, 3], { term: 3 });
    store(context, 1, { term: 3, terms: [1] });

    expect(judge(accepted(3))).toBe('holds');
  });
});

describe('an answer that shows the term', () => {
  const answers: readonly Message[] = [
    {
      type: 'AppendRefused',
      term: term(3),
      refused: logIndex(3),
      hintIndex: logIndex(1),
      hintTerm: term(1),
    },
    { type: 'HeartbeatAnswer', term: term(3), round: 1 },
    { type: 'PreVoteAnswer', term: term(3), granted: false },
  ];

  it.each(answers.map((message) => [message.type, message] as const))(
    '%s may be given when the term is on the disk, and not before',
    (_name, message) => {
      store(context, 1, { term: 3 });
      const durable = judge(message);
      store(context, 1, { term: 2 });

      expect([durable, judge(message)]).toEqual(['holds', TOO_EARLY]);
    },
  );
});

describe('a message that promises nothing', () => {
  const messages: readonly Message[] = [
    { type: 'PreVoteRequest', term: term(4), lastIndex: logIndex(3), lastTerm: term(3) },
    { type: 'PreVoteAnswer', term: term(4), granted: true },
    { type: 'Heartbeat', term: term(3), commit: logIndex(0), round: 1 },
    {
      type: 'Append',
      term: term(3),
      previousIndex: logIndex(0),
      previousTerm: term(0),
      entries: [],
      commit: logIndex(0),
    },
  ];

  it.each(messages.map((message) => [message.type, message] as const))(
    '%s may go at once',
    (_name, message) => {
      store(context, 1, { term: 0 });

      expect(judge(message)).toBe('holds');
    },
  );
});
