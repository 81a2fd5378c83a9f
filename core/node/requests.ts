/**
 * The books of the gateway: the requests that are under way, by token.
 *
 * Those of clients bear the token that the host gave. What this node asks on its own account (`tasks.ts`) has tokens below 0
 * and books of its own, which are not there until there is something in them; all else is the same for both.
 */

import { added, EMPTY_LIST } from '../collections/list.js';
import {
  emptyRadixArray,
  radixDelete,
  radixForEach,
  radixGet,
  radixSet,
  type RadixArray,
} from '../collections/radix-array.js';
import type { ClientAnswer } from '../partition/command.js';
import type { GroupId, Term } from '../machine/units.js';
import type { ClientRequest } from './state.js';
import type { NodeTurn } from './turn.js';

/** What this node asks on its own account. */
export interface Tasks {
  /** By the token without its sign. */
  readonly requests: RadixArray<ClientRequest>;
  /** So many tokens were given. */
  readonly given: number;
  /** Answers that came when the turn was about to end, and that nobody was told yet; oldest first. */
  readonly answered: readonly TaskAnswer[];
}

/** Who in this node asked, and is told. */
export type TaskOrigin =
  /** A session of the coordinator, at a step that it numbered. */
  | { readonly type: 'Session'; readonly session: string; readonly step: number }
  /** Whoever looks after what transactions have left in a group that this node leads, in that term; and after what (`agenda.ts`). */
  | { readonly type: 'Resolver'; readonly group: GroupId; readonly term: Term; readonly item: string };

export interface TaskAnswer {
  readonly task: TaskOrigin;
  /** What was asked. */
  readonly request: ClientRequest;
  readonly answer: ClientAnswer;
}

export const NO_TASKS: Tasks = { requests: emptyRadixArray(), given: 0, answered: EMPTY_LIST };

export function tasksOf({ node }: NodeTurn): Tasks {
  return node.tasks ?? NO_TASKS;
}

/** The request with that token; undefined when it was answered, or never was. */
export function requestUnder(turn: NodeTurn, token: number): ClientRequest | undefined {
  return token < 0 ? radixGet(tasksOf(turn).requests, -token) : radixGet(turn.node.requests, token);
}

/** Enters a request, or what has changed about it. */
export function enterRequest(turn: NodeTurn, request: ClientRequest): void {
  const { node } = turn;
  const { token } = request;
  if (token < 0) {
    const tasks = tasksOf(turn);
    const { given, answered } = tasks;
    node.tasks = { requests: radixSet(tasks.requests, -token, request), given, answered };
  } else {
    node.requests = radixSet(node.requests, token, request);
  }
}

/** A request of this node itself has its answer: it is off the books, and whoever asked is told soon. */
export function taskDone(
  turn: NodeTurn,
  request: ClientRequest,
  task: TaskOrigin,
  answer: ClientAnswer,
): void {
  const tasks = tasksOf(turn);
  const { given, answered } = tasks;
  turn.node.tasks = { requests: radixDelete(tasks.requests, -request.token), given, answered };
  turn.answeredTasks = added(turn.answeredTasks, { task, request, answer });
}

/** All requests, those of clients first. */
export function forEachRequest(turn: NodeTurn, visit: (request: ClientRequest) => void): void {
  radixForEach(turn.node.requests, visit);
  if (turn.node.tasks !== undefined) radixForEach(turn.node.tasks.requests, visit);
}
