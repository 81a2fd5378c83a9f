/**
 * The face of a node to its clients: JSON over HTTP/1.1 as the REST specification says, on fastify, and gRPC over HTTP/2,
 * on one port (`door.ts`).
 *
 * Business outcomes are HTTP 200 with a `type`; other statuses mean that the request itself could not be read or
 * routed, and their body is `{error, message}`. Bodies are read and answers are written by hand (`fields.ts`,
 * `answers/`): the rules for case, numbers in strings and null are not those of any schema compiler.
 */

import { isUtf8 } from 'node:buffer';

import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { createGrpc } from '../grpc/server.js';
import type { Address } from '../host/address.js';
import { whyNotListening } from '../host/listen.js';
import { StartRefused } from '../host/start-refused.js';
import { METRICS_TYPE } from '../observe/exposition.js';
import type { Log } from '../observe/log.js';
import type { ApiBackend } from './backend.js';
import { addBackupRoutes, BACKUP_METHODS } from './backups.js';
import { addClusterRoutes, CLUSTER_METHODS } from './cluster.js';
import { createDoor } from './door.js';
import { answerError, answerNotFound, MAX_BODY_BYTES, sendJson, WANTS_JSON } from './errors.js';
import { readBody } from './fields.js';
import { BadRequest } from './problem.js';
import { addRangeRoutes, RANGE_METHODS } from './ranges.js';
import { REST_LOOKS, REST_ROUTES, type RestRoute } from './rest.js';
import { routingMap } from './routing.js';
import type { TlsIdentity } from './tls.js';

export interface Api {
  /**
   * @returns where it listens: with its real port, where 0 was asked for.
   * @throws StartRefused that says what to do.
   */
  listen(address: Address): Promise<Address>;
  /** Takes no more connections, and resolves when every request under way is answered. */
  close(): Promise<void>;
}

export interface ApiOptions {
  /** With it, connections are encrypted. */
  readonly tls?: TlsIdentity;
}

/** The method of each path, for the answer to another one. */
const METHODS: Readonly<Record<string, string>> = {
  '/': 'GET',
  '/metrics': 'GET',
  '/v1/status': 'GET',
  '/v1/cluster/health': 'GET',
  '/v1/cluster/routing': 'GET',
  ...CLUSTER_METHODS,
  ...RANGE_METHODS,
  ...BACKUP_METHODS,
  ...Object.fromEntries(Object.keys(REST_LOOKS).map((path) => [path, 'GET'])),
  ...Object.fromEntries(Object.keys(REST_ROUTES).map((path) => [path, 'POST'])),
};

/** How soon a connection is closed that has become idle while the API closes. */
const IDLE_CHECK_MS = 100;

export async function createApi(backend: ApiBackend, log: Log, { tls }: ApiOptions = {}): Promise<Api> {
  const grpc = createGrpc(backend, log);
  const door = createDoor(tls, (connection) => grpc.take(connection));
  let isClosing = false;
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    // On close, idle connections are closed and busy ones are answered first.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
    serverFactory: door.createServer,
  });
  acceptOnlyJson(app);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => answerNotFound(request, reply, METHODS));

  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send('Kahuna.Server'));
  app.get('/metrics', (_request, reply) => reply.type(METRICS_TYPE).send(backend.metrics()));
  app.get('/v1/status', (_request, reply) => sendJson(reply, JSON.stringify(backend.status())));
  app.get('/v1/cluster/health', (_request, reply) => {
    const health = backend.health();
    return sendJson(reply.code(health.ready ? 200 : 503), JSON.stringify(health));
  });
  app.get('/v1/cluster/routing', (_request, reply) => sendJson(reply, JSON.stringify(routingMap(backend))));
  addClusterRoutes(app, backend, sendJson);
  addRangeRoutes(app, backend, sendJson);
  addBackupRoutes(app, sendJson);
  // Clients that keep connections learn in time that this one will be closed. It is said when the answer goes out: a connection
  // that is kept although nobody serves it any more would hold up the close for as long as connections are kept.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing || backend.isLeaving()) reply.header('connection', 'close');
    done(null, payload);
  });
  for (const [path, route] of Object.entries(REST_ROUTES)) {
    // Returns nothing: a returned reply is awaited, which costs a twentieth of the whole request.
    app.post(path, (request, reply) => {
      answer(backend, route, request, reply);
    });
  }
  for (const [path, look] of Object.entries(REST_LOOKS)) {
    app.get(path, async (_request, reply) => sendJson(reply, await look(backend)));
  }
  await app.ready();
  return {
    listen: (address) => listenForClients(app, address),
    async close() {
      isClosing = true;
      grpc.close();
      door.close();
      // An answer that was already on its way has not said that its connection will be closed.
      const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
      await app.close();
      clearInterval(idle);
    },
  };
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

function answer(backend: ApiBackend, route: RestRoute, request: FastifyRequest, reply: FastifyReply): void {
  if (typeof request.body !== 'string') throw new BadRequest(WANTS_JSON, 415);
  route(backend, readBody(request.body)).then(
    (json) => sendJson(reply, json),
    (error: unknown) => reply.send(error),
  );
}
