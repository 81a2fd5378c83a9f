/** Mistakes in snapshots and compaction. */

import { bugsOf, edit, type Bug } from './bug.js';

const SNAPSHOT = 'core/raft/snapshot.ts';
const GROUP = 'core/node/group.ts';

const bug = bugsOf('snapshots');

export const SNAPSHOTS: readonly Bug[] = [
  bug(
    'older-snapshot-installed',
    'a snapshot is taken over whatever was committed already',
    edit(SNAPSHOT, 'if (index > raft.commit) {', 'if (index > 0) {'),
  ),
  bug(
    'conflicting-suffix-kept',
    'what follows an installed snapshot is kept although the logs parted before it',
    edit(
      SNAPSHOT,
      'raft.log = emptyLogAfter(index, term);',
      'raft.log = index < raft.log.lastIndex ? { ...dropThrough(raft.log, index), baseTerm: term } : emptyLogAfter(index, term);',
    ),
  ),
  bug(
    'old-log-left-on-disk',
    'an installed snapshot does not replace the log on the disk',
    edit(SNAPSHOT, '      turn.logReplaced = true;\n', ''),
  ),
  bug(
    'snapshot-term-wrong',
    'a snapshot is marked with the present term instead of its last entry’s',
    edit(
      SNAPSHOT,
      '{ index: logIndex(index), term, config, state };',
      '{ index: logIndex(index), term: raft.term, config, state };',
    ),
  ),
  bug(
    'retries-left-out',
    'a snapshot does not hold the retry table',
    edit(
      GROUP,
      'compact(opened.raft, partition.applied, partition, keepEntries);',
      'compact(opened.raft, partition.applied, { ...partition, retries: { indexOf: emptyOrderedMap(), records: emptyRadixArray(), forgotten: partition.retries.forgotten } }, keepEntries);',
    ),
    edit(
      GROUP,
      'import { mapDelete, mapGet, mapSet }',
      'import { emptyOrderedMap, mapDelete, mapGet, mapSet }',
    ),
    edit(
      GROUP,
      'import { radixDelete, radixForEach, radixGet, radixSet }',
      'import { emptyRadixArray, radixDelete, radixForEach, radixGet, radixSet }',
    ),
  ),
  bug(
    'tombstones-left-out',
    'a snapshot does not hold deleted keys, and so not their revisions',
    edit(
      GROUP,
      'import { mapDelete, mapGet, mapSet }',
      'import { emptyOrderedMap, mapDelete, mapForEach, mapGet, mapSet }',
    ),
    edit(
      GROUP,
      '  compact(opened.raft, partition.applied, partition, keepEntries);',
      '  let keys = partition.keys;\n  mapForEach(partition.keys, (key, { deleted }) => {\n    if (deleted) keys = mapDelete(keys, key);\n  });\n  compact(opened.raft, partition.applied, { ...partition, keys }, keepEntries);',
    ),
  ),
  bug(
    'old-keys-kept',
    'an installed snapshot brings the index and the retries, but not the keys',
    edit(
      GROUP,
      'opened.group.partition = snapshot.state;',
      'opened.group.partition = { ...snapshot.state, keys: opened.group.partition.keys };',
    ),
  ),
  bug(
    'old-retries-kept',
    'an installed snapshot brings the keys, but not the retry table',
    edit(
      GROUP,
      'opened.group.partition = snapshot.state;',
      'opened.group.partition = { ...snapshot.state, retries: opened.group.partition.retries };',
    ),
  ),
  bug(
    'compacts-beyond-applied',
    'compaction drops the log up to its end',
    edit(SNAPSHOT, 'logIndex(Math.max(index - keepEntries, raft.log.baseIndex))', 'raft.log.lastIndex'),
  ),
  bug(
    'snapshot-term-ignored',
    'a log that reaches as far as a snapshot is taken to hold it, whatever its term there',
    edit(SNAPSHOT, 'if (termAt(raft.log, index) === term) {', 'if (index <= raft.log.lastIndex) {'),
  ),
  bug(
    'durable-survives-install',
    'an installed snapshot leaves the old log counted as durable',
    edit(SNAPSHOT, '      forgetDurableFrom(turn, 1);\n', ''),
  ),
  bug(
    'base-term-wrong',
    'the log after an installed snapshot begins with the leader’s term',
    edit(SNAPSHOT, 'raft.log = emptyLogAfter(index, term);', 'raft.log = emptyLogAfter(index, raft.term);'),
  ),
  bug(
    'snapshot-accepts-log-end',
    'a snapshot is acknowledged with the end of the log',
    edit(
      SNAPSHOT,
      'index: raft.commit }, afterEverything(turn));',
      'index: raft.log.lastIndex }, afterEverything(turn));',
    ),
  ),
  bug(
    'snapshot-not-written',
    'an installed snapshot is acknowledged and never written',
    edit(SNAPSHOT, '      turn.newSnapshot = snapshot;\n      turn.logReplaced', '      turn.logReplaced'),
  ),
  bug(
    'snapshot-counts-as-log',
    'sending a snapshot counts as its acknowledgement',
    edit(
      SNAPSHOT,
      'return withSnapshotSent(progress, context.now);',
      "return { ...progress, mode: 'replicate', probing: false, inflight: [], match: snapshot.index, next: logIndex(snapshot.index + 1) };",
    ),
  ),
];
