/**
 * The first frame of each side of a connection: who I am, and what I take for granted that you are too. Nodes of
 * different clusters, or with different settings, must not exchange a single message.
 */

import type { Decoded } from '../host/codec.js';

/** Grows when a node of the one version cannot read the messages of the other. */
export const PROTOCOL_VERSION = 3;

/** Enough for any hello, and small enough that a stranger's first bytes cost nothing. */
export const MAX_HELLO_BYTES = 4 << 10;

const MAGIC = 'wavetank-peer';

export interface Hello {
  readonly version: number;
  readonly cluster: string;
  readonly node: number;
  readonly partitions: number;
  /** HOST:PORT where it can be reached, by those who do not know it from elsewhere. */
  readonly address: string;
  /** The base URL where clients reach it; empty when it tells nobody. */
  readonly client: string;
}

export function encodeHello({ version, cluster, node, partitions, address, client }: Hello): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ magic: MAGIC, version, cluster, node, partitions, address, client }),
  );
}

export function decodeHello(bytes: Uint8Array): Decoded<Hello> {
  let said: Partial<Hello> & { readonly magic?: unknown };
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    said = typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return { ok: false, reason: 'it does not speak the language of Wavetank nodes' };
  }
  const { magic, version, cluster, node, partitions, address = '', client = '' } = said;
  if (magic !== MAGIC || typeof version !== 'number') {
    return { ok: false, reason: 'it does not speak the language of Wavetank nodes' };
  }
  const areTexts = [cluster, address, client].every((text) => typeof text === 'string');
  if (typeof cluster !== 'string' || !areTexts || !isCount(node) || !isCount(partitions)) {
    return { ok: false, reason: `its greeting is incomplete (protocol version ${version})` };
  }
  return { ok: true, value: { version, cluster, node, partitions, address, client } };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/**
 * Why the other side is refused; undefined when it is welcome.
 *
 * @param peers who is expected; undefined where anybody of the cluster may come, since its members change.
 */
export function disagreement(
  mine: Hello,
  theirs: Hello,
  peers: readonly number[] | undefined,
): string | undefined {
  if (theirs.version !== mine.version) {
    return `it speaks protocol version ${theirs.version}, this node ${mine.version}: run the same version on both`;
  }
  if (theirs.cluster !== mine.cluster) {
    return `it is of cluster "${theirs.cluster}", this node of "${mine.cluster}": check --peers and --cluster`;
  }
  if (theirs.partitions !== mine.partitions) {
    return `it has ${theirs.partitions} partitions, this node ${mine.partitions}: check --partitions`;
  }
  if (theirs.node === mine.node) {
    return `it says that it is node ${theirs.node}, as this one: two nodes have the same --id, or --peers is wrong`;
  }
  if (peers !== undefined && !peers.includes(theirs.node)) {
    return `it says that it is node ${theirs.node}, but node ${peers.join(' or ')} was expected: check --id and --peers`;
  }
  return undefined;
}
