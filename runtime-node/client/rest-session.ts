/** Routes about sessions and scripts: what they are sent, and what their answers mean (REST specification, sections 6 and 7). */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type { LockNeed } from '../../core/partition/transaction-command.js';
import type { Entry } from '../../core/script/effects.js';
import {
  TRANSACTION_PRIORITIES,
  type RunScript,
  type SessionOptions,
  type TransactionHandle,
} from '../../core/transactions/calls.js';
import type { AskInSession, LockAsk, ScriptOutcome, SessionAsk, SessionOutcome } from './port.js';
import {
  asObjects,
  base64,
  bytesIn,
  endIn,
  numberIn,
  reasonIn,
  textIn,
  timestampIn,
  timestampJson,
  type Fields,
} from './rest-fields.js';
import { anyRoute, spaceBody, type AnyRoute } from './rest.js';

export function sessionRoute(ask: SessionAsk): AnyRoute {
  switch (ask.type) {
    case 'Begin':
      return {
        path: '/v1/kv/start-tx-session',
        body: { coordinatorKey: ask.coordinatorKey, ...optionsBody(ask.options) },
        read: readSession,
      };
    case 'Commit':
    case 'Rollback': {
      const path = ask.type === 'Commit' ? '/v1/kv/commit-tx-session' : '/v1/kv/rollback-tx-session';
      const body = { ...handleBody(ask.handle), recordAnchorKey: ask.anchorKey ?? null };
      return { path, body, read: readSession };
    }
    case 'RunScript':
      return { path: '/v1/kv/try-execute-tx-script', body: scriptBody(ask), read: readScript };
    case 'InSession':
      return inSessionRoute(ask.handle, ask.ask);
    case 'LockInTransaction':
    case 'UnlockInTransaction':
      return lockRoute(ask);
  }
}

function inSessionRoute(handle: TransactionHandle, ask: AskInSession): AnyRoute {
  const { path, body = {}, read } = anyRoute(ask);
  const session = handleBody(handle);
  return {
    path,
    body: ask.type === 'DeleteMany' ? batchBody(body, session) : { ...body, ...session },
    read: (fields) => ({ ...readSession(fields), answer: read(fields) }),
  };
}

/** The items of a batch name the transaction, each. */
function batchBody({ items }: Fields, { transactionId, coordinatorKey }: Fields): Fields {
  return { items: asObjects(items).map((item) => ({ ...item, transactionId })), coordinatorKey };
}

function handleBody({ id, coordinatorKey }: TransactionHandle): Fields {
  return { transactionId: timestampJson(id), coordinatorKey };
}

function optionsBody(options: SessionOptions): Fields {
  const { timeoutMs, admissionWaitMs, asyncRelease, priority, readTimestamp } = options;
  return {
    timeout: timeoutMs,
    admissionWaitMs,
    lockingType: options.locking === 'optimistic' ? 1 : 0,
    readValidation: options.readValidation === 'trackAndValidate' ? 1 : 0,
    decisionDurability: options.decisionDurability === 'durable' ? 1 : 0,
    asyncRelease,
    priority: TRANSACTION_PRIORITIES.indexOf(priority),
    ...(readTimestamp === undefined ? {} : { readTimestamp: timestampJson(readTimestamp) }),
  };
}

function scriptBody({ script, hash, parameters, priority }: RunScript): Fields {
  return {
    hash: hash ?? null,
    script: base64(script),
    parameters: parameters.map(({ name, value }) => ({ key: name, value })),
    priority: TRANSACTION_PRIORITIES.indexOf(priority),
  };
}

function lockRoute(ask: LockAsk): AnyRoute {
  const { need } = ask;
  const verb = ask.type === 'LockInTransaction' ? 'acquire' : 'release';
  const lease = ask.type === 'LockInTransaction' ? { expiresMs: ask.leaseMs } : {};
  return {
    path: `/v1/kv/try-${verb}-${LOCK_NAMES[need.type]}-lock`,
    body: { ...needBody(need), ...lease, ...spaceBody(ask) },
    read: readSession,
  };
}

const LOCK_NAMES = { KeyLock: 'exclusive', PrefixLock: 'prefix', RangeLock: 'range' } as const;

function needBody(need: LockNeed): Fields {
  switch (need.type) {
    case 'KeyLock':
      return { key: need.key };
    case 'PrefixLock':
      return { key: need.prefix };
    case 'RangeLock': {
      const { prefix, from, to, mode } = need;
      return {
        prefix,
        startKey: from?.key ?? null,
        startInclusive: from?.inclusive ?? true,
        endKey: to?.key ?? null,
        endInclusive: to?.inclusive ?? false,
        mode: mode === 'shared' ? 1 : 0,
      };
    }
  }
}

function readSession(fields: Fields): SessionOutcome & { readonly reason?: string } {
  const id = timestampUnlessZero(fields, 'transactionId');
  const holder = timestampUnlessZero(fields, 'holderTransactionId');
  const anchorKey = textIn(fields, 'recordAnchorKey');
  return {
    code: numberIn(fields, 'type'),
    ...(id === undefined ? {} : { id }),
    ...(holder === undefined ? {} : { holder }),
    ...(anchorKey === '' ? {} : { anchorKey }),
    ...reasonIn(fields),
  };
}

function timestampUnlessZero(fields: Fields, name: string): Timestamp | undefined {
  const time = timestampIn(fields, name);
  return time.wall === 0 ? undefined : time;
}

function readScript(fields: Fields): ScriptOutcome & { readonly reason?: string } {
  return {
    code: numberIn(fields, 'type'),
    entries: asObjects(fields['values']).map(readEntry),
    ...reasonIn(fields),
  };
}

function readEntry(fields: Fields): Entry {
  const value = bytesIn(fields, 'value');
  const lastModified = timestampUnlessZero(fields, 'lastModified');
  return {
    ...(typeof fields['key'] === 'string' ? { key: fields['key'] } : {}),
    ...(value === null ? {} : { value }),
    revision: numberIn(fields, 'revision'),
    ...endIn(fields),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}
