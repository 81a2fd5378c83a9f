/**
 * One group on one node: joins Raft, which agrees on commands, with the partition, which executes them.
 *
 * Owns the leader's side of a request: proposing a write, waiting for its index to be applied, reading at a
 * confirmed point. A waiter is answered with the outcome of exactly the entry that it proposed, or told to try
 * again: whether such a request took effect is decided by its id, in the retry table.
 */

import { nextTimestamp } from '../clock/hybrid-clock.js';
import { EMPTY_LIST } from '../collections/list.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import { radixDelete, radixForEach, radixGet, radixSet } from '../collections/radix-array.js';
import { assert, present } from '../machine/assert.js';
import { logIndex, NO_NODE, type GroupId, type LogIndex } from '../machine/units.js';
import {
  KeyValueCode,
  type Command,
  type Operation,
  type Outcome,
  type ReadOperation,
  type RequestId,
  type SpecialReadMode,
  type WriteOperation,
} from '../partition/command.js';
import { describeOperation, isRead, refusal } from '../partition/operation.js';
import { applyCommand, applyNothing, executeRead } from '../partition/partition.js';
import { findRetry } from '../partition/retry-table.js';
import { entryAt } from '../raft/log.js';
import { requestRead } from '../raft/read-index.js';
import { propose } from '../raft/replication.js';
import { decodeCommand, encodeCommand } from '../wire/index.js';
import type { ForwardResult } from './protocol.js';
import type { Origin, Waiter } from './state.js';
import { groupOf, openedGroup, openGroup, type NodeTurn, type OpenGroup } from './turn.js';

/** An operation for a group that this node may lead, or whose state it may read. */
export interface Execution {
  readonly group: GroupId;
  readonly requestId: RequestId;
  readonly basis: LogIndex;
  readonly operation: Operation;
  readonly origin: Origin;
}

/** How answers find their way back; the gateway implements it, so that groups need not know of it. */
export type Answer = (turn: NodeTurn, group: GroupId, origin: Origin, result: ForwardResult) => void;

/** Starts an operation. Its answer comes now or in a later turn, unless this node crashes first. */
export function execute(turn: NodeTurn, execution: Execution, answer: Answer): void {
  const { group, operation, origin } = execution;
  const mode = modeOf(operation);
  if (isRead(operation) && mode === 'stale') {
    const { partition } = openedGroup(turn, group)?.group ?? groupOf(turn.node, group);
    const outcome = executeRead(partition, operation);
    answer(turn, group, origin, { type: 'Executed', outcome, index: partition.applied });
    return;
  }
  const opened = openGroup(turn, group);
  const { raft } = opened.raft;
  const mayServe = raft.role === 'leader' || mode === 'follower';
  if (!mayServe) {
    answer(turn, group, origin, tryAgain(opened, 'this node does not lead the partition'));
    return;
  }
  if (isRead(operation)) executeLinearizableRead(turn, opened, operation, origin);
  else executeWrite(turn, opened, execution, operation, answer);
}

/** How an operation wants to be read; undefined for the usual way, and for what is no read. */
export function modeOf(operation: Operation): SpecialReadMode | undefined {
  return 'mode' in operation ? operation.mode : undefined;
}

function executeLinearizableRead(
  turn: NodeTurn,
  opened: OpenGroup,
  operation: ReadOperation,
  origin: Origin,
): void {
  const number = turn.node.nextRead;
  turn.node.nextRead = number + 1;
  const read = { group: opened.raft.raft.group, operation, origin };
  turn.node.reads = radixSet(turn.node.reads, number, read);
  const mode = modeOf(operation);
  requestRead(opened.raft, number, mode === 'lease' ? 'lease' : mode === 'follower' ? 'leader' : 'round');
}

function executeWrite(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  operation: WriteOperation,
  answer: Answer,
): void {
  const { group, requestId, basis, origin } = execution;
  const earlier = findRetry(opened.group.partition.retries, requestId);
  if (earlier !== undefined && earlier.operation === describeOperation(operation)) {
    answer(turn, group, origin, { type: 'Executed', outcome: earlier.outcome, index: earlier.index });
    return;
  }
  const inFlight = mapGet(opened.group.proposed, requestId);
  if (inFlight !== undefined && joinWaiters(opened, inFlight, operation, origin)) return;

  turn.node.clock = nextTimestamp(turn.node.clock, turn.options.node, turn.now.wall);
  const command: Command = { requestId, basis, stampedAt: turn.node.clock, operation };
  const proposal = propose(opened.raft, encodeCommand(command));
  if (proposal.type === 'Refused') {
    const { why } = proposal;
    const refused = tryAgain(opened, `the leader cannot take the write now: ${why}`);
    answer(turn, group, origin, why === 'overloaded' ? overloaded(turn, opened) : refused);
    return;
  }
  const waiter: Waiter = { term: proposal.term, requestId, operation, origins: [origin] };
  opened.group.waiting = radixSet(opened.group.waiting, proposal.index, waiter);
  opened.group.proposed = mapSet(opened.group.proposed, requestId, proposal.index);
}

/**
 * A request that is asked again while it is under way waits for the entry that is already proposed. Proposing it
 * once more would be harmless to the outcome but not to the load: a slow log would be fed with repetitions of
 * what it is slow at, and never recover.
 */
function joinWaiters(opened: OpenGroup, index: LogIndex, operation: WriteOperation, origin: Origin): boolean {
  const { group } = opened;
  const waiter = present(
    radixGet(group.waiting, index),
    () => `nobody waits for the request at index ${index}`,
  );
  if (describeOperation(waiter.operation) !== describeOperation(operation)) return false;
  const known = waiter.origins.some((other) => sameOrigin(other, origin));
  if (!known) {
    const { term, requestId, origins } = waiter;
    const joined: Waiter = { term, requestId, operation: waiter.operation, origins: [...origins, origin] };
    group.waiting = radixSet(group.waiting, index, joined);
  }
  return true;
}

function sameOrigin(a: Origin, b: Origin): boolean {
  switch (a.type) {
    case 'Client':
      return b.type === 'Client' && a.token === b.token;
    case 'Node':
      return b.type === 'Node' && a.node === b.node;
    case 'Admin':
      return b.type === 'Admin' && a.task === b.task;
  }
}

function tryAgain(opened: OpenGroup, reason: string): ForwardResult {
  return { type: 'TryAgain', leader: opened.raft.raft.leader, reason, overloaded: false };
}

function overloaded(turn: NodeTurn, opened: OpenGroup): ForwardResult {
  const reason =
    `overloaded: ${opened.raft.raft.uncommittedBytes} bytes of writes to this partition wait for their commit, and ` +
    `no more than ${turn.options.maxUncommittedBytes} may (maxUncommittedBytes); the operation was not proposed now: ` +
    'retry it later, with the same operation id';
  return { type: 'TryAgain', leader: opened.raft.raft.leader, reason, overloaded: true };
}

/** Executes every committed entry, and answers those who wait. */
export function applyCommitted(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { group } = opened;
  const { raft } = opened.raft;
  if (group.partition.applied < raft.log.baseIndex) installImage(opened);
  while (group.partition.applied < raft.commit) {
    const index = logIndex(group.partition.applied + 1);
    const entry = entryAt(raft.log, index);
    const waiter = radixGet(group.waiting, index);
    const { outcome, reason } = applyEntry(turn, opened, index, entry.payload);
    if (waiter === undefined) continue;
    group.waiting = radixDelete(group.waiting, index);
    group.proposed = mapDelete(group.proposed, waiter.requestId);
    const result: ForwardResult =
      waiter.term === entry.term
        ? { type: 'Executed', outcome, index, ...(reason === undefined ? {} : { reason }) }
        : tryAgain(opened, 'another leader put a different entry in place of the write');
    for (const origin of waiter.origins) answer(turn, raft.group, origin, result);
  }
}

/** A snapshot replaced the log: the partition is what the snapshot says. */
function installImage(opened: OpenGroup): void {
  const { raft } = opened.raft;
  const snapshot = present(
    raft.snapshot,
    () => `group ${raft.group} lost entries without a snapshot for them`,
  );
  opened.group.partition = snapshot.state;
  assert(
    snapshot.state.applied === snapshot.index,
    () => `group ${raft.group}: a snapshot at ${snapshot.index} holds a state at ${snapshot.state.applied}`,
  );
}

function applyEntry(
  turn: NodeTurn,
  opened: OpenGroup,
  index: LogIndex,
  payload: Uint8Array,
): { outcome: Outcome; reason?: string } {
  const { group } = opened;
  const { retryWindow } = turn.options;
  if (payload.length === 0) {
    group.partition = applyNothing(group.partition, index, retryWindow);
    return { outcome: refusal(KeyValueCode.errored) };
  }
  const command = decodeCommand(payload);
  assert(
    command.ok,
    () => `the committed command at index ${index} cannot be read: ${command.ok ? '' : command.reason}`,
  );
  const applied = applyCommand(group.partition, index, command.value, retryWindow);
  group.partition = applied.state;
  return applied;
}

/** Answers the reads whose point is confirmed, and turns back those that this node may no longer serve. */
export function serveReads(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { node } = turn;
  const { partition } = opened.group;
  if (opened.raft.readsReady.length === 0 && opened.raft.readsRefused.length === 0) return;
  const { readsReady, readsRefused } = opened.raft;
  opened.raft.readsReady = EMPTY_LIST;
  opened.raft.readsRefused = EMPTY_LIST;
  for (const { tokens, index } of readsReady) {
    assert(
      partition.applied >= index,
      () => `a read at index ${index} would be answered by a state at ${partition.applied}`,
    );
    for (const number of tokens) {
      const read = present(radixGet(node.reads, number), () => `read ${number} is unknown`);
      node.reads = radixDelete(node.reads, number);
      const outcome = executeRead(partition, read.operation);
      answer(turn, read.group, read.origin, { type: 'Executed', outcome, index: partition.applied });
    }
  }
  for (const number of readsRefused) {
    const read = present(radixGet(node.reads, number), () => `read ${number} is unknown`);
    node.reads = radixDelete(node.reads, number);
    answer(
      turn,
      read.group,
      read.origin,
      tryAgain(opened, 'leadership was lost before the read was confirmed'),
    );
  }
}

/**
 * Those who wait for the leadership of a term that is over are told at once; their writes may still be committed. A node
 * may win an election and lose it to a later one in a single turn, with proposals in between.
 */
export function releaseWaiters(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { raft } = opened.raft;
  const { before, group } = opened;
  if (raft.role === before.raft.role && raft.term === before.raft.term) return;
  const result = tryAgain(opened, 'leadership was lost before the write was committed');
  radixForEach(group.waiting, ({ term, requestId, origins }, index) => {
    if (raft.role === 'leader' && raft.term === term) return;
    group.waiting = radixDelete(group.waiting, index);
    group.proposed = mapDelete(group.proposed, requestId);
    for (const origin of origins) answer(turn, raft.group, origin, result);
  });
}

/** Whether this node learnt in this turn of a leader that it did not know before. */
export function learntOfLeader(opened: OpenGroup): boolean {
  const { raft } = opened.raft;
  const { before } = opened;
  return raft.leader !== NO_NODE && (raft.leader !== before.raft.leader || raft.term !== before.raft.term);
}
