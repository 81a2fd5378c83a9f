/**
 * The contract as the .proto files beside this one have it, and the codecs of its messages: protobufjs's own, which are
 * compiled when first used.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

import type { Message } from './message-reader.js';

/** Each file is of its own: names of enum values are not unique among them. */
export const SERVICE_FILES: readonly string[] = [
  'locks.proto',
  'keyvalues.proto',
  'sequences.proto',
  'cluster.proto',
  'backups.proto',
];

export interface Schema {
  readonly root: protobuf.Root;
  readonly services: readonly protobuf.Service[];
}

let folder: string | undefined;

/** Where the .proto files are: not among the built files, but beside the sources, which a package has too. */
export function protoFolder(): string {
  folder ??= findFolder(import.meta.dirname);
  return folder;
}

function findFolder(from: string): string {
  const candidate = join(from, 'runtime-node', 'grpc', 'protos');
  if (existsSync(join(candidate, 'locks.proto'))) return candidate;
  const above = dirname(from);
  if (above === from) throw new Error(`the folder runtime-node/grpc/protos of this package is missing`);
  return findFolder(above);
}

const loaded = new Map<string, Schema>();

/** One file with what it imports. */
export function loadSchema(file: string): Schema {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoFolder(), target);
  root.loadSync(file, { keepCase: true });
  root.resolveAll();
  const schema = { root, services: servicesIn(root) };
  loaded.set(file, schema);
  return schema;
}

function servicesIn(namespace: protobuf.NamespaceBase): readonly protobuf.Service[] {
  return namespace.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Service) return [one];
    return one instanceof protobuf.Namespace ? servicesIn(one) : [];
  });
}

/** A service as grpc-js wants it. */
export function definitionOf(service: protobuf.Service): ServiceDefinition {
  const methods = service.methodsArray.map((method): [string, MethodDefinition<Message, Message>] => {
    const request = codecOf(service.lookupType(method.requestType));
    const response = codecOf(service.lookupType(method.responseType));
    return [
      method.name,
      {
        path: `/${service.fullName.replace(/^\./, '')}/${method.name}`,
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        requestSerialize: request.encode,
        requestDeserialize: request.decode,
        responseSerialize: response.encode,
        responseDeserialize: response.decode,
      },
    ];
  });
  return Object.fromEntries(methods);
}

interface MessageCodec {
  encode(message: Message): Buffer;
  decode(bytes: Buffer): Message;
}

function codecOf(type: protobuf.Type): MessageCodec {
  return {
    encode(message) {
      const bytes = type.encode(message).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    // The decoded object has the message's type in its prototype; only its fields matter here.
    decode: (bytes) => type.decode(bytes) as unknown as Message,
  };
}
