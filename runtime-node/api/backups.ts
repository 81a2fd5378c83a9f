/**
 * Backups (REST specification, section 12). This version makes none, so no node has a place for them: `NotConfigured`, which is
 * the contract's name for that.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { readBody } from './fields.js';
import { NO_BACKUPS } from './no-backups.js';
import { BadRequest } from './problem.js';
import {
  problemWithDryRun,
  problemWithId,
  problemWithLeaf,
  problemWithParent,
  problemWithRestore,
  type ProblemWith,
} from './requests/backup.js';
import { jsonOf } from './requests/members.js';

type Send = (reply: FastifyReply, json: string) => FastifyReply;

/** The method of each path. */
export const BACKUP_METHODS: Readonly<Record<string, string>> = {
  '/v1/backups': 'GET',
  '/v1/backups/full': 'POST',
  '/v1/backups/incremental': 'POST',
  '/v1/backups/coordinated': 'POST',
  '/v1/backups/validate-chain': 'POST',
  '/v1/backups/gc': 'POST',
  '/v1/restore': 'POST',
};

/** One path has a parameter in it. */
const CHAIN = '/v1/backups/:id/chain';

/** What is looked at before anything else is said; the other routes take no fields. */
const PROBLEMS: Readonly<Record<string, (request: FastifyRequest) => string | undefined>> = {
  [CHAIN]: ({ params }) => problemWithId('the id', (params as { readonly id: string }).id),
  '/v1/backups/incremental': inBody(problemWithParent),
  '/v1/backups/validate-chain': inBody(problemWithLeaf),
  '/v1/backups/gc': ({ query }) => problemWithDryRun((query as { readonly dryRun?: unknown }).dryRun),
  '/v1/restore': inBody(problemWithRestore),
};

export function addBackupRoutes(app: FastifyInstance, send: Send): void {
  for (const [url, method] of Object.entries({ ...BACKUP_METHODS, [CHAIN]: 'GET' })) {
    // To restore from elsewhere is switched off, rather than not there for now.
    const status = url === '/v1/restore' ? 403 : 503;
    const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const problem = PROBLEMS[url]?.(request);
      if (problem !== undefined) throw new BadRequest(problem);
      return send(
        reply.code(status).header('x-kahuna-backup-outcome', NO_BACKUPS.outcome),
        refusalJson(status),
      );
    };
    app.route({ url, method, handler });
  }
}

function inBody(problemWith: ProblemWith): (request: FastifyRequest) => string | undefined {
  return (request) => problemWith(readBody(jsonOf(request)));
}

function refusalJson(status: number): string {
  const { outcome, detail } = NO_BACKUPS;
  return JSON.stringify({ title: outcome, status, detail, outcome, error: outcome, message: detail });
}
