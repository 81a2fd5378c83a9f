/** Changes of the source that a sweep must find, and one that it must leave alone. */

import type { Mutant } from './mutant.js';

/** The promises of Raft and of the retry table, each taken out. */
export const BUGS: readonly Mutant[] = [
  {
    name: 'a leader that commits entries of older terms by counting',
    edits: [
      {
        file: 'core/raft/replication.ts',
        find: '  if (termAt(raft.log, majority) !== raft.term) return;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a vote that is given before it is on the disk',
    edits: [
      {
        file: 'core/raft/election.ts',
        find: "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, afterHardState(turn));",
        replace: "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, AT_ONCE);",
      },
    ],
  },
  {
    name: 'a voter that does not look at the log of the candidate',
    edits: [
      {
        file: 'core/raft/log.ts',
        find: 'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'a follower that compares the index of the entry before, but not its term',
    edits: [
      {
        file: 'core/raft/replication.ts',
        find: 'if (termAt(raft.log, previousIndex) !== previousTerm) {',
        replace: 'if (previousIndex > raft.log.lastIndex) {',
      },
    ],
  },
  {
    name: 'a leader that answers reads without asking whether it still leads',
    edits: [
      {
        file: 'core/raft/read-index.ts',
        find: '    if (read.round > confirmed) return;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a follower that acknowledges entries before they are on its disk',
    edits: [
      {
        file: 'core/raft/replication.ts',
        find: "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, afterEverything(turn)",
        replace: "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, AT_ONCE",
      },
    ],
  },
  {
    name: 'a node that holds nothing back until it is durable',
    edits: [
      {
        file: 'core/node/node.ts',
        find: 'const waits = after > turn.node.durableWrite;',
        replace: 'const waits = after < 0;',
      },
    ],
  },
  {
    name: 'a partition without a memory of the requests that it has applied',
    edits: [
      {
        file: 'core/partition/partition.ts',
        find: 'const earlier = findRetry(retries, requestId);',
        replace: 'const earlier = undefined;',
      },
      {
        file: 'core/node/group.ts',
        find: 'const earlier = findRetry(opened.group.partition.retries, requestId);',
        replace: 'const earlier = undefined;',
      },
    ],
  },
];

/** Changes that keep every promise: a sweep that flags one of them is wrong itself. */
export const LEGAL: readonly Mutant[] = [
  {
    name: 'another draw of the election timeout',
    edits: [
      {
        file: 'core/raft/turn.ts',
        find: 'return electionTimeoutMs + (finish(chance) % electionTimeoutMs);',
        replace: 'return electionTimeoutMs + ((finish(chance) >>> 7) % (electionTimeoutMs * 2));',
      },
    ],
  },
  {
    name: 'read confirmation that waits for every voter',
    edits: [
      {
        file: 'core/raft/read-index.ts',
        find: 'const confirmed = reachedBy(quorumOf(raft.voters), raft.round, raft.peers, roundOf);',
        replace: 'const confirmed = reachedBy(raft.voters.length, raft.round, raft.peers, roundOf);',
      },
    ],
  },
];
