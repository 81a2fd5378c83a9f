/**
 * A second opinion on the state machine: what the committed commands of one partition must have led to.
 *
 * Written from the contracts of keys, locks and sequences, without the code that it judges, and kept for every
 * index, so that replicas and answers of any age can be held against it. Commands are executed once, when they are first known
 * to be committed.
 */

import {
  compareTimestamps,
  isRead,
  KeyValueCode,
  LockCode,
  nameIn,
  nextTimestamp,
  refusalOf,
  ZERO_TIMESTAMP,
  type Command,
  type Lapse,
  type Operation,
  type Outcome,
  type ReadOperation,
  type Timestamp,
} from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { endKey, trimKeys, writeKey, type Keys, type Moment } from './keys.js';
import { createPasts, endHold, floorNow, idOfHold, writeFloor, writeHold, type Pasts } from './holds.js';
import { endLock, writeLock, type Locks } from './locks.js';
import { createSequences, writeSequence, type Sequences } from './sequences.js';
import { stateAt } from './timeline.js';
import {
  createTransactionFacts,
  intentOf,
  writeTransaction,
  type PreparedFact,
  type TransactionFacts,
} from './transactions.js';

/** What the command at an index does. */
export interface Effect {
  readonly requestId: string | undefined;
  /** All that it may have changed. */
  readonly touched: readonly Place[];
  /** Of a write; undefined where there is no command, or it is refused as a whole, or it is a read. */
  readonly outcome: Outcome | undefined;
  /** Of a read whose answer stands in the log. */
  readonly read: ReadOperation | undefined;
  /** Where the same request took effect before, or here. */
  readonly first: number;
  /** The part of a transaction that it made into versions, or dropped. */
  readonly settled?: PreparedFact;
}

export interface Place {
  readonly space: 'key' | 'lock' | 'sequence' | 'transaction' | 'hold' | 'floor';
  readonly name: string;
}

export interface Reference {
  readonly group: number;
  /** Whether what keys have no room for goes into pages of the past, and is not forgotten. */
  readonly paged: boolean;
  /** By index, from 1; place 0 is not used. */
  readonly effects: Effect[];
  readonly keys: Keys;
  readonly locks: Locks;
  readonly sequences: Sequences;
  readonly transactions: TransactionFacts;
  readonly pasts: Pasts;
  /** By request id: where it took effect. */
  readonly firstOf: Map<string, { readonly index: number; readonly operation: string }>;
  /** The time of the newest change. */
  lastModified: Timestamp;
}

export const NO_EFFECT: Effect = {
  requestId: undefined,
  touched: [],
  outcome: undefined,
  read: undefined,
  first: 0,
};

export function createReference(group: number, paged = false): Reference {
  return {
    group,
    paged,
    effects: [NO_EFFECT],
    keys: new Map(),
    locks: new Map(),
    sequences: createSequences(),
    transactions: createTransactionFacts(),
    pasts: createPasts(),
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
  const { lapsed = [] } = command;
  const touched: Place[] = lapsed.map(({ space, name }) => ({ space, name }));
  const moment = momentOf(reference, index, command);
  for (const { space, name, armedAt } of lapsed) {
    if (space === 'lock') endLock(reference.locks, moment, name, armedAt);
    else if (space === 'hold') endHold(reference.pasts, moment, name, armedAt);
    // Who waits for an intent to be settled sees to the end of the key afterwards.
    else if (intentOf(reference, name, index) === undefined) endKey(reference.keys, moment, name, armedAt);
  }
  if (command.trim !== undefined) {
    for (const name of trimKeys(reference.keys, moment, command.trim)) touched.push({ space: 'key', name });
  }
  const { outcome, wrote, settled } = write(reference, { ...moment, window }, command);
  for (const name of wrote) touched.push({ space: 'key', name });
  if (!isRead(operation)) touched.push(placeOf(operation));
  // What was only put off is not done under its name.
  const isKept = outcome !== undefined && !isMustRetry(outcome);
  if (!isRead(operation) && isKept) firstOf.set(requestId, { index, operation: meaning });
  // What a read was told is judged where its answer is.
  effects.push({
    requestId,
    touched,
    outcome,
    read: isRead(operation) ? operation : undefined,
    first: index,
    ...(settled === undefined ? {} : { settled }),
  });
}

function isMustRetry({ family, code }: Outcome): boolean {
  return (family === undefined || family === 'transaction') && code === KeyValueCode.mustRetry;
}

function placeOf(operation: Operation): Place {
  switch (operation.type) {
    case 'AcquireHold':
    case 'RenewHold':
    case 'ReleaseHold':
      return { space: 'hold', name: idOfHold(operation) };
    case 'SetFloor':
      return { space: 'floor', name: '' };
    default:
      return { space: spaceOf(operation), name: nameIn(operation) };
  }
}

function spaceOf(operation: Operation): Place['space'] {
  if ('transaction' in operation) return 'transaction';
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
  const floor = floorNow(reference.pasts);
  const { paged } = reference;
  return { index, stampedAt, next, stamp: () => (reference.lastModified = next()), floor, paged };
}

/** What a command led to, and the keys that it wrote as a transaction's. */
interface Written extends Pick<Effect, 'outcome' | 'settled'> {
  readonly wrote: readonly string[];
}

function write(
  reference: Reference,
  moment: Moment & { readonly window: number },
  { operation, requestId, take }: Command,
): Written {
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return only(
        intentOf(reference, operation.key, moment.index) === undefined
          ? writeKey(reference.keys, moment, operation)
          : refusalOf(operation, 'mustRetry'),
      );
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
      return only(writeLock(reference.locks, moment, operation));
    case 'CreateSequence':
    case 'UpdateSequence':
    case 'ReserveSequence':
    case 'DeleteSequence': {
      const { outcome, problem } = writeSequence(reference.sequences, moment, requestId, operation, take);
      if (problem !== undefined)
        broken('values are given once', reference, `index ${moment.index}: ${problem}`);
      return only(outcome);
    }
    case 'Prepare':
    case 'CommitAtOnce':
    case 'Decide':
    case 'Settle':
    case 'Finish':
      return writeTransaction(reference, { ...moment, comeTo: (at) => comeTo(reference, at) }, operation);
    case 'Get':
    case 'Exists':
    case 'Scan':
    case 'Validate':
      // After that nothing is written at the time that it shows, or before.
      if (operation.at !== undefined) comeTo(reference, operation.at);
      return only(undefined);
    case 'GetLock':
    case 'GetSequence':
    case 'GetDecision':
      return only(undefined);
    case 'AcquireTransactionLocks':
    case 'ReleaseTransactionLocks':
      return broken('locks of transactions stay in memory', reference, `index ${moment.index} holds some`);
    case 'AcquireHold':
    case 'RenewHold':
    case 'ReleaseHold':
      return only(writeHold(reference.pasts, moment, operation));
    case 'SetFloor':
      return only(writeFloor(reference.pasts, moment, operation));
    case 'GetFloor':
      return only(undefined);
  }
}

function only(outcome: Outcome | undefined): Written {
  return { outcome, wrote: [] };
}

function comeTo(reference: Reference, at: Timestamp): void {
  if (compareTimestamps(at, reference.lastModified) > 0) reference.lastModified = at;
}

export function broken(property: string, { group }: Reference, detail: string): never {
  throw new PropertyBroken(property, `group ${group}: ${detail}`);
}

/** The time to live in milliseconds that the entry at an index gave a key or a lock; undefined where it gave none. */
export function armedBy(
  { keys, locks, pasts }: Reference,
  { space, name, armedAt }: Lapse,
): number | undefined {
  const fact = stateAt<{ readonly armedAt: number; readonly expiresMs: number } | null>(
    space === 'key' ? keys : space === 'lock' ? locks : pasts.holds,
    name,
    armedAt,
  );
  return fact?.armedAt === armedAt && fact.expiresMs > 0 ? fact.expiresMs : undefined;
}

/** A thing with a time to live that a read of the present shows; undefined where it shows none. */
export function shownUntil(
  { keys, locks }: Reference,
  operation: Operation,
  index: number,
  told: Outcome,
): Perishable | undefined {
  if (operation.type === 'GetLock') {
    if (told.family !== 'lock' || told.code !== LockCode.got) return undefined;
    return perishable(operation.resource, stateAt(locks, operation.resource, index));
  }
  if (operation.type !== 'Get' && operation.type !== 'Exists') return undefined;
  const isOfNow = operation.at === undefined && operation.revision === undefined;
  const shows = told.code === KeyValueCode.got || told.code === KeyValueCode.exists;
  return isOfNow && shows ? perishable(operation.key, stateAt(keys, operation.key, index)) : undefined;
}

export interface Perishable {
  readonly name: string;
  readonly armedAt: number;
  readonly expiresMs: number;
}

function perishable(
  name: string,
  fact: Pick<Perishable, 'armedAt' | 'expiresMs'> | undefined,
): Perishable | undefined {
  if (fact === undefined || fact.expiresMs === 0) return undefined;
  return { name, armedAt: fact.armedAt, expiresMs: fact.expiresMs };
}
