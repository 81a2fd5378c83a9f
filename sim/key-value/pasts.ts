/**
 * What simulated clients ask who hold the past: they write a few keys again and again, hold the time of something that they wrote,
 * and go on reading what was there then, while others write so much more that it would be forgotten.
 */

import {
  HoldCode,
  KeyValueCode,
  revision,
  SetFlag,
  type ClientAnswer,
  type Operation,
  type Timestamp,
} from '../../core/index.js';
import { toBytes } from './text.js';

/** What a client remembers of the past. */
export interface PastMemory {
  /** When the newest version that it wrote was written, and which revision it was. */
  wroteAt: Timestamp | undefined;
  wrote: number;
  hold: { readonly id: string; readonly timestamp: Timestamp } | undefined;
}

/** The draws of one operation, each under a name of its own. */
export interface Dice {
  below(sides: number, salt: number): number;
  one<T>(choices: readonly T[], salt: number): T;
}

const BUCKET = 'past';
const LEASES_MS = [800, 3_000, 12_000];
const MODES = [undefined, undefined, 'lease', 'follower'] as const;

export function drawPast(
  dice: Dice,
  client: number,
  name: string,
  { wroteAt, wrote, hold }: PastMemory,
): Operation {
  const what = dice.below(100, 61);
  const key = `${BUCKET}/${dice.below(2, 62)}`;
  if (what < 50 || wroteAt === undefined) {
    if (dice.below(8, 63) === 0) return { type: 'Delete', key };
    const value = toBytes(name);
    const unconditionally = { flags: SetFlag.set, compareValue: null, compareRevision: revision(0) };
    return { type: 'Set', key, value, ...unconditionally };
  }
  const leaseMs = dice.one(LEASES_MS, 64);
  if (hold === undefined) {
    return { type: 'AcquireHold', holder: `client-${client}`, timestamp: wroteAt, leaseMs };
  }
  if (what < 60) return { type: 'RenewHold', hold: hold.id, leaseMs };
  if (what < 63) return { type: 'ReleaseHold', hold: hold.id };
  if (what < 67) return { type: 'GetFloor' };
  const mode = dice.one(MODES, 65);
  if (what < 70) {
    const wanted = revision(dice.below(wrote + 1, 67));
    return { type: 'Get', key, revision: wanted, ...(mode === undefined ? {} : { mode }) };
  }
  const way = { at: hold.timestamp, ...(mode === undefined ? {} : { mode }) };
  if (what < 77) return { type: 'Scan', prefix: BUCKET, limit: 4, ...way };
  return { type: dice.one(['Get', 'Get', 'Exists'] as const, 66), key, ...way };
}

/** What the client makes of an answer. */
export function rememberPast(memory: PastMemory, operation: Operation, answer: ClientAnswer): void {
  if (answer.family === undefined) {
    const isDone = answer.code === KeyValueCode.set || answer.code === KeyValueCode.deleted;
    if (isDone && (operation.type === 'Set' || operation.type === 'Delete')) {
      memory.wroteAt = answer.lastModified;
      memory.wrote = answer.revision;
    }
    return;
  }
  if (answer.family !== 'hold') return;
  if (operation.type === 'AcquireHold' && answer.code === HoldCode.set) {
    memory.hold = { id: answer.hold, timestamp: operation.timestamp };
  } else if (operation.type === 'ReleaseHold' || answer.code === HoldCode.doesNotExist) {
    memory.hold = undefined;
  }
}
