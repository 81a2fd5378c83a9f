/**
 * What a quorum is, as the rules count it: on their own, without the core's arithmetic, which they judge.
 */

import type { Configuration, NodeId } from '../../../core/index.js';

/** Whether those who hold something are more than half of each half of the configuration. */
export function isQuorum({ voters, outgoing }: Configuration, holds: (node: NodeId) => boolean): boolean {
  const halves = outgoing.length === 0 ? [voters] : [voters, outgoing];
  return halves.every((half) => half.filter(holds).length * 2 > half.length);
}

/** The highest number that a quorum reaches, each with its own; -1 when not even the lowest is. */
export function quorumNumber(config: Configuration, numberOf: (node: NodeId) => number): number {
  const numbers = [...config.voters, ...config.outgoing].map(numberOf).sort((a, b) => b - a);
  return numbers.find((number) => isQuorum(config, (node) => numberOf(node) >= number)) ?? -1;
}
