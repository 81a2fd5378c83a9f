/**
 * What a simulated client asks for: conditional sets, plain ones, reads and deletes on few keys, so that they meet.
 */

import { revision, SetFlag, type ClientAnswer, type KeyValueOperation } from '../../core/index.js';
import { KeyValueCode } from '../../core/index.js';
import { unconditional, type KeyValueInput, type KeyValueOutput } from '../check/linearizability/index.js';
import type { Drawn } from '../workload/clients.js';
import { drawBelow, drawOne, type Stream } from '../world/chance.js';
import type { KeyValueSettings } from './settings.js';
import { toBytes, toText } from './text.js';

/** What a client last saw of a key, so that its conditions hold often enough to matter. */
export interface Seen {
  readonly revision: number;
  readonly value: string | null;
}

const MODES = ['lease', 'follower', 'stale'] as const;

const NEVER_SEEN: Seen = { revision: -1, value: null };

/** The `number`th operation of a client: drawn under its own key, whatever came before. */
export function drawOperation(
  stream: Stream,
  number: number,
  client: number,
  keys: readonly string[],
  { readPercent, specialReadPercent }: Pick<KeyValueSettings, 'readPercent' | 'specialReadPercent'>,
  seen: ReadonlyMap<string, Seen>,
): Drawn<KeyValueInput> {
  const key = drawOne(stream, keys, number, 1);
  if (drawBelow(stream, 100, number, 2) < readPercent) {
    const type = drawBelow(stream, 4, number, 3) === 0 ? 'exists' : 'get';
    if (drawBelow(stream, 100, number, 20) >= specialReadPercent) return { key, input: { type } };
    return { key, input: { type, mode: drawOne(stream, MODES, number, 21) } };
  }
  const last = seen.get(key) ?? NEVER_SEEN;
  const value = drawValue(stream, number, client);
  switch (drawBelow(stream, 10, number, 5)) {
    case 0:
      return { key, input: { type: 'delete' } };
    case 1:
      return { key, input: { type: 'set', value, condition: { ifExists: true, ifNotExists: false } } };
    case 2:
      return { key, input: { type: 'set', value, condition: { ifExists: false, ifNotExists: true } } };
    case 3:
    case 4: {
      // Mostly what it saw last, sometimes a revision that is still to come.
      const ahead = Math.max(0, drawBelow(stream, 8, number, 6) - 5);
      const equalToRevision = last.revision + ahead;
      return { key, input: { type: 'set', value, condition: { ...unconditional, equalToRevision } } };
    }
    case 5:
    case 6:
      return {
        key,
        input: {
          type: 'set',
          value,
          condition: { ...unconditional, equalToValue: nearly(stream, number, last.value) },
        },
      };
    default:
      return { key, input: { type: 'set', value, condition: unconditional } };
  }
}

/** Mostly a value that nobody else writes; sometimes none, or an empty one. */
function drawValue(stream: Stream, number: number, client: number): string | null {
  const kind = drawBelow(stream, 20, number, 4);
  return kind === 0 ? null : kind === 1 ? '' : `${client}-${number}`;
}

/** Mostly the value itself; sometimes one that is easily taken for it: longer, shorter, empty, none. */
function nearly(stream: Stream, number: number, value: string | null): string | null {
  switch (drawBelow(stream, 10, number, 7)) {
    case 0:
      return `${value ?? ''}0`;
    case 1:
      return value === null ? '' : value.slice(0, -1);
    case 2:
      return value === '' ? null : '';
    default:
      return value;
  }
}

/** Whether the answer may be of the past, so that no history of it is linearizable. */
export function isStale(input: KeyValueInput): boolean {
  return (input.type === 'get' || input.type === 'exists') && input.mode === 'stale';
}

/** The same operation as a node understands it. */
export function toOperation({ key, input }: Drawn<KeyValueInput>): KeyValueOperation {
  switch (input.type) {
    case 'get':
    case 'exists': {
      const type = input.type === 'get' ? 'Get' : 'Exists';
      return input.mode === undefined ? { type, key } : { type, key, mode: input.mode };
    }
    case 'delete':
      return { type: 'Delete', key };
    case 'set': {
      const { ifExists, ifNotExists, equalToValue, equalToRevision } = input.condition;
      return {
        type: 'Set',
        key,
        value: input.value === null ? null : toBytes(input.value),
        flags:
          SetFlag.set |
          (ifExists ? SetFlag.ifExists : 0) |
          (ifNotExists ? SetFlag.ifNotExists : 0) |
          (equalToValue === undefined ? 0 : SetFlag.ifEqualToValue) |
          (equalToRevision === undefined ? 0 : SetFlag.ifEqualToRevision),
        compareValue: typeof equalToValue === 'string' ? toBytes(equalToValue) : null,
        compareRevision: revision(equalToRevision ?? 0),
      };
    }
  }
}

/**
 * What the answer says of the operation: its output, that nobody knows yet (`unknown`: try again), or that no such
 * answer should ever be given (`wrong`).
 */
export function toOutput(
  answer: ClientAnswer,
): { readonly type: 'known'; readonly output: KeyValueOutput } | { readonly type: 'unknown' | 'wrong' } {
  if (answer.family !== undefined) return { type: 'wrong' };
  const { code } = answer;
  switch (code) {
    case KeyValueCode.set:
      return { type: 'known', output: { type: 'set', revision: answer.revision } };
    case KeyValueCode.notSet:
      return { type: 'known', output: { type: 'notSet', revision: answer.revision } };
    case KeyValueCode.got:
      return {
        type: 'known',
        output: { type: 'got', value: toText(answer.value), revision: answer.revision },
      };
    case KeyValueCode.exists:
      return { type: 'known', output: { type: 'exists', revision: answer.revision } };
    case KeyValueCode.deleted:
      return { type: 'known', output: { type: 'deleted', revision: answer.revision } };
    case KeyValueCode.doesNotExist:
      return { type: 'known', output: { type: 'missing' } };
    case KeyValueCode.mustRetry:
      return { type: 'unknown' };
    default:
      return { type: 'wrong' };
  }
}
