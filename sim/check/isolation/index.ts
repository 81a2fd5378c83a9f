/** Isolation: `checkIsolation` judges a history of transactions against a level, `explainAnomalies` says why in words. */
export type {
  Anomaly,
  AnomalyName,
  CycleClass,
  CycleName,
  CycleStep,
  DependencyKind,
  IsolationLevel,
  SingleName,
} from './anomaly.js';
export { checkIsolation } from './check.js';
export type { IsolationOptions, IsolationResult, IsolationStatistics } from './check.js';
export { findTransactionProblems } from './history.js';
export type { Element, HistoryModel, MicroOperation, Transaction } from './history.js';
export { explainAnomalies } from './report.js';
