/**
 * Key ranges (REST specification, section 11). In this version every key space is placed by its hash, so the range map is
 * empty, and what would change it is refused with the name that the contract has for that.
 */

import type { FastifyInstance, FastifyReply } from 'fastify';

import type { ClusterBackend } from './cluster.js';
import { readBody } from './fields.js';
import type { RequestReader } from './request-reader.js';
import { jsonOf } from './requests/members.js';

export interface RangeMap {
  readonly initialized: boolean;
  readonly localEndpoint: string;
  readonly keySpaces: readonly never[];
}

export interface RangeAnswer {
  readonly success: boolean;
  readonly status: 'Completed' | 'InvalidInput' | 'KeyRangeDisabled';
  readonly reason: string | null;
}

type Send = (reply: FastifyReply, json: string) => FastifyReply;

/** The method of each path. */
export const RANGE_METHODS: Readonly<Record<string, string>> = {
  '/v1/ranges': 'GET',
  '/v1/ranges/register': 'POST',
  '/v1/ranges/unregister': 'POST',
  '/v1/ranges/split': 'POST',
  '/v1/ranges/merge': 'POST',
};

export function addRangeRoutes(app: FastifyInstance, backend: ClusterBackend, send: Send): void {
  app.get('/v1/ranges', (_request, reply) => send(reply, JSON.stringify(rangeMap(backend))));
  const routes = { register: registerRange, unregister: unregisterRange, split: splitRange };
  for (const [name, run] of Object.entries(routes)) {
    app.post(`/v1/ranges/${name}`, (request, reply) => {
      const answer = run(readBody(jsonOf(request)));
      return send(reply.code(answer.status === 'InvalidInput' ? 400 : 409), JSON.stringify(answer));
    });
  }
  app.post('/v1/ranges/merge', (_request, reply) => send(reply, JSON.stringify(mergeRanges())));
}

export function rangeMap(backend: ClusterBackend): RangeMap {
  const { initialized } = backend.health();
  return { initialized, localEndpoint: backend.status().peerAddress, keySpaces: [] };
}

const DISABLED = 'key ranges are not in this version: every key space is placed by its hash';

export function registerRange(reader: RequestReader) {
  return { ...unregisterRange(reader), seeded: false };
}

export function unregisterRange(reader: RequestReader) {
  const keySpace = reader.text('keySpace');
  let problem: string | undefined;
  if (keySpace === '') problem = 'keySpace is empty';
  else if (keySpace.endsWith('/meta')) problem = `keySpace must not end in "/meta", but is "${keySpace}"`;
  return { ...refused(problem), routingMode: 'Hash', descriptorCount: 0 } as const;
}

export function splitRange(reader: RequestReader) {
  let problem: string | undefined;
  if (reader.text('keySpace') === '') problem = 'keySpace is empty';
  else if (reader.text('splitKey') === '') problem = 'splitKey is empty';
  const nothing = { determinate: true, newPartitionId: 0, newGeneration: 0, leaderHint: null };
  return { ...refused(problem), ...nothing } as const;
}

/** There is nothing to merge, and so it is done. */
export function mergeRanges() {
  const done: RangeAnswer = { success: true, status: 'Completed', reason: null };
  return { ...done, determinate: true, merges: 0, leaderHint: null } as const;
}

function refused(problem: string | undefined): RangeAnswer {
  if (problem !== undefined) return { success: false, status: 'InvalidInput', reason: problem };
  return { success: false, status: 'KeyRangeDisabled', reason: DISABLED };
}
