/**
 * Sleeping groups (design notes, section 10 and invariant 22): whoever sleeps is level, is counted where its node looks
 * after it, and does not sleep on when the other side is no longer heard.
 */

import {
  groupMessagesOf,
  isJoint,
  radixForEach,
  termAt,
  type Link,
  type NodeEvent,
  type NodeId,
  type NodeState,
  type Rest,
  type Turn,
} from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { broken } from './broken.js';
import type { Raft } from './group-history.js';

/** The states of a group: one that sleeps is settled, and so are those that sleep with it. */
export function checkLevel(after: Raft, everywhere: readonly Raft[]): void {
  const { rest, log, commit, durable, role, term, leader, self } = after;
  if (!rest.asleep) return;
  const settled = commit === log.lastIndex && durable.lastIndex === log.lastIndex && durable.term === term;
  if (!settled) {
    broken(
      'sleepers are level',
      after,
      `it sleeps with commit ${commit} of ${log.lastIndex}, durable ${durable.lastIndex}`,
    );
  }
  if (rest.term !== term || rest.leader !== leader) {
    broken(
      'sleepers are level',
      after,
      `it sleeps in term ${rest.term} of node ${rest.leader}, and follows ${leader}`,
    );
  }
  if ((role === 'leader') !== (leader === self) || (role !== 'leader' && role !== 'follower')) {
    broken('sleepers are level', after, `it sleeps as ${role}`);
  }
  if (role === 'leader') checkAgreement(after, everywhere);
  for (const other of everywhere)
    if (other.self === leader || role === 'leader') compareSleepers(after, other);
}

function checkAgreement(leader: Raft, everywhere: readonly Raft[]): void {
  const { rest, peers, config, log } = leader;
  const left = peers.filter(({ peer }) => !rest.agreed.includes(peer) && !rest.without.includes(peer));
  if (left.length > 0 || isJoint(config) || leader.transfer !== undefined) {
    broken(
      'sleepers are level',
      leader,
      `it sleeps, but ${left.map(({ peer }) => peer).join(', ')} did not agree`,
    );
  }
  const awake = config.voters.filter((voter) => voter === leader.self || rest.agreed.includes(voter)).length;
  if (awake * 2 <= config.voters.length) {
    broken('sleepers are level', leader, `it sleeps with only ${awake} of ${config.voters.length} voters`);
  }
  for (const other of everywhere) {
    if (!rest.agreed.includes(other.self) || other.log.lastIndex < other.log.baseIndex) continue;
    const covered = other.log.baseIndex >= log.lastIndex || termAt(other.log, log.lastIndex) === log.lastTerm;
    if (!covered) {
      broken(
        'sleepers are level',
        leader,
        `it sleeps at index ${log.lastIndex}, but the log of node ${other.self} ends at ${other.log.lastIndex}`,
      );
    }
  }
}

/** A leader and a follower of its that has agreed to sleep hold the same. */
function compareSleepers(one: Raft, other: Raft): void {
  if (one.self === other.self || !other.rest.asleep || one.term !== other.term) return;
  const [leader, follower] = one.role === 'leader' ? [one, other] : [other, one];
  if (leader.role !== 'leader' || !leader.rest.agreed.includes(follower.self)) return;
  if (follower.rest.leader !== leader.self) return;
  const { log, commit } = follower;
  if (
    log.lastIndex !== leader.log.lastIndex ||
    log.lastTerm !== leader.log.lastTerm ||
    commit !== leader.commit
  ) {
    broken(
      'sleepers are level',
      follower,
      `it sleeps at ${commit} of ${log.lastIndex}, its leader ${leader.self} at ${leader.commit} of ${leader.log.lastIndex}`,
    );
  }
}

/** What one node heard of others for its sleeping groups, in one run of it; times by its own clock. */
export interface Vigil {
  readonly beatsMs: Map<number, number>;
  readonly answersMs: Map<number, number>;
  /** Since when each group sleeps; one that wakes and sleeps again in a turn does so anew. */
  readonly since: Map<number, { readonly rest: Rest; readonly atMs: number }>;
}

export function createVigil(): Vigil {
  return { beatsMs: new Map(), answersMs: new Map(), since: new Map() };
}

/** Takes note of a turn, and holds against it who sleeps after it. */
export function checkVigil(
  vigil: Vigil,
  node: NodeId,
  state: NodeState,
  turn: Turn<NodeEvent>,
  electionTimeoutMs: number,
  reach: (feature: string) => void,
): void {
  const nowMs = turn.now.monotonic;
  for (const event of turn.events) {
    if (event.type !== 'MessageReceived') continue;
    const { from, message } = event;
    if (message.type === 'Heartbeats' && message.beat !== undefined) {
      vigil.beatsMs.set(from, nowMs);
      if (message.beat.listed) reach('sleeping groups named one by one');
    }
    if (message.type === 'HeartbeatAnswers' && message.agrees !== undefined) vigil.answersMs.set(from, nowMs);
  }
  const timerFired = turn.events.some(({ type }) => type === 'TimerFired');
  radixForEach(state.groups, ({ raft }, group) => {
    if (!raft.rest.asleep) {
      vigil.since.delete(group);
      return;
    }
    const known = vigil.since.get(group);
    if (known?.rest !== raft.rest) vigil.since.set(group, { rest: raft.rest, atMs: nowMs });
    if (known?.rest !== raft.rest || !timerFired) return;
    const heard = raft.role === 'leader' ? vigil.answersMs : vigil.beatsMs;
    for (const peer of raft.role === 'leader' ? raft.rest.agreed : [raft.leader]) {
      const silentMs = nowMs - Math.max(known.atMs, heard.get(peer) ?? 0);
      if (silentMs <= electionTimeoutMs) continue;
      broken('nobody oversleeps', raft, `it sleeps although node ${peer} has been silent for ${silentMs} ms`);
    }
  });
  if (state.links.length > 0) checkCounted(node, state);
}

/** The tallies by which two nodes compare their sleeping groups count just those that sleep. */
function checkCounted(node: NodeId, state: NodeState): void {
  const covers = new Map<number, number>();
  const under = new Map<number, number>();
  const lacking = new Map<number, number>();
  const count = (counts: Map<number, number>, peer: number): void =>
    void counts.set(peer, (counts.get(peer) ?? 0) + 1);
  radixForEach(state.groups, ({ raft: { rest } }) => {
    if (!rest.asleep) return;
    if (rest.leader !== node) return count(under, rest.leader);
    for (const peer of rest.agreed) count(covers, peer);
    for (const peer of rest.without) count(lacking, peer);
  });
  const wrong = (link: Link): boolean =>
    link.covers.count !== (covers.get(link.peer) ?? 0) ||
    link.under.count !== (under.get(link.peer) ?? 0) ||
    link.lacking !== (lacking.get(link.peer) ?? 0);
  for (const link of state.links) {
    if (!wrong(link)) continue;
    throw new PropertyBroken(
      'sleepers are counted',
      `node ${node}: with node ${link.peer} it counts ${link.covers.count} covered, ${link.lacking} lacking, ` +
        `${link.under.count} under it; there are ${covers.get(link.peer) ?? 0}, ${lacking.get(link.peer) ?? 0}, ${under.get(link.peer) ?? 0}`,
    );
  }
}

/** Notes why a group was woken, where no message, proposal or read did it. */
export function noteWaking(
  before: Raft,
  after: Raft,
  turn: Turn<NodeEvent>,
  reach: (feature: string) => void,
): void {
  if (!before.rest.asleep || after.rest.asleep || after.busyAt === before.busyAt) {
    if (before.rest.asleep && !after.rest.asleep && before.role === 'follower' && after.role === 'follower') {
      if (!isNamed(turn, after.group)) reach("sleeping groups woken because their leader's node was lost");
    }
    return;
  }
  if (before.role !== 'leader' || isNamed(turn, after.group) || before.log !== after.log) return;
  if (before.readRounds === after.readRounds) reach('sleeping groups woken because a follower was lost');
}

function isNamed(turn: Turn<NodeEvent>, group: number): boolean {
  return turn.events.some(
    (event) =>
      event.type === 'MessageReceived' &&
      groupMessagesOf(event.message).some((named) => named.group === group),
  );
}
