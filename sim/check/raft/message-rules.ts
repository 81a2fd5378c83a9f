/**
 * Nothing is said before it is durable: what each message states, held against its sender's disk at the moment when
 * the message is released (design notes, section 5 and invariants 2, 11 and 13).
 */

import { termAt, type NodeId, type PartitionState, type RaftMessage } from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { durableTermAt, everHeld, lastDurableIndex, type DurableView } from './durable-view.js';
import { isAhead, noteStated, pairKey, type GroupHistory, type Raft } from './group-history.js';
import { checkTarget } from './transfer-rules.js';

/**
 * Checks one message that `sender` lets go now.
 *
 * @param before the sender as the turn found it.
 */
export function checkMessage(
  history: GroupHistory,
  view: DurableView,
  sender: Raft,
  to: NodeId,
  message: RaftMessage<PartitionState>,
  before?: Raft,
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
      history.candidates.add(pairKey(sender.self, message.term));
      noteStated(history.stated, pairKey(sender.self, message.term), message);
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
      const { index } = message;
      if (sender.term !== message.term || sender.role === 'leader') return;
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
    case 'ReadIndexRequest':
    case 'ReadIndexAnswer':
    case 'ReadIndexRefused':
      return needTerm(view, statement);
    case 'PreVoteAnswer': {
      if (!message.granted) return needTerm(view, statement);
      const stated = history.statedBefore.get(pairKey(to, message.term));
      if (stated !== undefined && before?.log === sender.log && isAhead(sender.log, stated)) {
        broken(
          statement,
          'votes go to the best log',
          `its own log ends at ${sender.log.lastIndex} of term ${sender.log.lastTerm}`,
        );
      }
      return;
    }
    case 'PreVoteRequest':
      noteStated(history.statedBefore, pairKey(sender.self, message.term), message);
      return;
    case 'Append':
    case 'Heartbeat':
    case 'InstallSnapshot':
      return;
    case 'CampaignNow':
      if (sender.term === message.term) checkTarget(sender, to);
      if (history.leaders.get(message.term) === sender.self) return;
      return broken(statement, 'only leaders hand over', 'it never led that term');
    case 'NotMember': {
      const left = sender.configs.find(({ index }) => index === message.index)?.config;
      const isOut = ![left?.voters, left?.outgoing, left?.learners].some((some) => some?.includes(to));
      if (message.index > sender.commit) {
        broken(
          statement,
          'members are not turned away',
          `what leaves node ${to} out is at index ${message.index}, and not committed`,
        );
      }
      if (sender.term > message.term || (left !== undefined && isOut)) return;
      return broken(statement, 'members are not turned away', `node ${to} is a member as far as it knows`);
    }
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

/** What is accepted in a term that is over may be cut off by now, but it was on the disk. */
export function checkLateAcceptance(
  view: DurableView,
  sender: Raft,
  message: RaftMessage<PartitionState>,
): void {
  if (message.type !== 'AppendAccepted' || message.term >= sender.term) return;
  if (everHeld(view, message.index, message.term)) return;
  throw new PropertyBroken(
    'nothing said before it is durable',
    `group ${sender.group}, node ${sender.self}: it accepts index ${message.index} of term ${message.term}, which its disk never held`,
  );
}
