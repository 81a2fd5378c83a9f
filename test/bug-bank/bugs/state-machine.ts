/** Mistakes in the partition: the replicated state machine, its retry table, and the clock that stamps its changes. */

import { bugsOf, edit, type Bug } from './bug.js';

const PARTITION = 'core/partition/partition.ts';
const KEYS = 'core/partition/keys.ts';
const CONDITIONS = 'core/partition/conditions.ts';
const VALUES = 'core/partition/value-reference.ts';
const APPLYING = 'core/node/applying.ts';
const RETRIES = 'core/partition/retry-table.ts';
const CLOCK = 'core/clock/hybrid-clock.ts';

const bug = bugsOf('state machine');
const clockBug = bugsOf('clock');

export const STATE_MACHINE: readonly Bug[] = [
  bug(
    'if-exists-sees-tombstones',
    'a deleted key exists for ifExists',
    edit(
      CONDITIONS,
      'if ((flags & SetFlag.ifExists) !== 0 && !exists) return false;',
      'if ((flags & SetFlag.ifExists) !== 0 && revision < 0) return false;',
    ),
  ),
  bug(
    'if-not-exists-sees-tombstones',
    'a deleted key exists for ifNotExists',
    edit(
      CONDITIONS,
      'if ((flags & SetFlag.ifNotExists) !== 0 && exists) return false;',
      'if ((flags & SetFlag.ifNotExists) !== 0 && revision >= 0) return false;',
    ),
  ),
  bug(
    'compare-value-ignored',
    'the comparison by value always holds for a key that is there',
    edit(
      CONDITIONS,
      '!keptEquals(value, operation.compareValue)',
      '!exists && operation.compareValue !== null',
    ),
  ),
  bug(
    'prefix-is-equal',
    'a value equals any longer one that begins with it',
    edit(VALUES, '  if (a.length !== b.length) return false;\n', ''),
  ),
  bug(
    'no-value-is-empty',
    'no value equals the empty value',
    edit(
      VALUES,
      'if (a === null || b === null) return a === b;',
      'if (a === null || b === null) return (a?.length ?? 0) === (b?.length ?? 0);',
    ),
  ),
  bug(
    'deleted-revision-hidden',
    'the comparison by revision takes a deleted key for one that was never written',
    edit(
      CONDITIONS,
      'revision === operation.compareRevision',
      '(exists ? revision : -1) === operation.compareRevision',
    ),
  ),
  bug(
    'revision-at-least',
    'the comparison by revision holds for any later revision too',
    edit(CONDITIONS, 'revision === operation.compareRevision', 'revision >= operation.compareRevision'),
  ),
  bug(
    'delete-keeps-revision',
    'a delete does not raise the revision',
    edit(
      'core/partition/keys.ts',
      'superseding(current, true, fresh, FOR_EVER, hasPages(apart));',
      '((made) => ({ ...made, entry: { ...made.entry, revision: current.revision } }))(superseding(current, true, fresh, FOR_EVER, hasPages(apart)));',
    ),
  ),
  bug(
    'revision-reused',
    'a deleted key is forgotten with its revision',
    edit(KEYS, 'import { mapGet, mapSet }', 'import { mapDelete, mapGet, mapSet }'),
    edit(
      KEYS,
      'const keys = mapSet(contents.keys, key, entry);',
      'const keys = entry.deleted ? mapDelete(contents.keys, key) : mapSet(contents.keys, key, entry);',
    ),
  ),
  bug(
    'tombstone-read',
    'a deleted key is read as one without a value',
    edit(KEYS, 'seen(entry, operation, isLive(entry), atHand)', 'seen(entry, operation, true, atHand)'),
  ),
  bug(
    'null-deletes',
    'setting no value deletes the key',
    edit(
      'core/partition/keys.ts',
      '    lastModified: nextStamp(contents, command.stampedAt),\n  };',
      '    lastModified: nextStamp(contents, command.stampedAt),\n    deleted: operation.value === null,\n  };',
    ),
  ),
  bug(
    'refused-set-bumps',
    'a set that is refused raises the revision all the same',
    edit(
      KEYS,
      'return { contents, outcome: outcomeOf(KeyValueCode.notSet, current) };',
      'return current === undefined ? { contents, outcome: outcomeOf(KeyValueCode.notSet, current) } : withEntry(contents, operation.key, KeyValueCode.notSet, { ...current, ...superseding(contents, command, current, true) });',
    ),
  ),
  bug(
    'local-time-applied',
    'a replica stamps changes with its own wall clock',
    edit(
      APPLYING,
      'applyCommand(before, index, command.value, retryWindow, apart);',
      'applyCommand(before, index, { ...command.value, stampedAt: { ...command.value.stampedAt, wall: turn.now.wall } }, retryWindow, apart);',
    ),
  ),
  bug(
    'local-node-applied',
    'a replica stamps changes with its own number',
    edit(
      APPLYING,
      'applyCommand(before, index, command.value, retryWindow, apart);',
      'applyCommand(before, index, { ...command.value, stampedAt: { ...command.value.stampedAt, node: turn.options.node } }, retryWindow, apart);',
    ),
  ),
  bug(
    'retries-unknown',
    'a partition has no memory of the requests that it has applied',
    edit(
      PARTITION,
      'const earlier = isRead(operation) ? undefined : findRetry(retries, requestId);',
      'const earlier = undefined;',
    ),
    edit(
      'core/node/proposals.ts',
      'const earlier = findRetry(opened.group.partition.retries, requestId);',
      'const earlier = undefined;',
    ),
  ),
  bug(
    'retries-forgotten-early',
    'a request is forgotten after twenty entries',
    edit(RETRIES, 'const forgotten = applied - window;', 'const forgotten = applied - Math.min(window, 20);'),
  ),
  bug(
    'retry-ids-cut',
    'request ids that begin alike are taken for the same',
    edit(
      RETRIES,
      'const index = mapGet(table.indexOf, requestId);',
      'const index = mapGet(table.indexOf, requestId.slice(0, 5));',
    ),
    edit(
      RETRIES,
      'mapSet(table.indexOf, record.requestId, record.index)',
      'mapSet(table.indexOf, record.requestId.slice(0, 5), record.index)',
    ),
  ),
  bug(
    'refusals-forgotten',
    'a request that was refused is not remembered, and may succeed when it is repeated',
    edit(
      PARTITION,
      'retries: isRemembered(operation, outcome) ?',
      'retries: isRemembered(operation, outcome) && lastModified !== state.lastModified ?',
    ),
  ),
  bug(
    'retry-outcome-changed',
    'a repeated request is told the present revision instead of its own',
    edit(
      PARTITION,
      'return { state: next, outcome: earlier.outcome };',
      'return { state: next, outcome: { ...earlier.outcome, revision: mapGet(state.keys, operation.key)?.revision ?? earlier.outcome.revision } };',
    ),
  ),
  clockBug(
    'clock-goes-back',
    'a wall clock that is set back takes the timestamps along',
    edit(CLOCK, 'if (wall > last.wall) return', 'if (wall !== last.wall) return'),
  ),
  clockBug(
    'counter-stands-still',
    'two changes of one millisecond have the same timestamp',
    edit(CLOCK, 'counter: last.counter + 1 };', 'counter: last.counter };'),
  ),
  clockBug(
    'stamps-as-they-come',
    'a change takes the timestamp of its proposer, although a later one was given before',
    edit(
      'core/partition/contents.ts',
      'compareTimestamps(stampedAt, lastModified) > 0',
      'compareTimestamps(stampedAt, lastModified) > -1e15',
    ),
  ),
];
