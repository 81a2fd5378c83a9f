/** From the outcome of an operation on snapshot holds to the JSON of its answer (REST specification, section 8). */

import type { HoldOutcome, Told } from '../../../core/index.js';
import type { Answered } from '../backend.js';
import { reasonJson, timeJson } from './json.js';

export const acquiredHoldJson = holdAnswer(
  ({ code, hold, expires, reason }) =>
    `{"type":${code},"holdId":${JSON.stringify(hold)},"leaseExpiry":${timeJson(expires)}${reasonJson(reason)}}`,
);

export const renewedHoldJson = holdAnswer(
  ({ code, expires, reason }) => `{"type":${code},"leaseExpiry":${timeJson(expires)}${reasonJson(reason)}}`,
);

export const releasedHoldJson = holdAnswer(({ code, reason }) => `{"type":${code}${reasonJson(reason)}}`);

export const floorJson = holdAnswer(
  ({ code, floor, live, reason }) =>
    `{"type":${code},"effectiveFloor":${timeJson(floor)},"liveHolds":${live}${reasonJson(reason)}}`,
);

function holdAnswer(write: (answer: HoldOutcome & Told) => string): (answered: Answered) => string {
  return ({ answer }) => write(holdIn(answer));
}

export function holdIn(answer: Answered['answer']): HoldOutcome & Told {
  if (answer.family !== 'hold') throw new Error('an operation on holds was not answered as one');
  return answer;
}
