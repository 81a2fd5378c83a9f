/** Reading what a node answered, and writing what it is asked: the field types of the REST specification, section 1. */

import { ZERO_TIMESTAMP, type Timestamp } from '../../core/clock/hybrid-clock.js';
import type { NodeId, Revision, WallMs } from '../../core/machine/units.js';
import type { Value } from '../../core/partition/command.js';

export type Fields = Readonly<Record<string, unknown>>;

/** Undefined for what is no JSON object. */
export function parseObject(text: string): Fields | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function asObject(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}

export function asObjects(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map((item) => asObject(item) ?? {}) : [];
}

export function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' ? value : 0;
}

export function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

export function revisionIn(fields: Fields): Revision {
  return numberIn(fields, 'revision') as Revision;
}

export function bytesIn(fields: Fields, name: string): Value {
  const value = fields[name];
  return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : null;
}

export function timestampIn(fields: Fields, name: string): Timestamp {
  const value = asObject(fields[name]);
  if (value === undefined) return ZERO_TIMESTAMP;
  return {
    node: numberIn(value, 'n') as NodeId,
    wall: numberIn(value, 'l') as WallMs,
    counter: numberIn(value, 'c'),
  };
}

/** Zero stands for "never". */
export function endIn(fields: Fields): { readonly expires?: Timestamp } {
  const expires = timestampIn(fields, 'expires');
  return expires.wall === 0 ? {} : { expires };
}

export function reasonIn({ reason }: Fields): { readonly reason?: string } {
  return typeof reason === 'string' ? { reason } : {};
}

/** Null is no value, `""` is no bytes. */
export function base64(value: Value): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}

export function timestampJson({ node, wall, counter }: Timestamp): Fields {
  return { n: node, l: wall, c: counter };
}

/** What a node says of a request that it did not take. */
export function messageIn(text: string, status: number): string {
  const message = parseObject(text)?.['message'];
  return typeof message === 'string' ? message : `HTTP status ${status}`;
}
