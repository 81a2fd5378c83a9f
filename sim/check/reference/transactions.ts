/**
 * What a partition must be like after each committed command of a transaction: what is prepared, whose intents lie on which
 * keys, what was decided, and which observations hold.
 */

import {
  compareTimestamps,
  mapGet,
  TransactionCode,
  type KeyBound,
  type KeyValueRead,
  type Outcome,
  type Observation,
  type Participant,
  type PartitionState,
  type StagedWrite,
  type Timestamp,
  type TransactionOutcome,
  type TransactionRead,
  type TransactionWrite,
} from '../../../core/index.js';
import { isThere, publishKey, type Keys, type Moment } from './keys.js';
import { latest, put, stateAt, type Timeline } from './timeline.js';

/** A part of a transaction that is prepared here. */
export interface PreparedFact {
  readonly at: Timestamp;
  readonly anchor: number;
  readonly writes: readonly StagedWrite[];
}

export interface RecordFact {
  readonly state: 'undecided' | 'committed' | 'aborted' | 'settled';
  /** Committed: the time of its versions; undecided: when it was prepared. */
  readonly at: Timestamp | undefined;
  readonly participants: readonly Participant[];
  /** Nothing is left to do, since the entry at `closedAt`; 0 while something is. */
  readonly closed: boolean;
  readonly closedAt: number;
}

/** Null where it is gone again. */
export interface TransactionFacts {
  readonly prepared: Timeline<PreparedFact | null>;
  /** By key. */
  readonly intents: Timeline<string | null>;
  readonly records: Timeline<RecordFact>;
}

export function createTransactionFacts(): TransactionFacts {
  return { prepared: new Map(), intents: new Map(), records: new Map() };
}

export interface HasFacts {
  readonly keys: Keys;
  readonly transactions: TransactionFacts;
}

/** What a command of a transaction did. */
export interface Done {
  readonly outcome: TransactionOutcome;
  /** The keys that it wrote. */
  readonly wrote: readonly string[];
  /** What it settled, if anything. */
  readonly settled?: PreparedFact;
}

/** What the reference must know besides: how far back a transaction may have begun. */
export interface Course extends Moment {
  readonly window: number;
  /** The partition comes to that time. */
  readonly comeTo: (at: Timestamp) => void;
}

export function intentOf({ transactions }: HasFacts, key: string, index: number): string | undefined {
  return stateAt(transactions.intents, key, index) ?? undefined;
}

export function writeTransaction(facts: HasFacts, course: Course, operation: TransactionWrite): Done {
  const { transaction } = operation;
  const { prepared, records } = facts.transactions;
  const part = latest(prepared, transaction) ?? undefined;
  const { index, window } = course;
  const newest = latest(records, transaction);
  const record = newest !== undefined && isForgotten(newest, index, window) ? undefined : newest;
  switch (operation.type) {
    case 'Prepare': {
      if (part !== undefined) return told('prepared', { at: part.at });
      const { writes, reads, participants, anchor } = operation;
      if (record !== undefined && record.state !== 'undecided') return told('aborted');
      if (record === undefined && isTooOld(course, operation)) return told('mustRetry');
      if (record !== undefined && writes.length === 0) return told('prepared', { at: record.at });
      if (isInTheWay(facts, index, transaction, writes, reads)) return told('aborted');
      const at = course.stamp();
      if (record === undefined && participants !== undefined) {
        put(records, transaction, index, {
          state: 'undecided',
          at,
          participants,
          closed: false,
          closedAt: 0,
        });
      }
      if (writes.length > 0) {
        put(prepared, transaction, index, { at, anchor, writes });
        for (const { key } of writes) put(facts.transactions.intents, key, index, transaction);
      }
      return told('prepared', { at });
    }
    case 'CommitAtOnce': {
      const { group, writes, reads } = operation;
      if (record?.state === 'committed') return told('committed', { at: record.at });
      if (record?.state === 'undecided') return told('errored');
      if (record !== undefined) return told('aborted');
      if (isTooOld(course, operation)) return told('mustRetry');
      if (part !== undefined) return told('errored');
      if (isInTheWay(facts, index, transaction, writes, reads)) return told('aborted');
      const at = course.stamp();
      const wrote = writes.map((write) => publishKey(facts.keys, course, write, at));
      put(records, transaction, index, {
        state: 'committed',
        at,
        participants: [{ group }],
        closed: true,
        closedAt: index,
      });
      return { ...told('committed', { at }), wrote };
    }
    case 'Decide': {
      const { decision, participants = [] } = operation;
      if (record?.state === 'committed') return told('committed', { at: record.at });
      if (record?.state === 'aborted') return told('aborted');
      const mine = record?.state === 'undecided' ? record : undefined;
      if (mine === undefined && isTooOld(course, operation)) return told('mustRetry');
      if (mine === undefined || decision.type === 'Abort') {
        const some = mine?.participants ?? participants;
        put(records, transaction, index, {
          state: 'aborted',
          at: undefined,
          participants: some,
          closed: true,
          closedAt: index,
        });
        return told('aborted');
      }
      if (mine.at !== undefined && compareTimestamps(decision.at, mine.at) < 0) return told('invalidInput');
      put(records, transaction, index, { ...mine, state: 'committed', at: decision.at });
      return told('committed', { at: decision.at });
    }
    case 'Settle': {
      if (record === undefined) {
        put(records, transaction, index, {
          state: 'settled',
          at: undefined,
          participants: [],
          closed: true,
          closedAt: index,
        });
      }
      if (part === undefined) return told('done');
      put(prepared, transaction, index, null);
      for (const { key } of part.writes) put(facts.transactions.intents, key, index, null);
      const { decision } = operation;
      if (decision.type === 'Abort') return { ...told('done'), settled: part };
      const wrote = part.writes.map((write) => publishKey(facts.keys, course, write, decision.at));
      course.comeTo(decision.at);
      return { ...told('done'), wrote, settled: part };
    }
    case 'Finish': {
      if (record?.state === 'undecided') return told('undecided');
      if (record !== undefined && !record.closed)
        put(records, transaction, index, { ...record, closed: true, closedAt: index });
      return told('done');
    }
  }
}

/** Records are kept for as long as anything that was sent before they were closed may still be heard. */
function isForgotten({ closed, closedAt }: RecordFact, index: number, window: number): boolean {
  return closed && closedAt <= index - window;
}

type Tellable = Exclude<keyof typeof TransactionCode, 'locked' | 'unlocked' | 'rolledBack' | 'alreadyLocked'>;

function told(code: Tellable, more: { readonly at?: Timestamp | undefined } = {}): Done {
  const { at } = more;
  const outcome = { family: 'transaction', code: TransactionCode[code] } as const;
  return { outcome: at === undefined ? outcome : { ...outcome, at }, wrote: [] };
}

function isTooOld({ index, window }: Course, { since }: { readonly since?: number }): boolean {
  return since !== undefined && index - since > window;
}

/** Somebody else is about to write what it writes or has read, or what it has read is otherwise. */
function isInTheWay(
  facts: HasFacts,
  index: number,
  transaction: string,
  writes: readonly StagedWrite[],
  reads: readonly Observation[],
): boolean {
  const isForeign = (key: string): boolean => {
    const holder = intentOf(facts, key, index);
    return holder !== undefined && holder !== transaction;
  };
  return (
    writes.some(({ key }) => isForeign(key)) ||
    writes.some(({ type, key }) => type === 'Extend' && !isThere(latest(facts.keys, key))) ||
    reads.some((read) => !holds(facts, index, transaction, read))
  );
}

/** Whether what was seen is so in the state at an index, and nobody else is about to change it. */
function holds(
  { keys, transactions }: HasFacts,
  index: number,
  transaction: string,
  observation: Observation,
): boolean {
  const isForeign = (key: string): boolean => {
    const holder = stateAt(transactions.intents, key, index) ?? transaction;
    return holder !== transaction;
  };
  if (observation.type === 'Key') {
    const { key, exists, revision } = observation;
    const fact = stateAt(keys, key, index);
    return !isForeign(key) && (fact?.revision ?? -1) === revision && isThere(fact) === exists;
  }
  const { prefix, from, to, at } = observation;
  const isMeant = (key: string): boolean => isWithin({ prefix, from, to }, key);
  for (const key of transactions.intents.keys()) if (isMeant(key) && isForeign(key)) return false;
  for (const key of keys.keys()) {
    if (!isMeant(key)) continue;
    const fact = stateAt(keys, key, index);
    if (fact === undefined) continue;
    if (compareTimestamps(fact.lastModified, at) > 0 || compareTimestamps(fact.lapsedAt, at) > 0)
      return false;
  }
  return true;
}

interface Range {
  readonly prefix: string;
  readonly from: KeyBound | undefined;
  readonly to: KeyBound | undefined;
}

function isWithin({ prefix, from, to }: Range, key: string): boolean {
  return (
    key.startsWith(prefix) &&
    (from === undefined || key > from.key || (from.inclusive && key === from.key)) &&
    (to === undefined || key < to.key || (to.inclusive && key === to.key))
  );
}

/** Why nobody may be told yet what a key or a page is in the state at an index; undefined where nothing stands against it. */
export function blockedRead(
  { transactions }: HasFacts,
  index: number,
  operation: KeyValueRead,
  told: Outcome,
): string | undefined {
  if (operation.mode === 'stale' || transactions.intents.size === 0) return undefined;
  const { at } = operation;
  const isInTheWay = (key: string): boolean => {
    const holder = stateAt(transactions.intents, key, index) ?? undefined;
    if (holder === undefined) return false;
    const part = stateAt(transactions.prepared, holder, index);
    return at === undefined || (part?.at !== undefined && compareTimestamps(part.at, at) <= 0);
  };
  const isShown = (key: string): boolean => {
    if (operation.type !== 'Scan') return key === operation.key && operation.revision === undefined;
    const { prefix, from, to } = operation;
    const isOnPage = told.family === 'page' && (!told.hasMore || key <= told.lastKey);
    return isOnPage && isWithin({ prefix, from, to }, key);
  };
  for (const key of transactions.intents.keys()) {
    if (isShown(key) && isInTheWay(key)) return `${key} had an intent, which may be committed`;
  }
  return undefined;
}

/** What is wrong with the answer to a question about the state at an index; undefined for nothing. */
export function wrongTransactionRead(
  facts: HasFacts,
  index: number,
  operation: TransactionRead,
  outcome: TransactionOutcome,
): string | undefined {
  const { code } = outcome;
  if (operation.type === 'Validate') {
    const isSo = operation.reads.every((read) => holds(facts, index, operation.transaction, read));
    const right = isSo ? TransactionCode.done : TransactionCode.aborted;
    return code === right ? undefined : `what it had seen ${isSo ? 'still held' : 'held no more'}`;
  }
  const { transaction } = operation;
  if (transaction.endsWith('.')) return undefined;
  const record = stateAt(facts.transactions.records, transaction, index);
  const right = codeOf(record);
  if (code !== right) return `it was ${record?.state ?? 'not known'}`;
  const isTimely =
    record?.state !== 'committed' ||
    (outcome.at !== undefined && record.at !== undefined && compareTimestamps(outcome.at, record.at) === 0);
  return isTimely ? undefined : 'it was committed at another time';
}

function codeOf(record: RecordFact | undefined): TransactionCode {
  switch (record?.state) {
    case undefined:
    case 'settled':
      return TransactionCode.doesNotExist;
    case 'undecided':
      return TransactionCode.undecided;
    case 'committed':
      return TransactionCode.committed;
    case 'aborted':
      return TransactionCode.aborted;
  }
}

/** How what a replica holds of a transaction departs from what it must; undefined when it does not. */
export function wrongTransaction(
  { prepared, intents, records }: TransactionFacts,
  name: string,
  { transactions, applied, retries }: PartitionState,
): string | undefined {
  const part = stateAt(prepared, name, applied) ?? undefined;
  const held = mapGet(transactions.prepared, name);
  if ((part === undefined) !== (held === undefined)) {
    return `${held === undefined ? 'not ' : ''}prepared, but it must ${part === undefined ? 'not ' : ''}be`;
  }
  if (part !== undefined && held !== undefined) {
    if (compareTimestamps(part.at, held.preparedAt) !== 0) return 'prepared at another time than it was';
    if (part.anchor !== held.anchor) return `with the anchor ${held.anchor}, but it is ${part.anchor}`;
    const keys = held.writes.map(({ key }) => key).join(' ');
    const right = part.writes.map(({ key }) => key).join(' ');
    if (keys !== right) return `about to write ${keys}, but it must be ${right}`;
    for (const { key } of part.writes) {
      const holder = mapGet(transactions.intents, key);
      if (holder !== stateAt(intents, key, applied))
        return `with an intent of ${holder ?? 'nobody'} on ${key}`;
    }
  }
  const record = stateAt(records, name, applied);
  // Who asks so late that it may be forgotten is turned away by the age of the question.
  if (record?.closed === true && record.closedAt <= retries.forgotten) return undefined;
  const open = mapGet(transactions.open, name);
  const known = open ?? mapGet(transactions.closed, name);
  const state = known?.state.toLowerCase();
  if (state !== record?.state)
    return `as ${state ?? 'unknown'}, but it must be ${record?.state ?? 'unknown'}`;
  if (known === undefined || record === undefined) return undefined;
  if ((open === undefined) !== record.closed)
    return `as ${record.closed ? 'unfinished' : 'finished'}, and it is not`;
  const isTimely = record.at === undefined || compareTimestamps(known.at, record.at) === 0;
  return isTimely ? undefined : `${state} at another time than it was`;
}
