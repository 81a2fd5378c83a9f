/** Traces that tests look into: a short storm, recorded once, and its timeline. */

import { formatTrace, parseTrace, recordRun, stormScenario, type Trace } from '../../../sim/index.js';
import type { KeyValueScenario } from '../../../sim/key-value/settings.js';

/** A storm of this seed, cut short: some ten virtual seconds, and about a thousand lines. */
export function shortStorm(seed: number): KeyValueScenario {
  const storm = stormScenario(seed);
  return {
    ...storm,
    calm: { ...storm.calm, atMs: 7_000 },
    minimumMs: 8_000,
    workload: { ...storm.workload, operationsPerClient: 8 },
  };
}

/** What was recorded of a scenario, as it is read back from a file. */
export function recorded(scenario: KeyValueScenario, version = '0.0.0-test'): Trace {
  const { lines } = recordRun(scenario);
  return parseTrace(formatTrace({ version, about: 'a test', scenario, failure: null }, lines));
}

/** A trace without what only a recorder in the simulator knows: as a node in production would write it. */
export function withoutSources(trace: Trace): Trace {
  return {
    header: trace.header,
    lines: trace.lines.map((line) =>
      'turn' in line
        ? {
            ...line,
            turn: {
              ...line.turn,
              events: line.turn.events.map((event) =>
                'message' in event ? { from: event.from, message: event.message } : event,
              ),
            },
          }
        : line,
    ),
  };
}
