/** The client: locks, key/values, sequences, holds, transactions and scripts, over whatever port its questions go. */

import { createHttpPort } from './http-port.js';
import type { TlsOptions } from './http.js';
import { createHolds, type Holds } from './holds.js';
import { createKeys, type Keys } from './keys.js';
import { createLocks, type Locks } from './locks.js';
import type { ClientPort } from './port.js';
import { createScripts, type Scripts } from './scripts.js';
import { createSequences, type Sequences } from './sequences.js';
import { createTransactions, type Transactions } from './transactions.js';

export interface ClientOptions extends CommonOptions {
  /** Base URLs of some nodes; any of them takes any operation. */
  readonly endpoints: readonly string[];
  /** For endpoints with `https:`. */
  readonly tls?: TlsOptions;
  /**
   * Whether operations go straight to the node that leads what they ask for, as soon as the nodes have said which one that is.
   * It must be one of the endpoints, spelled as the nodes are told to spell themselves. Default true.
   */
  readonly routed?: boolean;
}

export interface CommonOptions {
  /** For one operation on keys or sequences, repetitions included. Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * Told of what goes wrong where nobody waits for it: when a lock is released or a session is rolled back at its disposal, and when
   * a lease is extended. Default: nothing is said.
   */
  readonly onBackgroundError?: (error: unknown) => void;
}

/**
 * Locks, key/values, sequences, holds, transactions and scripts: of a cluster (`createClient`), or of a node in this process
 * (`startEmbedded`).
 */
export interface WavetankClient extends Transactions, Scripts, AsyncDisposable {
  readonly locks: Locks;
  readonly keys: Keys;
  readonly sequences: Sequences;
  readonly holds: Holds;
  /** Lets go of all connections; what is under way ends with the code `closed`. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * A client of a cluster.
 *
 * Every operation goes to the node that leads what it asks for, where that is known and among the endpoints, and otherwise to the
 * node that answered last; and to the next one when that does not answer. Nodes find the leader themselves, so none of this must
 * be right. Nothing is connected before the first operation.
 *
 * @example
 * ```ts
 * await using client = createClient({ endpoints: ['http://127.0.0.1:2070', 'http://127.0.0.1:2080'] });
 * await client.keys.set('greeting', 'hello');
 * console.log(await client.keys.getText('greeting')); //=> hello
 * ```
 *
 * @throws TypeError for no endpoint, or one that is no URL.
 */
export function createClient({ endpoints, tls, routed, ...common }: ClientOptions): WavetankClient {
  const options = { ...(tls === undefined ? {} : { tls }), ...(routed === undefined ? {} : { routed }) };
  return clientOver(createHttpPort({ endpoints, ...options }), common);
}

const TIMEOUT_MS = 10_000;

export function clientOver(port: ClientPort, options: CommonOptions): WavetankClient {
  const { timeoutMs = TIMEOUT_MS, onBackgroundError = () => undefined } = options;
  const close = (): Promise<void> => port.close();
  return {
    locks: createLocks({ port, timeoutMs, onBackgroundError }),
    keys: createKeys(port, timeoutMs),
    sequences: createSequences(port, timeoutMs),
    holds: createHolds(port, timeoutMs),
    ...createTransactions({ port, timeoutMs, onBackgroundError }),
    ...createScripts(port, timeoutMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}
