/** Mistakes in log replication and commit. */

import { bugsOf, edit, type Bug } from './bug.js';

const REPLICATION = 'core/raft/replication.ts';
const CONFIGURATION = 'core/raft/configuration.ts';
const PROGRESS = 'core/raft/progress.ts';
const HEARTBEAT = 'core/raft/heartbeat.ts';
const STEP = 'core/raft/step.ts';
const ROLE = 'core/raft/role.ts';

const bug = bugsOf('replication');

export const REPLICATIONS: readonly Bug[] = [
  bug(
    'figure-8',
    'a leader commits entries of older terms by counting',
    edit(REPLICATION, '  if (termAt(raft.log, majority) !== raft.term) return;\n', ''),
  ),
  bug(
    'previous-term-unchecked',
    'a follower compares the index of the entry before, but not its term',
    edit(
      REPLICATION,
      'if (termAt(raft.log, previousIndex) !== previousTerm) {',
      'if (previousIndex > raft.log.lastIndex) {',
    ),
  ),
  bug(
    'gap-accepted',
    'a follower that lacks the entry before takes the entries at the end of its log',
    edit(
      REPLICATION,
      'if (termAt(raft.log, previousIndex) !== previousTerm) {',
      'if (previousIndex <= raft.log.lastIndex && termAt(raft.log, previousIndex) !== previousTerm) {',
    ),
  ),
  bug(
    'truncates-without-conflict',
    'entries that are already there are cut off and appended again',
    edit(REPLICATION, '      if (termAt(raft.log, index) === entry.term) continue;\n', ''),
  ),
  bug(
    'old-append-shortens',
    'an old append cuts off what follows its last entry',
    edit(
      REPLICATION,
      '  const lastNew = logIndex(previousIndex + entries.length);\n',
      '  const lastNew = logIndex(previousIndex + entries.length);\n  if (raft.log.lastIndex > lastNew && entries.length > 0) truncateLog(turn, lastNew + 1);\n',
    ),
  ),
  bug(
    'conflict-kept',
    'a conflicting entry is kept instead of the new one',
    edit(REPLICATION, '      truncateLog(turn, index);\n', '      continue;\n'),
  ),
  bug(
    'commit-own-log',
    'a follower commits up to the end of its log instead of what the append proved',
    edit(REPLICATION, 'Math.min(append.commit, lastNew)', 'Math.min(append.commit, raft.log.lastIndex)'),
  ),
  bug(
    'heartbeat-commit-unclamped',
    'a heartbeat commits whatever the follower has there',
    edit(
      HEARTBEAT,
      'const commit = logIndex(Math.min(raft.commit, match));',
      'const commit = logIndex(Math.max(raft.commit, match * 0));',
    ),
    edit(HEARTBEAT, 'heartbeat.commit <= raft.log.lastIndex,', 'heartbeat.commit >= 0,'),
    edit(
      HEARTBEAT,
      'if (heartbeat.commit > raft.commit) commitTo(turn, heartbeat.commit);',
      'const upTo = logIndex(Math.min(heartbeat.commit, raft.log.lastIndex));\n  if (upTo > raft.commit) commitTo(turn, upTo);',
    ),
  ),
  bug(
    'match-is-what-was-sent',
    'any acceptance counts for everything that was sent',
    edit(REPLICATION, 'Math.max(known.match, answer.index)', 'Math.max(known.match, known.next - 1)'),
  ),
  bug(
    'match-is-last-answer',
    'an old acceptance takes the match back',
    edit(REPLICATION, 'logIndex(Math.max(known.match, answer.index))', 'logIndex(answer.index)'),
  ),
  bug(
    'older-acceptance-counted',
    'a leader counts an acceptance of an older term',
    edit(
      STEP,
      'if (message.term < raft.term) {',
      "if (message.term < raft.term && message.type !== 'AppendAccepted') {",
    ),
  ),
  bug(
    'older-append-taken',
    'a follower takes entries from the leader of an older term',
    edit(
      STEP,
      'if (message.term < raft.term) {',
      "if (message.term < raft.term && (message.type !== 'Append' || raft.leader !== NO_NODE)) {",
    ),
  ),
  bug(
    'stale-refusal-honoured',
    'a late refusal takes back what is known to match',
    edit(
      REPLICATION,
      "      if (answer.refused > known.match) {\n        replacePeer(turn, at, inMode(known, 'probe', logIndex(known.match + 1)));\n",
      "      if (answer.refused > 0) {\n        const match = logIndex(Math.min(known.match, answer.hintIndex));\n        replacePeer(turn, at, inMode({ ...known, match }, 'probe', logIndex(known.match + 1)));\n",
    ),
  ),
  bug(
    'counts-itself-early',
    'a leader counts its own entry before it is on its disk',
    edit(
      REPLICATION,
      'reachedByMembers(raft, raft.durable.lastIndex,',
      'reachedByMembers(raft, raft.log.lastIndex,',
    ),
  ),
  bug(
    'majority-off-by-one',
    'an entry is committed with one holder less than a majority',
    edit(
      CONFIGURATION,
      'const quorum = majorityOf(voters.length);',
      'const quorum = majorityOf(voters.length) - 1;',
    ),
  ),
  bug(
    'majority-of-even',
    'half of the nodes count as a majority: wrong only for an even number of nodes',
    edit(
      CONFIGURATION,
      'const quorum = majorityOf(voters.length);',
      'const quorum = (voters.length + 1) >>> 1;',
    ),
  ),
  bug(
    'no-empty-entry',
    'a new leader does not open its term with an entry',
    edit(
      ROLE,
      '  raft.log = appendEntry(raft.log, { term: raft.term, payload: NO_PAYLOAD });\n  logChangedFrom(turn, raft.termStart);\n',
      '',
    ),
    edit(
      'core/raft/read-index.ts',
      'if (raft.commit < raft.termStart) {',
      'if (raft.commit + 1 < raft.termStart) {',
    ),
  ),
  bug(
    'window-ignored',
    'as many appends are in flight as there are',
    edit(
      REPLICATION,
      '  if (length >= maxInflightAppends) return false;\n',
      '  if (maxInflightAppends === 0) return false;\n',
    ),
  ),
  bug(
    'behind-commit-accepts-all',
    'an append from before the commit index is answered with the end of the log',
    edit(
      REPLICATION,
      "{ type: 'AppendAccepted', term: raft.term, index: raft.commit }",
      "{ type: 'AppendAccepted', term: raft.term, index: raft.log.lastIndex }",
    ),
  ),
  bug(
    'accepts-own-last',
    'an append is answered with the end of the log instead of its last entry',
    edit(
      REPLICATION,
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }",
      "{ type: 'AppendAccepted', term: raft.term, index: raft.log.lastIndex }",
    ),
  ),
  bug(
    'accepts-previous-only',
    'only the first of the entries of an append is taken, and all are accepted',
    edit(
      REPLICATION,
      'takeEntries(turn, previousIndex, entries);',
      'takeEntries(turn, previousIndex, entries.length > 2 ? entries.slice(0, 2) : entries);',
    ),
  ),
  bug(
    'next-skips-one',
    'after an acceptance the leader goes on one entry too far',
    edit(
      REPLICATION,
      "if (levels) progress = inMode(progress, 'replicate', logIndex(match + 1));",
      "if (levels) progress = inMode(progress, 'replicate', logIndex(match + 1));\n  if (levels && match + 1 < raft.log.lastIndex) progress = { ...progress, match: logIndex(match + 1), next: logIndex(match + 2) };",
    ),
  ),
  bug(
    'figure-8-by-first-entry',
    'an entry of any term is committed once the leader has committed one of its own',
    edit(
      REPLICATION,
      'if (termAt(raft.log, majority) !== raft.term) return;',
      'if (majority < raft.termStart - 1) return;',
    ),
  ),
  bug(
    'silent-counted',
    'a follower that was never heard of counts as holding the log that it had before the term',
    edit(PROGRESS, 'peer,\n    match: logIndex(0),', 'peer,\n    match: logIndex(next - 1),'),
    edit(PROGRESS, 'matchAtTick: logIndex(0),', 'matchAtTick: logIndex(next - 1),'),
  ),
];
