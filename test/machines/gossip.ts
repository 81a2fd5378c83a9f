/**
 * Gossip membership (after van Renesse, Minsky and Hayden, "A Gossip-Style Failure Detection Service", 1998) as a machine, and
 * what must hold of it.
 *
 * Every node counts its heartbeats and now and then sends all that it has heard to somebody. A restarted node begins a
 * new epoch, which is on disk before anybody hears of it, so that news of its earlier life cannot pass for new.
 */

import {
  monotonicMs,
  nodeId,
  writeNumber,
  type HostEffect,
  type Machine,
  type NodeId,
} from '../../core/index.js';
import { defineSystem } from '../../sim/index.js';

export interface Beat {
  readonly epoch: number;
  readonly count: number;
}
export interface Heard extends Beat {
  /** When it last grew, by this node's clock. */
  readonly at: number;
}
type Table = readonly Heard[];
interface State {
  /** By node, from place 1. */
  readonly table: Table;
  /** The epoch is on disk. */
  readonly ready: boolean;
  readonly suspects: readonly number[];
}

const EVERY_MS = 50;
const SUSPECT_MS = 1_500;
const NEVER: Heard = { epoch: 0, count: 0, at: 0 };

function isNewer(a: Beat, b: Beat): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.count > b.count);
}

/** @param forgetful the mistake: every life of a node begins in the same epoch. */
function gossiper(
  self: NodeId,
  nodes: number,
  forgetful: boolean,
): Machine<State, Table, never, never, number> {
  return {
    start({ stored, now }) {
      const epoch = forgetful ? 1 : (stored[0]?.value ?? 0) + 1;
      const at = now.monotonic;
      const table = Array.from({ length: nodes + 1 }, (_, node) =>
        node === self ? { epoch, count: 0, at } : { ...NEVER, at },
      );
      return {
        state: { table, ready: false, suspects: [] },
        effects: [
          { type: 'Persist', write: writeNumber(1), changes: [{ type: 'Put', key: 'epoch', value: epoch }] },
          { type: 'SetTimer', at: monotonicMs(at + EVERY_MS) },
        ],
      };
    },
    step(before, { now, entropy, events }) {
      let { table, ready } = before;
      const effects: HostEffect<Table, never, number>[] = [];
      for (const event of events) {
        switch (event.type) {
          case 'WriteCompleted':
            ready = true;
            break;
          case 'WriteFailed':
            effects.push({ type: 'Halt', reason: event.reason });
            break;
          case 'MessageReceived': {
            const { message } = event;
            table = table.map((own, node) => {
              const heard = message[node] ?? NEVER;
              return node !== self && isNewer(heard, own) ? { ...heard, at: now.monotonic } : own;
            });
            break;
          }
          case 'TimerFired': {
            effects.push({ type: 'SetTimer', at: monotonicMs(now.monotonic + EVERY_MS) });
            if (!ready) break;
            table = table.map((own, node) =>
              node === self ? { ...own, count: own.count + 1, at: now.monotonic } : own,
            );
            const to = nodeId(1 + ((self + (entropy % (nodes - 1))) % nodes));
            effects.push({ type: 'Send', to, messages: [table] });
            break;
          }
          // It asks for neither.
          case 'RequestReceived':
          case 'ReadCompleted':
          case 'ReadFailed':
            break;
        }
      }
      const suspects = table.flatMap(({ at }, node) =>
        node > 0 && node !== self && now.monotonic - at > SUSPECT_MS ? [node] : [],
      );
      return { state: { table, ready, suspects }, effects };
    },
  };
}

export function gossip(forgetful = false) {
  return defineSystem({
    name: 'gossip',
    nodes: [3, 5, 7],
    settings: () => ({}),
    paceMs: () => SUSPECT_MS,
    machine: ({ node, nodes }) => gossiper(node, nodes, forgetful),
    properties: ({ always, sometimes, eventually }) => [
      always('nobody is believed to be ahead of itself', ({ up }) => {
        for (const { id, state } of up) {
          const own = state.table[id] ?? NEVER;
          const ahead = up.find((other) => isNewer(other.state.table[id] ?? NEVER, own));
          if (ahead !== undefined)
            return `node ${ahead.id} has newer news of node ${id} than that has itself`;
        }
        return true;
      }),
      sometimes('somebody is suspected', ({ up }) => up.some(({ state }) => state.suspects.length > 0)),
      eventually('the healed trust each other', ({ up, healed }) =>
        up.every(
          ({ id, state }) =>
            !healed.includes(id) || !state.suspects.some((node) => healed.includes(nodeId(node))),
        ),
      ),
    ],
  });
}
