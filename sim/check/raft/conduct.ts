/**
 * How one node conducts itself in one group, judged by what it hears and says: who campaigns and when, what a message
 * of an older term may change, what an acceptance, a match or a commit rests on, and whether a leader looks after
 * those who follow it (design notes, sections 9 to 12).
 *
 * One value per node and group, for one run of the node: a restart begins anew. Times are the node's own monotonic
 * milliseconds, so that no clock fault makes an honest node look wrong.
 */

import type { NodeId, PartitionState, RaftMessage } from '../../../core/index.js';
import { broken } from './broken.js';
import type { Raft } from './group-history.js';
import { isQuorum } from './quorum.js';
import type { GroupLimits } from './state-rules.js';

type Message = RaftMessage<PartitionState>;

export interface Conduct {
  /** When a leader of `heardTerm` was last heard. */
  heardTerm: number;
  heardAtMs: number;
  /** By term, the newest few: who granted a pre-vote. */
  readonly preVotes: Map<number, Set<number>>;
  /** By term, the newest few: the members whose votes this node set out to ask for. */
  readonly campaigns: Map<number, Raft['config']>;
  /** The terms, the newest few, whose leaders asked this node to campaign. */
  readonly askedTo: Set<number>;
  /** Who granted a vote in the newest term in which anybody did. */
  votesTerm: number;
  readonly votes: Set<number>;
  /** When each peer was last asked for a pre-vote. */
  readonly askedAtMs: Map<number, number>;
  /** The last index that a leader of `provenTerm` may have shown this node to match. */
  provenTerm: number;
  provenIndex: number;
  /** What the leader of `acceptedTerm` was told by each peer. */
  acceptedTerm: number;
  readonly accepted: Map<number, number>;
  /** How the leader of `ledTerm` looks after each peer. */
  ledTerm: number;
  readonly care: Map<number, Care>;
}

const NOBODY: ReadonlySet<number> = new Set();

interface Care {
  heartbeatAtMs: number;
  slept: boolean;
  /** The peer has been behind, without any progress and without being sent anything, since then. */
  neglectedSinceMs: number;
  match: number;
  /** When it was heard first since it was last sent something, and when last. */
  firstHeardMs: number | undefined;
  lastHeardMs: number;
  /** When the leader's timer fired last: a process that stood still neglected nobody meanwhile. */
  timerFiredMs: number;
}

export function createConduct(): Conduct {
  return {
    heardTerm: -1,
    heardAtMs: 0,
    preVotes: new Map(),
    campaigns: new Map(),
    askedTo: new Set(),
    votesTerm: 0,
    votes: new Set(),
    askedAtMs: new Map(),
    provenTerm: 0,
    provenIndex: 0,
    acceptedTerm: 0,
    accepted: new Map(),
    ledTerm: 0,
    care: new Map(),
  };
}

/** One message of a turn, with its sender. */
export interface Heard {
  readonly from: NodeId;
  readonly message: Message;
}

/**
 * What a turn may have made of what it heard; called before the effects of the turn are looked at.
 */
export function checkHeard(
  conduct: Conduct,
  before: Raft,
  after: Raft,
  heard: readonly Heard[],
  turn: { readonly events: number; readonly timerFired: boolean; readonly restartedMs: number | undefined },
  nowMs: number,
  limits: GroupLimits,
): void {
  const only = heard[0];
  // A sleeping group takes over what its node heard meanwhile, or is woken by its node in the very turn.
  if (turn.events === 1 && only !== undefined && only.message.term < before.term && !before.rest.asleep) {
    checkOlderTerm(before, after, only.message);
  }
  checkFollowed(after, heard);
  // A leader that finds in the same turn that it has lost touch hears candidates again.
  if (!turn.timerFired) checkUnseated(conduct, before, after, heard, nowMs, limits);
  checkPromise(conduct, before, after, heard, nowMs, turn.restartedMs, limits);
  for (const { from, message } of heard) noteEvidence(conduct, from, message);
  noteCampaign(conduct, after);
  checkVotes(conduct, before, after);
  checkCommit(before, after, heard);
  if (after.role === 'leader') checkMatches(conduct, before, after);
}

/** Takes note of leaders; called last, because what came after an answer in a turn cannot have changed it. */
export function noteLeaders(conduct: Conduct, after: Raft, heard: readonly Heard[], nowMs: number): void {
  for (const { message } of heard) {
    if (!comesFromLeader(message) || message.term !== after.term) continue;
    conduct.heardTerm = message.term;
    conduct.heardAtMs = nowMs;
  }
}

function comesFromLeader({ type }: Message): boolean {
  return type === 'Append' || type === 'Heartbeat' || type === 'InstallSnapshot';
}

/**
 * What is said in an older term changes nothing; but who is left out by what was committed then is so ever after, and stands for
 * election no longer.
 */
function checkOlderTerm(before: Raft, after: Raft, message: Message): void {
  const gaveUp =
    message.type === 'NotMember' &&
    after.leftOutAt >= message.index &&
    (before.role === 'precandidate' || before.role === 'candidate') &&
    after.role === 'follower' &&
    after.votes.length === 0;
  const sameRole =
    before.role === after.role &&
    before.votes === after.votes &&
    before.electionDeadline === after.electionDeadline;
  const same =
    (gaveUp || sameRole) &&
    before.term === after.term &&
    before.leader === after.leader &&
    before.log === after.log &&
    before.commit === after.commit &&
    before.peers === after.peers &&
    before.readRounds === after.readRounds &&
    before.rest === after.rest;
  if (!same)
    broken('older terms mean nothing', after, `${message.type} of term ${message.term} changed its state`);
}

/** Whoever is told of a later term goes there; asking for a vote or a pre-vote tells of none, unless a leader hands over. */
function checkFollowed(after: Raft, heard: readonly Heard[]): void {
  for (const { from, message } of heard) {
    const { type, term } = message;
    if (term <= after.term || type === 'PreVoteRequest') continue;
    if (type === 'VoteRequest' && !message.handedOver) continue;
    if (type === 'PreVoteAnswer' && message.granted) continue;
    broken('later terms are followed', after, `node ${from} told it of term ${term} (${type})`);
  }
}

/** Whoever leads, or hears a leader, is not moved to a later term by a candidate. */
function checkUnseated(
  conduct: Conduct,
  before: Raft,
  after: Raft,
  heard: readonly Heard[],
  nowMs: number,
  limits: GroupLimits,
): void {
  if (after.term === before.term || after.vote === after.self || !hearsLeader(conduct, before, nowMs, limits))
    return;
  const asked = heard.some(
    ({ message }) => message.type === 'VoteRequest' && !message.handedOver && message.term === after.term,
  );
  const told = heard.some(({ message }) => {
    if (message.type === 'PreVoteRequest' || (message.type === 'VoteRequest' && !message.handedOver))
      return false;
    return message.term > before.term && !(message.type === 'PreVoteAnswer' && message.granted);
  });
  if (asked && !told) broken('leaders are left alone', after, 'a candidate was heard although a leader is');
}

/**
 * Whoever heard from a leader votes for nobody for an election timeout, unless that leader asked for it; not in a later term
 * either, and not after a restart, before which it may have heard from one (design notes, section 6).
 */
function checkPromise(
  conduct: Conduct,
  before: Raft,
  after: Raft,
  heard: readonly Heard[],
  nowMs: number,
  restartedMs: number | undefined,
  limits: GroupLimits,
): void {
  const { vote, term, self } = after;
  if (vote === 0 || vote === self || (vote === before.vote && term === before.term)) return;
  const handedOver = heard.some(
    ({ message }) => message.type === 'VoteRequest' && message.handedOver && message.term === term,
  );
  if (handedOver) return;
  const sinceMs =
    nowMs - Math.max(conduct.heardTerm > 0 ? conduct.heardAtMs : NEVER_MS, restartedMs ?? NEVER_MS);
  if (sinceMs >= limits.electionTimeoutMs) return;
  broken(
    'promises are kept',
    after,
    `it votes for node ${vote} ${sinceMs} ms after it heard, or may have heard, from a leader`,
  );
}

const NEVER_MS = Number.NEGATIVE_INFINITY;

function hearsLeader(conduct: Conduct, raft: Raft, nowMs: number, limits: GroupLimits): boolean {
  if (raft.role === 'leader') return true;
  return (
    raft.role === 'follower' &&
    conduct.heardTerm === raft.term &&
    nowMs - conduct.heardAtMs < limits.electionTimeoutMs
  );
}

function noteEvidence(conduct: Conduct, from: NodeId, message: Message): void {
  const { term } = message;
  switch (message.type) {
    case 'PreVoteAnswer':
      if (message.granted) notePreVote(conduct.preVotes, term, from);
      return;
    case 'VoteAnswer':
      if (!message.granted || term < conduct.votesTerm) return;
      if (term > conduct.votesTerm) conduct.votes.clear();
      conduct.votesTerm = term;
      conduct.votes.add(from);
      return;
    case 'CampaignNow':
      conduct.askedTo.add(term);
      if (conduct.askedTo.size > 8)
        for (const old of conduct.askedTo) if (old < term - 4) conduct.askedTo.delete(old);
      return;
    case 'Append':
      return noteProven(conduct, term, message.previousIndex + message.entries.length);
    case 'InstallSnapshot':
      return noteProven(conduct, term, message.snapshot.index);
    case 'AppendAccepted': {
      if (term < conduct.acceptedTerm) return;
      if (term > conduct.acceptedTerm) conduct.accepted.clear();
      conduct.acceptedTerm = term;
      conduct.accepted.set(from, Math.max(conduct.accepted.get(from) ?? 0, message.index));
      return;
    }
    default:
      return;
  }
}

function noteCampaign({ campaigns }: Conduct, { role, term, config }: Raft): void {
  if (role !== 'candidate' || campaigns.has(term)) return;
  campaigns.set(term, config);
  for (const old of campaigns.keys()) if (old < term - 32) campaigns.delete(old);
}

function notePreVote(preVotes: Conduct['preVotes'], term: number, from: NodeId): void {
  const known = preVotes.get(term);
  if (known !== undefined) known.add(from);
  else preVotes.set(term, new Set([from]));
  // A slow disk holds back the requests of many terms.
  if (preVotes.size > 64) for (const old of preVotes.keys()) if (old < term - 32) preVotes.delete(old);
}

function noteProven(conduct: Conduct, term: number, index: number): void {
  if (term < conduct.provenTerm) return;
  conduct.provenIndex = term > conduct.provenTerm ? index : Math.max(conduct.provenIndex, index);
  conduct.provenTerm = term;
}

/** Who leads was told by a majority, itself included, that it has their votes in this very term. */
function checkVotes(conduct: Conduct, before: Raft, after: Raft): void {
  if (after.role !== 'leader' || (before.role === 'leader' && before.term === after.term)) return;
  if (after.log.lastTerm !== after.term) {
    broken('leaders open their term', after, `the log of the new leader ends in term ${after.log.lastTerm}`);
  }
  const votes = conduct.votesTerm === after.term ? conduct.votes : NOBODY;
  // An election is won with the log that the candidate had: its own first entry changes no members.
  if (isQuorum(after.config, (node) => node === after.self || votes.has(node))) return;
  broken(
    'leaders are elected',
    after,
    `it leads, but was told of only ${votes.size} votes of others in this term`,
  );
}

/** A follower's commit index rises only to where a leader showed that the logs match. */
function checkCommit(before: Raft, after: Raft, heard: readonly Heard[]): void {
  if (after.commit <= before.commit || after.role === 'leader' || before.role === 'leader') return;
  let most = before.commit as number;
  for (const { message } of heard) {
    if (message.term < before.term) continue;
    if (message.type === 'Append') {
      most = Math.max(most, Math.min(message.commit, message.previousIndex + message.entries.length));
    } else if (message.type === 'Heartbeat') most = Math.max(most, message.commit);
    else if (message.type === 'InstallSnapshot') most = Math.max(most, message.snapshot.index);
  }
  if (after.commit > most) {
    broken(
      'commits are proven',
      after,
      `it commits ${after.commit}, but no more than ${most} was shown to match`,
    );
  }
}

/** What a leader takes a follower to hold is what that follower said, in this term. */
function checkMatches(conduct: Conduct, before: Raft, after: Raft): void {
  if (before.peers === after.peers) return;
  for (const { peer, match } of after.peers) {
    const said = conduct.acceptedTerm === after.term ? (conduct.accepted.get(peer) ?? 0) : 0;
    if (match > said) {
      broken(
        'matches were accepted',
        after,
        `node ${peer} is taken to hold index ${match}, but has accepted only ${said} in this term`,
      );
    }
  }
}

/** One message that the node lets go. */
export function checkSaid(
  conduct: Conduct,
  before: Raft | undefined,
  sender: Raft,
  to: NodeId,
  message: Message,
  nowMs: number,
  limits: GroupLimits,
): void {
  switch (message.type) {
    case 'PreVoteRequest': {
      const last = conduct.askedAtMs.get(to);
      if (last !== undefined && nowMs - last < limits.electionTimeoutMs) {
        broken('candidates wait', sender, `it asks node ${to} again after ${nowMs - last} ms`);
      }
      conduct.askedAtMs.set(to, nowMs);
      if (conduct.heardTerm === message.term - 1 && nowMs - conduct.heardAtMs < limits.electionTimeoutMs) {
        broken(
          'leaders are left alone',
          sender,
          `it heard from a leader ${nowMs - conduct.heardAtMs} ms ago`,
        );
      }
      return;
    }
    case 'PreVoteAnswer':
      if (
        message.granted &&
        message.term === sender.term + 1 &&
        before?.term === sender.term &&
        hearsLeader(conduct, before, nowMs, limits) &&
        hearsLeader(conduct, sender, nowMs, limits)
      ) {
        broken(
          'leaders are left alone',
          sender,
          `it grants node ${to} a pre-vote although it hears a leader`,
        );
      }
      return;
    case 'VoteRequest': {
      if (message.handedOver) {
        if (conduct.askedTo.has(message.term - 1)) return;
        broken('only leaders hand over', sender, 'it says that a leader asked it to campaign, but none did');
      }
      const grants = conduct.preVotes.get(message.term) ?? NOBODY;
      // The request leaves when the own vote is durable, and the members may be others by then.
      const config = conduct.campaigns.get(message.term) ?? sender.config;
      if (!isQuorum(config, (node) => node === sender.self || grants.has(node))) {
        broken('candidates ask first', sender, `it campaigns with only ${grants.size} pre-votes of others`);
      }
      return;
    }
    case 'AppendAccepted':
      if (message.term < conduct.provenTerm || message.index <= sender.commit) return;
      if (message.term > conduct.provenTerm || message.index > conduct.provenIndex) {
        broken(
          'acceptances are proven',
          sender,
          `it accepts index ${message.index} from node ${to}, which has shown it no more than ${conduct.provenIndex}`,
        );
      }
      return;
    case 'Heartbeat': {
      const care = careOf(conduct, sender, to, nowMs);
      if (care === undefined) return;
      care.heartbeatAtMs = nowMs;
      const known = sender.peers.find(({ peer }) => peer === to);
      if (known !== undefined && message.commit > known.match) {
        broken(
          'commits are proven',
          sender,
          `a heartbeat commits ${message.commit} at node ${to}, which matches up to ${known.match}`,
        );
      }
      return;
    }
    case 'Append':
    case 'InstallSnapshot': {
      const care = careOf(conduct, sender, to, nowMs);
      if (care === undefined) return;
      care.neglectedSinceMs = nowMs;
      care.firstHeardMs = undefined;
      return;
    }
    default:
      return;
  }
}

/** One that asks for pre-votes may be deaf; one that answers is not. */
function answersLeader({ type }: Message): boolean {
  return type === 'HeartbeatAnswer' || type === 'AppendAccepted' || type === 'AppendRefused';
}

function careOf(conduct: Conduct, leader: Raft, peer: number, nowMs: number): Care | undefined {
  if (leader.role !== 'leader') return undefined;
  if (conduct.ledTerm !== leader.term) {
    conduct.care.clear();
    conduct.ledTerm = leader.term;
  }
  // One that was left out may still answer; if it comes back, it is looked after anew.
  if (!leader.peers.some((known) => known.peer === peer)) {
    conduct.care.delete(peer);
    return undefined;
  }
  let care = conduct.care.get(peer);
  if (care === undefined) {
    care = {
      heartbeatAtMs: nowMs,
      slept: false,
      neglectedSinceMs: nowMs,
      match: 0,
      firstHeardMs: undefined,
      lastHeardMs: nowMs,
      timerFiredMs: nowMs,
    };
    conduct.care.set(peer, care);
  }
  return care;
}

/**
 * A leader whose timer fired has spoken to everybody lately, and has sent something to whoever answers and is behind.
 * Called after the effects of the turn.
 *
 * @param isSending the node sends as many snapshots as it may: another follower's turn is still to come.
 */
export function checkCare(
  conduct: Conduct,
  leader: Raft,
  heard: readonly Heard[],
  timerFired: boolean,
  nowMs: number,
  limits: GroupLimits,
  isSending = false,
): void {
  if (leader.role !== 'leader') return;
  // Who is no member any more is not looked after, and begins anew if it becomes one again.
  for (const known of conduct.care.keys()) {
    if (!leader.peers.some(({ peer }) => peer === known)) conduct.care.delete(known);
  }
  for (const { from, message } of heard) {
    if (message.term !== leader.term || !answersLeader(message)) continue;
    if (!leader.peers.some(({ peer }) => peer === from)) continue;
    const care = careOf(conduct, leader, from, nowMs);
    if (care === undefined) continue;
    care.firstHeardMs ??= nowMs;
    care.lastHeardMs = nowMs;
  }
  if (!timerFired) return;
  const { heartbeatIntervalMs, electionTimeoutMs } = limits;
  if (conduct.care.size > leader.peers.length) {
    for (const peer of conduct.care.keys()) careOf(conduct, leader, peer, nowMs);
  }
  for (const { peer, match, mode } of leader.peers) {
    const care = careOf(conduct, leader, peer, nowMs);
    if (care === undefined) continue;
    // Of the followers of a sleeping group its node takes care, and of those that are behind nobody.
    if (leader.rest.asleep || care.slept) {
      care.heartbeatAtMs = nowMs;
      care.neglectedSinceMs = nowMs;
      care.slept = leader.rest.asleep;
    }
    if (nowMs - care.heartbeatAtMs > 2 * heartbeatIntervalMs) {
      broken(
        'followers are kept',
        leader,
        `it has not spoken to node ${peer} for ${nowMs - care.heartbeatAtMs} ms`,
      );
    }
    const waitsInLine = isSending && mode === 'snapshot';
    const stoodStill = nowMs - care.timerFiredMs > electionTimeoutMs;
    care.timerFiredMs = nowMs;
    if (match >= leader.log.lastIndex || match !== care.match || waitsInLine || stoodStill) {
      care.match = match;
      care.neglectedSinceMs = nowMs;
    }
    if (care.firstHeardMs === undefined || nowMs - care.lastHeardMs >= electionTimeoutMs) {
      care.firstHeardMs = undefined;
      continue;
    }
    const idleMs = nowMs - Math.max(care.neglectedSinceMs, care.firstHeardMs);
    if (idleMs > 2 * electionTimeoutMs + 6 * heartbeatIntervalMs) {
      broken(
        'followers are kept',
        leader,
        `node ${peer} answers and is behind, at ${match} of ${leader.log.lastIndex}, but was sent nothing for ${idleMs} ms`,
      );
    }
  }
}
