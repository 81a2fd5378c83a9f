/**
 * One message for all the heartbeats that a node has for another, and one for the answers.
 *
 * Raft's rules stay in `core/raft`: each group decides when it sends a heartbeat, which term, commit index and round
 * it carries, and what an answer means. Here they are only joined and parted again. The groups of a node send theirs at
 * the same times, multiples of the interval by the node's own clock, so that a thousand of them make one message for each
 * of the other nodes. The beats that stand for sleeping groups (`liveness.ts`) travel in the same messages.
 */

import { added, EMPTY_LIST } from '../collections/list.js';
import { radixGet } from '../collections/radix-array.js';
import type { GroupId, NodeId } from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import type { Heartbeat, HeartbeatAnswer, RaftMessage } from '../raft/messages.js';
import { leaderLost } from '../raft/quiescence.js';
import { receive } from '../raft/step.js';
import { linkOf, needsBeat, NO_GROUPS, sameTally, tallied } from './link.js';
import { forEachAsleep, noteRest, presentRest, setLink, wakeLed } from './liveness.js';
import type { GroupHeartbeat, HeartbeatAnswers, Heartbeats, NodeMessage } from './protocol.js';
import type { Addressed, Link } from './state.js';
import { openGroup, type Bundle, type NodeTurn } from './turn.js';

function bundleFor(turn: NodeTurn, to: NodeId): Bundle {
  for (const bundle of turn.bundles) if (bundle.to === to) return bundle;
  const bundle: Bundle = { to, heartbeats: EMPTY_LIST, answers: EMPTY_LIST, agrees: undefined };
  turn.bundles = added(turn.bundles, bundle);
  return bundle;
}

/** Puts a group's message with the others that go to the same node. */
export function bundleHeartbeat(turn: NodeTurn, to: NodeId, group: GroupId, message: Heartbeat): void {
  const bundle = bundleFor(turn, to);
  bundle.heartbeats = added(bundle.heartbeats, { group, message });
}

export function bundleAnswer(turn: NodeTurn, to: NodeId, group: GroupId, message: HeartbeatAnswer): void {
  const bundle = bundleFor(turn, to);
  bundle.answers = added(bundle.answers, { group, message });
}

/** The messages of the bundles, and the beats that are due. Called when every group is closed. */
export function releaseBundles(turn: NodeTurn): void {
  const listed = turn.beatIsDue ? openBeats(turn) : EMPTY_LIST;
  let messages: readonly Addressed[] = EMPTY_LIST;
  for (const { to, heartbeats, answers, agrees } of turn.bundles) {
    const link = turn.beatIsDue ? linkOf(turn.node, to) : undefined;
    const beat = link === undefined || !needsBeat(link) ? undefined : beatOf(link, listed.includes(to));
    if (heartbeats.length > 0 || beat !== undefined) {
      messages = added(messages, { to, message: { type: 'Heartbeats', items: heartbeats, beat } });
    }
    if (answers.length > 0 || agrees !== undefined) {
      messages = added(messages, { to, message: { type: 'HeartbeatAnswers', items: answers, agrees } });
    }
  }
  if (messages.length === 0) return;
  // Ahead of appends, which may be large.
  turn.messages = turn.messages.length === 0 ? messages : [...messages, ...turn.messages];
}

function beatOf(link: Link, listed: boolean): Heartbeats['beat'] {
  return { covers: listed ? NO_GROUPS : link.covers, listed };
}

/** Makes bundles for all that must have a beat; gives those to whom the groups are named one by one. */
function openBeats(turn: NodeTurn): readonly NodeId[] {
  let listed: readonly NodeId[] = EMPTY_LIST;
  for (const link of turn.node.links) {
    if (!needsBeat(link)) continue;
    bundleFor(turn, link.peer);
    if (!link.disagrees) continue;
    listed = added(listed, link.peer);
    setLink(turn, { ...link, disagrees: false });
  }
  if (listed.length === 0) return listed;
  forEachAsleep(turn, (group, { leader, agreed, round, term }) => {
    if (leader !== turn.options.node) return;
    for (const peer of listed) {
      if (!agreed.includes(peer)) continue;
      const commit = radixGet(turn.node.groups, group)?.raft.commit;
      if (commit === undefined) continue;
      bundleHeartbeat(turn, peer, group, { type: 'Heartbeat', term, commit, round, sleep: true });
    }
  });
  return listed;
}

export function heartbeatsReceived(turn: NodeTurn, from: NodeId, { items, beat }: Heartbeats): void {
  for (const { group, message } of items) {
    if (radixGet(turn.node.groups, group) === undefined) continue;
    const opened = openGroup(turn, group);
    receive(opened.raft, from, message);
    noteRest(turn, opened);
  }
  heardOf(turn, from);
  if (beat === undefined) return;
  if (beat.listed) wakeUnlisted(turn, from, items);
  // Those that are asked in this very message sleep here already, perhaps, and not yet there.
  let { under } = linkOf(turn.node, from);
  for (const { group, message } of items) {
    const { asleep, leader, term } = presentRest(turn, group);
    if (message.sleep === true && asleep && leader === from && term === message.term) {
      under = tallied(under, group, term, -1);
    }
  }
  const agrees = sameTally(under, beat.covers);
  if (agrees) setLink(turn, { ...linkOf(turn.node, from), agreedAt: turn.now.monotonic });
  bundleFor(turn, from).agrees = agrees;
}

/** The other names all the groups that sleep under it: in any other, it is not known to lead. */
function wakeUnlisted(turn: NodeTurn, from: NodeId, items: readonly GroupHeartbeat[]): void {
  const named = new Set(items.map(({ group }) => group));
  forEachAsleep(turn, (group, { leader }) => {
    if (leader !== from || named.has(group)) return;
    const opened = openGroup(turn, group);
    leaderLost(opened.raft, opened.raft.raft.electionPatienceMs);
    noteRest(turn, opened);
  });
}

export function heartbeatsAnswered(turn: NodeTurn, from: NodeId, { items, agrees }: HeartbeatAnswers): void {
  for (const { group, message } of items) {
    if (radixGet(turn.node.groups, group) === undefined) continue;
    const { asleep, term, leader } = presentRest(turn, group);
    // Nothing new: it sleeps here because it sleeps there.
    if (asleep && leader === turn.options.node && message.asleep === true && message.term === term) continue;
    const opened = openGroup(turn, group);
    receive(opened.raft, from, message);
    noteRest(turn, opened);
  }
  heardOf(turn, from);
  if (agrees === undefined) return;
  const link = linkOf(turn.node, from);
  setLink(turn, agrees ? { ...link, answeredAt: turn.now.monotonic } : { ...link, disagrees: true });
}

/** A node is there again: groups that fell asleep without it have something to tell it. */
function heardOf(turn: NodeTurn, from: NodeId): void {
  if (linkOf(turn.node, from).lacking > 0) wakeLed(turn, ({ without }) => without.includes(from));
}

/** What a message says of each group, in order; nothing for one that is not between groups. */
export function groupMessagesOf(
  message: NodeMessage,
): readonly { readonly group: GroupId; readonly message: RaftMessage<PartitionState> }[] {
  switch (message.type) {
    case 'Group':
      return [message];
    case 'Heartbeats':
    case 'HeartbeatAnswers':
      return message.items;
    default:
      return EMPTY_LIST;
  }
}
