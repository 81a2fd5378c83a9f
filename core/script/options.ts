/** The options of BEGIN. Every one counts; of two with one name the last; names that mean nothing are ignored. */

import { PRIORITIES, type TransactionOptions } from './effects.js';
import { failed, type Failure } from './failure.js';
import { DEFAULT_TIMEOUT_MS, MAX_ADMISSION_WAIT_MS, MAX_TIMEOUT_MS } from './limits.js';
import { integerOf, readInteger } from './number-text.js';
import type { Mode } from './plan.js';
import type { BeginOption, BeginStatement } from './syntax.js';

/** Those of a script of several statements without BEGIN. */
export const IMPLICIT_OPTIONS: TransactionOptions = {
  locking: 'pessimistic',
  asyncRelease: false,
  timeoutMs: DEFAULT_TIMEOUT_MS,
};

interface Reading {
  readonly options: TransactionOptions;
  readonly autoCommit: boolean;
}

export function readOptions({ options }: BeginStatement): Mode {
  let reading: Reading = { options: IMPLICIT_OPTIONS, autoCommit: false };
  for (const option of options) {
    const read = readOption(reading, option);
    if ('type' in read) return { type: 'Invalid', failure: read };
    reading = read;
  }
  return { type: 'Transaction', ...reading };
}

function readOption(reading: Reading, option: BeginOption): Reading | Failure {
  if (!OPTION_NAMES.includes(option.name)) return reading;
  if (option.kind === 'null') return refused(option, 'null is no value');
  if (option.kind === 'placeholder') return refused(option, 'a placeholder cannot be the value of an option');
  const { text } = option;
  const taken = (more: Partial<TransactionOptions>): Reading => ({
    ...reading,
    options: { ...reading.options, ...more },
  });
  switch (option.name) {
    case 'locking':
      return text === 'pessimistic' || text === 'optimistic'
        ? taken({ locking: text })
        : refused(option, 'it is pessimistic or optimistic');
    case 'autoCommit': {
      const yes = yesOrNo(text);
      return yes === undefined ? refused(option, YES_OR_NO) : { ...reading, autoCommit: yes };
    }
    case 'asyncRelease': {
      const yes = yesOrNo(text);
      return yes === undefined ? refused(option, YES_OR_NO) : taken({ asyncRelease: yes });
    }
    case 'timeout': {
      const ms = wholeOf(option);
      if (ms === undefined) return refused(option, MILLISECONDS);
      return taken({ timeoutMs: ms <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(ms, MAX_TIMEOUT_MS) });
    }
    case 'admissionWait': {
      const ms = wholeOf(option);
      if (ms === undefined) return refused(option, MILLISECONDS);
      const wait = ms <= 0 ? {} : { admissionWaitMs: Math.min(ms, MAX_ADMISSION_WAIT_MS) };
      const { admissionWaitMs: replaced, ...others } = reading.options;
      return replaced === undefined ? taken(wait) : { ...reading, options: { ...others, ...wait } };
    }
    case 'snapshot': {
      const ms = wholeOf(option);
      if (ms === undefined || ms <= 0) return refused(option, 'it is an instant in milliseconds since 1970');
      return taken({ snapshotMs: ms });
    }
    default: {
      const priority = PRIORITIES.find((each) => each === text);
      return priority === undefined
        ? refused(option, `it is one of ${PRIORITIES.join(', ')}`)
        : taken({ priority });
    }
  }
}

export const OPTION_NAMES: readonly string[] = [
  ...['locking', 'autoCommit', 'asyncRelease', 'timeout', 'admissionWait', 'snapshot', 'priority'],
];

const YES_OR_NO = 'it is true, false, yes or no';
const MILLISECONDS = 'it is a whole number of milliseconds';

/** The words in any letter case, as keywords are. */
function yesOrNo(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (word === 'true' || word === 'yes') return true;
  return word === 'false' || word === 'no' ? false : undefined;
}

/** Written as a number or as a string; beyond what a double counts exactly it says nothing sensible. */
function wholeOf({ kind, text }: BeginOption): number | undefined {
  const value = kind === 'integer' ? integerOf(text) : kind === 'string' ? readInteger(text) : undefined;
  const number = Number(value ?? NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}

function refused({ name, text, line }: BeginOption, why: string): Failure {
  return failed(`Invalid option ${name}="${text}": ${why}`, line);
}
