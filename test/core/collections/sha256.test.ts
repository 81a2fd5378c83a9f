import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../core/collections/sha256.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('SHA-256', () => {
  it('gives the digests of the examples of the standard', () => {
    expect(sha256(bytesOf(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256(bytesOf('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256(bytesOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });
});
