/**
 * A link: what a node knows of another one with which it shares sleeping groups. `liveness.ts` says what it is for.
 */

import { finish, mixNumber } from '../collections/digest.js';
import { monotonicMs, type GroupId, type MonotonicMs, type NodeId } from '../machine/units.js';
import type { Tally } from './protocol.js';
import type { Link, NodeState } from './state.js';

export const NO_GROUPS: Tally = { count: 0, sum: 0 };

/** What is known of a node with which no sleeping group is shared. */
export function linkOf(node: Pick<NodeState, 'links'>, peer: NodeId): Link {
  for (const link of node.links) if (link.peer === peer) return link;
  return {
    peer,
    covers: NO_GROUPS,
    lacking: 0,
    under: NO_GROUPS,
    answeredAt: monotonicMs(0),
    agreedAt: monotonicMs(0),
    disagrees: false,
  };
}

/** The tally with one more group, or, by -1, with one fewer. */
export function tallied(tally: Tally, group: GroupId, term: number, by: 1 | -1): Tally {
  const own = finish(mixNumber(mixNumber(0, group), term));
  return { count: tally.count + by, sum: (tally.sum + by * own) >>> 0 };
}

export function sameTally(a: Tally, b: Tally): boolean {
  return a.count === b.count && a.sum === b.sum;
}

/** When a link must be looked at: a beat is due, or one side has been silent for too long. */
export function linkAlarm(node: NodeState, electionTimeoutMs: number): MonotonicMs | undefined {
  let earliest = node.beatAt;
  for (const link of node.links) {
    const lostAt = lostAtOf(link, electionTimeoutMs);
    if (lostAt !== undefined && (earliest === undefined || lostAt < earliest)) earliest = lostAt;
  }
  return earliest;
}

export function needsBeat({ covers, lacking }: Link): boolean {
  return covers.count > 0 || lacking > 0;
}

function lostAtOf({ under, covers, agreedAt, answeredAt }: Link, timeoutMs: number): MonotonicMs | undefined {
  const lost = Math.min(
    under.count > 0 ? agreedAt + timeoutMs : Number.POSITIVE_INFINITY,
    covers.count > 0 ? answeredAt + timeoutMs : Number.POSITIVE_INFINITY,
  );
  return lost === Number.POSITIVE_INFINITY ? undefined : monotonicMs(lost);
}
