/** Key/values, several at a time: each by itself, in no order, and not all or nothing. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { KeyValueCode, type Value } from '../../core/partition/command.js';
import type { Revision } from '../../core/machine/units.js';
import { unexpectedAnswer } from './ask.js';
import { setOperation, spaceOf, type SpaceOptions, type WriteOptions } from './key-options.js';
import { persist, type CallOptions } from './patience.js';
import type { AnswerTo, BatchAsk, BatchOutcome, ClientPort } from './port.js';
import { atOf, type Moment, type ValueInput } from './values.js';

export interface SetItem extends WriteOptions {
  readonly key: string;
  readonly value: ValueInput;
  readonly ephemeral?: boolean;
}

export interface KeyItem {
  readonly key: string;
  readonly ephemeral?: boolean;
}

export interface ReadItem extends KeyItem {
  readonly revision?: number;
}

export interface ReadManyOptions extends CallOptions {
  /** As they were then. */
  readonly at?: Moment;
}

/** What became of one item. */
export type ItemOutcome =
  | 'set'
  | 'notSet'
  | 'deleted'
  | 'got'
  | 'exists'
  | 'doesNotExist'
  | 'invalidInput'
  /** Of a write: whether it took effect is not known. */
  | 'mustRetry'
  | 'errored';

export interface ItemResult {
  readonly key: string;
  readonly outcome: ItemOutcome;
  readonly revision: number;
  readonly lastModified: Timestamp;
}

export interface ValueResult extends ItemResult {
  /** Null for a key without a value, undefined for no key. */
  readonly value: Value | undefined;
}

/**
 * Batches. One row for each item, in the order of the items; an item that could not be done does not hold up the others.
 *
 * A batch of writes whose answer is lost is not sent again, since its items carry no operation ids: the error says that the
 * outcome is unknown. Reads are repeated as long as there is time.
 *
 * @example
 * ```ts
 * await client.keys.setMany([{ key: 'a/1', value: 'one' }, { key: 'a/2', value: null }]);
 * const rows = await client.keys.getMany(['a/1', 'a/2', 'a/3']);
 * console.log(rows.map(({ key, outcome }) => `${key} ${outcome}`)); //=> [ 'a/1 got', 'a/2 got', 'a/3 doesNotExist' ]
 * console.log(rows.map(({ value }) => value?.length ?? value)); //=> [ 3, null, undefined ]
 * ```
 */
export interface ManyKeys {
  setMany(items: readonly SetItem[], options?: CallOptions): Promise<readonly ItemResult[]>;
  deleteMany(items: readonly (string | KeyItem)[], options?: SpaceOptions): Promise<readonly ItemResult[]>;
  getMany(items: readonly (string | ReadItem)[], options?: ReadManyOptions): Promise<readonly ValueResult[]>;
  existsMany(
    items: readonly (string | ReadItem)[],
    options?: ReadManyOptions,
  ): Promise<readonly ItemResult[]>;
}

export function createManyKeys(port: ClientPort, timeoutMs: number): ManyKeys {
  async function batch<A extends BatchAsk>(ask: A, options: CallOptions): Promise<AnswerTo<A>> {
    const mayRepeat = ask.type === 'GetMany' || ask.type === 'ExistsMany';
    const settled = await persist(port, ask, { timeoutMs, ...options, mayRepeat });
    // A batch as a whole is refused, or every item has its own outcome.
    if (settled.answer.code === KeyValueCode.invalidInput && settled.answer.rows.length < ask.items.length) {
      throw unexpectedAnswer(ask, settled);
    }
    if (settled.answer.code === KeyValueCode.errored) throw unexpectedAnswer(ask, settled);
    return settled.answer;
  }

  return {
    async setMany(items, options = {}) {
      if (items.length === 0) return [];
      const ask = {
        type: 'SetMany',
        items: items.map((item) => setOperation(item.key, item.value, item)),
      } as const;
      return rowsOf(ask, await batch(ask, options));
    },
    async deleteMany(items, options = {}) {
      if (items.length === 0) return [];
      const asked = items.map((item) => ({ type: 'Delete', ...keyItem(item, options) }) as const);
      const ask = { type: 'DeleteMany', items: asked } as const;
      return rowsOf(ask, await batch(ask, options));
    },
    async getMany(items, options = {}) {
      if (items.length === 0) return [];
      const asked = items.map((item) => ({ type: 'Get', ...readItem(item) }) as const);
      const ask = { type: 'GetMany', items: asked, ...atOf(options.at) } as const;
      const answer = await batch(ask, options);
      return rowsOf(ask, answer).map((row, i) => ({
        ...row,
        value: row.outcome === 'got' ? (answer.rows[i]?.value ?? null) : undefined,
      }));
    },
    async existsMany(items, options = {}) {
      if (items.length === 0) return [];
      const asked = items.map((item) => ({ type: 'Exists', ...readItem(item) }) as const);
      const ask = { type: 'ExistsMany', items: asked, ...atOf(options.at) } as const;
      return rowsOf(ask, await batch(ask, options));
    },
  };
}

function keyItem(item: string | KeyItem, options: SpaceOptions) {
  return typeof item === 'string'
    ? { key: item, ...spaceOf(options) }
    : { key: item.key, ...spaceOf({ ...options, ...item }) };
}

function readItem(item: string | ReadItem) {
  if (typeof item === 'string') return { key: item };
  const { key, revision } = item;
  return {
    key,
    ...(revision === undefined ? {} : { revision: revision as Revision }),
    ...spaceOf(item),
  };
}

const OUTCOMES: Readonly<Record<number, ItemOutcome>> = {
  [KeyValueCode.set]: 'set',
  [KeyValueCode.notSet]: 'notSet',
  [KeyValueCode.deleted]: 'deleted',
  [KeyValueCode.got]: 'got',
  [KeyValueCode.exists]: 'exists',
  [KeyValueCode.doesNotExist]: 'doesNotExist',
  [KeyValueCode.invalidInput]: 'invalidInput',
  [KeyValueCode.mustRetry]: 'mustRetry',
};

function rowsOf({ items }: BatchAsk, { rows }: BatchOutcome): readonly ItemResult[] {
  return items.map(({ key }, i) => {
    const { code, revision, lastModified } = rows[i] as BatchOutcome['rows'][number];
    return { key, outcome: OUTCOMES[code] ?? 'errored', revision, lastModified };
  });
}
