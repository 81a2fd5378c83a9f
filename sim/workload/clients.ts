/**
 * Simulated clients: each asks for one thing after another, of any node, and keeps asking under the same request id
 * until it is answered; what they did and saw is the history that the checkers judge.
 */

import type { KeyValueAnswer, KeyValueRequest, NodeId, RequestId } from '../../core/index.js';
import type { WorkloadSettings } from '../faults/scenario.js';
import type { KeyValueInput, KeyValueOutput, Operation } from '../check/linearizability/index.js';
import { drawBelow, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';
import { ask, callAt, PropertyBroken, type World } from '../world/world.js';
import { createStamps, noteStamp, type Stamps } from '../check/stamps.js';
import { drawOperation, toOperation, toOutput, type DrawnOperation, type Seen } from './operations.js';

export type KeyValueRecord = Operation<KeyValueInput, KeyValueOutput>;

type KeyValueWorld<S, M, D> = World<S, M, KeyValueRequest, KeyValueAnswer, D>;

export interface Clients {
  readonly history: KeyValueRecord[];
  /** When each revision of each key was made, as the answers say. */
  readonly stamps: Stamps;
  /** Clients that still have something to do. */
  unfinished: number;
}

interface Client {
  readonly number: number;
  readonly stream: Stream;
  readonly seen: Map<string, Seen>;
  /** Operations begun. */
  begun: number;
  /** Attempts at the present operation. */
  attempts: number;
  /** Grows when a client gives up, because an operation without an answer may still be under way. */
  alias: number;
}

const MS = 1_000;

/** Starts all clients of a workload in a world. */
export function startClients<S, M, D>(
  world: KeyValueWorld<S, M, D>,
  settings: WorkloadSettings,
  seed: number,
): Clients {
  const clients: Clients = { history: [], stamps: createStamps(), unfinished: settings.clients };
  const keys = Array.from({ length: settings.keys }, (_, i) => `key-${i}`);
  for (let number = 1; number <= settings.clients; number += 1) {
    const stream = streamOf(seed, 'client', number);
    const client: Client = { number, stream, seen: new Map(), begun: 0, attempts: 0, alias: 0 };
    const firstUs = drawBelow(stream, settings.thinkMs * MS, 0);
    callAt(world, firstUs, () => nextOperation(world, settings, clients, client, keys));
  }
  return clients;
}

function nextOperation<S, M, D>(
  world: KeyValueWorld<S, M, D>,
  settings: WorkloadSettings,
  clients: Clients,
  client: Client,
  keys: readonly string[],
): void {
  if (client.begun === settings.operationsPerClient) {
    clients.unfinished -= 1;
    return;
  }
  client.begun += 1;
  client.attempts = 0;
  const { number, stream, begun, seen } = client;
  const drawn = drawOperation(stream, begun, number, keys, settings.readPercent, seen);
  const requestId = `c:${number}:${begun}` as RequestId;
  const request: KeyValueRequest = { requestId, operation: toOperation(drawn) };
  const invokedAt = world.nowUs;
  const base = { id: clients.history.length, client: `${number}.${client.alias}`, key: drawn.key };
  const place = clients.history.length;
  clients.history.push({ ...base, input: drawn.input, invokedAt, answeredAt: undefined, output: undefined });
  let finished = false;

  const goOn = (): void => {
    finished = true;
    // Once the storm is over only answers are waited for, so that slow thinkers do not look like stuck requests.
    const thinkUs = world.network.calm ? 0 : drawBelow(stream, 2 * settings.thinkMs * MS, begun, 6);
    callAt(world, world.nowUs + thinkUs, () => nextOperation(world, settings, clients, client, keys));
  };

  const attempt = (): void => {
    if (finished) return;
    client.attempts += 1;
    const { attempts } = client;
    const node = drawOne(stream, world.nodes, begun * 64 + attempts, 7);
    ask(world, node.id, request, (answer) => {
      if (finished) return;
      const heard = hear(drawn, answer, node.id);
      if (heard === undefined) {
        // Nobody knows yet: ask again soon, in case this was the last attempt under way.
        if (attempts === client.attempts) callAt(world, world.nowUs + 20 * MS, attempt);
        return;
      }
      clients.history[place] = {
        ...base,
        input: drawn.input,
        invokedAt,
        answeredAt: world.nowUs,
        output: heard,
      };
      remember(seen, drawn, heard);
      if ('revision' in heard) noteStamp(clients.stamps, drawn.key, heard.revision, answer.lastModified);
      goOn();
    });
    callAt(world, world.nowUs + settings.clientTimeoutMs * MS, () => {
      if (finished || attempts !== client.attempts) return;
      if (!world.network.calm && drawChance(stream, settings.giveUpChance, begun * 64 + attempts, 8)) {
        client.alias += 1;
        goOn();
      } else attempt();
    });
  };
  attempt();
}

/** The output that an answer gives; undefined when the outcome is not known. */
function hear(drawn: DrawnOperation, answer: KeyValueAnswer, node: NodeId): KeyValueOutput | undefined {
  const heard = toOutput(answer);
  if (heard.type === 'known') return heard.output;
  if (heard.type === 'unknown') return undefined;
  throw new PropertyBroken(
    'answers make sense',
    `node ${node} answered ${drawn.input.type} of ${drawn.key} with code ${answer.code} (${answer.reason ?? 'no reason'})`,
  );
}

function remember(seen: Map<string, Seen>, { key, input }: DrawnOperation, output: KeyValueOutput): void {
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
