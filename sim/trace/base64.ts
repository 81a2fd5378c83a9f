/** Standard base64 with padding (RFC 4648, section 4), for where neither Node nor a browser may be assumed. */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word =
      ((bytes[i] as number) << 16) | ((left > 1 ? (bytes[i + 1] as number) : 0) << 8) | (bytes[i + 2] ?? 0);
    text += DIGITS.charAt(word >>> 18) + DIGITS.charAt((word >>> 12) & 63);
    text += left > 1 ? DIGITS.charAt((word >>> 6) & 63) : '=';
    text += left > 2 ? DIGITS.charAt(word & 63) : '=';
  }
  return text;
}

/** The bytes, or undefined where the text is not base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < text.length; i += 4) {
    let word = 0;
    for (let k = 0; k < 4; k += 1) {
      const character = text.charAt(i + k);
      const isPadding = character === '=' && i + k >= text.length - padding;
      const digit = isPadding ? 0 : DIGITS.indexOf(character);
      if (digit < 0) return undefined;
      word = (word << 6) | digit;
    }
    for (let shift = 16; shift >= 0 && at < bytes.length; shift -= 8) {
      bytes[at] = (word >>> shift) & 255;
      at += 1;
    }
  }
  return bytes;
}
