/**
 * Two-phase commit (Gray, "Notes on Data Base Operating Systems", 1978) as a machine, and what must hold of it. Node 1
 * coordinates, the others vote; it commits only when every vote is yes. What is said is on disk first.
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

type Outcome = 'working' | 'prepared' | 'committed' | 'aborted';
type Message =
  | { readonly type: 'Prepare'; readonly tx: string }
  | { readonly type: 'Vote'; readonly tx: string; readonly yes: boolean }
  | { readonly type: 'Decision'; readonly tx: string; readonly commit: boolean };
interface State {
  /** What this node knows of each transaction, written or not. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly votes: Readonly<Record<string, readonly number[]>>;
  readonly asked: Readonly<Record<string, number>>;
  readonly outbox: Outbox<Message>;
}

const RETRY_MS = 60;
const COORDINATOR = nodeId(1);

function committer(
  self: NodeId,
  nodes: number,
  voteEarly: boolean,
): Machine<State, Message, string, boolean, Outcome> {
  const others = Array.from({ length: nodes - 1 }, (_, i) => nodeId(i + 2));
  return {
    start({ stored, now }) {
      const outcomes = Object.fromEntries(stored.map(({ key, value }) => [key, value]));
      const state = { outcomes, votes: {}, asked: {}, outbox: EMPTY_OUTBOX };
      return { state, effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + RETRY_MS) }] };
    },
    step(before, { now, entropy, events }) {
      let state = before;
      const effects: HostEffect<Message, boolean, Outcome>[] = [];
      const send = (to: NodeId, message: Message): void => {
        effects.push({ type: 'Send', to, messages: [message] });
      };
      const record = (tx: string, value: Outcome, to?: NodeId, message?: Message): void => {
        const { outbox, effect } = writeThenSend(
          state.outbox,
          [{ type: 'Put', key: tx, value }],
          to,
          message,
        );
        state = { ...state, outcomes: { ...state.outcomes, [tx]: value }, outbox };
        effects.push(effect);
      };
      const decide = (tx: string, commit: boolean): void =>
        record(tx, commit ? 'committed' : 'aborted', COORDINATOR, { type: 'Decision', tx, commit });
      const tell = ([tx, outcome]: readonly [string, Outcome]): void => {
        const commit = outcome === 'committed';
        for (const to of others)
          send(to, outcome === 'working' ? { type: 'Prepare', tx } : { type: 'Decision', tx, commit });
      };
      const hear = (from: NodeId, message: Message): void => {
        const { tx } = message;
        const known = state.outcomes[tx];
        if (message.type === 'Prepare') {
          const yes = known === undefined ? entropy % 5 !== 0 : known !== 'aborted';
          const vote = { type: 'Vote', tx, yes } as const;
          if (known === undefined) record(tx, yes ? 'prepared' : 'aborted', from, vote);
          if (voteEarly || state.outbox.held.length === 0) send(from, vote);
        } else if (message.type === 'Vote') {
          if (known !== 'working') return;
          if (!message.yes) return decide(tx, false);
          const votes = [...(state.votes[tx] ?? []).filter((voter) => voter !== from), from];
          state = { ...state, votes: { ...state.votes, [tx]: votes } };
          if (votes.length === others.length) decide(tx, true);
        } else if (self === COORDINATOR) {
          const token = state.asked[tx];
          if (token !== undefined) effects.push({ type: 'Reply', token, answer: message.commit });
        } else if (known === undefined || known === 'prepared')
          record(tx, message.commit ? 'committed' : 'aborted');
      };
      for (const event of events) {
        if (event.type === 'MessageReceived') hear(event.from, event.message);
        else if (event.type === 'RequestReceived') {
          if (self !== COORDINATOR) continue;
          state = { ...state, asked: { ...state.asked, [event.request]: event.token } };
          if (state.outcomes[event.request] === undefined) record(event.request, 'working');
        } else if (event.type === 'TimerFired') {
          effects.push({ type: 'SetTimer', at: monotonicMs(now.monotonic + RETRY_MS) });
          if (self === COORDINATOR) Object.entries(state.outcomes).forEach(tell);
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

/** @param voteEarly the mistake: a vote leaves before it is on the disk. */
export function twoPhaseCommit(voteEarly = false) {
  type Up = readonly { readonly state: State }[];
  const isAny = (up: Up, tx: string, outcome: Outcome): boolean =>
    up.some(({ state }) => state.outcomes[tx] === outcome);
  const transactions = (up: Up): readonly string[] => [
    ...new Set(up.flatMap(({ state }) => Object.keys(state.outcomes))),
  ];
  return defineSystem({
    name: 'two-phase commit',
    nodes: [3, 4],
    settings: () => ({}),
    paceMs: () => 4 * RETRY_MS,
    machine: ({ node, nodes }) => committer(node, nodes, voteEarly),
    clients: {
      workload: { thinkMs: 2_000 },
      ask: (client, number) => `tx ${client}.${number}`,
    },
    properties: ({ always, sometimes, eventually }) => [
      always('nobody commits what another aborts', ({ up }) => {
        const torn = transactions(up).find((tx) => isAny(up, tx, 'committed') && isAny(up, tx, 'aborted'));
        return torn === undefined || `${torn} is both`;
      }),
      sometimes('a transaction commits', ({ up }) =>
        transactions(up).some((tx) => isAny(up, tx, 'committed')),
      ),
      sometimes('a transaction aborts', ({ up }) => transactions(up).some((tx) => isAny(up, tx, 'aborted'))),
      // Two-phase commit blocks while anybody that it needs is away: only then is waiting right.
      eventually(
        'all is decided when all are well',
        ({ up, healed, size }) =>
          healed.length < size || transactions(up).every((tx) => !isAny(up, tx, 'working')),
      ),
    ],
  });
}
