/**
 * One group on one node: joins Raft, which agrees on commands, with the partition, which executes them.
 *
 * Owns how an operation is executed by the node that leads the group, or that may answer for it: a write is proposed
 * (`proposals.ts`) and told when it is applied (`applying.ts`); a read is answered when it is confirmed that its point is
 * the newest, and what only the leader keeps is executed in the same way (`ephemeral.ts`, `reservations.ts`). What is over
 * by the leader's clock is said in the log before anybody is told of it (`expiry.ts`).
 */

import { EMPTY_LIST } from '../collections/list.js';
import { radixDelete, radixGet, radixSet } from '../collections/radix-array.js';
import { assert, present } from '../machine/assert.js';
import { NO_NODE } from '../machine/units.js';
import { intentsIn, isAhead } from '../partition/blocking.js';
import type { Lapse, Operation, ReadOperation, SpecialReadMode } from '../partition/command.js';
import type { Contents } from '../partition/contents.js';
import { knowsFloor, setFloor } from '../partition/holds.js';
import { isRead, refusalOf } from '../partition/operation.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { answerRead } from '../partition/partition.js';
import { requestRead } from '../raft/read-index.js';
import { block, takeBlocked, urgeBlocker } from './blocked.js';
import { executeEphemeral, isEphemeral } from './ephemeral.js';
import type { Execution } from './execution.js';
import { lapsesFor } from './expiry.js';
import { executeLocking, isLockOperation, lockedNoMore, refusedByLock } from './locking.js';
import { isTransactionWrite, noteTransaction } from './noticing.js';
import { refusedByBound } from './prepared-bound.js';
import { executed, isRepetition, proposeOperation, tooMuch, tryAgain, type Answer } from './proposals.js';
import { reserve } from './reservations.js';
import type { PendingRead } from './state.js';
import { leadershipOf, noticeLeadership, presentLeadership, wakeToLead } from './tenure.js';
import { currentGroup, openGroup, type NodeTurn, type OpenGroup } from './turn.js';
import { answerFrom } from './value-reading.js';

/** Starts an operation. Its answer comes now or in a later turn, unless this node crashes first. */
export function execute(turn: NodeTurn, execution: Execution, answer: Answer): void {
  const { group, operation, origin } = execution;
  const mode = modeOf(operation);
  if (isRead(operation) && mode === 'stale') {
    const { partition } = currentGroup(turn, group);
    answerFrom(turn, group, operation, origin, partition, answer);
    return;
  }
  const opened = openGroup(turn, group);
  wakeToLead(turn, opened, answer);
  const mayServe = opened.raft.raft.role === 'leader' || mode === 'follower';
  if (!mayServe) {
    answer(turn, group, origin, tryAgain(opened, 'this node does not lead the partition'));
    return;
  }
  noticeLeadership(turn, opened, answer);
  const isForMemory = isEphemeral(operation) || isLockOperation(operation);
  if (isRead(operation) || isForMemory) confirmFirst(turn, opened, execution, answer);
  else if (operation.type !== 'ReserveSequence') executeWrite(turn, opened, execution, operation, answer);
  else if (!reserve(turn, opened, { execution, operation, confirmed: false }, answer)) {
    confirmFirst(turn, opened, execution, answer);
  }
}

/** How an operation wants to be read; undefined for the usual way, and for what is no read. Only the leader has the ephemeral. */
export function modeOf(operation: Operation): SpecialReadMode | undefined {
  if (!('mode' in operation)) return undefined;
  return operation.mode !== 'lease' && isEphemeral(operation) ? undefined : operation.mode;
}

/** Has it confirmed that this node leads, or what its leader has committed; `serveReads` goes on then. */
function confirmFirst(turn: NodeTurn, opened: OpenGroup, execution: Execution, answer: Answer): void {
  const { node, options } = turn;
  const { group, operation, origin } = execution;
  if (node.openReads >= options.maxOpenReads) {
    const reason =
      `${node.openReads} reads wait on this node for their leaders to be confirmed, and no more may ` +
      '(maxOpenReads); nothing was executed: retry it later';
    answer(turn, group, origin, tooMuch(opened, reason));
    return;
  }
  const number = node.nextRead;
  node.nextRead = number + 1;
  node.openReads += 1;
  const read: PendingRead = { execution, term: opened.raft.raft.term };
  node.reads = radixSet(node.reads, number, read);
  const mode = modeOf(operation);
  requestRead(opened.raft, number, mode === 'lease' ? 'lease' : mode === 'follower' ? 'leader' : 'round');
}

function executeWrite(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  operation: Operation,
  answer: Answer,
): void {
  if (isRepetition(turn, opened, execution, answer)) return;
  const { partition } = opened.group;
  if (operation.type === 'SetFloor' && knowsFloor(partition, operation.position)) {
    const { group, origin } = execution;
    return answer(turn, group, origin, executed(setFloor(partition, operation), partition.applied));
  }
  const lead = leadershipOf(opened);
  if (lead !== undefined && isHeldUp(turn, opened, execution, partition, answer)) return;
  const lapsed = lead === undefined ? undefined : lapsesFor(turn, lead, partition, operation);
  proposeOperation(turn, opened, execution, lapsed === undefined ? undefined : { lapsed }, answer);
}

/**
 * Whether a transaction is in the way of an operation, which is then dealt with: it waits for one that is prepared to be
 * settled, or is turned away by the lock of one that is not.
 */
function isHeldUp(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  contents: Contents,
  answer: Answer,
): boolean {
  const { operation, group, origin } = execution;
  const [on] = intentsIn(contents, operation);
  if (on !== undefined) {
    block(turn, opened, { execution, on, confirmed: isRead(operation) || isEphemeral(operation) }, answer);
    return true;
  }
  const refused = refusedByLock(turn, opened, execution) ?? refusedByBound(turn, contents, operation);
  if (refused !== undefined) answer(turn, group, origin, executed(refused, opened.group.partition.applied));
  return refused !== undefined;
}

/** That transaction is no longer prepared here: who waited for it goes on, in the order of arrival. */
export function unblock(turn: NodeTurn, opened: OpenGroup, transaction: TransactionId, answer: Answer): void {
  const { term } = presentLeadership(opened);
  for (const { execution, confirmed } of takeBlocked(opened, transaction)) {
    // Whatever state comes later than the one that was confirmed is new enough.
    if (confirmed) serveConfirmed(turn, opened, { execution, term }, answer);
    else executeWrite(turn, opened, execution, execution.operation, answer);
  }
}

/** Goes on with what is confirmed by now, and turns back what this node may no longer serve. */
export function serveReads(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  if (opened.raft.readsReady.length === 0 && opened.raft.readsRefused.length === 0) return;
  const { readsReady, readsRefused } = opened.raft;
  opened.raft.readsReady = EMPTY_LIST;
  opened.raft.readsRefused = EMPTY_LIST;
  for (const { tokens, index } of readsReady) {
    const { partition } = opened.group;
    assert(
      partition.applied >= index,
      () => `a read at index ${index} would be answered by a state at ${partition.applied}`,
    );
    for (const number of tokens) serveConfirmed(turn, opened, takeRead(turn, number), answer);
  }
  for (const number of readsRefused) {
    const { execution } = takeRead(turn, number);
    const { group, origin } = execution;
    answer(turn, group, origin, tryAgain(opened, 'leadership was lost before the read was confirmed'));
  }
}

function takeRead({ node }: NodeTurn, number: number): PendingRead {
  const read = present(radixGet(node.reads, number), () => `read ${number} is unknown`);
  node.reads = radixDelete(node.reads, number);
  node.openReads -= 1;
  return read;
}

function serveConfirmed(
  turn: NodeTurn,
  opened: OpenGroup,
  { execution, term }: PendingRead,
  answer: Answer,
): void {
  const { operation, group, origin } = execution;
  const { partition } = opened.group;
  const lead = leadershipOf(opened);
  if (isRead(operation) && !isEphemeral(operation)) {
    serveRead(turn, opened, execution, operation, answer);
    return;
  }
  if (lead?.term !== term) {
    answer(turn, group, origin, tryAgain(opened, 'leadership was lost before the operation was executed'));
    return;
  }
  if (operation.type === 'ReserveSequence') {
    const done = reserve(turn, opened, { execution, operation, confirmed: true }, answer);
    assert(done, () => `the reservation ${execution.requestId} is confirmed, and asks to be confirmed again`);
    return;
  }
  if (isLockOperation(operation)) {
    answer(turn, group, origin, executed(executeLocking(turn, opened, operation), partition.applied));
    return;
  }
  if (isHeldUp(turn, opened, execution, lead.ephemeral.state, answer)) return;
  const given = executeEphemeral(turn, opened, execution.requestId, operation);
  answer(turn, group, origin, executed(given, partition.applied));
  urgeBlocker(turn, opened, 'ephemeral', given.outcome);
  if (!isTransactionWrite(operation)) return;
  lockedNoMore(opened, operation, given.outcome, turn.now.monotonic);
  noteTransaction(turn, opened, 'ephemeral', operation.transaction);
  if (operation.type === 'Settle') unblock(turn, opened, operation.transaction, answer);
}

/** A time that is further ahead of the leader's clock is not waited for, nor is the partition brought to it: milliseconds. */
const MOST_AHEAD_MS = 10_000;

/** Answers a read from the state that is confirmed to be new enough, unless there is more to be done. */
function serveRead(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  operation: ReadOperation,
  answer: Answer,
): void {
  const { group, origin } = execution;
  const { partition } = opened.group;
  const lead = leadershipOf(opened);
  const ahead = isAhead(partition, operation);
  if (lead === undefined) {
    if (ahead || intentsIn(partition, operation).length > 0) {
      const reason = 'only the leader can say what a transaction that is prepared comes to';
      answer(turn, group, origin, { ...tryAgain(opened, reason), atLeader: true });
    } else {
      answerFrom(turn, group, operation, origin, partition, answer);
    }
    return;
  }
  if (ahead && isTooFarAhead(turn, operation)) {
    const reason = `the time to be shown is more than ${MOST_AHEAD_MS} ms ahead of the partition's leader`;
    const outcome = refusalOf(operation, 'invalidInput');
    answer(turn, group, origin, executed({ outcome, reason }, partition.applied));
    return;
  }
  if (isHeldUp(turn, opened, execution, partition, answer)) return;
  const lapsed = lapsesFor(turn, lead, partition, operation);
  if (lapsed !== undefined || ahead) {
    readThroughLog(turn, opened, execution, lapsed, answer);
    return;
  }
  if (operation.type === 'Validate')
    urgeBlocker(turn, opened, 'part', answerRead(partition, operation).outcome);
  answerFrom(turn, group, operation, origin, partition, answer);
}

/** A transaction's own time is not for its leader to judge: it was given when it was prepared. */
function isTooFarAhead({ now }: NodeTurn, operation: ReadOperation): boolean {
  if (operation.type === 'Validate' || !('at' in operation) || operation.at === undefined) return false;
  return operation.at.wall > now.wall + MOST_AHEAD_MS;
}

/**
 * A read that found something over: its end stands in the log before anybody is told of it. Or one of a time to which the
 * partition has not come yet, and comes so.
 */
function readThroughLog(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  lapsed: readonly Lapse[] | undefined,
  answer: Answer,
): void {
  if (isRepetition(turn, opened, execution, answer)) return;
  const { group, requestId, operation, origin } = execution;
  // A read may be executed twice, so that it may have been applied before is no matter.
  const basis = opened.group.partition.applied;
  const addition = lapsed === undefined ? undefined : { lapsed };
  proposeOperation(turn, opened, { group, requestId, basis, operation, origin }, addition, answer);
}

/** Whether this node learnt in this turn of a leader that it did not know before. */
export function learntOfLeader(opened: OpenGroup): boolean {
  const { raft } = opened.raft;
  const { before } = opened;
  return raft.leader !== NO_NODE && (raft.leader !== before.raft.leader || raft.term !== before.raft.term);
}
