/** Questions straight into a node of this process: no socket, no JSON, and the same answers. */

import { randomBytes } from 'node:crypto';

import {
  KeyValueCode,
  refusal,
  type ClientAnswer,
  type ClientCall,
  type KeyValueOutcome,
  type Operation,
  type RequestId,
} from '../../core/index.js';
import type {
  AnswerTo,
  Ask,
  Attempt,
  AttemptLimits,
  BatchAsk,
  ClientPort,
  Prepared,
} from '../client/port.js';
import { changesSomething, describeAsk, isDoneOnce } from '../client/ask.js';
import { WavetankError } from '../client/error.js';
import { HostStopped } from '../host/index.js';
import { problemWithWrites } from '../api/requests/batch.js';
import { withOwnBytes } from './copies.js';
import { asRead } from './as-read.js';
import { bucketRows, rangePage, scanRows } from './pages.js';
import { answerSession, type TransactingNode } from './sessions.js';

export interface InProcessNode extends TransactingNode {
  readonly partitions: number;
  /** Rejects with `HostStopped` when there will be no answer. */
  request(call: ClientCall): Promise<ClientAnswer>;
  stop(): Promise<void>;
  /** Why the node can go on no longer; undefined while it can. */
  fatal(): string | undefined;
}

/** Where an answer came from, for those who look at errors. */
const HERE = 'this process';

export function createInProcessPort(node: InProcessNode): ClientPort {
  const run = randomBytes(9).toString('base64url');
  let questions = 0;
  let closed: Promise<void> | undefined;

  function prepare<A extends Ask>(ask: A): Prepared<A> {
    questions += 1;
    const requestId = `e:${questions}:${run}` as RequestId;
    return {
      async attempt({ timeoutMs, signal }: AttemptLimits): Promise<Attempt<A>> {
        // Each kind of question has its own kind of answer; the compiler cannot follow that through the parameter.
        const answer = answerTo(node, ask, requestId) as Promise<AnswerTo<A>>;
        const answered = answer.then(
          (given) => ({ type: 'Answered', answer: given, endpoint: HERE }) as const,
        );
        return firstOf(answered, timeoutMs, signal).catch((error: unknown) => {
          if (!(error instanceof HostStopped)) throw error;
          if (closed === undefined) throw stoppedByItself(ask, node.fatal() ?? error.message);
          return { type: 'Failed', reason: error.message, endpoint: HERE, sent: true };
        });
      },
    };
  }

  return {
    breadth: 1,
    prepare,
    isClosed: () => closed !== undefined,
    close: () => (closed ??= node.stop()),
  };
}

/** There is nobody else to ask, now or later. */
function stoppedByItself(ask: Ask, fatal: string): WavetankError {
  const reason = `the node has stopped: ${fatal}`;
  const isOutcomeUnknown = changesSomething(ask);
  return new WavetankError({ operation: describeAsk(ask), code: 'errored', reason, isOutcomeUnknown });
}

/** The answer, unless it takes too long, or nobody wants it any more. */
async function firstOf<A extends Ask>(
  answered: Promise<Attempt<A>>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt<A>> {
  let ended: (reason: string) => void = () => undefined;
  const end = new Promise<Attempt<A>>((resolve) => {
    ended = (reason) => resolve({ type: 'Failed', reason, endpoint: HERE, sent: true });
  });
  const cancelled = (): void => ended('cancelled by the caller');
  const timeout = setTimeout(() => ended(`no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
  signal?.addEventListener('abort', cancelled, { once: true });
  // The question was asked before anybody listened.
  if (signal?.aborted === true) cancelled();
  try {
    return await Promise.race([answered, end]);
  } finally {
    clearTimeout(timeout);
    signal?.removeEventListener('abort', cancelled);
  }
}

function answerTo(node: InProcessNode, ask: Ask, requestId: RequestId): Promise<unknown> {
  const scan = (operation: Operation): Promise<ClientAnswer> => request(node, { operation });
  switch (ask.type) {
    case 'SetMany':
    case 'DeleteMany':
    case 'GetMany':
    case 'ExistsMany':
      return answerBatch(node, ask);
    case 'Bucket':
      return bucketRows(scan, ask);
    case 'ScanAll':
      return scanRows(scan, ask, node.partitions);
    case 'Range':
      return rangePage(scan, ask);
    case 'Begin':
    case 'InSession':
    case 'LockInTransaction':
    case 'UnlockInTransaction':
    case 'Commit':
    case 'Rollback':
    case 'RunScript':
      return answerSession(node, ask, requestId);
    default:
      return request(node, isDoneOnce(ask) ? { requestId, operation: ask } : { operation: ask });
  }
}

async function request(node: InProcessNode, { operation, ...call }: ClientCall): Promise<ClientAnswer> {
  return withOwnBytes(await node.request({ ...call, operation: withOwnBytes(asRead(operation)) }));
}

/** Each item by itself, all at once. */
async function answerBatch(node: InProcessNode, ask: BatchAsk): Promise<AnswerTo<BatchAsk>> {
  const isRead = ask.type === 'GetMany' || ask.type === 'ExistsMany';
  const reason = isRead ? undefined : problemWithWrites(ask.items);
  if (reason !== undefined) {
    const code = KeyValueCode.invalidInput;
    return { code, rows: ask.items.map(() => refusal(code)), reason };
  }
  const at = 'at' in ask && ask.at !== undefined ? { at: ask.at } : {};
  const rows = await Promise.all(
    ask.items.map((item) => request(node, { operation: { ...item, ...at } as Operation })),
  );
  // Only then can all of it be asked again.
  const nothingKnown = rows.every(({ code }) => code === KeyValueCode.mustRetry);
  const code = nothingKnown && isRead ? KeyValueCode.mustRetry : KeyValueCode.got;
  return { code, rows: rows as readonly KeyValueOutcome[] };
}
