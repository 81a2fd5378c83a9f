/**
 * Tasks: what a node asks of the partitions on its own account, as a client of its own gateway.
 *
 * So it is forwarded, follows the leadership, is repeated under one request id and given up at its deadline, just as a
 * client's request is. Its answer goes to whoever in the node asked; not from within what led to it, but when all groups of the
 * turn have settled, so that whoever is told may ask on as he likes. He must not at once repeat what was refused: it would be
 * refused in the same turn, for ever.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { monotonicMs, NO_NODE } from '../machine/units.js';
import type { Operation, RequestId } from '../partition/command.js';
import { groupOfOperation } from '../partition/operation.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { begin, ownRequestId } from './gateway.js';
import { tasksOf, type TaskAnswer, type TaskOrigin } from './requests.js';
import { groupOf, type NodeTurn } from './turn.js';

export type { TaskAnswer, TaskOrigin } from './requests.js';

/** How to ask, where it is not as usual. */
export interface AskOptions {
  /** The same when something is asked again after a `mustRetry`, so that it takes effect once; absent for one of its own. */
  readonly requestId?: RequestId;
  /** The transaction on whose behalf it is: its own locks are not in the way. */
  readonly within?: TransactionId;
  /** Milliseconds until it is given up, and told `mustRetry`; absent for `requestTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** Asks. The operation must be sound: nobody looks it over. Whoever asked is told exactly once, unless the node stops before. */
export function ask(
  turn: NodeTurn,
  operation: Operation,
  task: TaskOrigin,
  { requestId, within, timeoutMs }: AskOptions = {},
): void {
  const { node, options, now } = turn;
  const tasks = tasksOf(turn);
  const given = tasks.given + 1;
  const token = -given;
  node.tasks = { requests: tasks.requests, given, answered: tasks.answered };
  const group = groupOfOperation(operation, options.partitions);
  begin(turn, {
    token,
    group,
    requestId: requestId ?? ownRequestId(turn, token),
    basis: groupOf(node, group).partition.applied,
    operation,
    deadline: monotonicMs(now.monotonic + (timeoutMs ?? options.requestTimeoutMs)),
    retryAt: now.monotonic,
    sentTo: NO_NODE,
    redirects: 0,
    wasSent: false,
    within,
    task,
  });
}

/** Tells those who asked what was answered since. False when there was nothing to tell. */
export function tellTasks(turn: NodeTurn, tell: (turn: NodeTurn, answered: TaskAnswer) => void): boolean {
  const { answeredTasks } = turn;
  const earlier = turn.node.tasks?.answered ?? EMPTY_LIST;
  if (earlier.length === 0 && answeredTasks.length === 0) return false;
  turn.answeredTasks = EMPTY_LIST;
  if (earlier.length > 0) turn.node.tasks = { ...tasksOf(turn), answered: EMPTY_LIST };
  for (const answered of earlier) tell(turn, answered);
  for (const answered of answeredTasks) tell(turn, answered);
  return true;
}

/** What was answered since is for the next turn to tell. */
export function keepTasks(turn: NodeTurn): void {
  const { answeredTasks } = turn;
  if (answeredTasks.length > 0) turn.node.tasks = { ...tasksOf(turn), answered: answeredTasks };
}
