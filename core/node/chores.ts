/**
 * What a node does about the cluster's members by itself: it keeps up with the roster, brings the groups that it
 * leads closer to it, spreads leadership, and hands all of it over before it stops.
 *
 * Only groups that are not as they should be are on the list, and the alarm is set only while something is on it: a
 * cluster at rest pays nothing, however many groups it has.
 */

import { mapGet } from '../collections/ordered-map.js';
import { radixDelete, radixForEach, radixSet, type RadixArray } from '../collections/radix-array.js';
import { assert } from '../machine/assert.js';
import { groupId, monotonicMs, NO_NODE, type GroupId, type NodeId } from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import { isReference } from '../partition/value-reference.js';
import { membersOf } from '../raft/configuration.js';
import { transferLeadership } from '../raft/transfer.js';
import { decodeCommand, decodeRoster } from '../wire/index.js';
import type { Entry } from '../raft/messages.js';
import { tasksDue } from './admin.js';
import { spreadFloors } from './floors.js';
import type { Answer } from './proposals.js';
import type { GroupWork } from './membership.js';
import type { RosterAsk, RosterNews } from './protocol.js';
import { bestHeir, betterLeader, isMisplaced, isOutranked, reconcileGroup } from './reconcile.js';
import { META_GROUP, ROSTER_KEY, type Roster } from './roster.js';
import {
  currentGroup,
  groupOf,
  openedGroup,
  openGroup,
  sendAtOnce,
  type NodeTurn,
  type OpenGroup,
} from './turn.js';
import { doChoresAt, isMemberHere, noteWork, rosterOf, takeRoster } from './worklist.js';

// The roster.

/** The roster in a state of group 0; undefined when none was ever written. */
export function rosterIn(partition: PartitionState): Roster | undefined {
  const entry = mapGet(partition.keys, ROSTER_KEY);
  if (entry?.value === undefined || entry.value === null) return undefined;
  const { value } = entry;
  assert(!isReference(value), () => 'the roster in group 0 is kept apart, where nothing should be');
  const decoded = decodeRoster(value);
  assert(decoded.ok, () => `the roster in group 0 cannot be read: ${decoded.ok ? '' : decoded.reason}`);
  return decoded.value;
}

/** The newest roster in these entries of group 0, committed or not. */
export function rosterInLog(entries: readonly Entry[]): Roster | undefined {
  for (let i = entries.length - 1; i >= 0; i -= 1) {
    const { payload } = entries[i] as Entry;
    const command = payload.length === 0 ? undefined : decodeCommand(payload);
    if (command?.ok !== true) continue;
    const { operation } = command.value;
    if (operation.type !== 'Set' || operation.key !== ROSTER_KEY || operation.value === null) continue;
    const roster = decodeRoster(operation.value);
    if (roster.ok) return roster.value;
  }
  return undefined;
}

/** Group 0 may have applied a new roster in this turn. Its leader tells all whom it concerns, those who go included. */
export function metaSettled(turn: NodeTurn, opened: OpenGroup): void {
  const { partition } = opened.group;
  if (partition.keys === opened.before.partition.keys) return;
  const roster = rosterIn(partition);
  if (roster === undefined || roster.version <= (turn.node.membership.roster?.version ?? 0)) return;
  const before = rosterOf(turn);
  takeRoster(turn, roster);
  if (opened.raft.raft.role !== 'leader') return;
  const everybody = new Set([...before.members, ...roster.members].map(({ node }) => node));
  for (const node of everybody) {
    if (node !== turn.options.node) sendAtOnce(turn, node, { type: 'RosterNews', roster });
  }
}

export function rosterNews(turn: NodeTurn, { roster }: RosterNews): void {
  if (!turn.options.meta || roster.version <= (turn.node.membership.roster?.version ?? 0)) return;
  takeRoster(turn, roster);
}

export function rosterAsked(turn: NodeTurn, from: NodeId, { version, draining }: RosterAsk): void {
  if (draining) noteLeaving(turn, from);
  const { roster } = turn.node.membership;
  if (roster !== undefined && roster.version > version)
    sendAtOnce(turn, from, { type: 'RosterNews', roster });
}

/** It was told that another node hands over what it leads: for a while nothing is handed to it. */
function noteLeaving({ node, now, options }: NodeTurn, who: NodeId): void {
  const { membership } = node;
  const until = monotonicMs(now.monotonic + 4 * options.electionTimeoutMs);
  const others = membership.leaving.filter((one) => one.node !== who && one.until > now.monotonic);
  node.membership = { ...membership, leaving: [...others, { node: who, until }] };
}

/** While it hands over, a node says so: the others would give it back what it should lead when it stays. */
function tellOfDraining(turn: NodeTurn): void {
  const { options, node } = turn;
  const { draining, roster } = node.membership;
  if (!draining || !options.meta) return;
  const version = roster?.version ?? 0;
  for (const member of rosterOf(turn).members) {
    if (member.node === options.node) continue;
    sendAtOnce(turn, member.node, { type: 'RosterAsk', version, draining: true });
  }
}

/** To whom no leader of group 0 speaks may have been left out without having heard of it. */
function askForNews(turn: NodeTurn): void {
  const { options, node, now } = turn;
  if (!options.meta || metaLeader(turn) !== NO_NODE) return;
  const { roster, book, work } = node.membership;
  // Left out for good. Who was started again and knows no agreed roster may have been left out, too, and lead a group;
  // and who does lead one may have been taken in since, and left out again, by rosters that it never saw agreed.
  if (roster !== undefined && !isMemberHere(turn) && !isBusy(work)) return;
  const members = [...(book?.members ?? []), ...rosterOf(turn).members].map((member) => member.node);
  const known = [...new Set(members)].toSorted((a, b) => a - b);
  const others = (known.length > 0 ? known : companions(turn)).filter((other) => other !== options.node);
  if (others.length === 0) return;
  const version = roster?.version ?? 0;
  const { draining } = node.membership;
  for (const other of others) sendAtOnce(turn, other, { type: 'RosterAsk', version, draining });
  doChoresAt(turn, monotonicMs(now.monotonic + options.electionTimeoutMs));
}

function isBusy(work: RadixArray<GroupWork>): boolean {
  let busy = false;
  radixForEach(work, () => {
    busy = true;
  });
  return busy;
}

/** Whoever is in a group with this node: for one that took part in others before it had anything of group 0, and was left out. */
function companions({ node }: NodeTurn): readonly NodeId[] {
  const met = new Set<NodeId>();
  radixForEach(node.groups, ({ raft }) => {
    for (const other of membersOf(raft.config)) met.add(other);
  });
  return [...met].toSorted((a, b) => a - b);
}

function metaLeader(turn: NodeTurn): NodeId {
  return (openedGroup(turn, META_GROUP)?.raft.raft ?? groupOf(turn.node, META_GROUP).raft).leader;
}

// The list of groups.

/** Called when a group is closed: one that this node has begun to lead, or whose members changed, is looked at. */
export function noteGroup(turn: NodeTurn, opened: OpenGroup): void {
  const { raft } = opened.raft;
  const { before } = opened;
  if (raft.role === 'leader' && (before.raft.role !== 'leader' || before.raft.config !== raft.config)) {
    noteWork(turn, raft.group);
  }
  if (raft.group === META_GROUP && raft.leader === NO_NODE && before.raft.leader !== NO_NODE) {
    doChoresAt(turn, monotonicMs(turn.now.monotonic + turn.options.electionTimeoutMs));
  }
}

// The chores.

/** The alarm for the chores went off. */
export function choresDue(turn: NodeTurn, answer: Answer): void {
  const { node } = turn;
  node.membership = { ...node.membership, choresAt: undefined };
  tasksDue(turn, answer);
  spreadFloors(turn, answer);
  tellOfDraining(turn);
  askForNews(turn);
  lookAtWork(turn);
}

function lookAtWork(turn: NodeTurn): void {
  const { node, options, now } = turn;
  const { work, placedAt } = node.membership;
  const groups: { readonly group: GroupId; readonly work: GroupWork }[] = [];
  radixForEach(work, (one, group) => groups.push({ group: groupId(group), work: one }));
  if (groups.length === 0) return;
  const roster = rosterOf(turn);
  const mayPlace = options.placementIntervalMs > 0 && now.monotonic - placedAt >= options.placementIntervalMs;
  let moves = mayPlace ? options.placementTransfers : 0;
  let next = Number.POSITIVE_INFINITY;
  for (const { group, work: one } of groups) {
    const looked = lookAtGroup(turn, group, one, roster, moves);
    switch (looked.type) {
      case 'Done':
        forget(turn, group);
        break;
      case 'Again':
        next = Math.min(next, looked.at);
        break;
      case 'Moved': {
        moves -= 1;
        const { membership } = node;
        const since = now.monotonic;
        node.membership = {
          ...membership,
          placedAt: since,
          work: radixSet(membership.work, group, { since }),
        };
        next = Math.min(next, now.monotonic + options.placementIntervalMs);
        break;
      }
    }
  }
  if (next < Number.POSITIVE_INFINITY) doChoresAt(turn, monotonicMs(next));
}

type LookedAt =
  | { readonly type: 'Done' }
  | { readonly type: 'Again'; readonly at: number }
  /** Its leadership is on its way to a better place. */
  | { readonly type: 'Moved' };

function lookAtGroup(
  turn: NodeTurn,
  group: GroupId,
  { since }: GroupWork,
  roster: Roster,
  moves: number,
): LookedAt {
  const { options, node, now } = turn;
  const raft = openedGroup(turn, group)?.raft.raft ?? groupOf(node, group).raft;
  if (raft.role !== 'leader') return { type: 'Done' };
  const { leaving, draining } = node.membership;
  const stays = (other: NodeId): boolean =>
    !leaving.some((one) => one.node === other && one.until > now.monotonic);
  const soon: LookedAt = { type: 'Again', at: now.monotonic + options.heartbeatIntervalMs };
  if (raft.transfer !== undefined) return soon;
  if (draining) {
    const opened = openGroup(turn, group);
    const heir = bestHeir(opened.raft, roster, stays);
    if (heir !== undefined) transferLeadership(opened.raft, heir);
    // Who shall lead may have no vote yet, and nobody but this leader can see to that.
    else if (options.meta) reconcileGroup(opened.raft, roster);
    return soon;
  }
  // A newer roster is in this node's log, agreed or not: towards the older one a group might be led back to members that are gone.
  if ((node.membership.book?.version ?? 0) > roster.version) return soon;
  if (reconcileGroup(openGroup(turn, group).raft, roster) === 'under way') return soon;
  if (options.placementIntervalMs === 0 || !isMisplaced(raft, roster)) return { type: 'Done' };
  const settledAt = since + options.placementSettleMs;
  if (now.monotonic < settledAt) return { type: 'Again', at: settledAt };
  if (!isOutranked(raft, roster) && keepsEphemeral(turn, group)) {
    const patience = Math.max(options.placementSettleMs, options.placementIntervalMs);
    return { type: 'Again', at: now.monotonic + patience };
  }
  const later: LookedAt = { type: 'Again', at: now.monotonic + options.placementIntervalMs };
  if (moves === 0) return later;
  const opened = openGroup(turn, group);
  const better = betterLeader(opened.raft, roster, stays);
  if (better === undefined) return later;
  return transferLeadership(opened.raft, better).type === 'Started' ? { type: 'Moved' } : later;
}

/** Whether there is anything that would be lost with this leadership: too much to pay for nothing but an even spread. */
function keepsEphemeral(turn: NodeTurn, group: GroupId): boolean {
  const { lead } = currentGroup(turn, group);
  const state = lead?.ephemeral.state;
  return state !== undefined && (state.keys.size > 0 || state.locks.size > 0);
}

function forget(turn: NodeTurn, group: GroupId): void {
  const { membership } = turn.node;
  turn.node.membership = { ...membership, work: radixDelete(membership.work, group) };
}
