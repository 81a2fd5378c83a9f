/** Mistakes after which nothing wrong is said, but something is never said at all. */

import { bugsOf, edit, type Bug } from './bug.js';

const HEARTBEAT = 'core/raft/heartbeat.ts';
const REPLICATION = 'core/raft/replication.ts';
const NODE = 'core/node/node.ts';
const ROLE = 'core/raft/role.ts';

const bug = bugsOf('liveness');

export const LIVENESS: readonly Bug[] = [
  bug(
    'probe-never-repeated',
    'a lost probe is never sent again',
    edit(
      HEARTBEAT,
      "if (mode === 'probe') return withProbing(noted, false);",
      "if (mode === 'probe') return noted;",
    ),
  ),
  bug(
    'lost-append-never-repeated',
    'lost appends in flight are never noticed',
    edit(
      HEARTBEAT,
      'if (progress.inflight.length === 0) return noted;',
      'if (progress.inflight.length >= 0) return noted;',
    ),
  ),
  bug(
    'window-never-reopens',
    'an acceptance does not free the window',
    edit(REPLICATION, 'known.inflight.filter(({ last }) => last > match),', 'known.inflight,'),
  ),
  bug(
    'snapshot-never-resent',
    'a lost snapshot is never sent again',
    edit(
      HEARTBEAT,
      'return !silent && snapshotTimedOut(turn, progress)',
      'return silent && snapshotTimedOut(turn, progress) && match < 0',
    ),
  ),
  bug(
    'backtracking-stands-still',
    'a refused probe is sent again for the same place',
    edit(
      REPLICATION,
      'const hint = Math.min(answer.hintIndex, answer.refused - 1);',
      'const hint = Math.max(answer.hintIndex, answer.refused);',
    ),
  ),
  bug(
    'no-backoff',
    'a node that asks for pre-votes does not wait before it asks again',
    edit(
      ROLE,
      '  raft.leader = NO_NODE;\n  raft.votes = EMPTY_LIST;\n  restartElectionTimer(turn);\n}\n\n/** Raises',
      '  raft.leader = NO_NODE;\n  raft.votes = EMPTY_LIST;\n  raft.electionDeadline = monotonicMs(turn.context.now + 1);\n}\n\n/** Raises',
    ),
  ),
  bug(
    'same-timeouts',
    'all election timeouts are the same',
    edit(
      'core/raft/turn.ts',
      'electionTimeoutMs + (finish(chance) % electionTimeoutMs)',
      'electionTimeoutMs + 0 * finish(chance)',
    ),
  ),
  bug(
    'restarted-never-campaigns',
    'a node that was started again has no election timer',
    edit(
      NODE,
      '    if (alarmAt !== undefined) groupAlarms = addDeadline(groupAlarms, alarmAt, id);\n',
      '    if (alarmAt !== undefined && known === undefined) groupAlarms = addDeadline(groupAlarms, alarmAt, id);\n',
    ),
  ),
  bug(
    'timer-set-once',
    'a timer that has fired counts as set',
    edit(NODE, '  node.timerAt = undefined;\n  for (let due', '  for (let due'),
  ),
  bug(
    'early-alarm-not-moved',
    'an alarm is not moved to an earlier time',
    edit(
      NODE,
      '(group.alarmAt === undefined || deadline < group.alarmAt)) {',
      'group.alarmAt === undefined) {',
    ),
  ),
  bug(
    'read-round-lost',
    'an answer to a heartbeat confirms reads only when the next read is asked',
    edit(
      'core/raft/step.ts',
      '      heartbeatAnswered(turn, from, message);\n      return confirmRounds(turn);',
      '      return heartbeatAnswered(turn, from, message);',
    ),
  ),
  bug(
    'silent-never-spoken-to',
    'a follower that was silent for long gets no more heartbeats',
    edit(
      HEARTBEAT,
      '  for (const { peer, match } of raft.peers) {\n',
      '  for (const { peer, match, heardAt } of raft.peers) {\n    if (turn.context.now - heardAt > 2 * turn.context.options.electionTimeoutMs) continue;\n',
    ),
  ),
  bug(
    'at-least-one-forgotten',
    'an entry that is larger than an append may be is never sent',
    edit(
      'core/raft/log.ts',
      'if (entries.length > 0 && bytes > maxBytes) break;',
      'if (bytes > maxBytes) break;',
    ),
  ),
  bug(
    'uncommitted-bytes-leak',
    'committed entries still count against the bound on uncommitted ones',
    edit(
      REPLICATION,
      'raft.uncommittedBytes -= entryAt(raft.log, i).payload.length;',
      'raft.uncommittedBytes -= entryAt(raft.log, i).payload.length * 0;',
    ),
  ),
  bug(
    'own-write-commits-nothing',
    'the leader does not look whether its own write completed a majority',
    edit(
      'core/raft/durability.ts',
      '  winIfElected(turn);\n  advanceCommit(turn);\n',
      '  winIfElected(turn);\n',
    ),
  ),
  bug(
    'deposed-alarms-lost',
    'a leader that steps down does not start its election timer',
    edit(
      ROLE,
      "  if (raft.role !== 'follower') restartElectionTimer(turn);\n",
      "  if (raft.role === 'leader') raft.electionDeadline = monotonicMs(turn.context.now + 1_000_000_000);\n  else if (raft.role !== 'follower') restartElectionTimer(turn);\n",
    ),
  ),
  bug(
    'forward-dropped',
    'a write that was forwarded to a node that does not lead is never answered nor tried again',
    edit(
      'core/node/gateway.ts',
      '  if (request.sentTo !== from) return;\n',
      '  if (result.leader === NO_NODE) {\n    turn.node.requests = radixSet(turn.node.requests, token, { ...request, retryAt: monotonicMs(0) });\n    return;\n  }\n  if (request.sentTo !== from) return;\n',
    ),
  ),
  bug(
    'resend-storm',
    'an append that makes no progress is sent again with every message that arrives',
    edit(
      REPLICATION,
      "if (progress.mode === 'probe') return withProbing(progress, true);",
      "if (progress.mode === 'probe') return withProbing(progress, turn.outgoing.length > 3);",
    ),
  ),
];
