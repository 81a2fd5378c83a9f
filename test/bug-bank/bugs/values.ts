/** Mistakes in keeping values apart from the state: what is compared, written, let go of, removed, read and sent. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const bug = bugsOf('values');

const REFERENCE = 'core/partition/value-reference.ts';
const HISTORY = 'core/partition/key-history.ts';
const WRITER = 'core/node/value-writer.ts';
const READING = 'core/node/value-reading.ts';
const NODE = 'core/node/node.ts';
const JOURNAL = 'core/node/journal.ts';
const WRITING = 'core/node/snapshot-writing.ts';
const SENDING = 'core/node/snapshot-sending.ts';
const RECEIVING = 'core/node/snapshot-receiving.ts';
const APPLYING = 'core/node/applying.ts';

export const VALUES: readonly Bug[] = [
  bug(
    'value-by-length',
    'a value that is kept apart equals any other of its length',
    edit(
      REFERENCE,
      '  return value !== null && isValueOf(kept, value);',
      '  return value !== null && kept.bytes === value.length;',
    ),
  ),
  bug(
    'value-apart-differs',
    'a value that is kept apart equals no other',
    edit(
      REFERENCE,
      '  return value !== null && isValueOf(kept, value);',
      '  return value === null && isValueOf(kept, NOTHING);',
    ),
    edit(
      REFERENCE,
      '/** A value as a read shows it. */',
      'const NOTHING = new Uint8Array(0);\n\n/** A value as a read shows it. */',
    ),
  ),
  bug(
    'value-not-checked',
    'what the disk gives for a value is not held against its digest',
    edit(
      READING,
      "if (value?.type !== 'Value' || !isValueOf(reference, value.bytes)) {",
      "if (value?.type !== 'Value') {",
    ),
  ),
  bug(
    'value-evicted-before-durable',
    'memory lets go of a value when its write is asked for',
    edit(
      NODE,
      '    store.writing = fifoPush(store.writing, { write: turn.write, places: turn.valuesWritten });\n',
      '    store.writing = fifoPush(store.writing, { write: 0 as never, places: turn.valuesWritten });\n    valuesDurable(turn);\n    evictValues(turn);\n',
    ),
  ),
  bug(
    'value-never-written',
    'a snapshot refers to values of which no record was written',
    edit(WRITING, '  for (const index of unwritten) writeValue(turn, group, index);\n', ''),
  ),
  under(
    'cold-values',
    bug(
      'value-of-image-lost',
      'a value that is overwritten while a snapshot with it is being written is never written',
      edit(
        WRITER,
        'const isInImage = turn.node.writing.some((each) => each.group === group && mayReferTo(each.state, index));',
        'const isInImage = false as boolean;',
      ),
    ),
  ),
  bug(
    'value-dropped-at-once',
    'the record of a value goes when it is overwritten, though the snapshot on the disk refers to it',
    edit(WRITER, 'const taken = raft.snapshot?.index ?? 0;', 'const taken = Number.MAX_SAFE_INTEGER;'),
  ),
  under(
    'cold-values',
    bug(
      'value-dropped-under-read',
      'the record of a value goes while a read waits for it',
      edit(
        WRITER,
        "if (wait.type === 'Read' && wait.group === group) images.push(wait.image.applied);",
        'if (wait.missing < 0) images.push(wait.group);',
      ),
    ),
  ),
  bug(
    'value-dropped-under-transfer',
    'the record of a value goes while a snapshot with it is sent',
    edit(
      WRITER,
      '  for (const { group: of, snapshot } of sending) if (of === group) images.push(snapshot.index);\n',
      '  if (sending.length < 0) images.push(0);\n',
    ),
  ),
  bug(
    'value-record-left',
    'the record of a value that was overwritten stays for ever',
    edit(
      WRITER,
      "    turn.changes = added(turn.changes, { type: 'Drop', key });\n",
      '    if (key === undefined) return EMPTY_LIST;\n',
    ),
  ),
  bug(
    'value-late-record-left',
    'records that something still referred to when a snapshot was taken are forgotten by a crash',
    edit(
      NODE,
      'if (superseded.length > 0 && opened.snapshotRecords !== undefined) {',
      'if (superseded.length < 0 && opened.snapshotRecords !== undefined) {',
    ),
  ),
  bug(
    'value-history-forgotten',
    'the values of superseded versions count as dropped',
    edit(HISTORY, '  for (const { value } of entry.history) if (isReference(value)) visit(value);\n', ''),
  ),
  bug(
    'value-of-old-generation',
    'the values that came with a snapshot are looked for where those before it lay, after a restart',
    edit(JOURNAL, '...(generation === undefined || generation === 0 ? {} : { generation }),', ''),
  ),
  bug(
    'value-generation-left',
    'the values of before a snapshot that took their place stay for ever',
    edit(
      JOURNAL,
      '    if (from < each) changes.push(dropGenerations(group, from, each));\n',
      '    if (from > each) changes.push(dropGenerations(group, from, each));\n',
    ),
  ),
  bug(
    'value-generation-kept-short',
    'the values of the present generation go with those before it',
    edit(
      JOURNAL,
      'const kept = underWay === undefined ? [generation] : [generation, generationOf(underWay)];',
      'const kept = underWay === undefined ? [] : [generationOf(underWay)];',
    ),
  ),
  bug(
    'value-read-too-early',
    'values that came with a snapshot are read before they are durable',
    edit(
      READING,
      '  if (presentValues(turn, group).readableFrom > turn.node.durableWrite) {\n    const reason',
      '  if (presentValues(turn, group).readableFrom < 0) {\n    const reason',
    ),
  ),
  bug(
    'value-from-newest-state',
    'a read that waited for a value is answered from the state when it came',
    edit(
      READING,
      '    const { operation, origin, image } = wait;\n',
      '    const { operation, origin } = wait;\n    const image = openGroup(turn, group).group.partition;\n',
    ),
  ),
  bug(
    'value-read-where-it-was',
    'a stale read that a snapshot turns back looks for its value where it lay before',
    edit(
      'core/node/applying.ts',
      '  valuesReplaced(turn, raft.group, generation);\n  turnBackReads(turn, raft.group, answer);\n',
      '  turnBackReads(turn, raft.group, answer);\n  valuesReplaced(turn, raft.group, generation);\n',
    ),
  ),
  bug(
    'value-reads-unbounded',
    'any number of reads may wait for values',
    edit(READING, 'if (waiting >= turn.options.maxValueReads) {', 'if (waiting < 0) {'),
  ),
  bug(
    'value-wait-leaks',
    'a read that was answered still counts among those that wait',
    edit(READING, "  if (radixGet(store.waits, number)?.type === 'Read') store.waitingReads -= 1;\n", ''),
  ),
  bug(
    'value-not-sent',
    'a chunk is sent without the values that are not in memory',
    edit(
      SENDING,
      '    if (values === undefined) break;\n',
      "    if (values === undefined) { say(turn, sending, { number: sending.sent, bytes, digest: mixBytes(cut.digest, bytes), last: next.in === 'end' }); break; }\n",
    ),
  ),
  bug(
    'value-received-unchecked',
    'what comes with a chunk is taken for its values, whatever it is',
    edit(
      SENDING,
      '    else values.push({ index, bytes });\n',
      '    else values.push({ index, bytes: bytes.slice().fill(0) });\n',
    ),
    edit(RECEIVING, '|| !areValuesOf(references, values)) {', ') {'),
  ),
  bug(
    'value-received-unwritten',
    'the values that come with a snapshot are not written',
    edit(
      RECEIVING,
      '      turn.changes = added(turn.changes, putValue(group, generationOf(number), value.index, value.bytes));\n',
      '      if (value.index < 0) turn.changes = added(turn.changes, putValue(group, generationOf(number), value.index, value.bytes));\n',
    ),
  ),
  bug(
    'value-missing-in-logged-read',
    'a read that goes through the log shows nothing where a value is kept apart',
    edit(
      APPLYING,
      'if (outcome.code !== KeyValueCode.got || knownValues(turn, group) === undefined) return undefined;',
      'if (outcome.code !== KeyValueCode.got || knownValues(turn, group) !== undefined) return undefined;',
    ),
  ),
];
