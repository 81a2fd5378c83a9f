/**
 * Reading a gRPC message by the names of the REST specification: `expiresMs` is `ExpiresMs` there, and a timestamp is three
 * fields. A number that is left out is 0, because proto3 cannot tell.
 */

import { timestampOf, type RequestReader } from '../api/request-reader.js';

/** A decoded message: its fields by their names. */
export type Message = Readonly<Record<string, unknown>>;

/** 64 bits as protobufjs has them. */
interface Long {
  readonly low: number;
  readonly high: number;
  toString(): string;
}

export function readMessage(message: Message): RequestReader {
  return {
    text: (name) => textOf(valueOf(message, name)) ?? '',
    optionalText: (name) => textOf(valueOf(message, name)),
    integer: (name) => numberOf(valueOf(message, name)),
    optionalInteger(name) {
      const value = valueOf(message, name);
      return value === null || value === undefined ? null : numberOf(value);
    },
    uint64(name) {
      const value = valueOf(message, name);
      return isLong(value) ? value.toString() : String(value ?? 0);
    },
    flag: (name) => valueOf(message, name) === true,
    bytes(name) {
      const value = valueOf(message, name);
      if (!(value instanceof Uint8Array)) return null;
      // A plain view of its own: what was received stays whole as long as any part of it is in use.
      return new Uint8Array(value.buffer, value.byteOffset, value.length).slice();
    },
    timestamp(name) {
      const field = fieldName(name);
      return timestampOf({
        n: numberOf(message[`${field}Node`]),
        l: numberOf(message[`${field}Physical`]),
        c: numberOf(message[`${field}Counter`]),
      });
    },
    list(name) {
      const value = valueOf(message, name);
      return Array.isArray(value) ? value.map((one) => readMessage(one as Message)) : null;
    },
  };
}

/**
 * Only what was sent is the message's own; what its prototype has for the rest differs between types. One field of the
 * contract is spelled as in REST.
 */
function valueOf(message: Message, name: string): unknown {
  const field = fieldName(name);
  if (Object.hasOwn(message, field)) return message[field];
  return Object.hasOwn(message, name) ? message[name] : undefined;
}

function fieldName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (!isLong(value)) return 0;
  return value.high * 4_294_967_296 + (value.low >>> 0);
}

function isLong(value: unknown): value is Long {
  return typeof value === 'object' && value !== null && 'low' in value && 'high' in value;
}
