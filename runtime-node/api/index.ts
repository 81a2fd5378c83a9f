export { createApi, type Api, type ApiBackend } from './api.js';
export type { HealthStatus, ServerStatus } from './server-status.js';
