export * from './cluster-client.js';
export * from './key-value-client.js';
export * from './status-client.js';
