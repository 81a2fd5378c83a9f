/**
 * A small client of the key/value API: takes any of several nodes, and stays with one operation until its outcome is
 * known or its time is over. Every attempt to write carries the same operation id, so that a retry after a lost
 * answer, through whichever node, takes effect once.
 */

import { randomBytes } from 'node:crypto';
import type { Agent } from 'node:http';

import { KeyValueCode, SetFlag, type ReadMode } from '../../core/partition/command.js';
import { exchange, keepConnections } from './http.js';

export interface ClientOptions {
  /** Base URLs, tried in this order. */
  readonly endpoints: readonly string[];
  /** For one operation, retries included. Default 10,000. */
  readonly timeoutMs?: number;
}

/** What a node answered. */
export interface ClientAnswer {
  readonly type: number;
  readonly revision: number;
  /** Null for "no value", and where the operation does not give one. */
  readonly value: Uint8Array | null;
  readonly lastModified: { readonly n: number; readonly l: number; readonly c: number };
  readonly reason?: string;
}

export type ClientResult =
  | {
      readonly type: 'Answered';
      readonly answer: ClientAnswer;
      readonly endpoint: string;
      readonly attempts: number;
    }
  /** The request itself was refused; to repeat it would not help. */
  | { readonly type: 'Refused'; readonly reason: string; readonly endpoint: string }
  /** Nothing took effect: no node could be reached, or none could answer a read in time. */
  | { readonly type: 'Unavailable'; readonly reason: string }
  /** A write may or may not have taken effect. */
  | { readonly type: 'Unknown'; readonly reason: string };

export interface SetOptions {
  /** A sum of flag bits; default: set without a condition. */
  readonly flags?: number;
  readonly compareValue?: Uint8Array | null;
  readonly compareRevision?: number;
}

export interface ReadOptions {
  /**
   * Default `linearizable`: sees everything that was acknowledged before it was asked. `lease` too, and without asking the
   * other nodes, as long as no clock drifts further than the nodes are told; `follower` too, from the state of the node that
   * is asked. `stale` answers at once from that state as it is, which may be old.
   */
  readonly read?: ReadMode;
}

export interface KeyValueClient {
  set(key: string, value: Uint8Array | null, options?: SetOptions): Promise<ClientResult>;
  get(key: string, options?: ReadOptions): Promise<ClientResult>;
  delete(key: string): Promise<ClientResult>;
  exists(key: string, options?: ReadOptions): Promise<ClientResult>;
  close(): void;
}

/** A node that has not answered by then may be gone; another one is asked, under the same id. */
const ATTEMPT_TIMEOUT_MS = 3_000;
/** What a large body may take beyond that. */
const SLOWEST_BYTES_PER_MS = 10_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

export function createClient({ endpoints, timeoutMs = 10_000 }: ClientOptions): KeyValueClient {
  const agent = keepConnections();
  const read = (path: string, key: string, readMode: ReadMode | undefined): Promise<ClientResult> =>
    operate({
      endpoints,
      path,
      body: JSON.stringify({ key, revision: -1, durability: 1, readMode }),
      isWrite: false,
      timeoutMs,
      agent,
    });
  const write = (path: string, fields: Readonly<Record<string, unknown>>): Promise<ClientResult> => {
    const body = JSON.stringify({ ...fields, ...operationId(), durability: 1 });
    return operate({ endpoints, path, body, isWrite: true, timeoutMs, agent });
  };
  return {
    set(key, value, { flags = SetFlag.set, compareValue = null, compareRevision = 0 } = {}) {
      const fields = {
        key,
        value: base64(value),
        flags,
        compareValue: base64(compareValue),
        compareRevision,
      };
      return write('/v1/kv/try-set', fields);
    },
    get: (key, options) => read('/v1/kv/try-get', key, options?.read),
    delete: (key) => write('/v1/kv/try-delete', { key }),
    exists: (key, options) => read('/v1/kv/try-exists', key, options?.read),
    close: () => agent.destroy(),
  };
}

/** Two halves of 52 random bits: numbers that JSON carries exactly, and never zero. */
function operationId(): { readonly operationIdHigh: number; readonly operationIdLow: number } {
  const bytes = randomBytes(16);
  const half = (at: number): number => Number(bytes.readBigUInt64BE(at) >> 12n) + 1;
  return { operationIdHigh: half(0), operationIdLow: half(8) };
}

interface Operation {
  readonly endpoints: readonly string[];
  readonly path: string;
  readonly body: string;
  readonly isWrite: boolean;
  readonly timeoutMs: number;
  readonly agent: Agent;
}

async function operate(operation: Operation): Promise<ClientResult> {
  const { endpoints, path, body, isWrite, timeoutMs, agent } = operation;
  const deadline = performance.now() + timeoutMs;
  const patienceMs = ATTEMPT_TIMEOUT_MS + body.length / SLOWEST_BYTES_PER_MS;
  const troubles = new Map<string, string>();
  let attempts = 0;
  let mayHaveHappened = false;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    for (const endpoint of endpoints) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return gaveUp(isWrite && mayHaveHappened, troubles, `gave up after ${timeoutMs} ms`);
      attempts += 1;
      const url = new URL(path, endpoint);
      const got = await exchange({
        method: 'POST',
        url,
        body,
        timeoutMs: Math.min(leftMs, patienceMs),
        agent,
      });
      if (got.type === 'Answered' && got.status === 200) {
        const answer = readAnswer(got.body);
        if (answer !== undefined && answer.type !== KeyValueCode.mustRetry) {
          return { type: 'Answered', answer, endpoint, attempts };
        }
        troubles.set(endpoint, answer?.reason ?? 'it asks to try again');
      } else if (got.type === 'Answered') {
        const reason = readMessage(got.body) ?? `HTTP status ${got.status}`;
        if (got.status < 500) return { type: 'Refused', reason, endpoint };
        troubles.set(endpoint, reason);
      } else if (leftMs >= patienceMs || !troubles.has(endpoint)) {
        // An attempt that the deadline cut short says less of a node than what it answered before.
        troubles.set(endpoint, got.reason);
      }
      mayHaveHappened ||= got.type !== 'Unreachable';
    }
    if (!mayHaveHappened) return gaveUp(false, troubles, 'no node can be reached');
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min(pauseMs, Math.max(0, deadline - performance.now()))),
    );
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function gaveUp(mayHaveHappened: boolean, troubles: ReadonlyMap<string, string>, why: string): ClientResult {
  const details = [...troubles].map(([endpoint, trouble]) => `${endpoint}: ${trouble}`).join('; ');
  return { type: mayHaveHappened ? 'Unknown' : 'Unavailable', reason: `${why} (${details})` };
}

function readAnswer(text: string): ClientAnswer | undefined {
  const answer = parse(text);
  if (answer === undefined || typeof answer['type'] !== 'number') return undefined;
  const { type, revision, value, lastModified, reason } = answer;
  return {
    type,
    revision: typeof revision === 'number' ? revision : 0,
    value: typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : null,
    lastModified: (lastModified as ClientAnswer['lastModified'] | undefined) ?? { n: 0, l: 0, c: 0 },
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

function readMessage(text: string): string | undefined {
  const message = parse(text)?.['message'];
  return typeof message === 'string' ? message : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}
