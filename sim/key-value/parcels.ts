/** The messages of our system as the network sees them. */

import type { NodeMessage } from '../../core/index.js';

/** `Append`, `VoteRequest`, … for what a group says; `SnapshotChunk`, `Heartbeats`, `Forward` … for the rest. */
export function kindOf(message: unknown): string {
  const known = message as NodeMessage;
  return known.type === 'Group' ? known.message.type : known.type;
}

const HEAD_BYTES = 40;
const ENTRY_BYTES = 12;

/** About what the wire encoding takes; exact enough for a slow link. */
export function bytesOf(message: unknown): number {
  const known = message as NodeMessage;
  if (known.type === 'SnapshotChunk') return HEAD_BYTES + known.bytes.length;
  if (known.type === 'Heartbeats' || known.type === 'HeartbeatAnswers') {
    return HEAD_BYTES + ENTRY_BYTES * known.items.length;
  }
  if (known.type !== 'Group') return 2 * HEAD_BYTES;
  const { message: raft } = known;
  switch (raft.type) {
    case 'Append':
      return raft.entries.reduce((sum, { payload }) => sum + ENTRY_BYTES + payload.length, HEAD_BYTES);
    default:
      return HEAD_BYTES;
  }
}
