/** What a client asks of sessions and scripts, as calls of a node of this process. */

import {
  SessionCode,
  type KeyValueOutcome,
  type RunAnswer,
  type SessionAnswer,
  type SessionOperation,
  type TransactionAnswer,
  type TransactionCall,
} from '../../core/index.js';
import { operate, pagesOf } from '../api/calls/session.js';
import { ofAnyNode } from '../api/requests/asked.js';
import { stepOf, type InSession } from '../api/requests/session.js';
import type {
  AnswerTo,
  AskInSession,
  BatchOutcome,
  EndAsk,
  InSessionAsk,
  InSessionOutcome,
  ScriptOutcome,
  SessionAsk,
  SessionOutcome,
} from '../client/port.js';
import { asRead } from './as-read.js';
import { withOwnBytes } from './copies.js';
import { bucketRows, rangePage } from './pages.js';

export interface TransactingNode {
  /** Rejects with `HostStopped` when there will be no answer. */
  transact(call: TransactionCall): Promise<TransactionAnswer>;
}

type Explained<Outcome> = Outcome & { readonly reason?: string };

/** @param id of the operation, where it is one of a session. */
export async function answerSession(
  node: TransactingNode,
  ask: SessionAsk,
  id: string,
): Promise<Explained<SessionOutcome | InSessionOutcome | ScriptOutcome>> {
  switch (ask.type) {
    case 'Begin': {
      const { options, coordinatorKey } = ask;
      const { readTimestamp: at } = options;
      const read = at === undefined ? options : { ...options, readTimestamp: ofAnyNode(at) };
      return sessionIn(await node.transact({ type: 'StartTransaction', coordinatorKey, options: read }));
    }
    case 'Commit':
    case 'Rollback':
      return sessionIn(await node.transact(endOf(ask)));
    case 'RunScript':
      return scriptIn(await node.transact({ ...ask, script: new Uint8Array(ask.script) }));
    case 'InSession':
      return answerInSession(node, ask, id);
    case 'LockInTransaction':
    case 'UnlockInTransaction':
      throw new Error('a lock of a session is asked for in one');
  }
}

function endOf({ type, ...rest }: EndAsk): TransactionCall {
  return { type: type === 'Commit' ? 'CommitTransaction' : 'RollbackTransaction', ...rest };
}

function sessionIn(answer: TransactionAnswer): SessionAnswer {
  if (answer.family !== 'session') throw new Error('a call of a session was answered as a script');
  return answer;
}

function scriptIn(answer: TransactionAnswer): RunAnswer {
  if (answer.family !== 'script') throw new Error('a script was answered as a session');
  return { ...answer, entries: answer.entries.map(withOwnBytes) };
}

async function answerInSession(
  node: TransactingNode,
  { handle, ask }: InSessionAsk,
  operationId: string,
): Promise<Explained<InSessionOutcome>> {
  const session = { handle, operationId };
  if (ask.type === 'LockInTransaction' || ask.type === 'UnlockInTransaction') {
    const operation: SessionOperation = ask;
    const answer = sessionIn(await node.transact({ type: 'OperateInTransaction', ...session, operation }));
    return { ...answer, answer };
  }
  const { reason, ...answer }: Explained<{ readonly code: number }> = await answerKeys(node, session, ask);
  return {
    code: answer.code,
    answer: answer as AnswerTo<AskInSession>,
    ...(reason === undefined ? {} : { reason }),
  };
}

type OfKeys = Exclude<AskInSession, { readonly type: 'LockInTransaction' | 'UnlockInTransaction' }>;

async function answerKeys(
  node: TransactingNode,
  session: InSession,
  ask: OfKeys,
): Promise<BatchOutcome | { readonly code: number; readonly reason?: string }> {
  switch (ask.type) {
    case 'DeleteMany': {
      const rows = await Promise.all(
        ask.items.map((item, i) => operate(node, stepOf(session, i), item) as Promise<KeyValueOutcome>),
      );
      return { code: SessionCode.operated, rows };
    }
    case 'Bucket':
      return withOwnBytes(await bucketRows(pagesOf(node, session), { ...ask, session }));
    case 'Range':
      return withOwnBytes(await rangePage(pagesOf(node, session), { ...ask, session }));
    default:
      return withOwnBytes(await operate(node, session, withOwnBytes(asRead(ask) as typeof ask)));
  }
}
