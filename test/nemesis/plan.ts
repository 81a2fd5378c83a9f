/**
 * What a nemesis does to a cluster of real processes, drawn from a seed: so the same seed strikes in the same order. What
 * comes of it is not the same, since real processes keep their own time.
 */

import { drawBelow, drawBetween, drawOne, streamOf, type Stream } from '../../sim/index.js';

export type Blow =
  /** `kill -9`; started again after a while. All nodes at once are a power cut. */
  | { readonly type: 'Kill'; readonly nodes: readonly number[]; readonly downMs: number }
  /** SIGSTOP, and SIGCONT after a while: to the others it is dead, to itself no time has passed. */
  | { readonly type: 'Pause'; readonly node: number; readonly forMs: number }
  /** One stands still while another is killed: nobody is left to agree with, until they come back. */
  | {
      readonly type: 'KillBesidePause';
      readonly killed: number;
      readonly paused: number;
      readonly forMs: number;
    }
  /** SIGTERM, as for an upgrade; started again when it is gone. */
  | { readonly type: 'Restart'; readonly node: number };

export interface Strike {
  /** How long all nodes run before it. */
  readonly restMs: number;
  readonly blow: Blow;
}

const LONGEST_REST_MS = 1_000;
const LONGEST_DOWN_MS = 1_200;
/** Long enough for an election beside it, and for leases to end. */
const LONGEST_PAUSE_MS = 3_000;

/** The blows in their order, until so many processes have been killed. */
export function planOf(seed: number, kills: number, nodes: readonly number[]): readonly Strike[] {
  const stream = streamOf(seed, 'nemesis');
  const strikes: Strike[] = [];
  for (let left = kills; left > 0;) {
    const blow = drawBlow(stream, strikes.length, nodes, left);
    strikes.push({ restMs: drawBelow(stream, LONGEST_REST_MS, strikes.length, 1), blow });
    left -= killsIn(blow);
  }
  return strikes;
}

export function killsIn(blow: Blow): number {
  switch (blow.type) {
    case 'Kill':
      return blow.nodes.length;
    case 'KillBesidePause':
      return 1;
    case 'Pause':
    case 'Restart':
      return 0;
  }
}

function drawBlow(stream: Stream, number: number, nodes: readonly number[], left: number): Blow {
  const node = drawOne(stream, nodes, number, 2);
  const others = nodes.filter((other) => other !== node);
  const other = drawOne(stream, others, number, 3);
  const downMs = drawBelow(stream, LONGEST_DOWN_MS, number, 4);
  const forMs = drawBetween(stream, 100, LONGEST_PAUSE_MS, number, 5);
  const chance = drawBelow(stream, 100, number, 6);
  if (chance < 20) return { type: 'Pause', node, forMs };
  if (chance < 30) return { type: 'Restart', node };
  if (chance < 42) return { type: 'KillBesidePause', killed: other, paused: node, forMs };
  if (chance < 50 && left >= 2) return { type: 'Kill', nodes: [node, other], downMs };
  if (chance < 56 && left >= nodes.length) return { type: 'Kill', nodes, downMs };
  return { type: 'Kill', nodes: [node], downMs };
}

export function describeBlow(blow: Blow): string {
  switch (blow.type) {
    case 'Kill':
      return `kill -9 of ${blow.nodes.join(', ')}, down for ${blow.downMs} ms`;
    case 'Pause':
      return `pause of ${blow.node} for ${blow.forMs} ms`;
    case 'KillBesidePause':
      return `kill -9 of ${blow.killed} while ${blow.paused} is paused for ${blow.forMs} ms`;
    case 'Restart':
      return `restart of ${blow.node}`;
  }
}
