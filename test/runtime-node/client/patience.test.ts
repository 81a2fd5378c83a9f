import { describe, expect, it } from 'vitest';

import { createClient } from '../../../runtime-node/client/index.js';
import { deadEndpoint, fakeNode } from '../support/fake-node.js';
import { clientOf, failureOf, MUST_RETRY, SET } from './support.js';

describe('a client', () => {
  it('goes on to the next node when one cannot be reached, and stays there', async () => {
    const node = await fakeNode(SET);
    const { keys } = clientOf([await deadEndpoint(), node.endpoint]);

    const first = await keys.set('k', new Uint8Array([1]));
    await keys.set('k', new Uint8Array([2]));

    expect(first).toMatchObject({ written: true, revision: 7 });
    expect(node.asked).toHaveLength(2);
  });

  it('repeats a write whose answer was lost, or that must be tried again, under the same operation id', async () => {
    const first = await fakeNode('hang up', MUST_RETRY, 503);
    const second = await fakeNode(MUST_RETRY, 'hang up', SET);
    const { keys } = clientOf([first.endpoint, second.endpoint]);

    await keys.set('k', null, { ifValue: '' });

    const asked = [...first.asked, ...second.asked].map(({ body }) => body);
    expect(asked).toHaveLength(6);
    expect(new Set(asked.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(asked[0]).toMatchObject({ key: 'k', value: null, flags: 17, compareValue: '', durability: 1 });
    expect(asked[0]?.['operationIdHigh']).toBeGreaterThan(0);
  });

  it('gives each write an id of its own', async () => {
    const node = await fakeNode({ ...SET, type: 4 });
    const { keys } = clientOf([node.endpoint]);

    await keys.delete('k');
    await keys.delete('k');

    const [one, two] = node.asked;
    expect(one?.body['operationIdLow']).not.toBe(two?.body['operationIdLow']);
  });

  it('says that nothing happened when no node can be reached', async () => {
    const { keys } = clientOf([await deadEndpoint(), await deadEndpoint()]);

    const error = await failureOf(keys.set('k', null));

    expect(error).toMatchObject({
      code: 'unavailable',
      isOutcomeUnknown: false,
      operation: 'Set k',
      attempts: 2,
    });
    expect(error.message).toContain('no node can be reached');
  });

  it('says that the outcome of a write is unknown when its time is over, with the last word of the nodes', async () => {
    const node = await fakeNode(MUST_RETRY);
    const { keys } = clientOf([node.endpoint], { timeoutMs: 100 });

    const write = await failureOf(keys.set('k', null));
    const read = await failureOf(keys.get('k'));

    expect(write).toMatchObject({ code: 'mustRetry', isOutcomeUnknown: true });
    expect(write.message).toMatch(/no leader.*whether it took effect is not known/);
    expect(read).toMatchObject({ code: 'mustRetry', isOutcomeUnknown: false });
  });

  it('gives up a node that is silent when the time is over', async () => {
    const node = await fakeNode('silence');
    const { keys } = clientOf([node.endpoint]);

    const error = await failureOf(keys.set('k', 'v', { timeoutMs: 50 }));

    expect(error).toMatchObject({ code: 'unavailable', isOutcomeUnknown: true });
    expect(error.message).toContain('gave up after 50 ms');
  });

  it('does not repeat what a node refuses to understand', async () => {
    const node = await fakeNode(400);
    const { keys } = clientOf([node.endpoint]);

    const error = await failureOf(keys.get('k'));

    expect(error).toMatchObject({ code: 'invalidInput', reason: 'so be it', endpoint: node.endpoint });
    expect(node.asked).toHaveLength(1);
  });

  it('says what a node refused or could not do, and whether it may have happened', async () => {
    const node = await fakeNode(
      { type: 100, reason: 'no key' },
      { type: 99, reason: 'history is gone' },
      { type: 55 },
    );
    const { keys } = clientOf([node.endpoint]);

    const refused = await failureOf(keys.set('', 'v'));
    const errored = await failureOf(keys.get('k', { at: 5 }));
    const strange = await failureOf(keys.set('k', 'v'));

    expect(refused).toMatchObject({ code: 'invalidInput', reason: 'no key', isOutcomeUnknown: false });
    expect(errored).toMatchObject({ code: 'errored', reason: 'history is gone', isOutcomeUnknown: false });
    expect(strange).toMatchObject({ code: 'unexpected', isOutcomeUnknown: true });
  });

  it('takes an answer that it cannot read for a lost one', async () => {
    const first = await fakeNode([]);
    const second = await fakeNode(SET);
    const { keys } = clientOf([first.endpoint, second.endpoint]);

    expect(await keys.set('k', 'v')).toMatchObject({ written: true });
  });

  it('refuses endpoints that are none', () => {
    expect(() => createClient({ endpoints: [] })).toThrow(/at least one/);
    expect(() => createClient({ endpoints: ['localhost:2070'] })).toThrow(/no base URL/);
  });
});

describe('a cancelled operation', () => {
  it('ends at once, and says what is known of it', async () => {
    const node = await fakeNode('silence');
    const { keys } = clientOf([node.endpoint]);
    const controller = new AbortController();
    const why = new Error('the user left');

    const write = failureOf(keys.set('k', 'v', { signal: controller.signal }));
    const read = failureOf(keys.get('k', { signal: controller.signal }));
    while (node.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(why);

    expect(await write).toMatchObject({ code: 'cancelled', isOutcomeUnknown: true, cause: why });
    expect(await read).toMatchObject({ code: 'cancelled', isOutcomeUnknown: false });
  });

  it('is not even begun when the signal was given before', async () => {
    const node = await fakeNode(SET);
    const { keys } = clientOf([node.endpoint]);

    const error = await failureOf(keys.set('k', 'v', { signal: AbortSignal.abort() }));

    expect(error).toMatchObject({ code: 'cancelled', isOutcomeUnknown: false, attempts: 0 });
    expect(node.asked).toHaveLength(0);
  });

  it('ends in the middle of a pause too', async () => {
    const node = await fakeNode(MUST_RETRY);
    const { keys } = clientOf([node.endpoint], { timeoutMs: 3_600_000 });
    const controller = new AbortController();

    const read = failureOf(keys.get('k', { signal: controller.signal }));
    while (node.asked.length < 3) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();

    expect((await read).code).toBe('cancelled');
  });
});

describe('a closed client', () => {
  it('ends what is under way, and takes nothing more', async () => {
    const node = await fakeNode('silence');
    const client = clientOf([node.endpoint]);

    const underWay = failureOf(client.keys.set('k', 'v'));
    while (node.asked.length < 1) await new Promise((resolve) => setImmediate(resolve));
    await client.close();

    expect(await underWay).toMatchObject({ code: 'closed', isOutcomeUnknown: true });
    expect(await failureOf(client.keys.get('k'))).toMatchObject({ code: 'closed', attempts: 0 });
  });

  it('is closed at the end of its block', async () => {
    const node = await fakeNode(SET);
    const outer = await (async () => {
      await using client = createClient({ endpoints: [node.endpoint] });
      await client.keys.set('k', 'v');
      return client;
    })();

    expect(await failureOf(outer.keys.get('k'))).toMatchObject({ code: 'closed' });
  });
});
