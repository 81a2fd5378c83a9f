/** Mistakes in sequences and the blocks that their leaders hold. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const SEQUENCES = 'core/partition/sequences.ts';
const BLOCK = 'core/partition/sequence-block.ts';
const RESERVATIONS = 'core/node/reservations.ts';
const TENURE = 'core/node/tenure.ts';
const RECORDS = 'core/wire/sequence-records.ts';
const CHUNK = 'core/wire/snapshot-chunk.ts';

const bug = bugsOf('services');

export const SEQUENCE_BUGS: readonly Bug[] = [
  under(
    'hot-sequences',
    bug(
      'block-outlives-leadership',
      'a leader that was deposed and elected again goes on with its old block',
      edit(
        TENURE,
        "  group.lead = role === 'leader' ? newLeadership(term, turn.now.monotonic, partition.applied) : undefined;",
        `  if (lead !== undefined) {
    group.former = lead.blocks;
    mapForEach(lead.blocks, (name, kept) => {
      group.former = mapSet(group.former, name, { ...kept, inFlight: 0, queue: emptyFifo(), queued: 0 });
    });
  }
  const begun = newLeadership(term, turn.now.monotonic, partition.applied);
  group.lead = role === 'leader' ? { ...begun, blocks: group.former ?? begun.blocks } : undefined;`,
      ),
      edit(
        TENURE,
        "import { fifoToArray } from '../collections/fifo.js';\nimport { mapForEach } from '../collections/ordered-map.js';",
        "import { emptyFifo, fifoToArray } from '../collections/fifo.js';\nimport { mapForEach, mapSet } from '../collections/ordered-map.js';",
      ),
      edit(
        'core/node/turn.ts',
        '      alarmAt: before.alarmAt,\n    },\n    raft: openTurn',
        '      alarmAt: before.alarmAt,\n      former: before.former,\n    },\n    raft: openTurn',
      ),
    ),
  ),
  bug(
    'block-unconfirmed',
    'values of a block are handed out by whoever takes itself for the leader',
    edit(RESERVATIONS, '      if (!confirmed) return false;\n', ''),
  ),
  bug(
    'block-kept-over-update',
    'a leader goes on with the block that it had before the sequence was changed',
    edit(
      RESERVATIONS,
      'old?.record === entry?.record ? blocks.held : isOwn ? blockLeft(old, entry, allocation) : undefined;',
      "old?.record === entry?.record || operation.type === 'UpdateSequence' ? blocks.held : isOwn ? blockLeft(old, entry, allocation) : undefined;",
    ),
  ),
  under(
    'hot-sequences',
    bug(
      'block-kept-over-delete',
      'a leader goes on with the block of a sequence that was deleted',
      edit(
        RESERVATIONS,
        'old?.record === entry?.record ? blocks.held : isOwn ? blockLeft(old, entry, allocation) : undefined;',
        "old?.record === entry?.record || operation.type === 'DeleteSequence' || operation.type === 'CreateSequence' ? blocks.held : isOwn ? blockLeft(old, entry, allocation) : undefined;",
      ),
    ),
  ),
  under(
    'hot-sequences',
    bug(
      'block-of-another',
      'every replica that leads by then takes the block that a command reserved for its own',
      edit(
        RESERVATIONS,
        'isOwn ? blockLeft(old, entry, allocation) : undefined;',
        'blockLeft(old, entry, allocation);',
      ),
    ),
  ),
  bug(
    'block-not-used-up',
    'the values that were handed out of a block stay in it',
    edit(
      RESERVATIONS,
      '      setBlocks(opened, name, { ...blocks, held: rest });\n      tell(',
      '      if (rest === undefined) setBlocks(opened, name, { ...blocks, held: rest });\n      tell(',
    ),
  ),
  bug(
    'block-begins-with-its-caller',
    'the block begins with the last value of whoever made it necessary',
    edit(BLOCK, 'const next = allocation.end + increment;', 'const next = allocation.end;'),
  ),
  bug(
    'block-one-too-long',
    'a block gives one value more than was set aside',
    edit(BLOCK, '  if (count > left) return undefined;', '  if (count > left + 1) return undefined;'),
  ),
  bug(
    'part-handed-out-twice',
    'values that are being written down under a key are handed out to others meanwhile',
    edit(
      RESERVATIONS,
      '    if (index !== undefined) setBlocks(opened, name, { ...blocks, held: rest });\n',
      '',
    ),
  ),
  under(
    'hot-sequences',
    bug(
      'part-of-an-old-block',
      'a part of a block is taken though the sequence was changed meanwhile',
      edit(
        SEQUENCES,
        '  if (revision !== record.revision || incarnation !== record.incarnation) return undefined;\n',
        '',
      ),
    ),
  ),
  bug(
    'keyed-told-from-memory',
    'what has an idempotency key is told before it is written down',
    edit(
      RESERVATIONS,
      '    if (idempotencyKey === undefined) {\n      if (!confirmed)',
      '    if (idempotencyKey === undefined || count === 1) {\n      if (!confirmed)',
    ),
  ),
  bug(
    'keyed-not-in-snapshot',
    'a snapshot holds no allocations that can be replayed',
    edit(RECORDS, '  for (const each of keyed) writeNested(writer, 18, each, writeKeyed);\n', ''),
  ),
  bug(
    'keyed-lost-by-update',
    'a change of a sequence forgets what can be replayed',
    edit(
      SEQUENCES,
      'return withEntry(contents, { record: next, keyed }, updatedAt, told(SequenceCode.success, next));',
      'return withEntry(contents, { record: next, keyed: [] }, updatedAt, told(SequenceCode.success, next));',
    ),
  ),
  bug(
    'keyed-survives-delete',
    'a sequence that is created again replays what the old one gave',
    edit(
      SEQUENCES,
      '          sequences: mapDelete(contents.sequences, operation.name),',
      '          sequences: mapSet(contents.sequences, operation.name, { ...current, record: { ...current.record, currentValue: current.record.initialValue } }),',
    ),
  ),
  bug(
    'keyed-count-ignored',
    'a key is replayed whatever count is asked for',
    edit(SEQUENCES, '  if (allocation.count === count) {', '  if (count > 0) {'),
  ),
  bug(
    'limit-one-off',
    'a block goes beyond the limit by one step',
    edit(
      BLOCK,
      'if (Number.isSafeInteger(distance)) return (distance - (distance % increment)) / increment;',
      'if (Number.isSafeInteger(distance)) return (distance - (distance % increment)) / increment + 1;',
    ),
  ),
  bug(
    'first-value-issued',
    'the first value of a sequence is its initial value',
    edit(
      SEQUENCES,
      'allocation: runFrom(currentValue + increment, increment, count, revision),',
      'allocation: runFrom(revision === 1 ? currentValue : currentValue + increment, increment, count, revision),',
    ),
  ),
  bug(
    'window-not-durable',
    'a command that takes a block raises the sequence only by what its caller gets',
    edit(SEQUENCES, "const wanted = take?.type === 'Block' ? take.window : count;", 'const wanted = count;'),
    edit(
      BLOCK,
      'if (before.record.revision === revision || allocation.end === currentValue) return undefined;',
      'if (before.record.revision === revision) return undefined;',
    ),
    edit(BLOCK, 'left: roomBetween(allocation.end, currentValue, increment),', 'left: 5,'),
  ),
  bug(
    'sequences-left-out-of-snapshot',
    'a snapshot ends with the locks',
    edit(
      CHUNK,
      "return last === undefined ? { in: 'sequences', after: '' } : { in: 'locks', after: last };",
      "return last === undefined ? { in: 'retries', after: 0 } : { in: 'locks', after: last };",
    ),
  ),
  bug(
    'line-forgotten',
    'reservations that wait for a block are forgotten when it comes',
    edit(RESERVATIONS, '  if (landed) serveLine(turn, opened, name, answer);\n', ''),
  ),
];
