/**
 * The abstract syntax of a script: what the parser makes and the planner reads.
 *
 * Operators of one precedence that stand in a row are one flat `Chain`, not a tree that leans to the left, so that a long sum is not
 * a deep one. Lines are counted from 1, and are those of the first token.
 */

import type { ScriptValue } from './value.js';

export type Script = readonly Statement[];

export type Statement =
  | StoreStatement
  | LetStatement
  | IfStatement
  | ForStatement
  | BeginStatement
  | ReturnStatement
  | ThrowStatement
  | SleepStatement
  | CommitStatement
  | RollbackStatement;

/** Statements that ask something of the store. */
export type StoreStatement =
  SetStatement | DeleteStatement | ExtendStatement | PointStatement | PageStatement;

/** A key as it is written: a bare or quoted name taken literally, or a placeholder. */
export interface Key {
  readonly type: 'Name' | 'Placeholder';
  readonly name: string;
}

interface OnKey {
  readonly key: Key;
  /** Whether the verb has a leading e. */
  readonly ephemeral: boolean;
  readonly line: number;
}

export interface SetStatement extends OnKey {
  readonly type: 'Set';
  readonly value: Expression;
  readonly options: readonly SetOption[];
}

export type SetOption =
  | { readonly type: 'nx' | 'xx' | 'norev' }
  | { readonly type: 'ex' | 'cmp' | 'cmprev'; readonly value: Expression };

export interface DeleteStatement extends OnKey {
  readonly type: 'Delete';
}

export interface ExtendStatement extends OnKey {
  readonly type: 'Extend';
  readonly ms: bigint;
}

export interface PointStatement extends OnKey {
  readonly type: 'Get' | 'Exists';
  readonly at?: bigint;
  readonly asOf?: Expression;
  /** The variable that takes the answer. */
  readonly into?: string;
}

export interface PageStatement extends OnKey {
  readonly type: 'Bucket' | 'Scan';
  readonly asOf?: Expression;
  readonly into?: string;
}

export interface LetStatement {
  readonly type: 'Let';
  readonly name: string;
  readonly value: Expression;
  readonly line: number;
}

export interface IfStatement {
  readonly type: 'If';
  readonly condition: Expression;
  readonly then: Script;
  readonly otherwise: Script;
  readonly line: number;
}

export interface ForStatement {
  readonly type: 'For';
  readonly name: string;
  readonly items: Expression;
  readonly body: Script;
  readonly line: number;
}

export interface BeginStatement {
  readonly type: 'Begin';
  readonly options: readonly BeginOption[];
  readonly body: Script;
  readonly line: number;
}

export interface BeginOption {
  readonly name: string;
  /** `word` for a bare word, true and false. */
  readonly kind: 'word' | 'string' | 'integer' | 'float' | 'null' | 'placeholder';
  readonly text: string;
  readonly line: number;
}

export interface ReturnStatement {
  readonly type: 'Return';
  readonly value?: Expression;
  readonly line: number;
}

export interface ThrowStatement {
  readonly type: 'Throw';
  readonly value: Expression;
  readonly line: number;
}

export interface SleepStatement {
  readonly type: 'Sleep';
  readonly ms: bigint;
  readonly line: number;
}

export interface CommitStatement {
  readonly type: 'Commit';
  readonly line: number;
}

export interface RollbackStatement {
  readonly type: 'Rollback';
  readonly line: number;
}

export type Expression =
  | { readonly type: 'Literal'; readonly value: ScriptValue; readonly line: number }
  /** A whole number that 64 bits do not hold: an error when it is evaluated. */
  | { readonly type: 'TooLarge'; readonly text: string; readonly line: number }
  | { readonly type: 'Variable' | 'Placeholder'; readonly name: string; readonly line: number }
  | { readonly type: 'NotSet' | 'NotFound'; readonly line: number }
  | { readonly type: 'Not'; readonly operand: Expression; readonly line: number }
  | Chain
  | Index
  | Call
  | List;

export interface Chain {
  readonly type: 'Chain';
  readonly first: Expression;
  readonly rest: readonly { readonly operator: BinaryOperator; readonly operand: Expression }[];
  readonly line: number;
}

export interface Index {
  readonly type: 'Index';
  readonly base: Expression;
  /** `x[1][2]`, from the left. */
  readonly places: readonly Expression[];
  readonly line: number;
}

export interface Call {
  readonly type: 'Call';
  readonly name: string;
  readonly inputs: readonly Expression[];
  readonly line: number;
}

export interface List {
  readonly type: 'List';
  readonly items: readonly Expression[];
  readonly line: number;
}

export type BinaryOperator =
  '..' | '||' | '&&' | '=' | '==' | '<>' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/';

/** How tight each binary operator binds; all group to the left. */
export const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  '..': 1,
  '||': 2,
  '&&': 3,
  '=': 4,
  '==': 4,
  '<>': 4,
  '!=': 4,
  '<': 5,
  '>': 5,
  '<=': 5,
  '>=': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
};
