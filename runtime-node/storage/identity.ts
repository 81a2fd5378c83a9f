/**
 * Whose data a folder holds: written once, when the folder is new, and compared at every start. A node that took up
 * another one's log would vote twice; one with another number of partitions would look for keys in the wrong place.
 */

import { StartRefused } from '../host/start-refused.js';
import { damagedFolder } from './damage.js';

/** Grows when what this program writes cannot be read by older ones. */
export const FORMAT_VERSION = 2;
/** The oldest that this program reads. Version 1 held a snapshot in a single record. */
const OLDEST_FORMAT = 2;

export interface DataIdentity {
  readonly cluster: string;
  readonly node: number;
  readonly partitions: number;
  /**
   * The voters with whom the cluster began, in ascending order, as this node was told at its first start; none for a
   * node that joined later. The log goes on from them, so they stay whatever a later command line says.
   */
  readonly voters: readonly number[];
}

export function encodeIdentity(identity: DataIdentity): Uint8Array {
  const { cluster, node, partitions, voters } = identity;
  return new TextEncoder().encode(
    JSON.stringify({ format: FORMAT_VERSION, cluster, node, partitions, voters }),
  );
}

/**
 * Passes when the folder's identity is `expected`, its voters aside.
 *
 * @returns the identity that the folder was given at its first start.
 * @throws StartRefused with all that differs and what to do.
 */
export function checkIdentity(folder: string, bytes: Uint8Array, expected: DataIdentity): DataIdentity {
  const found = readIdentity(folder, bytes);
  const { format } = found;
  if (format > FORMAT_VERSION) {
    throw new StartRefused(
      `the data folder ${folder} has format version ${format}, but this program reads versions up to ` +
        `${FORMAT_VERSION}: a newer Wavetank wrote it. Start that version, or give another folder (--data).`,
    );
  }
  if (format < OLDEST_FORMAT) {
    throw new StartRefused(
      `the data folder ${folder} has format version ${format}, but this program reads versions from ${OLDEST_FORMAT} on: ` +
        'an older Wavetank wrote it. Start that version, or give another folder (--data).',
    );
  }
  const differences = [
    difference('cluster', found.cluster, expected.cluster),
    difference('node id', found.node, expected.node),
    difference('number of partitions', found.partitions, expected.partitions),
  ].filter((text) => text !== undefined);
  if (differences.length === 0) return found;
  throw new StartRefused(
    `the data folder ${folder} belongs to another node or cluster: ${differences.join('; ')}. ` +
      'Start it with the settings it was made with, or give this node a folder of its own (--data).',
  );
}

interface FoundIdentity extends DataIdentity {
  readonly format: number;
}

function readIdentity(folder: string, bytes: Uint8Array): FoundIdentity {
  const text = new TextDecoder().decode(bytes);
  try {
    const found = JSON.parse(text) as Partial<FoundIdentity>;
    const { format, cluster = '', node = 0, partitions = 0, voters = [] } = found;
    if (typeof format === 'number' && Array.isArray(voters))
      return { format, cluster, node, partitions, voters };
  } catch {
    // Said below, with what was found.
  }
  throw damagedFolder(folder, `its identity cannot be read (${JSON.stringify(text.slice(0, 100))})`);
}

function difference(what: string, found: string | number, expected: string | number): string | undefined {
  return found === expected
    ? undefined
    : `its ${what} is ${found}, but this node was started with ${expected}`;
}
