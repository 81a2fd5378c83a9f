/** Scenarios from files: plain JSON, or the header of a trace. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Scenario } from '../../sim/index.js';
import { refuseArguments } from './refuse.js';

export function readScenario(file: string, command: Command): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refuseArguments(
      command,
      `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const firstLine = text.slice(0, Math.max(0, text.indexOf('\n')));
  const isTrace = firstLine.startsWith('{') && firstLine.includes('"wavetank":"trace"');
  let value: unknown;
  try {
    value = JSON.parse(isTrace ? firstLine : text);
  } catch (error) {
    return refuseArguments(
      command,
      `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return (isTrace ? (value as { readonly scenario: Scenario }).scenario : value) as Scenario;
}
