/**
 * The built-in functions: their names, how many inputs each takes, and what it does.
 *
 * Names are case-sensitive. Inputs arrive evaluated, from the left. Functions never read text as a number unless that is their
 * purpose: `abs("1")` is an error.
 */

import { failed, type Failure } from './failure.js';
import { NUMBER_FUNCTIONS } from './functions-number.js';
import { TEXT_FUNCTIONS } from './functions-text.js';
import { TYPE_FUNCTIONS } from './functions-type.js';
import type { Meter } from './meter.js';
import type { ScriptValue } from './value.js';

/** What a function may know besides its inputs. */
export interface CallContext {
  /** As the script wrote it. */
  readonly name: string;
  readonly line: number;
  readonly meter: Meter;
  /** The node's wall clock, in milliseconds since 1970. */
  readonly wallMs: number;
  /** The one reading of the hybrid clock that a run shows, in milliseconds since 1970. */
  readonly hlcMs: number;
}

export interface BuiltIn {
  readonly names: readonly string[];
  readonly inputs: number;
  /** `inputs` has as many items as it should. */
  readonly call: (inputs: readonly ScriptValue[], context: CallContext) => ScriptValue | Failure;
}

export const BUILT_INS: readonly BuiltIn[] = [...TYPE_FUNCTIONS, ...NUMBER_FUNCTIONS, ...TEXT_FUNCTIONS];

const BY_NAME: ReadonlyMap<string, BuiltIn> = new Map(
  BUILT_INS.flatMap((each) => each.names.map((name): [string, BuiltIn] => [name, each])),
);

/** Every name that can be called, in the order of the guide. */
export const FUNCTION_NAMES: readonly string[] = [...BY_NAME.keys()];

export function callFunction(inputs: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const { name, line } = context;
  const builtIn = BY_NAME.get(name);
  if (builtIn === undefined) return failed(`Undefined function ${name}`, line);
  if (inputs.length !== builtIn.inputs) {
    const plural = builtIn.inputs === 1 ? 'argument' : 'arguments';
    return failed(`${name}() takes ${builtIn.inputs} ${plural}, not ${inputs.length}`, line);
  }
  return builtIn.call(inputs, context);
}
