/**
 * A script made ready to run: its mode, its options, the keys it may lock, and its statements as one flat list of instructions.
 *
 * A plan depends on the text alone, so it is made once and shared by all runs. Branches and loops are jumps, so that where a
 * run stands is one number; that is what lets an evaluation be a plain record.
 */

import type { TransactionOptions } from './effects.js';
import type { Failure } from './failure.js';
import type { Expression, Key, StoreStatement } from './syntax.js';

export interface Plan {
  readonly mode: Mode;
  readonly code: readonly Instruction[];
  /** Every key that a store statement names anywhere, in order, with what a pessimistic transaction locks of it; each once. */
  readonly keys: readonly PlannedKey[];
}

export type Mode =
  /** One store statement: without a transaction. */
  | { readonly type: 'Direct' }
  | {
      readonly type: 'Transaction';
      readonly options: TransactionOptions;
      /** Whether it commits by itself at its end and at a RETURN. */
      readonly autoCommit: boolean;
    }
  /** Cannot run, whatever the parameters. */
  | { readonly type: 'Invalid'; readonly failure: Failure };

export interface PlannedKey {
  readonly key: Key;
  readonly ephemeral: boolean;
  readonly lock: 'key' | 'bucket' | 'none';
  readonly line: number;
}

export type Instruction =
  | StoreInstruction
  | { readonly type: 'Let'; readonly name: string; readonly value: Expression; readonly line: number }
  /** Goes on if the condition is true, else to another place. */
  | {
      readonly type: 'Branch';
      readonly condition: Expression;
      readonly otherwise: number;
      readonly line: number;
    }
  | { readonly type: 'Jump'; readonly to: number; readonly line: number }
  /** Begins a loop: the next instruction is its `Next`. */
  | { readonly type: 'Loop'; readonly items: Expression; readonly line: number }
  /** Gives the variable the next item; past the last, ends the loop and goes to `exit`. */
  | { readonly type: 'Next'; readonly name: string; readonly exit: number; readonly line: number }
  | { readonly type: 'Return'; readonly value?: Expression; readonly line: number }
  | { readonly type: 'Throw'; readonly value: Expression; readonly line: number }
  | { readonly type: 'Sleep'; readonly ms: bigint; readonly line: number }
  | { readonly type: 'Commit' | 'Rollback' | 'NestedBegin'; readonly line: number };

export interface StoreInstruction {
  readonly type: 'Store';
  readonly statement: StoreStatement;
  readonly needs: OperandNeeds;
  readonly line: number;
}

/** What must be known before a statement can be asked: this is what decides which statements may run at once. */
export interface OperandNeeds {
  /** Variables that its operands read. */
  readonly variables: readonly string[];
  /** Whether an operand asks `not set` or `not found`. */
  readonly outcome: boolean;
}
