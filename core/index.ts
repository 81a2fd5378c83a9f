/** The public face of the core: pure machines, and what their hosts need to drive them. */

export * from './machine/index.js';
export * from './clock/hybrid-clock.js';
export * from './collections/deadlines.js';
export * from './collections/digest.js';
export * from './collections/fifo.js';
export * from './collections/ordered-map.js';
export * from './collections/radix-array.js';
export * from './collections/utf8.js';
export * from './node/node.js';
export * from './node/options.js';
export * from './node/protocol.js';
export * from './node/status.js';
export type * from './node/state.js';
export * from './partition/command.js';
export * from './partition/partition.js';
export * from './partition/retry-table.js';
export * from './partition/validate.js';
export * from './placement/partition-of-key.js';
export * from './placement/xxhash32.js';
export * from './raft/log.js';
export * from './raft/messages.js';
export * from './raft/state.js';
export * from './raft/step.js';
export type { Outgoing, TurnContext } from './raft/turn.js';
export type { RaftWrite } from './raft/durability.js';
export type { Proposal } from './raft/replication.js';
export * from './wire/index.js';
