/** What is answered instead of an outcome: requests that cannot be read or routed, and mistakes of this program. */

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Log } from '../observe/log.js';
import { BadRequest, problemJson } from './problem.js';

/**
 * Two values of the largest size, one to write and one to compare with, in base64, with room for the rest; so that a
 * value which is too large is refused with words, and only what can be nothing else is cut off.
 */
export const MAX_BODY_BYTES = 192 << 20;

export const WANTS_JSON = 'this route takes a JSON body: send the header content-type: application/json';

const JSON_TYPE = 'application/json; charset=utf-8';

export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(json);
}

export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  const { status, message } = understandError(error);
  if (status >= 500) {
    const stack = error instanceof Error ? error.stack : String(error);
    log.error(
      { method: request.method, url: request.url, stack },
      `a request failed unexpectedly: ${message}`,
    );
    return sendJson(
      reply.code(status),
      problemJson(status, 'an unexpected error; the log of this node says more'),
    );
  }
  return sendJson(reply.code(status), problemJson(status, message));
}

function understandError(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof BadRequest) return { status: error.status, message: error.message };
  if (!(error instanceof Error)) return { status: 500, message: String(error) };
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  switch (status) {
    case 413:
      return { status, message: `the body is larger than ${MAX_BODY_BYTES} bytes` };
    case 415:
      return { status, message: WANTS_JSON };
    default:
      return { status, message: error.message };
  }
}

/** @param methods the method of each path that there is. */
export function answerNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: Readonly<Record<string, string>>,
): FastifyReply {
  const path = request.url.replace(/\?.*$/, '');
  const method = methods[path === '/' ? path : path.replace(/\/$/, '')];
  if (method === undefined) {
    return sendJson(reply.code(404), problemJson(404, `there is no route ${path}`));
  }
  const message = `${path} takes ${method}, not ${request.method}`;
  return sendJson(reply.code(405).header('allow', method), problemJson(405, message));
}
