/**
 * How a machine's record lies in LevelDB: under `data/` and its own key, with a checksum over key and value behind
 * the value. LevelDB checks its journal when it replays it, but not its tables when it reads them; a flipped bit
 * there must be a refusal to start, and never a vote that was not given.
 */

import { crc32 } from 'node:zlib';

import { assert, COLD_PREFIX } from '../../core/machine/index.js';

export const IDENTITY_KEY = 'identity';
const DATA_PREFIX = 'data/';
/** The first text behind every key with the prefix: `0` follows `/`. */
const DATA_END = 'data0';
const COLD = DATA_PREFIX + COLD_PREFIX;
/** All that is handed over at a start: what lies before the cold records, and behind them. */
export const WARM_RANGES = [
  { gte: DATA_PREFIX, lt: COLD },
  { gte: `${COLD.slice(0, -1)}0`, lt: DATA_END },
] as const;

const CHECKSUM_BYTES = 4;

/** LevelDB orders by bytes and machines by code unit; for ASCII that is the same. */
export function storageKey(key: string): string {
  for (let i = 0; i < key.length; i += 1) {
    assert(
      key.charCodeAt(i) < 0x80,
      () => `storage keys are ASCII, but a machine wrote ${JSON.stringify(key)}`,
    );
  }
  return DATA_PREFIX + key;
}

export function machineKey(stored: string): string {
  return stored.slice(DATA_PREFIX.length);
}

/** @param key as LevelDB has it. */
export function sealRecord(key: string, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
  sealed.set(value, 0);
  sealed.writeUInt32LE(checksum(key, value), value.length);
  return sealed;
}

/** The value, or undefined where the checksum shows that it is not what was written under this key. */
export function unsealRecord(key: string, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - CHECKSUM_BYTES;
  if (length < 0) return undefined;
  // A plain view: a Buffer's `slice` shares memory where a Uint8Array's copies, and machines may rely on the copy.
  const value = new Uint8Array(sealed.buffer, sealed.byteOffset, length);
  const written = new DataView(sealed.buffer, sealed.byteOffset).getUint32(length, true);
  return checksum(key, value) === written ? value : undefined;
}

function checksum(key: string, value: Uint8Array): number {
  // Of no bytes at all, zlib gives 0 or the sum so far, as the array's memory happens to be there or not.
  return value.length === 0 ? crc32(key) : crc32(value, crc32(key));
}
