/**
 * gRPC as the batch streams have it: one stream of each service to each node, on which all lanes ask; sequences, which have
 * no such stream, are asked by unary calls.
 */

import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';

import { KeyValueCode, LockCode, SequenceCode, SetFlag } from '../../core/index.js';
import { loadSchema } from '../../runtime-node/grpc/schema.js';
import { LEASE_MS, OWNER, VALUE, type Question, type Wire } from './service-task.js';

export type Message = Record<string, unknown>;
type Answered = (isGood: boolean) => void;

interface Method {
  readonly path: string;
  readonly request: protobuf.Type;
  readonly answer: protobuf.Type;
}

const FRAME = 15;
const PERSISTENT = 1;
const NORMAL = 3;

export function openGrpcWire(ports: readonly number[]): Promise<Wire> {
  const nodes = ports.map((port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure()));
  const keys = nodes.map(openKeyStream);
  const locks = nodes.map((node) =>
    openStream(node, methodOf('locks.proto', 'BatchClientLockRequests'), false),
  );
  const next = methodOf('sequences.proto', 'NextSequenceValue');

  function ask(lane: number, question: Question, answered: Answered): void {
    const place = lane % nodes.length;
    switch (question.type) {
      case 'put':
      case 'create': {
        const flags = question.type === 'put' ? SetFlag.set : SetFlag.set | SetFlag.ifNotExists;
        const asked = { Key: question.key, Value: VALUE, Flags: flags, Durability: PERSISTENT };
        return keys[place]?.send({ Type: 1, TrySetKeyValue: asked }, ({ TrySetKeyValue: answer }) =>
          answered(typeOf(answer) === KeyValueCode.set),
        );
      }
      case 'get': {
        const asked = { Key: question.key, Revision: -1, Durability: PERSISTENT };
        return keys[place]?.send({ Type: 5, TryGetKeyValue: asked }, ({ TryGetKeyValue: answer }) =>
          answered(typeOf(answer) === KeyValueCode.got),
        );
      }
      case 'script': {
        const asked = { Script: Buffer.from(question.script), Parameters: [], Priority: NORMAL };
        const request = { Type: 7, TryExecuteTransactionScript: asked };
        return keys[place]?.send(request, ({ TryExecuteTransactionScript: answer }) =>
          answered(typeOf(answer) === KeyValueCode.set),
        );
      }
      case 'acquire': {
        const asked = { Resource: question.lock, Owner: OWNER, ExpiresMs: LEASE_MS, Durability: PERSISTENT };
        return locks[place]?.send({ Type: 1, TryLock: asked }, ({ TryLock: answer }) =>
          answered(typeOf(answer) === LockCode.locked),
        );
      }
      case 'release': {
        const asked = { Resource: question.lock, Owner: OWNER, Durability: PERSISTENT };
        return locks[place]?.send({ Type: 3, Unlock: asked }, ({ Unlock: answer }) =>
          answered(typeOf(answer) === LockCode.unlocked),
        );
      }
      case 'next': {
        const { sequence: Name, idempotencyKey } = question;
        const key = idempotencyKey === undefined ? {} : { IdempotencyKey: idempotencyKey };
        const asked = { Name, ...key, Durability: PERSISTENT };
        nodes[place]?.makeUnaryRequest(
          next.path,
          (message: Message) => encode(next.request, message),
          (bytes: Buffer) => next.answer.decode(bytes) as unknown as Message,
          asked,
          (error, answer) => answered(error === null && typeOf(answer) === SequenceCode.success),
        );
        return;
      }
    }
  }
  return Promise.resolve({
    ask,
    close() {
      for (const node of nodes) node.close();
    },
  });
}

function typeOf(answer: unknown): unknown {
  return (answer as Message | undefined)?.Type;
}

/** A batch stream: requests as the contract has them, but for their numbers. */
export interface BatchStream {
  send(request: Message, answered: (answer: Message) => void): void;
}

/** The stream for keys of one node. */
export function openKeyStream(node: Client): BatchStream {
  return openStream(node, methodOf('keyvalues.proto', 'BatchClientKeyValueRequests'), true);
}

/** @param framed all requests of one turn of the event loop go in one message. */
function openStream(node: Client, method: Method, framed: boolean): BatchStream {
  const stream: ClientDuplexStream<Message, Message> = node.makeBidiStreamRequest(
    method.path,
    (message: Message) => encode(method.request, message),
    (bytes: Buffer) => method.answer.decode(bytes) as unknown as Message,
  );
  const waiting = new Map<number, (answer: Message) => void>();
  let asked: Message[] = [];
  let lastId = 0;
  const take = (answer: Message): void => {
    const id = answer.RequestId as number;
    waiting.get(id)?.(answer);
    waiting.delete(id);
  };
  stream.on('data', (answer: Message) => {
    if (answer.Type !== FRAME) return take(answer);
    for (const item of (answer.Frame as { readonly Items: readonly Message[] }).Items) take(item);
  });
  // Closing the client ends its streams in this way.
  stream.on('error', () => undefined);
  const flush = (): void => {
    const requests = asked;
    asked = [];
    if (framed) stream.write({ Type: FRAME, Frame: { Items: requests } });
    else for (const request of requests) stream.write(request);
  };
  return {
    send(request, answered) {
      lastId += 1;
      waiting.set(lastId, answered);
      asked.push({ ...request, RequestId: lastId });
      if (asked.length === 1) setImmediate(flush);
    },
  };
}

function encode(type: protobuf.Type, message: Message): Buffer {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function methodOf(file: string, name: string): Method {
  const service = loadSchema(file).services.find((one) => one.methods[name] !== undefined);
  const method = service?.methods[name];
  if (service === undefined || method === undefined) throw new Error(`${file} has no method ${name}`);
  return {
    path: `/${service.fullName.replace(/^\./, '')}/${name}`,
    request: service.lookupType(method.requestType),
    answer: service.lookupType(method.responseType),
  };
}
