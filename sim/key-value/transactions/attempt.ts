/** What a simulated client did in one transaction, and what it was told: the record that the checks judge. */

import { compareTimestamps, type Timestamp } from '../../../core/index.js';
import type { MicroOperation } from '../../check/isolation/index.js';
import { PropertyBroken } from '../../world/world.js';
import type { TransactionKind } from '../settings.js';

export type TransactionMode = 'pessimistic' | 'optimistic' | 'snapshot' | 'script' | 'plain';

/** What a client knows of the end of a transaction; `unknown` is the word for an answer that was lost for good. */
export type Ending = 'committed' | 'aborted' | 'unknown';

/** One try of a transaction; a plain operation is one of a single step. */
export interface Attempt {
  /** Its place in the history. */
  readonly id: number;
  readonly client: string;
  readonly kind: TransactionKind;
  readonly mode: TransactionMode;
  readonly invokedAt: number;
  answeredAt: number | undefined;
  ending: Ending;
  /** What it read and wrote, where a checker of isolation can judge it. */
  readonly did: MicroOperation[];
  /** What it saw that must hold in a state without half a transaction. */
  readonly sights: Sight[];
  /** It has seen two things that were never true together, so it may not commit. */
  contradiction: string | undefined;
  /** The past that it reads. */
  readonly at?: Timestamp;
  /** A commit was asked for: without that none may be told. */
  askedToCommit: boolean;
}

export type Sight =
  /** All accounts of a bank. */
  | { readonly type: 'Bank'; readonly bank: number; readonly sum: number }
  /** How many had taken a place in a room, with itself. */
  | { readonly type: 'Room'; readonly room: string; readonly taken: number }
  /** Where the token was, and how often it had moved; and its next place, if it was moved. */
  | { readonly type: 'Token'; readonly hops: readonly number[]; readonly moved: boolean };

/** Notes that a node has told the end of a transaction: what was told once is never contradicted. */
export function tellEnding(attempt: Attempt, told: 'committed' | 'aborted', nowUs: number): void {
  const { id, client, ending, mode } = attempt;
  const say = (what: string): never => {
    throw new PropertyBroken(
      'answers are not contradicted',
      `the ${mode} transaction ${id} of client ${client} is said to be ${told}, ${what}`,
    );
  };
  if (told === 'committed' && !attempt.askedToCommit) say('but nobody asked to commit it');
  if (ending !== 'unknown') {
    if (ending !== told) say(`but it was said to be ${ending} before`);
    return;
  }
  if (told === 'committed' && attempt.contradiction !== undefined) {
    throw new PropertyBroken(
      'what was read is validated',
      `the ${mode} transaction ${id} of client ${client} is committed, but ${attempt.contradiction}`,
    );
  }
  attempt.ending = told;
  attempt.answeredAt ??= nowUs;
}

/** The later of two times; either may be unknown. */
export function latestOf(a: Timestamp | undefined, b: Timestamp | undefined): Timestamp | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareTimestamps(a, b) < 0 ? b : a;
}
