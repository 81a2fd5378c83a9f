/** A gRPC face over a node that is none, and a client that speaks the contract's own names. */

import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

import { KeyValueCode, refusal, type ClientAnswer, type ClientCall } from '../../../core/index.js';
import { createApi, type Api, type ApiBackend } from '../../../runtime-node/api/index.js';
import { fakeBackend } from '../api/fake-backend.js';
import type { Fields } from '../api/services/driver.js';
import { decodeWhole, methodNamed } from '../api/services/grpc-driver.js';
import { recordingLog } from '../support/recording-log.js';

export interface GrpcFake {
  readonly api: Api;
  readonly url: string;
  readonly client: Client;
  /** What the node was asked so far. */
  readonly asked: ClientCall[];
  /** What it answers from now on; that there is no such key, unless told. */
  answerWith(answer: (call: ClientCall) => Promise<ClientAnswer>): void;
  unary(name: string, request: Fields): Promise<Fields>;
  batchStream(name: string): BatchCall;
}

export interface BatchCall {
  readonly stream: ClientDuplexStream<Fields, Fields>;
  /** The next answers, so many of them. */
  take(count: number): Promise<readonly Fields[]>;
  readonly ended: Promise<void>;
}

export async function grpcFake(rest: Partial<ApiBackend> = {}): Promise<GrpcFake> {
  const asked: ClientCall[] = [];
  let answer = (_call: ClientCall): Promise<ClientAnswer> =>
    Promise.resolve(refusal(KeyValueCode.doesNotExist));
  const backend = fakeBackend((call) => {
    asked.push(call);
    return answer(call);
  }, rest);
  const api = await createApi(backend, recordingLog());
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return {
    api,
    url: `http://127.0.0.1:${port}`,
    client,
    asked,
    answerWith(next) {
      answer = next;
    },
    unary(name, request) {
      const { path, encode, decode } = codecs(name);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, encode, decode, request, (error, got) =>
          error === null ? resolve(got ?? {}) : reject(error),
        );
      });
    },
    batchStream: (name) => batchStream(client, name),
  };
}

export function codecs(name: string): {
  readonly path: string;
  encode(request: Fields): Buffer;
  decode(bytes: Buffer): Fields;
} {
  const { path, request, answer: type } = methodNamed(name);
  return {
    path,
    encode: (fields) => Buffer.from(request.encode(fields).finish()),
    decode: (bytes) => decodeWhole(type, bytes),
  };
}

function batchStream(client: Client, name: string): BatchCall {
  const { path, encode, decode } = codecs(name);
  const stream = client.makeBidiStreamRequest(path, encode, decode);
  const came: Fields[] = [];
  let look = (): void => undefined;
  stream.on('data', (one: Fields) => {
    came.push(one);
    look();
  });
  stream.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => stream.on('end', () => resolve()));
  return {
    stream,
    ended,
    take: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (came.length >= count) resolve(came.splice(0, count));
        };
        look();
      }),
  };
}
