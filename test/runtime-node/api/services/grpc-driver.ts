/** The driver that speaks gRPC, with names and shapes translated from those of REST. */

import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';

import { loadSchema, SERVICE_FILES } from '../../../../runtime-node/grpc/schema.js';
import { METHODS, turnBytes, withUsual, type Driver, type Fields, type ServicePath } from './driver.js';

export function grpcDriver(url: string, trust: ChannelCredentials = credentials.createInsecure()): Driver {
  const client = new Client(new URL(url).host, trust);
  return {
    call(path, body) {
      const method = methodNamed(METHODS[path]);
      const sent = turnBytes(asGrpcHasIt(path, withUsual(path, body)), (text) => Buffer.from(String(text)));
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          method.path,
          (request: Fields) => Buffer.from(method.request.encode(request).finish()),
          (bytes: Buffer) => decodeWhole(method.answer, bytes),
          toMessage(sent),
          (error, answer) => {
            if (error !== null) reject(error);
            else
              resolve(
                turnBytes(toFields(answer ?? {}), (bytes) => Buffer.from(bytes as Uint8Array).toString()),
              );
          },
        );
      });
    },
    close: () => client.close(),
  };
}

/** Where the contract says the same otherwise: a prefix has a name of its own, and priorities begin at 1. */
function asGrpcHasIt(path: ServicePath, { priority, key, ...body }: Fields): Fields {
  return {
    ...body,
    ...(typeof priority === 'number' ? { priority: priority + 1 } : {}),
    ...(key === undefined ? {} : path.includes('prefix-lock') ? { prefixKey: key } : { key }),
  };
}

/** With every field: numbers as such, and null for what is absent and may be. */
export function decodeWhole(type: protobuf.Type, bytes: Uint8Array): Fields {
  return withNulls(type, type.toObject(type.decode(bytes), { longs: Number }) as Fields);
}

function withNulls(type: protobuf.Type, message: Fields): Fields {
  const whole: Record<string, unknown> = {};
  for (const { name, resolvedType, repeated, options, typeDefault } of type.fieldsArray) {
    const nested = resolvedType !== null && 'fields' in resolvedType ? resolvedType : undefined;
    const isOptional = nested !== undefined || options?.proto3_optional === true;
    const value = message[name];
    if (value === undefined) whole[name] = repeated ? [] : isOptional ? null : zeroOf(typeDefault);
    else if (nested === undefined) whole[name] = value;
    else if (Array.isArray(value)) whole[name] = value.map((one) => withNulls(nested, one as Fields));
    else whole[name] = withNulls(nested, value as Fields);
  }
  return whole;
}

function zeroOf(typeDefault: unknown): unknown {
  return typeof typeDefault === 'object' ? 0 : typeDefault;
}

interface Method {
  readonly path: string;
  readonly request: protobuf.Type;
  readonly answer: protobuf.Type;
}

export function methodNamed(fullName: string): Method {
  const [serviceName, name = ''] = fullName.split('.');
  for (const file of SERVICE_FILES) {
    const service = loadSchema(file).services.find((one) => one.name === serviceName);
    const method = service?.methods[name];
    if (service === undefined || method === undefined) continue;
    return {
      path: `/${serviceName}/${name}`,
      request: service.lookupType(method.requestType),
      answer: service.lookupType(method.responseType),
    };
  }
  throw new Error(`there is no method ${fullName}`);
}

/** `expiresMs` is `ExpiresMs` there, and a timestamp is three fields. */
export function toMessage(fields: Fields): Fields {
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const field = name.charAt(0).toUpperCase() + name.slice(1);
    if (isTimestamp(value)) {
      message[`${field}Node`] = value.n;
      message[`${field}Physical`] = value.l;
      message[`${field}Counter`] = value.c;
    } else if (Array.isArray(value)) message[field] = value.map((one) => toMessage(one as Fields));
    else {
      message[field] = value;
      // One field of the contract is spelled so.
      if (name === 'durability') message[name] = value;
    }
  }
  return message;
}

function toFields(message: Fields): Fields {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(message)) {
    const name = field.charAt(0).toLowerCase() + field.slice(1);
    const part = /^(.+)(Node|Physical|Counter)$/.exec(name);
    if (part?.[1] !== undefined) {
      const letter = { Node: 'n', Physical: 'l', Counter: 'c' }[part[2] as 'Node'];
      fields[part[1]] = { ...(fields[part[1]] as Fields | undefined), [letter]: value };
    } else if (Array.isArray(value)) fields[name] = value.map((one) => toFields(one as Fields));
    else if (isPlain(value)) fields[name] = toFields(value);
    else fields[name] = value;
  }
  return fields;
}

function isTimestamp(
  value: unknown,
): value is { readonly n: number; readonly l: number; readonly c: number } {
  return isPlain(value) && 'n' in value && 'l' in value;
}

function isPlain(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
