/** Mistakes in snapshots and compaction. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const SNAPSHOT = 'core/raft/snapshot.ts';
const APPLYING = 'core/node/applying.ts';
const JOURNAL = 'core/node/journal.ts';
const CHUNK = 'core/wire/snapshot-chunk.ts';
const WRITING = 'core/node/snapshot-writing.ts';
const SENDING = 'core/node/snapshot-sending.ts';
const RECEIVING = 'core/node/snapshot-receiving.ts';
const REPLICATION = 'core/raft/replication.ts';

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
    edit(SNAPSHOT, '  turn.logReplaced = true;\n', ''),
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
      CHUNK,
      'radixVisitFrom(state.retries.records, after + 1,',
      'radixVisitFrom(state.retries.records, Number.MAX_SAFE_INTEGER,',
    ),
  ),
  bug(
    'tombstones-left-out',
    'a snapshot does not hold deleted keys, and so not their revisions',
    edit(
      CHUNK,
      'if (name === after) return true;',
      'if (name === after || record.deleted === true) return true;',
    ),
  ),
  bug(
    'old-keys-kept',
    'an installed snapshot brings the index and the retries, but not the keys',
    edit(
      APPLYING,
      'opened.group.partition = snapshot.state;',
      'opened.group.partition = { ...snapshot.state, keys: opened.group.partition.keys };',
    ),
  ),
  bug(
    'old-retries-kept',
    'an installed snapshot brings the keys, but not the retry table',
    edit(
      APPLYING,
      'opened.group.partition = snapshot.state;',
      'opened.group.partition = { ...snapshot.state, retries: opened.group.partition.retries };',
    ),
  ),
  bug(
    'compacts-beyond-applied',
    'compaction drops the log up to its end',
    edit(
      SNAPSHOT,
      'dropThrough(raft.log, keptFrom(turn, index, keepEntries))',
      'dropThrough(raft.log, raft.log.lastIndex)',
    ),
  ),
  bug(
    'snapshot-term-ignored',
    'a log that reaches as far as a snapshot is taken to hold it, whatever its term there',
    edit(
      SNAPSHOT,
      'if (termAt(raft.log, index) !== term) return true;',
      'if (index > raft.log.lastIndex) return true;',
    ),
  ),
  bug(
    'durable-survives-install',
    'an installed snapshot leaves the old log counted as durable',
    edit(SNAPSHOT, '  forgetDurableFrom(turn, 1);\n', ''),
  ),
  bug(
    'base-term-wrong',
    'the log after an installed snapshot begins with the leader’s term',
    edit(SNAPSHOT, 'raft.log = emptyLogAfter(index, term);', 'raft.log = emptyLogAfter(index, raft.term);'),
  ),
  bug(
    'snapshot-not-written',
    'an installed snapshot is acknowledged and never written',
    edit(SNAPSHOT, '  turn.newSnapshot = snapshot;\n  turn.logReplaced', '  turn.logReplaced'),
  ),
  bug(
    'snapshot-counts-as-log',
    'sending a snapshot counts as its acknowledgement',
    edit(
      SNAPSHOT,
      'return withSnapshot(progress, snapshot.index, context.now);',
      "return { ...progress, mode: 'replicate', probing: false, inflight: [], match: snapshot.index, next: logIndex(snapshot.index + 1) };",
    ),
  ),
  bug(
    'chunks-mixed',
    'a chunk is taken for one of whatever snapshot is being received, and its digest is not looked at',
    edit(
      RECEIVING,
      '    index === chunk.index &&\n    snapshotTerm === chunk.snapshotTerm',
      '    index > 0 &&\n    snapshotTerm > 0',
    ),
    edit(RECEIVING, 'if (digest !== chunk.digest) {', 'if (digest === undefined) {'),
    edit(
      RECEIVING,
      'const { group, from, term, index, snapshotTerm, number } = receiving;',
      'const { group, from, term, number } = receiving;\n  const { index, snapshotTerm } = chunk;',
    ),
    edit(RECEIVING, '(chunk.last && whole?.applied !== index)', '(chunk.last && whole === undefined)'),
  ),
  bug(
    'chunk-number-not-looked-at',
    'a chunk is taken whatever its number, and its digest is not looked at',
    edit(RECEIVING, 'chunk.number !== (same?.chunks ?? 0)', 'chunk.number < 0'),
    edit(RECEIVING, 'if (digest !== chunk.digest) {', 'if (digest === undefined) {'),
  ),
  bug(
    'resumed-at-the-wrong-place',
    'after a loss, sending goes on behind the chunk that was lost',
    edit(
      SENDING,
      'sending.sent = answer.asked ? answer.chunks :',
      'sending.sent = answer.asked ? sending.sent :',
    ),
  ),
  bug(
    'left-part-disbelieved',
    'a follower that has more of a snapshot than this transfer has sent is not believed',
    edit(
      SENDING,
      'if (answer.chunks > sending.lastCut && !cutUpTo(turn, sending, answer.chunks)) return;',
      'if (answer.chunks > sending.lastCut) return;',
    ),
  ),
  bug(
    'last-chunk-not-written',
    'a received snapshot is installed without its last chunk being written',
    edit(
      RECEIVING,
      'turn.changes = added(turn.changes, putChunk(group, number, receiving.chunks, chunk.bytes));',
      'if (!chunk.last) turn.changes = added(turn.changes, putChunk(group, number, receiving.chunks, chunk.bytes));',
    ),
  ),
  bug(
    'switch-before-data',
    'a snapshot counts from its first chunk on',
    edit(WRITING, "if (next.in === 'end') {", 'if (chunks === 0) {'),
  ),
  bug(
    'old-snapshot-dropped-early',
    'the chunks of the old snapshot are dropped when the new one is begun',
    edit(
      WRITING,
      '  opened.writes = true;',
      "  opened.writes = true;\n  if (number > 0) turn.changes = added(turn.changes, { type: 'DropRange', from: dropChunks(group, 0).from, before: dropChunks(group, number).from } as never);",
    ),
  ),
  under(
    'snapshots',
    bug(
      'snapshot-under-way-dropped',
      'taking a snapshot drops the chunks of one that is being received',
      edit(JOURNAL, 'if (underWay === undefined || underWay > number)', 'if (number >= 0)'),
    ),
  ),
  bug(
    'snapshot-number-used-again',
    'a number under which chunks were left behind is used again',
    edit(JOURNAL, 'chunks[chunks.length - 1]?.number ?? -1) + 1', '-1) + 1'),
    edit(JOURNAL, 'function unusedNumber({ snapshot, chunks }', 'function unusedNumber({ snapshot }'),
  ),
  bug(
    'transfer-survives-the-term',
    'a leader that is deposed goes on sending its snapshot',
    edit(SENDING, "      raft.role !== 'leader' ||\n      raft.term !== sending.term ||\n", ''),
    edit(SENDING, 'progress === undefined ||\n', 'progress?.mode === undefined && raft.term < 0 ||\n'),
    edit(SENDING, "progress.mode === 'replicate'", "progress?.mode === 'replicate'"),
  ),
  bug(
    'received-part-survives-the-term',
    'what has arrived of a snapshot is kept when the term is over',
    edit(
      RECEIVING,
      'if (receiving.term !== raft.term || receiving.index <= raft.commit)',
      'if (receiving.index <= raft.commit)',
    ),
  ),
  bug(
    'more-snapshots-sent-than-may',
    'there is no bound on the snapshots that are sent at a time',
    edit(
      SENDING,
      'if (node.sending.length < options.maxSnapshotsSending) return true;',
      'if (options.maxSnapshotsSending > 0) return true;',
    ),
  ),
  bug(
    'more-chunks-sent-than-may',
    'the window of chunks grows without bound',
    edit(SENDING, 'Math.min(sending.window + 1, turn.options.maxInflightChunks)', 'sending.window + 1'),
  ),
  bug(
    'window-bytes-not-counted',
    'the window of appends is not bounded in bytes',
    edit(
      REPLICATION,
      'return bytesInFlight(progress) + (next?.payload.length ?? 0) <= maxInflightBytes;',
      'return (next?.payload.length ?? 0) <= Math.max(maxInflightBytes, 1_000_000);',
    ),
    edit(
      REPLICATION,
      'Math.min(maxAppendBytes, maxInflightBytes - bytesInFlight(progress))',
      'Math.max(maxAppendBytes, maxInflightBytes - bytesInFlight(progress) * 0)',
    ),
  ),
];
