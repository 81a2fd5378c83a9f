/**
 * Scenarios as text: commands, and what they bring about.
 *
 * A scenario file is a sequence of blocks, parted by blank lines. A block is a story in comments, some commands, a
 * line `----`, and then what happened, as recorded:
 *
 *     # Node 1 hears nothing from a leader, and asks whether it would be elected.
 *     campaign 1
 *     ----
 *     1 becomes precandidate in term 0
 *     1 sends to 2, 3: PreVoteRequest term 1, last 0 of term 0
 *
 * The test compares, or records anew; the README in `scenarios/` has the commands and says how.
 */

import type { NodeId } from '../../../../core/machine/units.js';
import { describeConfiguration } from '../../../../core/raft/configuration.js';
import { entryAt } from '../../../../core/raft/log.js';
import type { Entry } from '../../../../core/raft/messages.js';
import type { Confirmation } from '../../../../core/raft/read-index.js';
import { newestOf, nextDeadline } from '../../../../core/raft/state.js';
import { startCluster, type Cluster, type Released } from './cluster.js';
import type { Member, MemberOptions, Message, Outcome } from './member.js';

/** The scenario's text with the recorded results replaced by what happens now. */
export function playScenario(text: string): string {
  const stage = emptyStage();
  const blocks = text.trimEnd().split(/\n{2,}/);
  return blocks.map((block) => playBlock(stage, block)).join('\n\n') + '\n';
}

function playBlock(stage: Stage, block: string): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  const given = end < 0 ? lines : lines.slice(0, end);
  const commands = given.filter((line) => line !== '' && !line.startsWith('#'));
  if (commands.length === 0) return given.join('\n');
  const results = commands.flatMap((command) => playCommand(stage, command));
  return [...given, '----', ...(results.length === 0 ? ['ok'] : results)].join('\n');
}

interface Stage {
  setups: MemberOptions[];
  cluster: Cluster | undefined;
}

function emptyStage(): Stage {
  return { setups: [], cluster: undefined };
}

/** The nodes start with the first command that needs them. */
function clusterOf(stage: Stage): Cluster {
  stage.cluster ??= startCluster(stage.setups);
  return stage.cluster;
}

function playCommand(stage: Stage, command: string): readonly string[] {
  const [name = '', ...words] = command.split(/\s+/);
  if (name === 'nodes' || name === 'node' || name === 'lease' || name === 'joining') {
    if (stage.cluster !== undefined) throw new Error(`too late for "${command}": the nodes have started`);
    prepare(stage, name, words);
    return [];
  }
  const cluster = clusterOf(stage);
  const [first = '', ...rest] = words;
  const count = rest[0] === undefined ? undefined : Number(rest[0]);
  switch (name) {
    case 'campaign':
    case 'beat': {
      const id = Number(first);
      const { state, now } = cluster.member(id);
      cluster.pass(Math.max(0, (nextDeadline(state) ?? now) - now));
      return act(cluster, id, (member) => member.tick());
    }
    case 'wait':
      cluster.pass(Number(first));
      return [];
    case 'propose':
      return rest.flatMap((text) => act(cluster, Number(first), (member) => member.propose(text)));
    case 'members':
      return act(cluster, Number(first), (member) => member.reconfigure(...listsOf(rest)));
    case 'transfer':
      return act(cluster, Number(first), (member) => member.transfer(Number(rest[0])));
    case 'read':
      return act(cluster, Number(first), (member) => member.read(Number(rest[0]), confirmation(rest[2])));
    case 'deliver':
      return deliver(cluster, ...linkOf(first), count);
    case 'drop': {
      const dropped = cluster.drop(...linkOf(first), count);
      return [`${dropped} lost`];
    }
    case 'repeat':
      cluster.repeat(...linkOf(first), (count ?? 1) - 1);
      return [];
    case 'durable':
      return toldBy(cluster, Number(first), () => cluster.durable(Number(first), count));
    case 'settle':
      return settle(cluster);
    case 'cut':
      cut(cluster, first);
      return [];
    case 'heal':
      cluster.heal();
      return [];
    case 'crash':
      cluster.crash(Number(first));
      return [describeMember(cluster.member(Number(first)))];
    case 'compact':
      return act(cluster, Number(first), (member) =>
        member.compact(Number(rest[0]), rest[1] === 'keep' ? Number(rest[2]) : 0),
      );
    case 'status':
      return cluster.ids.map((id) => describeMember(cluster.member(id)));
    case 'configs':
      return cluster.ids.map((id) => describeMembers(cluster.member(id)));
    case 'progress':
      return describeProgress(cluster.member(Number(first)));
    default:
      throw new Error(`unknown command "${command}"`);
  }
}

function prepare(stage: Stage, name: string, words: readonly string[]): void {
  if (name === 'nodes') {
    const voters = Array.from({ length: Number(words[0]) }, (_, i) => i + 1);
    stage.setups = voters.map((self) => ({ self, voters }));
    return;
  }
  if (name === 'lease') {
    const options = { leaseMs: Number(words[0]), maxClockDriftPercent: Number(words[2]) };
    stage.setups = stage.setups.map((setup) => ({ ...setup, options }));
    return;
  }
  if (name === 'joining') {
    stage.setups = [...stage.setups, { self: Number(words[0]), voters: [] }];
    return;
  }
  const at = words.indexOf('log');
  const log = at < 0 ? [] : words.slice(at + 1).map(Number);
  const stored = words[1] === 'term' ? Number(words[2]) : Math.max(0, ...log);
  stage.setups = stage.setups.map((setup) =>
    setup.self === Number(words[0]) ? { ...setup, log, term: stored } : setup,
  );
}

function confirmation(word: string | undefined): Confirmation {
  if (word === undefined) return 'round';
  if (word === 'lease' || word === 'leader') return word;
  throw new Error(`a read is confirmed by lease or by leader, not by "${word}"`);
}

/** `1 2 3 learners 4` */
function listsOf(words: readonly string[]): [voters: readonly number[], learners: readonly number[]] {
  const at = words.indexOf('learners');
  const end = at < 0 ? words.length : at;
  return [words.slice(0, end).map(Number), words.slice(end + 1).map(Number)];
}

function linkOf(text: string): [from: number, to: number] {
  const [from, to] = text.split('->').map(Number);
  if (from === undefined || to === undefined) throw new Error(`"${text}" names no link; write 1->2`);
  return [from, to];
}

function cut(cluster: Cluster, what: string): void {
  if (what.includes('->')) return cluster.cut(...linkOf(what));
  const alone = Number(what);
  for (const other of cluster.ids) {
    if (other === alone) continue;
    cluster.cut(alone, other);
    cluster.cut(other, alone);
  }
}

function act(cluster: Cluster, id: number, action: (member: Member) => Outcome): readonly string[] {
  return toldBy(cluster, id, () => cluster.run(id, action));
}

function deliver(cluster: Cluster, from: number, to: number, count?: number): readonly string[] {
  const times = Math.min(count ?? Number.POSITIVE_INFINITY, cluster.waiting(from, to).length);
  const lines: string[] = [];
  for (let i = 0; i < times; i += 1) {
    const message = cluster.waiting(from, to)[0] as Message;
    lines.push(`${from} -> ${to} ${describeMessage(message)}`);
    lines.push(...toldBy(cluster, to, () => cluster.deliver(from, to)).map((line) => `  ${line}`));
  }
  return lines.length === 0 ? [`nothing waits from ${from} to ${to}`] : lines;
}

/** Everything that is under way happens, links in order and disks after every round. */
function settle(cluster: Cluster): readonly string[] {
  const lines: string[] = [];
  for (let rounds = 0; rounds < 200; rounds += 1) {
    const busy = cluster.busyLinks();
    for (const [from, to] of busy) {
      lines.push(...toldBy(cluster, to, () => cluster.deliver(from, to), true));
    }
    let wrote = false;
    for (const id of cluster.ids) {
      const member = cluster.member(id);
      if (member.state.durable.write >= member.state.lastWrite) continue;
      wrote = true;
      lines.push(...toldBy(cluster, id, () => cluster.durable(id), true));
    }
    if (busy.length === 0 && !wrote) return lines;
  }
  throw new Error('the nodes never came to rest');
}

/** Runs something on one node, and tells what changed and what it wants done. */
function toldBy(cluster: Cluster, id: number, run: () => Released, brief = false): readonly string[] {
  const before = cluster.member(id).state;
  const { outcome, sent, held } = run();
  const { state } = cluster.member(id);
  const lines: string[] = [];
  if (state.role !== before.role || state.term !== before.term) {
    lines.push(`${id} becomes ${state.role} in term ${state.term}`);
  }
  if (state.config !== before.config)
    lines.push(`${id} has the members ${describeConfiguration(state.config)}`);
  if (state.commit !== before.commit) lines.push(`${id} commits ${state.commit}`);
  for (const { tokens, index } of outcome.reads)
    lines.push(`${id} answers read ${tokens.join(', ')} at ${index}`);
  if (outcome.refusedReads.length > 0) lines.push(`${id} refuses read ${outcome.refusedReads.join(', ')}`);
  if (brief) return lines;

  const { reconfigured, transferring } = outcome;
  if (reconfigured?.type === 'Refused')
    lines.push(`${id} refuses, ${reconfigured.why}: ${reconfigured.reason}`);
  if (reconfigured?.type === 'Unchanged') lines.push(`${id} has these members already`);
  if (transferring?.type === 'Refused')
    lines.push(`${id} refuses, ${transferring.why}: ${transferring.reason}`);
  if (transferring?.type === 'Unchanged') lines.push(`${id} leads already`);
  if (before.transfer !== undefined && state.transfer === undefined) lines.push(`${id} ends the transfer`);
  if (outcome.proposal?.type === 'Refused') lines.push(`${id} refuses the proposal: ${outcome.proposal.why}`);
  if (outcome.write !== undefined)
    lines.push(`${id} writes #${outcome.write.number}: ${describeWrite(outcome)}`);
  for (const { receivers, text } of joined(sent)) lines.push(`${id} sends to ${receivers}: ${text}`);
  for (const { receivers, text } of joined(held, ({ after }) => ` (held for write ${after})`)) {
    lines.push(`${id} would send to ${receivers}: ${text}`);
  }
  return lines;
}

/** Neighbouring messages that say the same to several nodes make one line. */
function joined(
  outgoing: Released['sent'],
  suffix: (one: Released['sent'][number]) => string = () => '',
): readonly { readonly receivers: string; readonly text: string }[] {
  const lines: { receivers: NodeId[]; text: string }[] = [];
  for (const one of outgoing) {
    const text = describeMessage(one.message) + suffix(one);
    const last = lines[lines.length - 1];
    if (last?.text === text) last.receivers.push(one.to);
    else lines.push({ receivers: [one.to], text });
  }
  return lines.map(({ receivers, text }) => ({ receivers: receivers.join(', '), text }));
}

function describeWrite({ write }: Outcome): string {
  const parts: string[] = [];
  if (write?.hardState !== undefined)
    parts.push(`term ${write.hardState.term}, vote ${write.hardState.vote}`);
  if (write?.snapshot !== undefined) {
    parts.push(`snapshot at ${write.snapshot.index}${write.replacesLog ? ' in place of the log' : ''}`);
  }
  if (write?.append !== undefined) {
    const { firstIndex, entries } = write.append;
    parts.push(`log from ${firstIndex}: ${describeEntries(entries)}`);
  }
  return parts.join('; ');
}

function describeMessage(message: Message): string {
  const head = `${message.type} term ${message.term}`;
  switch (message.type) {
    case 'PreVoteRequest':
      return `${head}, last ${message.lastIndex} of term ${message.lastTerm}`;
    case 'VoteRequest':
      return `${head}, last ${message.lastIndex} of term ${message.lastTerm}${message.handedOver ? ', handed over' : ''}`;
    case 'PreVoteAnswer':
    case 'VoteAnswer':
      return `${head}, ${message.granted ? 'granted' : 'refused'}`;
    case 'Append':
      return (
        `${head}, after ${message.previousIndex} of term ${message.previousTerm}: ` +
        `[${describeEntries(message.entries)}], commit ${message.commit}`
      );
    case 'AppendAccepted':
      return `${head}, up to ${message.index}`;
    case 'AppendRefused':
      return `${head}, not after ${message.refused}, perhaps after ${message.hintIndex} of term ${message.hintTerm}`;
    case 'Heartbeat':
      return `${head}, commit ${message.commit}, round ${message.round}`;
    case 'HeartbeatAnswer':
      return `${head}, round ${message.round}`;
    case 'ReadIndexRequest':
    case 'ReadIndexRefused':
      return `${head}, ${nameOf(message.batch)}`;
    case 'ReadIndexAnswer':
      return `${head}, ${nameOf(message.batch)}, at ${message.index}`;
    case 'InstallSnapshot':
      return (
        `${head}, at ${message.snapshot.index} of term ${message.snapshot.term}, ` +
        `members ${describeConfiguration(message.snapshot.config)}`
      );
    case 'CampaignNow':
      return head;
    case 'NotMember':
      return `${head}, since ${message.index}`;
  }
}

/** The first number of each run is drawn; what matters is which batch it is. */
function nameOf(batch: number): string {
  return `batch ${((batch - 1) % (1 << 20)) + 1}`;
}

/** Terms; a `c` behind one that changes the members. */
function describeEntries(entries: readonly Entry[]): string {
  return entries.map(({ term, config }) => `${term}${config === undefined ? '' : 'c'}`).join(' ');
}

function describeMembers({ state }: Member): string {
  const { index, config } = newestOf(state.configs);
  const members = describeConfiguration(config);
  return `${state.self} has ${members === '' ? 'no members' : members}, since ${index}`;
}

function describeMember(member: Member): string {
  const { state } = member;
  const { log, commit, role, self } = state;
  const entries = Array.from({ length: log.lastIndex - log.baseIndex }, (_, i) =>
    entryAt(log, log.baseIndex + 1 + i),
  );
  const before = log.baseIndex === 0 ? '' : `(snapshot ${log.baseIndex}) `;
  return `${self} ${role}, term ${state.term}, commit ${commit}, log ${before}[${describeEntries(entries)}]`;
}

function describeProgress(member: Member): readonly string[] {
  return member.state.peers.map(({ peer, mode, match, next, inflight }) => {
    const flying =
      inflight.length === 0 ? '' : `, in flight up to ${inflight.map(({ last }) => last).join(', ')}`;
    return `${peer} ${mode}, match ${match}, next ${next}${flying}`;
  });
}
