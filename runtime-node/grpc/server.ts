/**
 * The gRPC face of a node, by @grpc/grpc-js. It listens on no port of its own: connections that speak HTTP/2 are handed
 * to it by whoever listens.
 *
 * Business outcomes, and trouble inside the cluster, are messages with status OK; a method that it does not
 * know is UNIMPLEMENTED, and a mistake of this program is UNKNOWN.
 */

import type { Duplex } from 'node:stream';

import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

import type { ApiBackend } from '../api/backend.js';
import { doRange } from '../api/calls/range.js';
import { NO_BACKUPS } from '../api/no-backups.js';
import {
  problemWithLeaf,
  problemWithParent,
  problemWithRestore,
  type ProblemWith,
} from '../api/requests/backup.js';
import { readRange, type RangeAsked } from '../api/requests/range.js';
import { KeyValueCode } from '../../core/index.js';
import type { Log } from '../observe/log.js';
import { pageMessage } from './answers.js';
import { BATCH_STREAMS, serveBatchStream, type BatchStream } from './batch-stream.js';
import { UNARY_CALLS } from './calls.js';
import { readMessage, type Message } from './message-reader.js';
import { reflectionServices } from './reflection.js';
import { definitionOf, loadSchema, SERVICE_FILES } from './schema.js';

export interface GrpcFace {
  /** Serves a connection whose other side speaks HTTP/2. */
  take(connection: Duplex): void;
  /** Takes nothing more; what is under way is answered, for a bounded time. */
  close(): void;
}

/** Values have at most 64 MiB; a message with the largest one is refused, as it is by clients. */
const MAX_MESSAGE_BYTES = 64 << 20;
/** What calls under way are given when the node stops. */
const CLOSE_GRACE_MS = 3_000;
/** Rows of one message of a streamed range, when the caller does not say. */
const STREAMED_ROWS = 100;

export function createGrpc(backend: ApiBackend, log: Log): GrpcFace {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.enable_channelz': 0,
  });
  const streams = new Set<BatchStream>();
  for (const file of SERVICE_FILES) {
    for (const service of loadSchema(file).services) {
      const definition = definitionOf(service);
      const handlers: UntypedServiceImplementation = {};
      for (const [name, { path }] of Object.entries(definition)) {
        const handler = handlerOf(backend, path, streams, log);
        if (handler !== undefined) handlers[name] = handler;
      }
      server.addService(definition, handlers);
    }
  }
  for (const { definition, handlers } of reflectionServices()) server.addService(definition, handlers);
  // The connection is decrypted already, where it was encrypted.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());

  return {
    take: (connection) => injector.injectConnection(connection),
    close() {
      for (const stream of streams) stream.finish();
      injector.drain(CLOSE_GRACE_MS);
    },
  };
}

type Handler =
  | handleUnaryCall<Message, Message>
  | handleServerStreamingCall<Message, Message>
  | handleBidiStreamingCall<Message, Message>;

/** Undefined for what is not implemented: grpc-js then says so. */
function handlerOf(
  backend: ApiBackend,
  path: string,
  streams: Set<BatchStream>,
  log: Log,
): Handler | undefined {
  if (path === '/KeyValuer/GetByRangeStream') return rangeStream(backend, log);
  const payloads = BATCH_STREAMS[path];
  if (payloads !== undefined) {
    const serve: handleBidiStreamingCall<Message, Message> = (stream) => {
      const serving = serveBatchStream(backend, payloads, stream, log);
      streams.add(serving);
      stream.once('close', () => streams.delete(serving));
    };
    return serve;
  }
  if (path.startsWith('/Backups/')) return refuseBackup(BACKUP_PROBLEMS[path]);
  const run = UNARY_CALLS[path];
  if (run === undefined) return undefined;
  const unary: handleUnaryCall<Message, Message> = (call, respond) => {
    run(backend, call.request).then(
      (answer) => respond(null, answer),
      (error: unknown) => respond({ code: status.UNKNOWN, details: complain(path, error, log) }),
    );
  };
  return unary;
}

/** What is looked at before anything else is said; the other calls take no fields that can be wrong. */
const BACKUP_PROBLEMS: Readonly<Record<string, ProblemWith>> = {
  '/Backups/TakeIncrementalBackup': problemWithParent,
  '/Backups/GetBackupChain': problemWithLeaf,
  '/Backups/ValidateChain': problemWithLeaf,
  '/Backups/Restore': problemWithRestore,
};

function refuseBackup(problemWith: ProblemWith = () => undefined): handleUnaryCall<Message, Message> {
  return ({ request }, respond) => {
    // An id that is left out is an empty text here, and that is none.
    const problem = problemWith(readMessage({ ParentBackupId: '', LeafBackupId: '', ...request }));
    if (problem !== undefined) return respond({ code: status.INVALID_ARGUMENT, details: problem });
    // In the trailer, programs find the outcome by its name.
    const metadata = new Metadata();
    metadata.set('kahuna-backup-outcome', NO_BACKUPS.outcome);
    respond({ code: status.UNAVAILABLE, details: NO_BACKUPS.detail, metadata });
  };
}

/** A whole range, a message for each page, all pages of the moment of the first. */
function rangeStream(backend: ApiBackend, log: Log): handleServerStreamingCall<Message, Message> {
  return (stream) => {
    streamPages(backend, stream).catch((error: unknown) => {
      stream.destroy(
        Object.assign(new Error(complain('/KeyValuer/GetByRangeStream', error, log)), {
          code: status.UNKNOWN,
        }),
      );
    });
  };
}

async function streamPages(
  backend: ApiBackend,
  stream: ServerWritableStream<Message, Message>,
): Promise<void> {
  // A stream has no transaction: the contract ignores its coordinator, and a transaction without one is refused.
  let asked: RangeAsked = readRange(readMessage({ ...stream.request, CoordinatorKey: '' }));
  if (stream.request.Prefix === '') return void stream.end();
  if (asked.type === 'Range' && asked.range.limit === Infinity)
    asked = { type: 'Range', range: { ...asked.range, limit: STREAMED_ROWS } };
  while (!stream.cancelled) {
    const page = await doRange(backend, asked);
    const isFull = !stream.write(pageMessage(page));
    if (page.code !== KeyValueCode.got || page.next === undefined) return void stream.end();
    asked = { type: 'Range', range: page.next };
    // No faster than the caller reads.
    if (isFull) await drained(stream);
  }
}

function drained(stream: ServerWritableStream<Message, Message>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeListener('drain', done);
      stream.removeListener('cancelled', done);
      stream.removeListener('close', done);
      resolve();
    };
    stream.on('drain', done).on('cancelled', done).on('close', done);
  });
}

/** @returns what the caller is told. */
function complain(path: string, error: unknown, log: Log): string {
  const stack = error instanceof Error ? error.stack : String(error);
  log.error({ call: path, stack }, `a call failed unexpectedly: ${String(error)}`);
  return 'an unexpected error; the log of this node says more';
}
