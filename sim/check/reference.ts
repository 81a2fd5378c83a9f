/** A second opinion on the state machine (`reference/reference.ts`), and what is held against it. */

export {
  checkGift,
  checkKnownFloor,
  checkRead,
  checkWritten,
  isErrored,
  isInvalid,
  isOfRequest,
  isPutOff,
} from './reference/answers.js';
export { checkForgotten, compareAll, compareChanges } from './reference/compare.js';
export { armedBy, createReference, execute, shownUntil, type Reference } from './reference/reference.js';
