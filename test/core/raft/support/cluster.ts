/**
 * A group of members joined by a network that delivers what it is told to deliver, and nothing else.
 *
 * The cluster watches what no schedule may break (design of Raft groups, section 11): one leader a term, one
 * committed history, and nothing committed by a leader that a majority does not hold on its disks.
 */

import { entryAt, termAt } from '../../../../core/raft/log.js';
import type { Entry } from '../../../../core/raft/messages.js';
import { hasQuorum, hasVote, membersOf, type Configuration } from '../../../../core/raft/configuration.js';
import type { Outgoing } from '../../../../core/raft/turn.js';
import {
  startMember,
  type Image,
  type Member,
  type MemberOptions,
  type Message,
  type Outcome,
} from './member.js';

export interface Cluster {
  readonly ids: readonly number[];
  member(id: number): Member;
  /** Messages that are on their way, oldest first. */
  waiting(from: number, to: number): readonly Message[];
  /** Links on which something waits, in ascending order. */
  busyLinks(): readonly (readonly [from: number, to: number])[];
  /** Runs something on one member; what it says goes on its way, or is held until it is durable. */
  run(id: number, action: (member: Member) => Outcome): Released;
  /** Takes a message off a link and hands it to its receiver. */
  deliver(from: number, to: number, place?: number): Released & { readonly message: Message };
  /** Puts a message that waits on the link there once more. */
  repeat(from: number, to: number, place: number): void;
  drop(from: number, to: number, count?: number): number;
  durable(id: number, through?: number): Released;
  crash(id: number): void;
  cut(from: number, to: number): void;
  heal(): void;
  pass(milliseconds: number): void;
}

export interface Released {
  readonly outcome: Outcome;
  readonly sent: readonly Outgoing<Image>[];
  readonly held: readonly Outgoing<Image>[];
}

export function startCluster(setups: readonly MemberOptions[]): Cluster {
  const ids = setups.map(({ self }) => self ?? 0);
  const members = new Map<number, Member>(setups.map((setup) => [setup.self ?? 0, startMember(setup)]));
  const links = new Map<string, Message[]>();
  const cuts = new Set<string>();
  const held = new Map<number, Outgoing<Image>[]>(ids.map((id) => [id, []]));
  const completed = new Map<number, number>(ids.map((id) => [id, 0]));
  const watch = watchSafety(ids, (id) => cluster.member(id));

  const link = (from: number, to: number): Message[] => {
    const name = `${from}->${to}`;
    let queue = links.get(name);
    if (queue === undefined) {
      queue = [];
      links.set(name, queue);
    }
    return queue;
  };

  const release = (id: number, outgoing: readonly Outgoing<Image>[]): void => {
    for (const { to, message } of outgoing) {
      watch.said(id, to, message);
      if (!cuts.has(`${id}->${to}`)) link(id, to).push(message);
    }
  };

  const settle = (id: number, outcome: Outcome): Released => {
    const through = completed.get(id) ?? 0;
    const waits = held.get(id) ?? [];
    const all = [...waits, ...outcome.sent];
    const sent = all.filter(({ after }) => after <= through);
    const kept = all.filter(({ after }) => after > through);
    held.set(id, kept);
    release(id, sent);
    watch.check(id);
    return { outcome, sent, held: outcome.sent.filter(({ after }) => after > through) };
  };

  const cluster: Cluster = {
    ids,
    member: (id) => {
      const member = members.get(id);
      if (member === undefined) throw new Error(`there is no node ${id}`);
      return member;
    },
    waiting: (from, to) => link(from, to),
    busyLinks: () =>
      ids
        .flatMap((from) => ids.map((to) => [from, to] as const))
        .filter(([from, to]) => link(from, to).length > 0),
    run: (id, action) => settle(id, action(cluster.member(id))),
    deliver: (from, to, place = 0) => {
      const [message] = link(from, to).splice(place, 1);
      if (message === undefined) throw new Error(`nothing waits on the way from ${from} to ${to}`);
      return { message, ...settle(to, cluster.member(to).receive(from, message)) };
    },
    repeat: (from, to, place) => {
      const message = link(from, to)[place];
      if (message !== undefined) link(from, to).push(message);
    },
    drop: (from, to, count) => link(from, to).splice(0, count ?? link(from, to).length).length,
    durable: (id, through = cluster.member(id).issued) => {
      completed.set(id, Math.max(through, completed.get(id) ?? 0));
      return settle(id, cluster.member(id).durable(through));
    },
    crash: (id) => {
      members.set(id, cluster.member(id).restarted());
      held.set(id, []);
      completed.set(id, 0);
    },
    cut: (from, to) => {
      cuts.add(`${from}->${to}`);
      link(from, to).length = 0;
    },
    heal: () => {
      cuts.clear();
    },
    pass: (milliseconds) => {
      for (const id of ids) cluster.member(id).pass(milliseconds);
    },
  };
  return cluster;
}

function sameMembers(a: Configuration | undefined, b: Configuration | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether every quorum of the one shares a node with every quorum of the other. */
function meet(one: Configuration, other: Configuration): boolean {
  const nodes = [...new Set([...one.voters, ...one.outgoing, ...other.voters, ...other.outgoing])];
  for (let bits = 0; bits < 1 << nodes.length; bits += 1) {
    const inside = (node: number): boolean => ((bits >> nodes.indexOf(node as never)) & 1) === 1;
    if (hasQuorum(one, inside) && hasQuorum(other, (node) => !inside(node))) return false;
  }
  return true;
}

interface SafetyWatch {
  said(from: number, to: number, message: Message): void;
  check(id: number): void;
}

/** Throws as soon as something happened that no schedule may bring about. */
function watchSafety(ids: readonly number[], member: (id: number) => Member): SafetyWatch {
  const leaders = new Map<number, number>();
  const grants = new Map<string, number>();
  const committed: Entry[] = [];
  const commits = new Map<number, number>();
  /** By node: who led in which term when it was last looked at. */
  const ledTerm = new Map<number, number>();

  function mustHold(condition: boolean, what: () => string): void {
    if (!condition) throw new Error(`unsafe: ${what()}`);
  }

  function sameEntry(a: Entry, b: Entry): boolean {
    return a.term === b.term && a.payload.join() === b.payload.join() && sameMembers(a.config, b.config);
  }

  /** The rules of membership that can be seen on one node (design of Raft groups, invariants 14 and 15). */
  function checkMembers(id: number): void {
    const { state } = member(id);
    const { role, term, config, configs, log, commit, peers } = state;
    const newest = configs[configs.length - 1];
    mustHold(newest?.config === config, () => `node ${id} has not its newest configuration in force`);
    for (let index = log.baseIndex + 1; index <= log.lastIndex; index += 1) {
      const inLog = entryAt(log, index).config;
      const noted = configs.find((placed) => placed.index === index)?.config;
      // A snapshot above the log's base has taken the place of what was noted before.
      const isGone = index < (configs[0]?.index ?? 0);
      mustHold(
        isGone || sameMembers(inLog, noted),
        () => `node ${id} has noted other members than its log holds at ${index}`,
      );
    }
    configs.forEach((placed, i) => {
      const before = configs[i - 1]?.config;
      if (before === undefined || before.voters.length === 0) return;
      mustHold(
        meet(before, placed.config),
        () => `node ${id}: quorums at ${placed.index} and before may not meet`,
      );
    });
    if (role !== 'follower' && (role !== 'leader' || ledTerm.get(id) !== term)) {
      const before = configs[configs.length - 2]?.config;
      const isOpen = (newest?.index ?? 0) > commit && before !== undefined && hasVote(before, id as never);
      mustHold(isOpen || hasVote(config, id as never), () => `node ${id} is ${role} and has no vote`);
    }
    if (role !== 'leader') return;
    ledTerm.set(id, term);
    const open = configs.filter(({ index }) => index >= committed.length);
    mustHold(open.length <= 1, () => `leader ${id} has ${open.length} changes that are not committed`);
    const others = membersOf(config).filter((node) => node !== id);
    mustHold(
      others.join() === peers.map(({ peer }) => peer).join(),
      () => `leader ${id} sends to ${peers.map(({ peer }) => peer).join()}, not to ${others.join()}`,
    );
    if ((newest?.index ?? 0) > commit || commit < state.termStart) return;
    mustHold(config.outgoing.length === 0, () => `leader ${id} stays in a joint configuration`);
    mustHold(hasVote(config, id as never), () => `leader ${id} leads on without a vote`);
  }

  /** The members at an index, by what is known to be committed; undefined before the first change. */
  function membersAt(index: number): Configuration | undefined {
    for (let at = Math.min(index, committed.length - 1); at > 0; at -= 1) {
      const config = committed[at]?.config;
      if (config !== undefined) return config;
    }
    return undefined;
  }

  /** The term at an index of what is on a member's disk; undefined where it holds nothing. */
  function durableTermAt(id: number, index: number): number | undefined {
    const { snapshot, entries } = member(id).onDisk();
    const base = snapshot?.index ?? 0;
    if (index <= base) return index === base ? snapshot?.term : -1;
    return entries[index - base - 1]?.term;
  }

  return {
    said(from, to, message) {
      if (message.type === 'VoteAnswer' && message.granted) {
        const name = `${from} in term ${message.term}`;
        const earlier = grants.get(name) ?? to;
        mustHold(earlier === to, () => `node ${name} voted for ${earlier} and for ${to}`);
        grants.set(name, to);
      }
      if (message.type === 'AppendAccepted') {
        const held = durableTermAt(from, message.index);
        mustHold(
          message.index === 0 || held !== undefined || member(from).onDisk().term > message.term,
          () => `node ${from} accepted up to ${message.index}, which its disk does not hold`,
        );
      }
    },
    check(id) {
      const { state } = member(id);
      const { log, commit, durable } = state;
      if (state.role === 'leader') {
        const known = leaders.get(state.term) ?? id;
        mustHold(known === id, () => `nodes ${known} and ${id} both led term ${state.term}`);
        leaders.set(state.term, id);
        const disk = member(id).onDisk();
        mustHold(
          disk.term >= state.term,
          () => `leader ${id} of term ${state.term} has only ${disk.term} on disk`,
        );
        for (const { peer, match, next } of state.peers) {
          mustHold(match < next, () => `leader ${id}: follower ${peer} matches ${match}, next is ${next}`);
        }
      }
      mustHold(commit <= log.lastIndex, () => `node ${id} committed ${commit} of ${log.lastIndex}`);
      const base = member(id).onDisk();
      mustHold(
        durable.lastIndex <= (base.snapshot?.index ?? 0) + base.entries.length,
        () => `node ${id} takes ${durable.lastIndex} for durable, beyond its disk`,
      );
      const before = commits.get(id) ?? 0;
      commits.set(id, commit);
      for (let index = Math.max(before, log.baseIndex) + 1; index <= commit; index += 1) {
        const entry = entryAt(log, index);
        const known = committed[index];
        if (known === undefined) committed[index] = entry;
        else {
          mustHold(
            sameEntry(known, entry),
            () => `node ${id} committed another entry at ${index} than was committed before`,
          );
        }
      }
      checkMembers(id);
      const { snapshot } = state;
      const then = snapshot === undefined ? undefined : membersAt(snapshot.index);
      mustHold(
        then === undefined || sameMembers(snapshot?.config, then),
        () => `the snapshot of node ${id} holds other members than were committed at ${snapshot?.index}`,
      );
      if (state.role === 'leader' && commit > before && commit > log.baseIndex) {
        const term = termAt(log, commit);
        mustHold(term === state.term, () => `leader ${id} committed ${commit} of term ${term} by counting`);
        const holders = ids.filter((other) => durableTermAt(other, commit) === term);
        mustHold(
          hasQuorum(state.config, (node) => holders.includes(node)),
          () => `leader ${id} committed ${commit}, which only ${holders.join()} hold on disk`,
        );
      }
    },
  };
}
