import { beforeAll, describe, expect, it } from 'vitest';
import { createNode, type NodeMachine } from '../../../core/index.js';
import {
  formatTrace,
  hashValue,
  parseTrace,
  recordRun,
  replayTrace,
  run,
  stormScenario,
  TRACE_FORMAT,
  type KeyValueScenario,
  type Parting,
  type Trace,
  type TraceHeader,
  type TraceLine,
} from '../../../sim/index.js';
import type { TurnLine } from '../../../sim/trace/record.js';

/** Seed 5 crashes nodes, and is short enough to be replayed many times. */
const SCENARIO: KeyValueScenario = {
  ...stormScenario(5),
  calm: { ...stormScenario(5).calm, atMs: 9_000 },
  minimumMs: 10_000,
  workload: { ...stormScenario(5).workload, operationsPerClient: 12 },
};

const HEADER: TraceHeader = {
  wavetank: 'trace',
  format: TRACE_FORMAT,
  version: '0.0.0-test',
  about: 'a test',
  scenario: SCENARIO,
  failure: null,
};

let lines: readonly TraceLine[];
let text: string;
let trace: Trace;

beforeAll(() => {
  const recorded = recordRun(SCENARIO);
  expect(recorded.report.failure).toBeUndefined();
  lines = recorded.lines;
  text = formatTrace(HEADER, lines);
  trace = parseTrace(text);
});

function isTurn(line: TraceLine): line is TurnLine {
  return 'turn' in line;
}

/** The trace with one line replaced, and that line's number. */
function changed(which: (line: TurnLine) => boolean, change: (line: TurnLine) => TurnLine): [Trace, number] {
  const line = lines.find((one): one is TurnLine => isTurn(one) && one.n > 20 && which(one));
  if (line === undefined) throw new Error('the trace has no such line');
  const { n } = line;
  return [{ header: HEADER, lines: lines.map((one) => (one.n === n ? change(line) : one)) }, n];
}

function parting(of: Trace): Parting {
  const { parted } = replayTrace(of);
  if (parted === undefined) throw new Error('the replay matches');
  return parted;
}

describe('a run in which disks give rotten records', () => {
  // In this storm a rotten record is of no kind, and the node that is not healed would be kept from reading in the calm for ever.
  it('is recorded like any other, and comes to rest', () => {
    const storm = stormScenario(3_578);
    const { report, lines } = recordRun(storm);

    expect(storm.disk.readFailChance).toBeGreaterThan(0);
    expect(report.verdict).toBe('valid');
    expect(lines.length).toBeGreaterThan(10_000);
  });
});

describe('a recorded run', () => {
  it('has the report of the same run unrecorded', () => {
    expect(recordRun(SCENARIO).report).toEqual(run(SCENARIO));
  });

  it('holds starts, turns and crashes, numbered without a gap', () => {
    expect(lines.map(({ n }) => n)).toEqual(lines.map((_, i) => i + 1));
    expect(lines.filter((line) => 'start' in line).length).toBeGreaterThan(SCENARIO.nodes);
    expect(lines.some((line) => 'crash' in line)).toBe(true);
    expect(lines.filter(isTurn).length).toBeGreaterThan(100);
  });

  it('is read back as it was written', () => {
    expect(trace.header).toEqual(HEADER);
    expect(trace.lines).toEqual(lines);
  });

  it('says which points of the code were bent', () => {
    const machineOf = (options: Parameters<typeof createNode>[0]): NodeMachine => {
      const { start, step } = createNode(options);
      return {
        start,
        step: (state, turn) => {
          turn.bend?.('a point of a test');
          return step(state, turn);
        },
      };
    };
    const bends = { onChance: 1_000_000, fireChance: 200_000, off: [] };

    const bent = recordRun({ ...SCENARIO, bends }, { machineOf }).lines.filter(isTurn);
    const straight = recordRun({ ...SCENARIO, bends: { ...bends, onChance: 0 } }, { machineOf }).lines;

    expect(bent.some(({ turn }) => turn.bent?.join() === 'a point of a test')).toBe(true);
    expect(bent.some(({ turn }) => turn.bent === undefined)).toBe(true);
    expect(straight.filter(isTurn).every(({ turn }) => turn.bent === undefined)).toBe(true);
  });

  it('is the same text each time', () => {
    expect(formatTrace(HEADER, recordRun(SCENARIO).lines)).toBe(text);
  });
});

describe('a replay', () => {
  it('matches the run that was recorded', () => {
    const replay = replayTrace(trace);

    expect(replay.parted).toBeUndefined();
    expect(replay.replayed).toBe(lines.length);
    expect([...replay.states.keys()].sort()).toEqual([1, 2, 3].slice(0, replay.states.size));
  });

  it('stops where it is told to', () => {
    const replay = replayTrace(trace, 100);

    expect(replay.replayed).toBe(100);
    expect(replay.parted).toBeUndefined();
  });

  it('of the whole goes on from where one that was stopped stood', () => {
    const first = replayTrace(trace, 150);
    const again = replayTrace(trace, 150);

    for (const [node, state] of first.states)
      expect(hashValue(again.states.get(node))).toBe(hashValue(state));
  });

  it('shows no state of a node that has crashed', () => {
    const crash = lines.find((line) => 'crash' in line) as TraceLine;

    const before = replayTrace(trace, crash.n - 1);
    const after = replayTrace(trace, crash.n);

    expect(before.states.has(crash.node)).toBe(true);
    expect(after.states.has(crash.node)).toBe(false);
  });

  it('of no lines shows nothing', () => {
    expect(replayTrace(trace, 0)).toMatchObject({ replayed: 0, parted: undefined });
  });
});

describe('a replay parts from a record', () => {
  it('whose hash is another', () => {
    const [other, n] = changed(
      () => true,
      (line) => ({ ...line, hash: line.hash ^ 1 }),
    );

    expect(parting(other)).toMatchObject({
      n,
      how: expect.stringContaining('the effects read the same') as string,
    });
    expect(replayTrace(other).replayed).toBe(n);
  });

  it('whose effect is another, and says what was and what is', () => {
    const [other, n] = changed(
      ({ did }) => did.length > 0,
      (line) => ({ ...line, hash: line.hash ^ 1, did: ['to 9: nonsense', ...line.did.slice(1)] }),
    );

    const { n: at, how } = parting(other);

    expect(at).toBe(n);
    expect(how).toMatch(/^effect 1 was recorded as "to 9: nonsense" and is now "/);
  });

  it('that has an effect more', () => {
    const [other, n] = changed(
      () => true,
      (line) => ({ ...line, hash: line.hash ^ 1, did: [...line.did, 'one more'] }),
    );

    const { n: at, how } = parting(other);

    expect(at).toBe(n);
    expect(how).toContain('was recorded as "one more" and is now "none"');
  });

  it('of which an event is missing', () => {
    const [other, n] = changed(
      ({ turn }) => turn.events.some((event) => 'message' in event),
      (line) => ({ ...line, turn: { ...line.turn, events: [{ timer: true }] } }),
    );

    expect(parting(other).n).toBe(n);
  });

  it('whose clock showed another time', () => {
    const [other, n] = changed(
      ({ turn }) => turn.events.some((event) => 'timer' in event),
      (line) => ({ ...line, turn: { ...line.turn, monotonic: line.turn.monotonic + 3_000 } }),
    );

    expect(parting(other).n).toBe(n);
  });

  it('that lets a node act after it has crashed', () => {
    const crash = lines.find((line) => 'crash' in line) as TraceLine;
    const withoutRestart = lines.filter(
      (line) => !('start' in line && line.node === crash.node && line.n > crash.n),
    );

    expect(parting({ header: HEADER, lines: withoutRestart })).toMatchObject({
      node: crash.node,
      how: 'the node takes a turn while it is down',
    });
  });

  it('in which the machine stops', () => {
    const [other, n] = changed(
      () => true,
      (line) => ({ ...line, turn: { ...line.turn, events: [{ written: 1_000_000 }] } }),
    );

    const { n: at, how } = parting(other);

    expect(at).toBe(n);
    expect(how).toMatch(/^the machine stopped: the host reports write 1000000 durable/);
  });

  it('of another scenario', () => {
    const { settings } = SCENARIO;
    const node = { ...settings.node, electionTimeoutMs: settings.node.electionTimeoutMs + 1 };
    const scenario = { ...SCENARIO, settings: { ...settings, node } };

    expect(parting({ header: { ...HEADER, scenario }, lines }).n).toBeLessThan(50);
  });
});

describe('a file that is no good trace', () => {
  it('is refused when it was cut off', () => {
    const cut = text.slice(0, -20);

    expect(() => parseTrace(cut)).toThrow(/^line \d+ of the trace is not JSON; was the file cut off\?$/);
  });

  it('is refused when a line is missing', () => {
    const rows = text.split('\n');

    const without = rows.filter((_, i) => i !== 30).join('\n');

    expect(() => parseTrace(without)).toThrow('line 31 of the trace is not event 30; was the file changed?');
  });

  it.each([
    ['an empty file', ''],
    ['another JSON file', '{"name":"wavetank"}'],
    ['a bare value', '7'],
  ])('is refused when it is %s', (_name, foreign) => {
    expect(() => parseTrace(foreign)).toThrow('this is no trace: its first line does not say');
  });

  it('is refused when it is null', () => {
    expect(() => parseTrace('null')).toThrow('this is no trace');
  });

  it('is refused when it is no JSON at all', () => {
    expect(() => parseTrace('not a trace\n')).toThrow('line 1 of the trace is not JSON');
  });

  it('is refused when it has another format', () => {
    const newer = text.replace(`"format":${TRACE_FORMAT}`, '"format":99');

    expect(() => parseTrace(newer)).toThrow('the trace has format 99; this version reads format 2');
  });

  it.each([['null'], ['7'], ['[]'], ['{"n":1}']])('is refused when its first event is %s', (row) => {
    const broken = `${JSON.stringify(HEADER)}\n${row}\n`;

    expect(() => parseTrace(broken)).toThrow('line 2 of the trace is not event 1');
  });

  it('is refused when a message is not base64', () => {
    const [other] = changed(
      ({ turn }) => turn.events.some((event) => 'message' in event),
      (line) => ({ ...line, turn: { ...line.turn, events: [{ from: 2, message: '!' }] } }),
    );

    expect(() => replayTrace(other)).toThrow('holds bytes that are not base64');
  });

  it('is refused when a message cannot be decoded', () => {
    const [other] = changed(
      ({ turn }) => turn.events.some((event) => 'message' in event),
      (line) => ({ ...line, turn: { ...line.turn, events: [{ from: 2, message: '////' }] } }),
    );

    expect(() => replayTrace(other)).toThrow('the message from 2 cannot be read');
  });

  it('is refused when it lets a node act that was never started', () => {
    const withoutStart = lines.filter((line) => !('start' in line && line.node === 1));
    const other = { header: HEADER, lines: withoutStart };

    expect(() => replayTrace(other)).toThrow(/^event \d+ is of node 1, which was never started$/);
  });

  it('is refused when it speaks of a node outside of the cluster', () => {
    const [other, n] = changed(
      () => true,
      (line) => ({ ...line, node: 77 }),
    );

    expect(() => replayTrace(other)).toThrow(`event ${n} is of node 77, which was never started`);
  });
});
