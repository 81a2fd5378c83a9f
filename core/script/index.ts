/**
 * The script language: text in, effects out.
 *
 * `prepareScript` (or `findPlan`, with a cache) makes a plan of a text, `startScript` and `stepScript` run it, `highlight` and
 * `complete` are for those who write one. README.md is the guide to the language.
 */

export {
  complete,
  type Candidate as ScriptCandidate,
  type Completions as ScriptCompletions,
} from './complete.js';
export {
  ScriptCode,
  type Answer as ScriptAnswer,
  type Effect as ScriptEffect,
  type Entry as ScriptEntry,
  type LockNeed as ScriptLockNeed,
  type Priority as ScriptPriority,
  type ScriptDelete,
  type ScriptExtend,
  type ScriptPageRead,
  type ScriptPointRead,
  type ScriptSet,
  type StoreOperation as ScriptOperation,
  type TransactionOptions as ScriptTransactionOptions,
} from './effects.js';
export type { Evaluation as ScriptEvaluation, ScriptInput, ScriptOutcome, ScriptStep } from './evaluation.js';
export { FUNCTION_NAMES as SCRIPT_FUNCTIONS } from './functions.js';
export {
  highlight,
  type Highlight as ScriptHighlight,
  type HighlightKind as ScriptHighlightKind,
} from './highlight.js';
export { DEFAULT_SCRIPT_LIMITS, MAX_PAGE_ENTRIES, MAX_SLEEP_MS, type ScriptLimits } from './limits.js';
export { parseScript, type Parsed as ParsedScript, type ParseLimits } from './parser.js';
export {
  DEFAULT_PLAN_CACHE_LIMITS,
  emptyPlanCache,
  findPlan,
  prepareScript,
  type PlanCache,
  type PlanCacheLimits,
  type PlanWanted,
  type PreparedScript,
} from './plan-cache.js';
export type { Mode as ScriptMode, Plan as ScriptPlan } from './plan.js';
export { describeProblem, type SyntaxProblem } from './problem.js';
export { startScript, stepScript, type Parameter as ScriptParameter, type ScriptRequest } from './step.js';
export type { Script } from './syntax.js';
export { KEYWORDS as SCRIPT_KEYWORDS } from './token.js';
