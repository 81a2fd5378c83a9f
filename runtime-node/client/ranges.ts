/** Key/values by prefix and range: in the order of their keys' UTF-16 code units. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { KeyValueCode, type PageItem, type ReadMode, type Value } from '../../core/partition/command.js';
import { unexpectedAnswer } from './ask.js';
import { modeOf, spaceOf, type KeyInfo, type SpaceOptions } from './key-options.js';
import { persist } from './patience.js';
import type { ClientPort, RangeAsk, RowsAsk } from './port.js';
import { atOf, type Moment } from './values.js';

export interface Row extends KeyInfo {
  readonly key: string;
  readonly value: Value;
}

export interface RowsOptions extends SpaceOptions {
  readonly read?: ReadMode;
  /** As they were then. */
  readonly at?: Moment;
}

export interface RangeOptions extends RowsOptions {
  /** The first key; from the prefix on when absent. */
  readonly start?: string;
  /** Default true. */
  readonly startInclusive?: boolean;
  /** The last key; to the end of the prefix when absent. */
  readonly end?: string;
  /** Default false. */
  readonly endInclusive?: boolean;
  /** Rows on a page, at most. Default 100. */
  readonly limit?: number;
  /** Of the page before: the next one shows the same moment. */
  readonly cursor?: string;
}

export interface Page {
  readonly items: readonly Row[];
  /** For the next page; undefined after the last one. A page may be short, or empty, and yet not the last. */
  readonly cursor: string | undefined;
}

/**
 * Reads of many keys, by what their names begin with.
 *
 * A bucket is the text before the last `/` of a key, and lives in one partition; `getByBucket`, `range` and `iterate` ask
 * that partition alone, so they are given the bucket, without the `/`: `menu` for `menu/mon`. Only `scan` asks them all.
 *
 * @example
 * ```ts
 * for (const day of ['mon', 'tue', 'wed']) await client.keys.set(`menu/${day}`, 'soup');
 * const rows = await client.keys.getByBucket('menu');
 * console.log(rows.map(({ key }) => key)); //=> [ 'menu/mon', 'menu/tue', 'menu/wed' ]
 *
 * const page = await client.keys.range('menu', { start: 'menu/n', limit: 1 });
 * console.log(page.items[0]?.key, page.cursor !== undefined); //=> menu/tue true
 *
 * for await (const { key } of client.keys.iterate('menu', { limit: 2 })) console.log(key);
 * //=> menu/mon
 * //=> menu/tue
 * //=> menu/wed
 * ```
 */
export interface Ranges {
  /** All keys of the bucket: those that begin with its name, in its partition. At most 4,096. */
  getByBucket(prefix: string, options?: RowsOptions): Promise<readonly Row[]>;
  /** All keys that begin with the prefix, in the whole cluster; each partition as it is when it is asked. */
  scan(prefix: string, options?: RowsOptions): Promise<readonly Row[]>;
  /** One page of the keys of the bucket. */
  range(prefix: string, options?: RangeOptions): Promise<Page>;
  /** Page after page, as they are asked for; all show one moment. */
  iterate(prefix: string, options?: RangeOptions): AsyncIterableIterator<Row>;
}

const DEFAULT_LIMIT = 100;

export function createRanges(port: ClientPort, timeoutMs: number): Ranges {
  async function rows(type: RowsAsk['type'], prefix: string, options: RowsOptions): Promise<readonly Row[]> {
    const ask: RowsAsk = { type, prefix, ...atOf(options.at), ...modeOf(options), ...spaceOf(options) };
    const settled = await persist(port, ask, { timeoutMs, ...options });
    const { code, items } = settled.answer;
    if (code === KeyValueCode.doesNotExist) return [];
    if (code !== KeyValueCode.got) throw unexpectedAnswer(ask, settled);
    return items.map(rowOf);
  }

  async function range(prefix: string, options: RangeOptions = {}): Promise<Page> {
    const ask = rangeAsk(prefix, options);
    const settled = await persist(port, ask, { timeoutMs, ...options });
    const { code, items, hasMore, cursor } = settled.answer;
    if (code === KeyValueCode.doesNotExist) return { items: [], cursor: undefined };
    if (code !== KeyValueCode.got) throw unexpectedAnswer(ask, settled);
    return { items: items.map(rowOf), cursor: hasMore ? (cursor ?? undefined) : undefined };
  }

  return {
    getByBucket: (prefix, options = {}) => rows('Bucket', prefix, options),
    scan: (prefix, options = {}) => rows('ScanAll', prefix, options),
    range,
    async *iterate(prefix, options = {}) {
      let page = await range(prefix, options);
      yield* page.items;
      while (page.cursor !== undefined) {
        page = await range(prefix, { ...options, cursor: page.cursor });
        yield* page.items;
      }
    },
  };
}

function rangeAsk(prefix: string, options: RangeOptions): RangeAsk {
  const { start, startInclusive = true, end, endInclusive = false, limit = DEFAULT_LIMIT, cursor } = options;
  return {
    type: 'Range',
    prefix,
    ...(start === undefined ? {} : { from: { key: start, inclusive: startInclusive } }),
    ...(end === undefined ? {} : { to: { key: end, inclusive: endInclusive } }),
    limit,
    ...atOf(options.at),
    ...modeOf(options),
    ...spaceOf(options),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** The time of a row that does not end is left out. */
function rowOf({ key, value, revision, lastModified, expires }: PageItem): Row {
  return { key, value, revision, lastModified, ...endOf(expires) };
}

function endOf(expires: Timestamp | undefined): { readonly expires?: Timestamp } {
  return expires === undefined ? {} : { expires };
}
