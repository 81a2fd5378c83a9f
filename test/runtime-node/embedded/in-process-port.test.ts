import { describe, expect, it, onTestFinished } from 'vitest';

import { KeyValueCode, refusal, type ClientAnswer, type ClientCall } from '../../../core/index.js';
import { clientOver, type WavetankClient } from '../../../runtime-node/client/client.js';
import { createInProcessPort } from '../../../runtime-node/embedded/in-process-port.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { failureOf } from '../client/support.js';

interface Trial {
  readonly client: WavetankClient;
  readonly calls: ClientCall[];
}

/** A client of a node that answers as the function says. */
function clientOf(answer: (call: ClientCall, count: number) => Promise<ClientAnswer>, fatal?: string): Trial {
  const calls: ClientCall[] = [];
  const port = createInProcessPort({
    partitions: 2,
    request: (call) => answer(call, calls.push(call)),
    transact: () => Promise.reject(new Error('nothing is transacted here')),
    stop: () => Promise.resolve(),
    fatal: () => fatal,
  });
  const client = clientOver(port, { timeoutMs: 50 });
  onTestFinished(() => client.close());
  return { client, calls };
}

const MUST_RETRY: ClientAnswer = { ...refusal(KeyValueCode.mustRetry), reason: 'too much at once' };
const SET: ClientAnswer = refusal(KeyValueCode.set);

describe('the port into this process', () => {
  it('asks again under the same id, and gives each operation one of its own', async () => {
    const { client, calls } = clientOf((_call, count) => Promise.resolve(count === 1 ? MUST_RETRY : SET));

    await client.keys.set('a', 'v');
    await client.keys.set('a', 'v');

    const [first, again, second] = calls.map(({ requestId }) => requestId);
    expect([first === again, second === first]).toEqual([true, false]);
  });

  it('waits no longer than it is told, and does not know what became of a write', async () => {
    const { client } = clientOf(() => new Promise(() => undefined));

    expect(await failureOf(client.keys.set('a', 'v'))).toMatchObject({
      code: 'unavailable',
      isOutcomeUnknown: true,
    });
    expect(await failureOf(client.keys.get('a'))).toMatchObject({ isOutcomeUnknown: false });
  });

  it('waits no longer than anybody wants to know', async () => {
    const controller = new AbortController();
    const { client } = clientOf(() => {
      controller.abort();
      return new Promise(() => undefined);
    });

    const error = await failureOf(
      client.keys.set('a', 'v', { timeoutMs: 3_600_000, signal: controller.signal }),
    );

    expect(error).toMatchObject({ code: 'cancelled', isOutcomeUnknown: true });
  });

  it('says at once that the node has stopped by itself, and why', async () => {
    const { client, calls } = clientOf(() => Promise.reject(new HostStopped('stopping')), 'the disk is full');

    const write = await failureOf(client.keys.set('a', 'v', { timeoutMs: 3_600_000 }));
    const read = await failureOf(client.keys.get('a', { timeoutMs: 3_600_000 }));

    expect(write).toMatchObject({ code: 'errored', isOutcomeUnknown: true });
    expect(write.reason).toContain('the disk is full');
    expect(read).toMatchObject({ code: 'errored', isOutcomeUnknown: false });
    expect(calls).toHaveLength(2);
  });

  it('reads a batch again when nothing of it was read, but writes none twice', async () => {
    const { client, calls } = clientOf((_call, count) => Promise.resolve(count <= 2 ? MUST_RETRY : SET));

    const written = await client.keys.setMany([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    const { client: reader, calls: reads } = clientOf((_call, count) =>
      Promise.resolve(count <= 2 ? MUST_RETRY : refusal(KeyValueCode.doesNotExist)),
    );
    const read = await reader.keys.getMany(['a', 'b']);

    expect(written.map(({ outcome }) => outcome)).toEqual(['mustRetry', 'mustRetry']);
    expect(read.map(({ outcome }) => outcome)).toEqual(['doesNotExist', 'doesNotExist']);
    expect([calls.length, reads.length]).toEqual([2, 4]);
  });
});
