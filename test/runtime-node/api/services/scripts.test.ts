import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { FACES, freshName, startService, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe.each(FACES)('scripts by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  const run = (script: string, parameters: Readonly<Record<string, string | null>> = {}): Promise<Fields> =>
    driver.call('kv/try-execute-tx-script', {
      script,
      parameters: Object.entries(parameters).map(([name, value]) => ({ key: `@${name}`, value })),
    });
  const get = (key: string): Promise<Fields> => driver.call('kv/try-get', { key });

  it('of one command are that command', async () => {
    const key = freshName('key');

    expect(await run('set @k "a"', { k: key })).toMatchObject({ type: 0, values: [{ revision: 0 }] });
    expect(await run('set @k "b" nx', { k: key })).toMatchObject({ type: 1 });
    expect(await run('get @k', { k: key })).toMatchObject({
      type: 3,
      reason: null,
      values: [{ key, value: 'a', revision: 0 }],
    });
    expect(await run('exists @k', { k: key })).toMatchObject({ type: 10 });
    expect(await run('extend @k 60000', { k: key })).toMatchObject({ type: 2 });
    expect(await run('delete @k', { k: key })).toMatchObject({ type: 4 });
    expect(await run('get @k', { k: key })).toMatchObject({ type: 103 });
  });

  it('of several commands are one transaction', async () => {
    const [a, b] = [freshName('a'), freshName('b')];

    const ran = await run('set @a 1 set @b 2 let x = get @a return to_int(x) + 1', { a, b });

    expect(ran).toMatchObject({ type: 3, values: [{ value: '2', revision: -1 }] });
    const [one, two] = [await get(a), await get(b)];
    expect([one, two]).toMatchObject([{ value: '1' }, { value: '2' }]);
    expect(one.lastModified).toEqual(two.lastModified);
  });

  it.each([
    ['throws', 'set @k 1 throw "enough"', 99, 'enough'],
    ['fails', 'set @k 1 return 1 / 0', 99, 'line 1'],
    ['is rolled back', 'begin set @k 1 rollback end', 102, ''],
    ['does not commit', 'begin set @k 1 end', 102, ''],
    ['takes too long', 'begin (timeout=20) set @k 1 sleep 5000 commit end', 102, 'timeout'],
    ['writes in the past', 'begin (snapshot=1790000000000) set @k 1 commit end', 102, ''],
    ['begins twice', 'begin begin set @k 1 commit end commit end', 99, 'ested'],
  ])('that %s leave nothing behind', async (_what, script, type, reason) => {
    const k = freshName('key');

    const ran = await run(script, { k });

    expect(ran).toMatchObject({ type, values: [] });
    expect(String(ran.reason)).toContain(reason);
    expect(await get(k)).toMatchObject({ type: 103 });
  });

  it('that are none say where, and what was expected', async () => {
    const ran = await run('set a 1\nif stock the');

    expect(ran).toMatchObject({ type: 99, values: [] });
    expect(ran.reason).toMatch(/^Syntax error at line 2, column 10: unexpected identifier "the"/);
  });

  it('that are empty are none', async () => {
    const ran = await run('');

    expect(ran).toMatchObject({ type: 99, values: [] });
    expect(ran.reason).toMatch(/^Syntax error at line 1, column 1: unexpected end of the script/);
  });

  it('say which parameter is missing', async () => {
    const ran = await run('return @who');

    expect(ran).toMatchObject({ type: 99 });
    expect(ran.reason).toContain('@who');
  });

  it('that are empty are refused', async () => {
    const { type } = await run('');

    expect(type).toBeGreaterThanOrEqual(99);
  });

  it('take their parameters as text, whatever is in it', async () => {
    const k = freshName('key');
    const text = '"; delete everything `\n';

    await run('set @k @v', { k, v: text });

    expect(await get(k)).toMatchObject({ value: text });
  });

  it('give an entry for each item, and no value for null', async () => {
    expect(await run('return [1, "", null]')).toMatchObject({
      type: 3,
      values: [{ value: '1' }, {}, {}],
    });
  });

  it('read buckets and write in memory', async () => {
    const bucket = freshName('bucket');
    await run('eset @a 1 eset @b 2', { a: `${bucket}/a`, b: `${bucket}/b` });

    expect(await run('eget by bucket @bucket', { bucket })).toMatchObject({
      type: 3,
      values: [
        { key: `${bucket}/a`, value: '1' },
        { key: `${bucket}/b`, value: '2' },
      ],
    });
    expect(await run('get by bucket @bucket', { bucket })).toMatchObject({ type: 103 });
  });

  it('count to the last number when they count at once, or say that they did not', async () => {
    const k = freshName('counter');
    const count = 'let n = get @k if n == null then let n = 0 end set @k to_int(n) + 1';

    const ran = await Promise.all(Array.from({ length: 8 }, () => run(count, { k })));

    const counted = ran.filter(({ type }) => type === 0).length;
    expect(ran.every(({ type }) => type === 0 || type === 102)).toBe(true);
    expect(await get(k)).toMatchObject({ value: String(counted) });
  });

  it('are not done while another transaction holds what they need, and say what that is', async () => {
    const k = freshName('key');
    const coordinatorKey = freshName('session');
    const { transactionId } = await driver.call('kv/start-tx-session', { coordinatorKey });
    const session = { coordinatorKey, transactionId, operationIdHigh: 3, operationIdLow: 3 };
    await driver.call('kv/try-set', { key: k, value: 'held', flags: 1, ...session });

    const ran = await run('set @k 1 set @k 2', { k });

    expect(ran).toMatchObject({ type: 102 });
    expect(ran.reason).toContain(k);
    await driver.call('kv/rollback-tx-session', { coordinatorKey, transactionId });
  });
});
