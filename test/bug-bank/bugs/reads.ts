/** Mistakes in linearizable reads. */

import { bugsOf, edit, type Bug } from './bug.js';

const READ_INDEX = 'core/raft/read-index.ts';
const ROLE = 'core/raft/role.ts';

const bug = bugsOf('reads');

export const READS: readonly Bug[] = [
  bug(
    'read-unconfirmed',
    'a leader answers reads without asking whether it still leads',
    edit(READ_INDEX, '    if (read.round > confirmed) return;\n', ''),
  ),
  bug(
    'read-any-round',
    'an answer to an older heartbeat confirms the newest reads',
    edit(
      'core/raft/heartbeat.ts',
      'heardFrom(turn, from, answer.round)',
      'heardFrom(turn, from, Math.max(answer.round, turn.raft.round))',
    ),
  ),
  bug(
    'read-older-term',
    'an answer to a heartbeat of an older term confirms reads',
    edit(
      'core/raft/step.ts',
      'if (message.term < raft.term) {',
      "if (message.term < raft.term && (message.type !== 'HeartbeatAnswer' || message.round === 0)) {",
    ),
  ),
  bug(
    'read-before-own-commit',
    'a new leader answers reads before it has committed in its term',
    edit(
      READ_INDEX,
      '  if (raft.commit < raft.termStart) {\n    raft.earlyReads = tokens;\n    raft.earlyAsks = asks;\n    return;\n  }\n',
      '',
    ),
  ),
  bug(
    'read-at-follower',
    'a node answers reads from what it has applied itself',
    edit(
      'core/node/gateway.ts',
      "import { problemWith, problemWithId } from '../partition/validate.js';",
      "import { executeRead } from '../partition/partition.js';\nimport { problemWith, problemWithId } from '../partition/validate.js';",
    ),
    edit(
      'core/node/gateway.ts',
      '  if (place === NO_NODE) return;\n  if (place === options.node) {',
      "  if (operation.type === 'Get' && leader !== options.node) {\n    const { partition } = groupOf(node, group);\n    answer(turn, group, { type: 'Client', token }, { type: 'Executed', outcome: executeRead(partition, operation), index: partition.applied });\n    return;\n  }\n  if (place === NO_NODE) return;\n  if (place === options.node) {",
    ),
  ),
  bug(
    'reads-outlive-leadership',
    'open reads are kept over a loss of leadership and answered after the next election',
    edit(ROLE, '  dropReads(turn);\n', '  if (raft.term === 0) dropReads(turn);\n'),
  ),
  bug(
    'read-quorum-one-short',
    'a read is confirmed by one node less than a majority',
    edit(
      READ_INDEX,
      'reachedByMembers(raft, raft.round, roundOf)',
      '([raft.round, ...raft.peers.map(roundOf)].sort((a, b) => b - a)[(raft.config.voters.length >>> 1) - 1] ?? raft.round)',
    ),
  ),
  bug(
    'read-joins-open-round',
    'a read joins a round that is already under way',
    edit(
      READ_INDEX,
      '  raft.round += 1;\n',
      '  if (fifoPeek(raft.readRounds) === undefined) raft.round += 1;\n',
    ),
  ),
  bug(
    'read-by-lease',
    'a read is answered when a majority was heard of in the last few timeouts',
    edit(
      READ_INDEX,
      '    if (read.round > confirmed) return;\n',
      '    const since = turn.context.now - 2 * turn.context.options.electionTimeoutMs;\n    const fresh = raft.peers.filter(({ heardAt }) => heardAt > since).length + 1;\n    if (read.round > confirmed && fresh * 2 <= raft.config.voters.length) return;\n',
    ),
  ),
  bug(
    'accept-confirms-read',
    'an acceptance of an append confirms the newest reads',
    edit(
      'core/raft/replication.ts',
      'const at = heardFrom(turn, from);\n  const known = raft.peers[at] as Progress;\n  assert(\n    answer.index',
      'const at = heardFrom(turn, from, raft.round);\n  const known = raft.peers[at] as Progress;\n  assert(\n    answer.index',
    ),
  ),
];
