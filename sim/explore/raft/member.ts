/**
 * One Raft group as a machine of its own: `core/raft` unchanged, and around it what the node does for a group.
 *
 * As in `core/node`, a message that depends on a write is held until the newest write is durable, and dies with the
 * process. Unlike there, a write holds the whole durable image and not a segment of it, so that disks which hold the
 * same are equal however they came to it; and there is no partition above: a snapshot's image is its index.
 */

import {
  groupId,
  NO_NODE,
  nextDeadline,
  restoreRaft,
  stepRaft,
  term,
  type Boot,
  type DurableImage,
  type HostEffect,
  type HostEvent,
  type Machine,
  type NodeId,
  type Outgoing,
  type RaftInput,
  type RaftMessage,
  type RaftOptions,
  type RaftState,
  type RaftWrite,
  type Step,
  type Turn,
  type WriteNumber,
} from '../../../core/index.js';

/** What a snapshot holds: nothing but the index that it stands for. */
export type Image = number;
export type Disk = DurableImage<Image>;
export type MemberMessage = RaftMessage<Image>;
/** A client's request; `Compact` stands for the machine above, which takes a snapshot of what is committed. */
export type MemberRequest =
  { readonly type: 'Propose'; readonly payload: Uint8Array } | { readonly type: 'Read' | 'Compact' };
/** A read was confirmed, and may see everything up to `index`. */
export interface MemberAnswer {
  readonly index: number;
}
export type MemberEvent = HostEvent<MemberMessage, MemberRequest>;
export type MemberEffect = HostEffect<MemberMessage, MemberAnswer, Disk>;
export type MemberMachine = Machine<MemberState, MemberMessage, MemberRequest, MemberAnswer, Disk>;

export interface MemberState {
  readonly raft: RaftState<Image>;
  /** What will be durable when all writes are. */
  readonly image: Disk;
  readonly timerAt: number | undefined;
  readonly held: readonly Held[];
}

/** A message that may leave when this write is durable. */
export interface Held {
  readonly write: WriteNumber;
  readonly to: NodeId;
  readonly message: MemberMessage;
}

/** The only key of a member's storage. */
const KEY = 'raft';

const EMPTY_DISK: Disk = { term: term(0), vote: NO_NODE, snapshot: undefined, entries: [] };

export function createMember(self: NodeId, voters: readonly NodeId[], options: RaftOptions): MemberMachine {
  return {
    start: (boot) => startMember(self, voters, options, boot),
    step: (state, turn) => stepMember(options, state, turn),
  };
}

function startMember(
  self: NodeId,
  voters: readonly NodeId[],
  options: RaftOptions,
  { now, stored }: Boot<Disk>,
): Step<MemberState, MemberEffect> {
  const image = stored[0]?.value ?? EMPTY_DISK;
  const group = groupId(1);
  const patienceMs = options.electionTimeoutMs + (options.electionTimeoutMs >>> 1);
  const raft = restoreRaft({ group, self, voters }, image, now.monotonic, patienceMs);
  const timerAt = nextDeadline(raft);
  return {
    state: { raft, image, timerAt, held: [] },
    effects: timerAt === undefined ? [] : [{ type: 'SetTimer', at: timerAt }],
  };
}

function stepMember(
  options: RaftOptions,
  state: MemberState,
  { now, entropy, events }: Turn<MemberEvent>,
): Step<MemberState, MemberEffect> {
  const effects: MemberEffect[] = [];
  let after = state;
  for (const event of events) {
    const { raft } = after;
    const write = (raft.lastWrite + 1) as WriteNumber;
    if (event.type === 'WriteCompleted') after = letGo(after, event.write, effects);
    if (event.type === 'ReadCompleted') continue;
    if (event.type === 'WriteFailed' || event.type === 'ReadFailed') {
      effects.push({ type: 'Halt', reason: event.reason });
      continue;
    }
    const context = { options, now: now.monotonic, entropy, write };
    const step = stepRaft(raft, context, inputOf(raft, event));
    after = { ...after, raft: step.state };
    const said: Outgoing<Image>[] = [];
    for (const effect of step.effects) {
      switch (effect.type) {
        case 'Persist':
          after = { ...after, image: imageAfter(after.image, effect) };
          effects.push({ type: 'Persist', write, changes: [{ type: 'Put', key: KEY, value: after.image }] });
          break;
        case 'Send':
          said.push(effect);
          break;
        case 'ReadReady':
          for (const token of effect.tokens)
            effects.push({ type: 'Reply', token, answer: { index: effect.index } });
          break;
        case 'ReadsRefused':
        case 'Proposed':
        case 'Reconfigured':
        case 'Transferring':
          break;
      }
    }
    after = say(after, said, effects);
  }
  const timerAt = nextDeadline(after.raft);
  const isLater = timerAt !== state.timerAt || events.some(({ type }) => type === 'TimerFired');
  if (isLater && timerAt !== undefined) effects.push({ type: 'SetTimer', at: timerAt });
  return { state: { raft: after.raft, image: after.image, timerAt, held: after.held }, effects };
}

function inputOf(
  raft: RaftState<Image>,
  event: Exclude<MemberEvent, { type: 'WriteFailed' | 'ReadFailed' | 'ReadCompleted' }>,
): RaftInput<Image> {
  switch (event.type) {
    case 'MessageReceived':
      return event;
    case 'TimerFired':
      return { type: 'Tick' };
    case 'WriteCompleted':
      return { type: 'WritesCompleted', through: event.write };
    case 'RequestReceived': {
      const { request, token } = event;
      if (request.type === 'Propose') return request;
      if (request.type === 'Read') return { type: 'Read', token };
      return { type: 'Compact', index: raft.commit, state: raft.commit, keepEntries: 0 };
    }
  }
}

/** Sends what waited for this write or an earlier one. */
function letGo(state: MemberState, through: WriteNumber, effects: MemberEffect[]): MemberState {
  const kept: Held[] = [];
  for (const waiting of state.held) {
    if (waiting.write > through) kept.push(waiting);
    else effects.push({ type: 'Send', to: waiting.to, messages: [waiting.message] });
  }
  return { ...state, held: kept };
}

function say(state: MemberState, said: readonly Outgoing<Image>[], effects: MemberEffect[]): MemberState {
  const { durable, lastWrite } = state.raft;
  const waiting: Held[] = [];
  for (const { to, message, after } of said) {
    // A message that depends on an earlier write waits for the newest one, as in a node.
    if (after > durable.write) waiting.push({ write: lastWrite, to, message });
    else effects.push({ type: 'Send', to, messages: [message] });
  }
  return waiting.length === 0 ? state : { ...state, held: [...state.held, ...waiting] };
}

/** What the disk holds after one more write. */
function imageAfter(image: Disk, write: RaftWrite<Image>): Disk {
  const { term: storedTerm, vote } = write.hardState ?? image;
  const snapshot = write.snapshot ?? image.snapshot;
  const knownBase = image.snapshot?.index ?? 0;
  const base = snapshot?.index ?? 0;
  const kept = write.replacesLog ? [] : image.entries.slice(base - knownBase);
  if (write.append === undefined) {
    return { term: storedTerm, vote, snapshot, entries: kept };
  }
  const { firstIndex, entries } = write.append;
  const from = Math.max(0, firstIndex - base - 1);
  const known = Math.max(0, base + 1 - firstIndex);
  const log = [...kept.slice(0, from), ...entries.slice(known)];
  return { term: storedTerm, vote, snapshot, entries: log };
}
