/** Mistakes in changes of the members and in transfers of leadership. */

import { bugsOf, edit, type Bug } from './bug.js';

const CONFIGURATION = 'core/raft/configuration.ts';
const RECONFIGURE = 'core/raft/reconfigure.ts';
const TRANSFER = 'core/raft/transfer.ts';
const ELECTION = 'core/raft/election.ts';
const SNAPSHOT = 'core/raft/snapshot.ts';
const STATE = 'core/raft/state.ts';
const STEP = 'core/raft/step.ts';
const TURN = 'core/raft/turn.ts';
const RECONCILE = 'core/node/reconcile.ts';

const bug = bugsOf('membership');

export const MEMBERS: readonly Bug[] = [
  bug(
    'joint-quorum-of-one-half',
    'in a joint configuration a majority of the incoming half decides alone',
    edit(
      CONFIGURATION,
      'hasMajority(config.voters, holds) && (config.outgoing.length === 0 || hasMajority(config.outgoing, holds))',
      'hasMajority(config.voters, holds)',
    ),
  ),
  bug(
    'joint-commit-of-one-half',
    'in a joint configuration a majority of the incoming half commits alone',
    edit(
      CONFIGURATION,
      'return config.outgoing.length === 0\n    ? reached',
      'return config.voters.length > 0\n    ? reached',
    ),
  ),
  bug(
    'joint-never-left',
    'a joint configuration is never left',
    edit(
      RECONFIGURE,
      'if (isJoint(raft.config)) return appendConfiguration(turn, leaveJoint(raft.config));',
      'if (isJoint(raft.config)) return;',
    ),
  ),
  bug(
    'joint-left-too-early',
    'a joint configuration is left before it is committed',
    edit(
      RECONFIGURE,
      "if (raft.role !== 'leader' || newestOf(raft.configs).index > raft.commit || raft.commit < raft.termStart)\n    return;",
      "if (raft.role !== 'leader' || raft.commit < raft.termStart) return;\n  if (!isJoint(raft.config) && newestOf(raft.configs).index > raft.commit) return;",
    ),
  ),
  bug(
    'many-votes-at-once',
    'several votes change in one step without a joint configuration',
    edit(RECONFIGURE, 'if (come.length + go.length <= 1) {', 'if (come.length + go.length <= 9) {'),
  ),
  bug(
    'change-before-the-last',
    'a change of members begins while another is under way',
    edit(
      RECONFIGURE,
      'if (isJoint(raft.config) || newestOf(raft.configs).index > raft.commit) {',
      'if (isJoint(raft.config)) {',
    ),
    edit(
      RECONCILE,
      "if (index > raft.commit || raft.transfer !== undefined) return 'under way';",
      "if (raft.transfer !== undefined) return 'under way';",
    ),
  ),
  bug(
    'change-before-own-entry',
    'a leader changes the members before it has committed an entry of its term (the bug of 2015)',
    edit(RECONFIGURE, 'if (raft.commit < raft.termStart) {', 'if (raft.commit < 0) {'),
  ),
  bug(
    'truncated-configuration-kept',
    'a configuration that was cut off with the log stays in force',
    edit(TURN, '  forgetConfigurationsFrom(turn, from);\n', ''),
  ),
  bug(
    'snapshot-of-newest-members',
    'a snapshot holds the newest members, not those at its index',
    edit(
      SNAPSHOT,
      '{ index: logIndex(index), term, config, state };',
      '{ index: logIndex(index), term, config: raft.config, state };',
    ),
  ),
  bug(
    'snapshot-members-ignored',
    'an installed snapshot does not bring its members',
    edit(
      SNAPSHOT,
      '      raft.configs = [{ index, config: snapshot.config }];\n      raft.config = snapshot.config;\n',
      '',
    ),
  ),
  bug(
    'members-forgotten-at-restart',
    'a node starts with the members that the cluster began with, whatever its snapshot says',
    edit(
      STATE,
      'const first = snapshot?.config ?? simpleConfiguration(members.voters);',
      'const first = simpleConfiguration(members.voters);',
    ),
  ),
  bug(
    'log-members-forgotten-at-restart',
    'a node that starts does not look for the members in its log',
    edit(
      STATE,
      'if (entry.config !== undefined) configs =',
      'if (entry.config !== undefined && configs.length > 9) configs =',
    ),
  ),
  bug(
    'members-known-before-joining-only',
    'a node that has not joined yet writes a snapshot that says that nobody is a member',
    edit(SNAPSHOT, '  if (config.voters.length === 0) return;\n', ''),
  ),
  bug(
    'learners-campaign',
    'learners ask for votes',
    edit(
      ELECTION,
      'return hasVote(config, self) && leftOutAt <=',
      'return (hasVote(config, self) || config.learners.includes(self)) && leftOutAt <=',
    ),
  ),
  bug(
    'left-out-node-asks-on',
    'a node that was told that it is left out goes on asking for votes',
    edit(ELECTION, ' && leftOutAt <= newestOf(configs).index;', ';'),
  ),
  bug(
    'left-out-node-not-told',
    'nobody tells a node that it was left out',
    edit(STEP, 'if (index <= raft.commit) {', 'if (index < 0) {'),
  ),
  bug(
    'left-out-leader-stays',
    'a leader that left itself out goes on leading',
    edit(RECONFIGURE, 'if (hasVote(raft.config, raft.self)) return;', 'if (raft.self > 0) return;'),
  ),
  bug(
    'left-out-leader-counts-itself',
    'a leader that has left itself out goes on counting itself in elections',
    edit(
      ELECTION,
      'return hasQuorum(raft.config, (node) =>',
      'return hasQuorum({ ...raft.config, voters: [...new Set([...raft.config.voters, raft.self])] }, (node) =>',
    ),
  ),
  bug(
    'promoted-when-far-behind',
    'a learner that lacks most of the log is made a voter',
    edit(
      RECONFIGURE,
      'return raft.log.lastIndex - progress.match <= context.options.maxPromotionLag && progress.match > 0;',
      'return true;',
    ),
    edit(
      RECONCILE,
      'return raft.log.lastIndex - progress.match <= context.options.maxPromotionLag;',
      'return true;',
    ),
    edit(
      RECONCILE,
      "if (progress === undefined || progress.mode !== 'replicate') return false;",
      'if (progress === undefined) return false;',
    ),
  ),
  bug(
    'newcomers-not-sent-to',
    'a leader goes on sending to the members that it began with',
    edit(RECONFIGURE, '  meetMembers(turn);\n  turn.membersChanged', '  turn.membersChanged'),
  ),
  bug(
    'change-makes-nothing-due',
    'what the members after a change hold already is committed only with the next acceptance',
    edit(RECONFIGURE, '  turn.membersChanged = true;\n', ''),
  ),
  bug(
    'transfer-before-level',
    'a leader hands over to a node that lacks entries, again and again',
    edit(
      TRANSFER,
      'if (progress === undefined || progress.match < raft.log.lastIndex) return;',
      'if (progress === undefined) return;',
    ),
  ),
  bug(
    'transfer-without-end',
    'a leader waits for ever for the node that it hands over to',
    edit(
      TRANSFER,
      'if (context.now >= transfer.deadline) {',
      'if (context.now >= transfer.deadline && transfer.told) {',
    ),
    edit(
      TRANSFER,
      'if (progress === undefined || progress.match < raft.log.lastIndex) return;',
      'if (progress === undefined || progress.match < raft.log.lastIndex + 1) return;',
    ),
  ),
  bug(
    'every-candidate-handed-over-to',
    'every candidate says that the leader told it to campaign',
    edit(
      ELECTION,
      'lastIndex, lastTerm, handedOver }',
      'lastIndex, lastTerm, handedOver: true || handedOver }',
    ),
  ),
  bug(
    'replaced-before-level',
    'who goes is taken out before those who come have caught up',
    edit(
      RECONCILE,
      'level.length === newcomers.length\n',
      'level.length <= newcomers.length && level.length > 0\n',
    ),
  ),
];
