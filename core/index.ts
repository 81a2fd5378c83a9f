/** The public face of the core: pure machines, and what their hosts need to drive them. */

export * from './machine/index.js';
export * from './clock/hybrid-clock.js';
export * from './collections/deadlines.js';
export * from './collections/digest.js';
export * from './collections/fifo.js';
export * from './collections/ordered-map.js';
export * from './collections/radix-array.js';
export * from './collections/sha256.js';
export * from './collections/utf8.js';
export { groupMessagesOf } from './node/heartbeats.js';
export { linkAlarm } from './node/link.js';
export * from './node/admin-protocol.js';
export type * from './node/membership.js';
export * from './node/node.js';
export * from './node/options.js';
export * from './node/protocol.js';
export * from './node/placement.js';
export * from './node/roster.js';
export * from './node/status.js';
export * from './node/tuning.js';
export type * from './node/state.js';
export type * from './node/value-store.js';
export { generationKey, valueKey } from './node/value-store.js';
export * from './partition/command.js';
export * from './partition/hold-command.js';
export { floorOf } from './partition/retention.js';
export type * from './partition/retention.js';
export { holdIdOf, liveHolds, lowestHeld } from './partition/holds.js';
export * from './partition/lock-command.js';
export type * from './partition/lock-entry.js';
export * from './partition/sequence-command.js';
export * from './partition/transaction-command.js';
export type * from './partition/prepared.js';
export { forEachPrepared, intentOn, NO_TRANSACTIONS, preparedIn } from './partition/prepared.js';
export { forEachUnfinished } from './partition/transaction-records.js';
export { intentsIn, isAhead } from './partition/blocking.js';
export * from './partition/validate-transaction.js';
export * from './partition/sequence-block.js';
export type * from './partition/sequence-entry.js';
export type * from './partition/contents.js';
export * from './partition/key-entry.js';
export { forEachReference, isLive } from './partition/key-history.js';
export {
  forEachOfPage,
  forEachPageOf,
  mayReferTo,
  type AtHand,
  type Past,
  type PastPage,
} from './partition/past.js';
export * from './partition/value-reference.js';
export * from './partition/lapse.js';
export * from './partition/operation.js';
export * from './partition/partition.js';
export * from './partition/retry-table.js';
export { keysLookedAt, MAX_PAGE_BYTES, MAX_PAGE_ITEMS } from './partition/scan.js';
export * from './partition/validate.js';
export * from './partition/validate-sequence.js';
export * from './placement/partition-of-key.js';
export * from './placement/xxhash32.js';
export * from './raft/configuration.js';
export * from './raft/lease.js';
export * from './raft/log.js';
export * from './raft/messages.js';
export * from './raft/state.js';
export * from './raft/step.js';
export type { Outgoing, TurnContext } from './raft/turn.js';
export type { RaftWrite } from './raft/durability.js';
export type { Members, Reconfigured, ReconfigurationRefusal } from './raft/reconfigure.js';
export type { Proposal } from './raft/replication.js';
export type { TransferRefusal, TransferStart } from './raft/transfer.js';
export * from './script/index.js';
export * from './transactions/calls.js';
export { newSession, stepSession } from './transactions/session.js';
export type { SessionState } from './transactions/session-state.js';
export * from './wire/index.js';
