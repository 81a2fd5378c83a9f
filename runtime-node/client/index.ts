export * from './key-value-client.js';
export * from './status-client.js';
