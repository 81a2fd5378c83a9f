import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Bytes } from '../../../core/collections/utf8.js';

const encoder = new TextEncoder();

describe('utf8Bytes', () => {
  it('is what a TextEncoder gives, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([...utf8Bytes(text)]).toEqual([...encoder.encode(text)]);
      }),
    );
  });

  it('is what a TextEncoder gives, for any code units, well formed or not', () => {
    const codeUnits = fc.array(
      fc.oneof(
        fc.nat(0xffff),
        fc.integer({ min: 0xd7fe, max: 0xe001 }),
        fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff),
      ),
    );

    fc.assert(
      fc.property(codeUnits, (units) => {
        const text = String.fromCharCode(...units);

        expect([...utf8Bytes(text)]).toEqual([...encoder.encode(text)]);
      }),
    );
  });

  it.each([
    ['the empty text', '', []],
    ['the last of one byte', '\u007f', [0x7f]],
    ['the first of two bytes', '\u0080', [0xc2, 0x80]],
    ['the last of two bytes', '\u07ff', [0xdf, 0xbf]],
    ['the first of three bytes', '\u0800', [0xe0, 0xa0, 0x80]],
    ['the last of three bytes', '\uffff', [0xef, 0xbf, 0xbf]],
    ['the first of four bytes', '\u{10000}', [0xf0, 0x90, 0x80, 0x80]],
    ['the last of four bytes', '\u{10ffff}', [0xf4, 0x8f, 0xbf, 0xbf]],
    ['a lone high surrogate', '\ud800', [0xef, 0xbf, 0xbd]],
    ['a lone low surrogate', '\udc00a', [0xef, 0xbf, 0xbd, 0x61]],
    ['two surrogates in the wrong order', '\udc00\ud800', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd]],
  ])('encodes %s', (_what, text, bytes) => {
    expect([...utf8Bytes(text)]).toEqual(bytes);
  });
});
