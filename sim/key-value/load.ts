/** What simulated clients of our system ask, and how they understand the answers. */

import type { NodeAnswer, NodeId, NodeRequest, RequestId } from '../../core/index.js';
import type { KeyValueInput, KeyValueOutput } from '../check/linearizability/index.js';
import { noteStamp, type Stamps } from '../check/stamps.js';
import type { Drawn, Load } from '../workload/clients.js';
import { PropertyBroken } from '../world/world.js';
import { drawOperation, isStale, toOperation, toOutput, type Seen } from './operations.js';
import type { KeyValueSettings } from './settings.js';

export type KeyValueLoad = Load<NodeRequest, NodeAnswer, KeyValueInput, KeyValueOutput>;

/** @param stamps takes note of when each revision of each key was made, as the answers say. */
export function keyValueLoad(settings: KeyValueSettings, stamps: Stamps): KeyValueLoad {
  const keys = Array.from({ length: settings.keys }, (_, i) => `key-${i}`);
  const seenBy = new Map<number, Map<string, Seen>>();
  const seenOf = (client: number): Map<string, Seen> => {
    let seen = seenBy.get(client);
    if (seen === undefined) seenBy.set(client, (seen = new Map()));
    return seen;
  };
  return {
    mayAskAgain: true,
    draw: ({ stream, number: client }, number) =>
      drawOperation(stream, number, client, keys, settings, seenOf(client)),
    toRequest: (drawn, name) => ({ requestId: `c:${name}` as RequestId, operation: toOperation(drawn) }),
    hear(drawn, answer, node, client) {
      const output = hear(drawn, answer, node);
      if (output === undefined) return undefined;
      remember(seenOf(client.number), drawn, output);
      if ('revision' in output && 'lastModified' in answer)
        noteStamp(stamps, drawn.key, output.revision, answer.lastModified);
      return output;
    },
  };
}

/** The output that an answer gives; undefined when the outcome is not known. */
function hear(drawn: Drawn<KeyValueInput>, answer: NodeAnswer, node: NodeId): KeyValueOutput | undefined {
  if ('outcome' in answer) {
    throw new PropertyBroken(
      'answers make sense',
      `node ${node} answered ${drawn.input.type} as if it were an order`,
    );
  }
  const heard = toOutput(answer);
  if (heard.type === 'known') return heard.output;
  if (heard.type === 'unknown') return undefined;
  throw new PropertyBroken(
    'answers make sense',
    `node ${node} answered ${drawn.input.type} of ${drawn.key} with code ${answer.code} (${answer.reason ?? 'no reason'})`,
  );
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
