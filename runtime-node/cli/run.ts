/** `wavetank run`: runs a script, from a file or from stdin, as one transaction. */

import { readFile } from 'node:fs/promises';
import { text as textFrom } from 'node:stream/consumers';

import { Command, InvalidArgumentError, Option } from 'commander';

import {
  isWavetankError,
  type ScriptEntry,
  type ScriptParameters,
  type ScriptResult,
  type TransactionPriority,
  type WavetankClient,
} from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { valueJson, valueText } from './key-value.js';
import { reasonOf } from './refuse.js';
import {
  done,
  no,
  PROCESS_SEAT,
  runService,
  timeJson,
  withServiceOptions,
  type Seat,
  type ServiceFlags,
  type Telling,
} from './service.js';
import { table } from './table.js';

interface RunFlags extends ServiceFlags {
  readonly param?: ScriptParameters;
  readonly priority: TransactionPriority;
}

const PRIORITIES: readonly TransactionPriority[] = ['background', 'low', 'normal', 'high', 'critical'];

export function runCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('run')
    .description('run a script, as one transaction')
    .argument('<file>', 'the script; - for stdin');
  return withServiceOptions(command)
    .option('--param <name=value>', "a value of the script's @name; may be repeated", parameter)
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(PRIORITIES).default('normal'))
    .addHelpText(
      'after',
      `
The language is described in core/script/README.md, with recipes in core/script/recipes. A script whose answer is lost is not run
again, since that could do it twice.

Exit codes: 0 done; 1 the script threw, was rolled back, met another transaction, or its last statement found no key or a condition
refused; 2 bad arguments, or a text that is no script; 3 unknown whether it took effect; 69 the cluster does not answer.

Examples:
  wavetank run next.script --param counter=orders
  echo 'set a 1 set b 2 return "both"' | wavetank run -
  wavetank run reserve.script --param stock=stock/42 --param quantity=2 --json`,
    )
    .action(async (file: string, flags: RunFlags) => {
      await runService(seat, flags, async (client) => {
        const source = await textOf(file);
        return runScript(client, source, flags.param ?? {}, flags.priority, file === '-' ? 'stdin' : file);
      });
    });
}

/** @throws TypeError where it cannot be read. */
async function textOf(file: string): Promise<string> {
  if (file === '-') return textFrom(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new TypeError(`the script cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** @param before what earlier options have given. */
export function parameter(text: string, before: ScriptParameters = {}): ScriptParameters {
  const [, name, value] = /^@?(\w+)=([^]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('--param wants a name and a value, for example --param counter=orders.');
  return { ...before, [name]: value };
}

/** @param where the script is from, for people. */
export async function runScript(
  client: WavetankClient,
  source: string,
  parameters: ScriptParameters,
  priority: TransactionPriority,
  where: string,
): Promise<Telling> {
  try {
    return tell(await client.script(source).run(parameters, { priority }));
  } catch (error) {
    if (!isWavetankError(error) || error.isOutcomeUnknown) throw error;
    const { code, reason } = error;
    if (code !== 'errored' && code !== 'aborted') throw error;
    const isSyntax = code === 'errored' && reason.startsWith('Syntax error');
    const telling = no(`${where}: ${reason}`, isSyntax ? 'syntaxError' : code, { reason });
    return isSyntax ? { ...telling, exitCode: ExitCode.badArguments } : telling;
  }
}

function tell(result: ScriptResult): Telling {
  const { outcome, entries } = result;
  const json = { entries: entries.map(entryJson) };
  switch (outcome) {
    case 'got':
      return done(shownAll(entries), outcome, json);
    case 'notSet':
      return no('not set: a condition refused', outcome, json);
    case 'doesNotExist':
      return no('there is no such key', outcome, json);
    default:
      return done([outcome, ...entries.map(changed)].join(' '), outcome, json);
  }
}

function changed({ key, revision }: ScriptEntry): string {
  return key === undefined ? `revision ${revision}` : `${JSON.stringify(key)}, revision ${revision}`;
}

/** A value by itself, values one to a line, or keys with theirs. */
function shownAll(entries: readonly ScriptEntry[]): string {
  const [first] = entries;
  if (first === undefined) return 'done';
  if (entries.length === 1 || first.key === undefined) return entries.map(shown).join('\n');
  const rows = entries.map((entry) => [entry.key ?? '', `${entry.revision}`, shown(entry)]);
  return table(['key', 'revision', 'value'], rows).trimEnd();
}

function shown({ value }: ScriptEntry): string {
  return valueText(value ?? null);
}

function entryJson({ key, value, revision, expires, lastModified }: ScriptEntry) {
  return {
    ...(key === undefined ? {} : { key }),
    ...valueJson(value ?? null),
    revision,
    ...(expires === undefined ? {} : { expires: timeJson(expires) }),
    ...(lastModified === undefined ? {} : { lastModified: timeJson(lastModified) }),
  };
}
