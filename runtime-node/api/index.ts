export { createApi, type Api, type ApiBackend } from './api.js';
export type { ChangeAnswer, MemberAnswer, MembersAnswer } from './cluster.js';
export type { HealthStatus, LocalRole, ServerStatus } from './server-status.js';
