/**
 * SHA-256 (FIPS 180-4) as text: for telling bytes that are not at hand from others, where nobody may be able to make two that
 * pass for the same. The small digests of `digest.ts` are quicker, and for everything else.
 */

import { sha256 as digest } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** The digest of these bytes, as 64 lower-case hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return bytesToHex(digest(bytes));
}
