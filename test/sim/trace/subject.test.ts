import { describe, expect, it } from 'vitest';
import { monotonicMs, nodeId, wallMs, type Boot, type Step } from '../../../core/index.js';
import {
  buildTimeline,
  debugCommand,
  findCauses,
  nodeSubject,
  openSession,
  recordRun,
  stateAt,
  toShiViz,
  toSpaceTime,
  type AnyEffect,
  type AnyEvent,
  type AnyMachine,
  type TraceHeader,
  type TraceLine,
  type TraceSubject,
} from '../../../sim/index.js';
import { foldStep } from '../../../sim/trace/record.js';
import { shortStorm } from '../support/recorded.js';

/** A machine that is not ours: nodes hand each other a ball, and count how often they had it. */
interface Juggler {
  readonly had: number;
}

function juggler(node: number): AnyMachine {
  return {
    start: (_: Boot<unknown>): Step<Juggler, AnyEffect> => ({
      state: { had: 0 },
      effects: node === 1 ? [{ type: 'SetTimer', at: monotonicMs(1) }] : [],
    }),
    step: (state, turn): Step<Juggler, AnyEffect> => ({
      state: { had: (state as Juggler).had + turn.events.length },
      effects: [{ type: 'Send', to: nodeId(3 - node), messages: ['ball'] }],
    }),
  };
}

const SUBJECT: TraceSubject = {
  machineOf: (_header, node) => juggler(node),
  bootOf: () => ({
    now: { monotonic: monotonicMs(0), wall: wallMs(0) },
    entropy: 0,
    incarnation: 'one',
    stored: [],
  }),
  turnOf: ({ turn }) => ({
    now: { monotonic: monotonicMs(turn.monotonic), wall: wallMs(turn.wall) },
    entropy: turn.entropy,
    events: turn.events.map((event): AnyEvent =>
      'message' in event
        ? { type: 'MessageReceived', from: nodeId(event.from), message: event.message }
        : { type: 'TimerFired' },
    ),
  }),
  describeEffect: (effect) => (effect as AnyEffect).type,
  describeMessage: String,
  describeState: (node, state) => [`juggler ${node} had the ball ${(state as Juggler).had} times`],
  messageType: String,
  messageTypes: ['ball'],
  messageKey: String,
  fields: [{ name: 'had', about: 'how often it had the ball', read: (state) => (state as Juggler).had }],
  groupsOf: () => [1],
  leads: () => false,
  wholePath: (path) => path,
  unfold: () => undefined,
};

/** Two starts, then the ball goes to and fro. */
function recordJuggling(throws: number): readonly TraceLine[] {
  const machines = [juggler(1), juggler(2)] as const;
  const boot = SUBJECT.bootOf({} as never);
  const hashes = new Map<number, number>();
  const states = new Map<number, unknown>();
  const lines: TraceLine[] = [];
  const keep = (node: number, hash: number, step: Step<unknown, AnyEffect>): number => {
    states.set(node, step.state);
    hashes.set(node, foldStep(hash, step));
    return foldStep(hash, step);
  };
  for (const node of [1, 2]) {
    const hash = keep(node, 0, (machines[node - 1] as AnyMachine).start(boot));
    const start = { monotonic: 0, wall: 0, entropy: 0, incarnation: 'one', stored: [] };
    lines.push({ n: lines.length + 1, at: 0, node, start, did: node === 1 ? ['SetTimer'] : [], hash });
  }
  for (let i = 0; i < throws; i += 1) {
    const node = 1 + (i % 2);
    const turn = {
      monotonic: i,
      wall: i,
      entropy: 0,
      events: [i === 0 ? ({ timer: true } as const) : { from: 3 - node, message: 'ball' }],
    };
    const line = { n: lines.length + 1, at: 1_000 * i, node, turn, saw: ['a throw'], did: ['Send'], hash: 0 };
    const step = (machines[node - 1] as AnyMachine).step(states.get(node), SUBJECT.turnOf(line));
    lines.push({ ...line, hash: keep(node, hashes.get(node) ?? 0, step) });
  }
  return lines;
}

describe("the tools take a user's own machine", () => {
  const scenario = { ...shortStorm(1), nodes: 2, spares: 0 };
  const header: TraceHeader = {
    wavetank: 'trace',
    format: 1,
    version: '1',
    about: 'a ball',
    scenario,
    failure: null,
  };
  const timeline = buildTimeline({ header, lines: recordJuggling(6) }, SUBJECT);

  it('with its states and causes', () => {
    expect(timeline.parted).toBeUndefined();
    expect(stateAt(timeline, 1, 8)).toEqual({ had: 3 });
    expect(findCauses(timeline).ofEvents.flat()).toEqual([
      { type: 'TimerSet', n: 1 },
      ...[3, 4, 5, 6, 7].map((n) => ({ type: 'Sent', n, copy: false })),
    ]);
  });

  it('in the debugger', () => {
    let session = openSession(timeline);
    const ask = (text: string): string => {
      const answer = debugCommand(session, text);
      ({ session } = answer);
      return answer.lines.join('\n');
    };

    ask('break had(2) == 2 and message ball');
    expect(ask('continue')).toContain('breakpoint 1');
    expect(session.at).toBe(6);
    expect(ask('state')).toBe('juggler 1 had the ball 2 times\njuggler 2 had the ball 2 times');
    expect(ask('diff')).toBe('node 2, line 6:\n  had: 1 -> 2');
    expect(ask('why node 1 had')).toContain('node 1: had went from 1 to 2 in line 5');
    expect(ask('break role(1) == leader')).toContain('expected one of had, count, state');
  });

  it('and in the exports', () => {
    expect(toSpaceTime(timeline)).toContain('>8 ball<');
    expect(toShiViz(timeline)).toContain('node2 {"node1":4,"node2":4}');
  });
});

describe('the subject of our node', () => {
  it('names the type of every message that a storm sends', () => {
    const types = new Set<string>();
    recordRun(shortStorm(7)).lines.forEach((line) => {
      if (!('turn' in line)) return;
      for (const event of nodeSubject.turnOf(line).events) {
        if (event.type === 'MessageReceived') types.add(nodeSubject.messageType(event.message));
      }
    });

    expect(types.size).toBeGreaterThan(8);
    expect([...types].filter((type) => !nodeSubject.messageTypes.includes(type))).toEqual([]);
  });
});
