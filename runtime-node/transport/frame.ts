/**
 * Frames on a byte stream: a length of four bytes, most significant first, and so many bytes.
 *
 * The reader takes whatever pieces the network makes of them, never reserves memory that a length only promises,
 * and gives each frame as an array of its own or a view of the one piece that held it.
 */

export const LENGTH_BYTES = 4;

export function frameHeader(length: number): Uint8Array {
  const header = Buffer.allocUnsafe(LENGTH_BYTES);
  header.writeUInt32BE(length, 0);
  return header;
}

export type FrameResult =
  | { readonly type: 'Frame'; readonly body: Uint8Array }
  /** The bytes so far do not make up a whole frame. */
  | { readonly type: 'Incomplete' }
  /** The stream is unusable from here on. */
  | { readonly type: 'TooLarge'; readonly length: number };

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
        if (held < LENGTH_BYTES) return { type: 'Incomplete' };
        const header = take(LENGTH_BYTES);
        length = new DataView(header.buffer, header.byteOffset).getUint32(0);
      }
      if (length > maxBytes) return { type: 'TooLarge', length };
      if (held < length) return { type: 'Incomplete' };
      const body = take(length);
      length = undefined;
      return { type: 'Frame', body };
    },
  };
}
