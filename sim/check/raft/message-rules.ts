/**
 * Nothing is said before it is durable: what each message states, held against its sender's disk at the moment when
 * the message is released (design notes, section 5 and invariants 2, 11 and 13).
 */

import { termAt, type NodeId, type PartitionState, type RaftMessage } from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { durableTermAt, lastDurableIndex, type DurableView } from './durable-view.js';
import { pairKey, type GroupHistory, type Raft } from './group-history.js';

/** Checks one message that `sender` lets go now. */
export function checkMessage(
  history: GroupHistory,
  view: DurableView,
  sender: Raft,
  to: NodeId,
  message: RaftMessage<PartitionState>,
): void {
  const statement: Statement = { sender, to, message };
  switch (message.type) {
    case 'VoteAnswer': {
      needTerm(view, statement);
      if (!message.granted) return;
      if (view.term === message.term && view.vote !== to) {
        broken(statement, TOO_EARLY, `the disk has the vote for node ${view.vote}`);
      }
      const key = pairKey(sender.self, message.term);
      const earlier = history.votes.get(key);
      if (earlier !== undefined && earlier !== to) {
        broken(statement, 'one vote a term', `it has already granted its vote to node ${earlier}`);
      }
      history.votes.set(key, to);
      return;
    }
    case 'VoteRequest':
      needTerm(view, statement);
      if (view.term === message.term && view.vote !== sender.self) {
        broken(statement, TOO_EARLY, 'its own vote is not on its disk');
      }
      // One that follows the leader of this term by now may have cut off what it had when it asked; it cannot win any more.
      if (
        sender.term === message.term &&
        sender.role === 'candidate' &&
        lastDurableIndex(view) < message.lastIndex
      ) {
        broken(
          statement,
          TOO_EARLY,
          `it states a log up to ${message.lastIndex}, but its disk ends at ${lastDurableIndex(view)}`,
        );
      }
      return;
    case 'AppendAccepted': {
      needTerm(view, statement);
      if (sender.term !== message.term || sender.role === 'leader') return;
      const { index } = message;
      const stated = termAt(sender.log, index);
      const onDisk = durableTermAt(view, index);
      const covered =
        index <= view.baseIndex || (onDisk !== undefined && (stated === undefined || onDisk === stated));
      if (!covered) {
        broken(
          statement,
          TOO_EARLY,
          `it accepts index ${index}, but its disk ends at ${lastDurableIndex(view)}`,
        );
      }
      return;
    }
    case 'AppendRefused':
    case 'HeartbeatAnswer':
      return needTerm(view, statement);
    case 'PreVoteAnswer':
      if (!message.granted) needTerm(view, statement);
      return;
    case 'PreVoteRequest':
    case 'Append':
    case 'Heartbeat':
    case 'InstallSnapshot':
      return;
  }
}

const TOO_EARLY = 'nothing said before it is durable';

/** Who says what to whom. */
interface Statement {
  readonly sender: Raft;
  readonly to: NodeId;
  readonly message: RaftMessage<PartitionState>;
}

/** The term that a message states is on its sender's disk. */
function needTerm(view: DurableView, statement: Statement): void {
  if (view.term < statement.message.term) {
    broken(statement, TOO_EARLY, `the disk still has term ${view.term}`);
  }
}

function broken({ sender, to, message }: Statement, property: string, detail: string): never {
  throw new PropertyBroken(
    property,
    `group ${sender.group}, node ${sender.self}: ${message.type} of term ${message.term} to node ${to}: ${detail}`,
  );
}
