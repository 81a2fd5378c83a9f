/**
 * What a node must be told, with sane defaults, checked before it starts.
 */

import type { NodeId } from '../machine/units.js';
import { DEFAULT_TUNING, problemWithTunable, TUNABLE_NAMES, type NodeTuning } from './tuning.js';

/** Who a node is, and its timeouts and limits (`tuning.ts`). */
export interface NodeOptions extends NodeTuning {
  readonly node: NodeId;
  /**
   * The voters with whom the cluster began, this node included, in ascending order; none for a node that is to join a
   * running cluster. They count as long as the log says nothing else.
   */
  readonly voters: readonly NodeId[];
  /** Where each of the voters listens for the others, in their order; absent where the host needs none. */
  readonly addresses?: readonly string[];
  /**
   * Whether the cluster keeps its roster, in a group 0 beside the data partitions: then its members can be changed and
   * its leaders are spread. The same on every node.
   */
  readonly meta: boolean;
  /** Number of data partitions; fixed for the cluster's life. They are groups 1 … partitions. */
  readonly partitions: number;
}

export const DEFAULT_NODE_OPTIONS: Omit<NodeOptions, 'node' | 'voters' | 'addresses'> = {
  partitions: 8,
  meta: true,
  ...DEFAULT_TUNING,
};

/** What is wrong with these options, in words; empty when nothing is. */
export function checkNodeOptions(options: NodeOptions): readonly string[] {
  const problems: string[] = [];
  for (const name of ['node', 'partitions'] as const) {
    const value = options[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      problems.push(`${name} must be a whole number of 1 or more, but is ${value}`);
    }
  }
  for (const name of TUNABLE_NAMES) {
    const problem = problemWithTunable(name, options[name]);
    if (problem !== undefined) problems.push(problem);
  }
  if (options.electionTimeoutMs < 2 * options.heartbeatIntervalMs) {
    problems.push(
      `electionTimeoutMs (${options.electionTimeoutMs}) must be at least twice heartbeatIntervalMs ` +
        `(${options.heartbeatIntervalMs}), or one late heartbeat starts an election`,
    );
  }
  if (options.leaseMs > options.electionTimeoutMs) {
    problems.push(
      `leaseMs (${options.leaseMs}) must be at most electionTimeoutMs (${options.electionTimeoutMs}): ` +
        'a voter promises no leader more than that',
    );
  }
  for (const name of ['maxConcurrentSessions', 'maxConcurrentScripts'] as const) {
    const places = options[name];
    if (places > 0 && options.reservedSlots >= places) {
      problems.push(
        `reservedSlots (${options.reservedSlots}) must be less than ${name} (${places}), ` +
          'or nothing but urgent transactions ever runs',
      );
    }
  }
  const { voters, addresses, meta } = options;
  const joins = voters.length === 0 && meta;
  if ((voters.length === 0 && !joins) || voters.some((voter) => !Number.isSafeInteger(voter) || voter < 1)) {
    problems.push(`voters must be node ids of 1 or more, but are [${voters.join(', ')}]`);
  }
  if (voters.some((voter, i) => i > 0 && voter <= (voters[i - 1] as NodeId))) {
    problems.push(`voters must be in ascending order without repeats, but are [${voters.join(', ')}]`);
  }
  if (!joins && !voters.includes(options.node)) {
    problems.push(`voters [${voters.join(', ')}] must include this node, ${options.node}`);
  }
  if (addresses !== undefined && addresses.length !== voters.length) {
    problems.push(`addresses must be as many as voters, ${voters.length}, but are ${addresses.length}`);
  }
  return problems;
}
