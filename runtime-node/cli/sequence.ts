/** `wavetank sequence create|update|get|next|reserve|delete`. */

import { Command, InvalidArgumentError } from 'commander';

import type { SequenceRecord, UpdateSequenceOptions } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { refuseArguments } from './refuse.js';
import {
  done,
  no,
  PROCESS_SEAT,
  runService,
  timeJson,
  withServiceOptions,
  type Seat,
  type ServiceFlags,
} from './service.js';

const EXIT_CODES = `
Exit codes: 0 done, 1 there is none, or there is one already, or its end is reached; 2 bad arguments; 3 unknown whether it
was done; 69 the cluster does not answer.`;

export function sequenceCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('sequence')
    .description('ascending numbers of which each is given once')
    .addHelpText(
      'after',
      `${EXIT_CODES}

Examples:
  wavetank sequence create invoice --initial-value 100 --increment 5
  wavetank sequence next invoice
  wavetank sequence reserve invoice 10 --idempotency-key "order 17"`,
    );
  for (const make of [create, update, get, next, reserve, remove]) {
    command.addCommand(make(seat).showHelpAfterError('(add --help to see what is expected)').exitOverride());
  }
  return command;
}

function sequenceOf(name: string, description: string, example: string): Command {
  const command = new Command(name).description(description).argument('<name>');
  return withServiceOptions(command).addHelpText(
    'after',
    `${EXIT_CODES}\n\nExample:\n  wavetank sequence ${example}`,
  );
}

interface CreateFlags extends ServiceFlags {
  readonly initialValue: number;
  readonly increment: number;
  readonly maxValue?: number;
  readonly blockSize?: number;
}

function create(seat: Seat): Command {
  return sequenceOf('create', 'make a sequence', 'create invoice --initial-value 100 --increment 5')
    .option('--initial-value <number>', 'the first value is the one after it', integer('--initial-value'), 0)
    .option('--increment <number>', 'from one value to the next', wholeNumber('--increment', 1), 1)
    .option('--max-value <number>', 'the last value', integer('--max-value'))
    .option(
      '--block-size <number>',
      'how many values a leader takes at a time',
      wholeNumber('--block-size', 1),
    )
    .action((name: string, flags: CreateFlags) =>
      runService(seat, flags, async ({ sequences }) => {
        const { initialValue, increment, maxValue, blockSize } = flags;
        const record = await sequences.create(name, {
          initialValue,
          increment,
          ...(maxValue === undefined ? {} : { maxValue }),
          ...(blockSize === undefined ? {} : { blockSize }),
        });
        return done(`created ${describe(record)}`, 'created', recordJson(record));
      }),
    );
}

interface UpdateFlags extends ServiceFlags {
  readonly currentValue?: number;
  readonly initialValue?: number;
  readonly increment?: number;
  /** False for `--no-max-value`. */
  readonly maxValue?: number | false;
  readonly blockSize?: number | false;
}

function update(seat: Seat): Command {
  return sequenceOf('update', 'change a sequence', 'update invoice --current-value 5000 --no-max-value')
    .option('--current-value <number>', 'the next value is the one after it', integer('--current-value'))
    .option('--initial-value <number>', 'where it began', integer('--initial-value'))
    .option('--increment <number>', 'from one value to the next', wholeNumber('--increment', 1))
    .option('--max-value <number>', 'the last value', integer('--max-value'))
    .option('--no-max-value', 'without a last value')
    .option(
      '--block-size <number>',
      'how many values a leader takes at a time',
      wholeNumber('--block-size', 1),
    )
    .option('--no-block-size', "as many as the nodes' setting says")
    .action((name: string, flags: UpdateFlags, self: Command) => {
      const changes = changesIn(flags, self);
      return runService(seat, flags, async ({ sequences }) => {
        const record = await sequences.update(name, changes);
        return done(`updated ${describe(record)}`, 'updated', recordJson(record));
      });
    });
}

/** Commander takes an option that can also be negated for true when neither form is given. */
function changesIn(flags: UpdateFlags, command: Command): UpdateSequenceOptions {
  const { currentValue, initialValue, increment } = flags;
  const given = (value: number | boolean | undefined): number | null | undefined =>
    typeof value === 'number' ? value : value === false ? null : undefined;
  const [maxValue, blockSize] = [given(flags.maxValue), given(flags.blockSize)];
  const changes = {
    ...(currentValue === undefined ? {} : { currentValue }),
    ...(initialValue === undefined ? {} : { initialValue }),
    ...(increment === undefined ? {} : { increment }),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(blockSize === undefined ? {} : { blockSize }),
  };
  if (Object.keys(changes).length > 0) return changes;
  return refuseArguments(command, 'nothing to change: give at least one, for example --increment 10');
}

function get(seat: Seat): Command {
  return sequenceOf('get', 'show a sequence', 'get invoice').action((name: string, flags: ServiceFlags) =>
    runService(seat, flags, async ({ sequences }) => {
      const record = await sequences.get(name);
      if (record === undefined) return no(`there is no sequence ${JSON.stringify(name)}`, 'notFound');
      return done(describe(record), 'got', recordJson(record));
    }),
  );
}

interface ReserveFlags extends ServiceFlags {
  readonly idempotencyKey?: string;
}

const KEY_HELP = 'the same key gives the same values again';

function next(seat: Seat): Command {
  return sequenceOf('next', 'take the next value', 'next invoice')
    .option('--idempotency-key <text>', KEY_HELP)
    .action((name: string, flags: ReserveFlags) =>
      runService(seat, flags, async ({ sequences }) => {
        const value = await sequences.next(name, keyOf(flags));
        return done(`${value}`, 'reserved', { value });
      }),
    );
}

function reserve(seat: Seat): Command {
  return sequenceOf('reserve', 'take several values, in one run', 'reserve invoice 10')
    .argument('<count>', 'how many', wholeNumber('<count>', 1))
    .option('--idempotency-key <text>', KEY_HELP)
    .action((name: string, count: number, flags: ReserveFlags) =>
      runService(seat, flags, async ({ sequences }) => {
        const { start, end, revision } = await sequences.reserve(name, count, keyOf(flags));
        return done(`${start} … ${end} (${count} values)`, 'reserved', { start, end, count, revision });
      }),
    );
}

function remove(seat: Seat): Command {
  return sequenceOf('delete', 'delete a sequence', 'delete invoice').action(
    (name: string, flags: ServiceFlags) =>
      runService(seat, flags, async ({ sequences }) => {
        const isDeleted = await sequences.delete(name);
        const quoted = JSON.stringify(name);
        return isDeleted
          ? done(`deleted the sequence ${quoted}`, 'deleted')
          : no(`there is no sequence ${quoted}`, 'notFound');
      }),
  );
}

function keyOf({ idempotencyKey }: ReserveFlags): { readonly idempotencyKey?: string } {
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}

function describe({ name, currentValue, increment, maxValue, blockSize, revision }: SequenceRecord): string {
  const limit = maxValue === null ? '' : `, up to ${maxValue}`;
  const blocks = blockSize === null ? '' : `, blocks of ${blockSize}`;
  return `${JSON.stringify(name)}: set aside up to ${currentValue}, steps of ${increment}${limit}${blocks}, revision ${revision}`;
}

function recordJson(record: SequenceRecord): Readonly<Record<string, unknown>> {
  const { createdAt, updatedAt } = record;
  return { sequence: { ...record, createdAt: timeJson(createdAt), updatedAt: timeJson(updatedAt) } };
}

function integer(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`${flag} wants a whole number, for example ${flag} 100.`);
  };
}
