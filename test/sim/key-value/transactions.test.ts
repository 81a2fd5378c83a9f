import { describe, expect, it } from 'vitest';
import { tellEnding, type Attempt } from '../../../sim/key-value/transactions/attempt.js';
import { checkTransactions } from '../../../sim/key-value/transactions/judge.js';

const BLANK: Attempt = {
  id: 0,
  client: '1.0',
  kind: 'lists',
  mode: 'optimistic',
  invokedAt: 0,
  answeredAt: 10,
  ending: 'committed',
  did: [],
  sights: [],
  contradiction: undefined,
  askedToCommit: true,
};

const attempt = (changed: Partial<Attempt>): Attempt => ({ ...BLANK, ...changed });

describe('what clients are told of the end of a transaction', () => {
  it.each(['committed', 'aborted'] as const)('may be told again: %s', (told) => {
    const known = attempt({ ending: told });

    tellEnding(known, told, 20);

    expect(known.ending).toBe(told);
    expect(known.answeredAt).toBe(10);
  });

  it('is not contradicted later', () => {
    const tell = (): void => tellEnding(attempt({ ending: 'aborted' }), 'committed', 20);

    expect(tell).toThrow('it was said to be aborted before');
  });

  it('is no commit that nobody asked for', () => {
    const tell = (): void =>
      tellEnding(attempt({ ending: 'unknown', askedToCommit: false }), 'committed', 20);

    expect(tell).toThrow('nobody asked to commit it');
  });

  it('is no commit of what contradicts itself', () => {
    const tell = (): void =>
      tellEnding(
        attempt({ ending: 'unknown', contradiction: 'a key was there, and was not' }),
        'committed',
        20,
      );

    expect(tell).toThrow('a key was there, and was not');
  });
});

describe('what clients saw of transactions', () => {
  const judge = (...attempts: readonly Partial<Attempt>[]) => {
    return (): void =>
      checkTransactions(
        attempts.map((one, id) => attempt({ ...one, id })),
        [],
        100,
      );
  };

  it('is right where nothing speaks against it', () => {
    expect(judge({ sights: [{ type: 'Bank', bank: 0, sum: 300 }] })).not.toThrow();
  });

  it('is never a bank with more or less money', () => {
    expect(judge({ sights: [{ type: 'Bank', bank: 1, sum: 299 }] })).toThrow('sees 299 in bank 1');
  });

  it('may be anything in a transaction that was aborted', () => {
    expect(judge({ ending: 'aborted', sights: [{ type: 'Bank', bank: 1, sum: 299 }] })).not.toThrow();
  });

  it('is never a room with more than may be in it', () => {
    expect(judge({ sights: [{ type: 'Room', room: 'room-0-0', taken: 4 }] })).toThrow('sees 4 in room-0-0');
  });

  it('is one token, which moves once from where it was', () => {
    const move = { sights: [{ type: 'Token', hops: [3], moved: true }] } as const;

    expect(judge({ sights: [{ type: 'Token', hops: [3, 4], moved: false }] })).toThrow(
      'finds it in 2 places',
    );
    expect(judge({ sights: [...move.sights] }, { sights: [...move.sights] })).toThrow('both made hop 4');
  });

  it('is what was left in the end', () => {
    const end = [{ key: 'bank/a0', value: '90 1.1.0' }];

    expect(() => checkTransactions([], end, 100)).toThrow('bank 0 has -10 more');
  });

  it('is all of another transaction or nothing of it, in the past too', () => {
    const at = { node: 1, wall: 5, counter: 0 } as NonNullable<Attempt['at']>;
    const writer: Partial<Attempt> = {
      did: [
        { type: 'append', key: 'list-0/k0', value: 'a' },
        { type: 'append', key: 'list-1/k1', value: 'b' },
      ],
    };
    const past = (second: readonly string[]): Partial<Attempt> => ({
      mode: 'snapshot',
      at,
      did: [
        { type: 'list', key: 'list-0/k0', values: ['a'] },
        { type: 'list', key: 'list-1/k1', values: second },
      ],
    });

    expect(judge(writer, past(['b']))).not.toThrow();
    expect(judge(writer, past([]))).toThrow('and not what it wrote to list-1/k1');
  });

  it('is the same for two who read one time', () => {
    const at = { node: 1, wall: 5, counter: 0 } as NonNullable<Attempt['at']>;
    const past = (value: string): Partial<Attempt> => ({
      kind: 'registers',
      mode: 'snapshot',
      at,
      did: [{ type: 'read', key: 'reg-0/k0', value }],
    });

    expect(judge(past('a'), past('b'))).toThrow('another found a');
  });
});
