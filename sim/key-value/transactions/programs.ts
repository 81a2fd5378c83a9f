/**
 * What the transactions of simulated clients do: each is a small program that asks for one thing after another, and is told what
 * came of it.
 *
 * Lists tell most about the order of transactions; registers are blind writes too; a bank's sum never changes; a room has so many places and
 * no more, which only whoever looks at all of it can know; a token is at one place, and its deletion at another is part of each move. Knots
 * are there for the locks.
 */

import {
  KeyValueCode,
  revision,
  SetFlag,
  type KeyValueOutcome,
  type PageOutcome,
  type SessionOperation,
} from '../../../core/index.js';
import type { Element } from '../../check/isolation/index.js';
import type { TransactionKind } from '../settings.js';
import { toBytes, toText } from '../text.js';
import type { Attempt } from './attempt.js';

/** The draws of one transaction, each under a name of its own. */
export interface Dice {
  readonly below: (sides: number, salt: number) => number;
  readonly one: <T>(choices: readonly T[], salt: number) => T;
}

/** What one program works with. */
export interface Scene {
  readonly dice: Dice;
  /** How many keys of each kind there are. */
  readonly keys: number;
  /** Makes every value of this try different from all others. */
  readonly mine: string;
  /** Grows with the client's work. */
  readonly number: number;
  readonly attempt: Attempt;
  /** Only reads. */
  readonly reads: boolean;
  /** Locks are taken beforehand. */
  readonly locks: boolean;
}

/** Of an operation on keys; undefined of a lock. */
export type Answered = KeyValueOutcome | PageOutcome | undefined;
export type Program = Generator<SessionOperation, void, Answered>;

/** Lists, and other keys, lie in so many buckets, each with its own partition as far as there are some. */
const SPACES = 3;
export const BALANCE = 100;
export const ACCOUNTS = 3;
/** In every room. */
export const PLACES = 3;
const TOKENS = 3;

export function listKey(i: number): string {
  return `list-${i % SPACES}/k${i}`;
}

export function registerKey(i: number): string {
  return `reg-${i % SPACES}/k${i}`;
}

/** Bank 0 has all its accounts in one bucket, bank 1 each in another. */
export function accountKey(bank: number, i: number): string {
  return bank === 0 ? `bank/a${i}` : `account-${i}/a`;
}

export function tokenKey(i: number): string {
  return `token-${i}/t`;
}

export function program(kind: TransactionKind, scene: Scene): Program {
  switch (kind) {
    case 'lists':
      return lists(scene);
    case 'registers':
      return registers(scene);
    case 'bank':
      return bank(scene);
    case 'rooms':
      return rooms(scene);
    case 'token':
      return token(scene);
    case 'knots':
      return knots(scene);
  }
}

export function elementsOf(text: string | null): readonly string[] {
  return text === null || text === '' ? [] : text.split(' ');
}

function* lists(scene: Scene): Program {
  const { dice, attempt, keys, mine, reads } = scene;
  const written = new Set<string>();
  const steps = 1 + dice.below(4, 10);
  for (let step = 0; step < steps; step += 1) {
    const salt = 20 + 10 * step;
    const key = listKey(dice.below(keys, salt));
    const what = dice.below(100, salt + 1);
    if (what < 15) {
      yield* scan(scene, key.slice(0, key.indexOf('/')), (text) => elementsOf(text).at(-1));
      continue;
    }
    if (scene.locks && what % 2 === 0) yield* lockKey(key);
    const got = yield* get(key);
    const values = elementsOf(valueOf(got));
    attempt.did.push({ type: 'list', key, values });
    if (reads || what < 45) continue;
    const element = `${mine}.${step}`;
    const conditions = written.has(key) || dice.below(5, salt + 2) > 0 ? {} : conditionsOf(got);
    const noRevision = dice.below(16, salt + 3) === 0;
    const value = [...values, element].join(' ');
    const done = yield* set(key, value, { ...conditions, noRevision });
    if (done.code === KeyValueCode.notSet) contradict(attempt, `its condition on ${key} fails`);
    else attempt.did.push({ type: 'append', key, value: element });
    written.add(key);
    if (dice.below(4, salt + 4) !== 0) continue;
    const again = yield* get(key);
    attempt.did.push({ type: 'list', key, values: elementsOf(valueOf(again)) });
  }
  yield* extras(scene);
}

function* registers(scene: Scene): Program {
  const { dice, attempt, keys, mine, reads } = scene;
  const steps = 1 + dice.below(4, 10);
  for (let step = 0; step < steps; step += 1) {
    const salt = 20 + 10 * step;
    const key = registerKey(dice.below(keys, salt));
    const what = dice.below(100, salt + 1);
    if (what < 12) {
      yield* scan(scene, key.slice(0, key.indexOf('/')), (text) => text);
      continue;
    }
    if (scene.locks && what % 2 === 0) yield* lockKey(key);
    if (reads || what < 60) attempt.did.push({ type: 'read', key, value: valueOf(yield* get(key)) });
    if (reads || what < 30) continue;
    const value = `${mine}.${step}`;
    yield* set(key, value, {});
    attempt.did.push({ type: 'write', key, value });
  }
  yield* extras(scene);
}

function* bank(scene: Scene): Program {
  const { dice, attempt, mine, reads } = scene;
  const number = dice.below(2, 10);
  const all = Array.from({ length: ACCOUNTS }, (_, i) => accountKey(number, i));
  if (reads || dice.below(4, 11) === 0) {
    const balances = new Map<string, number>();
    if (number === 0 && dice.below(2, 12) === 0) {
      const items = yield* scan(scene, 'bank', (text) => text);
      for (const [key, value] of items) balances.set(key, balanceOf(value));
    } else {
      for (const key of all) balances.set(key, balanceOf(yield* readRegister(scene, key)));
    }
    const sum = all.reduce((total, key) => total + (balances.get(key) ?? BALANCE), 0);
    attempt.sights.push({ type: 'Bank', bank: number, sum });
    return;
  }
  const from = dice.one(all, 13);
  const to = dice.one(
    all.filter((key) => key !== from),
    14,
  );
  if (scene.locks) {
    yield* lockKey(from);
    yield* lockKey(to);
  }
  const amount = 1 + dice.below(40, 15);
  const left = balanceOf(yield* readRegister(scene, from)) - amount;
  const more = balanceOf(yield* readRegister(scene, to)) + amount;
  if (left < 0) return;
  yield* writeRegister(scene, from, `${left} ${mine}.0`);
  yield* writeRegister(scene, to, `${more} ${mine}.1`);
  yield* extras(scene);
}

/** A place is taken only where fewer than all are: whoever does not look at the whole room again takes one too many. */
function* rooms(scene: Scene): Program {
  const { dice, attempt, mine, number, reads } = scene;
  const room = `room-${Math.floor(number / 4)}-${dice.below(2, 10)}`;
  if (scene.locks) {
    const prefix = room;
    const mode = reads ? 'shared' : 'exclusive';
    const need =
      dice.below(2, 11) === 0
        ? ({ type: 'PrefixLock', prefix } as const)
        : ({ type: 'RangeLock', prefix, mode } as const);
    yield { type: 'LockInTransaction', need, leaseMs: 0 };
  }
  const taken = yield* scan(scene, room, (text) => text);
  const sight = (more: number): void =>
    void attempt.sights.push({ type: 'Room', room, taken: taken.length + more });
  if (reads || taken.length >= PLACES) return sight(0);
  const free = Array.from({ length: 2 * PLACES }, (_, i) => `${room}/s${i}`).filter((key) =>
    taken.every(([name]) => name !== key),
  );
  const key = dice.one(free, 12);
  const value = `${mine}.0`;
  const done = yield* set(key, value, dice.below(2, 13) === 0 ? { ifNotExists: true } : {});
  if (done.code === KeyValueCode.notSet) return contradict(attempt, `${key} was absent, and was there`);
  attempt.did.push({ type: 'write', key, value });
  sight(1);
}

/** The token is taken from where it is to another place, or is made where there is none. */
function* token(scene: Scene): Program {
  const { dice, attempt, reads } = scene;
  const all = Array.from({ length: TOKENS }, (_, i) => tokenKey(i));
  const found: { readonly key: string; readonly hops: number }[] = [];
  for (const key of all) {
    if (scene.locks) yield* lockKey(key);
    const text = valueOf(yield* get(key));
    if (text !== null) found.push({ key, hops: Number(text) });
  }
  const hops = found.map((one) => one.hops);
  const [only] = found;
  if (reads || found.length > 1) {
    attempt.sights.push({ type: 'Token', hops, moved: false });
    return;
  }
  const next = dice.one(
    all.filter((key) => key !== only?.key),
    11,
  );
  if (only !== undefined) {
    const gone = yield { type: 'Delete', key: only.key };
    if (gone?.code !== KeyValueCode.deleted) return contradict(attempt, `${only.key} was there, and was not`);
  }
  yield* set(next, `${only === undefined ? 1 : only.hops + 1}`, {});
  attempt.sights.push({ type: 'Token', hops, moved: true });
}

/** Locks up to three lists, one after the other, in any order: of two who go opposite ways round neither comes to an end. */
function* knots({ dice, attempt, keys, mine }: Scene): Program {
  const left = Array.from({ length: keys }, (_, i) => listKey(i));
  const wanted: string[] = [];
  for (let step = 0; step < 3 && left.length > 0; step += 1) {
    wanted.push(...left.splice(dice.below(left.length, 10 + step), 1));
  }
  for (const key of wanted) yield* lockKey(key);
  for (const [step, key] of wanted.entries()) {
    const values = elementsOf(valueOf(yield* get(key)));
    const element = `${mine}.${step}`;
    yield* set(key, [...values, element].join(' '), {});
    attempt.did.push({ type: 'list', key, values }, { type: 'append', key, value: element });
  }
}

/** Now and then a transaction writes keys with short lives, and keys that are in memory alone. */
function* extras(scene: Scene): Program {
  const { dice, reads, mine } = scene;
  const what = dice.below(40, 90);
  if (reads || what > 6) return;
  if (what < 3) {
    const key = `brief/b${dice.below(2, 91)}`;
    yield* get(key);
    yield* set(key, mine, { expiresMs: 200 + dice.below(2_000, 92) });
    if (what === 0) yield { type: 'Extend', key, expiresMs: 100 + dice.below(1_000, 93) };
    return;
  }
  const key = `fleet-${dice.below(2, 94)}/f`;
  yield { type: 'Get', key, ephemeral: true };
  yield { ...setOperation(key, mine, {}), ephemeral: true };
}

function* lockKey(key: string): Program {
  yield { type: 'LockInTransaction', need: { type: 'KeyLock', key }, leaseMs: 0 };
}

function* get(key: string): Generator<SessionOperation, KeyValueOutcome, Answered> {
  return keyOutcome(yield { type: 'Get', key });
}

function* readRegister(
  { attempt }: Scene,
  key: string,
): Generator<SessionOperation, string | null, Answered> {
  const value = valueOf(yield* get(key));
  attempt.did.push({ type: 'read', key, value });
  return value;
}

function* writeRegister({ attempt }: Scene, key: string, value: string): Program {
  yield* set(key, value, {});
  attempt.did.push({ type: 'write', key, value });
}

interface SetTerms {
  readonly ifNotExists?: boolean;
  readonly ifRevision?: number;
  readonly noRevision?: boolean;
  readonly expiresMs?: number;
}

function* set(
  key: string,
  value: string,
  terms: SetTerms,
): Generator<SessionOperation, KeyValueOutcome, Answered> {
  return keyOutcome(yield setOperation(key, value, terms));
}

export function setOperation(
  key: string,
  value: string,
  { ifNotExists = false, ifRevision, noRevision = false, expiresMs }: SetTerms,
): Extract<SessionOperation, { readonly type: 'Set' }> {
  return {
    type: 'Set',
    key,
    value: toBytes(value),
    flags:
      SetFlag.set |
      (ifNotExists ? SetFlag.ifNotExists : 0) |
      (ifRevision === undefined ? 0 : SetFlag.ifEqualToRevision) |
      (noRevision ? SetFlag.noRevision : 0),
    compareValue: null,
    compareRevision: revision(ifRevision ?? 0),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  };
}

/** All live keys with a prefix, page after page. */
function* scan(
  { attempt, dice }: Scene,
  prefix: string,
  show: (text: string | null) => Element | null | undefined,
): Generator<SessionOperation, readonly (readonly [string, string | null])[], Answered> {
  const all: (readonly [string, string | null])[] = [];
  const limit = dice.one([2, 100, 100], 95);
  let after: string | undefined;
  for (;;) {
    const from = after === undefined ? {} : { from: { key: after, inclusive: false } };
    const page = yield { type: 'Scan', prefix, limit, ...from };
    if (page?.family !== 'page') throw new Error('a page was asked for');
    for (const { key, value } of page.items) all.push([key, toText(value)]);
    if (!page.hasMore) break;
    after = page.lastKey;
  }
  const found = all.flatMap(([key, text]): (readonly [string, Element])[] => {
    const value = show(text);
    return value === null || value === undefined ? [] : [[key, value]];
  });
  attempt.did.push({ type: 'scan', prefix, found });
  return all;
}

export function conditionsOf({ code, revision: seen }: KeyValueOutcome): SetTerms {
  return code === KeyValueCode.got ? { ifRevision: seen } : { ifNotExists: true };
}

export function keyOutcome(answered: Answered): KeyValueOutcome {
  if (answered === undefined || answered.family !== undefined) throw new Error('a key was asked for');
  return answered;
}

export function valueOf({ code, value }: KeyValueOutcome): string | null {
  return code === KeyValueCode.got ? toText(value) : null;
}

/** An account that nobody has used yet holds as much as all do at first. */
export function balanceOf(text: string | null): number {
  return text === null ? BALANCE : Number(text.slice(0, text.indexOf(' ')));
}

function contradict(attempt: Attempt, what: string): void {
  attempt.contradiction ??= what;
}
