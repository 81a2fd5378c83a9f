/**
 * A second opinion on the state machine: what the committed commands of one partition must have led to.
 *
 * Written from the contracts of keys, locks and sequences (`reference/`), without the code that it judges, and kept for every
 * index, so that replicas and answers of any age can be held against it. Commands are executed once, when they are first known
 * to be committed.
 */

import {
  compareTimestamps,
  findRetry,
  isRead,
  KeyValueCode,
  mapGet,
  nameIn,
  nextTimestamp,
  refusalOf,
  SequenceCode,
  ZERO_TIMESTAMP,
  type Command,
  type Operation,
  type Outcome,
  type PartitionState,
  type ReadOperation,
  type ReserveSequenceOperation,
  type SequenceOutcome,
  type SequenceRecord,
  type Timestamp,
} from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';
import { endKey, wrongEntry, wrongRead, writeKey, type Keys, type Moment } from './reference/keys.js';
import { endLock, wrongLock, wrongLockRead, writeLock, type Locks } from './reference/locks.js';
import {
  createSequences,
  tellSequence,
  wrongGift,
  wrongSequence,
  writeSequence,
  type Sequences,
} from './reference/sequences.js';
import { stateAt } from './reference/timeline.js';

/** What the command at an index does. */
interface Effect {
  readonly requestId: string | undefined;
  /** All that it may have changed. */
  readonly touched: readonly Place[];
  /** Of a write; undefined where there is no command, or it is refused as a whole, or it is a read. */
  readonly outcome: Outcome | undefined;
  /** Of a read whose answer stands in the log. */
  readonly read: ReadOperation | undefined;
  /** Where the same request took effect before, or here. */
  readonly first: number;
}

interface Place {
  readonly space: 'key' | 'lock' | 'sequence';
  readonly name: string;
}

export interface Reference {
  readonly group: number;
  /** By index, from 1; place 0 is not used. */
  readonly effects: Effect[];
  readonly keys: Keys;
  readonly locks: Locks;
  readonly sequences: Sequences;
  /** By request id: where it took effect. */
  readonly firstOf: Map<string, { readonly index: number; readonly operation: string }>;
  /** The time of the newest change. */
  lastModified: Timestamp;
}

const NO_EFFECT: Effect = {
  requestId: undefined,
  touched: [],
  outcome: undefined,
  read: undefined,
  first: 0,
};

export function createReference(group: number): Reference {
  return {
    group,
    effects: [NO_EFFECT],
    keys: new Map(),
    locks: new Map(),
    sequences: createSequences(),
    firstOf: new Map(),
    lastModified: ZERO_TIMESTAMP,
  };
}

/** Executes the next committed command; undefined for an entry without one. */
export function execute(reference: Reference, command: Command | undefined, window: number): void {
  const { effects, firstOf } = reference;
  const index = effects.length;
  if (command === undefined || index - command.basis > window) {
    effects.push(NO_EFFECT);
    return;
  }
  const { requestId, operation } = command;
  const meaning = `${operation.type} ${nameIn(operation)}`;
  // A read may be executed as often as it is asked; nobody remembers it.
  const earlier = isRead(operation) ? undefined : firstOf.get(requestId);
  if (earlier !== undefined && earlier.index > index - window) {
    const isSame = earlier.operation === meaning;
    const { outcome, read } = (isSame ? effects[earlier.index] : undefined) ?? {
      outcome: refusalOf(operation, 'invalidInput'),
      read: undefined,
    };
    effects.push({ requestId, touched: [], outcome, read, first: earlier.index });
    return;
  }
  if (!isRead(operation)) firstOf.set(requestId, { index, operation: meaning });
  const { lapsed = [] } = command;
  const touched: Place[] = lapsed.map(({ space, name }) => ({ space, name }));
  const moment = momentOf(reference, index, command);
  for (const { space, name, armedAt } of lapsed) {
    if (space === 'key') endKey(reference.keys, moment, name, armedAt);
    else endLock(reference.locks, moment, name, armedAt);
  }
  const outcome = write(reference, moment, command);
  const space = spaceOf(operation);
  if (!isRead(operation)) touched.push({ space, name: nameIn(operation) });
  // What a read was told is judged where its answer is.
  effects.push({
    requestId,
    touched,
    outcome,
    read: isRead(operation) ? operation : undefined,
    first: index,
  });
}

function spaceOf(operation: Operation): Place['space'] {
  if ('resource' in operation) return 'lock';
  return 'name' in operation ? 'sequence' : 'key';
}

/** Each change has a time of its own, later than all before. */
function momentOf(reference: Reference, index: number, { stampedAt }: Command): Moment {
  const next = (): Timestamp => {
    const { lastModified } = reference;
    return compareTimestamps(stampedAt, lastModified) > 0
      ? stampedAt
      : nextTimestamp(lastModified, stampedAt.node, stampedAt.wall);
  };
  return { index, stampedAt, next, stamp: () => (reference.lastModified = next()) };
}

function write(
  reference: Reference,
  moment: Moment,
  { operation, requestId, take }: Command,
): Outcome | undefined {
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return writeKey(reference.keys, moment, operation);
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
      return writeLock(reference.locks, moment, operation);
    case 'CreateSequence':
    case 'UpdateSequence':
    case 'ReserveSequence':
    case 'DeleteSequence': {
      const { outcome, problem } = writeSequence(reference.sequences, moment, requestId, operation, take);
      if (problem !== undefined)
        broken('values are given once', reference, `index ${moment.index}: ${problem}`);
      return outcome;
    }
    case 'Get':
    case 'Exists':
    case 'Scan':
    case 'GetLock':
    case 'GetSequence':
      return undefined;
  }
}

function broken(property: string, { group }: Reference, detail: string): never {
  throw new PropertyBroken(property, `group ${group}: ${detail}`);
}

/** Compares what a replica changed by applying everything after `from`, up to where it is. */
export function compareChanges(
  reference: Reference,
  node: number,
  from: number,
  state: PartitionState,
): void {
  for (let index = from + 1; index <= state.applied; index += 1) {
    const { touched, requestId } = reference.effects[index] ?? NO_EFFECT;
    for (const place of touched) comparePlace(reference, node, place, state);
    if (requestId !== undefined) compareRetry(reference, node, requestId, state);
  }
}

/** Compares all that a replica or a snapshot holds. */
export function compareAll(reference: Reference, node: number, state: PartitionState): void {
  const { keys, locks, sequences } = reference;
  const { applied } = state;
  const all = [
    { space: 'key', facts: keys, size: state.keys.size, isHeld: () => true },
    { space: 'lock', facts: locks, size: state.locks.size, isHeld: () => true },
    {
      space: 'sequence',
      facts: sequences.facts,
      size: state.sequences.size,
      // A sequence that was deleted leaves nothing behind.
      isHeld: (name: string) => stateAt(sequences.facts, name, applied)?.record !== undefined,
    },
  ] as const;
  for (const { space, facts, size, isHeld } of all) {
    let count = 0;
    for (const [name, [first]] of facts) {
      if (first === undefined || first.index > applied) continue;
      if (isHeld(name)) count += 1;
      comparePlace(reference, node, { space, name }, state);
    }
    if (size !== count) {
      const detail = `node ${node} holds ${size} ${space}s at index ${applied}, but ${count} were written`;
      broken('replicas are right', reference, detail);
    }
  }
  for (const [requestId, { index }] of reference.firstOf) {
    if (index <= applied) compareRetry(reference, node, requestId, state);
  }
}

function comparePlace(
  reference: Reference,
  node: number,
  { space, name }: Place,
  state: PartitionState,
): void {
  const { keys, locks, sequences } = reference;
  const { applied } = state;
  const wrong =
    space === 'key'
      ? wrongEntry(stateAt(keys, name, applied), mapGet(state.keys, name))
      : space === 'lock'
        ? wrongLock(stateAt(locks, name, applied), mapGet(state.locks, name))
        : wrongSequence(stateAt(sequences.facts, name, applied), mapGet(state.sequences, name));
  if (wrong === undefined) return;
  broken('replicas are right', reference, `at index ${applied} node ${node} holds ${name} ${wrong}`);
}

function compareRetry(reference: Reference, node: number, requestId: string, state: PartitionState): void {
  const first = reference.firstOf.get(requestId)?.index;
  if (first === undefined || first <= state.retries.forgotten) return;
  const record = findRetry(state.retries, requestId as Command['requestId']);
  const isKnown = record?.requestId === requestId;
  const wrong = isKnown ? wrongOutcome(reference, first, record.outcome) : 'nothing';
  if (wrong === undefined) return;
  broken(
    'requests are remembered',
    reference,
    `at index ${state.applied} node ${node} ${isKnown ? 'remembers otherwise' : 'has forgotten'} request ${requestId}, ` +
      `which took effect at ${first}: ${wrong}`,
  );
}

/** What is wrong with what the command at an index is said to have led to; undefined for nothing. */
function wrongOutcome(reference: Reference, index: number, told: Outcome): string | undefined {
  const { outcome, read, first } = reference.effects[index] ?? NO_EFFECT;
  if (read !== undefined) return wrongAnswer(reference, first, read, told);
  const expected = outcome === undefined ? 'nothing' : tell(outcome);
  return tell(told) === expected ? undefined : `there it had ${expected}, not ${tell(told)}`;
}

function wrongAnswer(
  { keys, locks, sequences }: Reference,
  index: number,
  operation: ReadOperation,
  told: Outcome,
): string | undefined {
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
      return wrongRead(keys, index, operation, told);
    case 'GetLock':
      return wrongLockRead(locks, index, operation, told);
    case 'GetSequence': {
      const fact = stateAt(sequences.facts, operation.name, index);
      const record = told.family === 'sequence' ? told.record : null;
      const seen = record === null ? undefined : tellSequence(record, []);
      const expected = fact?.record && tellSequence(fact.record, []);
      return seen === expected ? undefined : `it was ${expected ?? 'not there'}`;
    }
  }
}

/** All of an outcome that its family promises, as a text. */
function tell(outcome: Outcome): string {
  const stamp = ({ wall, counter, node }: Timestamp): string => `${wall}.${counter}.${node}`;
  switch (outcome.family) {
    case undefined: {
      const { code, revision, value, lastModified, expires = ZERO_TIMESTAMP } = outcome;
      const held = value === null ? 'no value' : `[${value.join(' ')}]`;
      return `code ${code}, revision ${revision}, ${held}, of ${stamp(lastModified)} until ${stamp(expires)}`;
    }
    case 'page':
      return `code ${outcome.code}, ${outcome.items.length} keys`;
    case 'lock': {
      const { code, fencingToken, owner, expires } = outcome;
      return `code ${code}, token ${fencingToken}, ${owner?.join(' ') ?? 'no owner'} until ${stamp(expires)}`;
    }
    case 'sequence': {
      const { code, record, allocation } = outcome;
      const values = allocation && [allocation.start, allocation.end, allocation.count, allocation.revision];
      return `code ${code}, ${values?.join(' ') ?? 'no values'}, ${tellRecord(record)}`;
    }
  }
}

function tellRecord(record: SequenceRecord | null): string {
  return record === null ? 'no record' : tellSequence(record, []);
}

/** Requests may be forgotten only when they are older than the window. */
export function checkForgotten(
  reference: Reference,
  node: number,
  state: PartitionState,
  window: number,
): void {
  const { forgotten } = state.retries;
  if (forgotten <= Math.max(0, state.applied - window)) return;
  broken(
    'requests are remembered',
    reference,
    `node ${node} has forgotten all up to ${forgotten} at index ${state.applied}, within the window of ${window}`,
  );
}

/** A write's answer, as told from an index, is what the entry there led to, and the entry is of that request. */
export function checkWritten(
  reference: Reference,
  node: number,
  requestId: string | undefined,
  index: number,
  told: Outcome,
): void {
  const effect = reference.effects[index];
  if (effect === undefined || isPutOff(told)) return;
  const isOther = requestId !== undefined && effect.requestId !== requestId;
  const wrong = isOther
    ? `there stands request ${effect.requestId ?? 'none'}`
    : wrongOutcome(reference, index, told);
  if (wrong === undefined) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers request ${requestId ?? 'without id'} with ${tell(told)} from index ${index}; ${wrong}`,
  );
}

/** Whether the outcome only says that the client must ask again. */
export function isPutOff(told: Outcome): boolean {
  return told.code === refusalCode(told, 'mustRetry');
}

/** Whether the outcome only says that nothing of the kind may be asked. */
export function isInvalid(told: Outcome): boolean {
  return told.code === refusalCode(told, 'invalidInput');
}

/** Whether the outcome says that the operation failed, for a reason of its own. */
export function isErrored(told: Outcome): boolean {
  return told.code === KeyValueCode.errored;
}

function refusalCode(told: Outcome, why: 'mustRetry' | 'invalidInput'): number {
  if (told.family !== 'sequence') return KeyValueCode[why];
  return SequenceCode[why];
}

/** A read's answer is what there was at the index that it was told from. */
export function checkRead(
  reference: Reference,
  node: number,
  operation: ReadOperation,
  index: number,
  told: Outcome,
): void {
  if (index >= reference.effects.length || isPutOff(told)) return;
  const wrong = wrongAnswer(reference, index, operation, told);
  if (wrong === undefined) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers a read of ${nameIn(operation)} with ${tell(told)}, from index ${index}; there ${wrong}`,
  );
}

/** Whether the entry at an index is this request's; a read has one only where its answer had to be agreed on. */
export function isOfRequest(
  { effects }: Reference,
  index: number,
  requestId: string | undefined,
  operation: Operation,
): boolean {
  const effect = effects[index];
  if (requestId === undefined || effect?.requestId !== requestId) return false;
  return isRead(operation) === (effect.read !== undefined);
}

/** Values that were given from memory are of a block that the log holds, and nobody else's. */
export function checkGift(
  reference: Reference,
  node: number,
  requestId: string | undefined,
  operation: ReserveSequenceOperation,
  index: number,
  told: SequenceOutcome,
): void {
  if (index >= reference.effects.length || isPutOff(told)) return;
  const wrong = wrongGift(reference.sequences, index, requestId, operation, told);
  if (wrong === undefined) return;
  broken('values are given once', reference, `node ${node}: ${wrong}`);
}

/** The time to live in milliseconds that the entry at an index gave a key or a lock; undefined where it gave none. */
export function armedBy(
  { keys, locks }: Reference,
  {
    space,
    name,
    armedAt,
  }: { readonly space: 'key' | 'lock'; readonly name: string; readonly armedAt: number },
): number | undefined {
  const fact = stateAt<{ readonly armedAt: number; readonly expiresMs: number }>(
    space === 'key' ? keys : locks,
    name,
    armedAt,
  );
  return fact?.armedAt === armedAt && fact.expiresMs > 0 ? fact.expiresMs : undefined;
}
