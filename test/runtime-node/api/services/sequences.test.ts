import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { FACES, freshName, sayable, startService, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe.each(FACES)('sequences by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  async function created(rest: Fields = {}): Promise<string> {
    const name = freshName('sequence');
    expect(await driver.call('sequences/create', { name, ...rest })).toMatchObject({ type: 0 });
    return name;
  }
  const reserve = (name: string, count: number, rest: Fields = {}): Promise<Fields> =>
    driver.call('sequences/reserve', { name, count, ...rest });
  const next = (name: string, rest: Fields = {}): Promise<Fields> =>
    driver.call('sequences/next', { name, ...rest });
  const record = async (name: string): Promise<Fields> =>
    (await driver.call('sequences/get', { name })).sequence as Fields;

  it('begin after their initial value, and go on by their increment', async () => {
    const name = await created({ initialValue: -10, increment: 5 });

    expect(await next(name)).toMatchObject({ type: 0, allocation: { name, start: -5, end: -5, count: 1 } });
    expect(await reserve(name, 3)).toMatchObject({
      type: 0,
      allocation: { name, start: 0, end: 10, count: 3 },
    });
    expect(await next(name)).toMatchObject({ allocation: { start: 15 } });
  });

  it('are read as they are; an unknown one is not there', async () => {
    const name = await created({ initialValue: 100, increment: 5, maxValue: 500, blockSize: 10 });

    expect(await driver.call('sequences/get', { name })).toMatchObject({
      type: 0,
      sequence: {
        name,
        currentValue: 100,
        initialValue: 100,
        increment: 5,
        maxValue: 500,
        blockSize: 10,
        incarnation: 0,
        revision: 0,
        durability: 1,
      },
    });
    expect(await driver.call('sequences/get', { name: freshName('none') })).toMatchObject({
      type: 1,
      sequence: null,
    });
    expect(await record(await created())).toMatchObject({ maxValue: null, blockSize: null, initialValue: 0 });
  });

  it('exist once', async () => {
    const name = await created();

    expect(await driver.call('sequences/create', { name, initialValue: 7 })).toMatchObject({ type: 2 });
    expect(await record(name)).toMatchObject({ initialValue: 0 });
  });

  it('hand out every value once, in order, when there are many who ask', async () => {
    const name = await created();

    const answers = await Promise.all(Array.from({ length: 1_000 }, () => next(name)));
    const values = answers.map(({ allocation }) => (allocation as { readonly start: number }).start);

    expect(new Set(values).size).toBe(1_000);
    expect(Math.min(...values)).toBe(1);
    expect((await record(name)).currentValue).toBeGreaterThanOrEqual(Math.max(...values));
  });

  it('do not split a run over two blocks', async () => {
    const name = await created({ blockSize: 10 });
    await reserve(name, 8);

    expect(await reserve(name, 5)).toMatchObject({ allocation: { start: 11, end: 15, count: 5 } });
    expect(await reserve(name, 30)).toMatchObject({ allocation: { start: 21, end: 50, count: 30 } });
  });

  it('come to their end at the maximum, which is given out', async () => {
    const name = await created({ maxValue: 5, blockSize: 1 });

    expect(await reserve(name, 6)).toMatchObject({ type: 4 });
    expect(await reserve(name, 5)).toMatchObject({ type: 0, allocation: { start: 1, end: 5 } });
    expect(await next(name)).toMatchObject({ type: 4 });
  });

  it('set aside no more than the maximum', async () => {
    const name = await created({ increment: 4, maxValue: 30, blockSize: 100 });

    expect(await next(name)).toMatchObject({ allocation: { start: 4 } });
    // The largest multiple that is not above it.
    expect(await record(name)).toMatchObject({ currentValue: 28 });
    expect(await reserve(name, 6)).toMatchObject({ type: 0, allocation: { start: 8, end: 28 } });
    expect(await next(name)).toMatchObject({ type: 4 });
  });

  it('end where numbers do that JSON carries exactly', async () => {
    const last = Number.MAX_SAFE_INTEGER;
    const name = await created({ initialValue: last - 2, blockSize: 1 });

    expect(await reserve(name, 3)).toMatchObject({ type: 4 });
    expect(await reserve(name, 2)).toMatchObject({ type: 0, allocation: { start: last - 1, end: last } });
    expect(await next(name)).toMatchObject({ type: 4 });
  });

  it('are consecutive with blocks of one', async () => {
    const name = await created({ blockSize: 1 });

    for (const value of [1, 2, 3, 4]) {
      expect(await next(name)).toMatchObject({ type: 0, allocation: { start: value } });
      expect(await record(name)).toMatchObject({ currentValue: value });
    }
  });

  it('give fresh values for a key that 256 others have come after', async () => {
    const name = await created();
    const keyed = (key: number): Promise<Fields> => next(name, { idempotencyKey: `key-${key}` });
    const startOf = ({ allocation }: Fields): number => (allocation as { readonly start: number }).start;
    const first = startOf(await keyed(0));

    await Promise.all(Array.from({ length: 255 }, (_, index) => keyed(index + 1)));
    expect(startOf(await keyed(0))).toBe(first);
    await keyed(256);
    expect(startOf(await keyed(0))).toBeGreaterThan(first);
  });

  it('still give a small run of what they hold when a large one is too large', async () => {
    const name = await created({ maxValue: 10, blockSize: 10 });
    await reserve(name, 6);

    expect(await reserve(name, 5)).toMatchObject({ type: 4 });
    expect(await reserve(name, 4)).toMatchObject({ type: 0, allocation: { start: 7, end: 10 } });
  });

  it('give the same run again for the same key and count, and refuse another count', async () => {
    const name = await created();
    const key = { idempotencyKey: ' order-1 ' };
    const first = await reserve(name, 3, key);

    expect(first).toMatchObject({ type: 0, allocation: { start: 1, end: 3 } });
    expect((await reserve(name, 3, { idempotencyKey: 'order-1' })).allocation).toEqual(first.allocation);
    expect(await reserve(name, 4, key)).toMatchObject({ type: 3 });
    expect(await next(name, key)).toMatchObject({ type: 3 });
    expect(await next(name, { idempotencyKey: '  ' })).toMatchObject({ type: 0, allocation: { start: 4 } });
  });

  it('are updated, which begins a new incarnation', async () => {
    const name = await created();
    await next(name);
    const update = (rest: Fields): Promise<Fields> => driver.call('sequences/update', { name, ...rest });

    expect(await update({ currentValue: 5000, increment: 10 })).toMatchObject({ type: 0 });
    expect(await next(name)).toMatchObject({ allocation: { start: 5010 } });
    await update({ maxValue: 6000, blockSize: 3 });
    expect(await record(name)).toMatchObject({ maxValue: 6000, blockSize: 3, incarnation: 2 });
    await update({ removeMaxValue: true, removeBlockSize: true });
    expect(await record(name)).toMatchObject({ maxValue: null, blockSize: null, incarnation: 3 });
    expect(await update({})).toMatchObject({ type: 3 });
    expect(await driver.call('sequences/update', { name: freshName('none'), increment: 2 })).toMatchObject({
      type: 1,
    });
  });

  it('begin anew when they are made again', async () => {
    const name = await created({ initialValue: 10 });
    await next(name);

    expect(await driver.call('sequences/delete', { name })).toMatchObject({ type: 0 });
    expect(await driver.call('sequences/delete', { name })).toMatchObject({ type: 1 });
    expect(await next(name)).toMatchObject({ type: 1 });
    await driver.call('sequences/create', { name, initialValue: 10 });
    expect(await next(name)).toMatchObject({ allocation: { start: 11 } });
  });

  it('have names without the blanks around them', async () => {
    const name = await created();

    expect(await driver.call('sequences/get', { name: `  ${name} ` })).toMatchObject({ type: 0 });
  });

  it.each(
    sayable(face, [
      ['sequences/create', { name: ' ' }],
      ['sequences/create', { name: 'x'.repeat(1_025) }],
      ['sequences/create', { name: '__kahuna:x' }],
      ['sequences/create', { name: 'bad', increment: 0 }],
      ['sequences/create', { name: 'bad', increment: -1 }],
      ['sequences/create', { name: 'bad', initialValue: 5, maxValue: 4 }],
      ['sequences/get', { name: '' }],
      ['sequences/reserve', { name: 'bad', count: 0 }],
      ['sequences/reserve', { name: 'bad', count: -1 }],
      ['sequences/next', { name: 'bad', idempotencyKey: 'x'.repeat(1_025) }],
      ['sequences/next', { name: 'bad', durability: 2 }],
      ['sequences/delete', { name: '' }],
    ] as const),
  )('are not there for %s %o', async (path, body) => {
    expect(await driver.call(path, body)).toMatchObject({ type: 3 });
  });
});
