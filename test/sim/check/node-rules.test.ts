import { describe, expect, it } from 'vitest';
import {
  isClientAnswer,
  EMPTY_PARTITION,
  executeRead,
  ImpossibleState,
  KeyValueCode,
  logIndex,
  mapSet,
  radixForEach,
  radixGet,
  revision,
  term,
  writeNumber,
  ZERO_TIMESTAMP,
  type GroupState,
  type NodeEffect,
  type NodeEvent,
  type NodeOptions,
  type SpokenMessage,
} from '../../../core/index.js';
import { run } from '../../../sim/index.js';
import type { Fault as Strike } from '../../../sim/faults/scenario.js';
import {
  changeEffects,
  changeGroups,
  changeMessages,
  judgeFault,
  SHORT,
  type Fault,
} from './support/faulty.js';

type Message = SpokenMessage;

/** The messages of group 1 that a turn received. */
function received(
  events: readonly NodeEvent[],
): readonly { readonly from: number; readonly message: Message }[] {
  return events.flatMap((event) =>
    event.type === 'MessageReceived' && event.message.type === 'Group'
      ? [{ from: event.from, message: event.message.message }]
      : [],
  );
}

/** The leader is cut off again and again, and goes on to believe that it leads. */
const CUT_LEADER: readonly Strike[] = [400, 1_200, 2_000, 2_800].map((atMs) => ({
  type: 'Isolate',
  atMs,
  untilMs: atMs + 500,
  target: { leaderOf: 1 },
}));

const RESTARTS: readonly Strike[] = [500, 1_000, 1_500, 2_000, 2_500, 3_000].map((atMs) => ({
  type: 'Crash',
  atMs,
  untilMs: atMs + 100,
  target: { leaderOf: 1 },
}));

describe('an honest node', () => {
  it('breaks no rule', () => {
    expect(run(SHORT).failure).toBeUndefined();
    expect(run({ ...SHORT, faults: CUT_LEADER }).failure).toBeUndefined();
    expect(run({ ...SHORT, faults: RESTARTS }).failure).toBeUndefined();
  });

  it('breaks none when it is wrapped and left alone', () => {
    expect(judgeFault((step) => step)).toBe('holds');
  });
});

/** Sends every append so many times in one message. */
function repeatAppends(timesOf: (options: NodeOptions) => number): Fault {
  return (step, _before, _turn, options) =>
    changeEffects(step, (effect) => {
      if (effect.type !== 'Send') return [effect];
      const times = timesOf(options);
      const messages = effect.messages.flatMap((message) =>
        message.type === 'Group' && message.message.type === 'Append'
          ? Array.from({ length: times }, () => message)
          : [message],
      );
      return [{ ...effect, messages }];
    });
}

describe('a run leaves a node alone that', () => {
  it('fills its window, and asks with one append more whether all is lost', () => {
    const full = { ...SHORT.settings, node: { ...SHORT.settings.node, maxInflightAppends: 1 } };

    expect(
      judgeFault(
        repeatAppends(() => 2),
        { ...SHORT, settings: full },
      ),
    ).toBe('holds');
  });

  it('drops the requests that wait when it is deposed', () => {
    let dropped = 0;
    const verdict = judgeFault(
      (step, before) => {
        const [known, group] = [radixGet(before.groups, 1), radixGet(step.state.groups, 1)];
        if (known !== undefined && group?.raft.role !== 'leader')
          radixForEach(known.waiting, () => (dropped += 1));
        return step;
      },
      { ...SHORT, faults: CUT_LEADER },
    );

    expect(verdict).toBe('holds');
    expect(dropped).toBeGreaterThan(0);
  });
});

describe('a run finds a node that', () => {
  it('forgets what it has applied', () => {
    const verdict = judgeFault((step) =>
      changeGroups(step, (group) =>
        group.partition.applied > 10 ? { ...group, partition: EMPTY_PARTITION } : undefined,
      ),
    );

    expect(verdict).toBe('applied never falls');
  });

  it('applies what is not committed', () => {
    const verdict = judgeFault((step) =>
      changeGroups(step, (group) =>
        group.raft.commit > 10
          ? { ...group, partition: { ...group.partition, applied: logIndex(group.raft.commit + 1) } }
          : undefined,
      ),
    );

    expect(verdict).toBe('applied is committed');
  });

  it('leaves what is committed for another turn', () => {
    const verdict = judgeFault((step, before) =>
      changeGroups(step, (group) => {
        const known = radixGet(before.groups, group.raft.group);
        return known !== undefined && group.raft.commit > 10 && known.partition.applied < group.raft.commit
          ? { ...group, partition: known.partition }
          : undefined;
      }),
    );

    expect(verdict).toBe('what is committed is applied');
  });

  it('applies a command otherwise than the others', () => {
    const verdict = judgeFault((step, before, _turn, { node }) =>
      changeGroups(step, (group) =>
        node === 2 && group.partition !== radixGet(before.groups, 1)?.partition
          ? { ...group, partition: { ...group.partition, digest: group.partition.digest ^ 1 } }
          : undefined,
      ),
    );

    expect(verdict).toBe('replicas agree');
  });

  /** Changes every snapshot that is new. */
  const changeSnapshot = (
    change: (snapshot: NonNullable<GroupState['raft']['snapshot']>) => object,
  ): string =>
    judgeFault((step, before) =>
      changeGroups(step, (group) => {
        const { snapshot } = group.raft;
        if (snapshot === undefined || snapshot === radixGet(before.groups, 1)?.raft.snapshot)
          return undefined;
        return { ...group, raft: { ...group.raft, snapshot: { ...snapshot, ...change(snapshot) } } };
      }),
    );

  it('takes a snapshot of what it has not applied', () => {
    const verdict = changeSnapshot(({ index }) => ({ index: logIndex(index + 1_000) }));

    expect(verdict).toBe('snapshots are applied');
  });

  it('takes a snapshot of a place that was not committed', () => {
    const verdict = changeSnapshot(({ term: ofTerm }) => ({ term: term(ofTerm + 1) }));

    expect(verdict).toBe('snapshots are committed');
  });

  it('takes a snapshot of another state', () => {
    const verdict = changeSnapshot(({ state }) => ({ state: { ...state, digest: state.digest ^ 1 } }));

    expect(verdict).toBe('snapshots are true');
  });

  it('answers from beyond what is committed', () => {
    const verdict = judgeFault((step) =>
      changeEffects(step, (effect) =>
        effect.type === 'Reply' && isClientAnswer(effect.answer) && effect.answer.servedAt !== undefined
          ? [
              {
                ...effect,
                answer: { ...effect.answer, servedAt: { ...effect.answer.servedAt, index: logIndex(9_999) } },
              },
            ]
          : [effect],
      ),
    );

    expect(verdict).toBe('answers are committed');
  });

  it('tells another node of what is not committed', () => {
    const verdict = judgeFault((step) =>
      changeMessages(step, (message) =>
        message.type === 'ForwardAnswer' && message.result.type === 'Executed'
          ? { ...message, result: { ...message.result, index: logIndex(9_999) } }
          : message,
      ),
    );

    expect(verdict).toBe('answers are committed');
  });

  it('answers reads from its own state, whoever leads', () => {
    const verdict = judgeFault((step, before, { events }) => {
      const partition = radixGet(before.groups, 1)?.partition ?? EMPTY_PARTITION;
      const replies = events.flatMap((event): NodeEffect[] => {
        if (
          event.type !== 'RequestReceived' ||
          !('operation' in event.request) ||
          event.request.operation.type !== 'Get'
        )
          return [];
        const outcome = executeRead(partition, event.request.operation);
        const servedAt = { group: 1 as never, index: partition.applied };
        return [{ type: 'Reply', token: event.token, answer: { ...outcome, servedAt } }];
      });
      return { ...step, effects: [...replies, ...step.effects] };
    });

    expect(verdict).toBe('reads are confirmed');
  });

  it('answers reads from an old state and says nothing of where it was', () => {
    const verdict = judgeFault((step, before, { events }) => {
      const partition = radixGet(before.groups, 1)?.partition ?? EMPTY_PARTITION;
      const replies = events.flatMap((event): NodeEffect[] => {
        if (
          event.type !== 'RequestReceived' ||
          !('operation' in event.request) ||
          event.request.operation.type !== 'Get'
        )
          return [];
        return [
          { type: 'Reply', token: event.token, answer: executeRead(partition, event.request.operation) },
        ];
      });
      return { ...step, effects: [...replies, ...step.effects] };
    });

    expect(verdict).toBe('answers are committed');
  });

  it('answers a read with a value that nobody wrote', () => {
    const verdict = judgeFault((step) =>
      changeEffects(step, (effect) =>
        effect.type === 'Reply' && 'code' in effect.answer && effect.answer.code === KeyValueCode.got
          ? [{ ...effect, answer: { ...effect.answer, value: new Uint8Array([110, 111]) } }]
          : [effect],
      ),
    );

    expect(verdict).toBe('answers are true');
  });

  it('answers with a code that no client should ever see', () => {
    const verdict = judgeFault((step) =>
      changeEffects(step, (effect) =>
        effect.type === 'Reply'
          ? [{ ...effect, answer: { ...effect.answer, code: KeyValueCode.errored } }]
          : [effect],
      ),
    );

    expect(verdict).toBe('answers are true');
  });

  it('writes to its disk when it is asked for a pre-vote', () => {
    const verdict = judgeFault((step, _before, { events }) =>
      received(events).some(({ message }) => message.type === 'PreVoteRequest')
        ? { ...step, effects: [...step.effects, { type: 'Persist', write: writeNumber(9_999), changes: [] }] }
        : step,
    );

    expect(verdict).toBe('a pre-vote changes nothing');
  });

  it('acknowledges entries before they are on its disk', () => {
    const verdict = judgeFault((step, _before, { events }) => {
      const early = received(events).flatMap(({ from, message }): NodeEffect[] => {
        if (message.type !== 'Append' || message.entries.length === 0) return [];
        const index = logIndex(message.previousIndex + message.entries.length);
        const accepted: Message = { type: 'AppendAccepted', term: message.term, index };
        return [send(from, accepted)];
      });
      return { ...step, effects: [...early, ...step.effects] };
    });

    expect(verdict).toBe('nothing said before it is durable');
  });

  it('grants every vote', () => {
    const verdict = judgeFault((step, _before, { events }) => {
      const grants = received(events).flatMap(({ from, message }): NodeEffect[] =>
        message.type === 'VoteRequest'
          ? [send(from, { type: 'VoteAnswer', term: message.term, granted: true })]
          : [],
      );
      return { ...step, effects: [...grants, ...step.effects] };
    });

    expect(verdict).toBe('nothing said before it is durable');
  });

  it('commits beyond its leader', () => {
    const verdict = judgeFault((step) =>
      changeGroups(step, (group) => {
        const { raft } = group;
        return raft.role === 'follower' && raft.log.lastIndex > raft.commit
          ? { ...group, raft: { ...raft, commit: raft.log.lastIndex } }
          : undefined;
      }),
    );

    expect(verdict).toBe('leaders commit first');
  });

  it('leads because it wants to', () => {
    const verdict = judgeFault((step) =>
      changeGroups(step, (group) =>
        group.raft.role === 'candidate' ? { ...group, raft: { ...group.raft, role: 'leader' } } : undefined,
      ),
    );

    expect(verdict).toBe("a leader's own vote is durable");
  });

  it('leads on though nobody answers', () => {
    const verdict = judgeFault(
      (step) =>
        changeGroups(step, (group) =>
          group.raft.role === 'leader'
            ? {
                ...group,
                raft: { ...group.raft, quorumCheckAt: (group.raft.quorumCheckAt + 60_000) as never },
              }
            : undefined,
        ),
      {
        ...SHORT,
        faults: [{ type: 'Deafen', atMs: 1_000, untilMs: 3_500, target: { leaderOf: 1 } }],
      },
    );

    expect(verdict).toBe('leaders step down');
  });

  it('takes its writes for durable as soon as they are issued', () => {
    const verdict = judgeFault((step) =>
      changeGroups(step, (group) => {
        const { term: ofTerm, vote, log, lastWrite } = group.raft;
        const durable = { write: lastWrite, term: ofTerm, vote, lastIndex: log.lastIndex };
        return group.raft.durable.lastIndex < log.lastIndex
          ? { ...group, raft: { ...group.raft, durable } }
          : undefined;
      }),
    );

    expect(verdict).toBe('durable is on disk');
  });

  it('sends more appends at once than its window has room for', () => {
    expect(judgeFault(repeatAppends(({ maxInflightAppends }) => maxInflightAppends + 2))).toBe('windows');
  });

  it('keeps requests waiting after it was deposed', () => {
    const verdict = judgeFault(
      (step, before) =>
        changeGroups(step, (group) => {
          const waiting = radixGet(before.groups, 1)?.waiting ?? group.waiting;
          return group.raft.role === 'leader' || group.waiting === waiting
            ? undefined
            : { ...group, waiting };
        }),
      { ...SHORT, faults: CUT_LEADER },
    );

    expect(verdict).toBe('requests wait at leaders');
  });

  it('never answers', () => {
    const verdict = judgeFault((step) =>
      changeEffects(step, (effect) => (effect.type === 'Reply' ? [] : [effect])),
    );

    expect(verdict).toBe('liveness');
  });

  it('never hears, so that its replica stays behind', () => {
    // Clients get their answers from the other two.
    const verdict = judgeFault((step, before, { events }, { node }) =>
      node === 3 && events.some(({ type }) => type === 'MessageReceived')
        ? { state: before, effects: [] }
        : step,
    );

    expect(verdict).toBe('liveness');
  });

  it('changes a key on the quiet', () => {
    const quiet = {
      value: null,
      revision: revision(0),
      deleted: false,
      lastModified: ZERO_TIMESTAMP,
      expires: ZERO_TIMESTAMP,
      lapsedAt: ZERO_TIMESTAMP,
      expiresMs: 0,
      armedAt: logIndex(0),
      history: [],
    };
    const verdict = judgeFault((step, before, _turn, { node }) =>
      changeGroups(step, (group) =>
        node === 2 && group.partition !== radixGet(before.groups, 1)?.partition
          ? {
              ...group,
              partition: { ...group.partition, keys: mapSet(group.partition.keys, 'quiet', quiet) },
            }
          : undefined,
      ),
    );

    expect(verdict).toBe('replicas are right');
  });

  it('halts', () => {
    const verdict = judgeFault((step, _before, { now }) =>
      now.monotonic % 2 === 0 ? { ...step, effects: [{ type: 'Halt', reason: 'a test' }] } : step,
    );

    expect(verdict).toBe('a node halted');
  });

  it('fails an assertion', () => {
    const verdict = judgeFault(() => {
      throw new ImpossibleState('a test');
    });

    expect(verdict).toBe('assertion of the machine');
  });

  it('throws anything else: that is a fault of the program, and no verdict', () => {
    const judge = (): unknown =>
      judgeFault(() => {
        throw new TypeError('a test');
      });

    expect(judge).toThrow(TypeError);
  });
});

function send(to: number, message: Message): NodeEffect {
  return { type: 'Send', to: to as never, messages: [{ type: 'Group', group: 1 as never, message }] };
}
