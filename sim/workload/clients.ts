/**
 * Simulated clients: each asks for one thing after another, of any node, and keeps asking until it is answered; what
 * they did and saw is the history that the checkers judge.
 */

import type { NodeId } from '../../core/index.js';
import type { Operation } from '../check/linearizability/index.js';
import type { WorkloadSettings } from '../faults/scenario.js';
import { drawBelow, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';
import { ask, callAt, nodesInUse, type World } from '../world/world.js';

/** What clients of a system ask, and how they understand the answers. */
export interface Load<Request, Answer, Input, Output> {
  /** What a client asks for as its `number`th operation: drawn under its own key, whatever came before. */
  draw(client: Client, number: number): Drawn<Input>;
  /** The same as a node understands it; `name` names the operation, and is the same for every attempt. */
  toRequest(drawn: Drawn<Input>, name: string): Request;
  /**
   * What the answer says; undefined when nobody knows yet, and the client must ask again.
   *
   * @throws PropertyBroken for an answer that makes no sense.
   */
  hear(drawn: Drawn<Input>, answer: Answer, node: NodeId, client: Client): Output | undefined;
  /**
   * Does the client's `number`th thing by itself, if that takes more than one request, and calls `done` when it is through;
   * false where it is a single operation.
   */
  readonly perform?: (client: Client, number: number, done: () => void) => boolean;
  /** Asking again under the same name takes effect once. Without it, an operation that is not answered is left so. */
  readonly mayAskAgain: boolean;
}

export interface Drawn<Input> {
  readonly key: string;
  readonly input: Input;
}

export interface Client {
  readonly number: number;
  readonly stream: Stream;
  /** Grows when a client gives up, because an operation without an answer may still be under way. */
  alias: number;
}

export interface Clients<Input, Output> {
  readonly history: Operation<Input, Output>[];
  /** Clients that still have something to do. */
  unfinished: number;
}

const MS = 1_000;

/** Starts all clients of a workload in a world. */
export function startClients<S, M, Q, A, D, I, O>(
  world: World<S, M, Q, A, D>,
  settings: WorkloadSettings,
  load: Load<Q, A, I, O>,
): Clients<I, O> {
  const clients: Clients<I, O> = { history: [], unfinished: settings.clients };
  const skipped = new Set(settings.skip);
  for (let number = 1; number <= settings.clients; number += 1) {
    const stream = streamOf(world.settings.seed, 'client', number);
    const client: Client = { number, stream, alias: 0 };
    const ways = { world, settings, load, clients, skipped };
    callAt(world, drawBelow(stream, settings.thinkMs * MS, 0), () => nextOperation(ways, client, 1));
  }
  return clients;
}

interface Ways<S, M, Q, A, D, I, O> {
  readonly world: World<S, M, Q, A, D>;
  readonly settings: WorkloadSettings;
  readonly load: Load<Q, A, I, O>;
  readonly clients: Clients<I, O>;
  readonly skipped: ReadonlySet<string>;
}

function nextOperation<S, M, Q, A, D, I, O>(
  ways: Ways<S, M, Q, A, D, I, O>,
  client: Client,
  number: number,
): void {
  const { world, settings, load, clients } = ways;
  if (number > settings.operationsPerClient) {
    clients.unfinished -= 1;
    return;
  }
  const { stream } = client;
  const goOn = (): void => {
    // Once the storm is over only answers are waited for, so that slow thinkers do not look like stuck requests.
    // Clients come in bursts, so that a leader that is cut off has something to do: long thoughts, and many short ones.
    const eighths = drawBelow(stream, 4, number, 9) === 0 ? 29 : 1;
    const thinkUs = world.calm
      ? 0
      : Math.floor((drawBelow(stream, 2 * settings.thinkMs * MS, number, 6) * eighths) / 8);
    callAt(world, world.nowUs + thinkUs, () => nextOperation(ways, client, number + 1));
  };
  const name = `${client.number}:${number}`;
  if (ways.skipped.has(name)) return goOn();
  if (load.perform?.(client, number, goOn) === true) return;

  const drawn = load.draw(client, number);
  const request = load.toRequest(drawn, name);
  const invokedAt = world.nowUs;
  const { key, input } = drawn;
  const id = clients.history.length;
  const asker = `${client.number}.${client.alias}`;
  // Literals of one shape, not spread records: histories are what the checkers walk through most.
  clients.history.push({
    id,
    client: asker,
    key,
    input,
    invokedAt,
    answeredAt: undefined,
    output: undefined,
  });
  let attempts = 0;
  let finished = false;

  const attempt = (): void => {
    if (finished) return;
    attempts += 1;
    const mine = attempts;
    // In the calm, a client has found out who is well.
    const nodes = world.calm ? world.nodes.filter(({ calm }) => calm) : nodesInUse(world);
    const node = drawOne(stream, nodes.length > 0 ? nodes : world.nodes, number * 64 + mine, 7);
    ask(world, node.id, request, (answer) => {
      if (finished) return;
      const output = load.hear(drawn, answer, node.id, client);
      if (output === undefined) {
        // Nobody knows yet: ask again soon, in case this was the last attempt under way.
        if (mine === attempts && load.mayAskAgain) callAt(world, world.nowUs + 20 * MS, attempt);
        return;
      }
      clients.history[id] = { id, client: asker, key, input, invokedAt, answeredAt: world.nowUs, output };
      finished = true;
      goOn();
    });
    callAt(world, world.nowUs + settings.clientTimeoutMs * MS, () => {
      if (finished || mine !== attempts) return;
      const givesUp = !world.calm && drawChance(stream, settings.giveUpChance, number * 64 + mine, 8);
      if (load.mayAskAgain && !givesUp) return attempt();
      client.alias += 1;
      finished = true;
      goOn();
    });
  };
  attempt();
}
