/** The messages of our system as the network sees them. */

import type { NodeMessage } from '../../core/index.js';

/** `Append`, `VoteRequest`, … for what a group says; `Heartbeats`, `Forward` … for what nodes say. */
export function kindOf(message: unknown): string {
  const known = message as NodeMessage;
  return known.type === 'Group' ? known.message.type : known.type;
}

const HEAD_BYTES = 40;
const ENTRY_BYTES = 12;
const RECORD_BYTES = 60;

/** About what the wire encoding takes; exact enough for a slow link. */
export function bytesOf(message: unknown): number {
  const known = message as NodeMessage;
  if (known.type === 'Heartbeats' || known.type === 'HeartbeatAnswers') {
    return HEAD_BYTES + ENTRY_BYTES * known.items.length;
  }
  if (known.type !== 'Group') return 2 * HEAD_BYTES;
  const { message: raft } = known;
  switch (raft.type) {
    case 'Append':
      return raft.entries.reduce((sum, { payload }) => sum + ENTRY_BYTES + payload.length, HEAD_BYTES);
    case 'InstallSnapshot':
      return (
        HEAD_BYTES + RECORD_BYTES * (raft.snapshot.state.keys.size + raft.snapshot.state.retries.indexOf.size)
      );
    default:
      return HEAD_BYTES;
  }
}
