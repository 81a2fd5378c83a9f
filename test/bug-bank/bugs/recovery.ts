/** Mistakes in the journal and in what a restart makes of it. */

import { bugsOf, edit, type Bug } from './bug.js';

const JOURNAL = 'core/node/journal.ts';

const bug = bugsOf('recovery');

export const RECOVERY: readonly Bug[] = [
  bug(
    'stale-segment',
    'a log that is cut off and compacted in one turn leaves its old entries on the disk',
    edit(
      'core/raft/durability.ts',
      'turn.logReplaced || (turn.changedFrom > 0 && turn.changedFrom <= log.baseIndex)',
      'turn.logReplaced',
    ),
  ),
  bug(
    'vote-lost-at-restart',
    'a restart forgets the vote',
    edit(JOURNAL, 'vote: parts.hard?.vote ?? NO_NODE', 'vote: NO_NODE'),
  ),
  bug(
    'term-lost-at-restart',
    'a restart takes the term of the last entry for its own',
    edit(
      JOURNAL,
      'image: { term: parts.hard?.term ?? term(0)',
      'image: { term: entries[entries.length - 1]?.term ?? snapshot?.term ?? term(0)',
    ),
  ),
  bug(
    'last-entry-lost',
    'a restart loses the last entry of the log',
    edit(
      JOURNAL,
      'vote: parts.hard?.vote ?? NO_NODE, snapshot, entries }',
      'vote: parts.hard?.vote ?? NO_NODE, snapshot, entries: entries.slice(0, -1) }',
    ),
  ),
  bug(
    'last-segment-lost',
    'a restart leaves out the last segment where there are many',
    edit(
      JOURNAL,
      'for (const { number, segment } of parts.segments) {',
      'for (const { number, segment } of parts.segments.slice(0, parts.segments.length > 8 ? -1 : undefined)) {',
    ),
  ),
  bug(
    'overwritten-tail-recovered',
    'a restart keeps what a later segment did not overwrite entry by entry',
    edit(
      JOURNAL,
      '    const kept = Math.max(0, firstIndex - base - 1);\n',
      '    const kept = Math.max(0, firstIndex - base - 1);\n    const tail = entries.slice(kept + segment.entries.length);\n',
    ),
    edit(
      JOURNAL,
      '    for (const entry of segment.entries.slice(known)) entries.push(entry);\n',
      '    for (const entry of segment.entries.slice(known)) entries.push(entry);\n    entries.push(...tail);\n',
    ),
  ),
  bug(
    'drop-range-off-by-one',
    'the first segment that still counts is dropped with those before it',
    edit(
      JOURNAL,
      'before: segmentKey(group, firstSegment) });',
      'before: segmentKey(group, firstSegment + 1) });',
    ),
  ),
  bug(
    'segment-dropped-early',
    'a segment is dropped although its last entry is beyond the snapshot',
    edit(JOURNAL, '<= write.snapshot.index) {', '<= write.snapshot.index + 1) {'),
  ),
  bug(
    'segment-numbers-reused',
    'after a restart new segments overwrite the old ones',
    edit(
      JOURNAL,
      'journal: { group, firstSegment, nextSegment, nextSnapshot: unusedNumber(parts), segmentEnds },',
      'journal: { group, firstSegment, nextSegment: Math.max(firstSegment, nextSegment - 1), nextSnapshot: unusedNumber(parts), segmentEnds },',
    ),
  ),
  bug(
    'recovered-is-committed',
    'a restart takes all of its log for committed',
    edit('core/raft/state.ts', 'commit: log.baseIndex,', 'commit: log.lastIndex,'),
  ),
  bug(
    'known-entries-doubled',
    'a restart reads entries that the snapshot covers as if they came after it',
    edit(
      JOURNAL,
      'const known = Math.max(0, base + 1 - firstIndex);',
      'const known = Math.max(0, base - firstIndex);',
    ),
  ),
  bug(
    'segment-written-short',
    'the last entry of a long append is not written',
    edit(
      JOURNAL,
      "const value: Stored = { type: 'Segment', firstIndex, entries };",
      "const value: Stored = { type: 'Segment', firstIndex, entries: entries.length > 3 ? entries.slice(0, -1) : entries };",
    ),
  ),
];
