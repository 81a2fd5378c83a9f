/** Scripts: run where the data is, each as one transaction. */

import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { ScriptCode } from '../../core/script/effects.js';
import type { TransactionPriority } from '../../core/transactions/calls.js';
import { describeAsk, unexpectedAnswer } from './ask.js';
import { WavetankError, type WavetankErrorCode } from './error.js';
import { persist, type CallOptions } from './patience.js';
import type { ClientPort, ScriptAsk, Settled } from './port.js';
import { textOf } from './values.js';

/** Values by name, with or without the `@`. In the script they are text. */
export type ScriptParameters = Readonly<Record<string, string | number | bigint | boolean | null>>;

export interface RunOptions extends CallOptions {
  /** Default `normal`. */
  readonly priority?: TransactionPriority;
}

export type ScriptOutcomeName = 'set' | 'notSet' | 'extended' | 'got' | 'deleted' | 'exists' | 'doesNotExist';

export interface ScriptEntry {
  /** Absent for what the script made itself. */
  readonly key?: string;
  /** Undefined where there is none. */
  readonly value: Uint8Array | undefined;
  /** -1 for what the script made itself. */
  readonly revision: number;
  readonly expires?: Timestamp;
  readonly lastModified?: Timestamp;
}

export interface ScriptResult {
  /** Of the last statement that has one. */
  readonly outcome: ScriptOutcomeName;
  readonly entries: readonly ScriptEntry[];
  /** The first entry as text; undefined where there is none, or no value in it. @throws TypeError for bytes that are no UTF-8 */
  text(): string | undefined;
  /** All entries as text. @throws TypeError for bytes that are no UTF-8 */
  texts(): readonly (string | undefined)[];
}

export interface Script {
  readonly source: string;
  /** By which nodes find what they made of it: BLAKE3 of its UTF-8, in lower-case hex. */
  readonly hash: string;
  /**
   * Runs it once. A script whose answer is lost is not run again, since that could do it twice: the error says that the outcome is unknown.
   *
   * @throws WavetankError with `errored` and the reason for a mistake in the script and for what it throws, with `aborted` where it was rolled
   *   back or another transaction was in its way; then nothing of it was done.
   */
  run(parameters?: ScriptParameters, options?: RunOptions): Promise<ScriptResult>;
}

/**
 * @example
 * ```ts
 * const take = client.script(`
 *   let stock = get @item
 *   if to_int(stock) < to_int(@count) then
 *     throw "short"
 *   end
 *   let left = to_int(stock) - to_int(@count)
 *   set @item left
 *   return left
 * `);
 * await client.keys.set('stock/7', '5');
 * const taken = await take.run({ item: 'stock/7', count: 3 });
 * console.log(taken.outcome, taken.text()); //=> got 2
 * ```
 */
export interface Scripts {
  /** Nothing is asked before it is run. */
  script(source: string): Script;
}

export function createScripts(port: ClientPort, timeoutMs: number): Scripts {
  return {
    script(source) {
      const bytes = new TextEncoder().encode(source);
      const hash = bytesToHex(blake3(bytes));
      return {
        source,
        hash,
        async run(parameters = {}, options = {}) {
          const { priority = 'normal' } = options;
          const ask: ScriptAsk = {
            type: 'RunScript',
            script: bytes,
            hash,
            parameters: Object.entries(parameters).map(([name, value]) => ({
              name: name.startsWith('@') ? name : `@${name}`,
              value: value === null ? null : String(value),
            })),
            priority,
          };
          return resultOf(ask, await persist(port, ask, { timeoutMs, ...options, mayRepeat: false }));
        },
      };
    },
  };
}

const OUTCOMES: Readonly<Record<number, ScriptOutcomeName>> = {
  [ScriptCode.set]: 'set',
  [ScriptCode.notSet]: 'notSet',
  [ScriptCode.extended]: 'extended',
  [ScriptCode.got]: 'got',
  [ScriptCode.deleted]: 'deleted',
  [ScriptCode.exists]: 'exists',
  [ScriptCode.doesNotExist]: 'doesNotExist',
};

const FAILURES: Readonly<Record<number, readonly [WavetankErrorCode, string]>> = {
  [ScriptCode.errored]: ['errored', 'the script failed'],
  [ScriptCode.invalidInput]: ['invalidInput', 'the input is not valid'],
  [ScriptCode.aborted]: ['aborted', 'the script was aborted'],
  [ScriptCode.admissionRefused]: ['admissionRefused', 'too many are under way'],
};

function resultOf(ask: ScriptAsk, settled: Settled<ScriptAsk>): ScriptResult {
  const { code, entries: told, reason } = settled.answer;
  const outcome = OUTCOMES[code];
  if (outcome === undefined) {
    const failed = FAILURES[code];
    if (failed === undefined) throw unexpectedAnswer(ask, settled);
    const { attempts, endpoint } = settled;
    throw new WavetankError({
      operation: describeAsk(ask),
      code: failed[0],
      reason: reason ?? failed[1],
      attempts,
      endpoint,
    });
  }
  const entries = told.map(({ value, ...rest }) => ({ ...rest, value }));
  const texts = (): readonly (string | undefined)[] =>
    entries.map(({ value }) => (value === undefined ? undefined : (textOf(value) ?? undefined)));
  return { outcome, entries, text: () => texts()[0], texts };
}
