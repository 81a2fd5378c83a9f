/**
 * Which node should lead which group.
 *
 * A pure function of the roster, so that every leader comes to the same view without a word: the voters with the
 * highest priority share the groups evenly, and those of lower priority stand in where none of the former can. When
 * one of `n` cannot lead, its groups are shared evenly by the others, and no other group changes hands.
 */

import type { GroupId, NodeId } from '../machine/units.js';
import type { Roster } from './roster.js';

/** All voters, best first. */
export function leadersInOrder(roster: Roster, group: GroupId): readonly NodeId[] {
  const order: NodeId[] = [];
  for (const priority of prioritiesOf(roster)) {
    const tier = roster.members.filter((member) => member.role === 'voter' && member.priority === priority);
    const nodes = tier.map(({ node }) => node);
    // What is left of the number after the first choice makes the second, and so on: each choice is even by itself.
    for (let rest = group as number; nodes.length > 0;) {
      const { length } = nodes;
      order.push(...nodes.splice(rest % length, 1));
      rest = Math.floor(rest / length);
    }
  }
  return order;
}

/** From the highest down. */
function prioritiesOf(roster: Roster): readonly number[] {
  const all = new Set(roster.members.filter(({ role }) => role === 'voter').map(({ priority }) => priority));
  return [...all].sort((a, b) => b - a);
}

/** The first of them that can lead; undefined when none can. */
export function bestLeader(
  roster: Roster,
  group: GroupId,
  canLead: (node: NodeId) => boolean,
): NodeId | undefined {
  return leadersInOrder(roster, group).find(canLead);
}
