/** Reading the names of transactions. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { nodeId, wallMs } from '../machine/units.js';
import type { TransactionId } from '../partition/transaction-command.js';

/** The timestamp in the name of a transaction; undefined if it is none. */
export function timestampOf(transaction: TransactionId): Timestamp | undefined {
  const parts = transaction.split('.', 3).map(Number);
  const [node = 0, wall = 0, counter = 0] = parts;
  if (parts.length < 3 || !parts.every((part) => Number.isSafeInteger(part) && part >= 0)) return undefined;
  return node === 0 ? undefined : { node: nodeId(node), wall: wallMs(wall), counter };
}
