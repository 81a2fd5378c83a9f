/**
 * Bytes: what crosses a node-to-node socket or reaches a disk, and the codecs for it.
 *
 * `wavetank.proto` is the schema. The codecs are written by hand over protobufjs's reader and writer, because that
 * checks everything in one place, leaves our record types as they are, and is quick; tests prove that code and schema
 * mean the same.
 */

export type { Decoded } from './decoded.js';
export { decodeCommand, encodeCommand } from './command.js';
export { decodeFrame, decodeNodeMessage, encodeFrame, encodeNodeMessage } from './node-message.js';
export { decodeTransactionCall, encodeTransactionCall } from './session.js';
export { decodeRoster, encodeRoster } from './roster.js';
export { decodeStored, encodeStored } from './stored.js';
