/**
 * The members of our own system in a run: how orders reach its nodes, which sets of nodes decide, and whether what the
 * roster wants has been carried out.
 *
 * What may be in force is known only to whoever sees all logs: the newest configuration that is committed, and every
 * later one that any log ever had. The same goes for rosters. So a node that is down is not forgotten.
 */

import {
  isAdminAnswer,
  decodeCommand,
  decodeRoster,
  isJoint,
  isMember,
  META_GROUP,
  newestOf,
  NO_NODE,
  radixFirstDifference,
  radixForEach,
  radixGet,
  ROSTER_KEY,
  rosterLearners,
  rosterVoters,
  type AdminAnswer,
  type AdminCommand,
  type Configuration,
  type Entry,
  type GroupState,
  type NodeAnswer,
  type NodeId,
  type NodeMessage,
  type NodeRequest,
  type NodeState,
  type PartitionState,
  type RaftState,
  type Roster,
  type Stored,
} from '../../core/index.js';
import type { Orders, Wish } from '../faults/operator.js';
import type { Observer, SimNode } from '../world/world.js';

type Nodes = readonly SimNode<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored>[];
type NodeOrders = Orders<NodeRequest, NodeAnswer>;
type Raft = RaftState<PartitionState>;

/** What lies at an index of a log, in some log. */
interface Placed<T> {
  readonly index: number;
  readonly value: T;
}

export interface MemberWatch {
  /** To be called for every state that a node comes to. */
  readonly saw: (before: NodeState | undefined, after: NodeState) => void;
  readonly electorates: NodeOrders['electorates'];
}

/** Watches all logs of a cluster that began with these nodes. */
export function watchMembers(founders: readonly number[]): MemberWatch {
  const commits: number[] = [];
  const configs: Placed<Configuration>[][] = [];
  let rosters: Placed<Roster>[] = [];

  const note = <T>(list: Placed<T>[], index: number, value: T): void => {
    if (list.some((known) => known.index === index && isSame(known.value, value))) return;
    list.push({ index, value });
  };

  /** What another log had where something else is committed now will never be in force, although its index is committed. */
  const forgetOverwritten = (since: number, { group, configs: own, commit, log }: Raft): void => {
    const isOver = (index: number): boolean => index > Math.max(since, log.baseIndex) && index <= commit;
    const isOwn = ({ index, value }: Placed<Configuration>): boolean =>
      own.some((placed) => placed.index === index && isSame(placed.config, value));
    configs[group] = (configs[group] ?? []).filter((known) => !isOver(known.index) || isOwn(known));
    if (group !== META_GROUP) return;
    rosters = rosters.filter(({ index, value }) => {
      const entry = isOver(index) ? radixGet(log.entries, index) : undefined;
      return entry === undefined || isSame(rosterOf(entry), value);
    });
  };

  const sawGroup = (before: Raft | undefined, { raft }: GroupState): void => {
    const { group } = raft;
    commits[group] = Math.max(commits[group] ?? 0, raft.commit);
    if (before?.configs !== raft.configs) {
      const known = (configs[group] ??= []);
      for (const { index, config } of raft.configs) if (config.voters.length > 0) note(known, index, config);
    }
    if (before !== undefined && before.commit < raft.commit) forgetOverwritten(before.commit, raft);
    if (group !== META_GROUP || before?.log === raft.log) return;
    const { log } = raft;
    const from = Math.max(before?.log.baseIndex ?? 0, log.baseIndex) + 1;
    const first = before === undefined ? from : radixFirstDifference(before.log.entries, log.entries, from);
    for (let index = first ?? log.lastIndex + 1; index <= log.lastIndex; index += 1) {
      const entry = radixGet(log.entries, index);
      const roster = entry === undefined ? undefined : rosterOf(entry);
      if (roster !== undefined) note(rosters, index, roster);
    }
  };

  return {
    saw(before, after) {
      radixForEach(after.groups, (group, id) => {
        const known = before === undefined ? undefined : radixGet(before.groups, id)?.raft;
        if (known !== group.raft) sawGroup(known, group);
      });
    },
    electorates(wishes) {
      const halves = configs.flatMap((known, group) =>
        inForce(known, commits[group] ?? 0).flatMap(({ voters, outgoing }) => [voters, outgoing]),
      );
      const agreed = rostersInForce(rosters, commits[META_GROUP] ?? 0).map(rosterVoters);
      const wanted = (agreed.length === 0 ? [founders] : agreed).flatMap((voters) => after(voters, wishes));
      const all = [...halves, ...wanted].filter((voters) => voters.length > 0);
      const texts = all.map((voters) => voters.join());
      return all.filter((_, i) => texts.indexOf(texts[i] as string) === i);
    },
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The newest that is committed, and all that come later, committed one day or not. */
function inForce<T>(placed: readonly Placed<T>[], commit: number): readonly T[] {
  const newest = placed.reduce((most, { index }) => (index <= commit ? Math.max(most, index) : most), 0);
  return placed.filter(({ index }) => index >= newest).map(({ value }) => value);
}

/**
 * The same of rosters. Of two that are committed and follow the same one only the earlier took effect: each is written on
 * condition that nothing came in between (seed 7481).
 */
function rostersInForce(placed: readonly Placed<Roster>[], commit: number): readonly Roster[] {
  const agreed = placed.filter(({ index }) => index <= commit);
  const version = agreed.reduce((most, { value }) => Math.max(most, value.version), 0);
  const index = Math.min(...agreed.filter(({ value }) => value.version === version).map((one) => one.index));
  return placed.filter((one) => one.index === index || one.index > commit).map(({ value }) => value);
}

/** What the voters may be, whichever of the wishes come true. */
function after(voters: readonly number[], wishes: readonly Wish[]): readonly (readonly number[])[] {
  let all: readonly (readonly number[])[] = [voters];
  for (const wish of wishes) {
    if (wish.type !== 'Change') continue;
    const more = all.map((some) => {
      const come = wish.add.filter(({ role }) => role === 'voter').map(({ node }) => node);
      const kept = [...some, ...come, ...wish.promote].filter((node) => !wish.remove.includes(node));
      return kept.filter((node, i) => kept.indexOf(node) === i).sort((a, b) => a - b);
    });
    const texts = new Set<string>();
    all = [...all, ...more].filter((some) => {
      const text = some.join();
      if (some.length === 0 || texts.has(text)) return false;
      texts.add(text);
      return true;
    });
  }
  return all;
}

function rosterOf({ payload }: Entry): Roster | undefined {
  const command = payload.length === 0 ? undefined : decodeCommand(payload);
  if (command?.ok !== true) return undefined;
  const { operation } = command.value;
  if (operation.type !== 'Set' || operation.key !== ROSTER_KEY || operation.value === null) return undefined;
  const roster = decodeRoster(operation.value);
  return roster.ok ? roster.value : undefined;
}

/** A wish as our nodes understand it. */
export function toCommand(wish: Wish): AdminCommand {
  switch (wish.type) {
    case 'Change':
      return {
        type: 'ChangeMembers',
        add: wish.add.map(({ node, role }) => ({ node: node as NodeId, address: '', role })),
        promote: wish.promote as readonly NodeId[],
        remove: wish.remove as readonly NodeId[],
        priorities: [],
      };
    case 'Transfer':
      return { type: 'TransferLeadership', group: wish.group as never, target: wish.node as NodeId };
    case 'HandOver':
      return { type: 'HandOver' };
  }
}

/** Refusals that time may heal. */
const PASSING: readonly AdminAnswer['refusal'][] = ['ChangeInProgress', 'NotCaughtUp', 'WouldLoseQuorum'];

/** What our nodes' answer to a wish comes to. */
export function hearOrder(answer: NodeAnswer): ReturnType<NodeOrders['hear']> {
  if (!isAdminAnswer(answer)) return 'again';
  switch (answer.outcome) {
    case 'Done':
    case 'Unchanged':
      return 'done';
    case 'Refused':
      return PASSING.includes(answer.refusal) ? 'again' : 'refused';
    case 'Unavailable':
    case 'Unknown':
      return 'again';
  }
}

/** What is not yet as the roster wants it among the nodes that are well, or not yet level; undefined when all is. */
export function unsettled(
  nodes: Nodes,
  healed: readonly NodeId[],
  groups: readonly number[],
): string | undefined {
  const well = nodes.filter(({ id }) => healed.includes(id));
  const roster = newestRoster(well);
  for (const group of groups) {
    const problem = unsettledGroup(well, group, roster, healed);
    if (problem !== undefined) return `group ${group}: ${problem}`;
  }
  return undefined;
}

function newestRoster(nodes: Nodes): Roster | undefined {
  let newest: Roster | undefined;
  for (const { state } of nodes) {
    const roster = state?.membership.roster;
    if (roster !== undefined && roster.version > (newest?.version ?? 0)) newest = roster;
  }
  return newest;
}

function unsettledGroup(
  well: Nodes,
  group: number,
  roster: Roster | undefined,
  healed: readonly NodeId[],
): string | undefined {
  let ahead: GroupState | undefined;
  for (const { state } of well) {
    const known = state === undefined ? undefined : radixGet(state.groups, group);
    if (known === undefined) continue;
    const { term, log } = known.raft;
    const best = ahead?.raft;
    if (
      best === undefined ||
      term > best.term ||
      (term === best.term && log.lastIndex > best.log.lastIndex)
    ) {
      if (isMember(known.raft.config, known.raft.self)) ahead = known;
    }
  }
  if (ahead === undefined) return 'no member is well';
  const { config, configs, commit, log, term, leader } = ahead.raft;
  if (newestOf(configs).index > commit) return 'its newest configuration is not committed';
  const problem = roster === undefined ? undefined : shortOf(config, roster, healed);
  if (problem !== undefined) return problem;
  for (const { id, state } of well) {
    if (!isMember(config, id)) continue;
    const known = state === undefined ? undefined : radixGet(state.groups, group);
    if (known === undefined) return `node ${id} is down`;
    if (known.raft.term !== term || known.raft.leader !== leader || leader === NO_NODE) {
      return `node ${id} follows node ${known.raft.leader} of term ${known.raft.term}`;
    }
    if (known.partition.applied !== log.lastIndex || known.raft.log.lastIndex !== log.lastIndex) {
      return `node ${id} is at ${known.partition.applied} of ${log.lastIndex}`;
    }
  }
  return undefined;
}

/** How a configuration falls short of the roster; who is not well need not have become a voter, and then nobody need go. */
function shortOf(config: Configuration, roster: Roster, healed: readonly NodeId[]): string | undefined {
  if (isJoint(config)) return 'it is joint';
  const wanted = rosterVoters(roster);
  const missing = wanted.filter((node) => !config.voters.includes(node));
  const late = missing.find((node) => healed.includes(node));
  const canServe = 2 * wanted.filter((node) => healed.includes(node)).length > wanted.length;
  if (!canServe || (missing.length > 0 && late === undefined)) return undefined;
  if (late !== undefined) return `node ${late} is no voter yet`;
  const extra = config.voters.find((node) => !wanted.includes(node));
  if (extra !== undefined) return `node ${extra} still votes`;
  const learners = rosterLearners(roster);
  if (config.learners.join() !== learners.join()) return `its learners are [${config.learners.join(', ')}]`;
  return undefined;
}

type NodeObserver = Observer<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored>;

/** The same observer, with a watch beside it. */
export function watched(observer: NodeObserver, { saw }: MemberWatch): NodeObserver {
  return {
    ...observer,
    started(node, boot, step, version) {
      saw(undefined, step.state);
      observer.started(node, boot, step, version);
    },
    stepped(node, before, turn, step, bent) {
      saw(before, step.state);
      observer.stepped(node, before, turn, step, bent);
    },
  };
}
