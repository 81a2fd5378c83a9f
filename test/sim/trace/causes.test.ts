import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildTimeline,
  chainTo,
  findCauses,
  inFlight,
  lastChange,
  linesBehind,
  momentAt,
  nodeSubject,
  requestOf,
  run,
  tellWhy,
  type Causes,
  type EventCause,
  type Timeline,
  type TraceLine,
} from '../../../sim/index.js';
import { createRecorder } from '../../../sim/trace/record.js';
import { recorded, shortStorm, withoutSources } from '../support/recorded.js';

/** A storm whose nodes keep values apart. */
const APART = 67;

let timeline: Timeline;
let causes: Causes;

beforeAll(() => {
  timeline = buildTimeline(recorded(shortStorm(5)));
  causes = findCauses(timeline);
});

interface Receipt {
  readonly n: number;
  readonly to: number;
  readonly from: number;
  readonly message: unknown;
  readonly cause: EventCause;
}

function receiptsOf(of: Causes): readonly Receipt[] {
  return of.timeline.moments.flatMap(({ line, events }) =>
    events.flatMap((event, i): readonly Receipt[] =>
      event.type === 'MessageReceived'
        ? [
            {
              n: line.n,
              to: line.node,
              from: event.from,
              message: event.message,
              cause: of.ofEvents[line.n - 1]?.[i] as EventCause,
            },
          ]
        : [],
    ),
  );
}

/** Every receipt comes from one earlier line of its sender, in which that very content was sent to the receiver. */
function expectSound(of: Causes): void {
  const receipts = receiptsOf(of);
  expect(receipts.length).toBeGreaterThan(200);
  for (const { n, to, from, message, cause } of receipts) {
    const [sentIn = 0, ...others] = linesBehind(cause);
    const { line, effects } = momentAt(of.timeline, sentIn);
    const contents = effects.flatMap((effect) =>
      effect.type === 'Send' && effect.to === to
        ? effect.messages.map((one) => nodeSubject.messageKey(one))
        : [],
    );

    expect(cause.type).toBe('Sent');
    expect(others).toEqual([]);
    expect(sentIn).toBeLessThan(n);
    expect(line.node).toBe(from);
    expect(contents).toContain(nodeSubject.messageKey(message));
  }
}

describe('the cause of a received message', () => {
  it('is one earlier line of its sender that sent this content here', () => {
    expectSound(causes);
  });

  it('is such a line too where the record does not say which', () => {
    expectSound(findCauses(buildTimeline(withoutSources(timeline.trace))));
  });

  it('is the very line that sent it, as the simulated network knows', () => {
    const lines: TraceLine[] = [];
    const departures = new Map<unknown, number>();
    const truth: number[] = [];
    const storm = shortStorm(1);
    const scenario = { ...storm, calm: { ...storm.calm, atMs: 2_500 }, minimumMs: 3_000 };
    run(scenario, {
      observer: (nowUs) => {
        const recorder = createRecorder(lines, nowUs);
        return {
          ...recorder,
          stepped(node, before, turn, step, bent) {
            recorder.stepped(node, before, turn, step, bent);
            for (const event of turn.events) {
              if (event.type === 'MessageReceived') truth.push(departures.get(event.message) ?? 0);
            }
            for (const effect of step.effects) {
              if (effect.type !== 'Send') continue;
              for (const message of effect.messages) departures.set(message, lines.length);
            }
          },
        };
      },
    });

    const { header } = timeline.trace;
    const found = receiptsOf(findCauses(buildTimeline({ header: { ...header, scenario }, lines })));

    expect(truth.length).toBeGreaterThan(500);
    expect(found.flatMap(({ cause }) => linesBehind(cause))).toEqual(truth);
  });

  it('is the same line for every copy of a message, and copies are marked', () => {
    const repeated = causes.sent.filter(({ receipts }) => receipts.length > 1);
    const copies = receiptsOf(causes).filter(({ cause }) => cause.type === 'Sent' && cause.copy);

    expect(repeated.length).toBeGreaterThan(0);
    expect(copies.length).toBe(repeated.reduce((sum, { receipts }) => sum + receipts.length - 1, 0));
  });

  it('is unknown where nobody in the trace sent it', () => {
    const forged = receiptsOf(causes)[0] as Receipt;
    const from = timeline.nodes.find((node) => node !== forged.from && node !== forged.to) as number;
    const moments = timeline.moments.map((moment) =>
      moment.line.n === forged.n
        ? {
            ...moment,
            events: [{ type: 'MessageReceived' as const, from: from as never, message: forged.message }],
          }
        : moment,
    );

    expect(findCauses({ ...timeline, moments }).ofEvents[forged.n - 1]).toEqual([{ type: 'Unknown' }]);
  });
});

describe('the other causes', () => {
  it('of a timer is the line that set it last', () => {
    timeline.moments.forEach(({ line, events }) => {
      events.forEach((event, i) => {
        if (event.type !== 'TimerFired') return;
        const own = timeline.moments.filter(
          (moment) => moment.line.node === line.node && moment.line.n < line.n,
        );
        const set = own.filter(({ effects }) => effects.some(({ type }) => type === 'SetTimer')).pop();

        expect(causes.ofEvents[line.n - 1]?.[i]).toEqual({ type: 'TimerSet', n: set?.line.n });
      });
    });
  });

  it('of what was read from the disk is the line that asked for it', () => {
    const apart = buildTimeline(recorded(shortStorm(APART)));
    const { ofEvents } = findCauses(apart);
    let reads = 0;
    apart.moments.forEach(({ line, events }) => {
      events.forEach((event, i) => {
        if (event.type !== 'ReadCompleted' && event.type !== 'ReadFailed') return;
        reads += 1;
        const [asked] = linesBehind(ofEvents[line.n - 1]?.[i] as EventCause);

        expect(momentAt(apart, asked as number).line.node).toBe(line.node);
        expect(momentAt(apart, asked as number).effects).toContainEqual(
          expect.objectContaining({ type: 'Read', read: event.read }),
        );
      });
    });
    expect(reads).toBeGreaterThan(0);
  });

  it('of a durable write are the lines that issued it and those before it', () => {
    let writes = 0;
    timeline.moments.forEach(({ line, events }) => {
      events.forEach((event, i) => {
        if (event.type !== 'WriteCompleted') return;
        writes += 1;
        const issued = linesBehind(causes.ofEvents[line.n - 1]?.[i] as EventCause);
        const last = momentAt(timeline, issued[issued.length - 1] as number);

        expect(last.line.node).toBe(line.node);
        expect(last.effects).toContainEqual(expect.objectContaining({ type: 'Persist', write: event.write }));
      });
    });
    expect(writes).toBeGreaterThan(20);
  });

  it('of a reply is the line in which the request came', () => {
    let replies = 0;
    for (const { line, effects } of timeline.moments) {
      for (const effect of effects) {
        if (effect.type !== 'Reply') continue;
        replies += 1;
        const asked = requestOf(causes, line.n, effect.token) as number;
        const request = momentAt(timeline, asked);

        expect(asked).toBeLessThanOrEqual(line.n);
        expect(request.line.node).toBe(line.node);
        expect(request.events).toContainEqual(expect.objectContaining({ token: effect.token }));
      }
    }
    expect(replies).toBeGreaterThan(10);
  });

  it('of messages in flight are sends before, with receipts after', () => {
    const busiest = timeline.moments
      .map(({ line }) => inFlight(causes, line.n))
      .reduce((most, one) => (one.length > most.length ? one : most));

    expect(busiest.length).toBeGreaterThan(1);
    expect(inFlight(causes, 0)).toEqual([]);
    expect(inFlight(causes, timeline.moments.length)).toEqual([]);
  });
});

describe('a chain of causes', () => {
  it('goes back in the trace, each line a cause of one before it', () => {
    for (let n = 10; n <= timeline.moments.length; n += 37) {
      const { links } = chainTo(causes, n);

      links.slice(1).forEach((link, i) => {
        expect(link.n).toBeLessThan(links[i]?.n ?? 0);
        expect(
          links.slice(0, i + 1).some((later) => later.causes.flatMap(linesBehind).includes(link.n)),
        ).toBe(true);
      });
    }
  });

  it('ends at client requests, timers and starts', () => {
    for (let n = 10; n <= timeline.moments.length; n += 37) {
      const { links, cutOff } = chainTo(causes, n, 10_000);
      const shown = new Set(links.map((link) => link.n));
      const ends = links.filter((link) => !link.causes.flatMap(linesBehind).some((line) => shown.has(line)));

      expect(cutOff).toBe(0);
      expect(ends.length).toBeGreaterThan(0);
      for (const end of ends) {
        const { line } = momentAt(timeline, end.n);
        const outside = end.causes.every(({ type }) => type === 'Asked' || type === 'TimerSet');

        expect('start' in line || 'crash' in line || outside).toBe(true);
      }
    }
  });

  it('is cut off where it is told to, and says so', () => {
    const long = timeline.moments.find(({ line }) => chainTo(causes, line.n).links.length > 5);
    const n = long?.line.n as number;

    const { links, cutOff } = chainTo(causes, n, 3);

    expect(links.length).toBe(3);
    expect(cutOff).toBeGreaterThan(0);
  });

  it('tells how a node came to lead', () => {
    const role = nodeSubject.fields.find(({ name }) => name === 'role');
    const reading = { what: 'role', read: (state: unknown) => String(role?.read(state, 1)) };
    const elected = timeline.moments.find(
      ({ before, after }) =>
        before !== undefined &&
        after !== undefined &&
        reading.read(before) !== 'leader' &&
        reading.read(after) === 'leader',
    ) as Timeline['moments'][number];
    const { n, node } = elected.line;

    const change = lastChange(timeline, node, n, [reading]);
    const story = tellWhy(timeline, n).join('\n');

    expect(change).toEqual({ n, what: 'role', before: 'candidate', after: 'leader' });
    expect(story).toMatch(/VoteAnswer.*granted[^]*VoteRequest[^]*PreVoteRequest/);
    expect(lastChange(timeline, node, 0, [reading])).toBeUndefined();
  });
});
