/** Linearizability: `checkLinearizable` judges a history against a model, `explainCounterexample` says why in words. */
export { checkLinearizable } from './check.js';
export type { CheckOptions, CheckResult, KeyResult, Verdict } from './check.js';
export type {
  BlockedOperation,
  Counterexample,
  DescribedContradiction,
  DescribedOperation,
} from './counterexample.js';
export { findHistoryNotes, findHistoryProblems } from './history.js';
export type { Operation } from './history.js';
export { unconditional, keyValueModel } from './key-value-model.js';
export type { KeyValueInput, KeyValueOutput, KeyValueState, SetCondition } from './key-value-model.js';
export { determinize } from './model.js';
export type { Contradiction, Hint, Model, NondeterministicModel } from './model.js';
export { casRegisterModel, registerModel } from './register-model.js';
export type {
  CasRegisterInput,
  CasRegisterOutput,
  RegisterInput,
  RegisterOutput,
  RegisterState,
} from './register-model.js';
export { explainCounterexample } from './report.js';
export { drawCounterexample } from './svg.js';
export { textModel, textModelFor } from './text-model.js';
export type { TextInput, TextOutput, TextState } from './text-model.js';
