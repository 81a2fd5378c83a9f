export * from './assert.js';
export * from './bend.js';
export * from './machine.js';
export * from './outbox.js';
export * from './units.js';
