/** Mistakes in what must be on the disk before something is said or counted. */

import { bugsOf, edit, type Bug } from './bug.js';

const ELECTION = 'core/raft/election.ts';
const REPLICATION = 'core/raft/replication.ts';
const TURN = 'core/raft/turn.ts';
const NODE = 'core/node/node.ts';

const bug = bugsOf('durability');

export const DURABILITY: readonly Bug[] = [
  bug(
    'nothing-held',
    'a node holds nothing back until it is durable',
    edit(NODE, 'const waits = after > turn.node.durableWrite;', 'const waits = after < 0;'),
  ),
  bug(
    'accept-before-durable',
    'a follower accepts entries before they are on its disk',
    edit(
      REPLICATION,
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, afterEverything(turn)",
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, AT_ONCE",
    ),
  ),
  bug(
    'accept-after-hard-state',
    'a follower accepts entries when its term is durable, the entries or not',
    edit(
      REPLICATION,
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, afterEverything(turn)",
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, afterHardState(turn)",
    ),
  ),
  bug(
    'committed-accept-early',
    'an append from before the commit index is accepted before what it states is durable',
    edit(REPLICATION, 'index: raft.commit }, afterEverything(turn));', 'index: raft.commit }, AT_ONCE);'),
  ),
  bug(
    'refuse-before-durable',
    'an append is refused in a term that is not on the disk yet',
    edit(
      REPLICATION,
      'hintTerm: hint.term },\n      afterHardState(turn),',
      'hintTerm: hint.term },\n      AT_ONCE,',
    ),
  ),
  bug(
    'heartbeat-answer-early',
    'a heartbeat is answered in a term that is not on the disk yet',
    edit(
      'core/raft/heartbeat.ts',
      '  send(turn, from, answer, afterHardState(turn));',
      '  send(turn, from, answer, AT_ONCE);',
    ),
  ),
  bug(
    'vote-request-early',
    'votes are asked for before term and own vote are on the disk',
    edit(
      ELECTION,
      'lastTerm, handedOver },\n      afterEverything(turn),',
      'lastTerm, handedOver },\n      AT_ONCE,',
    ),
  ),
  bug(
    'snapshot-ack-early',
    'a snapshot is acknowledged before it is on the disk',
    edit(
      'core/raft/snapshot.ts',
      'index: raft.commit }, afterEverything(turn));',
      'index: raft.commit }, AT_ONCE);',
    ),
  ),
  bug(
    'pre-vote-refusal-early',
    'a pre-vote is refused with a term that is not on the disk yet',
    edit(ELECTION, 'granted ? AT_ONCE : afterHardState(turn)', 'AT_ONCE'),
  ),
  bug(
    'own-term-told-early',
    'whoever acts in an older term is told of one that is not on the disk yet',
    edit('core/raft/step.ts', 'const after = afterHardState(turn);', 'const after = turn.context.write * 0;'),
  ),
  bug(
    'a-b-a',
    'a write under way vouches for entries that were cut off and appended again since',
    edit(
      TURN,
      'write.lastIndex > kept ? { ...write, lastIndex: kept } : write,',
      'write.lastIndex > kept ? { ...write } : write,',
    ),
  ),
  bug(
    'durable-survives-truncation',
    'what was cut off from the log still counts as durable',
    edit(
      TURN,
      '  if (raft.durable.lastIndex > kept) raft.durable = { ...raft.durable, lastIndex: kept };\n',
      '',
    ),
  ),
  bug(
    'released-one-write-early',
    'what waits for a write leaves when the one before it is durable',
    edit(
      NODE,
      'held !== undefined && held.write <= write;',
      'held !== undefined && held.write <= write + 1;',
    ),
  ),
  bug(
    'released-by-oldest-write',
    'what waits for a write leaves when the oldest write under way is durable',
    edit(
      NODE,
      'const held = { write: node.lastWrite, groups',
      'const held = { write: writeNumber(Math.min(node.lastWrite, node.durableWrite + 1)), groups',
    ),
  ),
  bug(
    'repeat-accepted-early',
    'a repeated append is accepted while the entries are still being written',
    edit(
      TURN,
      'return turn.raft.lastWrite > turn.raft.durable.write ? turn.raft.lastWrite : AT_ONCE;',
      'return AT_ONCE;',
    ),
  ),
  bug(
    'repeated-vote-early',
    'a vote that is asked for again is granted while it is still being written',
    edit(
      TURN,
      'return turn.raft.lastHardWrite > turn.raft.durable.write ? turn.raft.lastHardWrite : AT_ONCE;',
      'return AT_ONCE;',
    ),
  ),
  bug(
    'failed-write-ignored',
    'a node goes on after a failed write',
    edit(NODE, '      turn.halt = `write ${event.write} failed: ${event.reason}`;\n', ''),
  ),
  bug(
    'failed-write-done',
    'a failed write counts as durable',
    edit(
      NODE,
      '      turn.halt = `write ${event.write} failed: ${event.reason}`;\n',
      '      writeCompleted(turn, event.write);\n',
    ),
  ),
  bug(
    'durable-at-issue',
    'what was handed to the disk counts as durable',
    edit(
      'core/raft/durability.ts',
      '  raft.lastWrite = write;\n',
      '  raft.lastWrite = write;\n  raft.durable = { write, term, vote, lastIndex: log.lastIndex };\n',
    ),
  ),
  bug(
    'term-write-forgets-vote',
    'a new term is written with the vote of the old one',
    edit(
      'core/node/journal.ts',
      "value: { type: 'HardState', term: storedTerm, vote },",
      "value: { type: 'HardState', term: storedTerm, vote: write.append === undefined ? vote : NO_NODE },",
    ),
  ),
];
