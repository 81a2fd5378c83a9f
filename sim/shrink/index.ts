/** Failing scenarios made small. */

export { failureOf, fatesOf, shrinkRun } from './run.js';
export {
  passesOf,
  shrink,
  type Fails,
  type ShrinkProgress,
  type ShrinkOptions,
  type ShrinkStep,
  type Shrunk,
} from './shrink.js';
export { describeSize, sizeOf, type Size } from './size.js';
export type { Candidate, Found, Hand, Pass, Steps } from './steps.js';
export { describeFault, describeShrunk } from './story.js';
