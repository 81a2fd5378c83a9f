/**
 * The operations of a session: each is registered under its id, takes the lock that it needs, reads what it must know, and is judged by
 * what the transaction sees (transaction specification, sections 3 to 5).
 */

import { compareTimestamps } from '../clock/hybrid-clock.js';
import { mapDelete, mapForEach, mapGet, mapSet } from '../collections/ordered-map.js';
import { unreachable } from '../machine/assert.js';
import {
  KeyValueCode,
  type ExistsOperation,
  type GetOperation,
  type KeyValueOutcome,
  type PageOutcome,
  type ScanOperation,
  type Value,
} from '../partition/command.js';
import { groupOfOperation, refusal } from '../partition/operation.js';
import { TransactionCode, type TransactionOutcome } from '../partition/transaction-command.js';
import {
  SessionCode,
  type OperateInTransaction,
  type SessionAnswer,
  type SessionOperation,
} from './calls.js';
import { digestOf } from './digest.js';
import { abandon, drained } from './finalize.js';
import { baseOf, ownValue, readsFirst, readView, sameBase, writeView } from './key-view.js';
import { acquire, holds, isShown, lockMissed, lockTaken, release } from './locks.js';
import { mergePage } from './page.js';
import {
  MAX_OPERATIONS,
  MAX_PENDING_OPERATIONS,
  MAX_STAGED_BYTES,
  type Asked,
  type Caller,
  type KeyView,
  type Registered,
  type SessionWrite,
  type Told,
} from './session-state.js';
import { timestampOf } from './names.js';
import {
  ask,
  nameOfParticipant,
  participantOf,
  reply,
  saveView,
  stampNow,
  viewOf,
  type SessionTurn,
} from './session-turn.js';

type PointRead = GetOperation | ExistsOperation;
type ForOperation = Extract<Asked, { readonly type: 'ForOperation' }>;

/** A client wants something done. What was done under this id is not done again. */
export function operate(turn: SessionTurn, caller: Caller, call: OperateInTransaction): void {
  const { session } = turn;
  const { operationId, operation, unrepeated } = call;
  if (session.phase.type !== 'Open') {
    const reason = 'the transaction is being committed: it takes no more operations';
    return reply(turn, caller, { family: 'session', code: SessionCode.aborted, reason });
  }
  const digest = unrepeated === true ? '' : digestOf(operation);
  const known = mapGet(session.operations, operationId);
  if (known !== undefined && known.digest !== digest) {
    const reason = `operation id ${operationId} was used for another operation of this transaction`;
    return reply(turn, caller, { family: 'session', code: SessionCode.errored, reason });
  }
  if (known?.callers !== undefined) {
    const callers = [...known.callers, caller];
    session.operations = mapSet(session.operations, operationId, { digest, callers });
    return;
  }
  if (known?.answer !== undefined) return reply(turn, caller, known.answer);
  if (session.pending >= MAX_PENDING_OPERATIONS) {
    const reason = `${session.pending} operations of the transaction are under way, and no more may be`;
    return reply(turn, caller, { family: 'session', code: SessionCode.mustRetry, reason });
  }
  if (known === undefined && session.operations.size >= MAX_OPERATIONS) {
    reply(turn, caller, abortedAnswer(`a transaction may have ${MAX_OPERATIONS} operations`));
    return abandon(turn, {
      type: 'Aborted',
      reason: `the transaction has more than ${MAX_OPERATIONS} operations`,
    });
  }
  session.operations = mapSet(session.operations, operationId, { digest, callers: [caller] });
  session.pending += 1;
  advance(turn, operationId, operation, false);
}

function abortedAnswer(reason: string): SessionAnswer {
  return { family: 'session', code: SessionCode.aborted, reason };
}

/** Does the next thing that an operation needs. */
function advance(turn: SessionTurn, id: string, operation: SessionOperation, isLocked: boolean): void {
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return write(turn, id, operation, isLocked);
    case 'Get':
    case 'Exists':
      return read(turn, id, operation);
    case 'Scan':
      return scan(turn, id, operation);
    case 'LockInTransaction': {
      if (operation.leaseMs < 0) {
        const reason = `the lease of a lock cannot be ${operation.leaseMs} ms`;
        return conclude(turn, id, { family: 'session', code: SessionCode.errored, reason }, 'transient');
      }
      return acquire(turn, id, operation, operation);
    }
    case 'UnlockInTransaction':
      if (!release(turn, id, operation)) {
        conclude(turn, id, { family: 'session', code: SessionCode.unlocked }, 'write');
      }
      return;
    default:
      return unreachable(operation);
  }
}

function write(turn: SessionTurn, id: string, operation: SessionWrite, isLocked: boolean): void {
  const { session } = turn;
  const { options } = session;
  const { key } = operation;
  if (options.readTimestamp !== undefined) {
    return conclude(turn, id, abortedAnswer('a snapshot transaction cannot write'), 'transient');
  }
  if (options.decisionDurability === 'durable' && operation.ephemeral === true) {
    const reason = 'a durable transaction cannot write what is kept in memory alone';
    return abandon(turn, { type: 'Aborted', reason });
  }
  const need = { type: 'KeyLock', key } as const;
  if (options.locking === 'pessimistic' && !isLocked && !holds(turn, need, operation)) {
    const space = operation.ephemeral === true ? ({ ephemeral: true } as const) : {};
    return acquire(turn, id, operation, { need, leaseMs: 0, ...space });
  }
  const view = viewOf(turn, key, operation);
  if (view === undefined) return readKey(turn, id, operation, 'Get');
  if (view.moved) return moved(turn, key);
  if (!readsFirst(view, operation)) return judgeWrite(turn, id, operation, view, null);
  if (view.committed === undefined || !isShown(turn, view)) return readKey(turn, id, operation, 'Get');
  judgeWrite(turn, id, operation, view, view.committed);
}

function judgeWrite(
  turn: SessionTurn,
  id: string,
  operation: SessionWrite,
  before: KeyView,
  value: Value,
): void {
  const { session } = turn;
  const { outcome, view } = writeView(before, operation, value, stampNow(turn));
  const stagedBytes = session.stagedBytes + sizeOf(view) - sizeOf(before);
  if (stagedBytes > MAX_STAGED_BYTES) {
    const reason = `a transaction can write ${MAX_STAGED_BYTES} bytes of keys and values, and no more`;
    return conclude(turn, id, { family: 'session', code: SessionCode.errored, reason }, 'transient');
  }
  session.stagedBytes = stagedBytes;
  saveView(turn, view);
  conclude(turn, id, operated(outcome), 'write');
}

function sizeOf({ key, staged }: KeyView): number {
  if (staged === undefined) return 0;
  return key.length + (staged.type === 'Set' ? (staged.value?.length ?? 0) : 0);
}

function operated(outcome: KeyValueOutcome | PageOutcome, reason?: string): SessionAnswer {
  const answer = { family: 'session', code: SessionCode.operated, outcome } as const;
  return reason === undefined ? answer : { ...answer, reason };
}

/** Asks for the committed state of a key, also of one that is not there. */
function readKey(
  turn: SessionTurn,
  operationId: string,
  operation: SessionWrite | PointRead,
  type: 'Get' | 'Exists',
): void {
  const { key, ephemeral } = operation;
  const mode = 'mode' in operation && operation.mode !== 'stale' ? operation.mode : undefined;
  ask(
    turn,
    { type: 'ForOperation', operationId, operation, step: 'Read' },
    {
      type,
      key,
      tombstone: true,
      ...(mode !== undefined && { mode }),
      ...(ephemeral !== undefined && { ephemeral }),
    },
  );
}

function read(turn: SessionTurn, id: string, operation: PointRead): void {
  const { readTimestamp } = turn.session.options;
  if (readTimestamp !== undefined || operation.at !== undefined) {
    const rest = withoutMode(operation);
    const past = operation.revision === undefined ? { at: operation.at ?? (readTimestamp as never) } : {};
    return readPast(turn, id, operation, { ...rest, ...past });
  }
  const view = viewOf(turn, operation.key, operation);
  if (operation.revision !== undefined && operation.revision < 0) {
    // The newest that is committed, whatever the transaction itself has written.
    return readKey(turn, id, operation, operation.type);
  }
  if (operation.revision !== undefined) {
    if (view === undefined) return readKey(turn, id, operation, 'Exists');
    return readRevision(turn, id, operation, operation.revision, view);
  }
  if (view !== undefined && ownValue(view) !== undefined) return judgeRead(turn, id, operation, view, null);
  if (view !== undefined && isShown(turn, view) && tellsAll(view, operation)) {
    return judgeRead(turn, id, operation, view, view.committed ?? null);
  }
  readKey(turn, id, operation, operation.type);
}

/** Whether all that the read is to be told was shown with the lock. */
function tellsAll({ base, committed }: KeyView, { type }: PointRead): boolean {
  return type === 'Exists' || !base.exists || committed !== undefined;
}

function withoutMode({ mode: _, ...read }: PointRead): PointRead {
  return read;
}

/** What was at some time stays so: nothing of it need be remembered. */
function readPast(
  turn: SessionTurn,
  operationId: string,
  operation: PointRead | ScanOperation,
  past: PointRead | ScanOperation,
): void {
  ask(turn, { type: 'ForOperation', operationId, operation, step: 'Past' }, past);
}

/** A committed revision, which own writes do not hide. One that there is stays as it is; that there is none must still be so later. */
function readRevision(
  turn: SessionTurn,
  id: string,
  operation: PointRead,
  revision: number,
  view: KeyView,
): void {
  if (revision <= view.base.revision) {
    return readPast(turn, id, operation, withoutMode(operation));
  }
  saveView(turn, { ...view, observed: true });
  conclude(turn, id, operated(refusal(KeyValueCode.doesNotExist)), 'read');
}

function judgeRead(turn: SessionTurn, id: string, { type }: PointRead, before: KeyView, value: Value): void {
  const { outcome, view } = readView(before, type, value, stampNow(turn));
  saveView(turn, view);
  conclude(turn, id, operated(outcome), 'read');
}

function scan(turn: SessionTurn, operationId: string, operation: ScanOperation): void {
  const { mode, at, ...present } = operation;
  const { readTimestamp } = turn.session.options;
  const wanted = at ?? readTimestamp;
  if (wanted !== undefined && (readTimestamp !== undefined || !isNextPage(turn, operation))) {
    return readPast(turn, operationId, operation, { ...present, at: wanted });
  }
  const asked = mode === undefined || mode === 'stale' ? present : { ...present, mode };
  ask(turn, { type: 'ForOperation', operationId, operation, step: 'Read' }, asked);
}

/**
 * Whoever reads page by page names the time of the first page in the wish for the next. In a transaction every page shows the present:
 * that nothing has changed in between is found out when it commits.
 */
function isNextPage({ session }: SessionTurn, { prefix, at }: ScanOperation): boolean {
  let known = false;
  mapForEach(session.ranges, (_, { observation }) => {
    known ||=
      observation.prefix === prefix && at !== undefined && compareTimestamps(observation.at, at) === 0;
    return !known;
  });
  return known;
}

/** What an operation waited for is there. */
export function operationAnswered(turn: SessionTurn, asked: ForOperation, told: Told): void {
  const { operationId, operation, step } = asked;
  if (told.type === 'Lost') return putOff(turn, operationId, told.reason);
  const { outcome, reason } = told;
  if (outcome.family === 'transaction') return lockAnswered(turn, asked, outcome, reason);
  if (outcome.family !== undefined && outcome.family !== 'page') {
    return putOff(turn, operationId, 'the partition answered something else');
  }
  if (outcome.code === KeyValueCode.mustRetry) return putOff(turn, operationId, reason);
  const isFound =
    outcome.code === KeyValueCode.got ||
    outcome.code === KeyValueCode.exists ||
    outcome.code === KeyValueCode.doesNotExist;
  if (step === 'Past' || !isFound) return conclude(turn, operationId, operated(outcome, reason), 'read');
  if (outcome.family === 'page') {
    if (operation.type === 'Scan') pageRead(turn, operationId, operation, outcome);
    return;
  }
  if ('key' in operation) keyRead(turn, operationId, operation, outcome);
}

function keyRead(
  turn: SessionTurn,
  id: string,
  operation: SessionWrite | PointRead,
  outcome: KeyValueOutcome,
): void {
  const { key } = operation;
  const base = baseOf(outcome);
  const known = viewOf(turn, key, operation);
  if (known !== undefined && !sameBase(known.base, base)) return moved(turn, key);
  const view = known ?? { key, participant: participantOf(turn, key, operation), base, observed: false };
  if (operation.type !== 'Get' && operation.type !== 'Exists') {
    return judgeWrite(turn, id, operation, view, outcome.value);
  }
  if (operation.revision === undefined) return judgeRead(turn, id, operation, view, outcome.value);
  if (operation.revision < 0) {
    saveView(turn, { ...view, observed: true });
    const absent = outcome.code === KeyValueCode.doesNotExist;
    return conclude(turn, id, operated(absent ? refusal(outcome.code) : outcome), 'read');
  }
  saveView(turn, view);
  readRevision(turn, id, operation, operation.revision, view);
}

function moved(turn: SessionTurn, key: string): void {
  const reason = `the key "${key}" was changed by somebody else since the transaction read it`;
  abandon(turn, { type: 'Aborted', reason });
}

function pageRead(turn: SessionTurn, id: string, operation: ScanOperation, page: PageOutcome): void {
  const { session, context } = turn;
  const group = groupOfOperation(operation, context.partitions);
  const participant = operation.ephemeral === true ? ({ group, ephemeral: true } as const) : { group };
  const merged = mergePage(session.keys, participant, operation, page, stampNow(turn));
  if (merged.type === 'Moved') return moved(turn, merged.key);
  const { observation, outcome } = merged;
  const { prefix, from, to, at } = observation;
  const name = JSON.stringify([nameOfParticipant(participant), prefix, from, to, at]);
  session.ranges = mapSet(session.ranges, name, { participant, observation });
  conclude(turn, id, operated(outcome), 'read');
}

function lockAnswered(
  turn: SessionTurn,
  { operationId, operation, step }: ForOperation,
  outcome: TransactionOutcome,
  reason: string | undefined,
): void {
  switch (outcome.code) {
    case TransactionCode.locked:
      if (step === 'Lock') lockTaken(turn, operation, outcome.keys);
      if (operation.type === 'LockInTransaction') {
        return conclude(turn, operationId, { family: 'session', code: SessionCode.locked }, 'write');
      }
      return advance(turn, operationId, operation, true);
    case TransactionCode.unlocked:
    case TransactionCode.done:
      return conclude(turn, operationId, { family: 'session', code: SessionCode.unlocked }, 'write');
    case TransactionCode.alreadyLocked: {
      const { blocker } = outcome;
      if (blocker !== undefined) lockMissed(turn, operationId, operation, blocker);
      const holder = blocker === undefined ? undefined : timestampOf(blocker);
      const answer: SessionAnswer = {
        family: 'session',
        code: SessionCode.alreadyLocked,
        ...(holder !== undefined && { holder }),
        reason: reason ?? 'another transaction holds the lock',
      };
      return conclude(turn, operationId, answer, 'transient');
    }
    default:
      if (outcome.blocker !== undefined) lockMissed(turn, operationId, operation, outcome.blocker);
      return putOff(turn, operationId, reason);
  }
}

function putOff(turn: SessionTurn, id: string, reason = 'the partition did not answer'): void {
  conclude(turn, id, { family: 'session', code: SessionCode.mustRetry, reason }, 'transient');
}

/**
 * An operation is over. The answer to a write is kept, for those who repeat it; a read is done again; what came to nothing was never
 * there.
 */
function conclude(
  turn: SessionTurn,
  id: string,
  answer: SessionAnswer,
  kind: 'write' | 'read' | 'transient',
): void {
  const { session } = turn;
  const known = mapGet(session.operations, id);
  if (known?.callers === undefined) return;
  for (const caller of known.callers) reply(turn, caller, answer);
  session.pending -= 1;
  const { digest } = known;
  if (kind !== 'transient' && session.waits?.operationId === id) delete session.waits;
  const done: Registered =
    kind === 'write' ? { digest, callers: undefined, answer } : { digest, callers: undefined };
  session.operations =
    kind === 'transient' ? mapDelete(session.operations, id) : mapSet(session.operations, id, done);
  if (session.pending === 0) drained(turn);
}
