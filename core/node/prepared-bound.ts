/**
 * A bound on what transactions may leave in a partition at a time: what is prepared there and not settled, and the records of
 * those that are not finished. Where participants are out of reach both stay, and would grow with every commit.
 */

import { mapGet } from '../collections/ordered-map.js';
import type { Operation } from '../partition/command.js';
import type { Answer, Contents } from '../partition/contents.js';
import { preparedIn } from '../partition/prepared.js';
import { TransactionCode } from '../partition/transaction-command.js';
import type { NodeTurn } from './turn.js';

/**
 * What a transaction is told that wants to prepare where too many are on their way already: it is aborted, and nothing is left of
 * it. The leader judges by what is applied, so that as many more may come as are in its log.
 */
export function refusedByBound(
  { options }: NodeTurn,
  contents: Contents,
  operation: Operation,
): Answer | undefined {
  if (operation.type !== 'Prepare') return undefined;
  const { prepared, open } = contents.transactions;
  const count = prepared.size + open.size;
  const { maxUnsettledTransactions } = options;
  if (count < maxUnsettledTransactions) return undefined;
  const { transaction } = operation;
  if (preparedIn(contents, transaction) !== undefined || mapGet(open, transaction) !== undefined)
    return undefined;
  return {
    outcome: { family: 'transaction', code: TransactionCode.aborted },
    reason:
      `${count} transactions are prepared or to be settled in this partition, and no more may be ` +
      '(maxUnsettledTransactions): run the transaction again later',
  };
}
