/**
 * Questions over HTTP, to any of several nodes. Each operation goes to the node that leads what it asks for, where that is known
 * (`routes.ts`), and otherwise to the node that answered last; and from there in turn. So all operations leave a node that
 * is down as soon as one of them has found out.
 */

import { randomFillSync } from 'node:crypto';

import { isDoneOnce, isMustRetry } from './ask.js';
import { exchange, openConnections, type Exchange, type TlsOptions } from './http.js';
import type { AnswerTo, Ask, Attempt, AttemptLimits, BeginAsk, ClientPort, Prepared } from './port.js';
import { parseObject, type Fields } from './rest-fields.js';
import { routeOf } from './rest.js';
import { createRoutes } from './routes.js';

export interface HttpPortOptions {
  /** Base URLs. */
  readonly endpoints: readonly string[];
  readonly tls?: TlsOptions;
  /** Whether to find out who leads what. Default true. */
  readonly routed?: boolean;
}

/** The routing map is asked for beside all that is under way, and may take its time. */
const MAP_TIMEOUT_MS = 10_000;
/** A node that has not answered by then may be gone; another one is asked, under the same id. */
const ATTEMPT_TIMEOUT_MS = 3_000;
/** What a large body may take beyond that. */
const SLOWEST_BYTES_PER_MS = 10_000;

/** @throws TypeError for no endpoint, or one that is no URL. */
export function createHttpPort({ endpoints, tls, routed = true }: HttpPortOptions): ClientPort {
  if (endpoints.length === 0) throw new TypeError('endpoints: at least one base URL is needed');
  for (const endpoint of endpoints) checkEndpoint(endpoint);
  const connections = openConnections(tls);
  let isClosed = false;
  let preferred = 0;
  const routes =
    routed && endpoints.length > 1 ? createRoutes(endpoints, fetchMap, () => performance.now()) : undefined;

  function placeNamed(endpoint: string | undefined): number | undefined {
    const found = endpoint === undefined ? -1 : endpoints.indexOf(endpoint);
    return found < 0 ? undefined : found;
  }

  async function fetchMap(): Promise<Fields | undefined> {
    const url = new URL('/v1/cluster/routing', endpoints[preferred]);
    const got = await exchange({ method: 'GET', url, timeoutMs: MAP_TIMEOUT_MS, connections });
    return got.type === 'Answered' && got.status === 200 ? parseObject(got.body) : undefined;
  }

  function prepare<A extends Ask>(ask: A, near?: string): Prepared<A> {
    const { path, body: fields, read } = routeOf(ask);
    const body =
      fields === undefined
        ? undefined
        : JSON.stringify(isDoneOnce(ask) ? { ...fields, ...operationId() } : fields);
    const patienceMs = ATTEMPT_TIMEOUT_MS + waitMsOf(ask) + (body?.length ?? 0) / SLOWEST_BYTES_PER_MS;
    let place: number | undefined = placeNamed(near);

    async function attempt({ timeoutMs, mayRepeat, signal }: AttemptLimits): Promise<Attempt<A>> {
      const routedTo = place === undefined ? routes?.placeOf(ask) : undefined;
      const here = place ?? routedTo ?? preferred;
      place = (here + 1) % endpoints.length;
      const endpoint = endpoints[here] as string;
      const startedAt = performance.now();
      const got = await exchange({
        method: body === undefined ? 'GET' : 'POST',
        url: new URL(path, endpoint),
        ...(body === undefined ? {} : { body }),
        timeoutMs: mayRepeat ? Math.min(timeoutMs, patienceMs) : timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        connections,
      });
      const result = understand(got, endpoint, (fields) => {
        routes?.learn(fields);
        return read(fields);
      });
      const isGood = result.type === 'Answered' && !isMustRetry(ask, result.answer);
      // A caller that waits no longer says nothing of the node.
      const isGivenUp = signal?.aborted === true || performance.now() - startedAt >= timeoutMs;
      if (result.type === 'Failed' && !isGivenUp) routes?.avoid(here);
      else if (isGood) routes?.trust(here);
      // Who leads one name is nobody to prefer for what has no route.
      if (isGood) preferred = routedTo === undefined ? here : preferred;
      else if (preferred === here && result.type !== 'Refused') preferred = place;
      return result;
    }
    return { attempt };
  }

  return {
    breadth: endpoints.length,
    prepare,
    isClosed: () => isClosed,
    close() {
      isClosed = true;
      connections.destroy();
      return Promise.resolve();
    },
  };
}

const ADMISSION_WAIT_MS = 5_000;

/** How long the node itself may wait before it answers. */
function waitMsOf(ask: Ask): number {
  if (ask.type !== 'Begin') return 0;
  const { admissionWaitMs } = (ask as BeginAsk).options;
  return admissionWaitMs > 0 ? admissionWaitMs : ADMISSION_WAIT_MS;
}

function checkEndpoint(endpoint: string): void {
  const isKnown = URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol);
  if (isKnown) return;
  throw new TypeError(`endpoints: ${JSON.stringify(endpoint)} is no base URL such as http://127.0.0.1:2070`);
}

/** Random words are fetched this many at a time: one call costs more than all else that an id does. */
const random = new Uint32Array(1_024);
let used = random.length;

/** Two halves of 52 random bits: numbers that JSON carries exactly, and never zero. */
function operationId(): { readonly operationIdHigh: number; readonly operationIdLow: number } {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const half = (): number => {
    const [low = 0, high = 0] = random.subarray(used, (used += 2));
    return (high >>> 12) * 0x1_0000_0000 + low + 1;
  };
  return { operationIdHigh: half(), operationIdLow: half() };
}

function understand<A extends Ask>(
  got: Exchange,
  endpoint: string,
  read: (fields: Readonly<Record<string, unknown>>) => AnswerTo<A>,
): Attempt<A> {
  if (got.type !== 'Answered') {
    return { type: 'Failed', reason: got.reason, endpoint, sent: got.type === 'Lost' };
  }
  const fields = parseObject(got.body);
  if (got.status === 200) {
    if (typeof fields?.['type'] === 'number') return { type: 'Answered', answer: read(fields), endpoint };
    return { type: 'Failed', reason: 'its answer cannot be read', endpoint, sent: true };
  }
  const message = fields?.['message'];
  const reason = typeof message === 'string' ? message : `HTTP status ${got.status}`;
  if (got.status < 500 && !COME_BACK.includes(got.status)) return { type: 'Refused', reason, endpoint };
  return { type: 'Failed', reason, endpoint, sent: true };
}

/** Timeout and "too many requests": of a proxy, since nodes do not answer so. */
const COME_BACK = [408, 429];
