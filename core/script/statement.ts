/**
 * From a store statement and what its operands evaluate to, to the operation to ask; and from the answer to what the script sees of it.
 */

import { mapGet, type OrderedMap } from '../collections/ordered-map.js';
import { SetFlag } from '../partition/command.js';
import { ScriptCode, type Answer, type Entry, type ScriptSet, type StoreOperation } from './effects.js';
import { evaluate, type Scope } from './expression.js';
import { failed, type Failure } from './failure.js';
import { wholePart } from './functions-type.js';
import { MAX_PAGE_ENTRIES } from './limits.js';
import { make, type Meter } from './meter.js';
import { readInteger } from './number-text.js';
import type {
  Expression,
  Key,
  PageStatement,
  PointStatement,
  SetStatement,
  StoreStatement,
} from './syntax.js';
import { bytesOf } from './text.js';
import { sizeOf, type ScriptValue } from './value.js';

/** What becomes of a statement. */
export type Prepared =
  | { readonly type: 'Ask'; readonly operation: StoreOperation }
  /** The store need not be asked: the input is invalid, which is a result. */
  | { readonly type: 'Told'; readonly reason: string }
  | { readonly type: 'Abort'; readonly reason: string }
  | Failure;

/** In a transaction an empty key aborts; the instant is that of a snapshot transaction. */
export interface Setting {
  readonly transaction: boolean;
  readonly snapshotMs: number | undefined;
}

export function prepare(statement: StoreStatement, scope: Scope, setting: Setting): Prepared {
  const { line } = statement;
  const writes = statement.type === 'Set' || statement.type === 'Delete' || statement.type === 'Extend';
  if (writes && setting.snapshotMs !== undefined) {
    return { type: 'Abort', reason: 'A snapshot transaction cannot write' };
  }
  const key = keyOf(statement.key, scope.parameters, line);
  if (typeof key !== 'string') return key;
  if (key === '') {
    return setting.transaction
      ? { type: 'Abort', reason: 'The key is empty' }
      : { type: 'Told', reason: 'the key is empty' };
  }
  const space = statement.ephemeral ? ({ ephemeral: true } as const) : {};
  switch (statement.type) {
    case 'Set':
      return prepareSet(statement, key, scope);
    case 'Delete':
      return { type: 'Ask', operation: { type: 'Delete', key, ...space } };
    case 'Extend': {
      const { ms } = statement;
      if (!fits32(ms)) return failed(`EXTEND takes a number of 32 bits, not ${ms}`, line);
      if (ms < 0n) return { type: 'Told', reason: `an expiry cannot be negative, but is ${ms}` };
      const expiry = ms === 0n ? {} : { expiresMs: Number(ms) };
      return { type: 'Ask', operation: { type: 'Extend', key, ...expiry, ...space } };
    }
    case 'Get':
    case 'Exists':
      return preparePoint(statement, key, scope, setting);
    case 'Bucket':
    case 'Scan':
      return preparePage(statement, key, scope, setting);
  }
}

/** Empty only if a parameter is: a name that is written out must not be. */
export function keyOf(key: Key, parameters: OrderedMap<ScriptValue>, line: number): string | Failure {
  if (key.type === 'Name') return key.name === '' ? failed('The key is empty', line) : key.name;
  const value = mapGet(parameters, key.name);
  return value?.type === 'string' ? value.value : failed(`Undefined parameter ${key.name}`, line);
}

function fits32(value: bigint): boolean {
  return BigInt.asIntN(32, value) === value;
}

/** Options are evaluated first, in order, then the value. */
function prepareSet(statement: SetStatement, key: string, scope: Scope): Prepared {
  const { line } = statement;
  let flags: number = SetFlag.set;
  let operands: Partial<ScriptSet> = {};
  let negative: bigint | undefined;
  for (const option of statement.options) {
    flags |= FLAGS[option.type];
    if (!('value' in option)) continue;
    const value = evaluate(option.value, scope);
    if (value.type === 'failure') return value;
    if (option.type === 'cmp') {
      const compareValue = encoded(value, 'compared with a value', line, scope.meter);
      if ('type' in compareValue) return compareValue;
      operands = { ...operands, compareValue: compareValue.bytes };
    } else if (option.type === 'cmprev') {
      const revision = wholeOf(value, 'CMPREV', line);
      if (typeof revision !== 'bigint') return revision;
      operands = { ...operands, compareRevision: revisionOf(revision) };
    } else {
      const ms = expiryOf(value, line);
      if (typeof ms !== 'bigint') return ms;
      negative = ms < 0n ? ms : undefined;
      operands = { ...operands, expiresMs: Number(ms) };
    }
  }
  const value = evaluate(statement.value, scope);
  if (value.type === 'failure') return value;
  const stored = encoded(value, 'stored', line, scope.meter);
  if ('type' in stored) return stored;
  if (negative !== undefined) {
    return { type: 'Told', reason: `an expiry cannot be negative, but is ${negative}` };
  }
  const { expiresMs, ...others } = operands;
  const expiry = expiresMs === undefined || expiresMs === 0 ? {} : { expiresMs };
  const space = statement.ephemeral ? ({ ephemeral: true } as const) : {};
  const operation = { type: 'Set', key, value: stored.bytes, flags, ...others, ...expiry, ...space } as const;
  return { type: 'Ask', operation };
}

const FLAGS = {
  nx: SetFlag.ifNotExists,
  xx: SetFlag.ifExists,
  norev: SetFlag.noRevision,
  ex: SetFlag.none,
  cmp: SetFlag.ifEqualToValue,
  cmprev: SetFlag.ifEqualToRevision,
} as const;

function encoded(
  value: ScriptValue,
  purpose: string,
  line: number,
  meter: Meter,
): { readonly bytes: Uint8Array } | Failure {
  if (value.type === 'array') return failed(`An array cannot be ${purpose}`, line);
  return make(meter, sizeOf(value), line) ?? { bytes: bytesOf(value) };
}

/** As CMPREV and AS OF take any value that can be one. */
function wholeOf(value: ScriptValue, clause: string, line: number): bigint | Failure {
  switch (value.type) {
    case 'null':
      return 0n;
    case 'bool':
      return value.value ? 1n : 0n;
    case 'int':
      return value.value;
    case 'float':
      return wholePart(value.value);
    case 'string':
      return (
        readInteger(value.value) ?? failed(`${clause} takes a whole number, which this string is not`, line)
      );
    case 'array':
      return failed(`${clause} takes a whole number, not an array`, line);
  }
}

/** A revision beyond those that there can be equals none. */
function revisionOf(value: bigint): number {
  const revision = Number(value);
  return Number.isSafeInteger(revision) && revision >= -1 ? revision : -2;
}

/** An int, or text that is one: parameters are always text. */
function expiryOf(value: ScriptValue, line: number): bigint | Failure {
  const ms =
    value.type === 'string' ? readInteger(value.value) : value.type === 'int' ? value.value : undefined;
  if (ms === undefined) {
    return failed(`EX takes a whole number of milliseconds, not ${aOrAn(value)}`, line);
  }
  return ms < 0n || fits32(ms) ? ms : failed(`EX takes at most 2147483647 milliseconds, not ${ms}`, line);
}

function aOrAn({ type }: ScriptValue): string {
  return type === 'string' ? 'a string that is none' : type;
}

function preparePoint(statement: PointStatement, key: string, scope: Scope, setting: Setting): Prepared {
  const { type, at, line } = statement;
  const space = statement.ephemeral ? ({ ephemeral: true } as const) : {};
  if (at !== undefined) {
    if (!fits32(at)) return failed(`AT takes a number of 32 bits, not ${at}`, line);
    const revision = at < 0n ? -1 : Number(at);
    return { type: 'Ask', operation: { type, key, revision, ...space } };
  }
  const instant = instantOf(statement.asOf, scope, setting, line);
  return 'type' in instant ? instant : { type: 'Ask', operation: { type, key, ...instant, ...space } };
}

function preparePage(statement: PageStatement, prefix: string, scope: Scope, setting: Setting): Prepared {
  const { type, line } = statement;
  const space = statement.ephemeral ? ({ ephemeral: true } as const) : {};
  const instant = instantOf(statement.asOf, scope, setting, line);
  if ('type' in instant) return instant;
  return { type: 'Ask', operation: { type, prefix, limit: MAX_PAGE_ENTRIES, ...instant, ...space } };
}

/** A statement's own instant goes before that of the transaction. */
function instantOf(
  asOf: Expression | undefined,
  scope: Scope,
  { snapshotMs }: Setting,
  line: number,
): { readonly asOfMs?: number } | Failure {
  if (asOf === undefined) return snapshotMs === undefined ? {} : { asOfMs: snapshotMs };
  const value = evaluate(asOf, scope);
  if (value.type === 'failure') return value;
  const instant = wholeOf(value, 'AS OF', line);
  if (typeof instant !== 'bigint') return instant;
  const asOfMs = Number(instant);
  return asOfMs > 0 && Number.isSafeInteger(asOfMs)
    ? { asOfMs }
    : failed(`AS OF takes an instant in milliseconds since 1970, not ${instant}`, line);
}

/** An answer as the statement shows it: what is not there has revision -1, an empty page is nothing. */
export function shown(
  statement: StoreStatement,
  operation: StoreOperation,
  answer: Answer & { readonly type: 'Answered' },
): { readonly code: ScriptCode; readonly entries: readonly Entry[] } {
  const { code, entries } = answer;
  switch (statement.type) {
    case 'Bucket':
    case 'Scan':
      return code === ScriptCode.got && entries.length === 0
        ? { code: ScriptCode.doesNotExist, entries }
        : { code, entries };
    case 'Get':
    case 'Exists': {
      const key = 'key' in operation ? operation.key : '';
      if (code === ScriptCode.doesNotExist) return { code, entries: [{ key, revision: -1 }] };
      return { code, entries: statement.at === undefined ? entries : entries.map(withoutExpiry) };
    }
    case 'Set':
    case 'Delete':
    case 'Extend':
      return { code, entries };
  }
}

/** A revision of the past does not end. */
function withoutExpiry({ expires: _, ...entry }: Entry): Entry {
  return entry;
}
