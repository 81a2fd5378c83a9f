/** From the outcome of a lock operation to the JSON of its answer (REST specification, section 5). */

import { LockCode, type LockOutcome, type Told } from '../../../core/index.js';
import type { Answered, RouteHint } from '../backend.js';
import { bytesJson, reasonJson, retryJson, routeJson, timeJson } from './json.js';

type Answer = LockOutcome & Told;
type Write = (answer: Answer, route: RouteHint | undefined) => string;

/** The answer to taking, prolonging and giving back. */
export const lockJson = lockAnswer(
  ({ code, fencingToken, reason }, route) =>
    `{"servedFrom":null,"type":${code},"fencingToken":${fencingToken},` +
    `"route":${routeJson(route)}${reasonJson(reason)}}`,
);

export const lockInfoJson = lockAnswer(
  ({ code, owner, expires, fencingToken, reason }, route) =>
    `{"servedFrom":null,"type":${code},"owner":${bytesJson(owner)},"expires":${timeJson(expires)},` +
    `"fencingToken":${fencingToken},"route":${routeJson(route)}${reasonJson(reason)}}`,
);

function lockAnswer(write: Write): (answered: Answered) => string {
  return ({ answer, route }) => {
    if (answer.family !== 'lock') throw new Error('a lock operation was not answered as one');
    if (answer.code === LockCode.mustRetry) return retryJson(answer.code, answer.reason);
    return write(answer, route);
  };
}
