/** Mistakes in configurations, their changes, and the transfer of leadership. */

import { bugsOf, edit, type Bug } from './bug.js';

const membership = bugsOf('membership');

const CONFIGURATION = 'core/raft/configuration.ts';
const RECONFIGURE = 'core/raft/reconfigure.ts';
const ELECTION = 'core/raft/election.ts';
const TRANSFER = 'core/raft/transfer.ts';

export const MEMBERSHIP: readonly Bug[] = [
  membership(
    'joint-by-new-half',
    'the incoming half alone decides elections',
    edit(
      ELECTION,
      'return hasQuorum(raft.config, (node) =>',
      'return hasQuorum({ ...raft.config, outgoing: [] }, (node) =>',
    ),
  ),
  membership(
    'joint-commit-by-new-half',
    'the incoming half alone decides commits, reads and who is heard',
    edit(
      CONFIGURATION,
      '  return config.outgoing.length === 0\n    ? reached',
      '  return config.outgoing.length >= 0\n    ? reached',
    ),
  ),
  membership(
    'joint-by-either-half',
    'the better of both halves decides commits, reads and who is heard',
    edit(CONFIGURATION, ': Math.min(reached,', ': Math.max(reached,'),
  ),
  membership(
    'change-too-early',
    'the members are changed before an entry of the term is committed (the bug of 2015)',
    edit(RECONFIGURE, '  if (raft.commit < raft.termStart) {\n', '  if (raft.commit < 0) {\n'),
  ),
  membership(
    'two-changes',
    'a change does not wait for the one before it',
    edit(
      RECONFIGURE,
      'if (isJoint(raft.config) || newestOf(raft.configs).index > raft.commit) {',
      'if (isJoint(raft.config)) {',
    ),
    edit(
      'core/node/reconcile.ts',
      "  if (index > raft.commit || raft.transfer !== undefined) return 'under way';",
      "  if (index < 0 || raft.transfer !== undefined) return 'under way';",
    ),
  ),
  membership(
    'no-joint',
    'several votes change at once, without a joint configuration',
    edit(RECONFIGURE, 'if (come.length + go.length <= 1) {', 'if (come.length + go.length <= 9) {'),
  ),
  membership(
    'change-stays-cut-off',
    'a configuration stays in force when its entry is cut off',
    edit(
      'core/raft/turn.ts',
      '  if (newestOf(raft.configs).index < from) return;\n',
      '  if (newestOf(raft.configs).index >= 0) return;\n',
    ),
  ),
  membership(
    'members-not-restored',
    'a restart does not look for configurations in the log',
    edit('core/raft/state.ts', 'if (entry.config !== undefined) configs', 'if (entry.term < 0) configs'),
  ),
  membership(
    'members-not-in-snapshot',
    'a restart does not look for the configuration in the snapshot',
    edit(
      'core/raft/state.ts',
      'const first = snapshot?.config ?? simpleConfiguration(members.voters);',
      'const first = simpleConfiguration(members.voters);',
    ),
  ),
  membership(
    'snapshot-of-later-members',
    'a snapshot holds the configuration in force, not the one at its index',
    edit(
      'core/raft/snapshot.ts',
      'const snapshot: Snapshot<Image> = { index: logIndex(index), term, config, state };',
      'const snapshot: Snapshot<Image> = { index: logIndex(index), term, config: raft.config, state };',
    ),
  ),
  membership(
    'installed-members-forgotten',
    'an installed snapshot leaves the configuration as it was',
    edit(
      'core/raft/snapshot.ts',
      '  raft.configs = [{ index, config: snapshot.config }];\n  raft.config = snapshot.config;\n',
      '',
    ),
  ),
  membership(
    'follower-keeps-members',
    'a follower does not take the configuration that is appended to its log',
    edit(
      'core/raft/replication.ts',
      '    if (entry.config !== undefined) takeConfiguration(turn, raft.log.lastIndex, entry.config);\n',
      '',
    ),
    edit(
      'core/raft/replication.ts',
      'import { configurationCommitted, takeConfiguration } from',
      'import { configurationCommitted } from',
    ),
  ),
  membership(
    'learners-counted',
    'learners count for majorities',
    edit(
      CONFIGURATION,
      '  const reached = reachedByMajority(config.voters, numberOf);',
      '  const reached = reachedByMajority([...config.voters, ...config.learners], numberOf);',
    ),
  ),
  membership(
    'members-learners-campaign',
    'whoever is a member campaigns',
    edit(
      ELECTION,
      'if (hasVote(config, self)) return leftOutAt <= index;',
      'if (hasVote(config, self) || config.learners.includes(self)) return leftOutAt <= index;',
    ),
  ),
  membership(
    'removed-leader-counts',
    'a leader that left itself out counts its own log',
    edit(
      'core/raft/progress.ts',
      '  return reachedByQuorum(config, (node) => {',
      '  return reachedByQuorum(config.voters.includes(self) ? config : { ...config, voters: [...config.voters, self] }, (node) => {',
    ),
  ),
  membership(
    'removed-leader-goes-early',
    'a leader that left itself out steps down when that is in its log',
    edit(
      RECONFIGURE,
      '  meetMembers(turn);\n  turn.membersChanged = true;\n',
      '  meetMembers(turn);\n  turn.membersChanged = true;\n  if (!hasVote(raft.config, raft.self)) becomeFollower(turn, raft.term, NO_NODE);\n',
    ),
  ),
  membership(
    'removed-leader-stays',
    'a leader that left itself out leads on when that is committed',
    edit(
      RECONFIGURE,
      'if (hasVote(raft.config, raft.self)) return;',
      'if (hasVote(raft.config, raft.self) || raft.term > 0) return;',
    ),
  ),
  membership(
    'members-joint-never-left',
    'a joint configuration is never left',
    edit(
      RECONFIGURE,
      'if (isJoint(raft.config)) return appendConfiguration(turn, leaveJoint(raft.config));',
      'if (isJoint(raft.config)) return;',
    ),
  ),
  membership(
    'joint-left-early',
    'a joint configuration is left before it is committed',
    edit(
      RECONFIGURE,
      '  appendConfiguration(turn, config);\n  return { type',
      '  appendConfiguration(turn, config);\n  if (isJoint(config)) appendConfiguration(turn, leaveJoint(config));\n  return { type',
    ),
  ),
  membership(
    'joint-not-inherited',
    'a leader leaves only the joint configurations that it began itself',
    edit(
      RECONFIGURE,
      'if (isJoint(raft.config)) return appendConfiguration(',
      'if (isJoint(raft.config) && newestOf(raft.configs).index < raft.termStart) return;\n  if (isJoint(raft.config)) return appendConfiguration(',
    ),
  ),
  membership(
    'demoted-forgotten',
    'voters that are to learn are forgotten when the joint configuration is left',
    edit(
      CONFIGURATION,
      'const all = learnersNext.length === 0 ? learners',
      'const all = learnersNext.length >= 0 ? learners',
    ),
  ),
  membership(
    'old-peers-served',
    'a leader goes on sending to those who were there before',
    edit(
      RECONFIGURE,
      '  raft.peers = peers;\n',
      '  if (peers.length >= raft.peers.length) raft.peers = peers;\n',
    ),
  ),
  membership(
    'leaving-never-leads',
    'a node that loses its vote does not campaign, although it alone has the entry that says so',
    edit(
      ELECTION,
      '  return before !== undefined && index > commit &&',
      '  return before !== undefined && index < commit &&',
    ),
  ),
  membership(
    'removed-not-told',
    'a node that was left out is never told',
    edit('core/raft/step.ts', '  if (index <= raft.commit) {\n', '  if (index < 0) {\n'),
  ),
  membership(
    'removed-told-early',
    'a node is told that it was left out before that is committed',
    edit('core/raft/step.ts', '  if (index <= raft.commit) {\n', '  if (index >= 0) {\n'),
  ),
  membership(
    'removed-goes-on',
    'a node that is told that it was left out asks on',
    edit(ELECTION, 'if (!mayCampaign(raft)) becomeFollower(', 'if (raft.term < 0) becomeFollower('),
  ),
  membership(
    'heir-never-made',
    'a node that hands over does not give those their vote who shall lead after it',
    edit(
      'core/node/chores.ts',
      'else if (options.meta) reconcileGroup(opened.raft, roster);',
      'else if (options.node < 0) reconcileGroup(opened.raft, roster);',
    ),
  ),
  membership(
    'left-out-asks-nobody',
    'a node that was left out, and started again before it knew, takes itself for a stranger',
    edit(
      'core/node/chores.ts',
      'if (roster !== undefined && !isMemberHere(turn) && !isBusy(work)) return;',
      'if (!isMemberHere(turn)) return;',
    ),
  ),
  membership(
    'companions-not-asked',
    'a node that has nothing of group 0 does not ask those with whom it is in a group',
    edit('core/node/chores.ts', 'known.length > 0 ? known : companions(turn)', 'known'),
  ),
  membership(
    'led-back',
    'a leader leads its group towards an agreed roster although a newer one is in its log',
    edit(
      'core/node/chores.ts',
      'if ((node.membership.book?.version ?? 0) > roster.version) return soon;',
      'if ((node.membership.book?.version ?? 0) < 0) return soon;',
    ),
  ),
  membership(
    'asks-the-old-members',
    'who knows an agreed roster and a newer one in its log asks the members of the agreed one alone',
    edit(
      'core/node/chores.ts',
      '[...(book?.members ?? []), ...rosterOf(turn).members]',
      '[...(roster === undefined ? (book?.members ?? []) : []), ...rosterOf(turn).members]',
    ),
  ),
  membership(
    'transfer-to-one-behind',
    'the target of a transfer is told before it is level',
    edit(TRANSFER, '|| progress.match < raft.log.lastIndex) return;', ') return;'),
  ),
  membership(
    'proposals-in-transfer',
    'proposals are accepted while leadership is handed over',
    edit(
      'core/raft/replication.ts',
      '  if (raft.transfer !== undefined) {\n',
      '  if (raft.transfer !== undefined && raft.term < 0) {\n',
    ),
  ),
  membership(
    'transfer-never-ends',
    'a transfer is never given up',
    edit(TRANSFER, '  if (context.now >= transfer.deadline) {\n', '  if (context.now < 0) {\n'),
  ),
  membership(
    'transfer-outlives-leadership',
    'a transfer outlives the leadership',
    edit(
      'core/raft/role.ts',
      '  raft.uncommittedBytes = 0;\n  raft.transfer = undefined;\n}',
      '  raft.uncommittedBytes = 0;\n}',
    ),
  ),
  membership(
    'handed-over-unheard',
    'a candidate that the leader asked for is not heard either',
    edit(
      'core/raft/step.ts',
      'if (hearsFromLeader(turn) && !message.handedOver) return',
      'if (hearsFromLeader(turn)) return',
    ),
  ),
  membership(
    'always-handed-over',
    'every candidate says that the leader asked for it',
    edit(
      ELECTION,
      'if (isGranted(turn)) campaign(turn, false);\n}\n\n/**\n * Whether this',
      'if (isGranted(turn)) campaign(turn, true);\n}\n\n/**\n * Whether this',
    ),
    edit(
      ELECTION,
      'countVote(turn, from, answer.granted);\n  if (isGranted(turn)) campaign(turn, false);',
      'countVote(turn, from, answer.granted);\n  if (isGranted(turn)) campaign(turn, true);',
    ),
  ),
  membership(
    'uncommitted-vote-lost',
    'a node that an entry leaves out does not campaign any more, committed or not',
    edit(
      ELECTION,
      'return before !== undefined && index > commit && leftOutAt < index',
      'return before === undefined && index > commit && leftOutAt < index',
    ),
  ),
  membership(
    'change-settled-too-late',
    'what a change of members makes due comes about after the turn has looked at what is committed',
    edit('core/node/node.ts', '  settleMembers(opened.raft);\n', ''),
  ),
];
