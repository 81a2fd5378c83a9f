/** What functions say of inputs that they cannot take. */

import { failed, type Failure } from './failure.js';
import type { CallContext } from './functions.js';
import type { ScriptValue } from './value.js';

export function wrongType(
  inputs: readonly ScriptValue[],
  wanted: string,
  { name, line }: CallContext,
): Failure {
  return failed(`${name}() takes ${wanted}, not ${inputs.map(({ type }) => type).join(' and ')}`, line);
}

const MAX_SHOWN = 40;

/** A cast that cannot be made. */
export function noCast(value: ScriptValue, target: string, { line }: CallContext): Failure {
  if (value.type !== 'string') return failed(`Cannot convert ${value.type} to ${target}`, line);
  const shown =
    value.value.length > MAX_SHOWN ? `${value.value.slice(0, MAX_SHOWN).toWellFormed()}…` : value.value;
  return failed(`Cannot convert "${shown}" to ${target}`, line);
}
