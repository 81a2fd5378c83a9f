/**
 * One member of a group in the hands of a test: its clock, its disk and everything that it said.
 *
 * Every input goes through `pureStep`, so each scenario is also a test of purity. Writes stay under way until
 * `durable` is called; what a crash would leave is kept as a plain model of the disk, apart from the code under test.
 */

import {
  groupId,
  logIndex,
  monotonicMs,
  nodeId,
  term,
  writeNumber,
  type NodeId,
} from '../../../../core/machine/units.js';
import { simpleConfiguration, votersOf, type Configuration } from '../../../../core/raft/configuration.js';
import { entryAt } from '../../../../core/raft/log.js';
import type { RaftWrite } from '../../../../core/raft/durability.js';
import type { Entry, RaftMessage, Snapshot } from '../../../../core/raft/messages.js';
import type { Reconfigured } from '../../../../core/raft/reconfigure.js';
import type { Confirmation } from '../../../../core/raft/read-index.js';
import type { Proposal } from '../../../../core/raft/replication.js';
import type { TransferStart } from '../../../../core/raft/transfer.js';
import {
  nextDeadline,
  restoreRaft,
  type DurableImage,
  type RaftOptions,
  type RaftState,
} from '../../../../core/raft/state.js';
import { stepRaft, type RaftEffect, type RaftInput, type RaftStep } from '../../../../core/raft/step.js';
import type { Outgoing, TurnContext } from '../../../../core/raft/turn.js';
import { pureStep } from '../../support/pure.js';

/** The image in a snapshot; Raft looks at none of it. */
export type Image = string;
export type Message = RaftMessage<Image>;
export type Write = RaftWrite<Image>;

export const OPTIONS: RaftOptions = {
  heartbeatIntervalMs: 100,
  electionTimeoutMs: 1000,
  maxAppendBytes: 1 << 20,
  maxInflightAppends: 4,
  maxInflightBytes: 1 << 20,
  maxKeepEntries: 0,
  maxKeepBytes: 1 << 20,
  maxUncommittedBytes: 1000,
  maxPromotionLag: 2,
  leaseMs: 0,
  maxClockDriftPercent: 10,
  quiesceAfterMs: 0,
};

export interface MemberOptions {
  readonly self?: number;
  readonly voters?: readonly number[];
  readonly term?: number;
  readonly vote?: number;
  /** The terms of the entries after the snapshot. */
  readonly log?: readonly number[];
  /** By index: the entries of the log that change the members, and to what. */
  readonly configs?: Readonly<Record<number, Configuration>>;
  readonly snapshot?: { readonly index: number; readonly term: number; readonly config?: Configuration };
  readonly options?: Partial<RaftOptions>;
}

/** What one input brought about. */
export interface Outcome {
  readonly sent: readonly Outgoing<Image>[];
  readonly write: (Write & { readonly number: number }) | undefined;
  readonly reads: readonly { readonly tokens: readonly number[]; readonly index: number }[];
  readonly refusedReads: readonly number[];
  readonly proposal: Proposal | undefined;
  readonly reconfigured: Reconfigured | undefined;
  readonly transferring: TransferStart | undefined;
}

export interface Member {
  readonly state: RaftState<Image>;
  readonly now: number;
  /** Number of the last write that was issued. */
  readonly issued: number;
  pass(milliseconds: number): void;
  input(input: RaftInput<Image>): Outcome;
  tick(): Outcome;
  /** Passes the time up to this member's next deadline, and ticks. */
  timeout(): Outcome;
  receive(from: number, message: Message): Outcome;
  propose(text: string): Outcome;
  /** Asks for these members. */
  reconfigure(voters: readonly number[], learners?: readonly number[]): Outcome;
  transfer(target: number): Outcome;
  read(token: number, by?: Confirmation): Outcome;
  compact(index: number, keepEntries?: number): Outcome;
  /** Writes up to this one, or all, are durable. */
  durable(through?: number): Outcome;
  /** What a crash now would leave, by the model of the disk. */
  onDisk(): DurableImage<Image>;
  /** The same node after a crash: all writes that were not durable are gone. */
  restarted(): Member;
}

export function payload(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function entries(...terms: number[]): readonly Entry[] {
  return terms.map((of, i) => ({ term: term(of), payload: payload(`${of}.${i}`) }));
}

/** An entry that changes the members. */
export function configEntry(of: number, config: Configuration): Entry {
  return { term: term(of), payload: new Uint8Array(0), config };
}

export function configuration(
  voters: readonly number[],
  others: { readonly [list in 'outgoing' | 'learners' | 'learnersNext']?: readonly number[] } = {},
): Configuration {
  return {
    voters: voters.map(nodeId),
    outgoing: (others.outgoing ?? []).map(nodeId),
    learners: (others.learners ?? []).map(nodeId),
    learnersNext: (others.learnersNext ?? []).map(nodeId),
  };
}

export function startMember(options: MemberOptions = {}): Member {
  const { snapshot } = options;
  const base = snapshot?.index ?? 0;
  const image: DurableImage<Image> = {
    term: term(options.term ?? Math.max(0, ...(options.log ?? []), snapshot?.term ?? 0)),
    vote: (options.vote ?? 0) as NodeId,
    snapshot:
      snapshot === undefined
        ? undefined
        : {
            index: logIndex(snapshot.index),
            term: term(snapshot.term),
            config: snapshot.config ?? simpleConfiguration((options.voters ?? [1, 2, 3]).map(nodeId)),
            state: `image ${snapshot.index}`,
          },
    entries: entries(...(options.log ?? [])).map((entry, i) => {
      const config = options.configs?.[base + 1 + i];
      return config === undefined ? entry : configEntry(entry.term, config);
    }),
  };
  return memberFrom(options, image, 10_000);
}

function memberFrom(setup: MemberOptions, image: DurableImage<Image>, startedAt: number): Member {
  const options: RaftOptions = { ...OPTIONS, ...setup.options };
  let now = startedAt;
  let issued = 0;
  let durableThrough = 0;
  let draws = 0;
  const disk: (Write & { readonly number: number })[] = [];
  let durableImage = image;
  let state = restoreRaft<Image>(
    {
      group: groupId(1),
      self: nodeId(setup.self ?? 1),
      voters: (setup.voters ?? [1, 2, 3]).map(nodeId),
    },
    image,
    monotonicMs(now),
    options.electionTimeoutMs + 100 * (setup.self ?? 1),
  );

  function input(given: RaftInput<Image>): Outcome {
    draws += 1;
    const context: TurnContext = {
      options,
      now: monotonicMs(now),
      entropy: Math.imul(draws, 0x9e3779b1) >>> 0,
      write: writeNumber(issued + 1),
    };
    const step = pureStep(
      (before: RaftState<Image>, what: RaftInput<Image>): RaftStep<Image> => stepRaft(before, context, what),
      state,
      given,
    );
    state = step.state;
    const outcome = outcomeOf(step.effects, issued + 1);
    if (outcome.write !== undefined) {
      issued += 1;
      disk.push(outcome.write);
    }
    return outcome;
  }

  const member: Member = {
    get state() {
      return state;
    },
    get now() {
      return now;
    },
    get issued() {
      return issued;
    },
    pass: (milliseconds) => {
      now += milliseconds;
    },
    input,
    tick: () => input({ type: 'Tick' }),
    timeout: () => {
      now = Math.max(now, nextDeadline(state) ?? now);
      return input({ type: 'Tick' });
    },
    receive: (from, message) => input({ type: 'MessageReceived', from: nodeId(from), message }),
    propose: (text) => input({ type: 'Propose', payload: payload(text) }),
    reconfigure: (voters, learners = []) =>
      input({ type: 'Reconfigure', members: { voters: voters.map(nodeId), learners: learners.map(nodeId) } }),
    transfer: (target) => input({ type: 'Transfer', target: nodeId(target) }),
    read: (token, by = 'round') => input({ type: 'Read', token, by }),
    compact: (index, keepEntries = 0) =>
      input({ type: 'Compact', index: logIndex(index), state: `image ${index}`, keepEntries }),
    durable: (through = issued) => {
      durableThrough = Math.max(durableThrough, through);
      return input({ type: 'WritesCompleted', through: writeNumber(through) });
    },
    onDisk: () => {
      while (disk[0] !== undefined && disk[0].number <= durableThrough) {
        durableImage = afterWrite(durableImage, disk[0]);
        disk.shift();
      }
      return durableImage;
    },
    restarted: () => memberFrom(setup, member.onDisk(), now + 1),
  };
  return member;
}

function outcomeOf(effects: readonly RaftEffect<Image>[], number: number): Outcome {
  const sent: Outgoing<Image>[] = [];
  const reads: { tokens: readonly number[]; index: number }[] = [];
  const refusedReads: number[] = [];
  let write: Outcome['write'];
  let proposal: Proposal | undefined;
  let reconfigured: Reconfigured | undefined;
  let transferring: TransferStart | undefined;
  for (const effect of effects) {
    switch (effect.type) {
      case 'Send':
        sent.push({ to: effect.to, message: effect.message, after: effect.after });
        break;
      case 'Persist': {
        const { hardState, append, snapshot, replacesLog } = effect;
        write = { hardState, append, snapshot, replacesLog, number };
        break;
      }
      case 'ReadReady':
        reads.push({ tokens: effect.tokens, index: effect.index });
        break;
      case 'ReadsRefused':
        refusedReads.push(...effect.tokens);
        break;
      case 'Proposed':
        proposal = effect.proposal;
        break;
      case 'Reconfigured':
        reconfigured = effect.outcome;
        break;
      case 'Transferring':
        transferring = effect.outcome;
    }
  }
  return { sent, write, reads, refusedReads, proposal, reconfigured, transferring };
}

/** The disk as a model: a write replaces what it says it replaces. */
function afterWrite(before: DurableImage<Image>, write: Write): DurableImage<Image> {
  let { term: storedTerm, vote, snapshot, entries: kept } = before;
  let base: number = snapshot?.index ?? 0;
  if (write.hardState !== undefined) ({ term: storedTerm, vote } = write.hardState);
  if (write.snapshot !== undefined) {
    kept = write.replacesLog ? [] : kept.slice(write.snapshot.index - base);
    snapshot = write.snapshot;
    base = write.snapshot.index;
  }
  if (write.append !== undefined) {
    const { firstIndex, entries: appended } = write.append;
    const overlap = Math.max(0, base + 1 - firstIndex);
    kept = [...kept.slice(0, Math.max(0, firstIndex - base - 1)), ...appended.slice(overlap)];
  }
  return { term: storedTerm, vote, snapshot, entries: kept };
}

// What tests say and ask, in few words.

export function sentTo(outcome: Outcome, to: number): readonly Message[] {
  return outcome.sent.filter((outgoing) => outgoing.to === to).map(({ message }) => message);
}

export function messagesOf<Type extends Message['type']>(
  outcome: Outcome,
  type: Type,
): readonly (Outgoing<Image> & { readonly message: Extract<Message, { type: Type }> })[] {
  return outcome.sent.filter(
    (outgoing): outgoing is Outgoing<Image> & { message: Extract<Message, { type: Type }> } =>
      outgoing.message.type === type,
  );
}

export function logTerms(member: Member): readonly number[] {
  const { log } = member.state;
  const terms: number[] = [];
  for (let index = log.baseIndex + 1; index <= log.lastIndex; index += 1)
    terms.push(entryAt(log, index).term);
  return terms;
}

export const say = {
  preVoteRequest: (at: number, lastIndex = 0, lastTerm = 0): Message => ({
    type: 'PreVoteRequest',
    term: term(at),
    lastIndex: logIndex(lastIndex),
    lastTerm: term(lastTerm),
  }),
  preVoteAnswer: (at: number, granted: boolean): Message => ({
    type: 'PreVoteAnswer',
    term: term(at),
    granted,
  }),
  voteRequest: (at: number, lastIndex = 0, lastTerm = 0, handedOver = false): Message => ({
    type: 'VoteRequest',
    term: term(at),
    lastIndex: logIndex(lastIndex),
    lastTerm: term(lastTerm),
    handedOver,
  }),
  voteAnswer: (at: number, granted: boolean): Message => ({ type: 'VoteAnswer', term: term(at), granted }),
  /** An append whose entries have these terms. */
  append: (
    at: number,
    previous: readonly [index: number, term: number],
    terms: readonly number[],
    commit = 0,
  ): Message => ({
    type: 'Append',
    term: term(at),
    previousIndex: logIndex(previous[0]),
    previousTerm: term(previous[1]),
    entries: entries(...terms),
    commit: logIndex(commit),
  }),
  accepted: (at: number, index: number): Message => ({
    type: 'AppendAccepted',
    term: term(at),
    index: logIndex(index),
  }),
  refused: (at: number, refused: number, hint: readonly [index: number, term: number]): Message => ({
    type: 'AppendRefused',
    term: term(at),
    refused: logIndex(refused),
    hintIndex: logIndex(hint[0]),
    hintTerm: term(hint[1]),
  }),
  heartbeat: (at: number, commit = 0, round = 0): Message => ({
    type: 'Heartbeat',
    term: term(at),
    commit: logIndex(commit),
    round,
  }),
  sleep: (at: number, commit: number, round: number): Message => ({
    type: 'Heartbeat',
    term: term(at),
    commit: logIndex(commit),
    round,
    sleep: true,
  }),
  heartbeatAnswer: (at: number, round = 0): Message => ({ type: 'HeartbeatAnswer', term: term(at), round }),
  asleep: (at: number, round: number): Message => ({
    type: 'HeartbeatAnswer',
    term: term(at),
    round,
    asleep: true,
  }),
  readIndexRequest: (at: number, batch: number): Message => ({
    type: 'ReadIndexRequest',
    term: term(at),
    batch,
  }),
  readIndexAnswer: (at: number, batch: number, index: number): Message => ({
    type: 'ReadIndexAnswer',
    term: term(at),
    batch,
    index: logIndex(index),
  }),
  readIndexRefused: (at: number, batch: number): Message => ({
    type: 'ReadIndexRefused',
    term: term(at),
    batch,
  }),
  snapshot: (at: number, index: number, ofTerm: number, config = configuration([1, 2, 3])): Message => ({
    type: 'InstallSnapshot',
    term: term(at),
    snapshot: {
      index: logIndex(index),
      term: term(ofTerm),
      config,
      state: `image ${index}`,
    } satisfies Snapshot<Image>,
  }),
  /** An append of one entry, which changes the members. */
  configAppend: (
    at: number,
    previous: readonly [index: number, term: number],
    config: Configuration,
    commit = 0,
  ): Message => ({
    type: 'Append',
    term: term(at),
    previousIndex: logIndex(previous[0]),
    previousTerm: term(previous[1]),
    entries: [configEntry(at, config)],
    commit: logIndex(commit),
  }),
  campaignNow: (at: number): Message => ({ type: 'CampaignNow', term: term(at) }),
  notMember: (at: number, index: number): Message => ({
    type: 'NotMember',
    term: term(at),
    index: logIndex(index),
  }),
};

/** A member that leads: it timed out, was granted what it asked for, and its vote is durable. */
export function startLeader(options: MemberOptions = {}): Member {
  const member = startMember(options);
  const others = votersOf(member.state.config).filter((voter) => voter !== member.state.self);
  member.timeout();
  const next = member.state.role === 'precandidate' ? member.state.term + 1 : member.state.term;
  for (const other of others) member.receive(other, say.preVoteAnswer(next, true));
  for (const other of others) member.receive(other, say.voteAnswer(next, true));
  member.durable();
  return member;
}

/** A leader whose first entry is durable here and accepted by everybody, so that all are in replicate mode. */
export function startSettledLeader(options: MemberOptions = {}): Member {
  const leader = startLeader(options);
  leader.durable();
  for (const { peer } of leader.state.peers) {
    leader.receive(peer, say.accepted(leader.state.term, leader.state.log.lastIndex));
  }
  return leader;
}

export function progressOf(member: Member, peer: number): RaftState<Image>['peers'][number] {
  const progress = member.state.peers.find((known) => known.peer === peer);
  if (progress === undefined) throw new Error(`member ${member.state.self} leads nobody called ${peer}`);
  return progress;
}
