/**
 * From the outcome of an operation to the JSON of its answer. Written by hand: the shape is fixed, and a template is
 * several times faster than a serializer that has to find it out.
 */

import { KeyValueCode, type ClientAnswer, type Timestamp, type Value } from '../../core/index.js';

const NO_TIME = '{"n":0,"l":0,"c":0}';

/** The answer to a set or a delete. */
export function writeAnswer(answer: ClientAnswer): string {
  const { code, revision, lastModified } = answer;
  if (code === KeyValueCode.mustRetry) return mustRetryAnswer(answer.reason);
  return (
    `{"servedFrom":null,"type":${code},"revision":${revision},` +
    `"lastModified":${timestampJson(lastModified)},"route":null${reasonJson(answer.reason)}}`
  );
}

/** The answer to a get. Expiry is zero, "never", as long as keys do not expire. */
export function getAnswer(answer: ClientAnswer): string {
  const { code, revision, value, lastModified } = answer;
  if (code === KeyValueCode.mustRetry) return mustRetryAnswer(answer.reason);
  return (
    `{"servedFrom":null,"type":${code},"value":${bytesJson(value)},"revision":${revision},"expires":${NO_TIME},` +
    `"lastModified":${timestampJson(lastModified)},"route":null${reasonJson(answer.reason)}}`
  );
}

/** The answer to an exists. */
export function existsAnswer(answer: ClientAnswer): string {
  const { code, revision, lastModified } = answer;
  if (code === KeyValueCode.mustRetry) return mustRetryAnswer(answer.reason);
  return (
    `{"servedFrom":null,"type":${code},"revision":${revision},"expires":${NO_TIME},` +
    `"lastModified":${timestampJson(lastModified)},"route":null${reasonJson(answer.reason)}}`
  );
}

/** Nothing but the code and, for people, why: whether the operation took effect is not known. */
export function mustRetryAnswer(reason: string | undefined): string {
  return `{"type":${KeyValueCode.mustRetry}${reasonJson(reason)}}`;
}

function timestampJson({ node, wall, counter }: Timestamp): string {
  return `{"n":${node},"l":${wall},"c":${counter}}`;
}

function bytesJson(value: Value): string {
  if (value === null) return 'null';
  return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"`;
}

function reasonJson(reason: string | undefined): string {
  return reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
}
