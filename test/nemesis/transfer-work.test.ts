import { describe, expect, it } from 'vitest';
import { ALL_MONEY, wrongTransfer, type Total, type Transfer } from './transfer-work.js';

const asked = { client: 't1', invokedAt: 1, answeredAt: 2 };

function transfer(told: Transfer['told'], stands: boolean): Transfer {
  return { type: 'transfer', ...asked, receipt: 'r', told, stands };
}

function total(sum: number | undefined): Total {
  return { type: 'total', ...asked, sum };
}

describe('transfers', () => {
  it('are right where every answer is honoured and the sum stays', () => {
    const history = [
      transfer('moved', true),
      transfer('poor', false),
      transfer('aborted', false),
      transfer(undefined, true),
      transfer(undefined, false),
      total(ALL_MONEY),
      total(undefined),
    ];
    expect(wrongTransfer(history)).toBeUndefined();
  });

  it.each([
    ['a sum that is not all the money', total(ALL_MONEY - 1)],
    ['a transfer that was done, and is not there', transfer('moved', false)],
    ['a transfer that was aborted, and is there', transfer('aborted', true)],
    ['a transfer that somebody was too poor for, and is there', transfer('poor', true)],
  ])('are wrong with %s', (_, event) => {
    expect(wrongTransfer([event])).toContain('t1');
  });
});
