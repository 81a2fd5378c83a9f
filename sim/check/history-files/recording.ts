/**
 * What every form of history file comes down to: operations with what was asked, when, and what became of it, before any model
 * gives them a meaning.
 */
import type { Form } from './form.js';

export interface RecordedOperation {
  /** Offset of its invocation in the text, for errors. */
  readonly at: number;
  readonly client: string;
  /** What was asked for: `read`, `cas`, `txn`, … */
  readonly name: string;
  /** Where the file gives the key apart from the value. */
  readonly key: Form | undefined;
  readonly input: Form;
  readonly invokedAt: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly type: 'answered'; readonly at: number; readonly output: Form }
  /** Certainly not executed, or executed and refused: which one, the model tells from `output` and `error`. */
  | { readonly type: 'failed'; readonly at: number; readonly output: Form; readonly error: Form | undefined }
  /** May have taken effect at any time, or never. */
  | { readonly type: 'unknown' };

export interface Recording {
  readonly text: string;
  /** In the order of invocation as the file gives it. */
  readonly operations: readonly RecordedOperation[];
  /** Lines or events that are about no operation of a client: what the nemesis did, what a server printed. */
  readonly ignored: number;
  /** What is odd about the file and yet was taken. */
  readonly notes: readonly string[];
}
