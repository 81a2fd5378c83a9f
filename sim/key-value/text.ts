/** Workload values are short ASCII texts, so that histories can be read. */

import type { Value } from '../../core/index.js';

export function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function toText(value: Value): string | null {
  if (value === null) return null;
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}
