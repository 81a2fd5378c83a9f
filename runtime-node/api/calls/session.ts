/** What is done in a session, and with one: asked of the node, and told in the words of the operations that were asked for. */

import {
  KeyValueCode,
  refusal,
  ScriptCode,
  SessionCode,
  ZERO_TIMESTAMP,
  type KeyValueOperation,
  type KeyValueOutcome,
  type PageOutcome,
  type RunAnswer,
  type ScanOperation,
  type SessionAnswer,
  type Told,
  type TransactionAnswer,
  type TransactionCall,
} from '../../../core/index.js';
import { HostStopped } from '../../host/host.js';
import { overload, type ApiBackend } from '../backend.js';
import { stepOf, type CallAsked, type InSession } from '../requests/session.js';

/** The codes of operations on keys, and those that they have only in a session. */
export type KeyCode = KeyValueCode | SessionCode;

/** What an operation on a key is told in a session. */
export type SessionedAnswer = Omit<KeyValueOutcome, 'code'> & { readonly code: KeyCode } & Told;
export type SessionedPage = Omit<PageOutcome, 'code'> & { readonly code: KeyCode } & Told;

type Transact = Pick<ApiBackend, 'transact'>;

/** One operation on a key. */
export async function operate(
  backend: Transact,
  session: InSession,
  operation: KeyValueOperation,
): Promise<SessionedAnswer> {
  const { outcome, code, reason } = await operateOn(backend, session, operation);
  const why = reason === undefined ? {} : { reason };
  if (code !== SessionCode.operated || outcome === undefined)
    return { ...refusal(KeyValueCode.errored), code, ...why };
  if (outcome.family === 'page') throw new Error('an operation on a key was answered with a page');
  return { ...outcome, ...why };
}

/** One step of a read of many keys; the next step has the next name. */
export function pagesOf(
  backend: Transact,
  session: InSession,
): (operation: ScanOperation) => Promise<SessionedPage> {
  let step = 0;
  return async (operation) => {
    const answer = await operateOn(backend, stepOf(session, step), operation);
    step += 1;
    const { outcome, code, reason } = answer;
    const why = reason === undefined ? {} : { reason };
    if (code !== SessionCode.operated || outcome === undefined)
      return { family: 'page', code, items: [], hasMore: false, lastKey: '', at: ZERO_TIMESTAMP, ...why };
    if (outcome.family !== 'page') throw new Error('a scan was not answered with a page');
    return { ...outcome, ...why };
  };
}

async function operateOn(
  backend: Transact,
  session: InSession,
  operation: KeyValueOperation,
): Promise<SessionAnswer> {
  return sessionIn(await transactWith(backend, { type: 'OperateInTransaction', ...session, operation }));
}

/** Start, end and locks of a session. */
export async function callSession(backend: ApiBackend, asked: CallAsked): Promise<SessionAnswer> {
  return asked.type === 'Call'
    ? sessionIn(await transactUnlessBusy(backend, asked.call))
    : { family: 'session', code: asked.code, reason: asked.reason };
}

export async function callScript(backend: ApiBackend, asked: CallAsked): Promise<RunAnswer> {
  const answer =
    asked.type === 'Call'
      ? await transactUnlessBusy(backend, asked.call)
      : scriptRefusal(ScriptCode.invalidInput, asked.reason);
  if (answer.family !== 'script') throw new Error('a script was answered as a session');
  return answer;
}

function transactUnlessBusy(backend: ApiBackend, call: TransactionCall): Promise<TransactionAnswer> {
  const reason = overload(backend);
  if (reason === undefined) return transactWith(backend, call);
  return Promise.resolve(
    call.type === 'RunScript'
      ? scriptRefusal(ScriptCode.mustRetry, reason)
      : { family: 'session', code: SessionCode.mustRetry, reason },
  );
}

/** Never rejects because a node stops. */
async function transactWith(backend: Transact, call: TransactionCall): Promise<TransactionAnswer> {
  try {
    return await backend.transact(call);
  } catch (error) {
    if (!(error instanceof HostStopped)) throw error;
    // A script that is run again may take effect twice: nobody is told to do so unless nothing was done.
    if (call.type === 'RunScript')
      return scriptRefusal(ScriptCode.errored, `${error.message}; whether it took effect is not known`);
    return { family: 'session', code: SessionCode.mustRetry, reason: error.message };
  }
}

function sessionIn(answer: TransactionAnswer): SessionAnswer {
  if (answer.family !== 'session') throw new Error('a call of a session was answered as a script');
  return answer;
}

function scriptRefusal(code: ScriptCode, reason: string): RunAnswer {
  return { family: 'script', code, entries: [], reason };
}
