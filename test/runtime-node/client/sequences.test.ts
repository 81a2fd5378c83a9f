import { describe, expect, it } from 'vitest';

import { fakeNode } from '../support/fake-node.js';
import { clientOf, failureOf, STAMP } from './support.js';

const RECORD = {
  name: 'invoice',
  currentValue: 100,
  initialValue: 100,
  increment: 5,
  maxValue: null,
  revision: 0,
  durability: 1,
  createdAt: STAMP,
  updatedAt: STAMP,
  blockSize: 10,
  incarnation: 0,
};
const NOTHING = { name: null, start: 0, end: 0, count: 0, revision: 0 };
const RESERVED = { name: 'invoice', start: 105, end: 115, count: 3, revision: 1 };
const answer = (type: number, rest: object = {}): object => ({
  type,
  sequence: null,
  allocation: NOTHING,
  revision: 0,
  ...rest,
});

describe('a sequence', () => {
  it('is created with what is not said left to its defaults, and read when the answer does not show it', async () => {
    const node = await fakeNode(answer(0), answer(0, { sequence: RECORD }));

    const record = await clientOf([node.endpoint]).sequences.create('invoice');

    expect(record).toMatchObject({ name: 'invoice', currentValue: 100, blockSize: 10, maxValue: null });
    expect(record.createdAt).toEqual({ node: 1, wall: 2, counter: 3 });
    expect(node.asked[0]).toMatchObject({
      path: '/v1/sequences/create',
      body: {
        name: 'invoice',
        initialValue: 0,
        increment: 1,
        maxValue: null,
        blockSize: null,
        durability: 1,
      },
    });
    expect(node.asked[1]?.path).toBe('/v1/sequences/get');
  });

  it('that exists is refused, in doubt when an earlier attempt was lost', async () => {
    const node = await fakeNode(answer(2), 'hang up', answer(2));
    const { sequences } = clientOf([node.endpoint]);

    const sure = await failureOf(sequences.create('invoice'));
    const unsure = await failureOf(sequences.create('invoice'));

    expect(sure).toMatchObject({ code: 'alreadyExists', isOutcomeUnknown: false });
    expect(unsure).toMatchObject({ code: 'alreadyExists', isOutcomeUnknown: true });
  });

  it('is updated in what is given; null takes a limit away', async () => {
    const node = await fakeNode(answer(0, { sequence: RECORD }), answer(1));
    const { sequences } = clientOf([node.endpoint]);

    await sequences.update('invoice', { currentValue: 500, maxValue: null });
    const missing = await failureOf(sequences.update('invoice', { increment: 2, blockSize: 3 }));

    expect(missing.code).toBe('notFound');
    expect(node.asked.map(({ body }) => body)).toMatchObject([
      {
        currentValue: 500,
        increment: null,
        initialValue: null,
        maxValue: null,
        removeMaxValue: true,
        blockSize: null,
        removeBlockSize: false,
      },
      { currentValue: null, increment: 2, maxValue: null, removeMaxValue: false, blockSize: 3 },
    ]);
  });

  it('gives one value, or a run of them', async () => {
    const one = { ...RESERVED, end: 105, count: 1 };
    const node = await fakeNode(answer(0, { allocation: one }), answer(0, { allocation: RESERVED }));
    const { sequences } = clientOf([node.endpoint]);

    expect(await sequences.next('invoice', { idempotencyKey: 'order 1' })).toBe(105);
    expect(await sequences.reserve('invoice', 3)).toEqual({ start: 105, end: 115, count: 3, revision: 1 });
    expect(node.asked.map(({ path, body }) => [path, body['count'], body['idempotencyKey']])).toEqual([
      ['/v1/sequences/reserve', 1, 'order 1'],
      ['/v1/sequences/reserve', 3, null],
    ]);
  });

  it.each([
    [1, 'notFound'],
    [3, 'invalidInput'],
    [4, 'maxValueExceeded'],
    [6, 'aborted'],
    [99, 'errored'],
    [101, 'unexpected'],
  ])('answers a reservation with code %d by the error %s', async (code, name) => {
    const node = await fakeNode(answer(code));

    const error = await failureOf(clientOf([node.endpoint]).sequences.next('invoice'));

    expect(error.code).toBe(name);
  });

  it('obeys "try again", which has a code of its own here', async () => {
    const node = await fakeNode({ type: 5 }, answer(0, { allocation: RESERVED }));

    expect(await clientOf([node.endpoint]).sequences.reserve('invoice', 3)).toMatchObject({ start: 105 });
    expect(node.asked).toHaveLength(2);
  });

  it('is read and deleted, and is not there afterwards', async () => {
    const node = await fakeNode(
      answer(0, { sequence: RECORD }),
      answer(0),
      answer(1),
      answer(1),
      'hang up',
      answer(1),
    );
    const { sequences } = clientOf([node.endpoint]);

    expect(await sequences.get('invoice')).toMatchObject({ increment: 5 });
    expect(await sequences.delete('invoice')).toBe(true);
    expect(await sequences.get('invoice')).toBeUndefined();
    expect(await sequences.delete('invoice')).toBe(false);
    expect(await sequences.delete('invoice')).toBe(true);
  });
});
