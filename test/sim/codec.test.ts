/**
 * Nodes in the tank hand each other messages as they are; real ones send bytes. What a codec loses would be seen by real nodes alone:
 * so a run in which every message goes through bytes must be the run in which none does.
 */

import { describe, expect, it } from 'vitest';
import { createNode, decodeNodeMessage, encodeNodeMessage, type NodeMachine } from '../../core/index.js';
import { run, scenarioOf, type Report } from '../../sim/index.js';

function throughBytes({ start, step }: NodeMachine): NodeMachine {
  return {
    start,
    step: (state, turn) => {
      const events = turn.events.map((event) => {
        if (event.type !== 'MessageReceived') return event;
        const decoded = decodeNodeMessage(encodeNodeMessage(event.message));
        if (!decoded.ok) throw new Error(decoded.reason);
        return { ...event, message: decoded.value };
      });
      return step(state, { ...turn, events });
    },
  };
}

/** All that the nodes did. What a run came by is told by what was put in the place of something else, be it equal. */
function courseOf({ verdict, hash, events, operations, answered, virtualMs }: Report): Partial<Report> {
  return { verdict, hash, events, operations, answered, virtualMs };
}

describe('a run in which every message between nodes goes through bytes', () => {
  it.each([
    ['storm', 2],
    ['storm', 33],
    ['hot-transactions', 1],
  ] as const)('is the same as one in which none does (%s, seed %i)', (flavour, seed) => {
    const scenario = scenarioOf(flavour, seed);

    const sent = run(scenario, { machineOf: (options) => throughBytes(createNode(options)) });

    expect(courseOf(sent)).toEqual(courseOf(run(scenario)));
  });
});
