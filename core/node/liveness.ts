/**
 * Liveness: how two nodes look after the groups that sleep on both of them, for all of those groups together.
 *
 * A node that leads sleeping groups sends a beat, once a heartbeat interval, to every node that sleeps in some of
 * them. The beat does not name the groups; it carries their number and a digest of their names and terms. A receiver
 * that sleeps under the sender in exactly those groups has heard from the leader of each of them, and says so, which
 * is what the leader hears of its followers. Only while both sides agree is a beat proof of anything: raft.md, section 10.
 *
 *  - Whoever hears no beat that agrees for an election timeout wakes every group in which it sleeps under that node,
 *    each with a delay of its own: the node is dead, cut off, or no longer leads what it led. A node that was started
 *    again leads nothing, so it covers nothing; no name of its run is needed.
 *  - A leader that hears no agreement for an election timeout does without that follower in every group that it covers
 *    there. A group that has no majority left so is woken, and finds out whether it still has a leader.
 *  - A leader that is told of a disagreement names its groups one by one in the next beat. Then either side wakes, or puts
 *    to sleep, the few in which they differ, and the rest sleep on.
 *  - Groups that sleep without a silent follower are woken when that follower's node is heard again.
 *
 * A link costs the same whether it looks after one group or thousands; the groups are looked at only when it fails.
 */

import { finish, mixNumber } from '../collections/digest.js';
import { radixForEach } from '../collections/radix-array.js';
import { assert } from '../machine/assert.js';
import type { GroupId, NodeId } from '../machine/units.js';
import { leaderLost, sleepWithout, wake } from '../raft/quiescence.js';
import type { Rest } from '../raft/state.js';
import { linkOf, needsBeat, tallied } from './link.js';
import type { Link } from './state.js';
import { groupOf, openedGroup, openGroup, type NodeTurn, type OpenGroup } from './turn.js';

export function setLink(turn: NodeTurn, changed: Link): void {
  const others = turn.node.links.filter(({ peer }) => peer !== changed.peer);
  turn.node.links = [...others, changed].sort((a, b) => a.peer - b.peer);
}

/** Books a group that fell asleep or woke since it was last looked at. */
export function noteRest(turn: NodeTurn, opened: OpenGroup): void {
  const { rest, group } = opened.raft.raft;
  if (rest === opened.noted) return;
  book(turn, group, opened.noted, -1);
  book(turn, group, rest, 1);
  opened.noted = rest;
}

function book(turn: NodeTurn, group: GroupId, rest: Rest, by: 1 | -1): void {
  if (!rest.asleep) return;
  const { options, node, now } = turn;
  const { term, leader, agreed, without } = rest;
  if (leader !== options.node) {
    const link = linkOf(node, leader);
    // With the first group the node has just been heard.
    const agreedAt = link.under.count === 0 ? now.monotonic : link.agreedAt;
    setLink(turn, { ...link, under: tallied(link.under, group, term, by), agreedAt });
    return;
  }
  for (const peer of agreed) {
    const link = linkOf(node, peer);
    const answeredAt = link.covers.count === 0 ? now.monotonic : link.answeredAt;
    setLink(turn, { ...link, covers: tallied(link.covers, group, term, by), answeredAt });
  }
  for (const peer of without) {
    const link = linkOf(node, peer);
    setLink(turn, { ...link, lacking: link.lacking + by });
  }
}

/** Beats go out as long as a sleeping group depends on them. */
export function setBeatAlarm(turn: NodeTurn): void {
  const { node, raftContext } = turn;
  if (!node.links.some(needsBeat)) node.beatAt = undefined;
  else if (node.beatAt === undefined || turn.beatIsDue) node.beatAt = raftContext.heartbeatAt;
}

/** Wakes the groups that slept in reliance on a node that has been silent for too long. */
export function checkLinks(turn: NodeTurn): void {
  const { electionTimeoutMs } = turn.options;
  const now = turn.now.monotonic;
  // What was woken in this turn is asleep under nobody any more.
  for (const opened of turn.open) noteRest(turn, opened);
  for (const { peer, under, covers, agreedAt, answeredAt } of turn.node.links) {
    if (under.count > 0 && now >= agreedAt + electionTimeoutMs) leadersLost(turn, peer);
    if (covers.count > 0 && now >= answeredAt + electionTimeoutMs) {
      followerLost(turn, peer);
    }
  }
}

/** The other node's groups need new leaders: their elections are spread over two election timeouts. */
function leadersLost(turn: NodeTurn, leader: NodeId): void {
  const { heartbeatIntervalMs, electionTimeoutMs } = turn.options;
  const { entropy } = turn.raftContext;
  forEachAsleep(turn, (id, rest) => {
    if (rest.leader !== leader) return;
    const opened = openGroup(turn, id);
    const { voters } = opened.raft.raft.config;
    // Each group has its own order in which the others come forward, so that two seldom meet.
    const others = voters.filter((voter) => voter !== leader);
    const place = Math.max(0, others.indexOf(turn.options.node));
    const turnOf = (finish(mixNumber(0, id)) + place) % Math.max(1, others.length);
    const turnMs = Math.floor((turnOf * electionTimeoutMs) / Math.max(1, others.length - 1));
    const spread = finish(mixNumber(mixNumber(entropy, id), turn.options.node)) % electionTimeoutMs;
    // The other followers should have missed the leader too before one of them asks for their votes.
    leaderLost(opened.raft, heartbeatIntervalMs + spread + turnMs);
    noteRest(turn, opened);
  });
  const { count } = linkOf(turn.node, leader).under;
  assert(count === 0, () => `${count} more groups were booked as asleep under node ${leader} than are`);
}

function followerLost(turn: NodeTurn, follower: NodeId): void {
  forEachAsleep(turn, (id, { leader, agreed }) => {
    if (leader !== turn.options.node || !agreed.includes(follower)) return;
    const opened = openGroup(turn, id);
    if (!sleepWithout(opened.raft, follower)) wake(opened.raft);
    noteRest(turn, opened);
  });
}

/** Wakes groups that this node leads. */
export function wakeLed(turn: NodeTurn, which: (rest: Rest) => boolean): void {
  forEachAsleep(turn, (id, rest) => {
    if (rest.leader !== turn.options.node || !which(rest)) return;
    const opened = openGroup(turn, id);
    wake(opened.raft);
    noteRest(turn, opened);
  });
}

/** Visits every sleeping group of this node; only for when a link fails. */
export function forEachAsleep(turn: NodeTurn, visit: (id: GroupId, rest: Rest) => void): void {
  radixForEach(turn.node.groups, (known, position) => {
    const id = position as GroupId;
    // Most are closed and as the turn found them.
    const rest = openedGroup(turn, id)?.raft.raft.rest ?? known.raft.rest;
    if (rest.asleep) visit(id, rest);
  });
}

/** The rest of a group as this turn has left it so far. */
export function presentRest(turn: NodeTurn, id: GroupId): Rest {
  return (openedGroup(turn, id)?.raft ?? groupOf(turn.node, id)).raft.rest;
}
