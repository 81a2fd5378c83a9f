/**
 * The invariants of Raft, checked at every step of an exploration: the same rules that watch a simulated run.
 *
 * Those rules keep a history that grows in place. Here a history belongs to a state, so it is copied before a step
 * that may add to it, and what can be told from the states themselves is not kept at all: entries are compared with
 * the logs that are there now, so that what nobody holds any more does not keep states apart.
 */

import {
  radixGet,
  type Entry,
  type HostEffect,
  type HostEvent,
  type NodeId,
  type PartitionState,
  type RaftMessage,
  type StoredRecord,
} from '../../../core/index.js';
import { checkConfigurations } from '../../check/raft/configurations.js';
import type { DurableView } from '../../check/raft/durable-view.js';
import {
  createGroupHistory,
  lastCommitted,
  pairKey,
  type GroupHistory,
  type Raft,
} from '../../check/raft/group-history.js';
import { checkMessage } from '../../check/raft/message-rules.js';
import { checkStates, type StateContext } from '../../check/raft/state-rules.js';
import { PropertyBroken } from '../../world/world.js';
import { put, putBag, putBytes, type Fingerprint } from '../fingerprint.js';
import type { Happened, Names, Watch, World } from '../machine-spec.js';
import { putConfiguration } from './projection.js';

export interface RaftMemory {
  readonly group: GroupHistory;
  /** By token: what was committed when a read was asked. */
  readonly readFloors: ReadonlyMap<number, number>;
}

/** Where a machine keeps its Raft group. The rules are written for the partition's images; they look into none. */
export interface Lens<State, Message, Request, Answer, Stored> {
  readonly raftOf: (state: State) => Raft;
  readonly viewOf: (stored: readonly StoredRecord<Stored>[]) => DurableView;
  readonly messageOf: (message: Message) => RaftMessage<PartitionState> | undefined;
  readonly isRead: (request: Request) => boolean;
  /** The index that an answer to a request rests on; undefined when it promises nothing. */
  readonly indexOf: (answer: Answer) => number | undefined;
}

/** The entries that other nodes hold, filled anew for every step: all histories share it, and none remembers it. */
const OTHERS: GroupHistory['entries'] = new Map();
/**
 * What rules remember of candidacies is of one run of the world, and an exploration is many at once: it is forgotten after
 * each step, and those rules then find nothing to say.
 */
const CANDIDACIES: Pick<GroupHistory, 'candidates' | 'stated' | 'statedBefore' | 'patiences'> = {
  candidates: new Set(),
  stated: new Map(),
  statedBefore: new Map(),
  patiences: new Set(),
};

export interface WatchOptions {
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** See `RaftBound.rules`. */
  readonly rules: 'all' | 'outcomes';
}

/** What Raft promises, as against how it keeps it (figure 3 of the paper). */
const OUTCOMES: readonly string[] = [
  'election safety',
  'leader append-only',
  'log matching',
  'leader completeness',
  'state-machine safety',
  'committed entries stay',
  'reads are fresh',
];

export function createWatch<State, Message, Request, Answer, Stored>(
  options: WatchOptions,
  lens: Lens<State, Message, Request, Answer, Stored>,
): Watch<State, Message, Request, Answer, Stored, RaftMemory> {
  return {
    initial: {
      group: { ...createGroupHistory(), ...CANDIDACIES, entries: OTHERS },
      readFloors: new Map(),
    },
    after: (memory, world, step) => {
      const grown = remember(lens, memory, step);
      try {
        checkStep(options, lens, grown, world, step);
      } catch (error) {
        const passes = options.rules === 'outcomes' && error instanceof PropertyBroken;
        if (!passes || OUTCOMES.includes(error.property)) throw error;
      }
      return grown;
    },
    fingerprint,
  };
}

/** The memory that this step may write to: the same one, unless the step can add something. */
function remember<State, Message, Request, Answer, Stored>(
  lens: Lens<State, Message, Request, Answer, Stored>,
  memory: RaftMemory,
  { before, after, events, effects }: Happened<State, Message, Request, Answer, Stored>,
): RaftMemory {
  const known = before === undefined ? undefined : lens.raftOf(before);
  const raft = lens.raftOf(after);
  const sent = messagesOf(lens, effects);
  const grants = sent.some(([, message]) => message.type === 'VoteAnswer' && message.granted);
  const leads = raft.role === 'leader' && (known?.role !== 'leader' || known.term !== raft.term);
  const grows = grants || leads || raft.commit !== (known?.commit ?? 0);
  const group = grows ? copyOf(memory.group) : memory.group;
  const readFloors = checkReads(lens, memory, raft.self, events, effects);
  return grows || readFloors !== memory.readFloors ? { group, readFloors } : memory;
}

function copyOf(group: GroupHistory): GroupHistory {
  return {
    leaders: new Map(group.leaders),
    newestTerm: group.newestTerm,
    committed: group.committed.slice(),
    committedIn: group.committedIn.slice(),
    entries: OTHERS,
    changes: group.changes.slice(),
    changesNotedTo: group.changesNotedTo,
    digests: group.digests,
    votes: new Map(group.votes),
    ...CANDIDACIES,
    asked: 0,
  };
}

/** A read sees all that was committed before it was asked. Gives what is to be remembered of the reads. */
function checkReads<State, Message, Request, Answer, Stored>(
  lens: Lens<State, Message, Request, Answer, Stored>,
  { group, readFloors }: RaftMemory,
  node: NodeId,
  events: readonly HostEvent<Message, Request>[],
  effects: readonly HostEffect<Message, Answer, Stored>[],
): ReadonlyMap<number, number> {
  let floors = readFloors;
  for (const event of events) {
    if (event.type !== 'RequestReceived' || !lens.isRead(event.request)) continue;
    floors = new Map(floors).set(event.token, lastCommitted(group));
  }
  for (const effect of effects) {
    if (effect.type !== 'Reply') continue;
    const index = lens.indexOf(effect.answer);
    const floor = floors.get(effect.token) ?? 0;
    if (index !== undefined && index < floor) {
      throw new PropertyBroken(
        'reads are fresh',
        `node ${node} answered a read from index ${index}, but ${floor} was committed before it was asked`,
      );
    }
  }
  return floors;
}

function checkStep<State, Message, Request, Answer, Stored>(
  options: WatchOptions,
  lens: Lens<State, Message, Request, Answer, Stored>,
  { group }: RaftMemory,
  world: World<State, Message, Stored, RaftMemory>,
  { node, before, after, effects }: Happened<State, Message, Request, Answer, Stored>,
): void {
  const raft = lens.raftOf(after);
  const known = before === undefined ? undefined : lens.raftOf(before);
  const viewOf = (id: number): DurableView => lens.viewOf(world.nodes[id - 1]?.stored ?? []);
  const running = (): Raft[] =>
    world.nodes.flatMap(({ state }) => (state === undefined ? [] : [lens.raftOf(state)]));
  OTHERS.clear();
  for (const noted of Object.values(CANDIDACIES)) noted.clear();
  group.asked = 0;
  if (known?.log !== raft.log) noteOtherLogs(running(), node);
  const context: StateContext = { history: group, viewOf, everywhere: running, limitsOf: () => options };
  checkStates(context, known, raft);
  checkConfigurations(group, known, raft);
  for (const [to, message] of messagesOf(lens, effects)) checkMessage(group, viewOf(node), raft, to, message);
}

type Sent = readonly (readonly [to: NodeId, message: RaftMessage<PartitionState>])[];

const NOTHING_SENT: Sent = [];
/** Worked out once for what a step wants done: the same step is taken in many worlds. */
const sentBy = new WeakMap<readonly unknown[], Sent>();

function messagesOf<State, Message, Request, Answer, Stored>(
  lens: Lens<State, Message, Request, Answer, Stored>,
  effects: readonly HostEffect<Message, Answer, Stored>[],
): Sent {
  if (effects.length === 0) return NOTHING_SENT;
  const known = sentBy.get(effects);
  if (known !== undefined) return known;
  const sent: (readonly [NodeId, RaftMessage<PartitionState>])[] = [];
  for (const effect of effects) {
    if (effect.type !== 'Send') continue;
    for (const message of effect.messages) {
      const ofRaft = lens.messageOf(message);
      if (ofRaft !== undefined) sent.push([effect.to, ofRaft]);
    }
  }
  sentBy.set(effects, sent);
  return sent;
}

/** What the other nodes have in their logs now: log matching is a property of the logs that there are. */
function noteOtherLogs(running: readonly Raft[], node: NodeId): void {
  for (const { self, log } of running) {
    if (self === node) continue;
    let previousTerm: number = log.baseTerm;
    for (let index = log.baseIndex + 1; index <= log.lastIndex; index += 1) {
      const entry = radixGet(log.entries, index) as Entry;
      OTHERS.set(pairKey(index, entry.term), { entry, previousTerm });
      previousTerm = entry.term;
    }
  }
}

function fingerprint(into: Fingerprint, { group, readFloors }: RaftMemory, names: Names): void {
  put(into, group.newestTerm);
  for (let term = 1; term <= group.newestTerm; term += 1) {
    put(into, names[group.leaders.get(term) ?? 0] as number);
  }
  put(into, group.committed.length);
  for (let index = 1; index < group.committed.length; index += 1) {
    const entry = group.committed[index];
    put(into, entry?.term ?? -1);
    if (entry !== undefined) putBytes(into, entry.payload);
    if (entry?.config !== undefined) putConfiguration(into, entry.config, names);
    put(into, group.committedIn[index] ?? -1);
  }
  putBag(into, [...group.votes], (each, [voterAndTerm, to]) => {
    put(each, names[Math.floor(voterAndTerm / pairKey(1, 0))] as number);
    put(each, voterAndTerm % pairKey(1, 0));
    put(each, names[to] as number);
  });
  for (const [token, floor] of readFloors) {
    put(into, token);
    put(into, floor);
  }
}
