/** Any value of every type that has a codec. Small and large numbers, empty and absent parts are all common. */

import * as fc from 'fast-check';
import {
  SessionCode,
  TRANSACTION_PRIORITIES,
  type SessionAnswer,
  type TransactionCall,
} from '../../../core/transactions/calls.js';
import type { SessionCall } from '../../../core/transactions/session-state.js';
import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { emptyOrderedMap, mapSet, type OrderedMap } from '../../../core/collections/ordered-map.js';
import type { GroupId, LogIndex, NodeId, Revision, Term, WallMs } from '../../../core/machine/units.js';
import {
  ADMIN_OUTCOMES,
  ADMIN_REFUSALS,
  type AdminAnswer,
  type GroupReport,
} from '../../../core/node/admin-protocol.js';
import type {
  Beat,
  ClusterMessage,
  NodeMessage,
  SessionMessage,
  SpokenMessage,
  Stored,
} from '../../../core/node/protocol.js';
import type { Roster } from '../../../core/node/roster.js';
import {
  KeyValueCode,
  type Command,
  type KeyValueOperation,
  type KeyValueOutcome,
  type Lapse,
  type Operation,
  type Outcome,
  type PageOutcome,
  type RequestId,
  type SequenceTake,
  type Value,
  type Trim,
} from '../../../core/partition/command.js';
import { NEVER_WRITTEN, type KeyEntry, type KeyVersion } from '../../../core/partition/key-entry.js';
import { FIRST_PAGE, withPage, type Past } from '../../../core/partition/past.js';
import { HoldCode, type HoldOutcome } from '../../../core/partition/hold-command.js';
import { isRead } from '../../../core/partition/operation.js';
import type { HoldEntry } from '../../../core/partition/retention.js';
import { LockCode, type LockOperation, type LockOutcome } from '../../../core/partition/lock-command.js';
import type { LockEntry } from '../../../core/partition/lock-entry.js';
import type { PartitionState } from '../../../core/partition/partition.js';
import { NO_TRANSACTIONS, withPrepared, type Transactions } from '../../../core/partition/prepared.js';
import {
  TransactionCode,
  type Decision,
  type LockNeed,
  type Observation,
  type Participant,
  type StagedWrite,
  type TransactionId,
  type TransactionOperation,
  type TransactionOutcome,
} from '../../../core/partition/transaction-command.js';
import { withClosed, withOpen } from '../../../core/partition/transaction-records.js';
import { MAX_VALUE_BYTES } from '../../../core/partition/validate.js';
import type { ValueReference } from '../../../core/partition/value-reference.js';
import { EMPTY_RETRY_TABLE, rememberRequest } from '../../../core/partition/retry-table.js';
import {
  SequenceCode,
  type SequenceAllocation,
  type SequenceOperation,
  type SequenceOutcome,
  type SequenceRecord,
} from '../../../core/partition/sequence-command.js';
import type { KeyedAllocation } from '../../../core/partition/sequence-entry.js';
import type { Configuration } from '../../../core/raft/configuration.js';
import type { Entry } from '../../../core/raft/messages.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** Whole numbers from `min` on, crowded where encodings change their length or words carry over. */
export function numbers(min: number): fc.Arbitrary<number> {
  const edges = [
    0x7f,
    0x80,
    0x3fff,
    0x4000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    MAX - 1,
    MAX,
  ];
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min, max: 300 }) },
    { weight: 1, arbitrary: fc.maxSafeInteger().filter((value) => value >= min) },
    { weight: 1, arbitrary: fc.constantFrom(...edges) },
  );
}

export const signedNumbers: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.constantFrom(-MAX, MAX, -0x8000_0000, 0x8000_0000, -0x1_0000_0000),
);

const group = numbers(0) as fc.Arbitrary<GroupId>;
const node = numbers(1) as fc.Arbitrary<NodeId>;
const nodeOrNone = numbers(0) as fc.Arbitrary<NodeId>;
const term = numbers(0) as fc.Arbitrary<Term>;
const index = numbers(0) as fc.Arbitrary<LogIndex>;

/** Well-formed Unicode of all planes. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ minLength: 120, maxLength: 300 }),
);
const key = text.filter((each) => each !== '');
const requestId = fc
  .oneof(
    fc.uuid(),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }),
    fc.string({ minLength: 128, maxLength: 128 }),
  )
  .filter((id) => id.length >= 1 && id.length <= 128) as fc.Arbitrary<RequestId>;
/** As our codecs make them: of our own realm, which fast-check's need not be. */
const bytes = fc
  .oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 100, maxLength: 300, size: 'max' }))
  .map((array) => Uint8Array.from(array));
const value: fc.Arbitrary<Value> = fc.option(bytes, { freq: 3 });

const madeTimestamp: fc.Arbitrary<Timestamp> = fc.record({
  node,
  wall: numbers(0) as fc.Arbitrary<WallMs>,
  counter: fc.oneof(fc.nat(5), fc.constantFrom(0xffff_fffe, 0xffff_ffff)),
});
const timestamp = fc.oneof(fc.constant(ZERO_TIMESTAMP), madeTimestamp);

const expiresMs = fc.integer({ min: 1, max: 0x7fff_ffff });
const ephemeral = fc.constant(true as const);
const mode = fc.constantFrom('lease' as const, 'follower' as const, 'stale' as const);
const revision = numbers(0) as fc.Arbitrary<Revision>;

/** A record of which the fields named last may be absent. */
function withOptional<T extends object, O extends object>(
  needed: { [K in keyof T]: fc.Arbitrary<T[K]> },
  optional: { [K in keyof O]: fc.Arbitrary<O[K]> },
): fc.Arbitrary<T & Partial<O>> {
  return fc
    .tuple(fc.record(needed), fc.record(optional, { requiredKeys: [] }))
    .map(([some, others]) => ({ ...some, ...others }) as T & Partial<O>);
}

const keyOperation: fc.Arbitrary<KeyValueOperation> = fc.oneof(
  withOptional(
    {
      type: fc.constant('Set' as const),
      key,
      value,
      flags: fc.nat(63),
      compareValue: value,
      compareRevision: signedNumbers as fc.Arbitrary<Revision>,
    },
    { expiresMs, ephemeral },
  ),
  withOptional({ type: fc.constant('Delete' as const), key }, { ephemeral }),
  withOptional({ type: fc.constant('Extend' as const), key, expiresMs }, { ephemeral }),
  withOptional(
    { type: fc.constantFrom('Get' as const, 'Exists' as const), key },
    { mode, revision, at: madeTimestamp, ephemeral },
  ),
  withOptional(
    { type: fc.constant('Scan' as const), prefix: key, limit: numbers(1) },
    {
      group: numbers(1) as fc.Arbitrary<GroupId>,
      from: fc.record({ key: text, inclusive: fc.boolean() }),
      to: fc.record({ key: text, inclusive: fc.boolean() }),
      at: madeTimestamp,
      mode,
      ephemeral,
    },
  ),
);

const owner = bytes.filter(({ length }) => length > 0);
const lockOperation: fc.Arbitrary<LockOperation> = fc.oneof(
  withOptional(
    { type: fc.constantFrom('AcquireLock' as const, 'ExtendLock' as const), resource: key, owner, expiresMs },
    { ephemeral },
  ),
  withOptional({ type: fc.constant('ReleaseLock' as const), resource: key, owner }, { ephemeral }),
  withOptional({ type: fc.constant('GetLock' as const), resource: key }, { ephemeral }),
);

const sequenceOperation: fc.Arbitrary<SequenceOperation> = fc.oneof(
  withOptional(
    {
      type: fc.constant('CreateSequence' as const),
      name: key,
      initialValue: signedNumbers,
      increment: numbers(1),
    },
    { maxValue: signedNumbers, blockSize: numbers(1) },
  ),
  withOptional(
    { type: fc.constant('UpdateSequence' as const), name: key },
    {
      currentValue: signedNumbers,
      increment: numbers(1),
      initialValue: signedNumbers,
      maxValue: fc.option(signedNumbers),
      blockSize: fc.option(numbers(1)),
    },
  ),
  withOptional(
    { type: fc.constant('ReserveSequence' as const), name: key, count: numbers(1) },
    { idempotencyKey: key },
  ),
  fc.record({ type: fc.constantFrom('DeleteSequence' as const, 'GetSequence' as const), name: key }),
);

const someGroup = numbers(1) as fc.Arbitrary<GroupId>;
const transaction = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({ minLength: 256, maxLength: 256 }),
  )
  .filter((id) => id.length >= 1 && id.length <= 256) as fc.Arbitrary<TransactionId>;
const participant: fc.Arbitrary<Participant> = withOptional({ group: someGroup }, { ephemeral });
const participants = fc.array(participant, { minLength: 1, maxLength: 4 });
const noRevision = fc.constant(true as const);
const stagedWrite: fc.Arbitrary<StagedWrite> = fc.oneof(
  withOptional(
    { type: fc.constant('Set' as const), key, value, revisions: numbers(1) },
    { noRevision, expiresMs },
  ),
  fc.record({ type: fc.constant('Delete' as const), key, revisions: numbers(1) }),
  withOptional({ type: fc.constant('Extend' as const), key }, { expiresMs }),
);
const bound = fc.record({ key: text, inclusive: fc.boolean() });
const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.record({
    type: fc.constant('Key' as const),
    key,
    exists: fc.boolean(),
    revision: fc.oneof(fc.constant(-1), numbers(0)) as fc.Arbitrary<Revision>,
  }),
  withOptional(
    { type: fc.constant('Range' as const), prefix: key, at: timestamp },
    { from: bound, to: bound },
  ),
);
const need: fc.Arbitrary<LockNeed> = fc.oneof(
  fc.record({ type: fc.constant('KeyLock' as const), key }),
  fc.record({ type: fc.constant('PrefixLock' as const), prefix: key }),
  withOptional(
    {
      type: fc.constant('RangeLock' as const),
      prefix: key,
      mode: fc.constantFrom('exclusive' as const, 'shared' as const),
    },
    { from: bound, to: bound },
  ),
);
const decision: fc.Arbitrary<Decision> = fc.oneof(
  fc.record({ type: fc.constant('Commit' as const), at: madeTimestamp }),
  fc.constant({ type: 'Abort' as const }),
);
const stagedWrites = fc.array(stagedWrite, { maxLength: 4 });
const reads = fc.array(observation, { maxLength: 4 });
const since = index;
const inTransaction = { group: someGroup, transaction };

const transactionOperation: fc.Arbitrary<TransactionOperation> = fc.oneof(
  withOptional(
    {
      type: fc.constant('Prepare' as const),
      ...inTransaction,
      anchor: someGroup,
      writes: stagedWrites,
      reads,
    },
    { participants, since, ephemeral },
  ),
  withOptional(
    { type: fc.constant('CommitAtOnce' as const), ...inTransaction, writes: stagedWrites, reads },
    { since, ephemeral },
  ),
  withOptional(
    { type: fc.constant('Validate' as const), ...inTransaction, reads },
    { at: madeTimestamp, ephemeral },
  ),
  withOptional({ type: fc.constant('Decide' as const), ...inTransaction, decision }, { participants, since }),
  withOptional({ type: fc.constant('Settle' as const), ...inTransaction, decision }, { ephemeral }),
  fc.record({ type: fc.constantFrom('Finish' as const, 'GetDecision' as const), ...inTransaction }),
  withOptional(
    {
      type: fc.constant('AcquireTransactionLocks' as const),
      ...inTransaction,
      needs: fc.array(need, { maxLength: 4 }),
      leaseMs: expiresMs,
    },
    { ephemeral, once: fc.constant(true as const), show: fc.constant(true as const) },
  ),
  withOptional(
    { type: fc.constant('ReleaseTransactionLocks' as const), ...inTransaction },
    { needs: fc.array(need, { minLength: 1, maxLength: 4 }), ephemeral },
  ),
);

/** Also of no node, as clients may say it. */
const heldTime: fc.Arbitrary<Timestamp> = fc
  .record({ node: nodeOrNone, wall: numbers(0) as fc.Arbitrary<WallMs>, counter: fc.nat(5) })
  .filter(({ node: of, wall, counter }) => of !== 0 || wall !== 0 || counter !== 0);
const heldTimeOrNone = fc.oneof(fc.constant(ZERO_TIMESTAMP), heldTime);

const holdOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    type: fc.constant('AcquireHold' as const),
    holder: key,
    timestamp: heldTime,
    leaseMs: expiresMs,
  }),
  fc.record({ type: fc.constant('RenewHold' as const), hold: key, leaseMs: expiresMs }),
  fc.record({ type: fc.constant('ReleaseHold' as const), hold: key }),
  fc.record({ type: fc.constant('GetFloor' as const) }),
  fc.record({
    type: fc.constant('SetFloor' as const),
    group: numbers(1) as fc.Arbitrary<GroupId>,
    timestamp: heldTimeOrNone,
    position: numbers(1) as fc.Arbitrary<LogIndex>,
  }),
);

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  keyOperation,
  lockOperation,
  sequenceOperation,
  transactionOperation,
  holdOperation,
);

const keyValueOutcome: fc.Arbitrary<KeyValueOutcome> = withOptional(
  {
    code: fc.constantFrom(...Object.values(KeyValueCode)),
    revision: fc.oneof(fc.constant(-1), numbers(0)) as fc.Arbitrary<Revision>,
    value,
    lastModified: timestamp,
  },
  { expires: madeTimestamp },
);
const pageOutcome: fc.Arbitrary<PageOutcome> = fc.record({
  family: fc.constant('page' as const),
  code: fc.constantFrom(...Object.values(KeyValueCode)),
  items: fc.array(
    withOptional({ key, value, revision, lastModified: timestamp }, { expires: madeTimestamp }),
    { maxLength: 5 },
  ),
  hasMore: fc.boolean(),
  lastKey: text,
  at: timestamp,
});
const lockOutcome: fc.Arbitrary<LockOutcome> = fc.record({
  family: fc.constant('lock' as const),
  code: fc.constantFrom(...Object.values(LockCode)),
  fencingToken: numbers(0),
  owner: value,
  expires: timestamp,
});
const sequenceRecord: fc.Arbitrary<SequenceRecord> = fc.record({
  name: key,
  currentValue: signedNumbers,
  initialValue: signedNumbers,
  increment: numbers(1),
  maxValue: fc.option(signedNumbers),
  revision: numbers(0),
  blockSize: fc.option(numbers(1)),
  incarnation: numbers(0),
  createdAt: timestamp,
  updatedAt: timestamp,
});
const allocation: fc.Arbitrary<SequenceAllocation> = fc.record({
  start: signedNumbers,
  end: signedNumbers,
  count: numbers(1),
  revision: numbers(0),
});
const sequenceOutcome: fc.Arbitrary<SequenceOutcome> = fc.record({
  family: fc.constant('sequence' as const),
  code: fc.constantFrom(...Object.values(SequenceCode)),
  record: fc.option(sequenceRecord),
  allocation: fc.option(allocation),
});
const transactionOutcome: fc.Arbitrary<TransactionOutcome> = withOptional(
  {
    family: fc.constant('transaction' as const),
    code: fc.constantFrom(...Object.values(TransactionCode)),
  },
  {
    at: madeTimestamp,
    participants: fc.array(participant, { maxLength: 3 }),
    revisions: fc.array(revision, { maxLength: 3 }),
    blocker: transaction,
    blockerAnchor: someGroup,
    keys: fc.array(fc.record({ key, outcome: keyValueOutcome }), { maxLength: 3 }),
  },
);
const holdOutcome: fc.Arbitrary<HoldOutcome> = fc.record({
  family: fc.constant('hold' as const),
  code: fc.constantFrom(...Object.values(HoldCode)),
  hold: text,
  expires: timestamp,
  floor: heldTimeOrNone,
  live: numbers(0),
});
const remembered: fc.Arbitrary<Outcome> = fc.oneof(
  keyValueOutcome,
  lockOutcome,
  sequenceOutcome,
  transactionOutcome,
  holdOutcome,
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(remembered, pageOutcome);

const lapse: fc.Arbitrary<Lapse> = fc.record({
  space: fc.constantFrom('key' as const, 'lock' as const, 'hold' as const),
  name: key,
  armedAt: numbers(1) as fc.Arbitrary<LogIndex>,
});
const take: fc.Arbitrary<SequenceTake> = fc.oneof(
  fc.record({ type: fc.constant('Block' as const), window: numbers(1) }),
  fc.record({
    type: fc.constant('Part' as const),
    start: signedNumbers,
    revision: numbers(0),
    incarnation: numbers(0),
    createdAt: madeTimestamp,
  }),
);

const trim: fc.Arbitrary<Trim> = fc.record({
  from: text,
  to: text,
  keep: numbers(0),
  before: timestamp,
});

/** Also reads, and with what had lapsed; only a reservation takes something, and only a read trims the past. */
export const command: fc.Arbitrary<Command> = fc
  .tuple(
    withOptional(
      { requestId, basis: index, stampedAt: madeTimestamp, operation },
      { lapsed: fc.array(lapse, { minLength: 1, maxLength: 4 }) },
    ),
    fc.option(take, { nil: undefined }),
    fc.option(trim, { nil: undefined }),
  )
  .map(([each, taken, trimmed]) => {
    if (trimmed !== undefined && isRead(each.operation)) return { ...each, trim: trimmed };
    return each.operation.type === 'ReserveSequence' && taken !== undefined ? { ...each, take: taken } : each;
  });

const nodes = fc
  .uniqueArray(numbers(1) as fc.Arbitrary<NodeId>, { maxLength: 5 })
  .map((some) => some.sort((a, b) => a - b));

const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: nodes,
  outgoing: nodes,
  learners: nodes,
  learnersNext: nodes,
});

const entryTerm = numbers(1) as fc.Arbitrary<Term>;
const noPayload = fc.constant(new Uint8Array(0));
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { arbitrary: fc.record({ term: entryTerm, payload: fc.oneof(noPayload, bytes) }), weight: 4 },
  { arbitrary: fc.record({ term: entryTerm, payload: noPayload, config: configuration }), weight: 1 },
);
const entries = fc.array(entry, { maxLength: 8 });

const reference: fc.Arbitrary<ValueReference> = fc.record({
  index: numbers(1) as fc.Arbitrary<LogIndex>,
  bytes: fc.nat(MAX_VALUE_BYTES),
  digest: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((digest) => [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')),
});

const keyVersion: fc.Arbitrary<KeyVersion> = fc
  .record({
    value: fc.oneof({ arbitrary: value, weight: 3 }, { arbitrary: reference, weight: 1 }),
    revision,
    deleted: fc.boolean(),
    lastModified: madeTimestamp,
    expires: timestamp,
    lapsedAt: timestamp,
  })
  .map((each) => (each.deleted ? { ...each, value: null } : each))
  .chain((each) => {
    if (each.revision < 1) return fc.constant(each);
    const many = fc.integer({ min: 2, max: each.revision + 1 > MAX ? MAX : each.revision + 1 });
    return fc.oneof(
      { arbitrary: fc.constant(each), weight: 3 },
      { arbitrary: many.map((revisions) => ({ ...each, revisions })), weight: 1 },
    );
  });

const armedAt = numbers(1) as fc.Arbitrary<LogIndex>;

const keyEntry: fc.Arbitrary<KeyEntry> = withOptional(
  {
    version: keyVersion,
    expiresMs,
    armedAt,
    history: fc.uniqueArray(keyVersion, { selector: (each) => each.revision, maxLength: 5 }),
  },
  { forgotten: revision },
).map(({ version, expiresMs: ms, armedAt: at, history, forgotten }) => {
  const over = version.deleted || version.lapsedAt.node !== 0;
  return {
    ...version,
    expiresMs: over ? 0 : ms,
    armedAt: over ? (0 as LogIndex) : at,
    history: history
      .filter((each) => each.revision < version.revision)
      .sort((a, b) => b.revision - a.revision),
    ...(forgotten === undefined ? {} : { forgotten }),
  };
});

const lockEntry: fc.Arbitrary<LockEntry> = fc
  .record({
    state: fc.constantFrom('held', 'lapsed', 'released'),
    owner,
    fencingToken: numbers(0),
    expiresMs,
    armedAt,
    expires: timestamp,
    lastModified: madeTimestamp,
  })
  .map(({ state, ...entry }) => ({
    ...entry,
    owner: state === 'released' ? null : entry.owner,
    expiresMs: state === 'held' ? entry.expiresMs : 0,
    armedAt: state === 'held' ? entry.armedAt : (0 as LogIndex),
    lapsed: state === 'lapsed',
  }));

const keyedAllocation: fc.Arbitrary<KeyedAllocation> = fc.record({ key, allocation, at: timestamp });

const holdEntry: fc.Arbitrary<HoldEntry> = fc.record({
  holder: key,
  timestamp: heldTime,
  expiresMs,
  armedAt,
  expires: timestamp,
});

/** The position among the holds is made to fit by whoever takes it. */
const retention = fc.option(
  fc.oneof(
    fc.uniqueArray(fc.tuple(key, holdEntry), { selector: ([name]) => name, maxLength: 6 }),
    fc.record({
      type: fc.constant('Floor' as const),
      timestamp: heldTimeOrNone,
      position: numbers(1) as fc.Arbitrary<LogIndex>,
    }),
  ),
  { nil: undefined, freq: 2 },
);

/** Newest first. */
export const versions: fc.Arbitrary<readonly KeyVersion[]> = fc
  .uniqueArray(keyVersion, { selector: (each) => each.revision, minLength: 1, maxLength: 6 })
  .map((some) => some.sort((a, b) => b.revision - a.revision));

/** A page that any key with a revision of 1 or more may have; the numbers are made to fit. */
const loosePage = fc.record({
  oldest: revision,
  newest: revision,
  before: fc.option(revision, { nil: undefined }),
  times: fc
    .tuple(madeTimestamp, madeTimestamp)
    .map((times) => times.sort(compareTimestamps))
    .filter(([since, until]) => compareTimestamps(since, until) < 0),
  versions: reference,
  values: fc.array(reference, { maxLength: 3 }),
});

type LoosePage = typeof loosePage extends fc.Arbitrary<infer P> ? P : never;

/** The past of some keys, as many as there are such pages. */
function pastOf(
  keys: readonly (readonly [string, KeyEntry])[],
  loose: readonly LoosePage[],
  more: number,
): Past | undefined {
  let past: Past | undefined;
  loose.forEach(({ times, versions: where, values, ...each }, i) => {
    const [key, entry] = keys[i] ?? [];
    if (key === undefined || entry === undefined || entry.revision < 1) return;
    const newest = (each.newest % entry.revision) as Revision;
    const oldest = (each.oldest % (newest + 1)) as Revision;
    const before = each.before === undefined || oldest === 0 ? NEVER_WRITTEN : each.before % oldest;
    const index = (FIRST_PAGE + (past?.written ?? 0)) as LogIndex;
    const [since, until] = times;
    const page = { key, oldest, newest, before, since, until, versions: { ...where, index }, values };
    past = withPage(past, { page, bytes: new Uint8Array(0) });
  });
  return past === undefined ? undefined : { ...past, written: past.written + more };
}

function mapOf<T>(records: readonly (readonly [string, T])[]): OrderedMap<T> {
  let map = emptyOrderedMap<T>();
  for (const [name, each] of records) map = mapSet(map, name, each);
  return map;
}

/** What is known of some transactions, as of the entries after `first`; and the last of those entries. */
interface Known {
  readonly transactions: Transactions;
  readonly last: number;
}

/** In the order in which entries could have made it: each of another key, each of an index of its own. */
const known: fc.Arbitrary<(first: number) => Known> = fc
  .tuple(
    fc.uniqueArray(
      fc.record({ name: transaction, anchor: someGroup, preparedAt: madeTimestamp, writes: stagedWrites }),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
    fc.uniqueArray(
      fc.record({
        name: transaction,
        state: fc.constantFrom(
          'Undecided' as const,
          'Committed' as const,
          'Aborted' as const,
          'Settled' as const,
        ),
        isOpen: fc.boolean(),
        at: madeTimestamp,
        participants: fc.array(participant, { maxLength: 3 }),
        revisions: fc.array(revision, { maxLength: 3 }),
      }),
      { selector: ({ name }) => name, maxLength: 6 },
    ),
  )
  .map(([prepared, records]) => (first: number) => {
    let transactions = NO_TRANSACTIONS;
    let last = first;
    const taken = new Set<string>();
    for (const { name, writes, ...rest } of prepared) {
      const own = writes.filter((write) => !taken.has(write.key) && taken.add(write.key));
      if (own.length === 0) continue;
      last += 1;
      transactions = withPrepared(transactions, name, { ...rest, writes: own, index: last as LogIndex });
    }
    for (const { name, isOpen, at, ...rest } of records) {
      last += 1;
      const timed = rest.state === 'Undecided' || rest.state === 'Committed';
      const record = { ...rest, at: timed ? at : ZERO_TIMESTAMP, index: last as LogIndex };
      const staysOpen = rest.state === 'Undecided' || (rest.state === 'Committed' && isOpen);
      transactions = (staysOpen ? withOpen : withClosed)(transactions, name, record);
    }
    return { transactions, last };
  });

export const partitionState: fc.Arbitrary<PartitionState> = fc
  .record({
    keys: fc.uniqueArray(fc.tuple(key, keyEntry), { selector: ([name]) => name, maxLength: 20 }),
    locks: fc.uniqueArray(fc.tuple(key, lockEntry), { selector: ([name]) => name, maxLength: 10 }),
    sequences: fc.uniqueArray(
      fc.record({ record: sequenceRecord, keyed: fc.array(keyedAllocation, { maxLength: 4 }) }),
      { selector: ({ record }) => record.name, maxLength: 5 },
    ),
    retries: fc.uniqueArray(
      fc.record({ requestId, gap: fc.integer({ min: 1, max: 1000 }), operation: text, outcome: remembered }),
      {
        selector: (record) => record.requestId,
        maxLength: 10,
      },
    ),
    known,
    forgotten: fc.oneof(fc.nat(500), fc.constantFrom(0, 0x1_0000_0000, MAX - 100_000)),
    behind: fc.integer({ min: 1, max: 1000 }),
    retention,
    pages: fc.array(loosePage, { maxLength: 5 }),
    trimmed: fc.nat(5),
    lastModified: timestamp,
    digest: fc.oneof(fc.constant(0), fc.integer()),
  })
  .map(({ keys, locks, sequences, retries, forgotten, behind, lastModified, digest, ...rest }) => {
    const { transactions, last } = rest.known(forgotten);
    let table = { ...EMPTY_RETRY_TABLE, forgotten: forgotten as LogIndex };
    let at = forgotten;
    for (const record of retries) {
      at += record.gap;
      table = rememberRequest(table, {
        requestId: record.requestId,
        index: at as LogIndex,
        operation: record.operation,
        outcome: record.outcome,
      });
    }
    const kept = rest.retention;
    const applied = (Math.max(at, last) + behind) as LogIndex;
    const past = pastOf(keys, rest.pages, rest.trimmed);
    const state = {
      keys: mapOf(keys),
      locks: mapOf(locks),
      sequences: mapOf(sequences.map((each) => [each.record.name, each])),
      transactions,
      retries: table,
      applied,
      lastModified,
      digest,
      ...(past === undefined ? {} : { past }),
    };
    if (kept === undefined) return state;
    const held = 'type' in kept ? kept : { type: 'Holds' as const, live: mapOf(kept), changedAt: applied };
    return { ...state, retention: held };
  });

const heartbeat = fc.record(
  {
    type: fc.constant('Heartbeat' as const),
    term,
    commit: index,
    round: numbers(0),
    sleep: fc.constant(true as const),
  },
  { requiredKeys: ['type', 'term', 'commit', 'round'] },
);
const heartbeatAnswer = fc.record(
  {
    type: fc.constant('HeartbeatAnswer' as const),
    term,
    round: numbers(0),
    asleep: fc.constant(true as const),
  },
  { requiredKeys: ['type', 'term', 'round'] },
);

export const raftMessage: fc.Arbitrary<SpokenMessage> = fc.oneof(
  fc.record({ type: fc.constant('PreVoteRequest' as const), term, lastIndex: index, lastTerm: term }),
  fc.record({ type: fc.constant('PreVoteAnswer' as const), term, granted: fc.boolean() }),
  fc.record({
    type: fc.constant('VoteRequest' as const),
    term,
    lastIndex: index,
    lastTerm: term,
    handedOver: fc.boolean(),
  }),
  fc.record({ type: fc.constant('CampaignNow' as const), term }),
  fc.record({ type: fc.constant('NotMember' as const), term, index }),
  fc.record({ type: fc.constant('VoteAnswer' as const), term, granted: fc.boolean() }),
  fc.record({
    type: fc.constant('Append' as const),
    term,
    previousIndex: index.map((each) => Math.min(each, MAX - 8) as LogIndex),
    previousTerm: term,
    entries,
    commit: index,
  }),
  fc.record({ type: fc.constant('AppendAccepted' as const), term, index }),
  fc.record({
    type: fc.constant('AppendRefused' as const),
    term,
    refused: index,
    hintIndex: index,
    hintTerm: term,
  }),
  fc.record({ type: fc.constant('ReadIndexRequest' as const), term, batch: numbers(0) }),
  fc.record({ type: fc.constant('ReadIndexAnswer' as const), term, batch: numbers(0), index }),
  fc.record({ type: fc.constant('ReadIndexRefused' as const), term, batch: numbers(0) }),
  heartbeat,
  heartbeatAnswer,
);

const beat: fc.Arbitrary<Beat> = fc.record({
  covers: fc.record({
    count: numbers(0),
    sum: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff })),
  }),
  listed: fc.boolean(),
});

const role = fc.constantFrom('voter' as const, 'learner' as const);
const address = fc
  .oneof(fc.constant(''), fc.constant('127.0.0.1:2075'), fc.string({ unit: 'binary', maxLength: 300 }))
  .filter((each) => each.length <= 300);

export const roster: fc.Arbitrary<Roster> = fc
  .record({
    version: numbers(0),
    members: fc.uniqueArray(fc.record({ node, address, role, priority: fc.nat(1_000), since: numbers(0) }), {
      selector: (member) => member.node,
      minLength: 1,
      maxLength: 7,
    }),
  })
  .map(({ version, members }) => {
    const inOrder = [...members].sort((a, b) => a.node - b.node);
    // A roster without a voter is none.
    const [first, ...rest] = inOrder;
    const all = first === undefined ? rest : [{ ...first, role: 'voter' as const }, ...rest];
    return { version, members: all };
  });

const name = fc.string({ minLength: 1, maxLength: 128 });
const nodeList = fc.array(node, { maxLength: 5 });

const groupReport: fc.Arbitrary<GroupReport> = fc.record({
  group,
  term,
  voters: nodeList,
  outgoing: nodeList,
  learners: nodeList,
  committed: fc.boolean(),
  lastIndex: index,
  peers: fc.array(fc.record({ node, match: index, heardMsAgo: numbers(0) }), { maxLength: 4 }),
});

const adminAnswer: fc.Arbitrary<AdminAnswer> = fc.record(
  {
    outcome: fc.constantFrom(...ADMIN_OUTCOMES),
    refusal: fc.constantFrom(...ADMIN_REFUSALS),
    reason: text,
    version: numbers(0),
  },
  { requiredKeys: ['outcome', 'reason', 'version'] },
);

export const clusterMessage: fc.Arbitrary<ClusterMessage> = fc.oneof(
  fc.record({ type: fc.constant('RosterAsk' as const), version: numbers(0), draining: fc.boolean() }),
  fc.record({ type: fc.constant('RosterNews' as const), roster }),
  fc.record({ type: fc.constant('SurveyAsk' as const), survey: name }),
  fc.record({
    type: fc.constant('SurveyAnswer' as const),
    survey: name,
    groups: fc.array(groupReport, { maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('AdminForward' as const),
    id: name,
    command: fc.oneof(
      fc.record({
        type: fc.constant('ChangeMembers' as const),
        add: fc.array(fc.record({ node, address, role }), { maxLength: 3 }),
        promote: nodeList,
        remove: nodeList,
        priorities: fc.array(fc.record({ node, priority: numbers(0) }), { maxLength: 3 }),
      }),
      fc.record({ type: fc.constant('TransferLeadership' as const), group, target: nodeOrNone }),
    ),
  }),
  fc.record({
    type: fc.constant('AdminForwarded' as const),
    id: name,
    answer: fc.option(adminAnswer, { nil: undefined, freq: 3 }),
  }),
);

const handle = fc.record({ id: madeTimestamp, coordinatorKey: text });
const lease = signedNumbers;
const priority = fc.constantFrom(...TRANSACTION_PRIORITIES);
const sessionCall: fc.Arbitrary<SessionCall> = fc.oneof(
  fc.record({
    type: fc.constant('OperateInTransaction' as const),
    handle,
    operationId: text,
    operation: fc.oneof(
      keyOperation,
      withOptional({ type: fc.constant('LockInTransaction' as const), need, leaseMs: lease }, { ephemeral }),
      withOptional({ type: fc.constant('UnlockInTransaction' as const), need }, { ephemeral }),
    ),
  }),
  withOptional(
    { type: fc.constantFrom('CommitTransaction' as const, 'RollbackTransaction' as const), handle },
    { anchorKey: text },
  ),
);

/** Calls that are not handed on, too. */
export const transactionCall: fc.Arbitrary<TransactionCall> = fc.oneof(
  sessionCall,
  fc.record({
    type: fc.constant('StartTransaction' as const),
    coordinatorKey: text,
    options: withOptional(
      {
        locking: fc.constantFrom('pessimistic' as const, 'optimistic' as const),
        timeoutMs: signedNumbers,
        admissionWaitMs: signedNumbers,
        readValidation: fc.constantFrom('none' as const, 'trackAndValidate' as const),
        decisionDurability: fc.constantFrom('bestEffort' as const, 'durable' as const),
        asyncRelease: fc.boolean(),
        priority,
      },
      { readTimestamp: madeTimestamp },
    ),
  }),
  withOptional(
    {
      type: fc.constant('RunScript' as const),
      script: bytes,
      parameters: fc.array(fc.record({ name: text, value: fc.option(text) }), { maxLength: 3 }),
      priority,
    },
    { hash: text },
  ),
);

const sessionAnswer: fc.Arbitrary<SessionAnswer> = withOptional(
  {
    family: fc.constant('session' as const),
    code: fc.constantFrom(...Object.values(SessionCode)),
  },
  {
    id: madeTimestamp,
    holder: madeTimestamp,
    anchorKey: text,
    outcome: fc.oneof(keyValueOutcome, pageOutcome),
    reason: text,
  },
);

const sessionMessage: fc.Arbitrary<SessionMessage> = fc.oneof(
  fc.record({ type: fc.constant('SessionForward' as const), id: name, call: sessionCall }),
  fc.record({ type: fc.constant('SessionForwarded' as const), id: name, answer: sessionAnswer }),
  fc.record({
    type: fc.constant('WaitProbe' as const),
    path: fc.array(transaction, { minLength: 1, maxLength: 64 }),
    on: transaction,
  }),
  fc.record({
    type: fc.constant('Condemn' as const),
    cycle: fc.array(transaction, { minLength: 2, maxLength: 64 }),
  }),
);

export const nodeMessage: fc.Arbitrary<NodeMessage> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('Heartbeats' as const),
      items: fc.array(fc.record({ group, message: heartbeat }), { maxLength: 8 }),
      beat: fc.option(beat, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('HeartbeatAnswers' as const),
      items: fc.array(fc.record({ group, message: heartbeatAnswer }), { maxLength: 8 }),
      agrees: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: clusterMessage },
  { weight: 4, arbitrary: sessionMessage },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('Group' as const), group, message: raftMessage }) },
  {
    weight: 2,
    arbitrary: withOptional(
      {
        type: fc.constant('SnapshotChunk' as const),
        group,
        term,
        index: numbers(1) as fc.Arbitrary<LogIndex>,
        snapshotTerm: term,
        config: configuration,
        number: numbers(0),
        bytes: fc.oneof(fc.constant(new Uint8Array(0)), bytes),
        digest: fc.integer(),
        last: fc.boolean(),
      },
      {
        values: fc.array(fc.record({ index: numbers(1) as fc.Arbitrary<LogIndex>, bytes }), {
          minLength: 1,
          maxLength: 3,
        }),
      },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('SnapshotAnswer' as const),
      group,
      term,
      index: numbers(1) as fc.Arbitrary<LogIndex>,
      snapshotTerm: term,
      chunks: numbers(0),
      asked: fc.boolean(),
      busy: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: withOptional(
      { type: fc.constant('Forward' as const), group, requestId, basis: index, operation },
      { within: transaction },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('ForwardAnswer' as const),
      group,
      requestId,
      result: fc.oneof(
        fc.record(
          { type: fc.constant('Executed' as const), outcome, index, reason: text },
          { requiredKeys: ['type', 'outcome', 'index'] },
        ),
        fc.record({
          type: fc.constant('TryAgain' as const),
          leader: nodeOrNone,
          reason: text,
          overloaded: fc.boolean(),
        }),
      ),
    }),
  },
);

export const frame: fc.Arbitrary<readonly NodeMessage[]> = fc.array(nodeMessage, { maxLength: 6 });

export const stored: fc.Arbitrary<Stored> = fc.oneof(
  fc.record({ type: fc.constant('HardState' as const), term, vote: nodeOrNone }),
  fc.record({
    type: fc.constant('Segment' as const),
    firstIndex: numbers(1).map((each) => Math.min(each, MAX - 8) as LogIndex),
    entries,
  }),
  withOptional(
    {
      type: fc.constant('Snapshot' as const),
      index: numbers(1) as fc.Arbitrary<LogIndex>,
      term,
      config: configuration,
      number: numbers(0),
      chunks: numbers(1),
      digest: fc.integer(),
      firstSegment: numbers(0),
    },
    {
      generation: numbers(1),
      superseded: fc.array(numbers(1) as fc.Arbitrary<LogIndex>, { minLength: 1, maxLength: 4 }),
    },
  ),
  fc.record({ type: fc.constant('Value' as const), bytes }),
  fc.record({ type: fc.constant('SnapshotChunk' as const), bytes }),
);
