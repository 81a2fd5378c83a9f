import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildTimeline,
  ConditionError,
  lastLine,
  momentAt,
  nodeSubject,
  parseCondition,
  stateAt,
  stateBefore,
  strikes,
  type Timeline,
} from '../../../sim/index.js';
import { recorded, shortStorm } from '../support/recorded.js';

let timeline: Timeline;

beforeAll(() => {
  timeline = buildTimeline(recorded(shortStorm(5)));
});

function linesWhere(source: string): readonly number[] {
  const condition = parseCondition(source, nodeSubject);
  return timeline.moments.map(({ line }) => line.n).filter((n) => condition.holds(timeline, n));
}

function struckBy(source: string): readonly number[] {
  const condition = parseCondition(source, nodeSubject);
  return timeline.moments.map(({ line }) => line.n).filter((n) => strikes(condition, timeline, n));
}

function field(name: string, node: number, n: number, group = 1): number | string | undefined {
  const state = stateAt(timeline, node, n);
  return state === undefined
    ? undefined
    : nodeSubject.fields.find((one) => one.name === name)?.read(state, group);
}

/** The lines at which something is so, computed without the language. */
function linesOf(holds: (n: number) => boolean): readonly number[] {
  return timeline.moments.map(({ line }) => line.n).filter(holds);
}

describe('a condition', () => {
  it('asks for fields of nodes and groups', () => {
    expect(linesWhere('role(1) == leader')).toEqual(linesOf((n) => field('role', 1, n) === 'leader'));
    expect(linesWhere('commit(2, 1) >= 4')).toEqual(linesOf((n) => Number(field('commit', 2, n)) >= 4));
    expect(linesWhere('term(3, 2) < 2')).toEqual(linesOf((n) => Number(field('term', 3, n, 2)) < 2));
    expect(linesWhere('commit(1) < commit(2)')).toEqual(
      linesOf((n) => Number(field('commit', 1, n)) < Number(field('commit', 2, n))),
    );
    expect(linesWhere('role(1) == leader').length).toBeGreaterThan(0);
  });

  it('asks for anything else by its path', () => {
    expect(linesWhere('state(1, raft.term) == 1')).toEqual(linesWhere('term(1) == 1'));
    expect(linesWhere('state(1, groups[2].raft.role) == leader')).toEqual(linesWhere('role(1, 2) == leader'));
    expect(linesWhere('state(1, halted) == false')).toEqual(linesWhere('up(1)'));
    expect(linesWhere('state(1, raft.nothing) != 7')).toEqual([]);
  });

  it('asks for what happens in a line', () => {
    const crashes = linesOf(
      (n) => 'crash' in momentAt(timeline, n).line && momentAt(timeline, n).line.node === 2,
    );

    expect(linesWhere('node 2 crashes')).toEqual(crashes);
    expect(linesWhere('node 2 starts').length).toBe(crashes.length + 1);
    expect(linesWhere('node 2 acts or node 2 starts or node 2 crashes')).toEqual(linesWhere('node == 2'));
    expect(linesWhere('node 1 writes')).toEqual(
      linesOf(
        (n) =>
          momentAt(timeline, n).line.node === 1 &&
          momentAt(timeline, n).effects.some(({ type }) => type === 'Persist'),
      ),
    );
    expect(linesWhere('node 1 halts')).toEqual([]);
  });

  it('asks for messages by type, sender and receiver', () => {
    const received = linesOf((n) => {
      const { line, events } = momentAt(timeline, n);
      return (
        line.node === 3 &&
        events.some(
          (event) =>
            event.type === 'MessageReceived' && nodeSubject.messageType(event.message) === 'VoteRequest',
        )
      );
    });

    expect(linesWhere('message VoteRequest to 3')).toEqual(received);
    expect(linesWhere('message VoteRequest from 1 to 3 or message VoteRequest from 2 to 3')).toEqual(
      received,
    );
    expect(linesWhere('sends any from 1')).toEqual(
      linesOf(
        (n) =>
          momentAt(timeline, n).line.node === 1 &&
          momentAt(timeline, n).effects.some(({ type }) => type === 'Send'),
      ),
    );
    expect(received.length).toBeGreaterThan(0);
  });

  it('asks for what a line changed', () => {
    const votes = linesOf((n) => {
      const { line, after } = momentAt(timeline, n);
      const before = stateBefore(timeline, 1, n);
      const read = nodeSubject.fields.find(({ name }) => name === 'vote')?.read;
      return (
        line.node === 1 &&
        after !== undefined &&
        before !== undefined &&
        read?.(before, 1) !== read?.(after, 1)
      );
    });

    expect(linesWhere('changed(1, vote)')).toEqual(votes);
    expect(linesWhere('changed(1, raft.vote)')).toEqual(votes);
    expect(votes.length).toBeGreaterThan(0);
  });

  it('asks for the line, the time and how many nodes', () => {
    expect(linesWhere('line <= 3')).toEqual([1, 2, 3]);
    expect(linesWhere('time > 1000')).toEqual(
      linesOf((n) => Math.floor(momentAt(timeline, n).line.at / 1_000) > 1_000),
    );
    expect(linesWhere('count(role, leader) >= 1')).toEqual(
      linesWhere('role(1) == leader or role(2) == leader or role(3) == leader'),
    );
    expect(linesWhere('down(1) and down(2)')).toEqual(
      linesOf((n) => [1, 2].every((node) => stateAt(timeline, node, n) === undefined)),
    );
  });

  it('about a node that is down is false, whichever way it is asked', () => {
    const down = linesWhere('down(3)');

    expect(down.length).toBeGreaterThan(0);
    for (const comparison of ['==', '!=']) {
      const holds = linesWhere(`role(3) ${comparison} leader`);
      expect(holds.filter((n) => down.includes(n))).toEqual([]);
    }
  });

  it('strikes where it comes to hold, and at every line of an event', () => {
    const leads = linesWhere('role(1) == leader');

    expect(struckBy('role(1) == leader')).toEqual(leads.filter((n) => !leads.includes(n - 1)));
    expect(struckBy('message any to 1')).toEqual(linesWhere('message any to 1'));
    expect(strikes(parseCondition('line > 0', nodeSubject), timeline, lastLine(timeline) + 1)).toBe(false);
  });
});

/** Conditions that are sound, as trees. */
type Tree =
  | string
  | { readonly not: Tree }
  | { readonly and: readonly [Tree, Tree] }
  | { readonly or: readonly [Tree, Tree] };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'role(1) == leader',
      'commit(2,1) >= 3',
      'node 3 acts',
      'message Append to 2',
      'term(1) < term(2)',
      'line < 200',
      'down(2)',
    ),
    fc.record({ not: tie('tree') }),
    fc.record({ and: fc.tuple(tie('tree'), tie('tree')) }),
    fc.record({ or: fc.tuple(tie('tree'), tie('tree')) }),
  ),
}));

function written(of: Tree): string {
  if (typeof of === 'string') return of;
  if ('not' in of) return `not (${written(of.not)})`;
  const [left, right] = 'and' in of ? of.and : of.or;
  return `(${written(left)}) ${'and' in of ? 'and' : 'or'} (${written(right)})`;
}

function meaning(of: Tree, n: number): boolean {
  if (typeof of === 'string') return parseCondition(of, nodeSubject).holds(timeline, n);
  if ('not' in of) return !meaning(of.not, n);
  const [left, right] = 'and' in of ? of.and : of.or;
  return 'and' in of ? meaning(left, n) && meaning(right, n) : meaning(left, n) || meaning(right, n);
}

describe('the language of conditions', () => {
  it('means by and, or, not and parentheses what they say', () => {
    fc.assert(
      fc.property(tree, fc.nat(), (of, at) => {
        const n = 1 + (at % lastLine(timeline));

        expect(parseCondition(written(of), nodeSubject).holds(timeline, n)).toBe(meaning(of, n));
      }),
    );
  });

  it('binds not before and, and before or', () => {
    expect(linesWhere('line == 1 or line == 2 and line == 3')).toEqual([1]);
    expect(linesWhere('not line > 3 and line > 1')).toEqual([2, 3]);
  });

  it('answers any other text with a place in it and what was expected', () => {
    const words = fc.constantFrom(
      'role',
      '(',
      ')',
      '1',
      ',',
      '==',
      'leader',
      'and',
      'not',
      'node',
      'crashes',
      'message',
      '.',
      '[',
      '=',
      '"',
      '&',
      'ä',
    );

    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((all) => all.join(' ')),
        ),
        (source) => {
          try {
            parseCondition(source, nodeSubject);
          } catch (error) {
            expect(error).toBeInstanceOf(ConditionError);
            const { column } = error as ConditionError;
            expect(column >= 1 && column <= source.length + 1).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, number, string]>([
    ['', 1, 'a condition is missing, such as role(1) == leader'],
    ['role(1) = leader', 9, 'equality is written =='],
    [
      'role(1) == leeder',
      12,
      'expected one of follower, precandidate, candidate, leader, but here is "leeder"',
    ],
    ['rolle(1) == leader', 1, 'expected one of role, term'],
    ['role(x) == leader', 6, 'expected the number of a node, but here is "x"'],
    ['role(1 == leader', 8, 'expected ")", but here is "=="'],
    ['role(1)', 8, 'expected a comparison (== != < <= > >=), but the condition ends'],
    ['role(1) == 3', 12, 'a word is compared with a number, which is never equal'],
    ['role(1) > leader', 9, 'words have no order'],
    ['term(1) > 3 term(2) > 3', 13, 'expected "and", "or" or the end, but here is "term"'],
    ['term(1) > 3 && term(2) > 3', 13, 'conditions are joined by "and"'],
    ['term(1) > 3 || term(2) > 3', 13, 'alternatives are joined by "or"'],
    ['!up(1)', 1, 'negation is written "not"'],
    ['node 2 falls', 8, 'expected one of crashes, starts, acts, writes, replies, halts, but here is "falls"'],
    ['message Vote to 3', 9, 'expected one of PreVoteRequest'],
    ['message VoteRequest to x', 24, 'expected the number of a node'],
    ['changed(1, raft..vote)', 12, '"raft..vote" is no path'],
    ['changed(1)', 10, 'expected ",", but here is ")"'],
    ['(up(1)', 7, 'expected ")", but the condition ends'],
    ['role(1) == "leader', 12, 'this text has no closing quote'],
    ['count(role, boss) > 1', 13, 'expected one of follower'],
    ['up(1) ; up(2)', 7, '";" has no meaning here'],
  ])('says of %j at column %i: %s', (source, column, problem) => {
    let seen: unknown;
    try {
      parseCondition(source, nodeSubject);
    } catch (error) {
      seen = error;
    }

    expect(seen).toBeInstanceOf(ConditionError);
    expect((seen as ConditionError).column).toBe(column);
    expect((seen as ConditionError).problem).toContain(problem);
  });

  it('refuses a condition that is nested beyond reason', () => {
    const deep = `${'('.repeat(50_000)}up(1)${')'.repeat(50_000)}`;

    expect(() => parseCondition(deep, nodeSubject)).toThrow('a condition has at most');
  });
});
