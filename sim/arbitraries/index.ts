/**
 * Arbitraries for fast-check: scenarios and their parts. An entry point of its own, so that the simulator itself does
 * not need fast-check.
 */

export { fault, faultSchedule, type Cluster } from './faults.js';
export { decisions, networkConditions, scenario, workload, type Constraints } from './scenario.js';
export { shrinking, storm } from './storm.js';
