/** Sequences: `checkSequences` judges a history of given values, `explainSequences` says in words what is wrong. */
export { checkSequences, explainSequences } from './check.js';
export type { SequenceOptions, SequenceResult, SequenceRule, SequenceViolation } from './check.js';
export { describeSequenceOperation } from './history.js';
export type { SequenceAnswer, SequenceOperation, SequenceRequest } from './history.js';
