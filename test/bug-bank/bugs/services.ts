/** Mistakes in time to live, locks and what only a leader keeps of them. */

import { bugsOf, edit, type Bug } from './bug.js';

const KEYS = 'core/partition/keys.ts';
const HISTORY = 'core/partition/key-history.ts';
const LOCKS = 'core/partition/locks.ts';
const LAPSE = 'core/partition/lapse.ts';
const LEASES = 'core/node/leases.ts';
const EXPIRY = 'core/node/expiry.ts';
const EPHEMERAL = 'core/node/ephemeral.ts';
const TENURE = 'core/node/tenure.ts';
const GROUP = 'core/node/group.ts';
const SCAN = 'core/partition/scan.ts';
const RECORDS = 'core/wire/state-records.ts';
const CHUNK = 'core/wire/snapshot-chunk.ts';

const bug = bugsOf('services');

export const SERVICES: readonly Bug[] = [
  bug(
    'token-reused-after-release',
    'a lock that was released is granted anew under the old token',
    edit(
      LOCKS,
      'fencingToken: (current?.fencingToken ?? -1) + 1,',
      'fencingToken: (current?.fencingToken ?? -1) + (current?.owner === null ? 0 : 1),',
    ),
  ),
  bug(
    'token-kept-by-former-owner',
    'the owner of a lease that is over gets the lock back under the old token',
    edit(
      LOCKS,
      'fencingToken: (current?.fencingToken ?? -1) + 1,',
      'fencingToken: current?.owner != null && valuesEqual(current.owner, owner) ? current.fencingToken : (current?.fencingToken ?? -1) + 1,',
    ),
  ),
  bug(
    'token-not-in-snapshot',
    'a snapshot holds no tokens of locks that are free',
    edit(
      CHUNK,
      'records: locks, write: writeLockEntry }',
      'records: locks, write: (to, name, entry) => writeLockEntry(to, name, entry.owner === null ? { ...entry, fencingToken: 0 } : entry) }',
    ),
  ),
  bug(
    'locks-left-out-of-snapshot',
    'a chunk of a snapshot that is full of keys leaves the locks out',
    edit(
      CHUNK,
      "return last === undefined ? { in: 'locks', after: '' } : { in: 'past', after: last };",
      "return last === undefined ? { in: 'sequences', after: '' } : { in: 'past', after: last };",
    ),
  ),
  bug(
    'acquire-refreshes',
    'an owner who asks for the lock that it holds gets a new lease',
    edit(
      LOCKS,
      '    return { contents, outcome: again ? grant(LockCode.locked, current) : nothing(LockCode.busy) };',
      '    if (again) { const renewed = { ...current, ...lease(index, command, expiresMs) }; return { contents: withLock(contents, resource, renewed), outcome: grant(LockCode.locked, renewed) }; }\n    return { contents, outcome: nothing(LockCode.busy) };',
    ),
  ),
  bug(
    'extend-never-shortens',
    'an extension that is shorter than the lease leaves it as it was',
    edit(
      LOCKS,
      '    ...current,\n    ...lease(index, command, expiresMs),',
      '    ...current,\n    ...lease(index, command, Math.max(expiresMs, current.expiresMs)),',
    ),
  ),
  bug(
    'lapsed-lock-extended',
    'a lease that is over can be extended by its former owner',
    edit(
      LOCKS,
      'if (!isHeld(current)) return { contents, outcome: nothing(LockCode.lockDoesNotExist) };',
      'if (current === undefined || current.owner === null) return { contents, outcome: nothing(LockCode.lockDoesNotExist) };',
    ),
    edit(
      LOCKS,
      '    ...lease(index, command, expiresMs),\n    lastModified:',
      '    ...lease(index, command, expiresMs),\n    lapsed: false,\n    lastModified:',
    ),
  ),
  bug(
    'stranger-releases-lapsed',
    'a lock whose lease is over may be given back by anybody',
    edit(
      LOCKS,
      '  if (!valuesEqual(current.owner, owner)) return { contents, outcome: nothing(LockCode.invalidOwner) };\n  const entry = {\n    owner: null,',
      '  if (!current.lapsed && !valuesEqual(current.owner, owner)) return { contents, outcome: nothing(LockCode.invalidOwner) };\n  const entry = {\n    owner: null,',
    ),
  ),
  bug(
    'lapse-of-an-old-lease',
    'a lease that was prolonged is ended by the word of its earlier end',
    edit(
      LOCKS,
      'if (!isHeld(current) || current.armedAt !== armedAt) return contents;',
      'if (!isHeld(current)) return contents;',
    ),
  ),
  bug(
    'lapse-of-an-old-life',
    'a key that was set anew is ended by the word of its earlier end',
    edit(
      KEYS,
      'if (entry === undefined || entry.expiresMs === 0 || entry.armedAt !== armedAt) return contents;',
      'if (entry === undefined || entry.expiresMs === 0) return contents;',
    ),
  ),
  bug(
    'extension-not-armed',
    'a lease that is extended still counts from its grant',
    edit(
      LOCKS,
      '    ...current,\n    ...lease(index, command, expiresMs),',
      '    ...current,\n    ...lease(index, command, expiresMs),\n    armedAt: current.armedAt,',
    ),
  ),
  bug(
    'lease-not-restarted',
    'a new leader takes the leases of its predecessors for over at once',
    edit(EXPIRY, 'return now > lastMomentOf(since, expiresMs, maxClockDriftPercent);', 'return now > since;'),
  ),
  bug(
    'lease-ends-by-wall-clock',
    'a lease is over when the wall clock says so',
    edit(
      EXPIRY,
      'if (known !== undefined && known.armedAt === armedAt) return now > known.endsAt;',
      'const entry = space === "key" ? undefined : contents.locks;\n    if (entry !== undefined && known !== undefined && known.armedAt === armedAt) return turn.now.wall > (mapGet(contents.locks, name)?.expires.wall ?? 0);\n    if (known !== undefined && known.armedAt === armedAt) return now > known.endsAt;',
    ),
    edit(
      EXPIRY,
      "import { lapsesIn } from '../partition/lapse.js';",
      "import { mapGet } from '../collections/ordered-map.js';\nimport { lapsesIn } from '../partition/lapse.js';",
    ),
    edit(EXPIRY, 'if (unseen === undefined && !isAnyOver(leases, now)) return undefined;\n', ''),
  ),
  bug(
    'drift-forgotten',
    'a leader takes its clock for exact',
    edit(LEASES, '(expiresMs * (100 + driftPercent)) / (100 - driftPercent)', 'expiresMs'),
  ),
  bug(
    'half-a-lease',
    'a lease is over after half of its time',
    edit(LEASES, '(expiresMs * (100 + driftPercent))', '((expiresMs >>> 1) * (100 + driftPercent))'),
  ),
  bug(
    'lease-of-the-first-grant',
    'a leader goes on counting from the first grant when a lease is prolonged',
    edit(
      EXPIRY,
      '    const endsAt = lastMomentOf(turn.now.monotonic, lease.expiresMs, maxClockDriftPercent);',
      '    const endsAt = armedLease(leases, space, name)?.endsAt ?? lastMomentOf(turn.now.monotonic, lease.expiresMs, maxClockDriftPercent);',
    ),
  ),
  bug(
    'end-told-before-it-is-agreed',
    'a read that finds a lease over is answered at once, and the end is written down later or never',
    edit(
      GROUP,
      '  if (lapsed !== undefined || ahead) {\n    readThroughLog(turn, opened, execution, lapsed, answer);\n    return;\n  }\n',
      "  if (lapsed !== undefined && operation.type === 'GetLock') {\n    answer(turn, group, origin, executed({ outcome: { family: 'lock', code: 102, fencingToken: 0, owner: null, expires: { node: 0, wall: 0, counter: 0 } } }, partition.applied));\n    return;\n  }\n  if (ahead) {\n    readThroughLog(turn, opened, execution, lapsed, answer);\n    return;\n  }\n",
    ),
  ),
  bug(
    'end-judged-by-follower',
    'a stale read takes for over what ended by the clock of the node that was asked',
    edit(
      GROUP,
      '    answerFrom(turn, group, operation, origin, partition, answer);\n    return;\n  }\n  const opened',
      "    const known = operation.type === 'Get' ? mapGet(partition.keys, operation.key) : undefined;\n    const over = known !== undefined && known.expiresMs > 0 && known.expires.wall < turn.now.wall;\n    const given = { outcome: { code: 103, revision: 0, value: null, lastModified: known?.expires } };\n    if (over) answer(turn, group, origin, executed(given, partition.applied));\n    else answerFrom(turn, group, operation, origin, partition, answer);\n    return;\n  }\n  const opened",
    ),
    edit(
      GROUP,
      "import { assert, present } from '../machine/assert.js';",
      "import { mapGet } from '../collections/ordered-map.js';\nimport { assert, present } from '../machine/assert.js';",
    ),
  ),
  bug(
    'revision-reset-after-end',
    'a key whose time to live is over begins at revision 0 again',
    edit(
      KEYS,
      'revision((current?.revision ?? NEVER_WRITTEN) + revisions);',
      'revision(current === undefined ? NEVER_WRITTEN + revisions : current.lapsedAt.node === 0 ? current.revision + revisions : 0);',
    ),
  ),
  bug(
    'ended-key-exists',
    'a key whose time to live is over exists for conditions',
    edit(KEYS, 'return isLive(current)\n    ?', 'return !current.deleted\n    ?'),
  ),
  bug(
    'ended-key-deleted',
    'a key whose time to live is over can be deleted',
    edit(
      KEYS,
      '  if (current === undefined || !isLive(current)) {\n    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };\n  }\n  const fresh',
      '  if (current === undefined || current.deleted) {\n    return { contents, outcome: refusal(KeyValueCode.doesNotExist) };\n  }\n  const fresh',
    ),
  ),
  bug(
    'plain-set-keeps-end',
    'a set without a time to live leaves the old one',
    edit(
      KEYS,
      'const life = lifetime(index, command, operation.expiresMs);',
      'const life = operation.expiresMs === undefined && current !== undefined && isLive(current) ? current : lifetime(index, command, operation.expiresMs);',
    ),
  ),
  bug(
    'key-extend-makes-revision',
    'to extend a key makes a new revision',
    edit(
      KEYS,
      'const extended = { ...current, ...lifetime(index, command, expiresMs) };',
      'const extended = { ...current, revision: revision(current.revision + 1), ...lifetime(index, command, expiresMs) };',
    ),
  ),
  bug(
    'no-revision-archived',
    'a set that is to keep no revision keeps one',
    edit(
      KEYS,
      'const keepsHistory = (operation.flags & SetFlag.noRevision) === 0;',
      'const keepsHistory = true;',
    ),
  ),
  bug(
    'as-of-one-off',
    'what was at a time shows the version after it',
    edit(
      HISTORY,
      'if (compareTimestamps(version.lastModified, at) <= 0) {',
      'if (compareTimestamps(version.lastModified, at) < 0) {',
    ),
  ),
  bug(
    'as-of-skips-gaps',
    'a gap in the history is taken for a version that lasted',
    edit(
      HISTORY,
      "return { version: expected === undefined || expected === version.revision ? version : 'forgotten' };",
      'return { version };',
    ),
  ),
  bug(
    'as-of-sees-later-end',
    'a key that came to its end later was not there before either',
    edit(
      HISTORY,
      'return !deleted && (lapsedAt.node === 0 || compareTimestamps(lapsedAt, at) > 0);',
      'return !deleted && lapsedAt.node === 0;',
    ),
  ),
  bug(
    'history-not-in-snapshot',
    'a snapshot holds no history',
    edit(
      RECORDS,
      '  for (const version of entry.history) writeNested(writer, 82, version, writeVersion);\n',
      '',
    ),
  ),
  bug(
    'page-hides-its-end',
    'a page that is full says that there is no other',
    edit(
      SCAN,
      '    hasMore = shown === items || lookedAt === most;\n    if (hasMore) return false;',
      '    if (shown === items || lookedAt === most) return false;',
    ),
  ),
  bug(
    'page-shows-the-ended',
    'pages show keys whose time to live is over',
    edit(
      SCAN,
      'if (at === undefined) return isLive(entry) ? entry : undefined;',
      'if (at === undefined) return entry.deleted ? undefined : entry;',
    ),
  ),
  bug(
    'past-not-ended',
    'a read of the present does not look whether the key is over',
    edit(
      LAPSE,
      "if ((operation.type === 'Get' || operation.type === 'Exists') && isOfThePast(contents, operation))",
      "if (operation.type === 'Get' || operation.type === 'Exists')",
    ),
  ),
  bug(
    'ephemeral-unconfirmed',
    'an ephemeral operation is executed by whoever takes itself for the leader',
    edit(
      GROUP,
      '  if (isRead(operation) || isForMemory) confirmFirst(turn, opened, execution, answer);',
      '  if (isEphemeral(operation) && raft.role === "leader") answer(turn, group, origin, executed(executeEphemeral(turn, opened, execution.requestId, operation), opened.group.partition.applied));\n  else if (isRead(operation) || isForMemory) confirmFirst(turn, opened, execution, answer);',
    ),
  ),
  bug(
    'ephemeral-replicated',
    'an ephemeral write goes into the log',
    edit(
      GROUP,
      'const isForMemory = isEphemeral(operation) || isLockOperation(operation);',
      'const isForMemory = isLockOperation(operation);',
    ),
  ),
  bug(
    'ephemeral-outlives-leadership',
    'what a leader kept to itself is still there when it leads again',
    edit(
      TENURE,
      "  group.lead = role === 'leader' ? newLeadership(term, turn.now.monotonic, partition.applied) : undefined;",
      "  group.lead = role === 'leader' ? newLeadership(term, turn.now.monotonic, partition.applied) : lead;",
    ),
  ),
  bug(
    'ephemeral-ends-at-once',
    'an ephemeral lease is over as soon as anything is',
    edit(
      EPHEMERAL,
      'const lapsed = ephemeralLapsesFor(turn, lead, operation);',
      "const lapsed = 'resource' in operation && turn.now.monotonic % 4 === 0 ? ephemeralLapsesFor(turn, { ...lead, ephemeral: { ...lead.ephemeral, leases: { ...lead.ephemeral.leases, nextEnd: 0 } } }, operation) : ephemeralLapsesFor(turn, lead, operation);",
    ),
    edit(
      EXPIRY,
      'return known !== undefined && now > known.endsAt;\n  });\n  return lapsed.length === 0 ? undefined : lapsed;\n}\n\n/** The leases after',
      'return known !== undefined && (now > known.endsAt || leases.nextEnd === 0);\n  });\n  return lapsed.length === 0 ? undefined : lapsed;\n}\n\n/** The leases after',
    ),
  ),
];
