/**
 * The HTTP face of a node: JSON as the REST specification says, on fastify.
 *
 * Business outcomes are HTTP 200 with a `type`; other statuses mean that the request itself could not be read or
 * routed, and their body is `{error, message}`. Bodies are read and answers are written by hand (`fields.ts`,
 * `answers.ts`): the rules for case, numbers in strings and null are not those of any schema compiler.
 */

import { isUtf8 } from 'node:buffer';

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import type { ClientAnswer, ClientCall } from '../../core/index.js';
import { KeyValueCode, refusal } from '../../core/index.js';
import type { Address } from '../host/address.js';
import { HostStopped } from '../host/host.js';
import { whyNotListening } from '../host/listen.js';
import { StartRefused } from '../host/start-refused.js';
import type { Log } from '../observe/log.js';
import { existsAnswer, getAnswer, mustRetryAnswer, writeAnswer } from './answers.js';
import { addClusterRoutes, CLUSTER_METHODS, type ClusterBackend } from './cluster.js';
import { BadRequest, problemJson } from './problem.js';
import { readDelete, readExists, readGet, readSet, type ReadRequest } from './requests.js';

/** What the API speaks for. */
export interface ApiBackend extends ClusterBackend {
  /** Rejects with `HostStopped` when there will be no answer. */
  request(request: ClientCall): Promise<ClientAnswer>;
  /** Whether this node is about to stop: clients had better go elsewhere. */
  isLeaving(): boolean;
}

export interface Api {
  /**
   * @returns where it listens: with its real port, where 0 was asked for.
   * @throws StartRefused that says what to do.
   */
  listen(address: Address): Promise<Address>;
  /** Takes no more connections, and resolves when every request under way is answered. */
  close(): Promise<void>;
}

/**
 * Two values of the largest size, one to write and one to compare with, in base64, with room for the rest; so that a
 * value which is too large is refused with words, and only what can be nothing else is cut off.
 */
const MAX_BODY_BYTES = 192 << 20;
const JSON_TYPE = 'application/json; charset=utf-8';

interface KeyValueRoute {
  readonly read: (text: string) => ReadRequest;
  readonly write: (answer: ClientAnswer) => string;
}

const KEY_VALUE_ROUTES: Readonly<Record<string, KeyValueRoute>> = {
  '/v1/kv/try-set': { read: readSet, write: writeAnswer },
  '/v1/kv/try-delete': { read: readDelete, write: writeAnswer },
  '/v1/kv/try-get': { read: readGet, write: getAnswer },
  '/v1/kv/try-exists': { read: readExists, write: existsAnswer },
};

/** The method of each path, for the answer to another one. */
const METHODS: Readonly<Record<string, string>> = {
  '/': 'GET',
  '/v1/status': 'GET',
  '/v1/cluster/health': 'GET',
  ...CLUSTER_METHODS,
  ...Object.fromEntries(Object.keys(KEY_VALUE_ROUTES).map((path) => [path, 'POST'])),
};

export async function createApi(backend: ApiBackend, log: Log): Promise<Api> {
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    // On close, idle connections are closed and busy ones are answered first.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
  });
  acceptOnlyJson(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler(answerNotFound);

  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send('Kahuna.Server'));
  app.get('/v1/status', (_request, reply) => sendJson(reply, JSON.stringify(backend.status())));
  app.get('/v1/cluster/health', (_request, reply) => {
    const health = backend.health();
    return sendJson(reply.code(health.ready ? 200 : 503), JSON.stringify(health));
  });
  addClusterRoutes(app, backend, sendJson);
  // Clients that keep connections learn in time that this one will be closed.
  app.addHook('onRequest', (_request, reply, done) => {
    if (backend.isLeaving()) reply.header('connection', 'close');
    done();
  });
  for (const [path, route] of Object.entries(KEY_VALUE_ROUTES)) {
    // Returns nothing: a returned reply is awaited, which costs a twentieth of the whole request.
    app.post(path, (request, reply) => {
      answerKeyValue(backend, route, request, reply);
    });
  }
  await app.ready();
  return { listen: (address) => listenForClients(app, address), close: () => app.close() };
}

async function listenForClients(app: FastifyInstance, { host, port }: Address): Promise<Address> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw new StartRefused(whyNotListening({ host, port }, 'clients', '--client', error));
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? { host, port: bound.port } : { host, port };
}

/** Bodies reach the handlers as text, since only its reader knows the rules; other media types are refused (415). */
function acceptOnlyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (typeof body === 'string') done(null, body);
    else if (isUtf8(body)) done(null, body.toString('utf8'));
    else done(new BadRequest('the body is not valid UTF-8'));
  });
}

function answerKeyValue(
  backend: ApiBackend,
  route: KeyValueRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (typeof request.body !== 'string') {
    throw new BadRequest('this route takes a JSON body: send the header content-type: application/json', 415);
  }
  const read = route.read(request.body);
  if (read.type === 'Refused') {
    sendJson(reply, route.write({ ...refusal(KeyValueCode.invalidInput), reason: read.reason }));
    return;
  }
  backend.request(read.request).then(
    (answer) => sendJson(reply, route.write(answer)),
    (error: unknown) => {
      if (error instanceof HostStopped) sendJson(reply, mustRetryAnswer(error.message));
      else reply.send(error);
    },
  );
}

function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(json);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
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
      return {
        status,
        message: 'this route takes a JSON body: send the header content-type: application/json',
      };
    default:
      return { status, message: error.message };
  }
}

function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.replace(/\?.*$/, '');
  const method = METHODS[path === '/' ? path : path.replace(/\/$/, '')];
  if (method === undefined) {
    return sendJson(reply.code(404), problemJson(404, `there is no route ${path}`));
  }
  const message = `${path} takes ${method}, not ${request.method}`;
  return sendJson(reply.code(405).header('allow', method), problemJson(405, message));
}
