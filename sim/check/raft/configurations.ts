/**
 * The rules of configurations (section 6 of the paper, chapter 4 of the thesis; design notes, section 7): which one is in
 * force, how one follows another, and who may campaign and lead.
 *
 * Judged from logs and from what was committed. What a quorum is stands in `quorum.ts`, and is the rules' own.
 */

import {
  radixFirstDifference,
  radixGet,
  type Configuration,
  type LogIndex,
  type NodeId,
  type PartitionState,
  type PlacedConfiguration,
  type RaftMessage,
} from '../../../core/index.js';
import { broken } from './broken.js';
import { lastCommitted, sameConfiguration, type GroupHistory, type Raft } from './group-history.js';

/** Called for every changed state, after the rules that take note of what is committed. */
export function checkConfigurations(
  history: GroupHistory,
  before: Raft | undefined,
  after: Raft,
  maxPromotionLag = Number.POSITIVE_INFINITY,
): void {
  noteCommitted(history, before, after);
  const same =
    before?.log === after.log && before.configs === after.configs && before.config === after.config;
  if (!same) {
    checkInForce(before, after);
    checkSuccession(before, after);
  }
  if (before?.configs !== after.configs || before.commit !== after.commit) {
    checkCommitted(history, after);
  }
  checkRole(before, after);
  if (before?.role === 'leader') checkStays(before, after);
  if (after.role === 'leader') checkLeader(history, before, after);
  if (before?.role === 'leader' && before.configs !== after.configs)
    checkNewcomers(before, after, maxPromotionLag);
}

/** Whoever a leader gives a vote to has shown that it holds nearly all of the log. */
function checkNewcomers(before: Raft, after: Raft, maxLag: number): void {
  after.configs.forEach(({ index, config }, i) => {
    const previous = after.configs[i - 1]?.config;
    if (index <= before.log.lastIndex || previous === undefined || after.role !== 'leader') return;
    for (const voter of config.voters) {
      const match = after.peers.find(({ peer }) => peer === voter)?.match;
      if (votes(previous, voter) || match === undefined) continue;
      if (match === 0 || index - 1 - match > maxLag) {
        broken(
          'newcomers are level',
          after,
          `node ${voter} votes from index ${index} on, but is known to hold only ${match}`,
        );
      }
    }
  });
}

/** The committed configurations, in their order; and the one that the group began with, as soon as a node knows it. */
function noteCommitted(history: GroupHistory, before: Raft | undefined, after: Raft): void {
  const first = after.configs[0];
  if (history.changes.length === 0 && first?.index === 0 && first.config.voters.length > 0) {
    history.changes.push(first);
  }
  if (before?.commit === after.commit && history.changesNotedTo === lastCommitted(history)) return;
  for (let index = history.changesNotedTo + 1; index <= lastCommitted(history); index += 1) {
    const config = history.committed[index]?.config;
    if (config !== undefined) history.changes.push({ index: index as LogIndex, config });
  }
  history.changesNotedTo = lastCommitted(history);
}

/** What is committed at an index; undefined where the rules have not seen it. */
function committedAt({ changes }: GroupHistory, index: number): Configuration | undefined {
  return newestUpTo(changes, index)?.config;
}

function newestUpTo(configs: readonly PlacedConfiguration[], index: number): PlacedConfiguration | undefined {
  let found: PlacedConfiguration | undefined;
  for (const placed of configs) if (placed.index <= index) found = placed;
  return found;
}

const IN_FORCE = 'the newest configuration is in force';

/** The newest configuration in the log is in force, or else the one under the log. */
function checkInForce(before: Raft | undefined, after: Raft): void {
  const { log, configs, config } = after;
  const under = configs[0];
  if (under === undefined || !sameConfiguration(configs[configs.length - 1]?.config, config)) {
    return broken(IN_FORCE, after, 'the one in force is not the last that it has noted');
  }
  configs.slice(1).forEach(({ index }, i) => {
    const previous = configs[i] as PlacedConfiguration;
    if (index <= previous.index || index > log.lastIndex) {
      broken(
        IN_FORCE,
        after,
        `it has noted one at index ${index}, after ${previous.index} of ${log.lastIndex}`,
      );
    }
  });
  for (const { index, config: noted } of configs) {
    if (index <= log.baseIndex) continue;
    if (!sameConfiguration(radixGet(log.entries, index)?.config, noted)) {
      broken(IN_FORCE, after, `the one noted at index ${index} is not what the log holds there`);
    }
  }
  const known =
    before === undefined
      ? undefined
      : radixFirstDifference(before.log.entries, log.entries, log.baseIndex + 1);
  const from = before === undefined ? log.baseIndex + 1 : (known ?? log.lastIndex + 1);
  for (let index = Math.max(from, under.index + 1); index <= log.lastIndex; index += 1) {
    if (radixGet(log.entries, index)?.config === undefined) continue;
    if (!configs.some((placed) => placed.index === index)) {
      broken(IN_FORCE, after, `the log changes the members at index ${index}, which it has not noted`);
    }
  }
  const first = before?.configs[0];
  if (first !== undefined && first.index === under.index && !sameConfiguration(first.config, under.config)) {
    broken(IN_FORCE, after, `the one under its log, at index ${under.index}, has changed`);
  }
}

/** One vote at a time, or through a joint configuration; nobody votes and learns at once. */
function checkSuccession(before: Raft | undefined, after: Raft): void {
  after.configs.forEach((placed, i) => {
    if (before?.configs.includes(placed) === true) return;
    const { index, config } = placed;
    const fault = faultOf(config);
    // A node that is to join begins with a configuration of nobody.
    if (fault !== undefined && !(index === 0 && config.voters.length === 0)) {
      broken('configurations are sound', after, `at index ${index}: ${fault}`);
    }
    const previous = after.configs[i - 1];
    if (previous === undefined || previous.config.voters.length === 0) return;
    if (follows(previous.config, config)) return;
    broken(
      'one vote changes at a time',
      after,
      `the configuration at index ${index} does not follow from the one at ${previous.index}`,
    );
  });
}

function faultOf({ voters, outgoing, learners, learnersNext }: Configuration): string | undefined {
  if (voters.length === 0) return 'nobody votes';
  for (const nodes of [voters, outgoing, learners, learnersNext]) {
    if (nodes.some((node, i) => i > 0 && node <= (nodes[i - 1] as NodeId))) {
      return `[${nodes.join(', ')}] is not in ascending order`;
    }
  }
  const both = learners.find((node) => voters.includes(node) || outgoing.includes(node));
  if (both !== undefined) return `node ${both} votes and learns`;
  const wrong = learnersNext.find((node) => voters.includes(node) || !outgoing.includes(node));
  return wrong === undefined ? undefined : `node ${wrong} is to learn, but does not lose its vote`;
}

function follows(previous: Configuration, next: Configuration): boolean {
  if (previous.outgoing.length > 0) {
    const learners = [...previous.learners, ...previous.learnersNext];
    return (
      next.outgoing.length === 0 &&
      sameNodes(next.voters, previous.voters) &&
      next.learners.length === learners.length &&
      learners.every((node) => next.learners.includes(node))
    );
  }
  if (next.outgoing.length > 0) return sameNodes(next.outgoing, previous.voters);
  return countMissing(next.voters, previous.voters) + countMissing(previous.voters, next.voters) <= 1;
}

function sameNodes(some: readonly NodeId[], others: readonly NodeId[]): boolean {
  return some.length === others.length && some.every((node, i) => node === others[i]);
}

function countMissing(some: readonly NodeId[], from: readonly NodeId[]): number {
  return some.filter((node) => !from.includes(node)).length;
}

/** What is committed is the same everywhere, and in every snapshot. */
function checkCommitted(history: GroupHistory, after: Raft): void {
  const { configs, commit, snapshot } = after;
  const held = newestUpTo(configs, commit);
  const committed = committedAt(history, commit);
  const joins = held?.index === 0 && held.config.voters.length === 0;
  if (held !== undefined && committed !== undefined && !joins && !sameConfiguration(held.config, committed)) {
    broken(
      'replicas agree on the members',
      after,
      `at commit ${commit} it has others than were committed there`,
    );
  }
  if (snapshot === undefined) return;
  const then = committedAt(history, snapshot.index);
  if (then !== undefined && !sameConfiguration(snapshot.config, then)) {
    broken(
      'snapshots hold the members',
      after,
      `the snapshot at index ${snapshot.index} has another configuration than was committed there`,
    );
  }
}

/**
 * Only who has a vote asks for votes and leads, and nobody who was told that it was left out. Who loses its vote may be needed
 * until that is committed (thesis, section 4.2.2); what it knows of that is all that it can go by.
 */
function checkRole(before: Raft | undefined, after: Raft): void {
  const { role, self, config, configs, leftOutAt } = after;
  if (role === 'follower' || (before?.role === role && before.term === after.term)) return;
  const newest = configs[configs.length - 1]?.index ?? 0;
  const earlier = configs[configs.length - 2]?.config;
  const known = Math.min(before?.commit ?? 0, after.commit);
  const leaves = newest > known && earlier !== undefined && votes(earlier, self);
  if (!votes(config, self) && !leaves) {
    broken(
      role === 'leader' ? 'only voters lead' : 'only voters campaign',
      after,
      `it is ${role}, but has no vote`,
    );
  }
  if (role !== 'leader' && leftOutAt > newest) {
    broken('who was left out keeps quiet', after, `it is ${role}, but was left out at index ${leftOutAt}`);
  }
}

function votes({ voters, outgoing }: Configuration, node: NodeId): boolean {
  return voters.includes(node) || outgoing.includes(node);
}

function checkLeader(history: GroupHistory, before: Raft | undefined, after: Raft): void {
  const { config, configs, commit, self, peers, termStart } = after;
  const newest = configs[configs.length - 1];
  const open = configs.filter(({ index }) => index > lastCommitted(history));
  if (open.length > 1) {
    broken(
      'one change at a time',
      after,
      `those at indexes ${open.map(({ index }) => index).join(' and ')} are not committed`,
    );
  }
  const own = configs.find((placed) => placed.index > termStart && before?.configs.includes(placed) !== true);
  if (own !== undefined && commit < termStart) {
    broken(
      'changes wait for the term',
      after,
      `it changes the members at index ${own.index}, but has committed nothing of its term yet`,
    );
  }
  const others = [...new Set([...config.voters, ...config.outgoing, ...config.learners])].filter(
    (node) => node !== self,
  );
  const missing = others.filter((node) => !peers.some(({ peer }) => peer === node));
  if (missing.length > 0 || peers.length !== others.length) {
    broken(
      'leaders serve the members',
      after,
      `it sends to [${peers.map(({ peer }) => peer).join(', ')}], the others are [${others.join(', ')}]`,
    );
  }
  if (newest === undefined || newest.index > commit || commit < termStart) return;
  if (config.outgoing.length > 0) {
    broken('joint configurations are left', after, `the one at index ${newest.index} is committed`);
  }
  if (!votes(config, self)) {
    broken(
      'leaders that are left out go',
      after,
      `it has no vote since index ${newest.index}, which is committed`,
    );
  }
}

/** A leader that leaves itself out leads on until that is committed (thesis, section 4.2.2): it alone may hold the entry. */
function checkStays(before: Raft, after: Raft): void {
  const newest = after.configs[after.configs.length - 1];
  if (newest === undefined || after.role === 'leader' || after.term !== before.term) return;
  if (newest.index <= before.log.lastIndex || newest.index <= after.commit) return;
  broken(
    'leaders that leave stay until it is committed',
    after,
    `it stepped down when it put its configuration at index ${newest.index} into its log`,
  );
}

/**
 * A leader tells who was left out, and asks for votes all the same, that it was (design notes, section 7): else it asks for
 * ever.
 *
 * @param said what the leader sent to it in the turn in which it heard `asked` and nothing else.
 */
export function checkTurnedAway(
  before: Raft,
  after: Raft,
  from: number,
  asked: RaftMessage<PartitionState>,
  said: readonly RaftMessage<PartitionState>[],
): void {
  const { configs, commit, peers, role, term, durable } = before;
  const newest = configs[configs.length - 1];
  if (role !== 'leader' || after.role !== 'leader' || after.term !== term) return;
  if (asked.type !== 'PreVoteRequest' && !(asked.type === 'VoteRequest' && !asked.handedOver)) return;
  // While its own vote or term is on its way to the disk, the word waits.
  if (newest === undefined || newest.index > commit || durable.term !== term) return;
  if (peers.some(({ peer }) => peer === from) || said.some(({ type }) => type === 'NotMember')) return;
  broken(
    'who was left out is told',
    after,
    `node ${from} asks for a vote, and hears nothing of index ${newest.index}`,
  );
}

/** Whoever is told that it was left out stops asking, unless it knows better or hears from a leader in the same turn. */
export function checkTold(
  after: Raft,
  heard: readonly { readonly message: RaftMessage<PartitionState> }[],
): void {
  const newest = after.configs[after.configs.length - 1]?.index ?? 0;
  const told = heard.some(({ message }) => message.type === 'NotMember' && message.index > newest);
  if (!told || after.role === 'follower' || after.role === 'leader') return;
  broken('who was left out keeps quiet', after, `it was told so, and is still ${after.role}`);
}
