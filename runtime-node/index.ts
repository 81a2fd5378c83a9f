/** The public face of the Node runtime: a node as a whole, its parts to drive machines of your own, and a client. */

export * from './client/index.js';
export * from './host/index.js';
export * from './observe/index.js';
export * from './server.js';
export * from './storage/index.js';
export * from './transport/index.js';
export type { HealthStatus, ServerStatus } from './api/index.js';
