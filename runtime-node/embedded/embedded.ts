/**
 * A node in this process: the same machine as in a cluster, alone, without a socket. For tests, and for programs that run on
 * one machine and want locks, keys and sequences that outlive them.
 */

import { clientOver, type WavetankClient } from '../client/client.js';
import { startNode, type EmbeddedOptions, type RunningNode } from './start-node.js';

export type { EmbeddedOptions } from './start-node.js';

export interface EmbeddedNode extends WavetankClient, Omit<RunningNode, 'port'> {}

/**
 * Starts a node in this process, and waits until it takes requests.
 *
 * @example
 * ```ts
 * await using node = await startEmbedded();
 * await node.keys.set('greeting', 'hello');
 * console.log(await node.keys.getText('greeting')); //=> hello
 * ```
 *
 * @throws StartRefused when the folder cannot be used, with what to do.
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedNode> {
  const { port, ...node } = await startNode(options);
  return { ...clientOver(port, options), ...node };
}
