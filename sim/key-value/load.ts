/** What simulated clients of our system ask, and how they understand the answers. */

import {
  isClientAnswer,
  SequenceCode,
  type ClientAnswer,
  type NodeAnswer,
  type NodeId,
  type NodeRequest,
  type Operation,
  type RequestId,
} from '../../core/index.js';
import type { KeyValueInput, KeyValueOutput, Operation as Done } from '../check/linearizability/index.js';
import { isErrored, isInvalid, isPutOff } from '../check/reference.js';
import { noteStamp, type Stamps } from '../check/stamps.js';
import type { Drawn, Load } from '../workload/clients.js';
import { drawBelow } from '../world/chance.js';
import { PropertyBroken } from '../world/world.js';
import { drawOperation, isStale, toOperation, toOutput, type Seen } from './operations.js';
import type { ServiceEvent } from './service-histories.js';
import { drawService, nothingHeld, rememberService, SHOWS, type Held } from './services.js';
import type { KeyValueSettings } from './settings.js';

/** On plain keys, which a model of its own judges; or whatever else our system can do. */
export type WorkInput = KeyValueInput | { readonly type: 'service'; readonly operation: Operation };
export type WorkOutput = KeyValueOutput | { readonly type: 'service'; readonly answer: ClientAnswer };

export type KeyValueLoad = Load<NodeRequest, NodeAnswer, WorkInput, WorkOutput>;

/** What one client knows. */
interface Memory {
  readonly seen: Map<string, Seen>;
  readonly held: Held;
}

/** @param stamps takes note of when each revision of each key was made, as the answers say. */
export function keyValueLoad(
  settings: KeyValueSettings,
  stamps: Stamps,
  perform?: KeyValueLoad['perform'],
): KeyValueLoad {
  const keys = Array.from({ length: settings.keys }, (_, i) => `key-${i}`);
  const memories = new Map<number, Memory>();
  const memoryOf = (client: number): Memory => {
    let memory = memories.get(client);
    if (memory === undefined) memories.set(client, (memory = { seen: new Map(), held: nothingHeld() }));
    return memory;
  };
  return {
    mayAskAgain: true,
    ...(perform === undefined ? {} : { perform }),
    draw({ stream, number: client }, number) {
      const { seen, held } = memoryOf(client);
      if (drawBelow(stream, 100, number, 30) >= (settings.services ?? 0)) {
        return drawOperation(stream, number, client, keys, settings, seen);
      }
      const operation = drawService(stream, number, client, held, settings.serviceKind);
      return { key: '', input: { type: 'service', operation } };
    },
    toRequest: ({ key, input }, name) => ({
      requestId: `c:${name}` as RequestId,
      operation: input.type === 'service' ? input.operation : toOperation({ key, input }),
    }),
    hear({ key, input }, answer, node, client) {
      if (!isClientAnswer(answer)) {
        throw new PropertyBroken(
          'answers make sense',
          `node ${node} answered ${input.type} as if it were an order`,
        );
      }
      const { seen, held } = memoryOf(client.number);
      if (input.type === 'service') return hearService(input.operation, answer, node, held, stamps);
      const drawn = { key, input };
      const output = hear(drawn, answer, node);
      if (output === undefined) return undefined;
      remember(seen, drawn, output);
      if ('revision' in output && 'lastModified' in answer)
        noteStamp(stamps, key, output.revision, answer.lastModified);
      return output;
    },
  };
}

/** The output that an answer gives; undefined when the outcome is not known. */
function hear(drawn: Drawn<KeyValueInput>, answer: ClientAnswer, node: NodeId): KeyValueOutput | undefined {
  const heard = toOutput(answer);
  if (heard.type === 'known') return heard.output;
  if (heard.type === 'unknown') return undefined;
  throw new PropertyBroken(
    'answers make sense',
    `node ${node} answered ${drawn.input.type} of ${drawn.key} with code ${answer.code} (${answer.reason ?? 'no reason'})`,
  );
}

function hearService(
  operation: Operation,
  answer: ClientAnswer,
  node: NodeId,
  held: Held,
  stamps: Stamps,
): WorkOutput | undefined {
  if (isPutOff(answer)) return undefined;
  const mayFail = 'at' in operation || 'revision' in operation;
  const mayBeInvalid = operation.type === 'ReserveSequence' && operation.idempotencyKey !== undefined;
  const isAborted = answer.family === 'sequence' && answer.code === SequenceCode.aborted;
  if ((isErrored(answer) && !mayFail) || (isInvalid(answer) && !mayBeInvalid) || isAborted) {
    throw new PropertyBroken(
      'answers make sense',
      `node ${node} answered ${operation.type} with code ${answer.code} (${answer.reason ?? 'no reason'})`,
    );
  }
  rememberService(held, operation, answer);
  const isKept = 'key' in operation && !('ephemeral' in operation);
  if (isKept && answer.family === undefined && SHOWS.includes(answer.code))
    noteStamp(stamps, operation.key, answer.revision, answer.lastModified);
  return { type: 'service', answer };
}

/** What was stale when it was read is nothing to rest a condition on. */
function remember(
  seen: Map<string, Seen>,
  { key, input }: Drawn<KeyValueInput>,
  output: KeyValueOutput,
): void {
  if (isStale(input)) return;
  switch (output.type) {
    case 'set':
      seen.set(key, { revision: output.revision, value: input.type === 'set' ? input.value : null });
      return;
    case 'got':
      seen.set(key, { revision: output.revision, value: output.value });
      return;
    case 'deleted':
      seen.set(key, { revision: output.revision, value: null });
      return;
    case 'notSet':
    case 'exists':
      seen.set(key, { revision: output.revision, value: seen.get(key)?.value ?? null });
      return;
    case 'missing':
      return;
  }
}

/** What was done to plain keys: a history that has to be linearizable. What a stale read may see is judged when it is answered. */
export function keyHistory(
  history: readonly Done<WorkInput, WorkOutput>[],
): readonly Done<KeyValueInput, KeyValueOutput>[] {
  return history.flatMap(({ input, output, ...done }) => {
    if (input.type === 'service' || output?.type === 'service' || isStale(input)) return [];
    return [{ ...done, input, output }];
  });
}

export function serviceHistory(history: readonly Done<WorkInput, WorkOutput>[]): readonly ServiceEvent[] {
  return history.flatMap(({ id, client, input, invokedAt, answeredAt, output }) => {
    if (input.type !== 'service') return [];
    const answer = output?.type === 'service' ? output.answer : undefined;
    return [{ id, client, operation: input.operation, invokedAt, answeredAt, answer }];
  });
}
