/**
 * `wavetank check`: a verdict on a history that somebody recorded, of whichever system. Reading, checking and wording are the
 * simulator's (`sim/check/history-files`); here are the files and the exit codes.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import {
  judgeHistory,
  UnreadableHistory,
  type HistoryFormat,
  type JudgedModel,
  type IsolationLevel,
  type Judgement,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { reasonOf, refuseArguments } from './refuse.js';

interface CheckFlags {
  readonly model: JudgedModel;
  readonly format: HistoryFormat | 'auto';
  readonly level?: IsolationLevel;
  readonly initial?: string;
  readonly maxSteps?: number;
  readonly json?: boolean;
  readonly svg?: string;
}

const EXIT_CODES: Readonly<Record<Judgement['verdict'], number>> = { valid: 0, invalid: 1, unknown: 3 };

const MODELS: readonly JudgedModel[] = ['register', 'cas-register', 'kv', 'list-append', 'rw-register'];
const LEVELS: readonly IsolationLevel[] = [
  'read-uncommitted',
  'read-committed',
  'snapshot-isolation',
  'repeatable-read',
  'serializable',
  'strong-session-serializable',
  'strict-serializable',
];
const FORMATS = ['auto', 'edn', 'log', 'json'] as const;

export function checkCommand(): Command {
  return new Command('check')
    .description('check a recorded history of any system: is there a legal order of its operations?')
    .argument('<file>', 'the history; - reads standard input')
    .addOption(
      new Option('--model <name>', 'what the system should have been').choices(MODELS).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--level <name>',
        'how isolated transactions must be (default: strict-serializable)',
      ).choices(LEVELS),
    )
    .addOption(new Option('--format <name>', 'how the file is written').choices(FORMATS).default('auto'))
    .option('--initial <value>', 'what was there at first, as it stands in the history (default: nothing)')
    .option(
      '--max-steps <n>',
      'give up after N steps of the search, for each key',
      wholeNumber('--max-steps', 1),
    )
    .option('--json', 'print one JSON object')
    .option('--svg <file>', 'draw what is wrong into this file')
    .addHelpText(
      'after',
      `
Models:
  register      read, write
  cas-register  read, write, cas
  kv            get, put, append on texts, by key
  list-append   transactions that append to lists and read them
  rw-register   transactions that write and read registers

The first three are checked for linearizability, transactions for the isolation level that --level names.

Formats: Jepsen's history.edn (edn), the lines that Jepsen prints (log), JSON or JSON Lines (json).

Exit codes: 0 valid, 1 invalid, 2 bad arguments or an unreadable file, 3 unknown: the steps ran out.

Examples:
  wavetank check history.edn --model cas-register
  wavetank check jepsen.log --model cas-register --svg why.svg
  wavetank check history.edn --model list-append --level serializable
  wavetank check - --model kv --json < history.jsonl`,
    )
    .action((file: string, flags: CheckFlags, command: Command) => {
      const judgement = judge(file, flags, command);
      const drawn = draw(judgement, flags, command);
      if (flags.json === true) printJson(file, judgement);
      else printText(file, judgement, drawn);
      process.exitCode = EXIT_CODES[judgement.verdict];
    });
}

function judge(file: string, flags: CheckFlags, command: Command): Judgement {
  const { model, format, level, initial, maxSteps } = flags;
  refuseMisfits(flags, command);
  const text = readText(file, command);
  try {
    return judgeHistory(text, {
      model,
      format,
      ...(level === undefined ? {} : { level }),
      ...(initial === undefined ? {} : { initial }),
      ...(maxSteps === undefined ? {} : { maxSteps }),
    });
  } catch (error) {
    if (!(error instanceof UnreadableHistory)) throw error;
    return refuseArguments(command, `${nameOf(file)}, ${error.message}`);
  }
}

function refuseMisfits({ model, level, initial, svg }: CheckFlags, command: Command): void {
  const isTransactional = model === 'list-append' || model === 'rw-register';
  const misfit =
    !isTransactional && level !== undefined
      ? '--level is about transactions, --model list-append or --model rw-register'
      : isTransactional && (initial ?? svg) !== undefined
        ? `--${initial === undefined ? 'svg' : 'initial'} is about single keys, --model register, cas-register or kv`
        : undefined;
  if (misfit === undefined) return;
  refuseArguments(command, `${misfit}; the model here is ${model}.`);
}

function readText(file: string, command: Command): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    return refuseArguments(command, `cannot read ${nameOf(file)}: ${reasonOf(error)}`);
  }
}

/** The name of the file with the picture, if there is one. */
function draw(judgement: Judgement, { svg }: CheckFlags, command: Command): string | undefined {
  if (svg === undefined || judgement.picture === undefined) return undefined;
  try {
    writeFileSync(svg, judgement.picture);
    return svg;
  } catch (error) {
    return refuseArguments(command, `cannot write ${svg}: ${reasonOf(error)}`);
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

function printJson(file: string, { picture: _, ...judgement }: Judgement): void {
  process.stdout.write(`${JSON.stringify({ file: nameOf(file), ...judgement })}\n`);
}

function printText(file: string, judgement: Judgement, drawn: string | undefined): void {
  const { verdict, format, model, operations, answered, unanswered, ignored, keys, explanation } = judgement;
  const colour = verdict === 'valid' ? pc.green : verdict === 'invalid' ? pc.red : pc.yellow;
  const others = ignored === 0 ? '' : `, ${ignored} other lines`;
  const what = keys.length === 0 ? 'transactions' : 'operations';
  const steps = keys.reduce((sum, key) => sum + key.steps, 0);
  const size = `, ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, ${steps} steps for ${operations} operations`;
  const lines = [
    `history    ${nameOf(file)} (${format}): ${answered} answered and ${unanswered} unanswered ${what}${others}`,
    `model      ${model}${keys.length === 0 ? '' : size}`,
    `verdict    ${colour(verdict)}`,
    '',
    explanation,
    ...(drawn === undefined ? [] : ['', `Drawn in ${drawn}.`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
