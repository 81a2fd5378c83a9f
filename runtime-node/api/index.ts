export { createApi, type Api, type ApiOptions } from './api.js';
export { RouteProvenance, type ApiBackend, type RouteHint } from './backend.js';
export type { ChangeAnswer, MemberAnswer, MembersAnswer } from './cluster.js';
export type { HealthStatus, LocalRole, ServerStatus } from './server-status.js';
export { readTlsIdentity, type TlsFiles, type TlsIdentity } from './tls.js';
