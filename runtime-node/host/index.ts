export * from './address.js';
export * from './codec.js';
export * from './host.js';
export * from './senses.js';
export * from './start-refused.js';
