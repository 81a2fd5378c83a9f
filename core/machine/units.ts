/**
 * Branded numbers: the compiler refuses to mix a term with a log index, or a monotonic reading with a wall one.
 *
 * All are safe integers (at most 2^53 - 1). The constructors check that once, at the border; arithmetic inside
 * goes through the constructors again, so an overflow is an assertion and not a silent rounding.
 */

import { ImpossibleState } from './assert.js';

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Names a node of the cluster: 1 or more. */
export type NodeId = Branded<'NodeId'>;
/** Names a Raft group and the partition that it replicates: 1 or more (0 is kept for the meta group). */
export type GroupId = Branded<'GroupId'>;
/** A Raft term: 0 before the first election. */
export type Term = Branded<'Term'>;
/** A position in a Raft log: the first entry is 1; 0 stands for "before the log". */
export type LogIndex = Branded<'LogIndex'>;
/** The number of a durable write of one run of a node: 1, 2, 3 …; 0 stands for "nothing to wait for". */
export type WriteNumber = Branded<'WriteNumber'>;
/** How often a key was written, less one: the first write is revision 0; -1 stands for "never written". */
export type Revision = Branded<'Revision'>;
/** Milliseconds of a clock that never jumps and is never set; its zero means nothing. For durations. */
export type MonotonicMs = Branded<'MonotonicMs'>;
/** Milliseconds since 1970 as the machine's wall clock claims. Feeds the hybrid clock; safety never rests on it. */
export type WallMs = Branded<'WallMs'>;

function integer(value: number, what: string): number {
  // Written out: it runs many times a turn, and the closure that `assert` takes would cost more than the check.
  if (!Number.isSafeInteger(value)) {
    throw new ImpossibleState(`${what} must be a safe integer, but is ${value}`);
  }
  return value;
}

export const nodeId = (value: number): NodeId => integer(value, 'a node id') as NodeId;
export const groupId = (value: number): GroupId => integer(value, 'a group id') as GroupId;
export const term = (value: number): Term => integer(value, 'a term') as Term;
export const logIndex = (value: number): LogIndex => integer(value, 'a log index') as LogIndex;
export const writeNumber = (value: number): WriteNumber => integer(value, 'a write number') as WriteNumber;
export const revision = (value: number): Revision => integer(value, 'a revision') as Revision;
export const monotonicMs = (value: number): MonotonicMs => integer(value, 'a monotonic time') as MonotonicMs;
export const wallMs = (value: number): WallMs => integer(value, 'a wall time') as WallMs;

/** Stands for "no node": no vote given, no leader known. */
export const NO_NODE = 0 as NodeId;
