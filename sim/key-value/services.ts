/**
 * What simulated clients ask of locks, sequences and keys with a time to live: few of each, so that they meet, and leases
 * short enough to come to their end within the run.
 */

import {
  compareTimestamps,
  KeyValueCode,
  LockCode,
  revision,
  SetFlag,
  type ClientAnswer,
  type Operation,
  type Timestamp,
} from '../../core/index.js';
import { drawBelow, drawOne, type Stream } from '../world/chance.js';
import { drawPast, rememberPast, type Dice, type PastMemory } from './pasts.js';
import type { ServiceKind, SERVICE_KINDS } from './settings.js';
import { toBytes } from './text.js';

/** What a client remembers of what it was told, so that it goes on as somebody would who meant something by it. */
export interface Held {
  /** Locks that it takes itself to hold. */
  readonly locks: Set<string>;
  /** By key: revisions and times that it has seen. */
  readonly seen: Map<string, { readonly revision: number; readonly at: Timestamp }>;
  readonly past: PastMemory;
}

export function nothingHeld(): Held {
  return { locks: new Set(), seen: new Map(), past: { wroteAt: undefined, wrote: 0, hold: undefined } };
}

/** A sequence of this name is only created and taken from; others are also changed and deleted. */
export const PLAIN_SEQUENCE = 'seq-0';
const SEQUENCES = [PLAIN_SEQUENCE, PLAIN_SEQUENCE, 'seq-1', 'seq-2'];
/** Keys of one bucket, which pages can show. */
const BUCKET = 'timed';
const LEASES_MS = [50, 120, 300, 800, 2_000];
const MODES = ['lease', 'follower', 'stale'] as const;

/** The `number`th operation of a client, if it is one of these; of one kind alone where one is given. */
export function drawService(
  stream: Stream,
  number: number,
  client: number,
  held: Held,
  only?: ServiceKind,
): Operation {
  const dice: Dice = {
    below: (sides, salt) => drawBelow(stream, sides, number, salt),
    one: (choices, salt) => drawOne(stream, choices, number, salt),
  };
  if (only === 'held pasts') return drawPast(dice, client, `${client}-${number}`, held.past);
  const [from, before] = only === undefined ? [0, 100] : SHARES[only];
  const kind = from + dice.below(before - from, 31);
  if (kind < 35) return drawLock(dice, client, held, false);
  if (kind < 42) return drawLock(dice, client, held, true);
  if (kind < 70) return drawSequence(dice, client);
  return drawKey(dice, `${client}-${number}`, held, kind >= 94);
}

/** Of every hundred operations, which are of a kind. */
const SHARES: Readonly<Record<(typeof SERVICE_KINDS)[number], readonly [from: number, before: number]>> = {
  locks: [0, 42],
  sequences: [42, 70],
  'timed keys': [70, 100],
};

function drawLock(dice: Dice, client: number, held: Held, ephemeral: boolean): Operation {
  const resource = `${ephemeral ? 'fleeting' : 'lock'}-${dice.below(2, 32)}`;
  const kept = ephemeral ? ({ ephemeral } as const) : {};
  const owner = toBytes(`owner-${client}`);
  const expiresMs = dice.one(LEASES_MS, 33);
  const what = dice.below(100, 34);
  const [acquires, extendsTo, releases] = held.locks.has(resource) ? [12, 42, 86] : [70, 75, 85];
  if (what < acquires) return { type: 'AcquireLock', resource, owner, expiresMs, ...kept };
  if (what < extendsTo) return { type: 'ExtendLock', resource, owner, expiresMs, ...kept };
  if (what < releases) return { type: 'ReleaseLock', resource, owner, ...kept };
  return { type: 'GetLock', resource, ...kept };
}

function drawSequence(dice: Dice, client: number): Operation {
  const name = dice.one(SEQUENCES, 35);
  const what = dice.below(100, 36);
  if (what < 14) {
    const maxValue = dice.one([undefined, undefined, 90, 400], 37);
    const blockSize = dice.one([undefined, 1, 4, 20], 38);
    return {
      type: 'CreateSequence',
      name,
      initialValue: dice.one([0, 0, -5, 7], 39),
      increment: dice.one([1, 1, 3], 40),
      ...(maxValue === undefined ? {} : { maxValue }),
      ...(blockSize === undefined ? {} : { blockSize }),
    };
  }
  if (what < 22) return { type: 'GetSequence', name };
  if (what < 27 && name !== PLAIN_SEQUENCE) return { type: 'DeleteSequence', name };
  if (what < 32 && name !== PLAIN_SEQUENCE) {
    return dice.below(2, 41) === 0
      ? { type: 'UpdateSequence', name, blockSize: dice.one([null, 2, 10], 42) }
      : { type: 'UpdateSequence', name, currentValue: dice.below(300, 43) };
  }
  const count = 1 + dice.below(5, 44);
  if (dice.below(100, 45) >= 40) return { type: 'ReserveSequence', name, count };
  // Mostly the same count for the same key, as one who repeats himself means it.
  const key = dice.below(6, 46);
  const usual = dice.below(10, 47) === 0 ? count : 1 + (key % 3);
  return { type: 'ReserveSequence', name, count: usual, idempotencyKey: `k-${client}-${key}` };
}

function drawKey(dice: Dice, name: string, held: Held, ephemeral: boolean): Operation {
  const key = `${ephemeral ? 'fleeting' : BUCKET}/${dice.below(3, 48)}`;
  const kept = ephemeral ? ({ ephemeral } as const) : {};
  const expiresMs = dice.one(LEASES_MS, 49);
  const what = dice.below(100, 50);
  if (what < 42) {
    const flags =
      SetFlag.set |
      dice.one([0, 0, 0, SetFlag.ifNotExists, SetFlag.ifExists], 51) |
      (dice.below(6, 52) === 0 ? SetFlag.noRevision : 0);
    const value = toBytes(name);
    const set = { type: 'Set', key, value, flags, compareValue: null, compareRevision: revision(0) } as const;
    return dice.below(4, 53) === 0 ? { ...set, ...kept } : { ...set, expiresMs, ...kept };
  }
  if (what < 54) return { type: 'Extend', key, expiresMs, ...kept };
  if (what < 60) return { type: 'Delete', key, ...kept };
  const mode = dice.below(100, 54) < 50 || ephemeral ? {} : { mode: dice.one(MODES, 55) };
  const seen = held.seen.get(key);
  if (what >= 92 && !ephemeral) {
    const at = seen !== undefined && dice.below(2, 56) === 0 ? { at: seen.at } : {};
    return { type: 'Scan', prefix: BUCKET, limit: 1 + dice.below(4, 57), ...at, ...mode };
  }
  const type = dice.one(['Get', 'Get', 'Exists'] as const, 58);
  const which = seen === undefined || ephemeral ? 0 : dice.below(4, 59);
  if (seen === undefined || which < 2) return { type, key, ...mode, ...kept };
  if (which === 2) return { type, key, at: seen.at, ...mode };
  return { type, key, revision: revision(Math.max(0, seen.revision - dice.below(3, 60))), ...mode };
}

/** What a client makes of an answer. */
export function rememberService(held: Held, operation: Operation, answer: ClientAnswer): void {
  if (answer.family === 'lock' && 'resource' in operation) {
    const { resource, type } = operation;
    const { code } = answer;
    if (code === LockCode.locked || code === LockCode.extended) held.locks.add(resource);
    else if (type !== 'GetLock' && code !== LockCode.busy) held.locks.delete(resource);
    return;
  }
  rememberPast(held.past, operation, answer);
  if (answer.family !== undefined || !('key' in operation)) return;
  const isOfNow = !('at' in operation) && !('revision' in operation);
  if (!isOfNow || !SHOWS.includes(answer.code)) return;
  const known = held.seen.get(operation.key);
  // Now and then an older one is kept, so that as-of reads reach back.
  if (known !== undefined && (answer.revision - known.revision) % 5 !== 0) return;
  if (known !== undefined && compareTimestamps(known.at, answer.lastModified) > 0) return;
  held.seen.set(operation.key, { revision: answer.revision, at: answer.lastModified });
}

/** Codes whose answers tell of an entry. */
export const SHOWS: readonly KeyValueCode[] = [
  KeyValueCode.set,
  KeyValueCode.got,
  KeyValueCode.exists,
  KeyValueCode.deleted,
];
