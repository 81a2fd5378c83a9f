/**
 * Which node leads what: learned from the hints that answers carry, and from the routing map, so that a question goes where it
 * is answered without being handed on (gRPC specification, section 7). All of it is advice: nodes find the leader
 * themselves, and a wrong route costs one hop.
 */

import type { GroupId } from '../../core/machine/units.js';
import { groupOfOperation } from '../../core/partition/operation.js';
import { FIRST_PARTITION, partitionOfKeySpace } from '../../core/placement/partition-of-key.js';
import type { Ask } from './port.js';
import { asObject, asObjects, numberIn, textIn, type Fields } from './rest-fields.js';

export interface Routes {
  /** The place of the node that is best asked, among the endpoints; undefined where nobody has said. */
  placeOf(ask: Ask): number | undefined;
  /** Takes the hints out of an answer. */
  learn(answer: Fields): void;
  /** The node at that place does not answer: others are asked for a while. */
  avoid(place: number): void;
  /** It does. */
  trust(place: number): void;
}

const SCHEMA_VERSION = 1;
const HASH_ALGORITHM = 'kahuna.placement-group-jump-xxh32-v1';
/** A map is asked for anew when it is older and a hint comes. */
const MAP_LIFE_MS = 60_000;
/** So long a node that did not answer is nobody's first choice. */
const COOL_DOWN_MS = 5_000;

/**
 * @param fetchMap asks a node for its routing map; undefined when it gives none.
 * @param now monotonic milliseconds.
 */
export function createRoutes(
  endpoints: readonly string[],
  fetchMap: () => Promise<Fields | undefined>,
  now: () => number,
): Routes {
  const places = new Map(endpoints.map((endpoint, place) => [plain(endpoint), place]));
  /** By partition, the place of its leader. */
  const leaders = new Map<number, number>();
  const avoidedUntil = new Map<number, number>();
  /** How many partitions names are spread over; undefined until a map has come. */
  let partitions: number | undefined;
  let mapAskedAt = -Infinity;

  function setLeader(hint: Fields): void {
    const place = places.get(plain(textIn(hint, 'endpoint')));
    // One that is not among the endpoints is asked by way of another.
    if (place === undefined) leaders.delete(numberIn(hint, 'partitionId'));
    else leaders.set(numberIn(hint, 'partitionId'), place);
  }

  async function askForMap(): Promise<void> {
    mapAskedAt = now();
    const map = await fetchMap();
    if (map === undefined || !isUsable(map)) return;
    partitions = numberIn(map, 'hashPoolSize');
    for (const leader of asObjects(map['leaders'])) if (textIn(leader, 'endpoint') !== '') setLeader(leader);
  }

  return {
    placeOf(ask) {
      if (partitions === undefined) return undefined;
      const partition = partitionOf(ask, partitions);
      const place = partition === undefined ? undefined : leaders.get(partition);
      return place !== undefined && (avoidedUntil.get(place) ?? 0) > now() ? undefined : place;
    },
    learn(answer) {
      const hints = [asObject(answer['route']), ...asObjects(answer['routes'])].filter(isHint);
      if (hints.length === 0) return;
      for (const hint of hints) setLeader(hint);
      // Whoever gives hints has a map too.
      if (now() - mapAskedAt >= MAP_LIFE_MS) void askForMap();
    },
    avoid: (place) => void avoidedUntil.set(place, now() + COOL_DOWN_MS),
    trust: (place) => void avoidedUntil.delete(place),
  };
}

/** One that this client understands, of a cluster that places all names by their hash. */
function isUsable(map: Fields): boolean {
  return (
    map['initialized'] === true &&
    map['coherent'] === true &&
    map['schemaVersion'] === SCHEMA_VERSION &&
    map['hashAlgorithm'] === HASH_ALGORITHM &&
    map['prefixSeparator'] === '/' &&
    map['groupSeparator'] === '|' &&
    map['hashPartitionOffset'] === FIRST_PARTITION &&
    numberIn(map, 'hashPoolSize') > 0 &&
    asObjects(map['keySpaces']).length === 0
  );
}

/** Executed where it was asked, or handed on to there. */
function isHint(hint: Fields | undefined): hint is Fields {
  const provenance = hint === undefined ? 0 : numberIn(hint, 'provenance');
  return (provenance === 1 || provenance === 2) && textIn(hint ?? {}, 'endpoint') !== '';
}

/** Undefined where one node is as good as another: for several partitions, and for reads that are to spare the leader. */
function partitionOf(ask: Ask, partitions: number): GroupId | undefined {
  if ('mode' in ask && (ask.mode === 'follower' || ask.mode === 'stale')) return undefined;
  switch (ask.type) {
    case 'SetMany':
    case 'DeleteMany':
    case 'GetMany':
    case 'ExistsMany':
    case 'ScanAll':
    // A session stays with the node that began it, and a script may name any keys.
    case 'Begin':
    case 'InSession':
    case 'LockInTransaction':
    case 'UnlockInTransaction':
    case 'Commit':
    case 'Rollback':
    case 'RunScript':
      return undefined;
    case 'Bucket':
    case 'Range':
      return partitionOfKeySpace(ask.prefix, partitions);
    default:
      return groupOfOperation('name' in ask ? { ...ask, name: ask.name.trim() } : ask, partitions);
  }
}

/** As endpoints are compared: case and the slash at the end do not matter. */
function plain(endpoint: string): string {
  return endpoint.toLowerCase().replace(/\/$/, '');
}
