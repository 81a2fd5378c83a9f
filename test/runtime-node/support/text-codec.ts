/** Strings as UTF-8; bytes that are none are refused. */

import type { Codec } from '../../../runtime-node/index.js';

export const textCodec: Codec<string> = {
  encode: (text) => new TextEncoder().encode(text),
  decode(bytes) {
    try {
      return { ok: true, value: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      return { ok: false, reason: 'it is not text' };
    }
  },
};

/** Lists of strings without line ends, one to a line. */
export const linesCodec: Codec<readonly string[]> = {
  encode: (lines) => textCodec.encode(lines.join('\n')),
  decode(bytes) {
    const text = textCodec.decode(bytes);
    return text.ok ? { ok: true, value: text.value.split('\n') } : text;
  },
};
