/** Clients of a real cluster: they keep asking under the same operation id until they are answered. */

import type { KeyValueInput, KeyValueOutput, Operation } from '../../sim/index.js';

export interface RealClients {
  readonly history: Operation<KeyValueInput, KeyValueOutput>[];
  /** Resolves when so many more operations have been answered. */
  progress(operations: number): Promise<void>;
  /** Lets every client finish what it is doing. */
  stop(): Promise<void>;
}

const CLIENTS = 6;
const KEYS = 4;
const ATTEMPT_MS = 2_000;
const PAUSE_MS = 50;

/**
 * Starts clients that work on end.
 *
 * @param thinkMs what each waits between two operations.
 */
export function startRealClients(endpoints: readonly string[], thinkMs = 0): RealClients {
  const history: Operation<KeyValueInput, KeyValueOutput>[] = [];
  const onAnswer = new Set<() => void>();
  let stopping = false;
  let answered = 0;

  const work = async (client: number): Promise<void> => {
    for (let number = 1; !stopping; number += 1) {
      const key = `integration/${(client * 7 + number * 3) % KEYS}`;
      const input = inputOf(client, number);
      const invokedAt = nowUs();
      const id = history.length;
      const base = { id, client: String(client), key, input, invokedAt };
      history.push({ ...base, answeredAt: undefined, output: undefined });
      const output = await askUntilAnswered(endpoints, client, number, key, input);
      history[id] = { ...base, answeredAt: nowUs(), output };
      answered += 1;
      for (const listener of [...onAnswer]) listener();
      if (thinkMs > 0) await new Promise((resolve) => setTimeout(resolve, thinkMs));
    }
  };
  const workers = Array.from({ length: CLIENTS }, (_, i) => work(i + 1));
  // A worker that fails is reported by `stop`; until then it must not be an unhandled rejection.
  for (const worker of workers) worker.catch(() => undefined);
  return {
    history,
    progress: (operations) => {
      const target = answered + operations;
      return new Promise((resolve, reject) => {
        const listener = (): void => {
          if (answered < target) return;
          onAnswer.delete(listener);
          resolve();
        };
        onAnswer.add(listener);
        for (const worker of workers) worker.catch(reject);
      });
    },
    async stop() {
      stopping = true;
      await Promise.all(workers);
    },
  };
}

function nowUs(): number {
  return Math.floor(performance.now() * 1_000);
}

function inputOf(client: number, number: number): KeyValueInput {
  const value = `${client}-${number}`;
  switch (number % 5) {
    case 0:
      return { type: 'get' };
    case 1:
      return { type: 'set', value, condition: { ifExists: false, ifNotExists: false } };
    case 2:
      return { type: 'set', value, condition: { ifExists: number % 2 === 0, ifNotExists: number % 2 === 1 } };
    case 3:
      return { type: 'exists' };
    default:
      return number % 3 === 0 ? { type: 'delete' } : { type: 'get' };
  }
}

async function askUntilAnswered(
  endpoints: readonly string[],
  client: number,
  number: number,
  key: string,
  input: KeyValueInput,
): Promise<KeyValueOutput> {
  for (let attempt = 0; ; attempt += 1) {
    const endpoint = endpoints[(client + number + attempt) % endpoints.length] as string;
    const answer = await ask(endpoint, client, number, key, input);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

interface ApiAnswer {
  readonly type: number;
  readonly revision: number;
  readonly value?: string | null;
  readonly reason?: string;
}

/** The output; undefined when nobody answered, or nobody knows the outcome. */
async function ask(
  endpoint: string,
  client: number,
  number: number,
  key: string,
  input: KeyValueInput,
): Promise<KeyValueOutput | undefined> {
  const { path, body } = requestOf(client, number, key, input);
  let answer: ApiAnswer;
  try {
    const response = await fetch(endpoint + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    if (response.status >= 500) return undefined;
    answer = (await response.json()) as ApiAnswer;
    if (response.status !== 200)
      throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error instanceof TypeError || (error instanceof DOMException && error.name !== 'SyntaxError'))
      return undefined;
    throw error;
  }
  return outputOf(answer);
}

function requestOf(
  client: number,
  number: number,
  key: string,
  input: KeyValueInput,
): { path: string; body: Record<string, unknown> } {
  const read = { key, durability: 1, revision: -1 };
  const write = { key, durability: 1, operationIdHigh: client, operationIdLow: number };
  switch (input.type) {
    case 'get':
      return { path: '/v1/kv/try-get', body: read };
    case 'exists':
      return { path: '/v1/kv/try-exists', body: read };
    case 'delete':
      return { path: '/v1/kv/try-delete', body: write };
    case 'set': {
      const { ifExists, ifNotExists } = input.condition;
      const flags = 1 + (ifExists ? 4 : 0) + (ifNotExists ? 8 : 0);
      const value = Buffer.from(input.value ?? '').toString('base64');
      return { path: '/v1/kv/try-set', body: { ...write, value, flags } };
    }
  }
}

function outputOf({ type, revision, value, reason }: ApiAnswer): KeyValueOutput | undefined {
  switch (type) {
    case 0:
      return { type: 'set', revision };
    case 1:
      return { type: 'notSet', revision };
    case 3:
      return { type: 'got', value: Buffer.from(value ?? '', 'base64').toString(), revision };
    case 4:
      return { type: 'deleted', revision };
    case 10:
      return { type: 'exists', revision };
    case 103:
      return { type: 'missing' };
    case 101:
      return undefined;
    default:
      throw new Error(`an answer of type ${type} (${reason ?? 'no reason'}) was not expected`);
  }
}
