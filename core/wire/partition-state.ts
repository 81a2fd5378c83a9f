/**
 * Snapshots: the whole state of a partition, as it lies on the disk and as a follower that is far behind gets it.
 *
 * The collections are rebuilt by their own functions, from entries in ascending order; what could not have come from
 * an applied log (keys out of order, a request remembered twice) is refused. Values are kept for as long as their
 * keys are, so none keeps the snapshot's buffer alive.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { emptyOrderedMap, mapForEach, mapSet } from '../collections/ordered-map.js';
import { radixForEach } from '../collections/radix-array.js';
import type { LogIndex, Revision, Term } from '../machine/units.js';
import type { Outcome, Value } from '../partition/command.js';
import type { KeyEntry, PartitionState } from '../partition/partition.js';
import {
  EMPTY_RETRY_TABLE,
  findRetry,
  rememberRequest,
  type RetryRecord,
  type RetryTable,
} from '../partition/retry-table.js';
import type { Configuration } from '../raft/configuration.js';
import type { Snapshot } from '../raft/messages.js';
import { readConfiguration, writeConfiguration } from './configuration.js';
import {
  keepable,
  malformed,
  positive,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import {
  checkedKey,
  checkedRequestId,
  readOutcome,
  readTimestamp,
  readValue,
  writeOutcome,
  writeTimestamp,
} from './values.js';

export function writeSnapshot(writer: Writer, snapshot: Snapshot<PartitionState>): void {
  writeUnsigned(writer, 8, snapshot.index);
  writeUnsigned(writer, 16, snapshot.term);
  writeNested(writer, 26, snapshot.state, writePartitionState);
  writeNested(writer, 34, snapshot.config, writeConfiguration);
}

export function readSnapshot(reader: Reader): Snapshot<PartitionState> {
  let index = 0;
  let term = 0;
  let state: PartitionState | undefined;
  let config: Configuration | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        index = readUnsigned(reader, 'Snapshot.index');
        break;
      case 16:
        term = readUnsigned(reader, 'Snapshot.term');
        break;
      case 26:
        state = readNested(reader, readPartitionState);
        break;
      case 34:
        config = readNested(reader, readConfiguration);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (state === undefined) malformed(reader, 'Snapshot.state is missing');
  // The node that installs it asserts this, and would stop.
  if (state.applied !== index) malformed(reader, `a Snapshot at ${index} holds a state at ${state.applied}`);
  if (config === undefined) malformed(reader, 'Snapshot.config is missing');
  return { index: index as LogIndex, term: term as Term, config, state };
}

function writePartitionState(writer: Writer, state: PartitionState): void {
  mapForEach(state.keys, (key, entry) => {
    writer.uint32(10).fork();
    writeKeyEntry(writer, key, entry);
    writer.ldelim();
  });
  radixForEach(state.retries.records, (record) => writeNested(writer, 18, record, writeRetryRecord));
  writeUnsigned(writer, 24, state.applied);
  writeTimestamp(writer, 34, state.lastModified);
  writeSigned(writer, 40, state.digest);
  writeUnsigned(writer, 48, state.retries.forgotten);
}

function readPartitionState(reader: Reader): PartitionState {
  let keys = emptyOrderedMap<KeyEntry>();
  let lastKey = '';
  const records: RetryRecord[] = [];
  let applied = 0;
  let lastModified = ZERO_TIMESTAMP;
  let digest = 0;
  let forgotten = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10: {
        const { key, entry } = readNested(reader, readKeyEntry);
        if (key <= lastKey) malformed(reader, 'the keys of a PartitionState are not in ascending order');
        keys = mapSet(keys, key, entry);
        lastKey = key;
        break;
      }
      case 18:
        records.push(readNested(reader, readRetryRecord));
        break;
      case 24:
        applied = readUnsigned(reader, 'PartitionState.applied');
        break;
      case 34:
        lastModified = readTimestamp(reader);
        break;
      case 40:
        digest = readSigned(reader, 'PartitionState.digest');
        break;
      case 48:
        forgotten = readUnsigned(reader, 'PartitionState.forgotten');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if ((digest | 0) !== digest)
    malformed(reader, `PartitionState.digest is ${digest}, not a signed 32-bit number`);
  return {
    keys,
    retries: rebuildRetries(reader, records, { forgotten, applied }),
    applied: applied as LogIndex,
    lastModified,
    digest,
  };
}

function rebuildRetries(
  reader: Reader,
  records: readonly RetryRecord[],
  { forgotten, applied }: { readonly forgotten: number; readonly applied: number },
): RetryTable {
  if (forgotten > applied)
    malformed(reader, `PartitionState.forgotten is ${forgotten}, after applied, ${applied}`);
  let table: RetryTable = { ...EMPTY_RETRY_TABLE, forgotten: forgotten as LogIndex };
  let last = forgotten;
  for (const record of records) {
    if (record.index <= last || record.index > applied) {
      malformed(
        reader,
        `a RetryRecord is at ${record.index}, but must lie after ${last} and not after ${applied}`,
      );
    }
    if (findRetry(table, record.requestId) !== undefined) {
      malformed(reader, `the request id of the RetryRecord at ${record.index} is there twice`);
    }
    table = rememberRequest(table, record);
    last = record.index;
  }
  return table;
}

function writeKeyEntry(writer: Writer, key: string, entry: KeyEntry): void {
  writeText(writer, 10, key);
  writeOptionalBytes(writer, 18, entry.value);
  writeUnsigned(writer, 24, entry.revision);
  writeBool(writer, 32, entry.deleted);
  writeTimestamp(writer, 42, entry.lastModified);
}

function readKeyEntry(reader: Reader): { readonly key: string; readonly entry: KeyEntry } {
  let key = '';
  let value: Value = null;
  let revision = 0;
  let deleted = false;
  let lastModified = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'KeyEntry.key');
        break;
      case 18:
        value = keepable(readValue(reader, 'KeyEntry.value'));
        break;
      case 24:
        revision = readUnsigned(reader, 'KeyEntry.revision');
        break;
      case 32:
        deleted = readUnsigned(reader, 'KeyEntry.deleted') !== 0;
        break;
      case 42:
        lastModified = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'KeyEntry.key');
  if (deleted && value !== null) malformed(reader, 'a KeyEntry is deleted, but has a value');
  if (lastModified.node === 0) malformed(reader, 'KeyEntry.last_modified is missing');
  return { key, entry: { value, revision: revision as Revision, deleted, lastModified } };
}

function writeRetryRecord(writer: Writer, record: RetryRecord): void {
  writeText(writer, 10, record.requestId);
  writeUnsigned(writer, 16, record.index);
  writeText(writer, 26, record.operation);
  writeNested(writer, 34, record.outcome, writeOutcome);
}

function readRetryRecord(reader: Reader): RetryRecord {
  let requestId = '';
  let index = 0;
  let operation = '';
  let outcome: Outcome | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'RetryRecord.request_id');
        break;
      case 16:
        index = readUnsigned(reader, 'RetryRecord.index');
        break;
      case 26:
        operation = readText(reader, 'RetryRecord.operation');
        break;
      case 34:
        outcome = readNested(reader, readOutcome);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (outcome === undefined) malformed(reader, 'RetryRecord.outcome is missing');
  if (outcome.value !== null) outcome = { ...outcome, value: keepable(outcome.value) };
  return {
    requestId: checkedRequestId(reader, requestId, 'RetryRecord.request_id'),
    index: positive(reader, index, 'RetryRecord.index') as LogIndex,
    operation,
    outcome,
  };
}
