import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildTimeline,
  findCauses,
  happenedBefore,
  lastLine,
  rangeOf,
  SHIVIZ_PATTERN,
  toPerfetto,
  toShiViz,
  toSpaceTime,
  vectorClocks,
  type PerfettoEvent,
  type Timeline,
} from '../../../sim/index.js';
import { recorded, shortStorm } from '../support/recorded.js';

let timeline: Timeline;
let last: number;

beforeAll(() => {
  timeline = buildTimeline(recorded(shortStorm(5)));
  last = lastLine(timeline);
});

describe('the range of an export', () => {
  it('is cut to what there is, and by default the end of the trace', () => {
    expect(rangeOf(timeline, {})).toEqual({ from: 1, to: last });
    expect(rangeOf(timeline, {}, 50)).toEqual({ from: last - 49, to: last });
    expect(rangeOf(timeline, { from: 10 }, 50)).toEqual({ from: 10, to: 59 });
    expect(rangeOf(timeline, { to: 30 }, 50)).toEqual({ from: 1, to: 30 });
    expect(rangeOf(timeline, { from: 3, to: 99_999 }, 50)).toEqual({ from: 3, to: last });
  });
});

/** Checks that every element is closed, in order, and that text holds no bare markup; returns the elements' names. */
function wellFormed(xml: string): readonly string[] {
  const names: string[] = [];
  const open: string[] = [];
  const pieces = xml.split(/(<[^<>]*>)/);
  for (const piece of pieces) {
    if (!piece.startsWith('<')) {
      expect(piece).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
      continue;
    }
    const tag =
      /^<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)\s*(\/?)>$/.exec(
        piece,
      );
    expect(tag, piece).not.toBeNull();
    const [, closes, name = '', , empty] = tag ?? [];
    if (closes === '/') expect(open.pop()).toBe(name);
    else {
      names.push(name);
      if (empty === '') open.push(name);
    }
  }
  expect(open).toEqual([]);
  return names;
}

describe('the space-time diagram', () => {
  it('is well-formed, has a lane for each node and a mark for each line', () => {
    const names = wellFormed(toSpaceTime(timeline, { from: 1, to: 300 }));

    expect(names[0]).toBe('svg');
    expect(names.filter((name) => name === 'circle').length).toBeGreaterThan(250);
    expect(toSpaceTime(timeline).match(/>node \d</g)).toEqual(['>node 1<', '>node 2<', '>node 3<']);
  });

  it('has an arrow for each message that arrives in it, from the row of its sending to that of its receipt', () => {
    const range = { from: 20, to: 120 };
    const inside = findCauses(timeline).sent.filter(({ n }) => n >= range.from && n <= range.to);
    const arrivals = inside.flatMap(({ receipts }) => receipts.filter((receipt) => receipt <= range.to));

    const drawn = toSpaceTime(timeline, range).match(/class="arrow(?: copy)?" d="M\d+ \d+L\d+ \d+"/g) ?? [];

    expect(arrivals.length).toBeGreaterThan(10);
    expect(drawn.length).toBe(arrivals.length);
    for (const arrow of drawn) {
      const [, top, , bottom] = (arrow.match(/\d+/g) ?? []).map(Number);
      expect(bottom).toBeGreaterThan(top ?? 0);
    }
  });

  it('shows crashes, starts and who leads', () => {
    const svg = toSpaceTime(timeline, { from: 1, to: last });
    const count = (what: string): number => svg.split(what).length - 1;

    expect(count('class="crash"')).toBe(timeline.moments.filter(({ line }) => 'crash' in line).length);
    expect(count('class="start"')).toBe(timeline.moments.filter(({ line }) => 'start' in line).length);
    expect(svg).toMatch(/<title>node \d, group 1: leads, term \d+<\/title>/);
    expect(count('class="gap"')).toBeGreaterThan(0);
  });

  it('follows the choice of light or dark, and stays small unless it is told otherwise', () => {
    const svg = toSpaceTime(timeline);

    expect(svg).toContain('@media (prefers-color-scheme: dark)');
    expect(svg).toContain(`lines ${last - 199} to ${last} of ${last}`);
    expect(svg.length).toBeLessThan(200_000);
  });

  it('escapes what the trace says of itself', () => {
    const header = { ...timeline.trace.header, about: '<b> & "c"\u0000' };
    const svg = toSpaceTime({ ...timeline, trace: { ...timeline.trace, header } }, { from: 1, to: 5 });

    wellFormed(svg);
    expect(svg).toContain('&lt;b&gt; &amp; &quot;c&quot;\ufffd');
  });
});

describe('the export for Perfetto', () => {
  let events: readonly PerfettoEvent[];

  beforeAll(() => {
    const parsed = JSON.parse(toPerfetto(timeline)) as {
      traceEvents: readonly PerfettoEvent[];
      displayTimeUnit: string;
    };
    expect(parsed.displayTimeUnit).toBe('ms');
    events = parsed.traceEvents;
  });

  it('has what the trace event format asks of each phase', () => {
    const isSound = ({ ph, name, pid, tid, ts, dur, id, s, args }: PerfettoEvent): boolean =>
      typeof name === 'string' &&
      typeof pid === 'number' &&
      typeof tid === 'number' &&
      (ph === 'M' ? typeof args?.name === 'string' : Number.isSafeInteger(ts)) &&
      (ph !== 'X' || (dur ?? -1) >= 0) &&
      ((ph !== 's' && ph !== 'f') || typeof id === 'number') &&
      (ph !== 'i' || s === 'p') &&
      (ph !== 'C' || typeof args?.value === 'number');

    expect([...new Set(events.map(({ ph }) => ph))].sort()).toEqual(['C', 'M', 'X', 'f', 'i', 's']);
    expect(events.filter((event) => !isSound(event))).toEqual([]);
  });

  it('has a process for each node and a slice for each start and turn', () => {
    const processes = events
      .filter(({ name }) => name === 'process_name')
      .map(({ pid, args }) => [pid, args?.name]);

    expect(processes).toEqual([
      [1, 'node 1'],
      [2, 'node 2'],
      [3, 'node 3'],
    ]);
    expect(events.filter(({ ph, cat }) => ph === 'X' && cat === 'turn').length).toBe(
      timeline.moments.filter(({ line }) => !('crash' in line)).length,
    );
    expect(events.filter(({ ph, name }) => ph === 'i' && name === 'crash').length).toBe(
      timeline.moments.filter(({ line }) => 'crash' in line).length,
    );
  });

  it('lets no two slices of one thread overlap', () => {
    const ends = new Map<string, number>();
    const overlapping = events.filter(({ ph, pid, tid, ts = 0, dur = 0 }) => {
      if (ph !== 'X') return false;
      const end = ends.get(`${pid} ${tid}`) ?? 0;
      ends.set(`${pid} ${tid}`, ts + dur);
      return ts < end;
    });

    expect(overlapping).toEqual([]);
    expect(ends.size).toBeGreaterThan(3);
  });

  it('joins every receipt to its sending by a flow that begins and ends at a slice', () => {
    const starts = new Map(events.filter(({ ph }) => ph === 's').map((event) => [event.id, event]));
    const ends = events.filter(({ ph }) => ph === 'f');
    const slices = new Set(
      events.filter(({ ph }) => ph === 'X').map(({ pid, tid, ts }) => `${pid} ${tid} ${ts}`),
    );

    expect(ends.length).toBe(
      findCauses(timeline).sent.reduce((sum, { receipts }) => sum + receipts.length, 0),
    );
    expect(starts.size).toBe(ends.length);
    const isJoined = (end: PerfettoEvent): boolean => {
      const start = starts.get(end.id);
      return (
        start !== undefined &&
        start.name === end.name &&
        start.cat === end.cat &&
        (start.ts ?? 0) <= (end.ts ?? 0) &&
        [start, end].every(({ pid, tid, ts }) => slices.has(`${pid} ${tid} ${ts}`))
      );
    };
    expect(ends.filter((end) => !isJoined(end))).toEqual([]);
  });

  it('counts terms and commits, which never fall within a run', () => {
    const terms = events.filter(({ ph, name, pid }) => ph === 'C' && name === 'term of group 1' && pid === 1);
    const values = terms.map(({ args }) => args?.value as number);

    expect(values.length).toBeGreaterThan(1);
    expect(values).toEqual(values.slice().sort((a, b) => a - b));
    expect(events.some(({ name }) => name === 'commit of group 1')).toBe(true);
  });
});

describe('the export for ShiViz', () => {
  /** Reads a log as ShiViz does: by the expression in its first line. */
  function read(
    log: string,
  ): readonly { readonly host: string; readonly clock: Record<string, number>; readonly line: number }[] {
    const [pattern = '', delimiter, ...rows] = log.split('\n');
    expect(delimiter).toBe('');
    const body = rows.join('\n');
    const found = [...body.matchAll(new RegExp(pattern, 'g'))];
    expect(found.map(([whole]) => whole).join('\n')).toBe(body.trimEnd());
    return found.map(({ groups }) => ({
      host: groups?.host ?? '',
      clock: JSON.parse(groups?.clock ?? '{}') as Record<string, number>,
      line: Number(groups?.line),
    }));
  }

  it.each([
    ['the whole', 1, undefined],
    ['a range', 60, 200],
  ])('is read by its own expression, every host counting from 1 by one: %s', (_, from, to) => {
    const events = read(toShiViz(timeline, { from, ...(to === undefined ? {} : { to }) }));

    expect(events.length).toBe((to ?? last) - from + 1);
    const counts = new Map<string, number>();
    for (const { host, clock } of events) {
      counts.set(host, (counts.get(host) ?? 0) + 1);
      expect(clock[host]).toBe(counts.get(host));
    }
    expect([...counts.keys()].sort()).toEqual(['node1', 'node2', 'node3']);
  });

  it('orders its events as they happened before one another', () => {
    const events = read(toShiViz(timeline, { from: 60, to: 120 }));
    const clocks = vectorClocks(findCauses(timeline), 60, 120);

    for (const a of events) {
      for (const b of events) {
        const before =
          a !== b && Object.entries(a.clock).every(([host, count]) => count <= (b.clock[host] ?? 0));
        expect(happenedBefore(clocks, a.line, b.line)).toBe(before);
      }
    }
  });

  it('has the three groups that ShiViz asks for', () => {
    for (const group of ['event', 'host', 'clock']) expect(SHIVIZ_PATTERN).toContain(`(?<${group}>`);
  });
});
