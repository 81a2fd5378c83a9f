/**
 * The parts of which answers in JSON consist. Answers are written by hand: their shape is fixed, and a template is several
 * times faster than a serializer that has to find it out.
 */

import type { Timestamp, Value } from '../../../core/index.js';
import type { RouteHint } from '../backend.js';

export const NO_TIME = '{"n":0,"l":0,"c":0}';

export function timeJson(time: Timestamp | undefined): string {
  return time === undefined ? NO_TIME : `{"n":${time.node},"l":${time.wall},"c":${time.counter}}`;
}

export function bytesJson(value: Value): string {
  if (value === null) return 'null';
  return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"`;
}

/** For people; after all other properties. */
export function reasonJson(reason: string | undefined): string {
  return reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
}

const routeTexts = new WeakMap<RouteHint, string>();

/** The same few hints are written again and again. */
export function routeJson(route: RouteHint | undefined): string {
  if (route === undefined) return 'null';
  let text = routeTexts.get(route);
  if (text === undefined) {
    const { partitionId, endpoint, provenance, generation } = route;
    text = JSON.stringify({ partitionId, endpoint, provenance, generation });
    routeTexts.set(route, text);
  }
  return text;
}

/** Nothing but the code and, for people, why: whether the operation took effect is not known. */
export function retryJson(code: number, reason: string | undefined): string {
  return `{"type":${code}${reasonJson(reason)}}`;
}
