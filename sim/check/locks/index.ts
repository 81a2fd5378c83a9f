/** Locks: `checkLocks` judges a history of leases with fencing tokens, `explainLocks` says in words what is wrong. */
export { checkLocks, explainLocks } from './check.js';
export type { LockOptions, LockResult, LockRule, LockViolation } from './check.js';
export { describeLockOperation } from './history.js';
export type { LockAnswer, LockOperation, LockRequest } from './history.js';
