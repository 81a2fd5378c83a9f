/**
 * The gateway: what a node does for its own clients, whoever leads the partition.
 *
 * A request is executed here or forwarded to the leader, and tried again, under the same id, when leadership moves
 * or an answer stays away; so a client sees an election as a pause and not as an error. It gives up at the
 * request's deadline and says so; then nobody knows whether the write took effect, and a retry with the same id
 * finds out.
 */

import { addDeadline } from '../collections/deadlines.js';
import { added, EMPTY_LIST, listWith } from '../collections/list.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import { radixDelete, radixGet } from '../collections/radix-array.js';
import { monotonicMs, NO_NODE, type GroupId, type NodeId } from '../machine/units.js';
import {
  OWN_REQUEST_ID_PREFIX,
  type ClientAnswer,
  type ClientCall,
  type Operation,
  type RequestId,
} from '../partition/command.js';
import { describeOperation, groupOfOperation, isRead, refusalOf } from '../partition/operation.js';
import { problemWith, problemWithId } from '../partition/validate.js';
import { rosterWritten } from './admin.js';
import type { Origin } from './execution.js';
import { execute, modeOf } from './group.js';
import type { Executed, Forward, ForwardAnswer, ForwardResult } from './protocol.js';
import { enterRequest, forEachRequest, requestUnder, taskDone } from './requests.js';
import type { ClientRequest } from './state.js';
import { groupOf, openedGroup, sendAtOnce, type NodeTurn } from './turn.js';
import { isMemberHere } from './worklist.js';

/** How often a request follows the word of nodes that do not lead, before it waits for better knowledge. */
const MAX_REDIRECTS = 2;

export function requestReceived(turn: NodeTurn, token: number, request: ClientCall): void {
  const { operation } = request;
  const idProblem = request.requestId === undefined ? undefined : problemWithId(request.requestId);
  const problem = problemWith(operation) ?? idProblem;
  if (problem !== undefined) {
    turn.replies = added(turn.replies, { token, answer: refusedFor(operation, problem) });
    return;
  }
  if (!isMemberHere(turn)) {
    turn.replies = added(turn.replies, {
      token,
      answer: { ...refusalOf(operation, 'mustRetry'), reason: strangerHere(turn) },
    });
    return;
  }
  const { node, options, now } = turn;
  const group = groupOfOperation(operation, options.partitions);
  const accepted: ClientRequest = {
    token,
    group,
    // Reads are never entered in the retry table, so each attempt to read is its own.
    requestId: isRead(operation)
      ? ownRequestId(turn, token)
      : (request.requestId ?? ownRequestId(turn, token)),
    basis: groupOf(node, group).partition.applied,
    operation,
    deadline: monotonicMs(now.monotonic + options.requestTimeoutMs),
    retryAt: now.monotonic,
    sentTo: NO_NODE,
    redirects: 0,
    wasSent: false,
  };
  begin(turn, accepted);
}

/** Takes on a request of which all is known, and sends it on its way. */
export function begin(turn: NodeTurn, accepted: ClientRequest): void {
  const { node } = turn;
  const { token, operation, group } = accepted;
  const others = mapGet(node.tokensOf, accepted.requestId) ?? EMPTY_LIST;
  const clash = others.find((other) => contradicts(turn, other, accepted));
  if (clash !== undefined) {
    const reason = `operation id ${accepted.requestId} is under way for another operation of this partition`;
    tell(turn, accepted, refusedFor(operation, reason));
    return;
  }
  node.tokensOf = mapSet(node.tokensOf, accepted.requestId, listWith(others, token));
  attempt(turn, accepted, knownLeader(turn, group), 0);
}

function strangerHere({ options, node }: NodeTurn): string {
  const { roster } = node.membership;
  const hint = 'nothing was done here: ask another node';
  return roster === undefined
    ? `node ${options.node} has not joined the cluster yet; ${hint}`
    : `node ${options.node} is no member of the cluster (roster version ${roster.version}); ${hint}`;
}

/** What differs comes first: ids are compared often, and those of one node share the rest. */
export function ownRequestId(turn: NodeTurn, token: number): RequestId {
  return `${OWN_REQUEST_ID_PREFIX}${token}:${turn.node.incarnation}` as RequestId;
}

function refusedFor(operation: Operation, reason: string): ClientAnswer {
  return { ...refusalOf(operation, 'invalidInput'), reason };
}

/** Whether a request under way has the same id, in the same partition, and means something else. */
function contradicts(turn: NodeTurn, token: number, request: ClientRequest): boolean {
  const other = requestUnder(turn, token);
  if (other === undefined || other.group !== request.group) return false;
  return describeOperation(other.operation) !== describeOperation(request.operation);
}

/** The leader of a group as this node knows it now; 0 when it knows none. */
function knownLeader(turn: NodeTurn, group: GroupId): NodeId {
  return openedGroup(turn, group)?.raft.raft.leader ?? groupOf(turn.node, group).raft.leader;
}

/** Who is to execute an operation, given who leads; 0 for nobody yet. */
function placeOf(turn: NodeTurn, operation: Operation, leader: NodeId): NodeId {
  const mode = modeOf(operation);
  if (mode === 'stale') return turn.options.node;
  return mode === 'follower' && leader !== NO_NODE ? turn.options.node : leader;
}

/** Sends a request on its way, once more; it stays on the books until it is answered. */
function attempt(
  turn: NodeTurn,
  request: ClientRequest,
  leader: NodeId,
  redirects: number,
  atLeader = false,
): void {
  const { options } = turn;
  const { token, group, requestId, basis, operation, wasSent, within } = request;
  const place = atLeader ? leader : placeOf(turn, operation, leader);
  book(turn, request, { sentTo: place, redirects, wasSent: wasSent || leader !== NO_NODE });
  if (place === NO_NODE) return;
  if (place === options.node) {
    execute(turn, { group, requestId, basis, operation, origin: { type: 'Client', token }, within }, answer);
  } else {
    sendAtOnce(turn, place, { type: 'Forward', group, requestId, basis, operation, within });
  }
}

/** Notes who has a request, and when to look after it again; where nobody has it, that is soon. */
function book(
  turn: NodeTurn,
  { token, group, requestId, basis, operation, deadline, within, task }: ClientRequest,
  { sentTo, redirects, wasSent }: Pick<ClientRequest, 'sentTo' | 'redirects' | 'wasSent'>,
): void {
  const { node, options, now } = turn;
  const patience = sentTo === NO_NODE ? options.heartbeatIntervalMs : options.forwardTimeoutMs;
  const retryAt = monotonicMs(Math.min(now.monotonic + patience, deadline));
  const plain = { token, group, requestId, basis, operation, deadline, retryAt, sentTo, redirects, wasSent };
  enterRequest(turn, task === undefined ? plain : { ...plain, within, task });
  node.requestAlarms = addDeadline(node.requestAlarms, retryAt, token);
}

/** A request's alarm went off: give up, or try again. An alarm that was set for an earlier attempt means nothing. */
export function requestAlarm(turn: NodeTurn, token: number, at: number): void {
  const request = requestUnder(turn, token);
  if (request?.retryAt !== at) return;
  if (turn.now.monotonic >= request.deadline) {
    finish(turn, request, {
      ...refusalOf(request.operation, 'mustRetry'),
      reason: whyGivenUp(turn, request),
    });
    return;
  }
  attempt(turn, request, knownLeader(turn, request.group), 0);
}

function whyGivenUp(turn: NodeTurn, { wasSent }: ClientRequest): string {
  const { requestTimeoutMs } = turn.options;
  if (!wasSent) {
    return (
      `this node has known no leader of the partition for ${requestTimeoutMs} ms; the operation was not handed to any ` +
      'and has not taken effect: retry it with the same operation id'
    );
  }
  return (
    `the partition's leader did not answer within ${requestTimeoutMs} ms; ` +
    'whether the operation took effect is not known: retry it with the same operation id'
  );
}

/** A leader is known anew: whoever waits for this group, or asked another node, is sent there now. */
export function leaderLearnt(turn: NodeTurn, group: GroupId): void {
  const leader = knownLeader(turn, group);
  const moved: ClientRequest[] = [];
  forEachRequest(turn, (request) => {
    if (request.group !== group) return;
    if (request.sentTo !== placeOf(turn, request.operation, leader)) moved.push(request);
  });
  for (const request of moved) attempt(turn, request, leader, 0);
}

/** Another node asks this one, as the leader that it believes it is. */
export function forwardReceived(turn: NodeTurn, from: NodeId, forward: Forward): void {
  const { group, requestId, basis, operation, within } = forward;
  const origin: Origin = { type: 'Node', node: from, requestId };
  const known = radixGet(turn.node.groups, group);
  if (known === undefined) {
    const reason = `this node has no partition ${group}`;
    answer(turn, group, origin, { type: 'TryAgain', leader: NO_NODE, reason, overloaded: false });
    return;
  }
  const problem = problemWith(operation);
  if (problem === undefined) {
    execute(turn, { group, requestId, basis, operation, origin, within }, answer);
  } else {
    // The sender should have refused it; perhaps it is of another version.
    const outcome = refusalOf(operation, 'invalidInput');
    const index = known.partition.applied;
    answer(turn, group, origin, { type: 'Executed', outcome, index, reason: problem });
  }
}

export function forwardAnswered(turn: NodeTurn, from: NodeId, message: ForwardAnswer): void {
  const tokens = mapGet(turn.node.tokensOf, message.requestId) ?? EMPTY_LIST;
  for (const token of tokens) {
    if (requestUnder(turn, token)?.group !== message.group) continue;
    settle(turn, token, from, message.group, message.result);
  }
}

/** Brings a result to whoever asked. */
export function answer(turn: NodeTurn, group: GroupId, origin: Origin, result: ForwardResult): void {
  if (origin.type === 'Client') {
    settle(turn, origin.token, turn.options.node, group, result);
    return;
  }
  if (origin.type === 'Admin') return rosterWritten(turn, origin.task, origin.summary, result);
  const { node, requestId } = origin;
  sendAtOnce(turn, node, { type: 'ForwardAnswer', group, requestId, result });
}

function settle(turn: NodeTurn, token: number, from: NodeId, group: GroupId, result: ForwardResult): void {
  const request = requestUnder(turn, token);
  if (request === undefined) return;
  if (result.type === 'Executed') {
    finish(turn, request, executedAnswer(group, result));
    return;
  }
  if (request.sentTo !== from) return;
  if (result.overloaded) {
    finish(turn, request, { ...refusalOf(request.operation, 'mustRetry'), reason: result.reason });
    return;
  }
  const { leader } = result;
  if (leader !== NO_NODE && leader !== from && request.redirects < MAX_REDIRECTS) {
    attempt(turn, request, leader, request.redirects + 1, result.atLeader);
  } else {
    // Not at once, even where it knows the place: a stale read has no other than this node, which has just put it off.
    book(turn, request, { sentTo: NO_NODE, redirects: 0, wasSent: request.wasSent });
  }
}

function executedAnswer(group: GroupId, { outcome, index, reason }: Executed): ClientAnswer {
  const servedAt = { group, index };
  return reason === undefined ? { ...outcome, servedAt } : { ...outcome, reason, servedAt };
}

function finish(turn: NodeTurn, request: ClientRequest, given: ClientAnswer): void {
  const { node } = turn;
  const { token, requestId } = request;
  node.requests = radixDelete(node.requests, token);
  const known = mapGet(node.tokensOf, requestId) ?? EMPTY_LIST;
  const others =
    known.length === 1 && known[0] === token ? EMPTY_LIST : known.filter((other) => other !== token);
  node.tokensOf =
    others.length === 0 ? mapDelete(node.tokensOf, requestId) : mapSet(node.tokensOf, requestId, others);
  tell(turn, request, given);
}

/** The end of a request: its client is told, or whoever in this node asked. */
function tell(turn: NodeTurn, request: ClientRequest, given: ClientAnswer): void {
  const { token, task } = request;
  if (task === undefined) turn.replies = added(turn.replies, { token, answer: given });
  else taskDone(turn, request, task, given);
}
