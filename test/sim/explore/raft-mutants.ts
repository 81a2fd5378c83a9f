/** Changes of Raft that exploration must find, each within a bound that is just wide enough. */

import type { Mutant, Search } from '../../bug-bank/mutant.js';

export interface RaftMutant extends Mutant {
  readonly search: Search;
  /** The rule that notices it first. */
  readonly property: string;
}

/** One election and nothing else, on disks that are slow or not. */
const ELECTION = {
  elections: 1,
  maxTerm: 1,
  crashes: 0,
  lapses: 0,
  proposals: 0,
  inFlight: 4,
  overflow: 'cut',
} as const;
/** Two leaders, one after the other. */
const TWO_TERMS = { ...ELECTION, elections: 2, maxTerm: 2, disk: 'instant' } as const;
/** Many leaders over a network that has room for one message: the rest is lost, in every choice. */
const NARROW = {
  ...TWO_TERMS,
  elections: 4,
  maxTerm: 3,
  crashes: 1,
  inFlight: 1,
  overflow: 'lose',
} as const;

const MOST_STATES = 1_000_000;

function mutant(
  name: string,
  property: string,
  bound: Search['bound'],
  ...edits: readonly (readonly [file: string, find: string, replace: string])[]
): RaftMutant {
  return {
    name,
    property,
    search: { bound, maxStates: MOST_STATES },
    edits: edits.map(([file, find, replace]) => ({ file: `core/raft/${file}`, find, replace })),
  };
}

/**
 * Figure 8 of the paper up to its picture (d): node 1 led term 1 and kept its entry to itself; node 3 led term 2 with
 * the vote of node 2, and kept its own; node 1 leads again, in term 3, and has not yet sent anything.
 */
export const FIGURE_8_D: readonly string[] = [
  'node 1: timer',
  'node 2 loses, from 1: PreVoteRequest t1 last 0 t0',
  'node 3 gets, from 1: PreVoteRequest t1 last 0 t0',
  'node 1 gets, from 3: PreVoteAnswer t1 granted',
  'node 2 loses, from 1: VoteRequest t1 last 0 t0',
  'node 3 gets, from 1: VoteRequest t1 last 0 t0',
  'node 1 gets, from 3: VoteAnswer t1 granted',
  'node 2 loses, from 1: Append t1 after 0 t0: [t1], commit 0',
  'node 3: timer',
  'node 3 loses, from 1: Append t1 after 0 t0: [t1], commit 0',
  'node 1 loses, from 3: PreVoteRequest t2 last 0 t0',
  'node 2 gets, from 3: PreVoteRequest t2 last 0 t0',
  'node 3 gets, from 2: PreVoteAnswer t2 granted',
  'node 1 loses, from 3: VoteRequest t2 last 0 t0',
  'node 2 gets, from 3: VoteRequest t2 last 0 t0',
  'node 3 gets, from 2: VoteAnswer t2 granted',
  'node 1 loses, from 3: Append t2 after 0 t0: [t2], commit 0',
  'node 1 crashes; of the writes under way 0 survive',
  'node 1: timer',
  'node 2 loses, from 3: Append t2 after 0 t0: [t2], commit 0',
  'node 2 loses, from 1: PreVoteRequest t2 last 1 t1',
  'node 3 gets, from 1: PreVoteRequest t2 last 1 t1',
  'node 1 gets, from 3: PreVoteAnswer t2 refused',
  'node 1: timer',
  'node 3 loses, from 1: PreVoteRequest t3 last 1 t1',
  'node 2 gets, from 1: PreVoteRequest t3 last 1 t1',
  'node 1 gets, from 2: PreVoteAnswer t3 granted',
  'node 3 loses, from 1: VoteRequest t3 last 1 t1',
  'node 2 gets, from 1: VoteRequest t3 last 1 t1',
  'node 1 gets, from 2: VoteAnswer t3 granted',
];

const COUNTS_OLD_TERMS = [
  'replication.ts',
  '  if (termAt(raft.log, majority) !== raft.term) return;\n',
  '',
] as const;

/** Figure 8 by what comes of it alone: no rule here says how a commit must be justified. */
export const FIGURE_8_BY_ITS_HARM: RaftMutant = {
  ...mutant(
    'a leader that commits entries of older terms by counting',
    'leader completeness',
    {
      ...NARROW,
      elections: 5,
      maxTerm: 4,
      heartbeats: 1,
      lapses: 1,
      singleEntries: true,
      rules: 'outcomes',
    },
    COUNTS_OLD_TERMS,
  ),
};

export const RAFT_MUTANTS: readonly RaftMutant[] = [
  mutant(
    'a leader that commits entries of older terms by counting (figure 8)',
    'commit justified',
    { ...NARROW, singleEntries: true },
    COUNTS_OLD_TERMS,
  ),
  mutant(
    'a voter that does not look at the log of the candidate',
    'leader completeness',
    { ...TWO_TERMS, lapses: 1 },
    [
      'log.ts',
      'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
      'return true;',
    ],
  ),
  mutant(
    'a voter that votes for whoever asks',
    'one vote a term',
    { ...ELECTION, elections: 2, disk: 'instant', inFlight: 6 },
    [
      'election.ts',
      '  const free =\n    raft.vote === from ||\n    (raft.vote === NO_NODE && raft.leader === NO_NODE && (request.handedOver || !hearsFromLeader(turn)));',
      '  const free = raft.vote !== raft.self;',
    ],
  ),
  mutant('a vote that is given before it is durable', 'nothing said before it is durable', ELECTION, [
    'election.ts',
    "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, afterHardState(turn));",
    "send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, AT_ONCE);",
  ]),
  mutant(
    'a candidate that asks before its own vote is durable',
    'nothing said before it is durable',
    ELECTION,
    ['election.ts', 'handedOver },\n      afterEverything(turn),', 'handedOver },\n      AT_ONCE,'],
  ),
  mutant(
    'a follower that acknowledges entries before they are durable',
    'nothing said before it is durable',
    ELECTION,
    [
      'replication.ts',
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, afterEverything(turn)",
      "{ type: 'AppendAccepted', term: raft.term, index: lastNew }, AT_ONCE",
    ],
  ),
  mutant('a leader that counts itself before its log is durable', 'commit justified', ELECTION, [
    'replication.ts',
    'const majority = reachedByMembers(raft, raft.durable.lastIndex, matchOf);',
    'const majority = reachedByMembers(raft, raft.log.lastIndex, matchOf);',
  ]),
  mutant('a follower that compares the index of the entry before, but not its term', 'log matching', NARROW, [
    'replication.ts',
    'if (termAt(raft.log, previousIndex) !== previousTerm) {',
    'if (previousIndex > raft.log.lastIndex) {',
  ]),
  mutant(
    'a follower that cuts its log off before every entry',
    'match is durable',
    { ...ELECTION, proposals: 1, duplicates: 1 },
    ['replication.ts', '      if (termAt(raft.log, index) === entry.term) continue;\n', ''],
  ),
  mutant(
    'a follower that commits what its append did not prove to match',
    'commit within the log',
    { ...TWO_TERMS, crashes: 1, proposals: 1, singleEntries: true, inFlight: 2, overflow: 'lose' },
    [
      'replication.ts',
      'const commit = logIndex(Math.min(append.commit, lastNew));',
      'const commit = append.commit;',
    ],
  ),
  mutant(
    'a heartbeat that commits what the follower may not have',
    'assertions hold',
    { ...ELECTION, disk: 'instant', heartbeats: 1 },
    ['heartbeat.ts', 'const commit = logIndex(Math.min(raft.commit, match));', 'const commit = raft.commit;'],
  ),
  mutant('an append of an older term that is accepted', 'assertions hold', { ...TWO_TERMS, lapses: 1 }, [
    'step.ts',
    '  if (message.term < raft.term) {',
    "  if (message.term < raft.term && message.type !== 'Append') {",
  ]),
  mutant(
    'votes of an older term that are counted',
    'leaders are elected',
    { ...TWO_TERMS, reduction: false },
    [
      'step.ts',
      "    case 'PreVoteAnswer':\n    case 'VoteAnswer':\n    case 'AppendAccepted':\n    case 'AppendRefused':\n    case 'HeartbeatAnswer':\n    case 'NotMember':\n    case 'ReadIndexAnswer':",
      "    case 'VoteAnswer':\n      return voteAnswered(turn, from, message);\n    case 'PreVoteAnswer':\n    case 'AppendAccepted':\n    case 'AppendRefused':\n    case 'HeartbeatAnswer':\n    case 'NotMember':\n    case 'ReadIndexAnswer':",
    ],
  ),
  mutant('a leader that a minority elected', 'leaders are elected', { ...ELECTION, disk: 'instant' }, [
    'election.ts',
    'if (isGranted(turn)) becomeLeader(turn);',
    'becomeLeader(turn);',
  ]),
  mutant(
    'a node that forgets its vote when it starts again',
    'durable is on disk',
    { ...ELECTION, elections: 2, disk: 'instant', crashes: 1 },
    ['state.ts', '    vote: image.vote,\n    log,', '    vote: NO_NODE,\n    log,'],
  ),
  mutant(
    'a write that vouches for entries that were cut off since',
    'durable is on disk',
    { ...TWO_TERMS, disk: 'slow', lapses: 1, inFlight: 3 },
    ['turn.ts', '  forgetDurableFrom(turn, from);\n  logChangedFrom', '  logChangedFrom'],
  ),
  mutant(
    'a leader that answers reads without asking whether it still leads',
    'reads are fresh',
    { ...TWO_TERMS, lapses: 1, reads: 1, inFlight: 1, overflow: 'lose' },
    ['read-index.ts', '    if (read.round > confirmed) return;\n', ''],
  ),
  mutant(
    'a new leader that reads before its first entry is committed',
    'reads are fresh',
    { ...TWO_TERMS, lapses: 1, reads: 1, inFlight: 1, overflow: 'lose' },
    ['read-index.ts', '  if (raft.commit < raft.termStart) {', '  if (raft.commit < 0) {'],
  ),
  mutant(
    'a snapshot that keeps a log which contradicts it',
    'state-machine safety',
    { ...NARROW, snapshots: 1 },
    [
      'snapshot.ts',
      '    if (termAt(raft.log, index) !== term) return true;',
      '    if (index > raft.log.lastIndex) return true;',
    ],
  ),
  mutant(
    'a snapshot that is acknowledged before it is durable',
    'nothing said before it is durable',
    { ...TWO_TERMS, disk: 'slow', crashes: 1, snapshots: 1, inFlight: 1, overflow: 'lose' },
    ['snapshot.ts', 'index: raft.commit }, afterEverything(turn));', 'index: raft.commit }, AT_ONCE);'],
  ),
];
