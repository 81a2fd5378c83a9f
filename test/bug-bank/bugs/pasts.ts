/** Mistakes in what keeps the past: holds, and the floors that follow from them. */

import { bugsOf, edit, under, type Bug } from './bug.js';

const HISTORY = 'core/partition/key-history.ts';
const KEYS = 'core/partition/keys.ts';
const PAST = 'core/partition/past.ts';
const TRIM = 'core/partition/trim.ts';
const WRITER = 'core/node/value-writer.ts';
const READING = 'core/node/value-reading.ts';
const CHUNK = 'core/wire/snapshot-chunk.ts';
const HOLDS = 'core/partition/holds.ts';
const FLOORS = 'core/node/floors.ts';

const bug = bugsOf('pasts');

export const PASTS: readonly Bug[] = [
  under(
    'hot-transactions',
    bug(
      'pages-of-transactions-lost',
      'a page that a transaction wrote is kept nowhere',
      edit(
        'core/partition/publish.ts',
        'revisions, pages: { written, removed: [] } };',
        'revisions, pages: { written: written.slice(0, 0), removed: [] } };',
      ),
    ),
  ),
  bug(
    'floor-ignored',
    'retention lets go what somebody holds',
    edit(TRIM, 'compareTimestamps(page.until, floor) > 0', 'page.until.wall < 0'),
  ),
  bug(
    'boundary-forgotten',
    'a page counts as superseded when its newest version was written',
    edit(
      KEYS,
      'const until = history[history.length - 1]?.lastModified ?? lastModified;',
      'const until = versions[0]?.lastModified ?? history[history.length - 1]?.lastModified ?? lastModified;',
    ),
  ),
  bug(
    'kept-by-oldest',
    'retention counts from the oldest version of a page, not from the newest',
    edit(TRIM, 'newest - page.newest >= keep', 'newest - page.oldest >= keep'),
  ),
  bug(
    'trimmed-by-age-of-begin',
    'retention goes by when a page began, not by when it was superseded',
    edit(TRIM, 'compareTimestamps(page.until, before) < 0', 'compareTimestamps(page.since, before) < 0'),
  ),
  bug(
    'page-without-oldest',
    'a page leaves its oldest version out',
    edit(PAST, 'const bytes = encode(versions);', 'const bytes = encode(versions.slice(0, -1));'),
  ),
  bug(
    'page-never-kept',
    'a page is named in the state, but its bytes are kept nowhere',
    edit(
      WRITER,
      '  for (const { page, bytes } of written) keep(turn, group, page.versions.index, bytes);\n',
      '',
    ),
  ),
  bug(
    'values-of-page-dropped',
    'a value goes from the disk when its version goes into a page',
    edit(HISTORY, '  for (const { page } of written) forEachOfPage(page, add);\n', ''),
  ),
  bug(
    'trimmed-page-left',
    'what retention lets go stays on the disk for ever',
    edit(WRITER, '  for (const page of removed) {\n', '  for (const page of removed.slice(0, 0)) {\n'),
  ),
  bug(
    'pages-left-out-of-snapshot',
    'a snapshot has no pages of the past',
    edit(
      CHUNK,
      'const records = past?.pages ?? emptyOrderedMap();',
      "const records: NonNullable<typeof past>['pages'] = emptyOrderedMap();",
    ),
  ),
  bug(
    'page-names-used-again',
    'a snapshot says that as many pages were written as there are',
    edit(
      CHUNK,
      'writeUnsigned(writer, 416, state.past?.written ?? 0);',
      'writeUnsigned(writer, 416, state.past?.pages.size ?? 0);',
    ),
  ),
  bug(
    'page-answers-for-all',
    'a read of the past is answered as soon as its page has come, without the value',
    edit(
      READING,
      '    if (missing.length > 0) {\n      // What has come was a page',
      '    if (missing.length < 0) {\n      // What has come was a page',
    ),
  ),
  bug(
    'as-of-before-all',
    'a key is said not to have been there when its history no longer reaches back',
    edit(HISTORY, "return first === NEVER_WRITTEN ? 'none' : 'forgotten';", "return 'none';"),
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
    edit(CHUNK, "  if (retention?.type === 'Floor') writeNested(writer, 410, retention, writeFloor);\n", ''),
  ),
].map((mistake) => (mistake.profile === undefined ? under('held-pasts', mistake) : mistake));
