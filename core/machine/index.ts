export * from './assert.js';
export * from './machine.js';
export * from './units.js';
