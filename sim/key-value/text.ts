/** Workload values are short ASCII texts, so that histories can be read. */

import type { Value } from '../../core/index.js';

export function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function toText(value: Value): string | null {
  if (value === null) return null;
  let text = '';
  for (const byte of value) text += String.fromCharCode(byte);
  return text;
}
