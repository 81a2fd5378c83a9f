/**
 * Our values as `wavetank.proto` has them: plain objects with the schema's field names.
 *
 * Also how the tests compare values: two states whose persistent collections have another shape inside, but hold the
 * same, are the same here.
 */

import { emptyOrderedMap, mapForEach } from '../../../core/collections/ordered-map.js';
import { radixForEach } from '../../../core/collections/radix-array.js';
import { ADMIN_OUTCOMES, ADMIN_REFUSALS } from '../../../core/node/admin-protocol.js';
import type { Roster } from '../../../core/node/roster.js';
import type {
  Command,
  Operation,
  Outcome,
  PageItem,
  ReadMode,
  SequenceTake,
  Trim,
  Value,
} from '../../../core/partition/command.js';
import { NEVER_WRITTEN, type KeyVersion } from '../../../core/partition/key-entry.js';
import type { PastPage } from '../../../core/partition/past.js';
import type { SequenceRecord } from '../../../core/partition/sequence-command.js';
import type {
  Beat,
  ForwardedCommand,
  GroupHeartbeat,
  GroupHeartbeatAnswer,
  NodeMessage,
  SpokenMessage,
  Stored,
} from '../../../core/node/protocol.js';
import { TRANSACTION_PRIORITIES, type TransactionCall } from '../../../core/transactions/calls.js';
import type { SessionCall } from '../../../core/transactions/session-state.js';
import { ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { liveHolds } from '../../../core/partition/holds.js';
import type { Floor } from '../../../core/partition/retention.js';
import type { PartitionState } from '../../../core/partition/partition.js';
import type { TransactionRecord } from '../../../core/partition/prepared.js';
import type {
  CommittedKey,
  LockNeed,
  Observation,
  StagedWrite,
  TransactionOperation,
} from '../../../core/partition/transaction-command.js';
import { isReference, type KeptValue, type ValueReference } from '../../../core/partition/value-reference.js';

type SchemaObject = Record<string, unknown>;

export function frameObject(messages: readonly NodeMessage[]): SchemaObject {
  return { messages: messages.map(nodeMessageObject) };
}

export function nodeMessageObject(message: NodeMessage): SchemaObject {
  if (message.type === 'Heartbeats') {
    const { beat } = message;
    const items = message.items.map(heartbeatObject);
    return { heartbeats: { items, ...(beat === undefined ? {} : { beat: beatObject(beat) }) } };
  }
  if (message.type === 'HeartbeatAnswers') {
    const { agrees } = message;
    const items = message.items.map(heartbeatObject);
    return { heartbeatAnswers: { items, ...(agrees === undefined ? {} : { agrees }) } };
  }
  switch (message.type) {
    case 'Group': {
      const { group } = message;
      return { group, ...raftMessageObject(message.message) };
    }
    case 'SnapshotChunk': {
      const { group, term, index, snapshotTerm, config, number, bytes, digest, last, values } = message;
      const body = { ...(bytes.length === 0 ? {} : { bytes }), ...(values === undefined ? {} : { values }) };
      return { group, snapshotChunk: { term, index, snapshotTerm, config, number, ...body, digest, last } };
    }
    case 'SnapshotAnswer': {
      const { group, term, index, snapshotTerm, chunks, asked, busy } = message;
      return { group, snapshotAnswer: { term, index, snapshotTerm, chunks, asked, busy } };
    }
    case 'Forward': {
      const { group, requestId, basis, operation, within } = message;
      const behalf = within === undefined ? {} : { within };
      return { group, forward: { requestId, basis, ...operationObject(operation), ...behalf } };
    }
    case 'ForwardAnswer': {
      const { group, requestId, result } = message;
      if (result.type === 'TryAgain') {
        const { leader, reason, overloaded } = result;
        return { group, forwardAnswer: { requestId, tryAgain: { leader, reason, overloaded } } };
      }
      const { outcome, index, reason } = result;
      const executed = {
        ...outcomeField(outcome),
        index,
        ...(reason === undefined ? {} : { reason }),
      };
      return { group, forwardAnswer: { requestId, executed } };
    }
    case 'RosterAsk':
      return { rosterAsk: { version: message.version, draining: message.draining } };
    case 'RosterNews':
      return { rosterNews: { roster: rosterObject(message.roster) } };
    case 'SurveyAsk':
      return { surveyAsk: { survey: message.survey } };
    case 'SurveyAnswer':
      return { surveyAnswer: { survey: message.survey, groups: message.groups } };
    case 'AdminForward':
      return { adminForward: { id: message.id, ...commandFieldOf(message.command) } };
    case 'AdminForwarded': {
      const { id, answer } = message;
      if (answer === undefined) return { adminForwarded: { id } };
      const { outcome, refusal, reason, version } = answer;
      const codes = {
        outcome: ADMIN_OUTCOMES.indexOf(outcome),
        refusal: refusal === undefined ? 0 : ADMIN_REFUSALS.indexOf(refusal) + 1,
      };
      return { adminForwarded: { id, answer: { ...codes, reason, version } } };
    }
    case 'SessionForward':
      return { sessionForward: { id: message.id, call: callObject(message.call) } };
    case 'SessionForwarded': {
      const {
        code,
        id = ZERO_TIMESTAMP,
        holder = ZERO_TIMESTAMP,
        anchorKey,
        outcome,
        reason,
      } = message.answer;
      const answer = {
        code,
        ...timestampField('id', id),
        ...timestampField('holder', holder),
        ...(anchorKey === undefined ? {} : { anchorKey }),
        ...(outcome === undefined ? {} : outcomeField(outcome)),
        ...(reason === undefined ? {} : { reason }),
      };
      return { sessionForwarded: { id: message.id, answer } };
    }
    case 'WaitProbe':
      return { waitProbe: { path: message.path, on: message.on } };
    case 'Condemn':
      return { condemn: { cycle: message.cycle } };
  }
}

const LOCKINGS = ['pessimistic', 'optimistic'];
const VALIDATIONS = ['none', 'trackAndValidate'];
const DURABILITIES = ['bestEffort', 'durable'];

export function callObject(call: TransactionCall): SchemaObject {
  switch (call.type) {
    case 'StartTransaction': {
      const { options, coordinatorKey } = call;
      const { readTimestamp = ZERO_TIMESTAMP, ...rest } = options;
      const start = {
        ...rest,
        locking: LOCKINGS.indexOf(options.locking),
        readValidation: VALIDATIONS.indexOf(options.readValidation),
        decisionDurability: DURABILITIES.indexOf(options.decisionDurability),
        priority: TRANSACTION_PRIORITIES.indexOf(options.priority),
        ...timestampField('readTimestamp', readTimestamp),
      };
      return { coordinatorKey, start };
    }
    case 'RunScript': {
      const { script, hash, parameters, priority } = call;
      const run = {
        ...(script.length === 0 ? {} : { script }),
        ...(hash === undefined ? {} : { hash }),
        parameters: parameters.map(({ name, value }) => (value === null ? { name } : { name, value })),
        priority: TRANSACTION_PRIORITIES.indexOf(priority),
      };
      return { run };
    }
    default: {
      const { coordinatorKey, id } = call.handle;
      return { ...timestampField('session', id), coordinatorKey, ...sessionCallField(call) };
    }
  }
}

function sessionCallField(call: SessionCall): SchemaObject {
  if (call.type !== 'OperateInTransaction') {
    const end = call.anchorKey === undefined ? {} : { anchorKey: call.anchorKey };
    return call.type === 'CommitTransaction' ? { commit: end } : { rollback: end };
  }
  const { operationId, operation } = call;
  if (operation.type === 'LockInTransaction' || operation.type === 'UnlockInTransaction') {
    const lock = { ...without(operation, 'type'), need: needObject(operation.need) };
    return { operate: { operationId, [operation.type === 'LockInTransaction' ? 'lock' : 'unlock']: lock } };
  }
  return { operate: { operationId, ...operationObject(operation) } };
}

function heartbeatObject({ group, message }: GroupHeartbeat | GroupHeartbeatAnswer): SchemaObject {
  const fields = Object.entries(message).filter(([name]) => name !== 'type');
  return { group, ...Object.fromEntries(fields) };
}

function beatObject({ covers, listed }: Beat): SchemaObject {
  return { ...covers, listed };
}

export function rosterObject({ version, members }: Roster): SchemaObject {
  return { version, members: members.map(({ role, ...rest }) => ({ ...rest, voter: role === 'voter' })) };
}

function commandFieldOf(command: ForwardedCommand): SchemaObject {
  if (command.type === 'TransferLeadership') {
    const { group, target } = command;
    return { transferLeadership: { group, target } };
  }
  const { add, promote, remove, priorities } = command;
  const joining = add.map(({ role, ...rest }) => ({ ...rest, voter: role === 'voter' }));
  return { changeMembers: { add: joining, promote, remove, priorities } };
}

function raftMessageObject(message: SpokenMessage): SchemaObject {
  const { type, ...rest } = message;
  const field = `${type[0]?.toLowerCase()}${type.slice(1)}`;
  return { [field]: rest };
}

export function storedObject(stored: Stored): SchemaObject {
  switch (stored.type) {
    case 'HardState':
      return { hardState: { term: stored.term, vote: stored.vote } };
    case 'Segment':
      return { segment: { firstIndex: stored.firstIndex, entries: stored.entries } };
    case 'Snapshot': {
      const { index, term, config, number, chunks, digest, firstSegment, generation, superseded } = stored;
      const apart = {
        ...(generation === undefined ? {} : { generation }),
        ...(superseded === undefined ? {} : { superseded }),
      };
      return { snapshot: { index, term, config, number, chunks, digest, firstSegment, ...apart } };
    }
    case 'SnapshotChunk':
      return { snapshotChunk: { bytes: stored.bytes } };
    case 'Value':
      return { value: { bytes: stored.bytes } };
  }
}

export function commandObject(command: Command): SchemaObject {
  const { requestId, basis, stampedAt, operation, lapsed = [], take, trim } = command;
  return {
    requestId,
    basis,
    ...timestampField('stampedAt', stampedAt),
    ...operationObject(operation),
    lapsed: lapsed.map(({ space, name, armedAt }) => ({
      name,
      armedAt,
      lock: space === 'lock',
      hold: space === 'hold',
    })),
    ...(take === undefined ? {} : takeField(take)),
    ...(trim === undefined ? {} : { trim: trimObject(trim) }),
  };
}

function trimObject({ before, ...rest }: Trim): SchemaObject {
  return { ...rest, ...timestampField('before', before) };
}

function takeField(take: SequenceTake): SchemaObject {
  if (take.type === 'Block') return { block: { window: take.window } };
  const { start, revision, incarnation, createdAt } = take;
  return { part: { start, revision, incarnation, ...timestampField('createdAt', createdAt) } };
}

const MODES: Readonly<Record<ReadMode, number>> = { linearizable: 0, lease: 1, follower: 2, stale: 3 };

/** The schema has the fields of an operation by the same names; what is null is absent, what is absent zero. */
function operationObject(operation: Operation): SchemaObject {
  const { type, ...fields } = operation;
  const field = `${type[0]?.toLowerCase()}${type.slice(1)}`;
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
      return { [field]: { ...fields, mode: MODES[operation.mode ?? 'linearizable'] } };
    case 'Set': {
      const { value, compareValue, ...rest } = operation;
      return {
        set: {
          ...without(rest, 'type'),
          ...valueField('value', value),
          ...valueField('compareValue', compareValue),
        },
      };
    }
    case 'UpdateSequence': {
      const { maxValue, blockSize, ...rest } = operation;
      return {
        updateSequence: {
          ...without(rest, 'type'),
          ...(maxValue === null ? { removeMaxValue: true } : { maxValue }),
          ...(blockSize === null ? { removeBlockSize: true } : { blockSize }),
        },
      };
    }
    case 'Prepare':
    case 'CommitAtOnce':
    case 'Validate':
    case 'Decide':
    case 'Settle':
    case 'Finish':
    case 'GetDecision':
    case 'AcquireTransactionLocks':
    case 'ReleaseTransactionLocks':
      return { transaction: transactionObject(operation) };
    case 'SetFloor': {
      const { group, timestamp, position } = operation;
      return { setFloor: { group, ...timestampField('timestamp', timestamp), position } };
    }
    default:
      return { [field]: fields };
  }
}

const TRANSACTION_TYPES: readonly TransactionOperation['type'][] = [
  'Prepare',
  'CommitAtOnce',
  'Validate',
  'Decide',
  'Settle',
  'Finish',
  'GetDecision',
  'AcquireTransactionLocks',
  'ReleaseTransactionLocks',
];

function transactionObject(operation: TransactionOperation): SchemaObject {
  const decision = 'decision' in operation ? operation.decision : undefined;
  return {
    ...without(without(operation, 'decision'), 'at'),
    type: TRANSACTION_TYPES.indexOf(operation.type) + 1,
    ...('writes' in operation ? { writes: operation.writes.map(stagedObject) } : {}),
    ...('reads' in operation ? { reads: operation.reads.map(observationObject) } : {}),
    ...('needs' in operation ? { needs: operation.needs?.map(needObject) } : {}),
    ...(decision?.type === 'Commit' ? timestampField('at', decision.at) : {}),
    ...('at' in operation && operation.at !== undefined ? timestampField('at', operation.at) : {}),
  };
}

function stagedObject(write: StagedWrite): SchemaObject {
  const type = ['Set', 'Delete', 'Extend'].indexOf(write.type) + 1;
  if (write.type !== 'Set') return { ...write, type };
  return { ...without(write, 'value'), ...valueField('value', write.value), type };
}

function observationObject(observation: Observation): SchemaObject {
  const rest = without(observation, 'type');
  return observation.type === 'Key'
    ? rest
    : { ...without(rest, 'at'), ...timestampField('at', observation.at) };
}

function needObject(need: LockNeed): SchemaObject {
  if (need.type === 'KeyLock') return { type: 1, name: need.key };
  if (need.type === 'PrefixLock') return { type: 2, name: need.prefix };
  const { prefix, mode, ...bounds } = need;
  return { ...bounds, name: prefix, type: mode === 'exclusive' ? 3 : 4 };
}

function transactionRecordObject(transaction: string, record: TransactionRecord): SchemaObject {
  const { state, at, ...rest } = record;
  const number = ['Undecided', 'Committed', 'Aborted', 'Settled'].indexOf(state) + 1;
  return { transaction, ...rest, state: number, ...timestampField('at', at) };
}

function committedObject({ key, outcome }: CommittedKey): SchemaObject {
  return { key, ...outcomeField(outcome) };
}

function without(fields: object, name: string): SchemaObject {
  return Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name));
}

function outcomeField(outcome: Outcome): SchemaObject {
  switch (outcome.family) {
    case undefined: {
      const { code, revision, value, lastModified, expires = ZERO_TIMESTAMP } = outcome;
      const times = {
        ...timestampField('lastModified', lastModified),
        ...timestampField('expires', expires),
      };
      return { outcome: { code, revision, ...valueField('value', value), ...times } };
    }
    case 'page': {
      const { code, items, hasMore, lastKey, at } = outcome;
      return { page: { code, items: items.map(itemObject), hasMore, lastKey, ...timestampField('at', at) } };
    }
    case 'lock': {
      const { code, fencingToken, owner, expires } = outcome;
      return {
        lock: { code, fencingToken, ...valueField('owner', owner), ...timestampField('expires', expires) },
      };
    }
    case 'sequence': {
      const { code, record, allocation } = outcome;
      return {
        sequence: {
          code,
          ...(record === null ? {} : { record: recordObject(record) }),
          ...(allocation === null ? {} : { allocation }),
        },
      };
    }
    case 'transaction': {
      const { code, at, participants, revisions, blocker, blockerAnchor, keys } = outcome;
      const told = {
        ...(at === undefined ? {} : timestampField('at', at)),
        ...(participants === undefined ? {} : { participants, tellsParticipants: true }),
        ...(revisions === undefined ? {} : { revisions, tellsRevisions: true }),
        ...(keys === undefined ? {} : { keys: keys.map(committedObject), tellsKeys: true }),
      };
      const blocked = {
        ...(blocker === undefined ? {} : { blocker }),
        ...(blockerAnchor === undefined ? {} : { blockerAnchor }),
      };
      return { transaction: { code, ...told, ...blocked } };
    }
    case 'hold': {
      const { code, hold, expires, floor, live } = outcome;
      const times = { ...timestampField('expires', expires), ...timestampField('floor', floor) };
      return { hold: { code, hold, ...times, live } };
    }
  }
}

function itemObject(item: PageItem): SchemaObject {
  const { key, value, revision, lastModified, expires = ZERO_TIMESTAMP } = item;
  const times = { ...timestampField('lastModified', lastModified), ...timestampField('expires', expires) };
  return { key, ...valueField('value', value), revision, ...times };
}

function recordObject(record: SequenceRecord): SchemaObject {
  const { maxValue, blockSize, createdAt, updatedAt, ...rest } = record;
  return {
    ...rest,
    ...(maxValue === null ? {} : { maxValue }),
    ...(blockSize === null ? {} : { blockSize }),
    ...timestampField('createdAt', createdAt),
    ...timestampField('updatedAt', updatedAt),
  };
}

function versionObject(version: KeyVersion): SchemaObject {
  const { value, revision, deleted, lastModified, expires, lapsedAt, revisions = 0 } = version;
  return {
    ...keptField(value),
    revision,
    deleted,
    ...timestampField('lastModified', lastModified),
    ...timestampField('expires', expires),
    ...timestampField('lapsedAt', lapsedAt),
    revisions,
  };
}

/** A state in a single chunk. */
export function partitionStateObject(state: PartitionState): SchemaObject {
  const keys: SchemaObject[] = [];
  mapForEach(state.keys, (key, entry) => {
    const { expiresMs, armedAt, history, forgotten } = entry;
    const rest = forgotten === undefined ? {} : { forgotten };
    keys.push({
      key,
      ...versionObject(entry),
      expiresMs,
      armedAt,
      history: history.map(versionObject),
      ...rest,
    });
  });
  const locks: SchemaObject[] = [];
  mapForEach(state.locks, (resource, { owner, expires, lastModified, ...rest }) => {
    locks.push({
      resource,
      ...rest,
      ...valueField('owner', owner),
      ...timestampField('expires', expires),
      ...timestampField('lastModified', lastModified),
    });
  });
  const sequences: SchemaObject[] = [];
  mapForEach(state.sequences, (_name, { record, keyed }) => {
    sequences.push({
      record: recordObject(record),
      keyed: keyed.map(({ key, allocation, at }) => ({ key, allocation, ...timestampField('at', at) })),
    });
  });
  const prepared: SchemaObject[] = [];
  const open: SchemaObject[] = [];
  const closed: SchemaObject[] = [];
  const { transactions } = state;
  mapForEach(transactions.prepared, (transaction, { preparedAt, writes, ...rest }) => {
    const fields = { ...rest, ...timestampField('preparedAt', preparedAt) };
    prepared.push({ transaction, ...fields, writes: writes.map(stagedObject) });
  });
  mapForEach(transactions.open, (name, record) => void open.push(transactionRecordObject(name, record)));
  mapForEach(transactions.closed, (name, record) => void closed.push(transactionRecordObject(name, record)));
  const retries: SchemaObject[] = [];
  radixForEach(state.retries.records, ({ requestId, index, operation, outcome }) => {
    retries.push({ requestId, index, operation, ...outcomeField(outcome) });
  });
  const { retention } = state;
  const holds: SchemaObject[] = [];
  mapForEach(liveHolds(state), (id, { expires, ...rest }) => {
    holds.push({ id, ...rest, ...timestampField('expires', expires) });
  });
  const head = {
    applied: state.applied,
    ...timestampField('lastModified', state.lastModified),
    digest: state.digest,
    forgotten: state.retries.forgotten,
    ...(retention?.type === 'Holds' ? { holdsChangedAt: retention.changedAt } : {}),
    ...(retention?.type === 'Floor' ? { floor: floorObject(retention) } : {}),
    pagesWritten: state.past?.written ?? 0,
  };
  const past: SchemaObject[] = [];
  mapForEach(state.past?.pages ?? emptyOrderedMap<PastPage>(), (_, page) => void past.push(pageObject(page)));
  return { keys, past, locks, sequences, prepared, open, closed, holds, retries, head };
}

function pageObject({ before, since, until, versions, values, ...rest }: PastPage): SchemaObject {
  return {
    ...rest,
    ...(before === NEVER_WRITTEN ? {} : { before }),
    ...timestampField('since', since),
    ...timestampField('until', until),
    versions: referenceObject(versions),
    values: values.map(referenceObject),
  };
}

/** The versions of a page of the past. */
export function versionsObject(versions: readonly KeyVersion[]): SchemaObject {
  return { versions: versions.map(versionObject) };
}

function floorObject({ timestamp, position }: Floor): SchemaObject {
  return { ...timestampField('timestamp', timestamp), position };
}

function keptField(value: KeptValue): SchemaObject {
  if (!isReference(value)) return valueField('value', value);
  return { valueApart: referenceObject(value) };
}

function referenceObject(reference: ValueReference): SchemaObject {
  return { ...reference, digest: Uint8Array.from(Buffer.from(reference.digest, 'hex')) };
}

function valueField(name: string, value: Value): SchemaObject {
  return value === null ? {} : { [name]: value };
}

function timestampField(name: string, { node, wall, counter }: Timestamp): SchemaObject {
  return node === 0 && wall === 0 && counter === 0 ? {} : { [name]: { node, wall, counter } };
}
