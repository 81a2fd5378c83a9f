/**
 * What a script may take, so that none can stall or fill a node.
 *
 * Depth and size are judged by the parser, before anything runs; steps, memory and time while it runs. A step is one
 * instruction, one node of an expression, or `BYTES_PER_STEP` bytes looked at or made: a loop over long texts costs what it does.
 */

export interface ScriptLimits {
  /** The longest script, in UTF-16 units. */
  readonly maxSourceLength: number;
  /** How deep blocks, parentheses, calls, lists and `not` may nest, all together. */
  readonly maxDepth: number;
  /** Steps of one run, from its begin to its end. */
  readonly maxSteps: number;
  /** Steps after which a run pauses, so that its host can do something else; a statement is never cut in two. */
  readonly maxStepsPerTurn: number;
  /** What variables, loops, parameters, the last result and the statement at work may hold, in bytes, roughly. */
  readonly maxMemoryBytes: number;
  /** Elements of one array that the script makes: a range, a list, a split. */
  readonly maxArrayItems: number;
  /** Operations that may be under way at once. */
  readonly maxConcurrent: number;
}

export const DEFAULT_SCRIPT_LIMITS: ScriptLimits = {
  maxSourceLength: 131_072,
  maxDepth: 64,
  maxSteps: 1_000_000,
  maxStepsPerTurn: 10_000,
  maxMemoryBytes: 16 << 20,
  maxArrayItems: 100_000,
  maxConcurrent: 64,
};

/** How many bytes cost as much as one instruction. */
export const BYTES_PER_STEP = 64;

/** Entries of one bucket or scan, at most. */
export const MAX_PAGE_ENTRIES = 4_096;

/** The longest `sleep`, in milliseconds. */
export const MAX_SLEEP_MS = 300_000;

/** How long a transaction may take where its script does not say, and the longest that it may say, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 5_000;
export const MAX_TIMEOUT_MS = 300_000;

/** The longest that a script may wait to be admitted, in milliseconds. */
export const MAX_ADMISSION_WAIT_MS = 30_000;
