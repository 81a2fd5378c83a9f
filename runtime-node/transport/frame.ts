/**
 * Frames on a byte stream: the length of the body and a checksum over length and body (CRC-32), four bytes each and most
 * significant first, and the body. Some damage passes TCP's own checksum of 16 bits (Stone and Partridge, 2000); a frame
 * that is not what was sent must end the connection, and never be taken for another message.
 *
 * The reader takes whatever pieces the network makes of them, never reserves memory that a length only promises,
 * and gives each frame as an array of its own or a view of the one piece that held it.
 */

import { crc32 } from 'node:zlib';

const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 4;
export const HEADER_BYTES = LENGTH_BYTES + CHECKSUM_BYTES;

/** What stands before this body on the stream. */
export function frameHeader(body: Uint8Array): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(header, 0, body);
  return header;
}

/** Writes the header of this body at a place of a larger buffer. */
export function writeHeader(into: Buffer, at: number, body: Uint8Array): void {
  into.writeUInt32BE(body.length, at);
  into.writeUInt32BE(checksum(body.length, body), at + LENGTH_BYTES);
}

/** The length is under the checksum too, or a frame of no bytes would match any number of zeros. */
function checksum(length: number, body: Uint8Array): number {
  const start = crc32(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
  // Of no bytes at all, zlib gives 0 or the sum so far, as the array's memory happens to be there or not.
  return body.length === 0 ? start : crc32(body, start);
}

export type FrameResult =
  | { readonly type: 'Frame'; readonly body: Uint8Array }
  /** The bytes so far do not make up a whole frame. */
  | { readonly type: 'Incomplete' }
  /** The stream is unusable from here on. */
  | { readonly type: 'TooLarge'; readonly length: number }
  /** The bytes are not those that were sent; the stream is unusable from here on. */
  | { readonly type: 'Damaged'; readonly length: number };

export interface FrameReader {
  push(bytes: Uint8Array): void;
  /** The next frame; to be asked until there is none. */
  next(maxBytes: number): FrameResult;
}

export function createFrameReader(): FrameReader {
  let pieces: Uint8Array[] = [];
  let held = 0;
  /** Of the frame that is being gathered; undefined while its header is. */
  let length: number | undefined;
  let promised = 0;

  /** The first `count` bytes, which must be there. */
  function take(count: number): Uint8Array {
    const [first] = pieces;
    held -= count;
    if (first !== undefined && first.length >= count) {
      if (first.length === count) pieces.shift();
      else pieces[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const whole = new Uint8Array(count);
    let filled = 0;
    let used = 0;
    for (const piece of pieces) {
      const part = piece.subarray(0, count - filled);
      whole.set(part, filled);
      filled += part.length;
      if (part.length < piece.length) {
        pieces[used] = piece.subarray(part.length);
        break;
      }
      used += 1;
      if (filled === count) break;
    }
    pieces = pieces.slice(used);
    return whole;
  }

  return {
    push(bytes) {
      // A plain view: a Buffer's `slice` shares memory where a Uint8Array's copies, and decoders may rely on the copy.
      pieces.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
      held += bytes.length;
    },
    next(maxBytes) {
      if (length === undefined) {
        if (held < HEADER_BYTES) return { type: 'Incomplete' };
        const taken = take(HEADER_BYTES);
        const header = new DataView(taken.buffer, taken.byteOffset);
        length = header.getUint32(0);
        promised = header.getUint32(LENGTH_BYTES);
      }
      if (length > maxBytes) return { type: 'TooLarge', length };
      if (held < length) return { type: 'Incomplete' };
      const body = take(length);
      if (checksum(length, body) !== promised) return { type: 'Damaged', length };
      length = undefined;
      return { type: 'Frame', body };
    },
  };
}
