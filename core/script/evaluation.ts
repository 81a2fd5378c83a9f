/** Where a run stands: an immutable record of plain data, which can be kept, copied and gone on from anywhere. */

import type { OrderedMap } from '../collections/ordered-map.js';
import type { Clocks } from '../machine/machine.js';
import type { MonotonicMs } from '../machine/units.js';
import type { Answer, Effect, Entry, ScriptCode, StoreOperation } from './effects.js';
import type { ScriptLimits } from './limits.js';
import type { Plan } from './plan.js';
import type { StoreStatement } from './syntax.js';
import type { ArrayValue, ScriptValue } from './value.js';

export interface Evaluation {
  readonly plan: Plan;
  readonly limits: ScriptLimits;
  readonly parameters: OrderedMap<ScriptValue>;
  /** The reading of the hybrid clock that the whole run shows, in milliseconds since 1970. */
  readonly hlcMs: number;
  readonly phase: Phase;
  /** The next instruction; past the last at the end. */
  readonly at: number;
  readonly variables: OrderedMap<ScriptValue>;
  readonly loops: Loop | undefined;
  /** How the latest write ended. */
  readonly lastWrite: ScriptCode | undefined;
  readonly result: Result | undefined;
  /** So far. */
  readonly steps: number;
  /** What variables, loops, parameters and the result take. */
  readonly heldBytes: number;
  /** When the transaction must be over; absent before it has begun, and without one. */
  readonly deadline: MonotonicMs | undefined;
}

/** What a run waits for. */
export type Phase =
  | { readonly type: 'Beginning' }
  | { readonly type: 'Asking'; readonly asked: readonly Asked[] }
  | { readonly type: 'Sleeping' }
  /** For nothing: it has had its steps for now. */
  | { readonly type: 'Paused' }
  | { readonly type: 'Committing' }
  | { readonly type: 'Discarding'; readonly outcome: ScriptOutcome };

/** A statement whose operation is under way. */
export interface Asked {
  readonly statement: StoreStatement;
  readonly operation: StoreOperation;
}

/** A loop that is under way, and the ones around it. */
export interface Loop {
  readonly items: ArrayValue;
  readonly next: number;
  readonly outer: Loop | undefined;
}

/** What the latest statement that had a result gave. */
export type Result =
  | {
      readonly type: 'Told';
      readonly code: ScriptCode;
      readonly entries: readonly Entry[];
      readonly reason?: string;
    }
  | { readonly type: 'Value'; readonly value: ScriptValue };

/** What a run ends with. */
export interface ScriptOutcome {
  readonly code: ScriptCode;
  readonly entries: readonly Entry[];
  /** Why, where the code is 99 or more. */
  readonly reason?: string;
}

/** What happened since the last step. */
export type ScriptInput =
  /** All effects of the last step are answered, in their order. */
  | { readonly type: 'Answered'; readonly now: Clocks; readonly answers: readonly Answer[] }
  /** Time went by: for a run that paused, and when a deadline has come though answers are still missing. */
  | { readonly type: 'Elapsed'; readonly now: Clocks };

export type ScriptStep =
  /**
   * Something must happen first: all effects, which may be carried out at once, and then `Answered`; or the deadline comes, and then
   * `Elapsed`. Without effects, those of an earlier step are still awaited. Answers to effects of a step before a Rollback are void.
   */
  | {
      readonly type: 'Needs';
      readonly evaluation: Evaluation;
      readonly effects: readonly Effect[];
      readonly deadline: MonotonicMs | undefined;
    }
  /** Nothing must happen first: give it `Elapsed` when others have had their turn. */
  | { readonly type: 'Paused'; readonly evaluation: Evaluation }
  | { readonly type: 'Ended'; readonly outcome: ScriptOutcome; readonly steps: number };
