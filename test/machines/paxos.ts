/**
 * Single-decree Paxos (Lamport, "Paxos Made Simple", 2001) as a machine, and what must hold of it. Every node proposes
 * and accepts; a promise and an acceptance are on disk before they are said.
 */

import {
  EMPTY_OUTBOX,
  monotonicMs,
  nodeId,
  release,
  writeThenSend,
  type HostEffect,
  type Machine,
  type NodeId,
  type Outbox,
} from '../../core/index.js';
import { defineSystem } from '../../sim/index.js';

type Vote = { readonly ballot: number; readonly value: string } | null;
type Message =
  | { readonly type: 'Prepare' | 'Accepted'; readonly ballot: number }
  | { readonly type: 'Promise'; readonly ballot: number; readonly accepted: Vote }
  | { readonly type: 'Accept'; readonly ballot: number; readonly value: string }
  | { readonly type: 'Decided'; readonly value: string };
interface Acceptor {
  readonly promised: number;
  readonly accepted: Vote;
}
interface State extends Acceptor {
  readonly wants: string | null;
  readonly ballot: number;
  readonly proposed: string | null;
  readonly promises: readonly { readonly from: number; readonly accepted: Vote }[];
  readonly acceptedBy: readonly number[];
  readonly decided: string | null;
  readonly outbox: Outbox<Message>;
}

/** What a proposer may propose: the value of the highest ballot among the promises, or its own where there is none. */
export type Choice = (promises: readonly Vote[], own: string) => string;
const highestAccepted: Choice = (promises, own) =>
  promises.reduce<Vote>((best, vote) => ((vote?.ballot ?? 0) > (best?.ballot ?? 0) ? vote : best), null)
    ?.value ?? own;

const RETRY_MS = 80;

type PaxosNode = Machine<State, Message, string, string, Acceptor>;

function proposer(self: number, nodes: number, choose: Choice): PaxosNode {
  const quorum = (nodes >>> 1) + 1;
  const all = Array.from({ length: nodes }, (_, i) => nodeId(i + 1));
  const fresh = { ballot: 0, proposed: null, promises: [], acceptedBy: [] };
  return {
    start({ stored, now }) {
      const disk = stored[0]?.value ?? { promised: 0, accepted: null };
      const state = { ...fresh, ...disk, wants: null, decided: null, outbox: EMPTY_OUTBOX };
      return { state, effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + RETRY_MS) }] };
    },
    step(before, { now, entropy, events }) {
      let state = before;
      const effects: HostEffect<Message, string, Acceptor>[] = [];
      const sendAll = (message: Message): void => {
        for (const to of all) effects.push({ type: 'Send', to, messages: [message] });
      };
      const saySafely = (promise: Partial<Acceptor>, to: NodeId, message: Message): void => {
        const { promised, accepted } = { ...state, ...promise };
        const change = { type: 'Put', key: 'acceptor', value: { promised, accepted } } as const;
        const { outbox, effect } = writeThenSend(state.outbox, [change], to, message);
        state = { ...state, promised, accepted, outbox };
        effects.push(effect);
      };
      const hear = (from: NodeId, message: Message): void => {
        if (message.type === 'Decided') state = { ...state, decided: message.value };
        if (message.type === 'Decided') return;
        const { ballot } = message;
        let accepted: Vote;
        switch (message.type) {
          case 'Prepare':
            if (ballot <= state.promised) return;
            accepted = state.accepted;
            return saySafely({ promised: ballot }, from, { type: 'Promise', ballot, accepted });
          case 'Accept':
            if (ballot < state.promised) return;
            accepted = { ballot, value: message.value };
            return saySafely({ promised: ballot, accepted }, from, { type: 'Accepted', ballot });
          case 'Promise': {
            if (ballot !== state.ballot || state.promises.some((known) => known.from === from)) return;
            state = { ...state, promises: [...state.promises, { from, accepted: message.accepted }] };
            if (state.promises.length !== quorum) return;
            const votes = state.promises.map((promise) => promise.accepted);
            const value = choose(votes, state.wants ?? '');
            state = { ...state, proposed: value };
            return sendAll({ type: 'Accept', ballot, value });
          }
          case 'Accepted':
            if (ballot !== state.ballot || state.acceptedBy.includes(from)) return;
            state = { ...state, acceptedBy: [...state.acceptedBy, from] };
            if (state.acceptedBy.length >= quorum) sendAll({ type: 'Decided', value: state.proposed ?? '' });
        }
      };
      for (const event of events) {
        if (event.type === 'MessageReceived') hear(event.from, event.message);
        else if (event.type === 'RequestReceived') {
          state = { ...state, wants: state.wants ?? event.request };
          effects.push({ type: 'Reply', token: event.token, answer: 'heard' });
        } else if (event.type === 'TimerFired') {
          effects.push({
            type: 'SetTimer',
            at: monotonicMs(now.monotonic + RETRY_MS + (entropy % RETRY_MS)),
          });
          if (state.wants === null || state.decided !== null) continue;
          const round = Math.floor(Math.max(state.ballot, state.promised) / nodes) + 1;
          state = { ...state, ...fresh, ballot: round * nodes + (self - 1) };
          sendAll({ type: 'Prepare', ballot: state.ballot });
        } else if (event.type === 'WriteCompleted') {
          const freed = release(state.outbox, event.write);
          state = { ...state, outbox: freed.outbox };
          effects.push(...freed.effects);
        } else if (event.type === 'WriteFailed') effects.push({ type: 'Halt', reason: event.reason });
      }
      return { state, effects };
    },
  };
}

/** @param choose the rule under test; by default Lamport's. */
export function paxos(choose: Choice = highestAccepted) {
  return defineSystem({
    name: 'paxos',
    nodes: [3, 5],
    settings: () => ({}),
    paceMs: () => 4 * RETRY_MS,
    machine: ({ node, nodes }) => proposer(node, nodes, choose),
    clients: {
      workload: { thinkMs: 6_000 },
      ask: (client, number) => `value ${client}.${number}`,
    },
    properties: ({ always, sometimes, eventually }) => [
      always('one decision', ({ up }) => new Set(up.flatMap((node) => node.state.decided ?? [])).size < 2),
      sometimes('somebody proposes what another had accepted', ({ up }) =>
        up.some(({ state }) => state.proposed !== null && state.proposed !== state.wants),
      ),
      eventually('whoever wants something learns what was decided', ({ up, healed }) =>
        up.every(({ id, state }) => !healed.includes(id) || state.wants === null || state.decided !== null),
      ),
    ],
  });
}
