/**
 * How a host turns a machine's values into bytes and back. Bytes that come from a socket or a disk may be anything:
 * `decode` answers with a reason and never throws for them.
 */

import type { Decoded } from '../../core/wire/index.js';

export type { Decoded };

export interface Codec<Value> {
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): Decoded<Value>;
}

/** The same, for a codec of somebody else's that may throw after all. */
export function decodeSafely<Value>(codec: Codec<Value>, bytes: Uint8Array): Decoded<Value> {
  try {
    return codec.decode(bytes);
  } catch (error) {
    return {
      ok: false,
      reason: `the decoder failed: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
