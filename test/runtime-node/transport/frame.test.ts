import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createFrameReader, frameHeader, type FrameResult } from '../../../runtime-node/transport/frame.js';

const LIMIT = 1_000;

function framed(bodies: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(bodies.flatMap((body) => [frameHeader(body), body]));
}

/** Everything that can be read after each piece. */
function readPieces(pieces: readonly Uint8Array[], limit = LIMIT): readonly FrameResult[] {
  const reader = createFrameReader();
  const results: FrameResult[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (;;) {
      const result = reader.next(limit);
      if (result.type === 'Incomplete') break;
      results.push(result);
      if (result.type !== 'Frame') return results;
    }
  }
  return results;
}

describe('a frame reader', () => {
  it('gives the frames that were written, however the network cuts them', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    const cuts = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(bodies, cuts, (frames, sizes) => {
        const bytes = framed(frames);
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = (sizes[i % sizes.length] ?? 0) + (i % 2);
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }

        const results = readPieces(pieces);

        expect(results.map((result) => (result.type === 'Frame' ? [...result.body] : result))).toEqual(
          frames.map((body) => [...body]),
        );
      }),
    );
  });

  it('gives frames of no bytes', () => {
    const results = readPieces([framed([new Uint8Array(0), new Uint8Array([7])])]);

    expect(results).toEqual([
      { type: 'Frame', body: new Uint8Array(0) },
      { type: 'Frame', body: new Uint8Array([7]) },
    ]);
  });

  it('refuses a frame beyond the limit by its length alone', () => {
    const results = readPieces([frameHeader(new Uint8Array(LIMIT + 1))]);

    expect(results).toEqual([{ type: 'TooLarge', length: LIMIT + 1 }]);
  });

  it('never gives a frame in which a bit was flipped, nor any frame after it', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(bodies, fc.nat(), fc.nat(20), (frames, draw, size) => {
        const bytes = Uint8Array.from(framed(frames));
        const bit = draw % (bytes.length * 8);
        bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
        let whole = 0;
        for (let end = 0; ; whole += 1) {
          end += framed([frames[whole] as Uint8Array]).length;
          if (end > bit >>> 3) break;
        }

        const results = readPieces([bytes.subarray(0, size), bytes.subarray(size)]);

        const given = results.flatMap((result) => (result.type === 'Frame' ? [[...result.body]] : []));
        expect(given).toEqual(frames.slice(0, whole).map((body) => [...body]));
      }),
      { numRuns: 1_000 },
    );
  });

  it('says that a frame was damaged when its bytes do not match its checksum', () => {
    const bytes = Uint8Array.from(framed([new Uint8Array([1, 2, 3]), new Uint8Array([4])]));
    bytes[bytes.length - 1] = 5;

    const results = readPieces([bytes]);

    expect(results).toEqual([
      { type: 'Frame', body: new Uint8Array([1, 2, 3]) },
      { type: 'Damaged', length: 1 },
    ]);
  });

  it('takes no run of zeros for frames of no bytes', () => {
    const [result] = readPieces([new Uint8Array(64)]);

    expect(result).toEqual({ type: 'Damaged', length: 0 });
  });

  it('gives plain arrays whose slices are copies', () => {
    const [frame] = readPieces([framed([new Uint8Array([1, 2, 3])])]);

    const body = frame?.type === 'Frame' ? frame.body : new Uint8Array();
    const slice = body.slice(0, 1);
    body[0] = 9;

    expect(slice).toEqual(new Uint8Array([1]));
  });
});
