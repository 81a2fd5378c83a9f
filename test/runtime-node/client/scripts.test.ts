import { describe, expect, it, onTestFinished } from 'vitest';

import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { fakeNode } from '../support/fake-node.js';
import { clientOf, failureOf, MUST_RETRY } from './support.js';

const GOT = {
  type: 3,
  values: [
    { value: 'aGk=', revision: -1 },
    { key: 'k', value: null, revision: 4 },
  ],
};

describe('a script', () => {
  it('is sent with its hash, with its parameters as text, and its priority', async () => {
    const node = await fakeNode(GOT);
    const client = clientOf([node.endpoint]);
    const parameters = { a: 1, '@b': 'x', c: null, d: true, e: 10n };

    await client.script('return @a').run(parameters, { priority: 'high' });

    expect(node.asked).toMatchObject([
      {
        path: '/v1/kv/try-execute-tx-script',
        body: {
          script: Buffer.from('return @a').toString('base64'),
          hash: client.script('return @a').hash,
          parameters: [
            { key: '@a', value: '1' },
            { key: '@b', value: 'x' },
            { key: '@c', value: null },
            { key: '@d', value: 'true' },
            { key: '@e', value: '10' },
          ],
          priority: 3,
        },
      },
    ]);
  });

  it('has the BLAKE3 of its text for a hash', () => {
    const { script } = clientOf(['http://127.0.0.1:1']);

    // The first test vector of BLAKE3, and that of the letters abc.
    expect(script('').hash).toBe('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
    expect(script('abc').hash).toBe('6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85');
  });

  it('gives what it gave: entries, and their text', async () => {
    const node = await fakeNode(GOT);

    const result = await clientOf([node.endpoint]).script('x').run();

    expect([result.outcome, result.text(), result.texts()]).toEqual(['got', 'hi', ['hi', undefined]]);
    expect(result.entries[1]).toMatchObject({ key: 'k', value: undefined, revision: 4 });
  });

  it.each([
    [{ type: 99, reason: 'Syntax error at line 1' }, 'errored', 'Syntax error at line 1'],
    [{ type: 100, reason: 'too long' }, 'invalidInput', 'too long'],
    [{ type: 102, reason: 'met another' }, 'aborted', 'met another'],
    [{ type: 108 }, 'admissionRefused', 'too many'],
  ])('%o fails with %s, and its outcome is known', async (answer, code, reason) => {
    const node = await fakeNode(answer);

    const failure = await failureOf(clientOf([node.endpoint]).script('x').run());

    expect([failure.code, failure.isOutcomeUnknown]).toEqual([code, false]);
    expect(failure.reason).toContain(reason);
    expect(node.asked).toHaveLength(1);
  });

  it('is run again where a node says that nothing was done, but not where its answer is lost', async () => {
    const again = await fakeNode(MUST_RETRY, GOT);
    const lost = await fakeNode('hang up', GOT);

    const result = await clientOf([again.endpoint]).script('x').run();
    const failure = await failureOf(clientOf([lost.endpoint]).script('x').run());

    expect([result.outcome, again.asked.length]).toEqual(['got', 2]);
    expect([failure.isOutcomeUnknown, lost.asked.length]).toEqual([true, 1]);
  });

  it('runs in this process, and fails with the line', async () => {
    const node = await startEmbedded();
    onTestFinished(() => node.close());

    const added = await node.script('set k @n let v = get k return v + 1').run({ n: 41 });
    const failure = await failureOf(node.script('set k 1\nthrow "enough"').run());

    expect([added.text(), failure.code, await node.keys.getText('k')]).toEqual(['42', 'errored', '41']);
    expect(failure.reason).toBe('enough at line 2');
  });
});
