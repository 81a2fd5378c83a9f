/** Key/values, one at a time: reads, writes with conditions, times to live; with helpers for text and JSON. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { KeyValueCode, type KeyValueOutcome, type Value } from '../../core/partition/command.js';
import { unexpectedAnswer } from './ask.js';
import {
  readFields,
  setOperation,
  spaceOf,
  type KeyInfo,
  type ReadOptions,
  type SetOptions,
  type SpaceOptions,
} from './key-options.js';
import { createManyKeys, type ManyKeys } from './many-keys.js';
import { persist, type CallOptions } from './patience.js';
import type { ClientPort, PointAsk, Settled } from './port.js';
import { createRanges, type Ranges } from './ranges.js';
import { jsonOf, textOf, type ValueInput } from './values.js';

export interface SetResult {
  /** False when a condition refused. */
  readonly written: boolean;
  /** Of the new value, or of the present one when nothing was written; -1 for a key that was never written. */
  readonly revision: number;
  readonly lastModified: Timestamp;
}

export interface DeleteResult {
  /** False when there was no such key. */
  readonly deleted: boolean;
  readonly revision: number;
  readonly lastModified: Timestamp;
}

export interface ExtendResult {
  /** False when there is no such key. */
  readonly extended: boolean;
  readonly revision: number;
  readonly lastModified: Timestamp;
}

export interface KeyValue extends KeyInfo {
  /** Null is a value, and not the same as no bytes. */
  readonly value: Value;
}

/**
 * Key/values. Each write carries an operation id, so that it takes effect once, however often it had to be sent.
 *
 * @example
 * ```ts
 * const { keys } = client;
 * await keys.set('users/17', 'Ada');
 * console.log(await keys.getText('users/17')); //=> Ada
 *
 * await keys.setJson('users/17/settings', { theme: 'dark' }, { expiresMs: 60_000 });
 * console.log(await keys.getJson('users/17/settings')); //=> { theme: 'dark' }
 *
 * const seen = await keys.get('users/17');
 * const swap = await keys.set('users/17', 'Ada L.', { ifRevision: seen?.revision ?? -1 });
 * console.log(swap.written, swap.revision); //=> true 1
 * console.log(await keys.getText('users/17', { revision: 0 })); //=> Ada
 *
 * console.log(await keys.exists('users/99'), await keys.get('users/99')); //=> false undefined
 * ```
 */
export interface Keys extends ManyKeys, Ranges {
  /** @throws WavetankError */
  set(key: string, value: ValueInput, options?: SetOptions): Promise<SetResult>;
  /** As JSON text; `undefined` has none, and is refused. @throws TypeError, WavetankError */
  setJson(key: string, value: unknown, options?: SetOptions): Promise<SetResult>;
  /** Undefined when there is no such key. @throws WavetankError */
  get(key: string, options?: ReadOptions): Promise<KeyValue | undefined>;
  /** Null for a key without a value, undefined for no key. @throws TypeError for bytes that are no UTF-8 */
  getText(key: string, options?: ReadOptions): Promise<string | null | undefined>;
  /** A copy of the bytes; null for a key without a value, undefined for no key. */
  getBytes(key: string, options?: ReadOptions): Promise<Uint8Array | null | undefined>;
  /** Null for JSON's null and for a key without a value, undefined for no key. @throws SyntaxError for what is no JSON */
  getJson(key: string, options?: ReadOptions): Promise<unknown>;
  exists(key: string, options?: ReadOptions): Promise<boolean>;
  /** As `get`, without the value. */
  stat(key: string, options?: ReadOptions): Promise<KeyInfo | undefined>;
  delete(key: string, options?: SpaceOptions): Promise<DeleteResult>;
  /** Gives a key that lives a new time to live, from now, which may be shorter than what is left of the old one. */
  extend(key: string, expiresMs: number, options?: SpaceOptions): Promise<ExtendResult>;
}

export function createKeys(port: ClientPort, timeoutMs: number): Keys {
  const point = <A extends PointAsk>(
    ask: A,
    { signal, timeoutMs: asked }: CallOptions,
  ): Promise<Settled<A>> =>
    persist(port, ask, { timeoutMs: asked ?? timeoutMs, ...(signal === undefined ? {} : { signal }) });

  async function set(key: string, value: ValueInput, options: SetOptions = {}): Promise<SetResult> {
    const ask = setOperation(key, value, options);
    const settled = await point(ask, options);
    const { code, revision, lastModified } = settled.answer;
    if (code !== KeyValueCode.set && code !== KeyValueCode.notSet) throw unexpectedAnswer(ask, settled);
    return { written: code === KeyValueCode.set, revision, lastModified };
  }

  async function get(key: string, options: ReadOptions = {}): Promise<KeyValue | undefined> {
    const ask = { type: 'Get', ...readFields(key, options) } as const;
    const settled = await point(ask, options);
    const { code, value } = settled.answer;
    if (code === KeyValueCode.doesNotExist) return undefined;
    if (code !== KeyValueCode.got) throw unexpectedAnswer(ask, settled);
    return { value, ...infoOf(settled.answer) };
  }

  async function stat(key: string, options: ReadOptions = {}): Promise<KeyInfo | undefined> {
    const ask = { type: 'Exists', ...readFields(key, options) } as const;
    const settled = await point(ask, options);
    const { code } = settled.answer;
    if (code === KeyValueCode.doesNotExist) return undefined;
    if (code !== KeyValueCode.exists) throw unexpectedAnswer(ask, settled);
    return infoOf(settled.answer);
  }

  /** Of a write that succeeds or finds no key. */
  async function change(ask: PointAsk, done: number, options: SpaceOptions): Promise<Changed> {
    const settled = await point(ask, options);
    const { code, revision, lastModified } = settled.answer as KeyValueOutcome;
    if (code !== done && code !== KeyValueCode.doesNotExist) throw unexpectedAnswer(ask, settled);
    return { isDone: code === done, revision, lastModified };
  }

  const transformed =
    <T>(transform: (value: Value) => T) =>
    async (key: string, options?: ReadOptions): Promise<T | undefined> => {
      const found = await get(key, options);
      return found === undefined ? undefined : transform(found.value);
    };

  return {
    ...createManyKeys(port, timeoutMs),
    ...createRanges(port, timeoutMs),
    set,
    async setJson(key, value, options) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON text; write null instead`);
      return set(key, text, options);
    },
    get,
    getText: transformed(textOf),
    getBytes: transformed((value) => (value === null ? null : value.slice())),
    getJson: transformed(jsonOf),
    exists: async (key, options) => (await stat(key, options)) !== undefined,
    stat,
    async delete(key, options = {}) {
      const ask = { type: 'Delete', key, ...spaceOf(options) } as const;
      const { isDone, ...rest } = await change(ask, KeyValueCode.deleted, options);
      return { deleted: isDone, ...rest };
    },
    async extend(key, expiresMs, options = {}) {
      const ask = { type: 'Extend', key, expiresMs, ...spaceOf(options) } as const;
      const { isDone, ...rest } = await change(ask, KeyValueCode.extended, options);
      return { extended: isDone, ...rest };
    },
  };
}

interface Changed {
  readonly isDone: boolean;
  readonly revision: number;
  readonly lastModified: Timestamp;
}

function infoOf({ revision, lastModified, expires }: KeyValueOutcome): KeyInfo {
  return { revision, lastModified, ...(expires === undefined ? {} : { expires }) };
}
