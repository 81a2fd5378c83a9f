/** The public face of the explorer. */

export {
  explore,
  type ExploreOptions,
  type ExploreResult,
  type ExploreVerdict,
  type Progress,
} from './explore.js';
export {
  createFingerprint,
  put,
  putBag,
  putBytes,
  putNumber,
  putText,
  putValue,
  type Fingerprint,
} from './fingerprint.js';
export { machineModel } from './machine-model.js';
export type {
  Bounds,
  Flight,
  Happened,
  MachineAction,
  MachineModel,
  MachineSpec,
  Names,
  Place,
  Projection,
  Watch,
  World as MachineWorld,
} from './machine-spec.js';
export {
  alwaysHolds,
  eventuallyHolds,
  sometimesHolds,
  type Always,
  type Breach,
  type Eventually,
  type StateModel,
  type Property,
  type Sometimes,
} from './model.js';
export { DEFAULT_NODE_BOUND, nodeModel, traceOf, type NodeBound, type NodeModel } from './node-model.js';
export { DEFAULT_RAFT_BOUND, raftModel, type RaftBound, type RaftModel } from './raft/raft-model.js';
export {
  follow,
  parseSchedule,
  SCHEDULE_FORMAT,
  startAfter,
  type Followed,
  type Schedule,
} from './schedule.js';
export { twoPhaseCommit, type TwoPhaseAction, type TwoPhaseState } from './two-phase-commit.js';
export {
  DEFAULT_TRANSACTION_BOUND,
  transactionModel,
  type TransactionAction,
  type TransactionBound,
  type TransactionWorld,
} from './transactions/model.js';
export { MISTAKES, type Mistake } from './transactions/mistakes.js';
