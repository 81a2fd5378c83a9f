/** Mistakes in what keeps the past: holds, and the floors that follow from them. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const HISTORY = 'core/partition/key-history.ts';
const HOLDS = 'core/partition/holds.ts';
const FLOORS = 'core/node/floors.ts';

const bug = bugsOf('pasts');

export const PASTS: readonly Bug[] = [
  bug(
    'floor-ignored',
    'versions that somebody holds are forgotten like any others',
    edit(HISTORY, 'return compareTimestamps(lastModified, floor) > 0;', 'return lastModified.wall < 0;'),
  ),
  bug(
    'boundary-forgotten',
    'the newest version that is not later than the floor is forgotten',
    edit(
      HISTORY,
      'const { lastModified } = older === 0 ? current : (current.history[older - 1] as KeyVersion);',
      'const { lastModified } = current.history[older] as KeyVersion;',
    ),
  ),
  bug(
    'latest-held',
    'the floor is the latest time that is held, not the earliest',
    edit(HOLDS, 'compareTimestamps(timestamp, lowest) < 0', 'compareTimestamps(timestamp, lowest) > 0'),
  ),
  bug(
    'late-floor-taken',
    'a floor that follows from older holds takes the place of a newer one',
    edit(HOLDS, '  if (knowsFloor(contents, position)) return { contents, outcome };\n', ''),
    edit('core/node/group.ts', 'knowsFloor(partition, operation.position)', 'partition.applied < 0'),
  ),
  bug(
    'hold-granted-early',
    'a hold is granted before every partition has its floor',
    edit(
      FLOORS,
      '  if (kept.length === 0 || turn.node.floors?.lacking !== 0) return;',
      '  if (kept.length === 0) return;',
    ),
  ),
  bug(
    'floor-not-repeated',
    'a floor is sent once, and never again to those who did not answer',
    edit(
      FLOORS,
      '  if (now.monotonic < floors.sendAt) return doChoresAt(turn, floors.sendAt);\n',
      '  if (now.monotonic > floors.sendAt) return;\n',
    ),
  ),
  bug(
    'any-partition-counts',
    'the answer of one partition counts for all',
    edit(
      FLOORS,
      '  for (let group = 1; group <= options.partitions; group += 1) missing',
      '  for (let group = 1; group <= 1; group += 1) missing',
    ),
    edit(
      FLOORS,
      '  const lacking = options.partitions;',
      '  const lacking = Math.min(1, options.partitions);',
    ),
  ),
  bug(
    'renewed-hold-ended',
    'the end of an old lease ends a hold that was renewed since',
    edit(HOLDS, '  return mapGet(live, name)?.armedAt === armedAt\n', '  return armedAt >= 0\n'),
  ),
  bug(
    'renewal-keeps-lease',
    'a renewal of a hold is granted, and changes nothing',
    edit(
      HOLDS,
      'return granted(contents, index, hold, { ...known, ...lease(index, command, leaseMs) });',
      'return granted(contents, index, hold, { ...lease(index, command, leaseMs), ...known });',
    ),
  ),
  bug(
    'floor-left-out-of-snapshot',
    'a snapshot has no floor',
    edit(
      'core/wire/snapshot-chunk.ts',
      "  if (retention?.type === 'Floor') writeNested(writer, 410, retention, writeFloor);\n",
      '',
    ),
  ),
].map((mistake) => under('held-pasts', mistake));
