/**
 * Backups (REST specification, section 12). This version makes none, so no node has a place for them: `NotConfigured`, which is
 * the contract's name for that.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { NO_BACKUPS } from './no-backups.js';

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

export function addBackupRoutes(app: FastifyInstance, send: Send): void {
  for (const [url, method] of Object.entries({ ...BACKUP_METHODS, [CHAIN]: 'GET' })) {
    // To restore from elsewhere is switched off, rather than not there for now.
    const status = url === '/v1/restore' ? 403 : 503;
    const handler = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
      send(reply.code(status).header('x-kahuna-backup-outcome', NO_BACKUPS.outcome), refusalJson(status));
    app.route({ url, method, handler });
  }
}

function refusalJson(status: number): string {
  const { outcome, detail } = NO_BACKUPS;
  return JSON.stringify({ title: outcome, status, detail, outcome, error: outcome, message: detail });
}
