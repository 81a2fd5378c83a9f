import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';

import { exitCodeOf } from '../../../runtime-node/cli/refuse.js';
import type { Seat } from '../../../runtime-node/cli/service.js';
import { SERVICE_COMMANDS } from '../../../runtime-node/cli/services.js';
import { clientOf } from '../client/support.js';
import { deadEndpoint, fakeNode, type FakeAnswer, type FakeNode } from '../support/fake-node.js';

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly complaints: string;
}

/** More than any answer takes; and what a test waits for one that never comes. */
const PATIENT_MS = 10_000;
const IMPATIENT_MS = 200;

/** Runs one command as the process does, on these endpoints. */
async function runOn(
  endpoints: readonly string[],
  args: readonly string[],
  timeoutMs = PATIENT_MS,
): Promise<Ran> {
  let exitCode = 0;
  let out = '';
  let complaints = '';
  const seat: Seat = {
    with: (_flags, use) => use(clientOf(endpoints, { timeoutMs })),
    out: (text) => (out += typeof text === 'string' ? `${text}\n` : Buffer.from(text).toString()),
    complain: (text) => (complaints += `${text}\n`),
    exit: (code) => (exitCode = code),
  };
  const root = new Command('wavetank');
  for (const make of SERVICE_COMMANDS) root.addCommand(make(seat));
  for (const command of [root, ...root.commands, ...root.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeErr: (text) => (complaints += text) });
  }
  try {
    await root.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = exitCodeOf(error);
  }
  return { exitCode, out: stripVTControlCharacters(out), complaints: stripVTControlCharacters(complaints) };
}

const STAMP = { n: 1, l: 2, c: 3 };
const NEVER = { n: 0, l: 0, c: 0 };
const GOT = { type: 3, value: 'aGk=', revision: 7, lastModified: STAMP, expires: NEVER };
const GOT_NULL = { ...GOT, value: null };
const MISSING = { type: 103, value: null, revision: 0, lastModified: NEVER, expires: NEVER };
const HELD = { type: 0, holdId: '00ff', leaseExpiry: STAMP };
const RECORD = {
  name: 'invoice',
  currentValue: 100,
  initialValue: 100,
  increment: 5,
  maxValue: 900,
  revision: 2,
  createdAt: STAMP,
  updatedAt: STAMP,
  blockSize: null,
  incarnation: 0,
};
const ROWS = { type: 3, items: [{ key: 'a/1', value: 'aGk=', revision: 7, lastModified: STAMP }] };
const LOCK = { type: 4, owner: 'bWU=', fencingToken: 4, expires: { n: 1, l: 1_790_000_000_000, c: 0 } };
const ALLOCATION = { name: 'invoice', start: 105, end: 115, count: 3, revision: 1 };

const SCRIPT = 'core/script/recipes/ordered-ids/next.script';

describe('a command tells its outcome, and by its exit code too', () => {
  it.each<[string, FakeAnswer, number, RegExp]>([
    ['get a', GOT, 0, /^hi$/m],
    ['get a --raw', GOT, 0, /^hi$/],
    ['get a', GOT_NULL, 0, /has no value \(null\)/],
    ['get a', MISSING, 1, /there is no key "a"/],
    ['get a --revision 7', MISSING, 1, /the key "a" has no revision 7, or it was deleted by it/],
    ['exists a --at 2026-11-22T10:00:00Z', MISSING, 1, /there was no key "a" at 2026-11-22T10:00:00.000Z/],
    ['get a', { type: 100, reason: 'no such thing' }, 2, /refused: no such thing/],
    ['set a b', { type: 0, revision: 7 }, 0, /set "a", revision 7/],
    [
      'set a b --if-exists',
      { type: 1, revision: -1 },
      1,
      /did not set "a": a condition refused; it was never written/,
    ],
    ['set a b --if-exists', { type: 1, revision: 4 }, 1, /it is at revision 4/],
    ['set a b', { type: 101 }, 3, /unknown whether it took effect/],
    ['get a', { type: 101 }, 69, /the cluster does not answer/],
    ['get a', { type: 99, reason: 'its history is gone' }, 3, /Get a: its history is gone/],
    ['del a', { type: 4, revision: 7 }, 0, /deleted "a", revision 7/],
    ['del a', MISSING, 1, /there is no key/],
    ['exists a', { ...GOT, type: 10 }, 0, /"a" exists, revision 7/],
    ['exists a', MISSING, 1, /there is no key/],
    ['extend a 500', { type: 2, revision: 7 }, 0, /"a" lives for 500 ms/],
    ['extend a 500', MISSING, 1, /there is no key/],
    ['get-by-bucket a', ROWS, 0, /key +revision +value\na\/1 +7 +hi/],
    ['scan a', { type: 3, items: [] }, 0, /no keys/],
    ['range a', { ...ROWS, hasMore: true, nextCursor: 'abc' }, 0, /more: --cursor abc/],
    [
      'lock r 500',
      { type: 0, fencingToken: 4 },
      0,
      /locked "r" for 500 ms, owner [0-9a-f]{32}, fencing token 4/,
    ],
    ['lock r 500', { type: 1 }, 1, /held by somebody else/],
    ['lock r 500 --timeout 100', { type: 101 }, 3, /unknown whether it took effect/],
    ['extend-lock r 500 --owner me', { type: 2, fencingToken: 4 }, 0, /fencing token 4/],
    ['extend-lock r 500 --owner me', { type: 102 }, 1, /nobody holds it/],
    ['extend-lock r 500 --owner me', { type: 103 }, 1, /somebody else holds it/],
    [`run ${SCRIPT}`, { type: 3, values: [{ value: 'aGk=', revision: -1 }] }, 0, /^hi$/m],
    [`run ${SCRIPT}`, { type: 3, values: [] }, 0, /^done$/m],
    [`run ${SCRIPT}`, { type: 0, values: [{ key: 'k', revision: 4 }] }, 0, /^set "k", revision 4$/m],
    [`run ${SCRIPT}`, { type: 1, values: [] }, 1, /not set: a condition refused/],
    [`run ${SCRIPT}`, { type: 103, values: [] }, 1, /there is no such key/],
    [`run ${SCRIPT}`, { type: 99, reason: 'enough at line 2' }, 1, /next\.script: enough at line 2/],
    [`run ${SCRIPT}`, { type: 102, reason: 'met another' }, 1, /next\.script: met another/],
    [
      `run ${SCRIPT}`,
      { type: 99, reason: 'Syntax error at line 2, column 10: x' },
      2,
      /next\.script: Syntax error at line 2, column 10/,
    ],
    [`run ${SCRIPT}`, { type: 108, reason: 'full' }, 69, /full/],
    [`run ${SCRIPT}`, 'hang up', 3, /unknown whether it took effect/],
    ['unlock r --owner me', { type: 3 }, 0, /unlocked "r"/],
    ['unlock r --owner me', { type: 103 }, 1, /is not held by this owner/],
    ['get-lock r', LOCK, 0, /"r" is held by me, fencing token 4, until 2026-09-21/],
    ['get-lock r', { type: 102 }, 1, /nobody holds "r"/],
    [
      'sequence create invoice',
      { type: 0, sequence: RECORD },
      0,
      /created "invoice".*up to 100, steps of 5, up to 900/,
    ],
    ['sequence create invoice', { type: 2 }, 1, /there is a sequence of this name/],
    ['sequence update invoice --increment 5', { type: 0, sequence: RECORD }, 0, /updated "invoice"/],
    ['sequence get invoice', { type: 0, sequence: RECORD }, 0, /revision 2/],
    ['sequence get invoice', { type: 1 }, 1, /there is no sequence "invoice"/],
    ['sequence next invoice', { type: 0, allocation: { ...ALLOCATION, count: 1 } }, 0, /^105$/m],
    ['sequence next invoice', { type: 1 }, 1, /no sequence of this name/],
    ['sequence next invoice', { type: 4 }, 1, /fewer values are left/],
    ['sequence reserve invoice 3', { type: 0, allocation: ALLOCATION }, 0, /105 … 115 \(3 values\)/],
    ['sequence delete invoice', { type: 0 }, 0, /deleted the sequence "invoice"/],
    ['sequence delete invoice', { type: 1 }, 1, /there is no sequence/],
    ['hold acquire report 1000 5000', HELD, 0, /held 1970-01-01T00:00:01.000Z for 5000 ms, .* hold 00ff/],
    ['hold renew 00ff 5000', HELD, 0, /renewed for 5000 ms, until 1970-01-01T00:00:00.002Z/],
    ['hold renew 00ff 5000', { type: 103 }, 1, /there is no hold "00ff", or no more/],
    ['hold release 00ff', { type: 4 }, 0, /released the hold 00ff/],
    ['hold release 00ff', { type: 103 }, 1, /there is no hold "00ff", or no more/],
    ['hold floor', { type: 3, effectiveFloor: NEVER, liveHolds: 0 }, 0, /nothing is held/],
    ['hold floor', { type: 3, effectiveFloor: STAMP, liveHolds: 2 }, 0, /from 1970.*002Z on \(2 holds\)/],
  ])('%s after %o: %i', async (line, answer, exitCode, words) => {
    const node = await fakeNode(answer);

    const waits = typeof answer === 'object' && 'type' in answer && answer.type === 101;
    const timeoutMs = waits ? IMPATIENT_MS : PATIENT_MS;

    const ran = await runOn([node.endpoint], line.split(' '), timeoutMs);

    expect([ran.exitCode, ran.out + ran.complaints]).toEqual([exitCode, expect.stringMatching(words)]);
    expect(exitCode === 0 || ran.out === '').toBe(true);
  });

  it('and says 69 when nobody answers, for then nothing was done', async () => {
    const ran = await runOn([await deadEndpoint()], ['set', 'a', 'b', '--json']);

    expect(ran.exitCode).toBe(69);
    expect(JSON.parse(ran.out)).toMatchObject({
      outcome: 'unavailable',
      isOutcomeUnknown: false,
      exitCode: 69,
    });
  });
});

describe('--json prints one object', () => {
  it.each<[string, FakeAnswer, object]>([
    ['get a', GOT, { outcome: 'got', value: 'hi', valueBase64: 'aGk=', revision: 7, lastModified: STAMP }],
    ['get a', GOT_NULL, { outcome: 'got', value: null, valueBase64: null }],
    ['get a', { ...GOT, value: '/w==' }, { value: null, valueBase64: '/w==' }],
    ['get a', { ...GOT, expires: STAMP }, { expires: STAMP }],
    ['get a', MISSING, { outcome: 'doesNotExist', exitCode: 1 }],
    ['set a b', { type: 1, revision: 3 }, { outcome: 'notSet', revision: 3, exitCode: 1 }],
    [
      `run ${SCRIPT}`,
      { type: 3, values: [{ key: 'k', value: 'aGk=', revision: 7, lastModified: STAMP }] },
      { outcome: 'got', entries: [{ key: 'k', value: 'hi', revision: 7, lastModified: STAMP }] },
    ],
    [`run ${SCRIPT}`, { type: 99, reason: 'Syntax error' }, { outcome: 'syntaxError', exitCode: 2 }],
    [`run ${SCRIPT}`, { type: 102, reason: 'no' }, { outcome: 'aborted', reason: 'no', exitCode: 1 }],
    ['scan a', ROWS, { outcome: 'got', items: [{ key: 'a/1', value: 'hi', revision: 7 }] }],
    ['range a', ROWS, { outcome: 'got', cursor: null }],
    [
      'lock r 5 --owner me',
      { type: 0, fencingToken: 4 },
      { outcome: 'locked', owner: 'me', fencingToken: 4 },
    ],
    ['get-lock r', LOCK, { outcome: 'got', owner: 'me', ownerBase64: 'bWU=', fencingToken: 4 }],
    ['sequence reserve invoice 3', { type: 0, allocation: ALLOCATION }, { start: 105, end: 115, count: 3 }],
    ['hold acquire report 1000 5000', HELD, { outcome: 'acquired', holdId: '00ff', leaseExpiry: STAMP }],
    ['hold floor', { type: 3, effectiveFloor: NEVER, liveHolds: 0 }, { outcome: 'got', floor: null }],
    [
      'sequence get invoice',
      { type: 0, sequence: RECORD },
      { outcome: 'got', sequence: { currentValue: 100 } },
    ],
    ['get a', { type: 100, reason: 'why' }, { outcome: 'invalidInput', reason: 'why', exitCode: 2 }],
  ])('%s after %o', async (line, answer, shown) => {
    const node = await fakeNode(answer);

    const { out, complaints } = await runOn([node.endpoint], [...line.split(' '), '--json']);

    expect(JSON.parse(out)).toMatchObject(shown);
    expect(complaints).toBe('');
  });
});

describe('a command sends what its arguments say', () => {
  it.each<[string, object]>([
    ['set a --null', { value: null, flags: 1, durability: 1 }],
    ['set a b --ephemeral --expires 5000', { value: 'Yg==', durability: 0, expiresMs: 5_000 }],
    ['set a b --if-not-exists --no-revision', { flags: 11 }],
    ['set a b --if-value c', { flags: 17, compareValue: 'Yw==' }],
    ['set a b --if-null', { flags: 17, compareValue: null }],
    ['set a b --if-revision -1', { flags: 33, compareRevision: -1 }],
    ['get a --revision 3', { revision: 3 }],
    ['get a --at 1000', { readTimestamp: { n: 0, l: 1_000, c: 0xffff_ffff } }],
    ['exists a --at 1970-01-01T00:00:01Z --read lease', { readTimestamp: { l: 1_000 }, readMode: 'lease' }],
    [
      'range a --start a/1 --no-start-inclusive --end a/3 --end-inclusive --limit 7 --cursor x',
      { startKey: 'a/1', startInclusive: false, endKey: 'a/3', endInclusive: true, limit: 7, cursor: 'x' },
    ],
    ['lock r 500 --owner me --ephemeral', { owner: 'bWU=', expiresMs: 500, durability: 0 }],
    [
      'sequence create s --initial-value -5 --increment 2 --max-value 9 --block-size 1',
      { initialValue: -5, increment: 2, maxValue: 9, blockSize: 1 },
    ],
    [
      'sequence update s --current-value 7 --no-max-value',
      { currentValue: 7, maxValue: null, removeMaxValue: true, blockSize: null, removeBlockSize: false },
    ],
    ['sequence update s --no-block-size', { removeMaxValue: false, removeBlockSize: true }],
    ['sequence reserve s 3 --idempotency-key k', { count: 3, idempotencyKey: 'k' }],
    [
      `run ${SCRIPT} --param counter=orders --param @x=a=b --priority high`,
      {
        script: readFileSync(SCRIPT).toString('base64'),
        parameters: [
          { key: '@counter', value: 'orders' },
          { key: '@x', value: 'a=b' },
        ],
        priority: 3,
      },
    ],
  ])('%s', async (line, sent) => {
    const node: FakeNode = await fakeNode({ type: 100 });

    await runOn([node.endpoint], line.split(' '));

    expect(node.asked[0]?.body).toMatchObject(sent);
  });
});

describe('bad arguments', () => {
  it.each([
    ['set a', 'missing required argument'],
    ['set a b --null', 'not both'],
    ['set a b --if-value c --if-null', 'cannot be used with'],
    ['set a b --expires 0', '--expires wants a whole number of 1 or more'],
    [
      'get a --at yesterday',
      '--at wants a time, for example --at 1790000000000 or --at 2026-11-21T20:00:00Z.',
    ],
    ['get a --at 5 --revision 1', 'cannot be used with'],
    ['extend a', "missing required argument 'ms'"],
    ['lock r 0', '<ms> wants a whole number of 1 or more, for example 7.'],
    ['unlock r', '--owner is needed'],
    ['extend-lock r 5', '--owner is needed'],
    ['sequence update s', 'nothing to change'],
    ['hold acquire report yesterday 5', '<time> wants a time'],
    ['hold acquire report 1000 0', '<ms> wants a whole number of 1 or more'],
    ['sequence reserve s 0', '<count> wants a whole number of 1 or more'],
    ['sequence create s --initial-value x', '--initial-value wants a whole number'],
    [`run ${SCRIPT} --param x`, '--param wants a name and a value'],
    ['run none.script', "the script cannot be read: ENOENT: no such file or directory, open 'none.script'"],
    ['run core', 'the script cannot be read: EISDIR'],
    ['range a --limit 0', '--limit wants a whole number of 1 or more'],
  ])('%s', async (line, words) => {
    const node = await fakeNode(500);

    const { exitCode, complaints } = await runOn([node.endpoint], line.split(' '));

    expect([exitCode, complaints]).toEqual([2, expect.stringContaining(words)]);
    expect(node.asked).toEqual([]);
  });
});
