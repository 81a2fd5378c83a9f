/** Where a range goes on: opaque text, good for the same prefix and key space only. */

import type { Timestamp } from '../../core/index.js';
import type { RangeAsk } from '../client/port.js';

export interface Place {
  readonly lastKey: string;
  /** The moment that all pages show. */
  readonly at: Timestamp;
}

const VERSION = 1;

export function encodeCursor({ lastKey, at }: Place, { prefix, ephemeral }: RangeAsk): string {
  const { node, wall, counter } = at;
  const fields = [VERSION, prefix, ephemeral === true, lastKey, node, wall, counter];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** Null for what is no cursor of this range. */
export function decodeCursor(text: string, { prefix, ephemeral }: RangeAsk): Place | null {
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null;
  }
  if (!Array.isArray(fields)) return null;
  const [version, ofPrefix, isEphemeral, lastKey, node, wall, counter] = fields as unknown[];
  const isOurs = version === VERSION && ofPrefix === prefix && isEphemeral === (ephemeral === true);
  if (!isOurs || typeof lastKey !== 'string') return null;
  if (![node, wall, counter].every((part) => Number.isSafeInteger(part))) return null;
  return { lastKey, at: { node, wall, counter } as Timestamp };
}
