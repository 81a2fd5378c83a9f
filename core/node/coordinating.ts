/**
 * Sessions on a node: carries out what they want, brings them what happened, and finds the node of those that are not here.
 *
 * The rules of a session stand in `core/transactions`; here is only who asks whom. A session lives where it was started, and its timestamp
 * says where that is. When it is over its outcome is kept for a while; after that, and when its node is gone, its record is asked.
 */

import { nextName, RUN_TAGS } from '../clock/hybrid-clock.js';
import { finish, mixText } from '../collections/digest.js';
import { dropEarliest } from '../collections/deadlines.js';
import { fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import { added } from '../collections/list.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import { radixDelete, radixGet, radixSet } from '../collections/radix-array.js';
import { unreachable } from '../machine/assert.js';
import { monotonicMs, type GroupId, type NodeId } from '../machine/units.js';
import {
  TransactionCode,
  transactionIdOf,
  transactionPrefix,
  type TransactionId,
} from '../partition/transaction-command.js';
import { partitionOfKey } from '../placement/partition-of-key.js';
import { ScriptCode } from '../script/effects.js';
import {
  SessionCode,
  type SessionAnswer,
  type TransactionAnswer,
  type StartTransaction,
  type TransactionCall,
  type TransactionHandle,
} from '../transactions/calls.js';
import { answerOf } from '../transactions/finalize.js';
import { problemWithCall } from '../transactions/validate-call.js';
import { newSession, stepSession } from '../transactions/session.js';
import type {
  Caller,
  SessionCall,
  SessionEffect,
  SessionInput,
  SessionState,
  Told,
  Verdict,
} from '../transactions/session-state.js';
import { effectiveOptions, problemWithStart } from '../transactions/start.js';
import {
  enterGate,
  freePlace,
  patienceOver,
  type Admission,
  type Doorman,
  type Entrant,
} from './admitting.js';
import {
  coordinate,
  coordinationOf,
  MAX_RETAINED,
  MAX_SESSIONS,
  newNumber,
  outcomeIn,
  setAlarm,
  RETAINED_MS,
  type CallerPlace,
  type Lookup,
} from './coordination.js';
import { chase, condemnReceived } from './deadlocks.js';
import type { Condemn, SessionForward, SessionForwarded, WaitProbe } from './protocol.js';
import type { TaskAnswer } from './requests.js';
import {
  SCRIPT_PREFIX,
  scriptAdmitted,
  scriptNotAdmitted,
  scriptTaskAnswered,
  scriptTold,
} from './script-effects.js';
import type { Sessions } from './script-runs.js';
import { pumpScripts, scriptDue, scriptRequested } from './scripting.js';
import { ask } from './tasks.js';
import { currentGroup, sendAtOnce, type NodeTurn } from './turn.js';
import { isMemberHere, rosterOf } from './worklist.js';
import { memberOf } from './roster.js';

/** A client of this node asks something about a transaction. */
export function transactionRequested(turn: NodeTurn, token: number, call: TransactionCall): void {
  const place: CallerPlace = { type: 'Client', token };
  if (!isMemberHere(turn)) {
    const reason = `node ${turn.options.node} is no member of the cluster: ask another node`;
    return call.type === 'RunScript'
      ? tellAnybody(turn, place, { family: 'script', code: ScriptCode.mustRetry, entries: [], reason })
      : tell(turn, place, { family: 'session', code: SessionCode.mustRetry, reason });
  }
  switch (call.type) {
    case 'StartTransaction':
      return start(turn, place, call);
    case 'OperateInTransaction':
    case 'CommitTransaction':
    case 'RollbackTransaction':
      return sessionCalled(turn, place, call);
    case 'RunScript':
      return scriptRequested(turn, SESSIONS, place, call);
    default:
      return unreachable(call);
  }
}

function start(turn: NodeTurn, place: CallerPlace, call: StartTransaction): void {
  const problem = problemWithStart(call);
  if (problem !== undefined) {
    return tell(turn, place, { family: 'session', code: SessionCode.invalidInput, reason: problem });
  }
  const { sessionCount } = coordinationOf(turn);
  if (sessionCount >= MAX_SESSIONS) {
    const reason = `${sessionCount} transactions are open on this node, and no more may be`;
    return tell(turn, place, { family: 'session', code: SessionCode.mustRetry, reason });
  }
  const { priority, admissionWaitMs } = effectiveOptions(call.options);
  const entrant: Entrant = { type: 'Session', place, call };
  const entry = enterGate(turn, 'sessions', priority, admissionWaitMs, entrant);
  if (entry.type === 'Refused') return notAdmitted(turn, place, entry.reason);
  if (entry.type === 'Admitted') admitted(turn, place, call, entry.admission);
}

function admitted(
  turn: NodeTurn,
  place: CallerPlace,
  call: StartTransaction,
  admission: Admission | undefined,
): void {
  const { stamp } = openSession(turn, call, admission);
  tell(turn, place, { family: 'session', code: SessionCode.set, id: stamp });
}

function notAdmitted(turn: NodeTurn, place: CallerPlace, reason: string): void {
  tell(turn, place, { family: 'session', code: SessionCode.admissionRefused, reason });
}

/** What happens to those who waited for a place. */
const DOORMAN: Doorman = {
  admit(turn, entrant, admission) {
    if (entrant.type === 'Session') return admitted(turn, entrant.place, entrant.call, admission);
    scriptAdmitted(turn, SESSIONS, entrant, admission);
  },
  refuse(turn, entrant, reason) {
    if (entrant.type === 'Session') return notAdmitted(turn, entrant.place, reason);
    scriptNotAdmitted(turn, SESSIONS, entrant, reason);
  },
};

/** A new session of this node. */
function openSession(
  turn: NodeTurn,
  { options }: Pick<StartTransaction, 'options'>,
  admission?: Admission,
): SessionState {
  const { node, now } = turn;
  // Whoever still has a transaction of the run before this one must not come to speak for one of somebody else.
  const tag = finish(mixText(0, node.incarnation)) & (RUN_TAGS - 1);
  node.clock = nextName(node.clock, turn.options.node, now.wall, tag);
  const stamp = node.clock;
  const id = transactionIdOf(stamp, node.incarnation);
  const session = newSession({ id, stamp, options: effectiveOptions(options), now: now.monotonic });
  const number = newNumber(turn);
  const { sessions, numbers, sessionCount } = coordinationOf(turn);
  coordinate(turn, {
    sessions: radixSet(sessions, number, session),
    numbers: mapSet(numbers, id, number),
    sessionCount: sessionCount + 1,
  });
  if (admission !== undefined) {
    coordinate(turn, { admissions: radixSet(coordinationOf(turn).admissions, number, admission) });
  }
  setAlarm(turn, number, session.wakeAt);
  return session;
}

/** A call for a session, here or elsewhere. */
function sessionCalled(turn: NodeTurn, place: CallerPlace, call: SessionCall): void {
  const { options, now } = turn;
  const problem = problemWithCall(call);
  if (problem !== undefined) {
    return tell(turn, place, { family: 'session', code: SessionCode.invalidInput, reason: problem });
  }
  const { node } = call.handle.id;
  if (node === options.node) return calledHere(turn, place, call);
  if (memberOf(rosterOf(turn), node) === undefined) return calledGone(turn, place, call);
  const deadline = monotonicMs(now.monotonic + options.requestTimeoutMs);
  const number = newNumber(turn);
  passOn(turn, number, place, call, node, deadline);
}

/** A call for a session that this node started, and perhaps forgot. */
function calledHere(turn: NodeTurn, place: CallerPlace, call: SessionCall): void {
  const id = transactionIdOf(call.handle.id, turn.node.incarnation);
  const { numbers, retained } = coordinationOf(turn);
  const number = mapGet(numbers, id);
  if (number !== undefined) {
    const until = monotonicMs(turn.now.monotonic + turn.options.requestTimeoutMs);
    return happen(turn, number, { type: 'Called', caller: enter(turn, place), call, until });
  }
  const known = mapGet(retained, id);
  if (known === undefined || known.until <= turn.now.monotonic) return calledGone(turn, place, call);
  const { verdict, anchorKey } = known;
  if (call.type === 'OperateInTransaction') return tell(turn, place, tooLate(verdict));
  tell(turn, place, answerOf(verdict, wishOf(call), anchorKey));
}

function tooLate(verdict: Verdict): SessionAnswer {
  const reason = verdict.type === 'Aborted' ? verdict.reason : 'the transaction is over';
  return { family: 'session', code: SessionCode.aborted, reason };
}

function wishOf({ type }: SessionCall): 'commit' | 'rollback' {
  return type === 'RollbackTransaction' ? 'rollback' : 'commit';
}

/** A call for a session of which nobody knows anything any more but its record. */
function calledGone(turn: NodeTurn, place: CallerPlace, call: SessionCall): void {
  const reason = 'no such transaction is known: it is over, or was lost with its node';
  if (call.type === 'OperateInTransaction') {
    return tell(turn, place, { family: 'session', code: SessionCode.aborted, reason });
  }
  const { anchorKey, handle } = call;
  if (anchorKey === undefined || anchorKey === '') {
    return tell(turn, place, { family: 'session', code: SessionCode.errored, reason });
  }
  lookUp(turn, { place, wish: wishOf(call), anchorKey }, handle);
}

function lookUp(turn: NodeTurn, lookup: Lookup, { id }: TransactionHandle): void {
  const number = newNumber(turn);
  const { lookups } = coordinationOf(turn);
  coordinate(turn, { lookups: radixSet(lookups, number, lookup) });
  const operation = {
    type: 'GetDecision',
    group: partitionOfKey(lookup.anchorKey, turn.options.partitions),
    transaction: transactionPrefix(id),
  } as const;
  ask(turn, operation, { type: 'Session', session: LOOKUP, step: number });
}

/** The name under which records are asked for; no session has it. */
const LOOKUP = 'lookup';

function lookedUp(turn: NodeTurn, number: number, { answer }: TaskAnswer): void {
  const { lookups } = coordinationOf(turn);
  const lookup = radixGet(lookups, number);
  if (lookup === undefined) return;
  coordinate(turn, { lookups: radixDelete(lookups, number) });
  const { place, wish, anchorKey } = lookup;
  const code = answer.family === 'transaction' ? answer.code : TransactionCode.mustRetry;
  if (code === TransactionCode.committed) {
    return tell(turn, place, answerOf({ type: 'Committed' }, wish, anchorKey));
  }
  if (code === TransactionCode.aborted) {
    const reason = 'the transaction was aborted';
    return tell(turn, place, answerOf({ type: 'Aborted', reason }, wish, anchorKey));
  }
  const isUnknown = code === TransactionCode.doesNotExist;
  const reason = isUnknown
    ? 'there is no record of the transaction'
    : 'it is not decided yet, as far as is known';
  tell(turn, place, {
    family: 'session',
    code: isUnknown ? SessionCode.errored : SessionCode.mustRetry,
    anchorKey,
    reason,
  });
}

function enter(turn: NodeTurn, place: CallerPlace): Caller {
  const number = newNumber(turn);
  const { callers } = coordinationOf(turn);
  coordinate(turn, { callers: radixSet(callers, number, place) });
  return number;
}

/** Lets something happen to a session, and does what it wants done. */
export function happen(turn: NodeTurn, number: number, input: SessionInput): void {
  const { sessions } = coordinationOf(turn);
  const before = radixGet(sessions, number);
  if (before === undefined) return;
  const { state, effects } = stepSession(before, input, {
    now: turn.now,
    partitions: turn.options.partitions,
    appliedOf: (group) => appliedOf(turn, group),
  });
  coordinate(turn, { sessions: radixSet(sessions, number, state) });
  if (state.wakeAt !== before.wakeAt) setAlarm(turn, number, state.wakeAt);
  for (const effect of effects) carryOut(turn, number, state, effect);
}

function appliedOf(turn: NodeTurn, group: GroupId) {
  return currentGroup(turn, group).partition.applied;
}

function carryOut(turn: NodeTurn, number: number, { id }: SessionState, effect: SessionEffect): void {
  switch (effect.type) {
    case 'Ask':
      return ask(turn, effect.operation, { type: 'Session', session: id, step: effect.ask }, { within: id });
    case 'Waits':
      return chase(turn, { path: [id], on: effect.on }, condemn);
    case 'Reply': {
      const { callers } = coordinationOf(turn);
      const place = radixGet(callers, effect.caller);
      if (place === undefined) return;
      coordinate(turn, { callers: radixDelete(callers, effect.caller) });
      return tell(turn, place, lastWord(turn, id, effect.answer));
    }
    case 'Ended':
      return retain(turn, id, effect.verdict, effect.anchorKey);
    case 'Gone': {
      const { sessions, numbers, sessionCount, admissions } = coordinationOf(turn);
      const admission = radixGet(admissions, number);
      coordinate(turn, {
        sessions: radixDelete(sessions, number),
        numbers: mapDelete(numbers, id),
        sessionCount: sessionCount - 1,
        admissions: radixDelete(admissions, number),
      });
      if (admission !== undefined) freePlace(turn, admission, DOORMAN);
      return;
    }
    default:
      return unreachable(effect);
  }
}

/** Whoever is to be told that he must wait may have become the victim of a deadlock in that moment. */
function lastWord(turn: NodeTurn, id: TransactionId, answer: SessionAnswer): SessionAnswer {
  if (answer.code !== SessionCode.alreadyLocked && answer.code !== SessionCode.mustRetry) return answer;
  const known = mapGet(coordinationOf(turn).retained, id);
  return known === undefined ? answer : tooLate(known.verdict);
}

function condemn(turn: NodeTurn, number: number, reason: string): void {
  happen(turn, number, { type: 'Condemned', reason });
}

/** Another node asks for whom sessions of this one wait, or has found that one of them is in a deadlock. */
export function deadlockMessageReceived(turn: NodeTurn, message: WaitProbe | Condemn): void {
  if (message.type === 'WaitProbe') chase(turn, message, condemn);
  else condemnReceived(turn, message, condemn);
}

function retain(turn: NodeTurn, id: TransactionId, verdict: Verdict, anchorKey: string | undefined): void {
  const { now } = turn;
  let { retained, retainedOrder } = coordinationOf(turn);
  const until = monotonicMs(now.monotonic + RETAINED_MS);
  retained = mapSet(retained, id, { verdict, until, ...(anchorKey !== undefined && { anchorKey }) });
  retainedOrder = fifoPush(retainedOrder, id);
  for (let oldest = fifoPeek(retainedOrder); oldest !== undefined; oldest = fifoPeek(retainedOrder)) {
    const known = mapGet(retained, oldest);
    if (retained.size <= MAX_RETAINED && known !== undefined && known.until > now.monotonic) break;
    retainedOrder = fifoPop(retainedOrder);
    retained = mapDelete(retained, oldest);
  }
  coordinate(turn, { retained, retainedOrder });
}

/** Something that a session asked of a partition is answered. */
export function sessionTaskAnswered(turn: NodeTurn, answered: TaskAnswer): void {
  const { task, answer } = answered;
  if (task.type !== 'Session') return;
  if (task.session.startsWith(SCRIPT_PREFIX)) return scriptTaskAnswered(turn, SESSIONS, answered);
  if (task.session === LOOKUP) return lookedUp(turn, task.step, answered);
  const number = mapGet(coordinationOf(turn).numbers, task.session);
  if (number === undefined) return;
  const { reason } = answer;
  const told: Told = { type: 'Told', outcome: outcomeIn(answer), ...(reason !== undefined && { reason }) };
  happen(turn, number, { type: 'Answered', ask: task.step, told });
}

// Calls for the sessions of other nodes.

function passOn(
  turn: NodeTurn,
  number: number,
  place: CallerPlace,
  call: SessionCall,
  to: NodeId,
  deadline: number,
): void {
  const { now, options } = turn;
  const retryAt = monotonicMs(Math.min(now.monotonic + options.forwardTimeoutMs, deadline));
  const { passedOn } = coordinationOf(turn);
  const booked = { place, call, to, deadline: monotonicMs(deadline), retryAt };
  coordinate(turn, { passedOn: radixSet(passedOn, number, booked) });
  setAlarm(turn, number, retryAt);
  sendAtOnce(turn, to, { type: 'SessionForward', id: nameOf(turn, number), call });
}

/** No other run of this node gives this name again. */
function nameOf({ node }: NodeTurn, number: number): string {
  return `${number}:${node.incarnation}`;
}

/** Another node hands on what it was asked about a session of this one. */
export function sessionForwardReceived(turn: NodeTurn, from: NodeId, { id, call }: SessionForward): void {
  const place: CallerPlace = { type: 'Node', node: from, id };
  const problem = problemWithCall(call);
  if (problem !== undefined) {
    return tell(turn, place, { family: 'session', code: SessionCode.invalidInput, reason: problem });
  }
  calledHere(turn, place, call);
}

export function sessionForwardAnswered(turn: NodeTurn, from: NodeId, { id, answer }: SessionForwarded): void {
  const number = Number.parseInt(id, 10);
  if (!Number.isSafeInteger(number) || number < 0 || nameOf(turn, number) !== id) return;
  const { passedOn } = coordinationOf(turn);
  const call = radixGet(passedOn, number);
  if (call?.to !== from) return;
  coordinate(turn, { passedOn: radixDelete(passedOn, number) });
  tell(turn, call.place, answer);
}

/** A call that was handed on is not answered. */
function passedOnDue(turn: NodeTurn, number: number, at: number): void {
  const { passedOn } = coordinationOf(turn);
  const waiting = radixGet(passedOn, number);
  if (waiting?.retryAt !== at) return;
  const { place, call, to, deadline } = waiting;
  if (turn.now.monotonic < deadline) return passOn(turn, number, place, call, to, deadline);
  coordinate(turn, { passedOn: radixDelete(passedOn, number) });
  const reason = `node ${to}, which keeps the transaction, does not answer`;
  if (call.type !== 'OperateInTransaction' && call.anchorKey !== undefined && call.anchorKey !== '') {
    // It may be gone for good; the record may know.
    return lookUp(turn, { place, wish: wishOf(call), anchorKey: call.anchorKey }, call.handle);
  }
  tell(turn, place, { family: 'session', code: SessionCode.mustRetry, reason });
}

// Time.

/** Looks after what has an alarm that is due. */
export function coordinationDue(turn: NodeTurn): void {
  for (;;) {
    const { alarms } = coordinationOf(turn);
    if (alarms === undefined || alarms.at > turn.now.monotonic) return;
    const { id: number, at } = alarms;
    coordinate(turn, { alarms: dropEarliest(alarms) });
    const session = radixGet(coordinationOf(turn).sessions, number);
    if (session?.wakeAt === at) happen(turn, number, { type: 'TimeCame' });
    else if (!scriptDue(turn, SESSIONS, number, at) && !patienceOver(turn, number, DOORMAN)) {
      passedOnDue(turn, number, at);
    }
  }
}

/** What scripts need of sessions. */
const SESSIONS: Sessions = {
  begin(turn, options, admission) {
    if (coordinationOf(turn).sessionCount >= MAX_SESSIONS) return undefined;
    return { id: openSession(turn, { options }, admission).stamp, coordinatorKey: 'script' };
  },
  call: calledHere,
  tell: tellAnybody,
};

/** Lets scripts go on that have what they waited for. False when there were none. */
export function scriptsGoOn(turn: NodeTurn): boolean {
  return pumpScripts(turn, SESSIONS);
}

function tell(turn: NodeTurn, place: CallerPlace, answer: SessionAnswer): void {
  if (place.type === 'Script') return scriptTold(turn, SESSIONS, place, answer);
  if (place.type === 'Node') {
    return sendAtOnce(turn, place.node, { type: 'SessionForwarded', id: place.id, answer });
  }
  tellAnybody(turn, place, answer);
}

function tellAnybody(turn: NodeTurn, place: CallerPlace, answer: TransactionAnswer): void {
  if (place.type === 'Client') turn.replies = added(turn.replies, { token: place.token, answer });
}
