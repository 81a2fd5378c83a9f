/** A node that has enough to do says so at once, in the words of what it is asked. */

import { expect, it } from 'vitest';

import {
  KeyValueCode,
  LockCode,
  SequenceCode,
  refusal,
  type ClientCall,
  type Operation,
} from '../../../core/index.js';
import { ask, MAX_UNDER_WAY } from '../../../runtime-node/api/backend.js';
import { doBatch } from '../../../runtime-node/api/calls/batch.js';
import { readBody } from '../../../runtime-node/api/fields.js';
import { readGetMany } from '../../../runtime-node/api/requests/batch.js';
import { fakeBackend } from './fake-backend.js';

const OPERATIONS: readonly Operation[] = [
  { type: 'Get', key: 'k' },
  { type: 'GetLock', resource: 'r' },
  { type: 'GetSequence', name: 's' },
];

function nodeWith(underWay: number): {
  readonly backend: ReturnType<typeof fakeBackend>;
  readonly asked: ClientCall[];
} {
  const asked: ClientCall[] = [];
  const request = (call: ClientCall): Promise<ReturnType<typeof refusal>> => {
    asked.push(call);
    return Promise.resolve(refusal(KeyValueCode.doesNotExist));
  };
  return { backend: fakeBackend(request, { underWay: () => underWay }), asked };
}

it('tells who comes too much to come again, and executes nothing', async () => {
  const { backend, asked } = nodeWith(MAX_UNDER_WAY);

  const answers = await Promise.all(
    OPERATIONS.map((operation) => ask(backend, { type: 'Request', request: { operation } })),
  );

  expect(answers.map(({ answer }) => answer.code)).toEqual([
    KeyValueCode.mustRetry,
    LockCode.mustRetry,
    SequenceCode.mustRetry,
  ]);
  for (const { answer } of answers) expect(answer.reason).toMatch(/^overloaded: .* nothing was executed/);
  expect(asked).toEqual([]);
});

it('takes the last for whom there is room', async () => {
  const { backend, asked } = nodeWith(MAX_UNDER_WAY - 1);

  const { answer } = await ask(backend, {
    type: 'Request',
    request: { operation: { type: 'Get', key: 'k' } },
  });

  expect(answer.code).toBe(KeyValueCode.doesNotExist);
  expect(asked).toHaveLength(1);
});

it('does not tear the rows of a batch apart', async () => {
  const { backend } = nodeWith(MAX_UNDER_WAY);

  const { rows } = await doBatch(backend, readGetMany(readBody('{"items":[{"key":"a"},{"key":"b"}]}')));

  expect(rows.map(({ answer }) => answer.code)).toEqual([
    KeyValueCode.doesNotExist,
    KeyValueCode.doesNotExist,
  ]);
});
