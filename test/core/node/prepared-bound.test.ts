/** How many transactions may be prepared in a partition at a time. */

import { describe, expect, it } from 'vitest';
import { TransactionCode } from '../../../core/partition/transaction-command.js';
import { startReadyCluster } from './support.js';
import {
  ABORT,
  asker,
  decide,
  FIRST,
  keyIn,
  prepare,
  SECOND,
  settle,
  staged,
  withId,
} from './transacting.js';

const A = keyIn(FIRST, 'a');
const B = keyIn(FIRST, 'b');

function crowded(most: number) {
  const cluster = startReadyCluster(3, { partitions: 2, maxUnsettledTransactions: most });
  const ask = asker(cluster);
  const leader = cluster.leader().id;
  const told = (request: Parameters<typeof ask>[1]) => cluster.node(leader).answers.get(ask(leader, request));
  return { told };
}

describe('a partition in which as many transactions are prepared as may be', () => {
  it('has another one aborted, with a reason and nothing left of it', () => {
    const { told } = crowded(1);
    told(prepare('T', [staged(A, 'new')], { anchor: SECOND }));

    const refused = told(prepare('U', [staged(B, 'new')], { anchor: SECOND }));

    expect(refused).toMatchObject({ code: TransactionCode.aborted });
    expect(refused?.reason).toContain('maxUnsettledTransactions');
    told(settle('T', ABORT));
    expect(told(prepare('V', [staged(B, 'new')], { anchor: SECOND }))).toMatchObject({
      code: TransactionCode.prepared,
    });
  });

  it('counts the records of those that are not finished', () => {
    const { told } = crowded(2);
    told(prepare('T', [staged(A, 'new')]));

    expect(told(prepare('U', [staged(B, 'new')], { anchor: SECOND }))).toMatchObject({
      code: TransactionCode.aborted,
    });
    told(decide('T', ABORT));
    told(settle('T', ABORT));
    expect(told(prepare('V', [staged(B, 'new')], { anchor: SECOND }))).toMatchObject({
      code: TransactionCode.prepared,
    });
  });

  it('answers one that is there already', () => {
    const { told } = crowded(1);
    const request = prepare('T', [staged(A, 'new')], { anchor: SECOND });
    const before = told(withId(request, 'first'));

    expect(told(withId(request, 'second'))).toMatchObject({ code: before?.code });
  });
});
