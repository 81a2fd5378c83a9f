/** A node in this process: what programs import as `wavetank/embedded`. */

export * from './embedded.js';
export { isWavetankError, WavetankError, type WavetankErrorCode } from '../client/error.js';
export type { WavetankClient } from '../client/client.js';
export { StartRefused } from '../host/start-refused.js';
