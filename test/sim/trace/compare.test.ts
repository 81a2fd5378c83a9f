import { beforeAll, describe, expect, it } from 'vitest';
import { createNode } from '../../../core/index.js';
import {
  buildTimeline,
  compareTraces,
  recordRun,
  tellComparison,
  type Timeline,
  type Trace,
  type TraceLine,
} from '../../../sim/index.js';
import { recorded, shortStorm, withoutSources } from '../support/recorded.js';

const SCENARIO = shortStorm(5);

let trace: Trace;
let timeline: Timeline;

beforeAll(() => {
  trace = recorded(SCENARIO);
  timeline = buildTimeline(trace);
});

function told(second: Timeline): string {
  return tellComparison(timeline, second, compareTraces(timeline, second)).join('\n');
}

describe('two traces', () => {
  it('of one run are equal, also where only one knows in which lines its messages left', () => {
    const again = buildTimeline(withoutSources(recorded(SCENARIO)));

    expect(compareTraces(timeline, again)).toEqual({ headers: [], firstLine: undefined, nodes: [] });
    expect(told(again)).toBe(`the traces are equal, ${trace.lines.length} lines`);
  });

  it('part where another input was planted, and the node is named with what it was handed', () => {
    const planted = trace.lines.find(
      (line) => line.n > 100 && 'turn' in line && line.turn.events.some((event) => 'timer' in event),
    );
    const { n, node } = planted as TraceLine;
    const lines = trace.lines.map((line) =>
      line.n === n && 'turn' in line
        ? { ...line, turn: { ...line.turn, monotonic: line.turn.monotonic + 9_000 } }
        : line,
    );

    const other = buildTimeline({ header: trace.header, lines });
    const { firstLine, nodes, headers } = compareTraces(timeline, other);

    expect(headers).toEqual([]);
    expect(firstLine).toBe(n);
    expect(nodes.length).toBe(1);
    expect(nodes[0]).toMatchObject({ node, lines: [n, n], cause: 'input' });
    expect(nodes[0]?.differences).toContainEqual(expect.stringMatching(/^ {2}monotonic: \d+ -> \d+$/));
  });

  it('part where the code does something else with the same input, and the change of state is shown', () => {
    const { lines } = recordRun(SCENARIO, {
      machineOf: (options) => {
        const machine = createNode(options);
        return {
          start: (boot) => machine.start(boot),
          step: (state, turn) => {
            const step = machine.step(state, turn);
            // Node 2 of this build forgets to count its writes once it has issued the first.
            const isChanged = options.node === 2 && step.state.lastWrite === 1 && state.lastWrite === 0;
            return isChanged ? { ...step, state: { ...step.state, nextRead: 77 } } : step;
          },
        };
      },
    });

    const other = buildTimeline({ header: { ...trace.header, version: '0.0.1-test' }, lines });
    const comparison = compareTraces(timeline, other);
    const [first] = comparison.nodes;

    expect(comparison.headers).toEqual(['version: "0.0.0-test" -> "0.0.1-test"']);
    expect(first).toMatchObject({
      node: 2,
      cause: 'outcome',
      lines: [comparison.firstLine, comparison.firstLine],
    });
    expect(first?.differences.join()).toContain('what it did reads the same, but the hash is another');
    expect(told(other)).toContain('it was handed the same, and did something else');
  });

  it('part in what a node did', () => {
    const changed = trace.lines.find((line) => 'turn' in line && line.did.length > 1) as TraceLine;
    const lines = trace.lines.map((line) =>
      line.n === changed.n && 'turn' in line
        ? { ...line, did: ['to 9: nonsense', ...line.did.slice(1)], hash: 1 }
        : line,
    );

    const { nodes } = compareTraces(timeline, buildTimeline({ header: trace.header, lines }));

    expect(nodes[0]?.cause).toBe('outcome');
    expect(nodes[0]?.differences).toContain('and here: to 9: nonsense');
  });

  it('part where one ends', () => {
    const cut = buildTimeline({ header: trace.header, lines: trace.lines.slice(0, 50) });

    const { firstLine, nodes } = compareTraces(timeline, cut);

    expect(firstLine).toBe(51);
    expect(nodes.length).toBe(3);
    expect(nodes[0]).toMatchObject({ cause: 'end', lines: [51, undefined] });
    expect(told(cut)).toContain('second has ended');
  });

  it('of other seeds part at once, and say how their scenarios differ', () => {
    const other = buildTimeline(recorded(shortStorm(7)));

    expect(told(other)).toContain('scenario.seed: 5 -> 7');
    expect(compareTraces(timeline, other).firstLine).toBe(1);
  });

  it('list the node first whose parting comes first', () => {
    const { nodes } = compareTraces(timeline, buildTimeline(recorded(shortStorm(7))));

    const firsts = nodes.map(({ lines }) => Math.min(...lines.map((n) => n ?? Infinity)));

    expect(firsts).toEqual(firsts.slice().sort((a, b) => a - b));
  });
});
