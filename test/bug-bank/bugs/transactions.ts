/** Mistakes in transactions: what is validated and when, what intents keep away, what a decision is, what is settled and forgotten. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const bug = bugsOf('transactions');

const TRANSACTIONS = 'core/partition/transactions.ts';
const OBSERVATIONS = 'core/partition/observations.ts';
const BLOCKING = 'core/partition/blocking.ts';
const PREPARED = 'core/partition/prepared.ts';
const PUBLISH = 'core/partition/publish.ts';
const COMMIT = 'core/transactions/commit.ts';
const KEY_VIEW = 'core/transactions/key-view.ts';
const OPERATE = 'core/transactions/operate.ts';
const RESOLVER = 'core/node/resolver.ts';

const MISTAKES: readonly Bug[] = [
  bug(
    'validation-left-out',
    'what was read is not looked at again once all is prepared',
    edit(
      COMMIT,
      '      return validate(turn, latestOf(parts));',
      "      return decide(turn, { type: 'Commit', at: latestOf(parts) as Timestamp });",
    ),
  ),
  bug(
    'observed-key-not-compared',
    'a key that was read may have been written since',
    edit(
      OBSERVATIONS,
      '  if ((entry?.revision ?? NEVER_WRITTEN) !== revision) {',
      '  if (revision < NEVER_WRITTEN) {',
    ),
  ),
  bug(
    'observed-range-not-compared',
    'a range that was read may have got keys since',
    edit(
      OBSERVATIONS,
      '    if (compareTimestamps(lastChange(entry), range.at) > 0) {',
      '    if (entry.revision < NEVER_WRITTEN) {',
    ),
  ),
  bug(
    'observed-intent-overlooked',
    'a key that was read may be about to be written by somebody else',
    edit(
      OBSERVATIONS,
      '  if (holder !== undefined && holder !== transaction) return broken(intendedBy(key, holder));\n',
      '',
    ),
  ),
  bug(
    'own-reads-not-observed',
    'a read leaves no observation',
    edit(
      KEY_VIEW,
      '  const observed = view.observed || own === undefined;',
      '  const observed = view.observed && own === undefined;',
    ),
  ),
  bug(
    'own-writes-unseen',
    'a transaction reads what was committed, and not what it has written itself',
    edit(KEY_VIEW, '  const read = own === undefined ? value : own.value;', '  const read = value;'),
  ),
  bug(
    'reads-through-intents',
    'a read shows a key that is about to be written as it was before',
    edit(
      BLOCKING,
      '  return revision !== undefined && revision <= current ? NOBODY : [transaction];',
      '  return revision !== undefined || current >= NEVER_WRITTEN ? NOBODY : [transaction];',
    ),
  ),
  bug(
    'writes-over-intents',
    'a plain write does not wait for an intent on its key',
    edit(
      BLOCKING,
      '      return oneOrNobody(intentOn(contents, operation.key));',
      "      return operation.key === '' ? oneOrNobody(intentOn(contents, operation.key)) : NOBODY;",
    ),
  ),
  bug(
    'snapshot-through-intents',
    'a read of a past does not wait for what may be committed in it',
    edit(
      PREPARED,
      '  return prepared !== undefined && compareTimestamps(prepared.preparedAt, at) <= 0;',
      '  return prepared !== undefined && at.wall < 0;',
    ),
  ),
  bug(
    'snapshot-comes-too-early',
    'a read at a time shows a partition that has not come to it',
    edit(
      BLOCKING,
      '  return at !== undefined && compareTimestamps(at, lastModified) > 0;',
      '  return at !== undefined && at.wall < lastModified.wall && at.wall < 0;',
    ),
  ),
  bug(
    'settling-forgets-a-key',
    'the last of several keys is not written when a transaction is settled',
    edit(
      PUBLISH,
      '  for (const write of writes) {',
      '  for (const write of writes.length > 1 ? writes.slice(0, -1) : writes) {',
    ),
  ),
  bug(
    'abort-keeps-intents',
    'an aborted transaction leaves its intents where they are',
    edit(
      TRANSACTIONS,
      "  if (decision.type === 'Abort') return { contents: { ...contents, transactions }, outcome };",
      "  if (decision.type === 'Abort') return { contents: settled, outcome };",
    ),
  ),
  bug(
    'decision-overwritten',
    'a commit is decided although an abort was',
    edit(
      TRANSACTIONS,
      "  if (record !== undefined && record.state !== 'Undecided') {\n    return { contents, outcome: decisionOutcome(record) };",
      "  if (record?.state === 'Committed' || (record?.state === 'Aborted' && decision.type === 'Abort')) {\n    return { contents, outcome: decisionOutcome(record) };",
    ),
  ),
  bug(
    'abort-without-tombstone',
    'an abort of which there is no record leaves none',
    edit(
      TRANSACTIONS,
      '  return { contents: { ...contents, transactions }, outcome: decisionOutcome(aborted) };',
      '  return { contents: record === undefined ? contents : { ...contents, transactions }, outcome: decisionOutcome(aborted) };',
    ),
  ),
  bug(
    'late-prepare-taken',
    'what was decided may still be prepared',
    edit(
      TRANSACTIONS,
      "  if (record !== undefined && record.state !== 'Undecided') {\n    const reason",
      "  if (record !== undefined && record.state === 'Committed') {\n    const reason",
    ),
  ),
  bug(
    'commit-at-once-over-intents',
    'a commit at once does not look for the intents of others on what it writes',
    edit(
      TRANSACTIONS,
      '  if (preparedIn(contents, transaction) !== undefined) return { contents, ...underWay(transaction) };\n  const conflict = conflictOf(contents, transaction, writes) ?? conflictWith(contents, transaction, reads);',
      '  if (preparedIn(contents, transaction) !== undefined) return { contents, ...underWay(transaction) };\n  const conflict = conflictWith(contents, transaction, reads);',
    ),
  ),
  bug(
    'commit-time-per-partition',
    'each partition gives its versions a time of its own',
    edit(
      TRANSACTIONS,
      '  const { at } = decision;\n  const { preparedAt: unchangedSince, writes } = prepared;',
      '  const { preparedAt: unchangedSince, writes } = prepared;\n  const at = unchangedSince;',
    ),
  ),
  bug(
    'commit-time-of-the-first',
    'a transaction is committed at the time when the first of its intents was placed',
    edit(
      COMMIT,
      '    if (latest === undefined || compareTimestamps(preparedAt, latest) > 0) latest = preparedAt;',
      '    if (latest === undefined || compareTimestamps(preparedAt, latest) < 0) latest = preparedAt;',
    ),
  ),
  bug(
    'finished-before-settled',
    'a record is finished before anybody has settled',
    edit(
      COMMIT,
      "      return startStep(turn, 'Settling');",
      "      return startStep(turn, decision?.type === 'Commit' ? 'Finishing' : 'Settling');",
    ),
  ),
  bug(
    'answered-before-decision',
    'a commit is answered before it is decided',
    edit(
      COMMIT,
      "      return decide(turn, { type: 'Commit', at: commitAt });",
      "      announce(turn, committed(commitAt));\n      return decide(turn, { type: 'Commit', at: commitAt });",
    ),
  ),
  bug(
    'turned-away-is-final',
    'whom a lock kept from a commit at once is told that it is aborted, though its request may still come',
    edit(
      COMMIT,
      '    if (!mayCome) return conclude(turn',
      '    if (!mayCome || blocker !== undefined) return conclude(turn',
    ),
  ),
  bug(
    'left-is-aborted-unasked',
    'who finds an old intent drops it, and does not ask the record',
    edit(
      RESOLVER,
      "      ? send(turn, opened, item, [{ type: 'Decide', group, transaction, decision: { type: 'Abort' } }])",
      "      ? send(turn, opened, item, [settleOf({ group: opened.raft.raft.group }, transaction, { type: 'Abort' })])",
    ),
  ),
  bug(
    'left-is-not-looked-after',
    'nobody settles what a coordinator has left behind',
    edit(
      RESOLVER,
      '    if (prepared === undefined) return drop(opened, item);',
      '    if (prepared !== undefined || !isOver) return drop(opened, item);',
    ),
  ),
  bug(
    'operation-done-twice',
    'an operation of a session that is repeated is done again',
    edit(OPERATE, '  if (known?.answer !== undefined) return reply(turn, caller, known.answer);\n', ''),
  ),
];

/** A mistake that shows where values are kept apart. */
const APART = bug(
  'superseded-by-transaction-kept',
  'a value that is kept apart stays on the disk when a transaction supersedes it',
  edit(
    'core/node/value-writer.ts',
    '      return writtenBy(before, operation).map(({ key }) => key);',
    '      return [];',
  ),
);

/** A mistake that shows where a node starts again while its clock stands still. */
const RUNS = bug(
  'session-of-another-run',
  'a node that starts again gives new transactions the names of old ones',
  edit('core/node/coordinating.ts', 'now.wall, tag);', 'now.wall, 0 * tag);'),
);

const DEADLOCKS = 'core/node/deadlocks.ts';
const LOCKS = 'core/node/transaction-locks.ts';

/** Those that wait for each other in a circle would do so for ever. */
const KNOTS: readonly Bug[] = [
  bug(
    'deadlock-not-looked-for',
    'nobody looks whether those who wait for a lock wait for each other',
    edit(
      'core/node/coordinating.ts',
      '      return chase(turn, { path: [id], on: effect.on }, condemn);',
      '      return;',
    ),
  ),
  bug(
    'probe-stays-at-home',
    'deadlocks are found only where all sessions are of one node',
    edit(
      DEADLOCKS,
      "    if (node !== turn.options.node) return sendTo(turn, node, { type: 'WaitProbe', path: way, on: next });",
      '    if (node !== turn.options.node) return;',
    ),
  ),
];

/** Whoever waits for a lock would be overtaken. */
const LINES: readonly Bug[] = [
  bug(
    'line-not-kept',
    'a lock that comes free goes to whoever asks first',
    edit(
      LOCKS,
      '    firstOf(wanted, (one) => aheadOf(table, transaction, place?.number ?? table.next, one, now));',
      '    undefined;',
    ),
  ),
  bug(
    'place-not-renewed',
    'whoever waits in line for long loses his place, though he asks again',
    edit(
      LOCKS,
      '      const kept = { ...place, endsAt: monotonicMs(now + LINE_MS) };',
      '      const kept = { ...place, endsAt: monotonicMs(Math.max(now, place.endsAt)) };',
    ),
  ),
];

/** Those that only show where many are after the same. */
const CONTENDED = ['turned-away-is-final'];

export const TRANSACTION_BUGS: readonly Bug[] = [
  ...MISTAKES.map((mistake) =>
    under(CONTENDED.includes(mistake.id) ? 'late-transactions' : 'transactions', mistake),
  ),
  ...KNOTS.map((mistake) => under('knots', mistake)),
  ...LINES.map((mistake) => under('line', mistake)),
  under('cold-transactions', APART),
  under('cold-transactions', RUNS),
];
