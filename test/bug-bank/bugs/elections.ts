/** Mistakes in elections: votes, terms, pre-votes and quorums. */

import { bugsOf, edit, type Bug } from './bug.js';

const ELECTION = 'core/raft/election.ts';
const ROLE = 'core/raft/role.ts';
const CONFIGURATION = 'core/raft/configuration.ts';
const LOG = 'core/raft/log.ts';
const STEP = 'core/raft/step.ts';

const bug = bugsOf('elections');

export const ELECTIONS: readonly Bug[] = [
  bug(
    'vote-twice',
    'a follower votes for everybody who asks in a term',
    edit(
      ELECTION,
      'const granted = free && isUpToDate(raft.log, request.lastIndex, request.lastTerm);',
      "const granted = (raft.role === 'follower' || raft.role === 'precandidate') && isUpToDate(raft.log, request.lastIndex, request.lastTerm);",
    ),
  ),
  bug(
    'vote-any-log',
    'a voter does not look at the log of the candidate',
    edit(
      LOG,
      'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
      'return true;',
    ),
  ),
  bug(
    'vote-log-by-index',
    'a voter compares only the lengths of the logs',
    edit(
      LOG,
      'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
      'return lastIndex >= log.lastIndex;',
    ),
  ),
  bug(
    'vote-log-by-term',
    'a voter compares only the last terms of the logs',
    edit(
      LOG,
      'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
      'return lastTerm >= log.lastTerm;',
    ),
  ),
  bug(
    'vote-not-written',
    'a vote is never written to the disk',
    edit(ELECTION, 'raft.vote = from;\n      turn.hardChanged = true;', 'raft.vote = from;'),
  ),
  bug(
    'vote-before-durable',
    'a vote is given before it is on the disk',
    edit(
      ELECTION,
      "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, afterHardState(turn));",
      "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, AT_ONCE);",
    ),
  ),
  bug(
    'own-vote-not-awaited',
    'a candidate asks for votes and leads before its own vote is durable',
    edit(ELECTION, '  if (raft.durable.term !== raft.term || raft.durable.vote !== raft.self) return;\n', ''),
    edit(
      ELECTION,
      'lastTerm, handedOver },\n      afterEverything(turn),',
      'lastTerm, handedOver },\n      AT_ONCE,',
    ),
    edit(ROLE, 'raft.durable.term === raft.term && raft.durable.vote === raft.self,', 'true,'),
  ),
  bug(
    'quorum-one-short',
    'half of the voters, rounded down, pass for a majority',
    edit(CONFIGURATION, 'return (count >>> 1) + 1;', 'return count >>> 1;'),
  ),
  bug(
    'quorum-of-even',
    'half of the voters, rounded up, pass for a majority: wrong only for an even number of nodes',
    edit(CONFIGURATION, 'return (count >>> 1) + 1;', 'return (count + 1) >>> 1;'),
  ),
  bug(
    'stale-grant-counted',
    'a candidate counts a vote that was given in an older term',
    edit(
      STEP,
      'if (message.term < raft.term) {',
      "if (message.term < raft.term && message.type !== 'VoteAnswer') {",
    ),
  ),
  bug(
    'voter-counted-twice',
    'a repeated vote counts twice',
    edit(ELECTION, '  if (raft.votes.some((heard) => heard.voter === voter)) return;\n', ''),
  ),
  bug(
    'refusal-counted',
    'a refused vote counts like a granted one',
    edit(ELECTION, 'if (voter === node) return granted;', 'if (voter === node) return granted || true;'),
  ),
  bug(
    'pre-votes-kept-as-votes',
    'the pre-votes of a candidate are counted as its votes',
    edit(
      ROLE,
      'raft.vote = raft.self;\n  raft.leader = NO_NODE;\n  raft.votes = EMPTY_LIST;',
      'raft.vote = raft.self;\n  raft.leader = NO_NODE;',
    ),
  ),
  bug(
    'late-pre-vote-counted',
    'a pre-vote that arrives during the election counts as a vote',
    edit(
      ELECTION,
      "  if (raft.role !== 'precandidate') return;\n",
      "  if (raft.role === 'candidate' && answer.granted) {\n    countVote(turn, from, true);\n    return winIfElected(turn);\n  }\n  if (raft.role !== 'precandidate') return;\n",
    ),
  ),
  bug(
    'vote-kept-in-new-term',
    'a new term does not free the vote',
    edit(ROLE, '    raft.vote = NO_NODE;\n', ''),
  ),
  bug(
    'vote-freed-in-same-term',
    'whoever becomes a follower forgets the vote of the present term too',
    edit(ROLE, 'if (term > raft.term) {', 'if (term >= raft.term) {'),
  ),
  bug(
    'term-not-written',
    'a term that was learnt from another node is not written to the disk',
    edit(ROLE, 'raft.vote = NO_NODE;\n    turn.hardChanged = true;', 'raft.vote = NO_NODE;'),
  ),
  bug(
    'pre-vote-raises-term',
    'being asked for a pre-vote raises the term',
    edit(
      STEP,
      "    case 'PreVoteRequest':\n      return true;\n",
      "    case 'PreVoteRequest':\n      becomeFollower(turn, (message.term - 1) as Term, NO_NODE);\n      return true;\n",
    ),
  ),
  bug(
    'pre-vote-any-log',
    'a pre-vote is granted whatever the log of the asker',
    edit(
      ELECTION,
      '!hearsFromLeader(turn) &&\n    isUpToDate(raft.log, request.lastIndex, request.lastTerm);',
      '!hearsFromLeader(turn);',
    ),
  ),
  bug(
    'pre-vote-against-leader',
    'a pre-vote is granted although a leader is heard',
    edit(ELECTION, '    !hearsFromLeader(turn) &&\n', ''),
  ),
  bug(
    'vote-against-leader',
    'a candidate is heard although a leader is: a returning node unseats it',
    edit(STEP, '      if (hearsFromLeader(turn) && !message.handedOver) return false;\n', ''),
  ),
  bug(
    'no-pre-vote',
    'a node campaigns without asking for pre-votes',
    edit(
      ELECTION,
      '    else startPreVote(turn);',
      '    else if (mayCampaign(raft)) campaign(turn, false);\n    else restartElectionTimer(turn);',
    ),
  ),
  bug(
    'older-term-ignored-not-told',
    'a leader that hears of a newer term in an answer goes on',
    edit(
      STEP,
      "    case 'HeartbeatAnswer':\n    case 'ReadIndexRequest':\n    case 'ReadIndexAnswer':\n    case 'ReadIndexRefused':\n      becomeFollower(turn, message.term, NO_NODE);\n      return true;",
      "    case 'HeartbeatAnswer':\n    case 'ReadIndexRequest':\n    case 'ReadIndexAnswer':\n    case 'ReadIndexRefused':\n      return false;",
    ),
  ),
  bug(
    'no-check-quorum',
    'a leader that lost touch with the majority leads for ever',
    edit(ELECTION, '  if (context.now >= raft.quorumCheckAt) checkQuorum(turn);\n', ''),
  ),
  bug(
    'check-quorum-one-short',
    'a leader that lost touch needs one node less than a majority to stay',
    edit(
      ELECTION,
      'reachedByMembers(raft, context.now, heardAt) <= since',
      '([context.now, ...raft.peers.map(heardAt)].sort((a, b) => b - a)[(raft.config.voters.length >>> 1) - 1] ?? context.now) <= since',
    ),
  ),
  bug(
    'heard-leader-campaigns',
    'a word from the leader does not put off the next election',
    edit(
      ROLE,
      '  raft.electionDeadline = monotonicMs(context.now + raft.electionPatienceMs);\n',
      '  if (raft.electionDeadline < context.now) raft.electionDeadline = monotonicMs(context.now + raft.electionPatienceMs);\n',
    ),
  ),
  bug(
    'candidate-keeps-term',
    'a candidate campaigns in the term that it is in when it has not voted there',
    edit(
      ROLE,
      'raft.term = (raft.term + 1) as Term;',
      'if (raft.vote !== NO_NODE || raft.term === 0) raft.term = (raft.term + 1) as Term;',
    ),
  ),
];
