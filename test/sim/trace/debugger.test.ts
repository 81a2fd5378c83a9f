import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildTimeline,
  debugCommand,
  debugCompletion,
  lastLine,
  momentAt,
  openSession,
  stateAt,
  type Answer,
  type Session,
  type Timeline,
} from '../../../sim/index.js';
import { recorded, shortStorm } from '../support/recorded.js';

let timeline: Timeline;
let start: Session;
let last: number;

beforeAll(() => {
  timeline = buildTimeline(recorded(shortStorm(5)));
  start = openSession(timeline);
  last = lastLine(timeline);
});

/** The answer to the last of some commands. */
function after(...commands: readonly string[]): Answer {
  return commands.reduce<Answer>(({ session }, text) => debugCommand(session, text), {
    session: start,
    lines: [],
    ok: true,
    quit: false,
  });
}

function text(...commands: readonly string[]): string {
  return after(...commands).lines.join('\n');
}

/** The first line of which this holds. */
function firstLine(holds: (n: number) => boolean): number {
  const found = timeline.moments.map(({ line }) => line.n).find(holds);
  if (found === undefined) throw new Error('the trace has no such line');
  return found;
}

describe('moving', () => {
  it('goes on and back, by one line or by many', () => {
    expect(after('next').session.at).toBe(1);
    expect(after('next 5').session.at).toBe(5);
    expect(after('next 5', 'back 2').session.at).toBe(3);
    expect(after('n', 'n', 'b').session.at).toBe(1);
    expect(after('next 5').lines.filter((row) => /^ +\d+ .* ms {2}node/.test(row)).length).toBe(5);
  });

  it('stops at both ends, and says where they are', () => {
    expect(text('back')).toBe(`before line 1 of ${last}`);
    expect(text('goto end', 'next')).toContain(`the end of the trace, ${last} lines`);
    expect(after('goto end', 'next 9').session.at).toBe(last);
  });

  it('goes to a line, a time, the start and the end', () => {
    const us = 2_000_000;
    const then = firstLine((n) => momentAt(timeline, n).line.at >= us);

    expect(after('goto 77').session.at).toBe(77);
    expect(after('goto 2000ms').session.at).toBe(then);
    expect(after('goto end').session.at).toBe(last);
    expect(after('goto 9', 'goto start').session.at).toBe(0);
    expect(after('goto 99999999ms').session.at).toBe(last);
  });

  it('comes to the same states whichever way it took', () => {
    const move = fc.oneof(
      fc.integer({ min: 1, max: 60 }).map((count) => `next ${count}`),
      fc.integer({ min: 1, max: 60 }).map((count) => `back ${count}`),
      fc.integer({ min: 0, max: 500 }).map((n) => `goto ${n}`),
    );

    fc.assert(
      fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
        const wandered = after(...moves).session;
        const straight = after(`goto ${wandered.at}`).session;

        expect(straight).toEqual(wandered);
        expect(text(...moves, 'state')).toBe(text(`goto ${wandered.at}`, 'state'));
      }),
    );
  });

  it('shows the failure at the end of a trace that has one', () => {
    const failure = { property: 'a promise', detail: 'it was broken', atUs: 1 };
    const header = { ...timeline.trace.header, failure };
    const session = openSession({ ...timeline, trace: { ...timeline.trace, header } });

    expect(debugCommand(session, 'goto end').lines.join()).toContain('broken: a promise: it was broken');
  });

  it('says where a replay parts from its record', () => {
    const session = openSession({ ...timeline, parted: { n: last + 1, node: 2, how: 'other code' } });

    expect(debugCommand(session, 'goto end').lines.join()).toContain(
      `it parts from the record at line ${last + 1}, node 2: other code`,
    );
  });
});

describe('breakpoints', () => {
  it('stop where a condition comes to hold, forward and back', () => {
    const leads = firstLine((n) => text(`goto ${n}`, 'state 1').includes('group 1: leader'));

    const there = after('break role(1) == leader', 'continue');
    const back = after('goto end', 'break role(1) == leader', 'goto 400', 'rcontinue', 'goto 0', 'c');

    expect(there.session.at).toBe(leads);
    expect(there.lines[0]).toBe('breakpoint 1: role(1) == leader');
    expect(back.session.at).toBe(leads);
  });

  it('stop at every event, one after the other', () => {
    const starts = timeline.moments.filter(({ line }) => 'start' in line).map(({ line }) => line.n);
    const condition = 'break node 1 starts or node 2 starts or node 3 starts';

    const forward = starts.map(
      (_, i) => after(condition, ...new Array<string>(i + 1).fill('continue')).session.at,
    );
    const backward = starts.map(
      (_, i) => after(condition, 'goto end', ...new Array<string>(i + 1).fill('rcontinue')).session.at,
    );

    expect(starts.length).toBeGreaterThan(3);
    expect(forward).toEqual(starts);
    expect(backward).toEqual(starts.slice().reverse());
  });

  it('are listed and taken away', () => {
    expect(text('break')).toContain('no breakpoint is set');
    expect(text('break up(1)', 'break up(2)', 'break')).toBe('breakpoint 1: up(1)\nbreakpoint 2: up(2)');
    expect(text('break up(1)', 'break up(2)', 'delete 1')).toBe('breakpoint 1: up(2)');
    expect(after('break up(1)', 'delete all').session.breaks).toEqual([]);
  });

  it('that never strike lead to the end, or to the start', () => {
    const never = after('break node 1 halts', 'continue');

    expect(never.session.at).toBe(last);
    expect(never.lines[0]).toBe('no breakpoint struck on the way');
    expect(after('goto 50', 'rcontinue').session.at).toBe(0);
    expect(text('continue')).toContain('no breakpoint is set');
  });

  it('that cannot be read are refused, with a mark at the place', () => {
    const { ok, lines, session } = after('break role(1) = leader');

    expect(ok).toBe(false);
    expect(session.breaks).toEqual([]);
    expect(lines).toEqual(['  role(1) = leader', '          ^ equality is written ==']);
  });
});

describe('watching', () => {
  it('steps through the lines of the watched nodes, and shows what changes', () => {
    const own = timeline.moments.filter(({ line }) => line.node === 2).map(({ line }) => line.n);

    const { session, lines } = after('watch 2', ...new Array<string>(6).fill('next'));

    expect(session.at).toBe(own[5]);
    expect(after('watch 2', 'goto 60', 'back').session.at).toBe(own.filter((n) => n < 60).pop());
    expect(lines.length).toBeGreaterThan(1);
    expect(text('watch 1', 'watch 3')).toBe('watching node 1, 3');
    expect(after('watch 2', 'watch off').session.watched).toEqual([]);
  });
});

describe('looking', () => {
  it('shows states, parts of them, and nodes that are down', () => {
    const crash = firstLine((n) => 'crash' in momentAt(timeline, n).line);
    const { node } = momentAt(timeline, crash).line;

    expect(text('goto 50', 'state').match(/^node \d/gm)).toEqual(['node 1', 'node 2', 'node 3']);
    expect(text('goto 50', 'state 2')).toMatch(/^node 2 \(run 2\.1\)[^]*group 1: /);
    expect(text('goto 50', 'state 2 raft.config.voters')).toBe('raft.config.voters: [1, 2, 3]');
    expect(text(`goto ${crash}`, `state ${node}`)).toBe(`node ${node} is down`);
  });

  it('shows what a line changed, and what changed since another', () => {
    const elected = firstLine((n) => {
      const { line, before, after: state } = momentAt(timeline, n);
      return (
        before !== undefined &&
        state !== undefined &&
        text(`goto ${n}`, `state ${line.node}`).includes(': leader')
      );
    });
    const { node } = momentAt(timeline, elected).line;

    expect(text(`goto ${elected}`, 'diff')).toContain('"candidate" -> "leader"');
    expect(text(`goto ${elected}`, `diff ${node} 3`)).toContain('"follower" -> "leader"');
    expect(text('diff')).toContain('nothing has happened yet');
    expect(text('diff 1')).toBe('node 1 has not been started yet');
    expect(text('next', 'diff 1')).toContain('node 1 was not there before');
  });

  it('of a node that starts again, shows what the crash cost', () => {
    const restart = firstLine((n) => n > 10 && 'start' in momentAt(timeline, n).line);
    const { node } = momentAt(timeline, restart).line;

    expect(stateAt(timeline, node, restart - 1)).toBeUndefined();
    expect(text(`goto ${restart}`, 'diff')).toMatch(/incarnation: "\d\.1" -> "\d\.2"/);
  });

  it('tells why, of a line and of a node', () => {
    const received = firstLine((n) => n > 40 && momentAt(timeline, n).events[0]?.type === 'MessageReceived');

    expect(text(`goto ${received}`, 'why')).toMatch(/because line \d+ \(node \d\) sent [\d.]+ ms earlier/);
    expect(text(`why ${received}`)).toBe(text(`goto ${received}`, 'why'));
    expect(text('goto end', 'why node 1 term')).toMatch(/^node 1: term.* went from \d+ to \d+ in line \d+\n/);
    expect(text('goto end', 'why node 1 raft.commit')).toMatch(/^node 1: raft.commit went from \d+ to \d+/);
    expect(text('goto end', 'why node 1')).toMatch(/^node 1: (role|term|vote|leader)/);
    expect(text('why node 1 term')).toMatch(/^node 1: no change of term/);
  });

  it('tells which request a line answers', () => {
    const reply = firstLine((n) => momentAt(timeline, n).effects.some(({ type }) => type === 'Reply'));

    expect(text(`why ${reply}`)).toMatch(/it answers request \d+ of line \d+$/);
  });

  it('shows messages that are on their way, and those that never arrive', () => {
    const sends = firstLine((n) => text(`goto ${n}`, 'messages').includes('never arrives'));

    expect(text('messages')).toBe('0 messages are in flight after line 0');
    expect(text(`goto ${sends}`, 'm')).toMatch(/\d -> \d {2}sent in line \d+, never arrives: .*group \d/);
    expect(text('goto 60', 'next 20', 'messages')).toMatch(/^\d+ messages are in flight after line 80/);
  });

  it('lists the lines around, and finds text', () => {
    const listed = after('goto 50', 'list 3').lines.filter((row) => /^[> ] +\d+ /.test(row));

    expect(listed.length).toBe(7);
    expect(listed[3]).toMatch(/^> +50 /);
    expect(text('find VoteAnswer')).toMatch(/^\d+ lines hold "VoteAnswer", \d+ of them after line 0\n +\d+ /);
    expect(text('find no such text')).toBe('0 lines hold "no such text", 0 of them after line 0');
  });

  it('tells which of two lines happened before the other', () => {
    expect(text('order 1 2')).toBe(
      'lines 1 and 2 are concurrent: neither can have led to the other (0.000 ms)',
    );
    expect(text('order 9 9')).toBe('that is one and the same line');
    const received = firstLine((n) => momentAt(timeline, n).events[0]?.type === 'MessageReceived');
    const sent = Number(/because line (\d+)/.exec(text(`why ${received}`))?.[1]);
    expect(text(`order ${received} ${sent}`)).toContain(`line ${sent} happened before line ${received}`);
  });
});

describe('the prompt', () => {
  it('has help on every command, and on conditions', () => {
    const names = text('help')
      .split('\n')
      .slice(0, -1)
      .map((row) => row.trim().split(/[ ,]/)[0] as string);

    expect(names).toEqual([
      'next',
      'back',
      'goto',
      'continue',
      'rcontinue',
      'break',
      'delete',
      'watch',
      'state',
      'diff',
      'why',
      'messages',
      'list',
      'find',
      'order',
      'help',
      'quit',
    ]);
    for (const name of names) expect(text(`help ${name}`)).toMatch(new RegExp(`^${name}`));
    expect(text('help break')).toContain('count(role, leader) > 1');
  });

  it('knows a command by the beginning of its name, where only one has it', () => {
    expect(after('goto 9', 'ba').session.at).toBe(8);
    expect(after('di').ok).toBe(false);
    expect(text('mess')).toContain('in flight');
  });

  it('ends at quit, and does nothing for an empty line', () => {
    expect(after('quit').quit).toBe(true);
    expect(after('')).toEqual({ session: start, lines: [], ok: true, quit: false });
  });

  it.each([
    'fly',
    'next x',
    'next 0',
    'goto 999999',
    'goto',
    'watch 9',
    'delete 1',
    'state 9',
    'state 1 ..',
    'diff 9',
    'why x',
    'why 0',
    'why node',
    'why node 9',
    'why node 1 ..',
    'list x',
    'find',
    'order',
    'order 0 1',
    'help fly',
    'diff 1 99999',
  ])('refuses %j in one line, and stays where it is', (wrong) => {
    const { ok, lines, session } = after('goto 50', wrong);

    expect(ok).toBe(false);
    expect(lines.length).toBe(1);
    expect(session.at).toBe(50);
  });

  it('completes commands, nodes and conditions', () => {
    expect(debugCompletion(start, 'wa')).toEqual({ candidates: ['watch'], word: 'wa' });
    expect(debugCompletion(start, 'watch ').candidates).toEqual(['1', '2', '3', 'off']);
    expect(debugCompletion(start, 'break message Vote').candidates).toEqual(['VoteRequest', 'VoteAnswer']);
    expect(debugCompletion(start, 'why no').candidates).toEqual(['node']);
    expect(debugCompletion(start, 'why node 1 te').candidates).toEqual(['term']);
    expect(debugCompletion(start, '').candidates.length).toBe(17);
    expect(debugCompletion(start, 'fly 1').candidates).toEqual([]);
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('why node 1', 'break (', 'state 1 a[', 'next 3'))),
        (texts) => {
          const { session } = after(...texts);

          expect(session.at >= 0 && session.at <= last).toBe(true);
        },
      ),
    );
  });
});
