/**
 * The replicated state of one partition: keys with their revisions, and the retry table.
 *
 * `applyCommand` is a deterministic function of the state and the committed command, so replicas that applied the
 * same log are equal byte for byte; `digest` folds in every applied change, which makes that cheap to compare.
 * Knows nothing of Raft: an index is only a position in some agreed order.
 */

import { compareTimestamps, nextTimestamp, ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { emptyOrderedMap, mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import { mixBytes, mixNumber, mixText } from '../collections/digest.js';
import { unreachable } from '../machine/assert.js';
import { logIndex, revision, type LogIndex, type Revision } from '../machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type Command,
  type Outcome,
  type ReadOperation,
  type SetOperation,
  type Value,
  type WriteOperation,
} from './command.js';
import {
  EMPTY_RETRY_TABLE,
  findRetry,
  forgetOldRequests,
  rememberRequest,
  type RetryTable,
} from './retry-table.js';

export interface KeyEntry {
  readonly value: Value;
  /** Counts on through delete and re-creation. */
  readonly revision: Revision;
  /** True for a tombstone: the key is absent, but its revision counter is not forgotten. */
  readonly deleted: boolean;
  readonly lastModified: Timestamp;
}

export interface PartitionState {
  readonly keys: OrderedMap<KeyEntry>;
  readonly retries: RetryTable;
  /** The index of the last entry that was applied. */
  readonly applied: LogIndex;
  /** The newest timestamp given to a change; the next one is later, whatever the clocks say. */
  readonly lastModified: Timestamp;
  /** 32 bits folded over every applied change, in order. */
  readonly digest: number;
}

export const EMPTY_PARTITION: PartitionState = {
  keys: emptyOrderedMap(),
  retries: EMPTY_RETRY_TABLE,
  applied: logIndex(0),
  lastModified: ZERO_TIMESTAMP,
  digest: 0,
};

/** The revision reported for a key that was never written. */
export const NEVER_WRITTEN = revision(-1);

export interface Applied {
  readonly state: PartitionState;
  readonly outcome: Outcome;
  /** Why, where the outcome is a refusal that needs words. */
  readonly reason?: string;
}

/** Moves past an entry that carries no command (a new leader's first). */
export function applyNothing(state: PartitionState, index: LogIndex, window: number): PartitionState {
  return {
    keys: state.keys,
    retries: forgetOldRequests(state.retries, index, window),
    applied: index,
    lastModified: state.lastModified,
    digest: mixNumber(state.digest, index),
  };
}

/** The state after the command at `index`, and what its client is to be told. */
export function applyCommand(
  state: PartitionState,
  index: LogIndex,
  command: Command,
  window: number,
): Applied {
  const { operation, requestId } = command;
  const retries = forgetOldRequests(state.retries, index, window);

  if (index - command.basis > window) {
    const reason = `the request is older than the ${window} writes for which this partition remembers retries`;
    return { state: applyNothing(state, index, window), outcome: refusal(KeyValueCode.mustRetry), reason };
  }

  const earlier = findRetry(retries, requestId);
  if (earlier !== undefined) {
    const next = applyNothing(state, index, window);
    if (earlier.operation === describeWrite(operation)) return { state: next, outcome: earlier.outcome };
    const reason = `request id ${requestId} was already used for another operation (${earlier.operation})`;
    return { state: next, outcome: refusal(KeyValueCode.invalidInput), reason };
  }

  const change = executeWrite(state, command);
  const outcome = change.outcome;
  const record = { requestId, index, operation: describeWrite(operation), outcome };
  return {
    state: {
      keys: change.entry === undefined ? state.keys : mapSet(state.keys, operation.key, change.entry),
      retries: rememberRequest(retries, record),
      applied: index,
      lastModified: change.entry === undefined ? state.lastModified : change.entry.lastModified,
      digest: digestChange(state.digest, index, command, outcome),
    },
    outcome,
  };
}

interface WriteChange {
  readonly outcome: Outcome;
  /** Undefined when nothing changes. */
  readonly entry: KeyEntry | undefined;
}

function executeWrite(state: PartitionState, command: Command): WriteChange {
  const { operation } = command;
  const current = mapGet(state.keys, operation.key);
  switch (operation.type) {
    case 'Set': {
      if (!conditionsHold(operation, current)) {
        return { outcome: outcomeOf(KeyValueCode.notSet, current), entry: undefined };
      }
      const entry = nextEntry(state, command, current, operation.value, false);
      return { outcome: outcomeOf(KeyValueCode.set, entry), entry };
    }
    case 'Delete': {
      if (current === undefined || current.deleted) {
        return { outcome: refusal(KeyValueCode.doesNotExist), entry: undefined };
      }
      const entry = nextEntry(state, command, current, null, true);
      return { outcome: outcomeOf(KeyValueCode.deleted, entry), entry };
    }
    default:
      return unreachable(operation);
  }
}

/** A tombstone counts as absent for the existence flags, and as null for the comparison by value. */
function conditionsHold(operation: SetOperation, current: KeyEntry | undefined): boolean {
  const { flags } = operation;
  const exists = current !== undefined && !current.deleted;
  if ((flags & SetFlag.ifExists) !== 0 && !exists) return false;
  if ((flags & SetFlag.ifNotExists) !== 0 && exists) return false;
  if ((flags & SetFlag.ifEqualToValue) !== 0) {
    if (!valuesEqual(exists ? current.value : null, operation.compareValue)) return false;
  }
  if ((flags & SetFlag.ifEqualToRevision) !== 0) {
    if ((current?.revision ?? NEVER_WRITTEN) !== operation.compareRevision) return false;
  }
  return true;
}

function nextEntry(
  state: PartitionState,
  command: Command,
  current: KeyEntry | undefined,
  value: Value,
  deleted: boolean,
): KeyEntry {
  const { stampedAt } = command;
  const lastModified =
    compareTimestamps(stampedAt, state.lastModified) > 0
      ? stampedAt
      : nextTimestamp(state.lastModified, stampedAt.node, stampedAt.wall);
  return { value, revision: revision((current?.revision ?? NEVER_WRITTEN) + 1), deleted, lastModified };
}

/** The answer to a read of the state as it is. */
export function executeRead(state: PartitionState, operation: ReadOperation): Outcome {
  const entry = mapGet(state.keys, operation.key);
  if (entry === undefined || entry.deleted) return refusal(KeyValueCode.doesNotExist);
  switch (operation.type) {
    case 'Get':
      return {
        code: KeyValueCode.got,
        revision: entry.revision,
        value: entry.value,
        lastModified: entry.lastModified,
      };
    case 'Exists':
      return outcomeOf(KeyValueCode.exists, entry);
    default:
      return unreachable(operation);
  }
}

/** What a request id is bound to: a retry says the same, a mistaken reuse of the id most likely does not. */
export function describeWrite(operation: WriteOperation): string {
  return operation.type === 'Set' ? `set ${operation.key}` : `delete ${operation.key}`;
}

export function valuesEqual(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

function outcomeOf(code: KeyValueCode, entry: KeyEntry | undefined): Outcome {
  return {
    code,
    revision: entry?.revision ?? NEVER_WRITTEN,
    value: null,
    lastModified: entry?.lastModified ?? ZERO_TIMESTAMP,
  };
}

/** An outcome that says nothing of any entry. */
export function refusal(code: KeyValueCode): Outcome {
  return { code, revision: revision(0), value: null, lastModified: ZERO_TIMESTAMP };
}

function digestChange(digest: number, index: LogIndex, command: Command, outcome: Outcome): number {
  let mixed = mixNumber(digest, index);
  mixed = mixText(mixed, command.requestId);
  mixed = mixText(mixed, command.operation.key);
  if (command.operation.type === 'Set' && command.operation.value !== null) {
    mixed = mixBytes(mixed, command.operation.value);
  }
  mixed = mixNumber(mixed, outcome.code);
  mixed = mixNumber(mixed, outcome.revision);
  const { wall, counter, node } = outcome.lastModified;
  return mixNumber(mixNumber(mixNumber(mixed, wall), counter), node);
}
