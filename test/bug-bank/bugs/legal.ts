/** Changes that keep every promise: a sweep that flags one of them is wrong itself. */

import { bugsOf, edit, type Bug } from './bug.js';

const legal = bugsOf('legal');

export const LEGAL: readonly Bug[] = [
  legal(
    'campaigns-for-anybody',
    'who is asked to campaign does not look who asks: nobody but the leader of a term does so in that term',
    edit(
      'core/raft/election.ts',
      "if (raft.role === 'leader' || (raft.leader !== NO_NODE && raft.leader !== from)) return;",
      "if (raft.role === 'leader' || from === raft.self) return;",
    ),
  ),
  legal(
    'snapshot-accepts-log-end',
    'a snapshot that is not lacked is acknowledged with the end of the log: a leader offers one only where the logs part before it, or when it has brought the tail of the follower into line',
    edit(
      'core/raft/snapshot.ts',
      'index: raft.commit }, afterEverything(turn));',
      'index: raft.log.lastIndex }, afterEverything(turn));',
    ),
  ),
  legal(
    'other-timeouts',
    'another draw of the election timeout',
    edit(
      'core/raft/turn.ts',
      'return electionTimeoutMs + (finish(chance) % electionTimeoutMs);',
      'return electionTimeoutMs + ((finish(chance) >>> 7) % (electionTimeoutMs * 2));',
    ),
  ),
  legal(
    'heartbeats-more-often',
    'heartbeats twice as often',
    edit(
      'core/raft/heartbeat.ts',
      'raft.heartbeatAt = nextHeartbeatAt(context);',
      'raft.heartbeatAt = context.now + ((context.options.heartbeatIntervalMs + 1) >>> 1);',
    ),
  ),
  legal(
    'woken-together',
    'the groups of a lost node are all woken at once',
    edit(
      'core/node/liveness.ts',
      'leaderLost(opened.raft, heartbeatIntervalMs + spread + turnMs);',
      'leaderLost(opened.raft, heartbeatIntervalMs);',
    ),
  ),
  legal(
    'woken-follower-is-silent',
    'a follower that is woken does not tell its leader: the next beat shows it',
    edit(
      'core/raft/quiescence.ts',
      "  send(turn, leader, { type: 'HeartbeatAnswer', term, round: 0 }, afterHardState(turn));\n",
      '',
    ),
  ),
  legal(
    'vote-beside-leader',
    'a free vote is given although the leader of the term is known: it elects nobody',
    edit(
      'core/raft/election.ts',
      '(raft.vote === NO_NODE && raft.leader === NO_NODE && (',
      '(raft.vote === NO_NODE && (',
    ),
  ),
  legal(
    'rounds-go-on',
    'the numbers of read rounds go on from one leadership to the next',
    edit('core/raft/role.ts', '  raft.round = 0;\n', ''),
  ),
  legal(
    'proposed-again',
    'a request that is asked again is proposed again',
    edit(
      'core/node/proposals.ts',
      '  return inFlight !== undefined && joinWaiters(opened, inFlight, operation, origin);\n',
      '  return inFlight !== undefined && opened.raft.raft.term % 2 === 0 && joinWaiters(opened, inFlight, operation, origin);\n',
    ),
  ),
  legal(
    'leader-not-announced',
    'requests find a new leader when their alarm goes off, not at once',
    edit(
      'core/node/node.ts',
      '  if (learntOfLeader(opened)) leaderLearnt(turn, opened.raft.raft.group);\n',
      '',
    ),
  ),
  legal(
    'stale-alarms-heard',
    'an alarm of an earlier attempt makes another one',
    edit(
      'core/node/gateway.ts',
      'if (request?.retryAt !== at) return;',
      'if (request === undefined || at < 0) return;',
    ),
  ),
  legal(
    'held-longer',
    'everything of a group waits for all of its writes',
    edit(
      'core/raft/turn.ts',
      'return turn.raft.lastHardWrite > turn.raft.durable.write ? turn.raft.lastHardWrite : AT_ONCE;',
      'return turn.raft.lastWrite > turn.raft.durable.write ? turn.raft.lastWrite : AT_ONCE;',
    ),
  ),
  legal(
    'backtracks-by-one',
    'a refused probe goes back by one entry',
    edit(
      'core/raft/replication.ts',
      'const hint = Math.min(answer.hintIndex, answer.refused - 1);',
      'const hint = Math.max(Math.min(answer.hintIndex, answer.refused - 1), answer.refused - 1);',
    ),
  ),
];
