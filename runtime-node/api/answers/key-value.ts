/** From the outcome of a key/value operation to the JSON of its answer (REST specification, section 6). */

import { KeyValueCode } from '../../../core/index.js';
import type { Answered, RouteHint } from '../backend.js';
import type { SessionedAnswer } from '../calls/session.js';
import { bytesJson, reasonJson, retryJson, routeJson, timeJson } from './json.js';

type Write = (answer: SessionedAnswer, route: RouteHint | undefined) => string;

/** The answer to a set, an extend or a delete. */
export const writeJson = keyValueJson(
  ({ code, revision, lastModified, reason }, route) =>
    `{"servedFrom":null,"type":${code},"revision":${revision},` +
    `"lastModified":${timeJson(lastModified)},"route":${routeJson(route)}${reasonJson(reason)}}`,
);

/** The answer to a get. */
export const getJson = keyValueJson(
  ({ code, revision, value, expires, lastModified, reason }, route) =>
    `{"servedFrom":null,"type":${code},"value":${bytesJson(value)},"revision":${revision},` +
    `"expires":${timeJson(expires)},"lastModified":${timeJson(lastModified)},` +
    `"route":${routeJson(route)}${reasonJson(reason)}}`,
);

/** The answer to an exists. */
export const existsJson = keyValueJson(
  ({ code, revision, expires, lastModified, reason }, route) =>
    `{"servedFrom":null,"type":${code},"revision":${revision},"expires":${timeJson(expires)},` +
    `"lastModified":${timeJson(lastModified)},"route":${routeJson(route)}${reasonJson(reason)}}`,
);

function keyValueJson(write: Write): (answered: Answered) => string {
  return ({ answer, route }) => {
    if (answer.family !== undefined)
      throw new Error(`a key/value operation was answered as a ${answer.family}`);
    if (answer.code === KeyValueCode.mustRetry) return retryJson(answer.code, answer.reason);
    return write(answer, route);
  };
}
