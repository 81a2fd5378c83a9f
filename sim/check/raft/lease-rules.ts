/**
 * What leases rest on, in true time, which only a simulator knows: a voter that answered its leader votes for nobody else
 * for a while, a leader that takes itself to hold a lease was answered by a quorum within that while, and nothing of
 * a later term is committed meanwhile (design notes, invariant 17).
 *
 * Only for runs whose clocks keep to what the nodes are told of them.
 */

import {
  fifoPeek,
  fifoPop,
  holdsLease,
  type Configuration,
  type MonotonicMs,
  type PartitionState,
  type RaftMessage,
} from '../../../core/index.js';
import { broken } from './broken.js';
import { lastCommitted, type GroupHistory, type Raft } from './group-history.js';
import { isQuorum } from './quorum.js';

type Message = RaftMessage<PartitionState>;

export interface LeaseRules {
  heard(node: number, group: number, message: Message): void;
  said(node: number, group: number, to: number, message: Message): void;
  /** A node as a turn has left it. */
  checkVote(before: Raft, after: Raft): void;
  checkExtended(before: Raft, after: Raft, nowMs: number): void;
  checkHolder(history: GroupHistory, leader: Raft, nowMs: number): void;
}

/** A voter's newest answer to a leader. */
interface Promised {
  readonly leader: number;
  readonly term: number;
  /** When the heartbeat that it answers was heard. */
  readonly atUs: number;
}

/** A heartbeat that was heard in the newest term in which one was, by its round. */
interface HeardRounds {
  term: number;
  readonly atUs: Map<number, number>;
}

/** The members of a group as one of its nodes last had them in force, and those before them. */
interface Members {
  readonly term: number;
  readonly config: Configuration;
  readonly before: Configuration | undefined;
}

function isSame(one: Configuration, other: Configuration): boolean {
  return one.voters.join() === other.voters.join() && one.outgoing.join() === other.outgoing.join();
}

/** What a voter hears of its leader by. */
const SPEAKS: readonly Message['type'][] = ['Append', 'Heartbeat', 'InstallSnapshot'];

/** How long a voter's promise lasts at least, in microseconds of true time: its clock may run fast, and shows whole milliseconds. */
export function shortestPromiseUs(told: {
  readonly leaseMs: number;
  readonly maxClockDriftPercent: number;
}): number {
  return Math.floor(((told.leaseMs - 1) * 1_000 * 100) / (100 + told.maxClockDriftPercent));
}

export function createLeaseRules(
  told: { readonly leaseMs: number; readonly maxClockDriftPercent: number; readonly meta?: boolean },
  nowUs: () => number,
): LeaseRules {
  /** Where members change: when each voter last heard anything from the leader of a term. */
  const spokenTo = new Map<string, { readonly term: number; readonly atUs: number }>();
  const members = new Map<string, Members>();
  const promiseUs = shortestPromiseUs(told);
  const { leaseMs, maxClockDriftPercent } = told;
  // The leader's clock may run slow, and the voters' fast (design notes, section 6).
  const durationMs =
    leaseMs === 0
      ? 0
      : Math.floor(((leaseMs - 1) * (100 - maxClockDriftPercent)) / (100 + maxClockDriftPercent));
  const heardRounds = new Map<string, HeardRounds>();
  const promises = new Map<string, Promised>();
  /** By group and term: elections that a leader asked for, which nobody's promise stands against. */
  const handedOver = new Set<string>();

  /** The members before those in force. A leader that compacts its log forgets them; what they promised in its term stands. */
  const noteMembers = ({ self, group, term, config, configs }: Raft): Configuration | undefined => {
    const place = `${self}/${group}`;
    const known = members.get(place);
    const former = known?.term === term ? known : undefined;
    const changed = former !== undefined && !isSame(former.config, config) ? former.config : former?.before;
    const before = configs[configs.length - 2]?.config ?? changed;
    if (known?.config !== config || known.term !== term) members.set(place, { term, config, before });
    return before;
  };

  return {
    heard(node, group, message) {
      if (message.type === 'CampaignNow') handedOver.add(`${group}/${message.term + 1}`);
      if (message.type === 'VoteRequest' && message.handedOver) handedOver.add(`${group}/${message.term}`);
      if (told.meta === true && SPEAKS.includes(message.type)) {
        spokenTo.set(`${node}/${group}`, { term: message.term, atUs: nowUs() });
      }
      if (message.type !== 'Heartbeat' || message.round === 0) return;
      const place = `${node}/${group}`;
      let known = heardRounds.get(place);
      if (known === undefined) heardRounds.set(place, (known = { term: 0, atUs: new Map() }));
      if (message.term < known.term) return;
      if (message.term > known.term) known.atUs.clear();
      known.term = message.term;
      known.atUs.set(message.round, nowUs());
    },
    said(node, group, to, message) {
      if (message.type !== 'HeartbeatAnswer' || message.round === 0) return;
      const place = `${node}/${group}`;
      const rounds = heardRounds.get(place);
      const atUs = rounds?.term === message.term ? rounds.atUs.get(message.round) : undefined;
      if (atUs === undefined) return;
      const known = promises.get(place);
      const isNewer = known === undefined || message.term > known.term || atUs > known.atUs;
      if (isNewer) promises.set(place, { leader: to, term: message.term, atUs });
      for (const round of rounds?.atUs.keys() ?? []) if (round < message.round) rounds?.atUs.delete(round);
    },
    checkVote(before, after) {
      if (after.vote === 0 || (after.vote === before.vote && after.term === before.term)) return;
      if (handedOver.has(`${after.group}/${after.term}`)) return;
      const promised = promises.get(`${after.self}/${after.group}`);
      if (promised === undefined || promised.term >= after.term || promised.leader === after.vote) return;
      const sinceUs = nowUs() - promised.atUs;
      if (sinceUs >= promiseUs) return;
      broken(
        'promises are kept',
        after,
        `it votes for node ${after.vote} ${sinceUs} µs after it heard from node ${promised.leader}, which may hold a lease for ${promiseUs} µs`,
      );
    },
    checkExtended(before, after, nowMs) {
      const { until } = after.lease;
      if (until === before.lease.until || until === 0 || after.role !== 'leader') return;
      const sentAt = until - durationMs;
      for (let left = before.lease.unconfirmed; ; left = fifoPop(left)) {
        const sent = fifoPeek(left);
        if (sent === undefined) break;
        if (sent.sentAt === sentAt) return;
      }
      // A leader that is a majority by itself confirms a round as it opens it, and may then give others a vote.
      const isAlone = ({ config, self }: Raft): boolean => isQuorum(config, (node) => node === self);
      if (sentAt === nowMs && (isAlone(before) || isAlone(after))) return;
      broken(
        'leases count from the asking',
        after,
        `its lease until ${until} ms would count from ${sentAt} ms, when it sent no round that waited for answers`,
      );
    },
    checkHolder(history, leader, nowMs) {
      const before = noteMembers(leader);
      if (!holdsLease(leader, nowMs as MonotonicMs)) return;
      const newest = history.committed[lastCommitted(history)];
      if (newest !== undefined && newest.term > leader.term) {
        broken('leases exclude', leader, `it holds a lease, but term ${newest.term} has committed an entry`);
      }
      const isFresh = (voter: number): boolean => {
        if (voter === leader.self) return true;
        const promised = promises.get(`${voter}/${leader.group}`);
        if (promised === undefined || promised.term !== leader.term) return false;
        return promised.leader === leader.self && nowUs() - promised.atUs < promiseUs;
      };
      // The members changed since the round was answered: of those before them a quorum stands by it, and meets every
      // quorum of theirs; or by now enough of them have heard from this leader, be it only in appends.
      const wasSpokenTo = (voter: number): boolean => {
        if (voter === leader.self) return true;
        const heard = spokenTo.get(`${voter}/${leader.group}`);
        return heard?.term === leader.term && nowUs() - heard.atUs < promiseUs;
      };
      const isBacked =
        isQuorum(leader.config, isFresh) ||
        (before !== undefined && (isQuorum(before, isFresh) || isQuorum(leader.config, wasSpokenTo)));
      if (!isBacked) {
        broken(
          'leases are backed',
          leader,
          'it holds a lease, but a quorum might elect another leader by now',
        );
      }
    },
  };
}
