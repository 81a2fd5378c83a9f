/**
 * Proposals: how a leader puts commands into the log, and who waits for them.
 *
 * A waiter is answered with the outcome of exactly the entry that it proposed, or told to try again: whether such a
 * request took effect is decided by its id, in the retry table.
 */

import { nextTimestamp } from '../clock/hybrid-clock.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import { radixDelete, radixForEach, radixGet, radixSet } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import type { GroupId, LogIndex } from '../machine/units.js';
import { OWN_REQUEST_ID_PREFIX, type Command, type Operation, type RequestId } from '../partition/command.js';
import type { Answer as PartitionAnswer } from '../partition/contents.js';
import { describeOperation } from '../partition/operation.js';
import { findRetry } from '../partition/retry-table.js';
import { propose } from '../raft/replication.js';
import { encodeCommand } from '../wire/index.js';
import { sameOrigin, type Execution, type Origin } from './execution.js';
import { answerOrKeep } from './kept-answers.js';
import type { ForwardResult, TryAgain } from './protocol.js';
import type { Waiter } from './state.js';
import type { NodeTurn, OpenGroup } from './turn.js';

/** What the leader adds to an operation when it makes a command of it. */
export type Addition = Pick<Command, 'lapsed' | 'take' | 'trim'>;

/** How answers find their way back; the gateway implements it, so that groups need not know of it. */
export type Answer = (turn: NodeTurn, group: GroupId, origin: Origin, result: ForwardResult) => void;

/**
 * Whether a request is already applied, or on its way: then it is answered from the retry table, or waits for the entry
 * that is proposed. Proposing it once more would be harmless to the outcome but not to the load: a slow log would be fed
 * with repetitions of what it is slow at, and never recover.
 */
export function isRepetition(
  turn: NodeTurn,
  opened: OpenGroup,
  { requestId, operation, origin }: Execution,
  answer: Answer,
): boolean {
  const earlier = findRetry(opened.group.partition.retries, requestId);
  if (earlier !== undefined && earlier.operation === describeOperation(operation)) {
    const { outcome, index } = earlier;
    answerOrKeep(turn, opened, operation, origin, { type: 'Executed', outcome, index }, answer);
    return true;
  }
  const inFlight = mapGet(opened.group.proposed, requestId);
  return inFlight !== undefined && joinWaiters(opened, inFlight, operation, origin);
}

/** Proposes a command of which the origin is told when it is applied. Its index; undefined when it was refused. */
export function proposeOperation(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  addition: Addition | undefined,
  answer: Answer,
): LogIndex | undefined {
  const { group, requestId, basis, operation, origin } = execution;
  turn.node.clock = nextTimestamp(turn.node.clock, turn.options.node, turn.now.wall);
  const plain: Command = { requestId, basis, stampedAt: turn.node.clock, operation };
  const command: Command = addition === undefined ? plain : { ...plain, ...addition };
  const proposal = propose(opened.raft, encodeCommand(command));
  if (proposal.type === 'Refused') {
    const { why } = proposal;
    const refused = tryAgain(opened, `the leader cannot take the write now: ${why}`);
    answer(turn, group, origin, why === 'overloaded' ? overloaded(turn, opened) : refused);
    return undefined;
  }
  const waiter: Waiter = { term: proposal.term, requestId, operation, origins: [origin] };
  opened.group.waiting = radixSet(opened.group.waiting, proposal.index, waiter);
  opened.group.proposed = mapSet(opened.group.proposed, requestId, proposal.index);
  return proposal.index;
}

/** Proposes a command for which nobody waits. Its index; undefined when it cannot be proposed now. */
export function proposeOwn(
  turn: NodeTurn,
  opened: OpenGroup,
  purpose: string,
  operation: Operation,
  addition: Addition,
): LogIndex | undefined {
  const { term, log } = opened.raft.raft;
  turn.node.clock = nextTimestamp(turn.node.clock, turn.options.node, turn.now.wall);
  const requestId = `${OWN_REQUEST_ID_PREFIX}${purpose}-${log.lastIndex}-${term}` as RequestId;
  const basis = opened.group.partition.applied;
  const command: Command = { requestId, basis, stampedAt: turn.node.clock, operation, ...addition };
  const proposal = propose(opened.raft, encodeCommand(command));
  return proposal.type === 'Refused' ? undefined : proposal.index;
}

function joinWaiters(opened: OpenGroup, index: LogIndex, operation: Operation, origin: Origin): boolean {
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

/** What was executed at this point of the partition's history. */
export function executed({ outcome, reason }: PartitionAnswer, index: LogIndex): ForwardResult {
  return reason === undefined
    ? { type: 'Executed', outcome, index }
    : { type: 'Executed', outcome, index, reason };
}

export function tryAgain(opened: OpenGroup, reason: string): TryAgain {
  return { type: 'TryAgain', leader: opened.raft.raft.leader, reason, overloaded: false };
}

/** There is more to do than this node can take: whoever asks is told so at once. */
export function tooMuch(opened: OpenGroup, reason: string): TryAgain {
  return {
    type: 'TryAgain',
    leader: opened.raft.raft.leader,
    reason: `overloaded: ${reason}`,
    overloaded: true,
  };
}

function overloaded(turn: NodeTurn, opened: OpenGroup): TryAgain {
  return tooMuch(
    opened,
    `${opened.raft.raft.uncommittedBytes} bytes of writes to this partition wait for their commit, and ` +
      `no more than ${turn.options.maxUncommittedBytes} may (maxUncommittedBytes); the operation was not proposed now: ` +
      'retry it later, with the same operation id',
  );
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
