/** A simulated client takes a session from its start to its end, through any nodes. */

import {
  KeyValueCode,
  SessionCode,
  type KeyValueOutcome,
  type PageOutcome,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
  type Timestamp,
  type TransactionCall,
  type TransactionHandle,
} from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { askUntilKnown, type AnyAnswer, type Question, type Shorefront } from './asking.js';
import { tellEnding, type Attempt } from './attempt.js';
import type { LockWatch } from './lock-watch.js';
import type { Answered, Dice, Program } from './programs.js';

export interface SessionPlan {
  readonly attempt: Attempt;
  readonly program: Program;
  readonly options: SessionOptions;
  readonly coordinatorKey: string;
  /** What the client means to do when its program is through. */
  readonly ending: 'commit' | 'rollback' | 'abandon';
  readonly dice: Dice;
  /** The operations of the session are named so, and then numbered. */
  readonly name: string;
  /** Is told of everything that is read and written. */
  readonly learn: (outcome: KeyValueOutcome | PageOutcome) => void;
  /** Watches over locks; where there is one, they are waited for without end. */
  readonly watch?: LockWatch;
}

const SECOND_US = 1_000_000;
/** Nobody waits longer for a lock that somebody else holds. */
const MAX_REFUSALS = 60;

/** @param done is called once, when the client goes on; an answer that comes later is still judged. */
export function runSession(front: Shorefront, plan: SessionPlan, done: () => void): void {
  const { attempt, dice, watch } = plan;
  let salt = dice.below(1_000_000, 200);
  const question = (
    call: () => TransactionCall,
    patienceUs: number,
    hear: (answer: SessionAnswer) => 'again' | (() => void),
    giveUp: () => void,
    late?: (answer: SessionAnswer) => void,
  ): Question => {
    salt += 1;
    return {
      request: () => ({ transaction: call() }),
      salt,
      twice: dice.below(16, salt) === 0,
      patienceUs,
      hear: (answer) => hear(sessionAnswer(answer, attempt)),
      giveUp,
      ...(late === undefined ? {} : { late: (answer) => late(sessionAnswer(answer, attempt)) }),
    };
  };
  /** Whatever the client has not asked for cannot be. */
  const leave = (): void => {
    watch?.over(attempt);
    if (!attempt.askedToCommit) tellEnding(attempt, 'aborted', front.nowUs());
    done();
  };
  const refused = (what: string, { code, reason = 'no reason' }: SessionAnswer): never => {
    throw new PropertyBroken(
      'answers make sense',
      `${what} of the ${attempt.mode} transaction ${attempt.id} is answered with code ${code} (${reason})`,
    );
  };

  const start = (): void => {
    const { options, coordinatorKey } = plan;
    // To wait in line for longer than it waits for an answer would fill the line with what nobody wants any more.
    const admissionWaitMs = Math.ceil(front.timeoutUs / 2_000);
    const call = {
      type: 'StartTransaction',
      coordinatorKey,
      options: { ...options, admissionWaitMs },
    } as const;
    const hear = (answer: SessionAnswer): 'again' | (() => void) => {
      const { code, id } = answer;
      if (code === SessionCode.set && id !== undefined) {
        watch?.begun(attempt, id);
        return () => next({ id, coordinatorKey }, 1, undefined, true);
      }
      if (code === SessionCode.mustRetry || code === SessionCode.admissionRefused) return 'again';
      if (code === SessionCode.errored || code === SessionCode.aborted) return 'again';
      // A past that is still to come is refused.
      if (code === SessionCode.invalidInput && options.readTimestamp !== undefined) return leave;
      return refused('the start', answer);
    };
    // Whoever has asked twice gives back what he did not want.
    const late = ({ id }: SessionAnswer): void => {
      if (id === undefined) return;
      const transaction = { type: 'RollbackTransaction', handle: { id, coordinatorKey } } as const;
      front.ask(salt + 3, { transaction }, () => undefined);
    };
    askUntilKnown(
      front,
      question(() => call, 4 * SECOND_US, hear, leave, late),
    );
  };

  const next = (handle: TransactionHandle, number: number, told: Answered, first: boolean): void => {
    const step = first ? plan.program.next() : plan.program.next(told);
    if (step.done === true) {
      finish(handle);
      return;
    }
    operate(handle, number, step.value);
  };

  const operate = (handle: TransactionHandle, number: number, operation: SessionOperation): void => {
    const operationId = `${plan.name}:${number}`;
    const call = { type: 'OperateInTransaction', handle, operationId, operation } as const;
    let refusals = 0;
    const goOn = (answered: Answered) => () => next(handle, number + 1, answered, false);
    const hear = (answer: SessionAnswer): 'again' | (() => void) => {
      const { code, outcome } = answer;
      switch (code) {
        case SessionCode.operated:
          if (outcome === undefined) return refused(operation.type, answer);
          if (outcome.code === KeyValueCode.mustRetry) return 'again';
          // What is no longer kept of a past cannot be read, nor what is far ahead.
          if (isRefusal(outcome.code) && attempt.at !== undefined) return () => rollBack(handle);
          if (outcome.code >= KeyValueCode.errored && outcome.code !== KeyValueCode.doesNotExist)
            return refused(`${operation.type} with outcome ${outcome.code}`, answer);
          plan.learn(outcome);
          return goOn(outcome);
        case SessionCode.locked:
          watch?.given(attempt, lockedBy(operation));
          return goOn(undefined);
        case SessionCode.unlocked:
          return goOn(undefined);
        case SessionCode.alreadyLocked:
          front.reach('a lock of another transaction was in the way');
          watch?.refused(attempt, lockedBy(operation), answer.holder);
          refusals += 1;
          if (watch !== undefined) return 'again';
          return refusals > MAX_REFUSALS ? () => rollBack(handle) : 'again';
        case SessionCode.mustRetry:
          return 'again';
        case SessionCode.aborted:
          front.reach(`aborted at ${operation.type}`);
          if (answer.reason?.startsWith('a deadlock') === true) front.reach('a victim of a deadlock');
          return leave;
        // Its coordinator has come and gone.
        case SessionCode.errored:
          front.reach('a session was lost');
          return leave;
        default:
          return refused(operation.type, answer);
      }
    };
    askUntilKnown(
      front,
      question(() => call, (watch === undefined ? 4 : 60) * SECOND_US, hear, leave),
    );
  };

  const finish = (handle: TransactionHandle): void => {
    if (plan.ending === 'commit') commit(handle);
    else if (plan.ending === 'rollback') rollBack(handle);
    else leave();
  };

  const commit = (handle: TransactionHandle): void => {
    attempt.askedToCommit = true;
    let anchorKey: string | undefined;
    const hear = (answer: SessionAnswer): 'again' | (() => void) => {
      anchorKey = answer.anchorKey ?? anchorKey;
      return hearEnd(handle, answer, () => anchorKey);
    };
    const giveUp = (): void => {
      front.reach('nobody knows whether it committed');
      lookBack(handle, anchorKey);
      done();
    };
    const late = (answer: SessionAnswer): void => void hearEnd(handle, answer, () => anchorKey);
    const call = (): TransactionCall => ({
      type: 'CommitTransaction',
      handle,
      ...(anchorKey === undefined ? {} : { anchorKey }),
    });
    askUntilKnown(front, question(call, 8 * SECOND_US, hear, giveUp, late));
  };

  const rollBack = (handle: TransactionHandle): void => {
    const hear = (answer: SessionAnswer): 'again' | (() => void) => hearEnd(handle, answer, () => undefined);
    askUntilKnown(
      front,
      question(() => ({ type: 'RollbackTransaction', handle }), 2 * SECOND_US, hear, leave, hear),
    );
  };

  /** Of a commit or a rollback: both say what became of the transaction. */
  const hearEnd = (
    handle: TransactionHandle,
    answer: SessionAnswer,
    anchorKey: () => string | undefined,
  ): 'again' | (() => void) => {
    const goOn = (): void => {
      if (!attempt.askedToCommit) tellEnding(attempt, 'aborted', front.nowUs());
      lookBack(handle, anchorKey());
      done();
    };
    switch (answer.code) {
      case SessionCode.committed:
        tellEnding(attempt, 'committed', front.nowUs());
        return goOn;
      case SessionCode.aborted:
      case SessionCode.rolledBack:
        tellEnding(attempt, 'aborted', front.nowUs());
        return goOn;
      case SessionCode.errored:
        front.reach('a finished session was unknown');
        return goOn;
      case SessionCode.mustRetry:
        return 'again';
      default:
        return refused('the end', answer);
    }
  };

  /** Now and then the same is asked once more, much later: whoever answers must say the same. */
  const lookBack = (handle: TransactionHandle, anchorKey: string | undefined): void => {
    if (dice.below(5, 201) !== 0) return;
    const type =
      dice.below(2, 202) === 0 && attempt.askedToCommit ? 'CommitTransaction' : 'RollbackTransaction';
    const transaction = { type, handle, ...(anchorKey === undefined ? {} : { anchorKey }) } as const;
    front.later(dice.below(4 * SECOND_US, 203), () => {
      front.ask(salt + 7, { transaction }, (answer) => {
        const { code } = sessionAnswer(answer, attempt);
        if (code === SessionCode.committed) tellEnding(attempt, 'committed', front.nowUs());
        if (code === SessionCode.aborted || code === SessionCode.rolledBack)
          tellEnding(attempt, 'aborted', front.nowUs());
      });
    });
  };

  start();
}

function lockedBy(operation: SessionOperation): string {
  if ('key' in operation) return operation.key;
  if (!('need' in operation)) return operation.prefix;
  return operation.need.type === 'KeyLock' ? operation.need.key : operation.need.prefix;
}

function isRefusal(code: KeyValueCode): boolean {
  return code === KeyValueCode.errored || code === KeyValueCode.invalidInput;
}

function sessionAnswer(answer: AnyAnswer, { id }: Attempt): SessionAnswer {
  if ('family' in answer && answer.family === 'session') return answer;
  throw new PropertyBroken(
    'answers make sense',
    `the session of transaction ${id} is answered as if it were none`,
  );
}

/** When a session is as old as that, its coordinator lets it go. */
export function optionsOf(
  dice: Dice,
  mode: 'pessimistic' | 'optimistic' | 'snapshot',
  at: Timestamp | undefined,
): SessionOptions {
  return {
    locking: mode === 'optimistic' ? 'optimistic' : 'pessimistic',
    timeoutMs: dice.one([0, 0, 400, 2_000, 8_000], 210),
    admissionWaitMs: 0,
    readValidation: mode === 'snapshot' || dice.below(2, 211) === 0 ? 'none' : 'trackAndValidate',
    decisionDurability: 'bestEffort',
    asyncRelease: dice.below(2, 212) === 0,
    priority: dice.one(['normal', 'normal', 'low', 'high'] as const, 213),
    ...(mode === 'snapshot' && at !== undefined ? { readTimestamp: at } : {}),
  };
}
