/**
 * The invariants of Raft, checked at every step of an exploration: the same rules that watch a simulated run.
 *
 * Those rules keep a history that grows in place. Here a history belongs to a state, so it is copied before a step
 * that may add to it, and what can be told from the states themselves is not kept at all: entries are compared with
 * the logs that are there now, so that what nobody holds any more does not keep states apart.
 */

import { radixGet, type Entry, type NodeId, type StoredRecord } from '../../../core/index.js';
import { createDurableView, type DurableView } from '../../check/raft/durable-view.js';
import {
  createGroupHistory,
  lastCommitted,
  pairKey,
  type GroupHistory,
} from '../../check/raft/group-history.js';
import { checkMessage } from '../../check/raft/message-rules.js';
import { checkStates, type StateContext } from '../../check/raft/state-rules.js';
import { PropertyBroken } from '../../world/world.js';
import { put, putBag, putBytes, type Fingerprint } from '../fingerprint.js';
import type { Happened, Names, Watch, World } from '../machine-model.js';
import type { Disk, MemberAnswer, MemberMessage, MemberRequest, MemberState } from './member.js';

export interface RaftMemory {
  readonly group: GroupHistory;
  /** By token: what was committed when a read was asked. */
  readonly readFloors: ReadonlyMap<number, number>;
}

export type RaftWorld = World<MemberState, MemberMessage, Disk, RaftMemory>;
export type RaftWatch = Watch<MemberState, MemberMessage, MemberRequest, MemberAnswer, Disk, RaftMemory>;
type Step = Happened<MemberState, MemberMessage, MemberRequest, MemberAnswer, Disk>;

/** The entries that other nodes hold, filled anew for every step: all histories share it, and none remembers it. */
const OTHERS: GroupHistory['entries'] = new Map();

export interface WatchOptions {
  readonly maxInflightAppends: number;
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

export function createWatch(options: WatchOptions): RaftWatch {
  return {
    initial: { group: { ...createGroupHistory(), entries: OTHERS }, readFloors: new Map() },
    after: (memory, world, step) => {
      const grown = remember(memory, step);
      try {
        checkStep(options, grown, world, step);
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
function remember(memory: RaftMemory, { before, after, events, effects }: Step): RaftMemory {
  let { group, readFloors } = memory;
  const known = before?.raft;
  const { raft } = after;
  const grants = effects.some(
    (effect) =>
      effect.type === 'Send' &&
      effect.messages.some((message) => message.type === 'VoteAnswer' && message.granted),
  );
  const leads = raft.role === 'leader' && (known?.role !== 'leader' || known.term !== raft.term);
  if (grants || leads || raft.commit !== (known?.commit ?? 0)) {
    group = {
      leaders: new Map(group.leaders),
      newestTerm: group.newestTerm,
      committed: group.committed.slice(),
      committedIn: group.committedIn.slice(),
      entries: OTHERS,
      digests: group.digests,
      votes: new Map(group.votes),
    };
  }
  for (const event of events) {
    if (event.type !== 'RequestReceived' || event.request.type !== 'Read' || raft.role !== 'leader') continue;
    readFloors = new Map(readFloors).set(event.token, lastCommitted(group));
  }
  for (const effect of effects) {
    if (effect.type !== 'Reply' || effect.answer.index >= (readFloors.get(effect.token) ?? 0)) continue;
    throw new PropertyBroken(
      'reads are fresh',
      `node ${raft.self} answered a read from index ${effect.answer.index}, but ` +
        `${readFloors.get(effect.token) ?? 0} was committed before it was asked`,
    );
  }
  return group === memory.group && readFloors === memory.readFloors ? memory : { group, readFloors };
}

function checkStep(options: WatchOptions, memory: RaftMemory, world: RaftWorld, step: Step): void {
  const { node, before, after, effects } = step;
  const { group } = memory;
  OTHERS.clear();
  if (before?.raft.log !== after.raft.log) noteOtherLogs(world, node);
  const context: StateContext = {
    history: group,
    viewOf: (id) => viewOf(world.nodes[id - 1]?.stored),
    everywhere: () => world.nodes.flatMap(({ state }) => (state === undefined ? [] : [ofGroup(state)])),
    ...options,
  };
  checkStates(context, before === undefined ? undefined : ofGroup(before), ofGroup(after));
  for (const effect of effects) {
    if (effect.type !== 'Send') continue;
    for (const message of effect.messages) {
      checkMessage(group, viewOf(world.nodes[node - 1]?.stored), ofGroup(after), effect.to, message as never);
    }
  }
}

/** The rules are written for the partition's images; they look into none. */
function ofGroup(state: MemberState): Parameters<typeof checkStates>[2] {
  return state.raft as never;
}

/** What the other nodes have in their logs now: log matching is a property of the logs that there are. */
function noteOtherLogs(world: RaftWorld, node: NodeId): void {
  for (const { node: other, state } of world.nodes) {
    if (other === node || state === undefined) continue;
    const { log } = state.raft;
    let previousTerm: number = log.baseTerm;
    for (let index = log.baseIndex + 1; index <= log.lastIndex; index += 1) {
      const entry = radixGet(log.entries, index) as Entry;
      OTHERS.set(pairKey(index, entry.term), { entry, previousTerm });
      previousTerm = entry.term;
    }
  }
}

const NOTHING = createDurableView();
const views = new WeakMap<Disk, DurableView>();

function viewOf(stored: readonly StoredRecord<Disk>[] | undefined): DurableView {
  const disk = stored?.[0]?.value;
  if (disk === undefined) return NOTHING;
  let view = views.get(disk);
  if (view === undefined) {
    view = {
      term: disk.term,
      vote: disk.vote,
      baseIndex: disk.snapshot?.index ?? 0,
      baseTerm: disk.snapshot?.term ?? 0,
      terms: disk.entries.map(({ term }) => term),
    };
    views.set(disk, view);
  }
  return view;
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
