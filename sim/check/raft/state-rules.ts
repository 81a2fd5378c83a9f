/**
 * The invariants of Raft that speak of states (figure 3 of the paper, and the list in the design notes, section 11).
 *
 * Each is checked for the group and node that a step changed, against the history of the group: what cannot have been
 * broken by the step is not looked at again.
 */

import { fifoPeek, termAt, type Entry, type NodeId } from '../../../core/index.js';
import { radixFirstDifference, radixGet } from '../../../core/index.js';
import { broken } from './broken.js';
import { isQuorum } from './quorum.js';
import {
  durableTermAt,
  holdsDurably,
  lastDurableIndex,
  ownVoteDurable,
  type DurableView,
} from './durable-view.js';
import { isAhead, lastCommitted, pairKey, sameEntry, type GroupHistory, type Raft } from './group-history.js';

export interface StateContext {
  readonly history: GroupHistory;
  readonly viewOf: (node: number) => DurableView;
  /** The present states of this group on the nodes that run. */
  readonly everywhere: () => readonly Raft[];
  readonly limitsOf: (node: number) => GroupLimits;
}

/** What a node was told, as far as rules depend on it. */
export interface GroupLimits {
  readonly maxPromotionLag?: number;
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** `before` is undefined when the node has just started. */
export function checkStates(context: StateContext, before: Raft | undefined, after: Raft): void {
  checkTermAndVote(context.history, before, after);
  if (before?.durable !== after.durable || before.log !== after.log) checkDurable(context, after);
  if (before?.log !== after.log) checkLog(context, before, after);
  if (after.role === 'leader') checkLeader(context, before, after);
  else checkNoReads(after);
  if ((before?.commit ?? 0) !== after.commit) checkCommit(context, before, after);
}

/** The term never falls, and a vote changes only with it or from none. */
function checkTermAndVote(history: GroupHistory, before: Raft | undefined, after: Raft): void {
  if (before === undefined) return;
  if (after.role === 'precandidate' && before.role !== 'precandidate') checkPatience(history, after);
  if (after.term < before.term) broken('terms never fall', after, `the term fell from ${before.term}`);
  if (after.term === before.term && before.vote !== 0 && after.vote !== before.vote) {
    broken('one vote a term', after, `the vote changed from ${before.vote} to ${after.vote}`);
  }
}

/** Open reads are dropped with the leadership, and never answered by a later one; so is the lease (design notes, section 6). */
function checkNoReads(after: Raft): void {
  if (after.lease.until !== 0) broken('leases end with the leadership', after, `it is ${after.role}`);
  const { readRounds, earlyReads, earlyAsks } = after;
  if (fifoPeek(readRounds) === undefined && earlyReads.length === 0 && earlyAsks.length === 0) return;
  broken('reads end with the leadership', after, `as ${after.role} it still keeps reads to be confirmed`);
}

const MANY = 16;

/** Election timeouts are drawn, or candidates would meet for ever. */
function checkPatience(history: GroupHistory, after: Raft): void {
  history.asked += 1;
  history.patiences.add(after.electionPatienceMs);
  if (history.asked >= MANY && history.patiences.size === 1) {
    broken('timeouts are drawn', after, `all of ${history.asked} were ${after.electionPatienceMs} ms`);
  }
}

/** Nobody votes in a term for a node that has not voted for itself there: so a new term frees the vote. */
export function checkVoteAsked(history: GroupHistory, before: Raft | undefined, after: Raft): void {
  if (after.vote === 0 || (before?.vote === after.vote && before.term === after.term)) return;
  if (after.vote === after.self) {
    history.candidates.add(pairKey(after.self, after.term));
    return;
  }
  // A node that has just started has what it had before, and that was looked at then.
  if (before === undefined) return;
  const key = pairKey(after.vote, after.term);
  const stated = history.stated.get(key);
  if (stated !== undefined && before.log === after.log && isAhead(after.log, stated)) {
    broken(
      'votes go to the best log',
      after,
      `it votes for node ${after.vote}, whose log ends at ${stated.lastIndex} of term ${stated.lastTerm}; its own at ` +
        `${after.log.lastIndex} of term ${after.log.lastTerm}`,
    );
  }
  if (!history.candidates.has(key))
    broken(
      'votes are asked for',
      after,
      `its vote is for node ${after.vote}, which is no candidate of the term`,
    );
}

/** What a node takes to be on its disk is there. */
function checkDurable(context: StateContext, after: Raft): void {
  const view = context.viewOf(after.self);
  const { term, vote, lastIndex } = after.durable;
  if (view.term < term || (view.term === term && view.vote !== vote)) {
    broken(
      'durable is on disk',
      after,
      `term ${term}, vote ${vote} are not on its disk: ${view.term}, ${view.vote}`,
    );
  }
  const settled = lastIndex === after.log.lastIndex && fifoPeek(after.unsynced) === undefined;
  if (settled && lastDurableIndex(view) > lastIndex) {
    broken(
      'the disk holds the log',
      after,
      `its log ends at ${lastIndex} with no write under way, but its disk ends at ${lastDurableIndex(view)}`,
    );
  }
  if (lastIndex <= after.log.baseIndex) return;
  const expected = termAt(after.log, lastIndex);
  if (lastIndex > view.baseIndex && durableTermAt(view, lastIndex) !== expected) {
    broken(
      'durable is on disk',
      after,
      `index ${lastIndex} of term ${expected} is not on its disk, which ends at ${lastDurableIndex(view)}`,
    );
  }
}

/** A leader that a majority has not answered for long no longer leads (CheckQuorum); called when its timer fired. */
export function checkLeadership(context: StateContext, raft: Raft, nowMs: number): void {
  // Of a sleeping group's followers its node hears, and wakes it when it does not.
  if (raft.role !== 'leader' || raft.rest.asleep) return;
  const { electionTimeoutMs, heartbeatIntervalMs } = context.limitsOf(raft.self);
  const patienceMs = 2 * electionTimeoutMs + 2 * heartbeatIntervalMs;
  const alive = raft.peers.filter(({ heardAt }) => nowMs - heardAt <= patienceMs).map(({ peer }) => peer);
  if (!isQuorum(raft.config, (node) => node === raft.self || alive.includes(node))) {
    broken('leaders step down', raft, `it has not heard from a majority for more than ${patienceMs} ms`);
  }
}

/**
 * Log matching: entries of equal index and term are equal everywhere, and so are those before them. Each new entry is
 * compared with the first of its kind, together with the term before it; the rest follows by induction.
 */
function checkLog(context: StateContext, before: Raft | undefined, after: Raft): void {
  const { log } = after;
  const base = context.history.committed[log.baseIndex];
  if (base !== undefined && base.term !== log.baseTerm) {
    broken(
      'log matching',
      after,
      `its log begins after index ${log.baseIndex} of term ${log.baseTerm}, not ${base.term}`,
    );
  }
  const firstNew = firstDifference(before, after);
  if (before?.role === 'leader' && after.role === 'leader' && before.term === after.term) {
    if (firstNew <= before.log.lastIndex) {
      broken('leader append-only', after, `the leader changed its own log at index ${firstNew}`);
    }
  }
  for (let index = Math.max(firstNew, log.baseIndex + 1); index <= log.lastIndex; index += 1) {
    const entry = radixGet(log.entries, index);
    if (entry === undefined) return broken('no gaps in a log', after, `index ${index} is missing`);
    const previousTerm = termAt(log, index - 1);
    if (previousTerm !== undefined && previousTerm > entry.term) {
      broken(
        'terms in a log never fall',
        after,
        `index ${index} has term ${entry.term}, after ${previousTerm}`,
      );
    }
    const key = pairKey(index, entry.term);
    const known = context.history.entries.get(key);
    if (known === undefined) context.history.entries.set(key, { entry, previousTerm });
    else if (!sameEntry(known.entry, entry) || differs(known.previousTerm, previousTerm)) {
      broken(
        'log matching',
        after,
        `index ${index} of term ${entry.term} is not what another log holds there`,
      );
    }
    if (index < context.history.committed.length) checkAgainstCommitted(context, after, index, entry, before);
  }
}

function differs(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** A node that had a committed entry may not replace it by another. */
function checkAgainstCommitted(
  context: StateContext,
  after: Raft,
  index: number,
  entry: Entry,
  before: Raft | undefined,
): void {
  if (index <= (before?.commit ?? 0) && !sameEntry(context.history.committed[index] as Entry, entry)) {
    broken('committed entries stay', after, `the committed entry at index ${index} was overwritten`);
  }
}

/** The first index that both logs reach back to and at which they differ. */
function firstDifference(before: Raft | undefined, after: Raft): number {
  if (before === undefined) return after.log.baseIndex + 1;
  const from = Math.max(before.log.baseIndex, after.log.baseIndex) + 1;
  return radixFirstDifference(before.log.entries, after.log.entries, from) ?? after.log.lastIndex + 1;
}

function checkLeader(context: StateContext, before: Raft | undefined, after: Raft): void {
  const { history } = context;
  const isNew = before?.role !== 'leader' || before.term !== after.term;
  if (isNew) {
    const known = history.leaders.get(after.term);
    if (known !== undefined && known !== after.self) {
      broken('election safety', after, `node ${known} was elected in the same term`);
    }
    history.leaders.set(after.term, after.self);
    history.newestTerm = Math.max(history.newestTerm, after.term);
    // The one before counts, too: who loses its vote may be needed until that is committed (thesis, section 4.2.2).
    const entitled = [after.config, after.configs[after.configs.length - 2]?.config].flatMap((config) =>
      config === undefined ? [] : [...config.voters, ...config.outgoing],
    );
    if (!entitled.includes(after.self)) broken('only voters lead', after, 'a node without a vote leads');
    if (!ownVoteDurable(context.viewOf(after.self), after.self, after.term)) {
      broken("a leader's own vote is durable", after, 'it leads, but a crash would take its vote back');
    }
    const isFor = (voter: NodeId): boolean => history.votes.get(pairKey(voter, after.term)) === after.self;
    if (!isQuorum(after.config, (voter) => voter === after.self || isFor(voter))) {
      const voters = [...after.config.voters, ...after.config.outgoing].filter(isFor);
      broken('leaders are elected', after, `only nodes [${voters.join(', ')}] and itself voted for it`);
    }
    checkCompleteness(history, after);
  }
  if (before?.peers === after.peers) return;
  if (!isNew) checkMatchGrows(before?.peers ?? [], after);
  for (const { peer, match, next, inflight } of after.peers) {
    if (match >= next) broken('match is below next', after, `node ${peer}: match ${match}, next ${next}`);
    if (inflight.length > context.limitsOf(after.self).maxInflightAppends) {
      broken('windows', after, `${inflight.length} appends to node ${peer} are in flight`);
    }
    const bytes = inflight.reduce((sum, append) => sum + append.bytes, 0);
    if (inflight.length > 1 && bytes > context.limitsOf(after.self).maxInflightBytes) {
      broken('windows', after, `${bytes} bytes of appends to node ${peer} are in flight`);
    }
    if (inflight.some(({ last }) => last <= match)) {
      broken('windows', after, `node ${peer}: what it accepted up to ${match} still counts as in flight`);
    }
    const view = context.viewOf(peer);
    if (view.term <= after.term && lastDurableIndex(view) < match) {
      broken(
        'match is durable',
        after,
        `node ${peer} is taken to hold index ${match}, but its disk ends at ${lastDurableIndex(view)}`,
      );
    }
    const held = match > view.baseIndex ? durableTermAt(view, match) : undefined;
    const meant = match > after.log.baseIndex ? termAt(after.log, match) : undefined;
    if (view.term <= after.term && differs(held, meant)) {
      broken(
        'match is durable',
        after,
        `node ${peer} is taken to hold index ${match} of term ${meant}, but its disk has term ${held} there`,
      );
    }
  }
}

/** A leader never takes back what it took a follower to hold. */
function checkMatchGrows(before: Raft['peers'], after: Raft): void {
  after.peers.forEach(({ peer, match }) => {
    const earlier = before.find((known) => known.peer === peer)?.match ?? 0;
    if (match < earlier)
      broken('match never falls', after, `node ${peer}: it fell from ${earlier} to ${match}`);
  });
}

/** Leader completeness: whoever leads has every entry that was committed in an earlier term. */
function checkCompleteness(history: GroupHistory, leader: Raft): void {
  for (let index = leader.log.baseIndex + 1; index <= lastCommitted(history); index += 1) {
    const committed = history.committed[index] as Entry;
    const committedIn = history.committedIn[index] as number;
    if (committedIn < leader.term && termAt(leader.log, index) !== committed.term) {
      broken(
        'leader completeness',
        leader,
        `entry ${index} of term ${committed.term}, committed in term ${committedIn}, is not in its log`,
      );
    }
  }
}

function checkCommit(context: StateContext, before: Raft | undefined, after: Raft): void {
  const { history } = context;
  const { commit, log } = after;
  if (before !== undefined && commit < before.commit) {
    broken('commit never falls', after, `the commit index fell from ${before.commit} to ${commit}`);
  }
  if (commit > log.lastIndex) {
    broken('commit within the log', after, `commit ${commit} is beyond the last index ${log.lastIndex}`);
  }
  // A turn of many events may commit as the leader and end as a follower.
  const leaderTerm =
    after.role === 'leader' ? after.term : before?.role === 'leader' ? before.term : undefined;
  let firstSeen = 0;
  for (let index = (before?.commit ?? 0) + 1; index <= commit; index += 1) {
    const known = history.committed[index];
    const entry = newlyCommitted(before, after, index, known);
    if (entry === undefined) {
      // Committed and compacted in one step, or part of an installed snapshot: some leader committed it before.
      if (known === undefined)
        broken('leaders commit first', after, `index ${index} was committed by no leader yet`);
    } else if (known === undefined) {
      if (leaderTerm === undefined) {
        broken('leaders commit first', after, `index ${index} was committed by no leader yet`);
      }
      firstSeen = index;
      history.committed[index] = entry;
      history.committedIn[index] = leaderTerm;
    } else if (!sameEntry(known, entry)) {
      broken('state-machine safety', after, `index ${index} is committed with another entry elsewhere`);
    }
  }
  if (leaderTerm === undefined) return;
  if (firstSeen > 0 && history.newestTerm > leaderTerm) {
    checkOtherLeaders(context, after, leaderTerm, (before?.commit ?? 0) + 1, firstSeen);
  }
  if (after.role === 'leader') checkJustified(context, before, after, commit, leaderTerm);
  else if (firstSeen > 0) checkJustified(context, before, after, firstSeen, leaderTerm);
}

/**
 * The entry at a newly committed index. One that was compacted in the same step is taken from the log before it,
 * where only a leader that commits it first must have had it; what others had there may have been replaced meanwhile.
 */
function newlyCommitted(
  before: Raft | undefined,
  after: Raft,
  index: number,
  known: Entry | undefined,
): Entry | undefined {
  const entry = radixGet(after.log.entries, index);
  if (entry !== undefined || known !== undefined || before?.role !== 'leader') return entry;
  return radixGet(before.log.entries, index);
}

/** A leader commits only an entry of its own term, and only one that a majority of disks hold (section 5.4.2). */
function checkJustified(
  context: StateContext,
  before: Raft | undefined,
  leader: Raft,
  index: number,
  term: number,
): void {
  const { log } = leader;
  const committedTerm = context.history.committed[index]?.term ?? termAt(log, index);
  if (committedTerm !== term) {
    broken('commit justified', leader, `index ${index} of term ${committedTerm} was committed by counting`);
  }
  // A change that came about in this very turn may have been in force when it was counted, or not yet.
  const inForce = leader.configs.filter((_placed, i) => {
    const next = leader.configs[i + 1];
    return next === undefined || next.index > (before?.log.lastIndex ?? 0);
  });
  const holds = (voter: NodeId): boolean => holdsDurably(context.viewOf(voter), index, term);
  if (!inForce.some(({ config }) => isQuorum(config, holds))) {
    const voters = [...leader.config.voters, ...leader.config.outgoing];
    const where = voters.map((voter) => `${voter}: ${durableTermAt(context.viewOf(voter), index) ?? 'none'}`);
    broken(
      'commit justified',
      leader,
      `index ${index} is on too few disks (terms there: ${where.join(', ')})`,
    );
  }
}

/** A leader of a later term that is already elected must have what is only now known to be committed. */
function checkOtherLeaders(
  context: StateContext,
  committer: Raft,
  committerTerm: number,
  first: number,
  last: number,
): void {
  for (const other of context.everywhere()) {
    if (other.role !== 'leader' || other.term <= committerTerm) continue;
    for (let index = Math.max(first, other.log.baseIndex + 1); index <= last; index += 1) {
      if (termAt(other.log, index) !== context.history.committed[index]?.term) {
        broken(
          'leader completeness',
          other,
          `it lacks index ${index}, which node ${committer.self} commits now`,
        );
      }
    }
  }
}
