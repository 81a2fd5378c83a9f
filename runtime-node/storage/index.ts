export { FORMAT_VERSION, type DataIdentity } from './identity.js';
export * from './open.js';
