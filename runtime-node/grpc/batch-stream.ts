/**
 * The streams on which clients send many requests at once (gRPC specification, section 8): each request runs by itself and is
 * answered with its own number, in whatever order they finish. A request that fails takes nothing else with it.
 */

import type { ServerDuplexStream } from '@grpc/grpc-js';

import { KeyValueCode, LockCode } from '../../core/index.js';
import type { ApiBackend } from '../api/backend.js';
import type { Log } from '../observe/log.js';
import { UNARY_CALLS } from './calls.js';
import type { Message } from './message-reader.js';

/** What a request of one type carries, and which call answers it. */
interface Payload {
  /** The field of the envelope, in request and answer alike. */
  readonly field: string;
  readonly call: string;
  /** The answer when the call fails, whose outcome is then unknown. */
  failed(request: Message): Message;
}

type Payloads = Readonly<Record<number, Payload>>;

const retryLock = (): Message => ({ Type: LockCode.mustRetry });
const retryKey = (): Message => ({ Type: KeyValueCode.mustRetry });
const errored = (): Message => ({ Type: KeyValueCode.errored });

/** Every row of a batch has its own answer. */
function retryRows(request: Message): Message {
  const items = Array.isArray(request.Items) ? (request.Items as readonly Message[]) : [];
  return {
    Items: items.map(({ Key, Durability }) => ({ Type: KeyValueCode.mustRetry, Key, Durability })),
  };
}

const LOCK_PAYLOADS: Payloads = {
  1: { field: 'TryLock', call: '/Locker/TryLock', failed: retryLock },
  2: { field: 'ExtendLock', call: '/Locker/TryExtendLock', failed: retryLock },
  3: { field: 'Unlock', call: '/Locker/Unlock', failed: retryLock },
  4: { field: 'GetLock', call: '/Locker/GetLock', failed: retryLock },
};

const KEY_VALUE_PAYLOADS: Payloads = {
  1: { field: 'TrySetKeyValue', call: '/KeyValuer/TrySetKeyValue', failed: retryKey },
  2: { field: 'TrySetManyKeyValue', call: '/KeyValuer/TrySetManyKeyValue', failed: retryRows },
  3: { field: 'TryExtendKeyValue', call: '/KeyValuer/TryExtendKeyValue', failed: retryKey },
  4: { field: 'TryDeleteKeyValue', call: '/KeyValuer/TryDeleteKeyValue', failed: retryKey },
  5: { field: 'TryGetKeyValue', call: '/KeyValuer/TryGetKeyValue', failed: retryKey },
  6: { field: 'TryExistsKeyValue', call: '/KeyValuer/TryExistsKeyValue', failed: retryKey },
  // Run again it may take effect twice.
  7: {
    field: 'TryExecuteTransactionScript',
    call: '/KeyValuer/TryExecuteTransactionScript',
    failed: errored,
  },
  8: { field: 'TryAcquireExclusiveLock', call: '/KeyValuer/TryAcquireExclusiveLock', failed: retryKey },
  9: { field: 'GetByBucket', call: '/KeyValuer/GetByBucket', failed: retryKey },
  10: { field: 'ScanByPrefix', call: '/KeyValuer/ScanAllByPrefix', failed: retryKey },
  11: { field: 'StartTransaction', call: '/KeyValuer/StartTransaction', failed: retryKey },
  12: { field: 'CommitTransaction', call: '/KeyValuer/CommitTransaction', failed: retryKey },
  13: { field: 'RollbackTransaction', call: '/KeyValuer/RollbackTransaction', failed: retryKey },
  14: { field: 'TryDeleteManyKeyValue', call: '/KeyValuer/TryDeleteManyKeyValue', failed: retryRows },
};

const FRAME = 15;

/** The payloads of each stream. */
export const BATCH_STREAMS: Readonly<Record<string, Payloads>> = {
  '/Locker/BatchClientLockRequests': LOCK_PAYLOADS,
  '/KeyValuer/BatchClientKeyValueRequests': KEY_VALUE_PAYLOADS,
};

export interface BatchStream {
  /** Takes no more requests, answers those under way, and ends. */
  finish(): void;
}

export function serveBatchStream(
  backend: ApiBackend,
  payloads: Payloads,
  stream: ServerDuplexStream<Message, Message>,
  log: Log,
): BatchStream {
  let underWay = 0;
  let isEnding = false;
  /** Frames are for those who have shown that they know them. */
  let knowsFrames = false;
  let finished: Message[] = [];

  stream.on('data', (request: Message) => {
    if (isEnding) return;
    if (request.Type !== FRAME || payloads !== KEY_VALUE_PAYLOADS) return take(request);
    knowsFrames = true;
    const { Items = [] } = (request.Frame ?? {}) as { readonly Items?: readonly Message[] };
    for (const item of Items) take(item);
  });
  stream.on('end', finish);
  // The caller is gone; what it asked for is done nonetheless, and told to nobody.
  stream.on('error', (error) => log.debug({}, `a batch stream broke: ${error.message}`));
  stream.on('cancelled', () => (isEnding = true));

  function take(request: Message): void {
    const { Type, RequestId } = request;
    const payload = typeof Type === 'number' ? payloads[Type] : undefined;
    if (payload === undefined) {
      log.warn({ type: Type, requestId: RequestId }, 'a batch stream brought a request of no known type');
      return;
    }
    underWay += 1;
    const asked = (request[payload.field] ?? {}) as Message;
    void answerTo(payload, asked).then((answer) => {
      finished.push({ Type, RequestId, [payload.field]: answer });
      if (finished.length === 1) setImmediate(write);
    });
  }

  async function answerTo({ call, failed }: Payload, asked: Message): Promise<Message> {
    const run = UNARY_CALLS[call];
    if (run === undefined) return failed(asked);
    try {
      return await run(backend, asked);
    } catch (error) {
      log.error(
        { call, stack: error instanceof Error ? error.stack : undefined },
        `a request of a batch stream failed unexpectedly: ${String(error)}`,
      );
      return failed(asked);
    }
  }

  /** All answers of one turn of the event loop go together. */
  function write(): void {
    const answers = finished;
    finished = [];
    underWay -= answers.length;
    if (!stream.cancelled && !stream.destroyed) {
      if (knowsFrames && answers.length > 1) stream.write({ Type: FRAME, Frame: { Items: answers } });
      else for (const answer of answers) stream.write(answer);
    }
    endWhenDone();
  }

  function finish(): void {
    isEnding = true;
    endWhenDone();
  }

  function endWhenDone(): void {
    if (isEnding && underWay === 0 && !stream.cancelled && !stream.writableEnded) stream.end();
  }

  return { finish };
}
