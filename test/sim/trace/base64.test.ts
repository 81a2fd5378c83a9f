import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '../../../sim/trace/base64.js';

describe('base64', () => {
  it('is what Node makes of the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      }),
    );
  });

  it('comes back as the bytes that went in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(['a', 'ab', 'abc', 'abcde', '====', 'ab=c', 'a===', 'ab!=', 'äbcd'])('refuses %s', (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
});
