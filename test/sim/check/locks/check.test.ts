import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLocks,
  explainLocks,
  type LockAnswer,
  type LockOperation,
  type LockOptions,
  type LockRequest,
} from '../../../../sim/check/locks/index.js';
import { drawBelow, streamOf } from '../../../../sim/world/chance.js';

type Step = readonly [
  owner: string,
  request: LockRequest | number | 'release' | 'get' | readonly ['extend', number],
  invokedAt: number,
  answeredAt?: number,
  answer?: LockAnswer | number,
];

/** A number as a request is an acquire with that lease; a number as an answer is the token of what was asked. */
function history(...steps: readonly Step[]): readonly LockOperation[] {
  return steps.map(([owner, asked, invokedAt, answeredAt, told], id) => {
    const request = requestOf(asked);
    return {
      id,
      client: `client of ${owner}`,
      lock: 'x',
      owner,
      request,
      invokedAt,
      answeredAt,
      answer: answeredAt === undefined ? undefined : answerOf(request, told, owner),
    };
  });
}

function requestOf(asked: Step[1]): LockRequest {
  if (typeof asked === 'number') return { type: 'acquire', leaseMs: asked };
  if (asked === 'release' || asked === 'get') return { type: asked };
  return 'type' in asked ? asked : { type: 'extend', leaseMs: asked[1] };
}

function answerOf({ type }: LockRequest, told: Step[4], owner: string): LockAnswer {
  if (typeof told === 'object') return told;
  if (told === undefined) return type === 'release' ? { type: 'released' } : { type: 'refused' };
  if (type === 'get') return { type: 'got', owner, token: told };
  return { type: type === 'extend' ? 'extended' : 'locked', token: told };
}

const rulesBroken = (operations: readonly LockOperation[], options?: LockOptions): readonly string[] =>
  checkLocks(operations, options).violations.map(({ rule }) => rule);

describe('histories of locks that are in order', () => {
  it.each<readonly [string, readonly Step[]]>([
    [
      'a lease that runs out, then another owner',
      [
        ['a', 10, 0, 2, 0],
        ['b', 10, 11, 14, 1],
      ],
    ],
    [
      'a release, then another owner at once',
      [
        ['a', 100, 0, 2, 0],
        ['a', 'release', 3, 5],
        ['b', 100, 4, 6, 1],
      ],
    ],
    [
      'a second acquire of the holder, with its token',
      [
        ['a', 100, 0, 2, 0],
        ['a', 100, 10, 12, 0],
      ],
    ],
    [
      'an extension, told by the token',
      [
        ['a', 10, 0, 2, 0],
        ['a', ['extend', 50], 5, 6, 0],
        ['b', 10, 20, 21],
        ['b', 10, 57, 58, 1],
      ],
    ],
    [
      'an extension that shortens',
      [
        ['a', 100, 0, 2, 0],
        ['a', ['extend', 5], 10, 11, 0],
        ['b', 10, 16, 18, 1],
      ],
    ],
    [
      'a release of an expired lease that nobody took',
      [
        ['a', 10, 0, 2, 0],
        ['a', 'release', 50, 51],
      ],
    ],
    [
      'a release without an answer that took effect late',
      [
        ['a', 100, 0, 2, 0],
        ['a', 'release', 3],
        ['b', 100, 20, 21, 1],
      ],
    ],
    [
      'a release without an answer that never took effect',
      [
        ['a', 100, 0, 2, 0],
        ['a', 'release', 3],
        ['a', ['extend', 100], 50, 51, 0],
      ],
    ],
    [
      'an acquire without an answer that took effect, and its retry',
      [
        ['a', 10, 0],
        ['a', 10, 9, 10, 0],
        ['b', 10, 11, 12, 1],
      ],
    ],
    [
      'an acquire without an answer, extended',
      [
        ['a', 10, 0],
        ['a', ['extend', 10], 5, 6, 0],
      ],
    ],
    [
      'an extension without an answer that shortened',
      [
        ['a', 100, 0, 2, 0],
        ['a', ['extend', 5], 10],
        ['b', 10, 20, 21, 1],
      ],
    ],
    [
      'a grant that waited for the release to take effect',
      [
        ['a', 100, 0, 2, 0],
        ['b', 100, 3, 60, 1],
        ['a', 'release', 50, 55],
      ],
    ],
    [
      'two grants at one time, of which the holder released',
      [
        ['a', 100, 0, 10, 0],
        ['a', 'release', 10, 12],
        ['b', 10, 5, 11, 1],
      ],
    ],
    [
      'the holder as get sees it',
      [
        ['a', 10, 0, 2, 0],
        ['z', 'get', 3, 4, { type: 'got', owner: 'a', token: 0 }],
      ],
    ],
  ])('%s', (_, steps) => {
    expect(rulesBroken(history(...steps))).toEqual([]);
    expect(checkLocks(history(...steps)).verdict).toBe('valid');
  });

  it('a lease cut short by less than the drift of the clocks', () => {
    const operations = history(['a', 100, 0, 2, 0], ['b', 100, 95, 97, 1]);

    expect(rulesBroken(operations)).toContain('lease cut short');
    expect(rulesBroken(operations, { driftMs: 10 })).toEqual([]);
  });

  it('locks of different names have nothing to do with each other', () => {
    const [first, second] = history(['a', 100, 0, 2, 0], ['b', 100, 3, 4, 0]);
    const operations = [first, { ...second, lock: 'y' }] as readonly LockOperation[];

    expect(checkLocks(operations)).toMatchObject({ verdict: 'valid', locks: 2, grants: 2, certainHolds: 2 });
  });

  it('a history in which nobody got a lock tests nothing', () => {
    const result = checkLocks(history(['a', 10, 0], ['b', 10, 1, 2]));

    expect(result.verdict).toBe('unknown');
    expect(explainLocks(result)).toContain('nothing was tested');
  });
});

describe('histories of locks that break a promise', () => {
  it.each<readonly [string, string, readonly Step[]]>([
    [
      'mutual exclusion',
      'two owners at once',
      [
        ['a', 100, 0, 5, 0],
        ['b', 100, 1, 4, 1],
      ],
    ],
    [
      'lease cut short',
      'a grant within the lease of another',
      [
        ['a', 100, 0, 2, 0],
        ['b', 10, 50, 52, 1],
      ],
    ],
    [
      'lease cut short',
      'after an extension, before its end',
      [
        ['a', 10, 0, 2, 0],
        ['a', ['extend', 50], 5, 6, 0],
        ['b', 10, 20, 21, 1],
      ],
    ],
    [
      'lease cut short',
      'a stranger releases',
      [
        ['b', 1, 0, 1, 0],
        ['a', 100, 5, 6, 1],
        ['b', 'release', 20, 21],
      ],
    ],
    [
      'lease cut short',
      'get names another holder',
      [
        ['a', 100, 5, 6, 1],
        ['z', 'get', 20, 21, { type: 'got', owner: 'b', token: 0 }],
      ],
    ],
    [
      'token went back',
      'a smaller token for a later grant',
      [
        ['a', 10, 0, 2, 5],
        ['b', 10, 20, 21, 4],
      ],
    ],
    [
      'token went back',
      'the same owner, told an older token',
      [
        ['a', 10, 0, 2, 5],
        ['a', 10, 20, 21, 4],
      ],
    ],
    [
      'token names two grants',
      'two owners with one token',
      [
        ['a', 10, 0, 2, 5],
        ['b', 10, 20, 21, 5],
      ],
    ],
    [
      'token names two grants',
      'after a release by the same owner',
      [
        ['a', 10, 0, 2, 5],
        ['a', 'release', 3, 4],
        ['a', 10, 5, 6, 5],
      ],
    ],
    ['not the holder', 'an extension by an owner who never acquired', [['a', ['extend', 10], 5, 6, 0]]],
    [
      'not the holder',
      'a release by an owner who never acquired',
      [
        ['b', 1, 0, 1, 0],
        ['a', 'release', 50, 51],
      ],
    ],
    [
      'not the holder',
      'two releases of one grant',
      [
        ['a', 10, 0, 2, 0],
        ['a', 'release', 3, 4],
        ['a', 'release', 5, 6],
      ],
    ],
    [
      'not the holder',
      'an extension after the release',
      [
        ['a', 100, 0, 2, 0],
        ['a', 'release', 3, 4],
        ['a', ['extend', 10], 5, 6, 0],
      ],
    ],
    [
      'not the holder',
      'seen as the holder after the release',
      [
        ['a', 100, 0, 2, 0],
        ['a', 'release', 3, 4],
        ['z', 'get', 5, 6, { type: 'got', owner: 'a', token: 0 }],
      ],
    ],
    [
      'lease revived',
      'an extension after the lease',
      [
        ['a', 10, 0, 2, 0],
        ['a', ['extend', 10], 13, 14, 0],
      ],
    ],
  ])('%s: %s', (rule, _, steps) => {
    const result = checkLocks(history(...steps));

    expect(result.verdict).toBe('invalid');
    expect(result.violations.map((violation) => violation.rule)).toContain(rule);
  });

  it('are explained with both operations by name', () => {
    const result = checkLocks(history(['a', 100, 0, 2, 0], ['b', 10, 50, 52, 1]));

    expect(explainLocks(result).split('\n')[0]).toBe(
      'Lock "x": mutual exclusion: by the answers of acquire of owner "a" (client of a #0, 0 to 2) ' +
        'and of acquire of owner "b" (client of b #1, 50 to 52) both held it at once.',
    );
  });
});

/**
 * A lock that keeps its promises, driven by chance. Every operation takes effect at one moment between its invocation and its answer;
 * some answers are lost.
 */
function honestHistory(seed: number, steps: number): readonly LockOperation[] {
  const operations: LockOperation[] = [];
  let holder: { owner: string; until: number } | undefined;
  let token = -1;
  let now = 0;
  const stream = streamOf(seed, 'honest locks');
  const chance = (salt: number, below: number): number => drawBelow(stream, below, now, salt);
  for (let id = 0; id < steps; id++) {
    now += 1 + chance(1, 12);
    const owner = `o${chance(2, 3)}`;
    const leaseMs = 5 + chance(3, 40);
    const kind = chance(4, 8);
    const request: LockRequest =
      kind < 4
        ? { type: 'acquire', leaseMs }
        : kind < 6
          ? { type: 'extend', leaseMs }
          : { type: kind === 6 ? 'release' : 'get' };
    const isHeld = holder !== undefined && holder.until >= now;
    const isOwn = holder?.owner === owner;
    let answer: LockAnswer = { type: 'refused' };
    if (request.type === 'acquire' && !isHeld) {
      token++;
      holder = { owner, until: now + leaseMs };
      answer = { type: 'locked', token };
    } else if (request.type === 'acquire' && isOwn) {
      answer = { type: 'locked', token };
    } else if (request.type === 'extend' && isHeld && isOwn) {
      holder = { owner, until: now + leaseMs };
      answer = { type: 'extended', token };
    } else if (request.type === 'release' && isOwn) {
      holder = undefined;
      answer = { type: 'released' };
    } else if (request.type === 'get' && isHeld && holder !== undefined) {
      answer = { type: 'got', owner: holder.owner, token };
    }
    const isLost = chance(5, 6) === 0;
    operations.push({
      id,
      client: `c${id}`,
      lock: 'x',
      owner,
      request,
      invokedAt: now - chance(6, 20),
      answeredAt: isLost ? undefined : now + chance(7, 20),
      answer: isLost ? undefined : answer,
    });
  }
  return operations;
}

describe('a lock that keeps its promises', () => {
  it('is never accused, whatever overlaps and whatever answers are lost', () => {
    let certainHolds = 0;
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 120 }), (seed, steps) => {
        const operations = honestHistory(seed, steps);

        certainHolds += checkLocks(operations).certainHolds;
        expect(rulesBroken(operations)).toEqual([]);
      }),
      { numRuns: 400 },
    );

    expect(certainHolds).toBeGreaterThan(500);
  });

  it('is accused when a grant is given to another owner within a certain hold', () => {
    let caught = 0;
    for (let seed = 0; seed < 50; seed++) {
      const operations = honestHistory(seed, 60);
      const last = Math.max(...operations.map(({ answeredAt, invokedAt }) => answeredAt ?? invokedAt));
      const token = Math.max(
        ...operations.map(({ answer }) => (answer?.type === 'locked' ? answer.token : 0)),
      );
      const planted = history(
        ['p', 1_000, last + 100, last + 101, token + 1],
        ['q', 10, last + 200, last + 210, token + 2],
      );
      if (checkLocks([...operations, ...planted]).verdict === 'invalid') caught++;
    }

    expect(caught).toBe(50);
  });
});
