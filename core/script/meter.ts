/**
 * What a run has used of its limits. It is written to, and belongs to one step of one evaluation.
 *
 * Memory is counted from above: what a statement makes on its way counts until the statement ends, whether it is still needed or not.
 */

import { failed, type Failure } from './failure.js';
import { BYTES_PER_STEP, type ScriptLimits } from './limits.js';

export interface Meter {
  readonly limits: ScriptLimits;
  steps: number;
  /** Held by variables, loops, parameters and the last result, in bytes. */
  held: number;
  /** Made by the statement at work, in bytes. */
  made: number;
}

/** Counts one step and the bytes that are looked at. */
export function spend(meter: Meter, bytes: number): void {
  meter.steps += 1 + Math.floor(bytes / BYTES_PER_STEP);
}

/** Counts bytes that are about to be made; a failure where there is no room for them. */
export function make(meter: Meter, bytes: number, line: number): Failure | undefined {
  meter.made += bytes;
  spend(meter, bytes);
  return overdrawn(meter, line);
}

/** What the script has taken too much of. */
export function overdrawn({ limits, steps, held, made }: Meter, line: number): Failure | undefined {
  if (steps > limits.maxSteps) return failed(`The script took more than ${limits.maxSteps} steps`, line);
  if (held + made > limits.maxMemoryBytes) {
    return failed(`The script needs more than ${limits.maxMemoryBytes} bytes of memory`, line);
  }
  return undefined;
}
