/** Mistakes of sleeping groups and of heartbeats that travel together. */

import { bugsOf, edit, type Bug } from './bug.js';

const QUIESCENCE = 'core/raft/quiescence.ts';
const LIVENESS = 'core/node/liveness.ts';
const HEARTBEATS = 'core/node/heartbeats.ts';

const bug = bugsOf('quiescence');

export const QUIESCENCES: readonly Bug[] = [
  bug(
    'sleeps-unlevel',
    'a follower sleeps when it is asked to, wherever its log ends',
    edit(
      QUIESCENCE,
      'const level = heartbeat.commit === raft.log.lastIndex && raft.commit === heartbeat.commit;',
      'const level = true;',
    ),
  ),
  bug(
    'sleeps-unasked',
    'a leader sleeps before its followers have agreed',
    edit(
      QUIESCENCE,
      'agreed.length + without.length < raft.peers.length || !mayRest(turn)',
      '!mayRest(turn)',
    ),
  ),
  bug(
    'sleeps-uncommitted',
    'a leader goes to sleep with entries that are not committed',
    edit(
      QUIESCENCE,
      'raft.commit !== lastIndex || raft.commit < raft.termStart || !isDurable(raft)',
      'raft.commit < raft.termStart',
    ),
    edit(QUIESCENCE, 'match !== lastIndex || inflight.length > 0', 'match < raft.commit'),
    edit(
      QUIESCENCE,
      'const level = heartbeat.commit === raft.log.lastIndex && raft.commit === heartbeat.commit;',
      'const level = raft.commit === heartbeat.commit;',
    ),
  ),
  bug(
    'dead-leader-not-missed',
    'a node that falls silent wakes none of the groups that it leads',
    edit(
      LIVENESS,
      '    if (under.count > 0 && now >= agreedAt + electionTimeoutMs) leadersLost(turn, peer);\n',
      '',
    ),
    edit(
      'core/node/link.ts',
      'under.count > 0 ? agreedAt + timeoutMs : Number.POSITIVE_INFINITY',
      'Number.POSITIVE_INFINITY',
    ),
  ),
  bug(
    'dead-followers-not-missed',
    'a leader sleeps on when none of its followers is heard any more',
    edit(
      LIVENESS,
      '      followerLost(turn, peer);\n',
      '      setLink(turn, { ...linkOf(turn.node, peer), answeredAt: now });\n',
    ),
  ),
  bug(
    'minority-sleeps-on',
    'a leader sleeps on without a majority',
    edit(
      QUIESCENCE,
      '  if (!hasQuorum(raft.config, (node) => node === raft.self || agreed.includes(node))) return false;\n',
      '',
    ),
  ),
  bug(
    'one-node-for-another',
    'any node that is heard is taken for all of them',
    edit(
      HEARTBEATS,
      '  const agrees = sameTally(under, beat.covers);\n',
      '  const agrees = sameTally(under, beat.covers);\n  for (const link of turn.node.links) setLink(turn, { ...link, agreedAt: turn.now.monotonic });\n',
    ),
  ),
  bug(
    'frame-proves-all',
    'a frame of heartbeats counts for every group that its sender is believed to lead',
    edit(
      HEARTBEATS,
      '  heardOf(turn, from);\n  if (beat === undefined) return;\n',
      '  for (let id = 1; radixGet(turn.node.groups, id) !== undefined; id += 1) {\n    const opened = openGroup(turn, id);\n    const { raft } = opened.raft;\n    if (raft.role === "follower" && raft.leader === from) raft.electionDeadline = turn.now.monotonic + raft.electionPatienceMs;\n  }\n  heardOf(turn, from);\n  if (beat === undefined) return;\n',
    ),
  ),
  bug(
    'answer-to-another-group',
    'the answers of one message are all given for the first of its groups',
    edit(
      HEARTBEATS,
      'bundle.answers = added(bundle.answers, { group, message });',
      'bundle.answers = added(bundle.answers, { group: bundle.answers[0]?.group ?? group, message });',
    ),
  ),
  bug(
    'heartbeat-to-another-group',
    'the heartbeats of one message are all taken for the first of its groups',
    edit(
      HEARTBEATS,
      '  for (const { group, message } of items) {\n    if (radixGet(turn.node.groups, group) === undefined) continue;\n    const opened',
      '  for (const { message } of items) {\n    const { group } = items[0];\n    if (radixGet(turn.node.groups, group) === undefined) continue;\n    const opened',
    ),
  ),
  bug(
    'only-first-receiver',
    'heartbeats for several nodes all go to the first of them',
    edit(
      HEARTBEATS,
      'for (const bundle of turn.bundles) if (bundle.to === to) return bundle;',
      'for (const bundle of turn.bundles) if (bundle.to > 0) return bundle;',
    ),
  ),
  bug(
    'proposal-does-not-wake',
    'a proposal leaves a sleeping leader asleep',
    edit('core/raft/replication.ts', "  if (raft.role === 'leader') wake(turn);\n", ''),
    edit('core/node/tenure.ts', '    wake(opened.raft);\n', ''),
  ),
  bug(
    'sleeper-counted-for-ever',
    'a group that wakes is not taken off the count of those that sleep',
    edit(LIVENESS, '  book(turn, group, opened.noted, -1);\n', ''),
  ),
];
