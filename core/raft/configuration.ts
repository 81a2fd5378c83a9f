/**
 * Who the members of a group are, and what a majority of them is: section 6 of the paper, chapter 4 of the thesis.
 *
 * A configuration counts from the moment when it is in the log, committed or not (thesis, section 4.1): the newest
 * one in a node's log, or else the one in the snapshot under it, is the one in force on that node, and a truncation
 * takes it back. So the log alone says who the members are, and a restart that has forgotten how far the log was
 * committed has forgotten nothing of them. While a change goes from one set of voters to another, the configuration is
 * joint: every decision needs a majority of both.
 */

import { EMPTY_LIST } from '../collections/list.js';
import type { LogIndex, NodeId } from '../machine/units.js';

/** All lists are in ascending order and without repeats. Nobody stands in two of `voters`, `learners`, `learnersNext`. */
export interface Configuration {
  /** Who votes; in a joint configuration, the half that comes. */
  readonly voters: readonly NodeId[];
  /** The half that goes, of a joint configuration; empty in a simple one. */
  readonly outgoing: readonly NodeId[];
  /** Who is sent the log, and counts nowhere. */
  readonly learners: readonly NodeId[];
  /** Voters of the outgoing half that stay as learners: they become so when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
}

/** A configuration and the index of its entry in the log. */
export interface PlacedConfiguration {
  readonly index: LogIndex;
  readonly config: Configuration;
}

/** The configuration of these voters, and nobody else; of a node that knows nobody yet when there are none. */
export function simpleConfiguration(
  voters: readonly NodeId[],
  learners: readonly NodeId[] = EMPTY_LIST,
): Configuration {
  return { voters, outgoing: EMPTY_LIST, learners, learnersNext: EMPTY_LIST };
}

export function isJoint(config: Configuration): boolean {
  return config.outgoing.length > 0;
}

/** Whether this node's vote is needed in either half. */
export function hasVote(config: Configuration, node: NodeId): boolean {
  return config.voters.includes(node) || config.outgoing.includes(node);
}

export function isMember(config: Configuration, node: NodeId): boolean {
  return hasVote(config, node) || config.learners.includes(node);
}

/** All who are sent the log, in ascending order. */
export function membersOf(config: Configuration): readonly NodeId[] {
  const { voters, outgoing, learners } = config;
  if (outgoing.length === 0 && learners.length === 0) return voters;
  const others = [...outgoing.filter((node) => !voters.includes(node)), ...learners];
  return [...voters, ...others].sort((a, b) => a - b);
}

/** All whose vote is asked for, in ascending order. */
export function votersOf(config: Configuration): readonly NodeId[] {
  const { voters, outgoing } = config;
  if (outgoing.length === 0) return voters;
  return [...voters, ...outgoing.filter((node) => !voters.includes(node))].sort((a, b) => a - b);
}

/** The configuration after a joint one: its incoming half, with those whom it demoted among the learners. */
export function leaveJoint(config: Configuration): Configuration {
  const { voters, learners, learnersNext } = config;
  const all = learnersNext.length === 0 ? learners : [...learners, ...learnersNext].sort((a, b) => a - b);
  return simpleConfiguration(voters, all);
}

/** How many of so many are a majority. */
export function majorityOf(count: number): number {
  return (count >>> 1) + 1;
}

/** Whether those for whom `holds` are a majority; of both halves, when the configuration is joint. */
export function hasQuorum(config: Configuration, holds: (node: NodeId) => boolean): boolean {
  return (
    hasMajority(config.voters, holds) && (config.outgoing.length === 0 || hasMajority(config.outgoing, holds))
  );
}

/** Nobody is no majority: a node that knows of no voters decides nothing. */
function hasMajority(voters: readonly NodeId[], holds: (node: NodeId) => boolean): boolean {
  let count = 0;
  for (let i = 0; i < voters.length; i += 1) if (holds(voters[i] as NodeId)) count += 1;
  return count >= majorityOf(voters.length);
}

/** The highest number that a majority reaches, each with its own; of both halves, when the configuration is joint. */
export function reachedByQuorum(config: Configuration, numberOf: (node: NodeId) => number): number {
  const reached = reachedByMajority(config.voters, numberOf);
  return config.outgoing.length === 0
    ? reached
    : Math.min(reached, reachedByMajority(config.outgoing, numberOf));
}

function reachedByMajority(voters: readonly NodeId[], numberOf: (node: NodeId) => number): number {
  const quorum = majorityOf(voters.length);
  let highest = 0;
  for (let i = 0; i < voters.length; i += 1) {
    const number = numberOf(voters[i] as NodeId);
    if (number <= highest) continue;
    let count = 0;
    for (let j = 0; j < voters.length; j += 1) if (numberOf(voters[j] as NodeId) >= number) count += 1;
    if (count >= quorum) highest = number;
  }
  return highest;
}

/** `1, 2, 3`, with what else there is: `1, 2, 3 -> 3, 4, 5 (learners 6, then 1)`. */
export function describeConfiguration(config: Configuration): string {
  const { voters, outgoing, learners, learnersNext } = config;
  const halves = isJoint(config) ? `${outgoing.join(', ')} -> ${voters.join(', ')}` : voters.join(', ');
  const now = learners.length === 0 ? [] : [`learners ${learners.join(', ')}`];
  const then = learnersNext.length === 0 ? [] : [`then ${learnersNext.join(', ')}`];
  const rest = [...now, ...then];
  return rest.length === 0 ? halves : `${halves} (${rest.join(', ')})`;
}
