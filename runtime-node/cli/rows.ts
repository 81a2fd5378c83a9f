/** `wavetank get-by-bucket`, `scan` and `range`: many keys at once. */

import { Command } from 'commander';

import type { RangeOptions, Row, RowsOptions } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import {
  atOption,
  infoJson,
  readModeOption,
  valueJson,
  valueText,
  withKeyValueOptions,
  type ReadFlags,
} from './key-value.js';
import { done, PROCESS_SEAT, runService, type Seat, type Telling } from './service.js';
import { table } from './table.js';

interface RangeFlags extends ReadFlags {
  readonly start?: string;
  /** Commander's name for `--no-start-inclusive`: true unless it is given. */
  readonly startInclusive: boolean;
  readonly end?: string;
  readonly endInclusive?: boolean;
  readonly limit: number;
  readonly cursor?: string;
  readonly all?: boolean;
}

const EXIT_CODES =
  'Exit codes: 0 done, even when there are no keys; 2 bad arguments; 69 the cluster does not answer.';

function withRowsOptions(command: Command): Command {
  return withKeyValueOptions(command).addOption(readModeOption()).addOption(atOption());
}

export function getByBucketCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('get-by-bucket')
    .description('print the keys of a bucket, which is the text before the last / of a key')
    .argument('<prefix>');
  return withRowsOptions(command)
    .addHelpText('after', `\n${EXIT_CODES}\n\nExample:\n  wavetank get-by-bucket users`)
    .action((prefix: string, flags: ReadFlags) =>
      runService(seat, flags, async ({ keys }) => tell(await keys.getByBucket(prefix, rowsOptions(flags)))),
    );
}

export function scanCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('scan')
    .description('print all keys that begin with a prefix, in the whole cluster')
    .argument('<prefix>');
  return withRowsOptions(command)
    .addHelpText('after', `\n${EXIT_CODES}\n\nExample:\n  wavetank scan user --json`)
    .action((prefix: string, flags: ReadFlags) =>
      runService(seat, flags, async ({ keys }) => tell(await keys.scan(prefix, rowsOptions(flags)))),
    );
}

export function rangeCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('range')
    .description('print the keys of a bucket between two bounds, a page at a time')
    .argument('<prefix>');
  return withRowsOptions(command)
    .option('--start <key>', 'the first key')
    .option('--no-start-inclusive', 'without the first key itself')
    .option('--end <key>', 'the last key')
    .option('--end-inclusive', 'with the last key itself')
    .option('--limit <number>', 'keys on a page, at most', wholeNumber('--limit', 1), 100)
    .option('--cursor <text>', 'what the page before ended with')
    .option('--all', 'page after page, to the end')
    .addHelpText(
      'after',
      `
${EXIT_CODES}

Examples:
  wavetank range users --start users/17 --limit 10
  wavetank range users --all --json`,
    )
    .action((prefix: string, flags: RangeFlags) =>
      runService(seat, flags, async ({ keys }) => {
        const options = rangeOptions(flags);
        if (flags.all === true) {
          const rows: Row[] = [];
          for await (const row of keys.iterate(prefix, options)) rows.push(row);
          return tell(rows);
        }
        const { items, cursor } = await keys.range(prefix, options);
        return tell(items, cursor ?? null);
      }),
    );
}

function rowsOptions({ read, at, ephemeral }: ReadFlags): RowsOptions {
  return { read, ...(at === undefined ? {} : { at }), ephemeral: ephemeral === true };
}

function rangeOptions(flags: RangeFlags): RangeOptions {
  const { start, startInclusive, end, endInclusive, limit, cursor } = flags;
  return {
    ...rowsOptions(flags),
    ...(start === undefined ? {} : { start }),
    startInclusive,
    ...(end === undefined ? {} : { end }),
    endInclusive: endInclusive === true,
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** @param cursor null after the last page, undefined where there are no pages. */
function tell(items: readonly Row[], cursor?: string | null): Telling {
  const rows = items.map(({ key, value, revision }) => [key, `${revision}`, valueText(value)]);
  const list = rows.length === 0 ? 'no keys' : table(['key', 'revision', 'value'], rows).trimEnd();
  const text = typeof cursor === 'string' ? `${list}\nmore: --cursor ${cursor}` : list;
  const json = items.map((row) => ({ key: row.key, ...valueJson(row.value), ...infoJson(row) }));
  return done(text, 'got', { items: json, ...(cursor === undefined ? {} : { cursor }) });
}
