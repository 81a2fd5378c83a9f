/** Mistakes in leases, and in reads at followers. */

import { bugsOf, edit, type Bug } from './bug.js';

const LEASE = 'core/raft/lease.ts';
const FOLLOWER_READS = 'core/raft/follower-reads.ts';

const bug = bugsOf('reads');

export const SPECIAL_READS: readonly Bug[] = [
  bug(
    'lease-from-answer',
    'a lease counts from when the answers arrived, not from when the heartbeats were sent',
    edit(
      LEASE,
      'until = monotonicMs(sent.sentAt + leaseDurationMs(context.options));',
      'until = monotonicMs(context.now + leaseDurationMs(context.options));',
    ),
  ),
  bug(
    'lease-ignores-drift',
    'a lease lasts as long as if no clock ever drifted',
    edit(
      LEASE,
      '  return Math.floor(((leaseMs - 1) * (100 - maxClockDriftPercent)) / (100 + maxClockDriftPercent));',
      '  return maxClockDriftPercent < 0 ? 0 : leaseMs - 1;',
    ),
  ),
  bug(
    'lease-outlives-leadership',
    'a leader that steps down keeps its lease, and takes it up again when it is elected anew',
    edit('core/raft/role.ts', '  dropReads(turn);\n  raft.lease = NO_LEASE;\n', '  dropReads(turn);\n'),
    edit(
      'core/raft/role.ts',
      '  raft.leftOutAt = logIndex(0);\n  raft.lease = NO_LEASE;\n  raft.busyAt',
      '  raft.leftOutAt = logIndex(0);\n  raft.busyAt',
    ),
  ),
  bug(
    'lease-before-own-commit',
    'a new leader answers by lease before it has committed in its term',
    edit(
      LEASE,
      "raft.role === 'leader' && raft.commit >= raft.termStart && !raft.askedToCampaign",
      "raft.role === 'leader' && !raft.askedToCampaign",
    ),
  ),
  bug(
    'lease-rounds-shared',
    'heartbeats are sent without a round of their own, so that an answer to older ones prolongs the lease',
    edit(LEASE, '  raft.round += 1;\n', '  if (raft.round === 0) raft.round = 1;\n'),
  ),
  bug(
    'lease-by-one-answer',
    'one answer to a round prolongs the lease, also where that is no majority',
    edit(
      'core/raft/read-index.ts',
      '  extendLease(turn, confirmed);\n',
      '  extendLease(turn, Math.max(...raft.peers.map(roundOf), confirmed));\n',
    ),
  ),
  bug(
    'promise-lost-at-restart',
    'a restarted voter votes at once, whatever it has promised a leader',
    edit(
      'core/raft/state.ts',
      'image.term > 0 ? now : monotonicMs(now - electionPatienceMs)',
      'monotonicMs(now - electionPatienceMs)',
    ),
  ),
  bug(
    'promise-ends-with-term',
    'a voter that is moved to a later term forgets what it has promised the leader of the older one',
    edit(
      'core/raft/election.ts',
      '  return context.now - raft.leaderHeardAt < context.options.electionTimeoutMs;',
      '  return raft.leader !== NO_NODE && context.now - raft.leaderHeardAt < context.options.electionTimeoutMs;',
    ),
  ),
  bug(
    'follower-answers-unapplied',
    'a follower answers reads before its state has come as far as the leader says',
    edit(FOLLOWER_READS, '=> index <= raft.commit;', '=> index <= raft.commit + 1;'),
    edit('core/node/group.ts', '      partition.applied >= index,', '      partition.applied + 1 >= index,'),
  ),
  bug(
    'follower-takes-any-answer',
    'a late answer of the leader confirms all reads of a follower, the later ones too',
    edit(FOLLOWER_READS, 'first !== undefined && first.batch <= batch;', 'first !== undefined;'),
  ),
  bug(
    'batches-start-at-one',
    'a restarted follower takes the answer to what it asked in its earlier run',
    edit(
      FOLLOWER_READS,
      '  return 1 + drawn * BATCHES_OF_A_RUN;',
      '  return drawn < 0 ? BATCHES_OF_A_RUN : 1;',
    ),
  ),
  bug(
    'question-asked-once',
    'a follower whose question for the read index was lost never asks again',
    edit('core/raft/role.ts', '  askAgain(turn);\n', ''),
  ),
  bug(
    'index-unconfirmed',
    'a leader tells followers its commit index without asking whether it still leads',
    edit(
      'core/raft/read-index.ts',
      "  if (raft.role === 'leader') turn.newAsks = added(turn.newAsks, { node: from, batch });\n",
      "  if (raft.role === 'leader') {\n    send(turn, from, { type: 'ReadIndexAnswer', term: raft.term, batch, index: raft.commit }, AT_ONCE);\n  }\n",
    ),
  ),
];
