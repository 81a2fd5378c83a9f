/**
 * A small machine for the host's tests: it writes down every turn's requests in one record, answers them when the
 * record is durable, and sends what it is told to. Some requests make it misbehave.
 */

import {
  ImpossibleState,
  monotonicMs,
  nodeId,
  writeNumber,
  type HostEffect,
  type HostEvent,
  type Machine,
} from '../../../core/machine/index.js';

export interface JournalState {
  readonly incarnation: string;
  /** What it was started with, and what it wrote since. */
  readonly lines: readonly string[];
  readonly writes: number;
  /** Requests that wait for a write, by its number. */
  readonly waiting: readonly { readonly write: number; readonly token: number }[];
  readonly timers: number;
  /** The events of each turn, by type. */
  readonly turns: readonly (readonly string[])[];
  readonly received: readonly string[];
}

export type JournalMachine = Machine<JournalState, string, string, string, string>;
type Effect = HostEffect<string, string, string>;
type Event = HostEvent<string, string>;

/**
 * Requests: `break` fails an assertion, `halt` halts, `timer` asks for a timer at once, `send TEXT` sends to node 2,
 * `never` gets no answer; anything else is written down and then answered with "wrote" and itself.
 */
export const journalMachine: JournalMachine = {
  start: ({ incarnation, stored }) => ({
    state: {
      incarnation,
      lines: stored.map(({ value }) => value),
      writes: 0,
      waiting: [],
      timers: 0,
      turns: [],
      received: [],
    },
    effects: [],
  }),
  step(state, { now, events }) {
    const effects: Effect[] = [];
    const lines: string[] = [];
    const waiting = [...state.waiting];
    const write = state.writes + 1;
    const sends: string[] = [];
    for (const event of events) {
      if (event.type === 'WriteCompleted') {
        for (const done of waiting.filter((waiter) => waiter.write <= event.write)) {
          effects.push({ type: 'Reply', token: done.token, answer: `wrote in write ${done.write}` });
        }
      }
      if (event.type !== 'RequestReceived') continue;
      const { request, token } = event;
      if (request === 'break') throw new ImpossibleState('two and two are five');
      if (request === 'halt') effects.push({ type: 'Halt', reason: 'it was asked to' });
      else if (request === 'timer') effects.push({ type: 'SetTimer', at: monotonicMs(now.monotonic) });
      else if (request.startsWith('send ')) sends.push(request.slice('send '.length));
      else if (request !== 'never') {
        lines.push(request);
        waiting.push({ write, token });
      }
    }
    if (sends.length > 0) effects.push({ type: 'Send', to: nodeId(2), messages: sends });
    if (lines.length > 0) {
      const key = `line/${String(write).padStart(8, '0')}`;
      effects.push({
        type: 'Persist',
        write: writeNumber(write),
        changes: [{ type: 'Put', key, value: lines.join(' ') }],
      });
    }
    return {
      state: {
        incarnation: state.incarnation,
        lines: [...state.lines, ...lines],
        writes: lines.length > 0 ? write : state.writes,
        waiting: waiting.filter((waiter) => !events.some((event) => isDone(event, waiter.write))),
        timers: state.timers + events.filter(({ type }) => type === 'TimerFired').length,
        turns: [...state.turns, events.map(({ type }) => type)],
        received: [
          ...state.received,
          ...events.flatMap((event) =>
            event.type === 'MessageReceived' ? [`${event.from}: ${event.message}`] : [],
          ),
        ],
      },
      effects,
    };
  },
};

function isDone(event: Event, write: number): boolean {
  return event.type === 'WriteCompleted' && write <= event.write;
}
