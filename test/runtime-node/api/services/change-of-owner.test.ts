import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Fields } from './driver.js';
import { startEnsemble, type Ensemble } from './ensemble.js';
import { FACES, freshName } from './start.js';

const LONG = 600_000;

const startOf = ({ allocation }: Fields): number => (allocation as { readonly start: number }).start;

describe.each(FACES)('by %s', (face) => {
  describe.each(['loseLeader', 'restart'] as const)('what there is after %s:', (change) => {
    let nodes: Ensemble;
    beforeAll(async () => {
      nodes = await startEnsemble(face);
    });
    afterAll(() => nodes.stop());

    it('all that is persistent, and nothing that is not', async () => {
      const [key, resource, name] = [freshName('key'), freshName('lock'), freshName('sequence')];
      const memory = { durability: 0 };
      const lock = (owner: string, rest: Fields = {}): Promise<Fields> =>
        nodes.call('locks/try-lock', { resource, owner, expiresMs: LONG, ...rest });
      await nodes.call('kv/try-set', { key, value: 'log', flags: 1 });
      await nodes.call('kv/try-set', { key, value: 'memory', flags: 1, ...memory });
      for (const space of [{}, memory]) {
        await lock('a', space);
        await nodes.call('locks/try-unlock', { resource, owner: 'a', ...space });
        expect(await lock('b', space)).toMatchObject({ type: 0, fencingToken: 1 });
      }
      await nodes.call('sequences/create', { name, blockSize: 100 });
      const keyed = { name, count: 3, idempotencyKey: 'order 17' };
      const { allocation } = await nodes.call('sequences/reserve', keyed);
      await nodes.call('sequences/next', { name });
      const { sequence } = await nodes.call('sequences/get', { name });
      const { currentValue } = sequence as { readonly currentValue: number };

      await nodes[change]();

      expect(await nodes.call('kv/try-get', { key })).toMatchObject({ type: 3, value: 'log', revision: 0 });
      expect(await nodes.call('kv/try-get', { key, ...memory })).toMatchObject({ type: 103 });
      expect(await nodes.call('locks/get-info', { resource })).toMatchObject({
        type: 4,
        owner: 'b',
        fencingToken: 1,
      });
      expect(await lock('c')).toMatchObject({ type: 1 });
      expect(await nodes.call('locks/try-unlock', { resource, owner: 'b' })).toMatchObject({ type: 3 });
      expect(await lock('c')).toMatchObject({ type: 0, fencingToken: 2 });
      expect(await nodes.call('locks/get-info', { resource, ...memory })).toMatchObject({ type: 102 });
      expect(await lock('c', memory)).toMatchObject({ type: 0, fencingToken: 0 });
      expect((await nodes.call('sequences/reserve', keyed)).allocation).toEqual(allocation);
      expect(startOf(await nodes.call('sequences/next', { name }))).toBeGreaterThan(currentValue);
    });
  });

  describe('a session, when all nodes have been started anew,', () => {
    let nodes: Ensemble;
    beforeAll(async () => {
      nodes = await startEnsemble(face);
    });
    afterAll(() => nodes.stop());

    it('is committed by its record, which its anchor finds; and was never there if it was not', async () => {
      const [key, other] = [freshName('key'), freshName('key')];
      const begin = async (name: string): Promise<Fields> => {
        const coordinatorKey = freshName('session');
        const { transactionId } = await nodes.call('kv/start-tx-session', { coordinatorKey });
        const handle = { coordinatorKey, transactionId };
        const set = { key: name, value: 'x', flags: 1, operationIdHigh: 1, operationIdLow: 1 };
        await nodes.call('kv/try-set', { ...set, ...handle });
        return handle;
      };
      const committed = await begin(key);
      const lost = await begin(other);
      const { recordAnchorKey } = await nodes.call('kv/commit-tx-session', committed);

      await nodes.restart();

      const again = { ...committed, recordAnchorKey };
      expect(await nodes.call('kv/commit-tx-session', again)).toMatchObject({ type: 8 });
      expect(await nodes.call('kv/rollback-tx-session', again)).toMatchObject({ type: 8 });
      expect(await nodes.call('kv/commit-tx-session', lost)).toMatchObject({ type: 99 });
      expect(await nodes.call('kv/try-get', { key })).toMatchObject({ type: 3, value: 'x' });
      expect(await nodes.call('kv/try-set', { key: other, value: 'y', flags: 1 })).toMatchObject({
        type: 0,
        revision: 0,
      });
    });
  });

  describe('a sequence whose owner changes while it is asked', () => {
    let nodes: Ensemble;
    beforeAll(async () => {
      nodes = await startEnsemble(face);
    });
    afterAll(() => nodes.stop());

    it('gives no value twice', async () => {
      const name = freshName('sequence');
      await nodes.call('sequences/create', { name, blockSize: 10 });
      const given: number[] = [];
      let isOver = false;
      const load = Array.from({ length: 8 }, async () => {
        while (!isOver) given.push(startOf(await nodes.call('sequences/next', { name })));
      });

      const before = startOf(await nodes.call('sequences/next', { name }));
      await nodes.loseLeader();
      // Once: a node waits for the election, and turns nobody away meanwhile, who would not be back for it.
      const after = startOf(await nodes.once('sequences/next', { name }));
      isOver = true;
      await Promise.all(load);
      const values = [...given, before, after];

      expect(after).toBeGreaterThan(before);
      expect(new Set(values).size).toBe(values.length);
      const { sequence } = await nodes.call('sequences/get', { name });
      expect((sequence as Fields).currentValue).toBeGreaterThanOrEqual(Math.max(...values));
    });
  });
});
