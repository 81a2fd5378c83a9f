/**
 * The roster: who belongs to the cluster, under which address, in which role.
 *
 * It is one reserved key of group 0, written by compare-and-set, so that there is one agreed order of rosters. What
 * it says is a wish: each group's leader moves its own configuration towards it (`reconcile.ts`). A cluster whose
 * members never changed has none; then the voters that every node was started with are the members.
 */

import { RESERVED_KEY_PREFIX } from '../partition/command.js';
import type { GroupId, NodeId } from '../machine/units.js';
import type { NodeOptions } from './options.js';

/** The group that holds the roster; no client's key hashes to it. */
export const META_GROUP = 0 as GroupId;

export const ROSTER_KEY = `${RESERVED_KEY_PREFIX}roster`;

export interface Roster {
  /** 0 for the one that the nodes were started with; one more with each change. The key's revision is one less. */
  readonly version: number;
  /** In ascending order of nodes. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly node: NodeId;
  /** Where the others reach it; empty where the host needs none. */
  readonly address: string;
  /** A voter is a learner first, until it is caught up. A learner gets everything, and counts for nothing. */
  readonly role: 'voter' | 'learner';
  /** Leaders are chosen among the voters with the highest; 0 for one that leads only when nobody else can. */
  readonly priority: number;
  /** The version of the roster in which it first stood. */
  readonly since: number;
}

export const DEFAULT_PRIORITY = 1;
export const MAX_PRIORITY = 1_000;
/** More voters than this make every write slower and nothing safer. */
export const MAX_MEMBERS = 64;
export const MAX_ADDRESS_LENGTH = 300;

/** The roster of a cluster whose members never changed. */
export function foundingRoster({ voters, addresses }: Pick<NodeOptions, 'voters' | 'addresses'>): Roster {
  const members = voters.map((node, i): Member => {
    const address = addresses?.[i] ?? '';
    return { node, address, role: 'voter', priority: DEFAULT_PRIORITY, since: 0 };
  });
  return { version: 0, members };
}

export function memberOf(roster: Roster, node: NodeId): Member | undefined {
  return roster.members.find((member) => member.node === node);
}

export function rosterVoters({ members }: Roster): readonly NodeId[] {
  return members.filter(({ role }) => role === 'voter').map(({ node }) => node);
}

export function rosterLearners({ members }: Roster): readonly NodeId[] {
  return members.filter(({ role }) => role === 'learner').map(({ node }) => node);
}

/** What is wrong with a roster as a value, in words; undefined when nothing is. */
export function problemWithRoster({ members }: Roster): string | undefined {
  if (members.length > MAX_MEMBERS)
    return `it has ${members.length} members; at most ${MAX_MEMBERS} are allowed`;
  for (let i = 0; i < members.length; i += 1) {
    const { node, priority, address } = members[i] as Member;
    if (!Number.isSafeInteger(node) || node < 1) return `${node} is no node id`;
    if (i > 0 && node <= (members[i - 1] as Member).node)
      return `node ${node} is out of order, or there twice`;
    if (!Number.isSafeInteger(priority) || priority < 0 || priority > MAX_PRIORITY) {
      return `the priority of node ${node} must be 0 to ${MAX_PRIORITY}, but is ${priority}`;
    }
    if (address.length > MAX_ADDRESS_LENGTH) {
      return `the address of node ${node} has ${address.length} characters; at most ${MAX_ADDRESS_LENGTH} are allowed`;
    }
  }
  if (!members.some(({ role }) => role === 'voter')) return 'no voter is left';
  return undefined;
}

/** "node 1", "nodes 1 and 3", "nodes 1, 3 and 4". */
export function nameNodes(nodes: readonly number[]): string {
  return `node${nodes.length === 1 ? '' : 's'} ${listed(nodes)}`;
}

/** "1", "1 and 3", "1, 3 and 4". */
export function listed(items: readonly (number | string)[]): string {
  if (items.length <= 1) return `${items[0] ?? 'none'}`;
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1] as number | string}`;
}
