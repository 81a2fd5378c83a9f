/**
 * Which groups of this node need looking after for the sake of the roster, and when: one alarm for all of it, and none
 * while there is nothing to do.
 */

import { radixForEach, radixSet } from '../collections/radix-array.js';
import { groupId, type GroupId, type MonotonicMs, type NodeId } from '../machine/units.js';
import { foundingRoster, memberOf, type Roster } from './roster.js';
import { openedGroup, type NodeTurn } from './turn.js';

/** The roster that counts for this node. */
export function rosterOf(turn: NodeTurn): Roster {
  return turn.node.membership.roster ?? foundingRoster(turn.options);
}

/** Whether this node belongs to the cluster, as far as it knows. */
export function isMemberHere({ options, node }: NodeTurn): boolean {
  const { roster } = node.membership;
  if (roster === undefined) return options.voters.includes(options.node);
  return memberOf(roster, options.node) !== undefined;
}

/** Whether others should rather lead than this node. */
export function isReluctant(draining: boolean, roster: Roster | undefined, node: NodeId): boolean {
  if (draining) return true;
  return roster !== undefined && (memberOf(roster, node)?.priority ?? 0) === 0;
}

/** A roster that is agreed counts from now on: every group that this node leads is to be looked at. */
export function takeRoster(turn: NodeTurn, roster: Roster): void {
  turn.node.membership = { ...turn.node.membership, roster };
  reviewReluctance(turn);
  noteAllLed(turn);
}

/** From here on this node hands over what it leads, and leads nothing more that others can. */
export function beginToDrain(turn: NodeTurn): void {
  if (turn.node.membership.draining) return;
  turn.node.membership = { ...turn.node.membership, draining: true };
  doChoresAt(turn, turn.now.monotonic);
  reviewReluctance(turn);
  noteAllLed(turn);
}

function reviewReluctance(turn: NodeTurn): void {
  const { options, node } = turn;
  const { draining, roster } = node.membership;
  node.membership = { ...node.membership, reluctant: isReluctant(draining, roster, options.node) };
}

function noteAllLed(turn: NodeTurn): void {
  radixForEach(turn.node.groups, (group, id) => {
    const raft = openedGroup(turn, groupId(id))?.raft.raft ?? group.raft;
    if (raft.role === 'leader') noteWork(turn, groupId(id));
  });
}

/** The group is to be looked at, soon. */
export function noteWork(turn: NodeTurn, group: GroupId): void {
  const { node, now, options } = turn;
  const { membership } = node;
  // Where the members are fixed, nothing is ever to be done beyond handing over.
  if (!options.meta && !membership.draining) return;
  node.membership = { ...membership, work: radixSet(membership.work, group, { since: now.monotonic }) };
  doChoresAt(turn, now.monotonic);
}

/** Sets the alarm to this time, unless it goes off earlier. */
export function doChoresAt(turn: NodeTurn, at: MonotonicMs): void {
  const { membership } = turn.node;
  if (membership.choresAt !== undefined && membership.choresAt <= at) return;
  turn.node.membership = { ...membership, choresAt: at };
}
