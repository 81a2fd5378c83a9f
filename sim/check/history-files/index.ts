/** Histories that others recorded: readers of their files, and a verdict on them. `README.md` describes the forms. */
export { judgeHistory } from './judge.js';
export type { JudgedModel, JudgedKey, JudgeOptions, Judgement } from './judge.js';
export { guessFormat, readHistory } from './read.js';
export type { HistoryFormat } from './read.js';
export type { Outcome, RecordedOperation, Recording } from './recording.js';
export {
  beginningWith,
  toCasRegisterOperations,
  toRegisterOperations,
  toTextOperations,
} from './to-operations.js';
export type { Converted } from './to-operations.js';
export { toTransactions } from './to-transactions.js';
export { UnreadableHistory } from './unreadable.js';
