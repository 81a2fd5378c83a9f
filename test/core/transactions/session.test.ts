/** The rules of a session, one by one, over partitions that answer at once unless the test holds them back. */

import { beforeEach, describe, expect, it } from 'vitest';
import { monotonicMs, revision } from '../../../core/machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type KeyValueOperation,
  type RequestId,
} from '../../../core/partition/command.js';
import { MAX_TOLD_VALUE_BYTES } from '../../../core/partition/locked-keys.js';
import {
  LINE_MS,
  TransactionCode,
  type TransactionId,
  type TransactionOutcome,
} from '../../../core/partition/transaction-command.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import {
  SessionCode,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
} from '../../../core/transactions/calls.js';
import { REAP_GRACE_MS } from '../../../core/transactions/session.js';
import {
  MAX_PENDING_OPERATIONS,
  RENEW_EVERY_MS,
  type SessionState,
} from '../../../core/transactions/session-state.js';
import { effectiveOptions, problemWithStart } from '../../../core/transactions/start.js';
import {
  call,
  crash,
  emptyWorld,
  execute,
  goOn,
  happen,
  OPTIMISTIC,
  recover,
  startSession,
  type World,
} from './world.js';

const PARTITIONS = 3;
const [A = '', B = ''] = [1, 2].map((group) => {
  for (let i = 0; ; i += 1) if (partitionOfKey(`k${i}/x`, PARTITIONS) === group) return `k${i}/x`;
});

let world: World;
let callers: number;

beforeEach(() => {
  world = emptyWorld(PARTITIONS);
  callers = 0;
});

function start(options: Partial<SessionOptions> = {}): SessionState {
  return startSession(world, options);
}

/** What partitions were asked from here on, until all is quiet. */
function asked(act: () => void): readonly string[] {
  act();
  const types: string[] = [];
  for (let i = 0; i < 100 && world.asked.length > 0; i += 1) {
    const [one] = world.asked;
    if (one?.outcome === undefined) types.push(one?.operation.type ?? '');
    goOn(world, 0, 'well');
  }
  return types;
}

/** Without waiting for the answer. */
function ask({ id, stamp }: SessionState, operation: SessionOperation, operationId?: string): number {
  callers += 1;
  const handle = { id: stamp, coordinatorKey: 'k' };
  const name = operationId ?? `op${callers}`;
  call(world, id, callers, { type: 'OperateInTransaction', handle, operationId: name, operation });
  return callers;
}

function run(): void {
  for (let i = 0; i < 100 && world.asked.length > 0; i += 1) goOn(world, 0, 'well');
}

function answerTo(caller: number): SessionAnswer | undefined {
  run();
  return world.replies.get(caller);
}

function tell(session: SessionState, operation: SessionOperation, operationId?: string) {
  return answerTo(ask(session, operation, operationId));
}

function end({ id, stamp }: SessionState, type: 'CommitTransaction' | 'RollbackTransaction'): number {
  callers += 1;
  call(world, id, callers, { type, handle: { id: stamp, coordinatorKey: 'k' } });
  return callers;
}

function commit(session: SessionState): SessionAnswer | undefined {
  return answerTo(end(session, 'CommitTransaction'));
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function put(key: string, text: string, flags = 1, compareRevision = 0): KeyValueOperation {
  return {
    type: 'Set',
    key,
    value: bytes(text),
    flags,
    compareValue: null,
    compareRevision: revision(compareRevision),
  };
}

let plains = 0;
function plain(operation: KeyValueOperation) {
  plains += 1;
  return execute(world, operation, `plain${plains}` as RequestId);
}

function valueOf(key: string): string | undefined {
  const outcome = plain({ type: 'Get', key });
  if (outcome === undefined || outcome.family !== undefined || outcome.value === null) return undefined;
  return String.fromCharCode(...outcome.value);
}

describe('the options of a session', () => {
  it('are bounded, and refused where they mean nothing', () => {
    expect(effectiveOptions({ ...OPTIMISTIC, timeoutMs: 0 }).timeoutMs).toBe(5_000);
    expect(effectiveOptions({ ...OPTIMISTIC, timeoutMs: 1e9, admissionWaitMs: 1e9 })).toMatchObject({
      timeoutMs: 300_000,
      admissionWaitMs: 30_000,
    });
    const started = (options: Partial<SessionOptions>, coordinatorKey = 'k') =>
      problemWithStart({ type: 'StartTransaction', coordinatorKey, options: { ...OPTIMISTIC, ...options } });
    expect(started({})).toBeUndefined();
    expect(started({}, '')).toContain('empty');
    expect(started({ locking: 'other' as never })).toContain('locking');
    const readTimestamp = start().stamp;
    expect(started({ readTimestamp })).toBeUndefined();
    expect(started({ readTimestamp, readValidation: 'trackAndValidate' })).toContain('snapshot');
  });
});

describe('operations', () => {
  it('are done once under one id, and refused under an id of another', () => {
    const session = start();
    const first = tell(session, put(A, 'one'), 'same');
    expect(first?.outcome).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(tell(session, put(A, 'one'), 'same')).toEqual(first);
    expect(tell(session, put(A, 'two'), 'same')?.code).toBe(SessionCode.errored);
    expect(tell(session, { type: 'Get', key: A })?.outcome).toMatchObject({ revision: 0 });
  });

  it('share one answer while they are under way', () => {
    const session = start();
    const callers = [ask(session, put(A, 'one'), 'same'), ask(session, put(A, 'one'), 'same')];
    expect(world.asked).toHaveLength(1);
    const [first, second] = callers.map(answerTo);
    expect(first?.outcome).toMatchObject({ revision: 0 });
    expect(second).toEqual(first);
  });

  it('are put off when too many are under way', () => {
    const session = start();
    for (let i = 0; i < MAX_PENDING_OPERATIONS; i += 1) ask(session, { type: 'Get', key: `x${i}` });
    expect(world.replies.get(ask(session, { type: 'Get', key: A }))?.code).toBe(SessionCode.mustRetry);
  });

  it('see what the transaction wrote, and count its revisions on', () => {
    plain(put(A, 'old'));
    const session = start();
    expect(tell(session, put(A, 'one'))?.outcome).toMatchObject({ revision: 1 });
    expect(tell(session, put(A, 'two'))?.outcome).toMatchObject({ revision: 2 });
    expect(tell(session, { type: 'Get', key: A })?.outcome).toMatchObject({
      value: bytes('two'),
      revision: 2,
    });
    expect(tell(session, { type: 'Get', key: A, revision: revision(0) })?.outcome).toMatchObject({
      value: bytes('old'),
    });
    expect(tell(session, { type: 'Delete', key: A })?.outcome).toMatchObject({ code: KeyValueCode.deleted });
    expect(tell(session, { type: 'Exists', key: A })?.outcome).toMatchObject({
      code: KeyValueCode.doesNotExist,
    });
    expect(tell(session, put(A, 'four', 1 | SetFlag.ifNotExists))?.outcome).toMatchObject({ revision: 4 });
    expect(valueOf(A)).toBe('old');
    expect(commit(session)?.code).toBe(SessionCode.committed);
    expect(plain({ type: 'Get', key: A })).toMatchObject({ value: bytes('four'), revision: 4 });
  });

  it('go by their conditions as the transaction sees the key', () => {
    plain(put(A, 'old'));
    const session = start();
    expect(tell(session, put(A, 'x', 1 | SetFlag.ifNotExists))?.outcome).toMatchObject({
      code: KeyValueCode.notSet,
    });
    expect(tell(session, put(A, 'x', 1 | SetFlag.ifEqualToRevision, 7))?.outcome).toMatchObject({
      code: KeyValueCode.notSet,
    });
    const same: KeyValueOperation = {
      ...(put(A, 'new', 1 | SetFlag.ifEqualToValue) as Extract<KeyValueOperation, { type: 'Set' }>),
      compareValue: bytes('old'),
    };
    expect(tell(session, same)?.outcome).toMatchObject({ code: KeyValueCode.set });
    expect(tell(session, same)?.outcome).toMatchObject({ code: KeyValueCode.notSet });
    expect(tell(session, { type: 'Delete', key: B })?.outcome).toMatchObject({
      code: KeyValueCode.doesNotExist,
    });
  });

  it('show pages with own writes in them, and end where the page was full', () => {
    const bucket = A.slice(0, -1);
    const [one, two, three] = ['1', '2', '3'].map((each) => bucket + each) as [string, string, string];
    plain(put(one, 'one'));
    plain(put(three, 'three'));
    const session = start();
    tell(session, put(two, 'two'));
    tell(session, { type: 'Delete', key: one });
    const group = partitionOfKey(A, PARTITIONS);
    const page = tell(session, { type: 'Scan', prefix: bucket, group, limit: 10 })?.outcome;
    expect(page).toMatchObject({ items: [{ key: two }, { key: three }], hasMore: false });
    const short = tell(session, { type: 'Scan', prefix: bucket, group, limit: 1 })?.outcome;
    expect(short).toMatchObject({ hasMore: true });
  });

  it('are refused in a snapshot if they write', () => {
    plain(put(A, 'old'));
    const { lastModified } = plain({ type: 'Get', key: A }) as never;
    plain(put(A, 'new'));
    const session = start({ readTimestamp: lastModified });
    expect(tell(session, { type: 'Get', key: A })?.outcome).toMatchObject({ value: bytes('old') });
    expect(tell(session, put(A, 'x'))?.code).toBe(SessionCode.aborted);
    expect(commit(session)?.code).toBe(SessionCode.committed);
  });

  it('abort the transaction at once when a key is otherwise than it was', () => {
    const session = start();
    tell(session, { type: 'Get', key: A });
    plain(put(A, 'new'));
    expect(tell(session, { type: 'Get', key: A })?.code).toBe(SessionCode.aborted);
    expect(world.sessions.has(session.id)).toBe(false);
  });
});

describe('the end of a session', () => {
  it('commits nothing if there is nothing', () => {
    expect(commit(start())?.code).toBe(SessionCode.committed);
  });

  it('is the same for all who ask at once', () => {
    const session = start();
    tell(session, put(A, 'a'));
    tell(session, put(B, 'b'));
    const [first, second] = [end(session, 'CommitTransaction'), end(session, 'RollbackTransaction')];
    expect(ask(session, put(A, 'late')) && world.replies.get(callers)?.code).toBe(SessionCode.aborted);
    expect(answerTo(first)?.code).toBe(SessionCode.committed);
    expect(answerTo(second)?.code).toBe(SessionCode.committed);
    expect([valueOf(A), valueOf(B)]).toEqual(['a', 'b']);
  });

  it('waits for the operations that are under way', () => {
    const session = start();
    const writing = ask(session, put(A, 'a'));
    const committing = end(session, 'CommitTransaction');
    expect(world.replies.get(committing)).toBeUndefined();
    expect(answerTo(writing)?.code).toBe(SessionCode.operated);
    expect(answerTo(committing)?.code).toBe(SessionCode.committed);
    expect(valueOf(A)).toBe('a');
  });

  it('rolls back', () => {
    const session = start();
    tell(session, put(A, 'a'));
    expect(answerTo(end(session, 'RollbackTransaction'))?.code).toBe(SessionCode.rolledBack);
    expect(valueOf(A)).toBeUndefined();
  });

  it('comes by itself when its time is over', () => {
    const session = start({ timeoutMs: 100 });
    tell(session, put(A, 'a'));
    world.now += 100 + REAP_GRACE_MS - 1;
    happen(world, session.id, { type: 'TimeCame' });
    expect(world.sessions.has(session.id)).toBe(true);
    world.now += 2;
    happen(world, session.id, { type: 'TimeCame' });
    expect(world.sessions.has(session.id)).toBe(false);
    expect(valueOf(A)).toBeUndefined();
  });

  it('sends callers away who have waited long enough, and decides nevertheless', () => {
    const session = start();
    tell(session, put(A, 'a'));
    callers += 1;
    const handle = { id: session.stamp, coordinatorKey: 'k' };
    const until = monotonicMs(world.now + 10);
    happen(world, session.id, {
      type: 'Called',
      caller: callers,
      call: { type: 'CommitTransaction', handle },
      until,
    });
    world.now += 11;
    happen(world, session.id, { type: 'TimeCame' });
    expect(world.replies.get(callers)).toMatchObject({ code: SessionCode.mustRetry, anchorKey: A });
    expect(commit(session)?.code).toBe(SessionCode.committed);
  });

  it('aborts a durable transaction that wrote what is not kept', () => {
    const session = start({ decisionDurability: 'durable' });
    expect(tell(session, { ...put(A, 'a'), ephemeral: true } as never)?.code).toBe(SessionCode.aborted);
  });
});

describe('a session that is told whose the lock is which it wants', () => {
  const HOLDER = '2.5.0.other' as TransactionId;

  /** Asks for a lock, and is answered; the effects of that. */
  function lock(session: SessionState, answer: Partial<TransactionOutcome>, once?: true): string[] {
    const need = { type: 'KeyLock', key: A } as const;
    ask(session, { type: 'LockInTransaction', need, leaseMs: 0, ...(once && { once }) });
    const [asked] = world.asked.splice(0);
    const outcome = { family: 'transaction', code: TransactionCode.alreadyLocked, ...answer } as const;
    const told = { type: 'Told', outcome } as const;
    return happen(world, session.id, { type: 'Answered', ask: asked?.ask ?? -1, told }).map(
      ({ type }) => type,
    );
  }
  const waits = ({ id }: SessionState) => world.sessions.get(id)?.waits;

  it('waits for that one, and says so before it answers', () => {
    const session = start({ locking: 'pessimistic' });

    expect(lock(session, { blocker: HOLDER })).toEqual(['Waits', 'Reply']);

    expect(waits(session)).toEqual({ on: HOLDER, operationId: `op${callers}`, until: world.now + LINE_MS });
    expect(world.replies.get(callers)).toMatchObject({
      code: SessionCode.alreadyLocked,
      holder: { node: 2, wall: 5 },
    });
    world.now += 10;
    lock(session, { blocker: '3.1.0.x' as TransactionId });
    expect(waits(session)).toEqual({
      on: '3.1.0.x',
      operationId: `op${callers}`,
      until: world.now + LINE_MS,
    });
  });

  it('waits for nobody when it asks but once, or nobody is named', () => {
    const session = start({ locking: 'pessimistic' });

    expect(lock(session, { blocker: HOLDER }, true)).toEqual(['Reply']);
    expect(lock(session, {})).toEqual(['Reply']);
    expect(waits(session)).toBeUndefined();
  });

  it('waits no more when it gets a lock, or is on the way to its end', () => {
    const sessions = [start(), start(), start()] as const;
    for (const session of sessions) lock(session, { blocker: HOLDER });
    const [first, second, third] = sessions;

    lock(first, { code: TransactionCode.locked });
    ask(second, { type: 'Get', key: A });
    end(second, 'CommitTransaction');
    happen(world, third.id, { type: 'Condemned', reason: 'a deadlock' });

    expect(sessions.map(waits)).toEqual([undefined, undefined, undefined]);
    expect(world.sessions.get(second.id)?.phase.type).toBe('Draining');
    expect(lock(second, { blocker: HOLDER })).not.toContain('Waits');
  });
});

describe('what a transaction has read', () => {
  it('must still be so together, even if it wrote nothing', () => {
    const session = start();
    tell(session, { type: 'Get', key: A });
    const other = start();
    tell(other, put(A, 'a'));
    tell(other, put(B, 'b'));
    expect(commit(other)?.code).toBe(SessionCode.committed);
    tell(session, { type: 'Get', key: B });
    expect(commit(session)?.code).toBe(SessionCode.aborted);
  });

  it('is not written by two that have read each other', () => {
    const [one, two] = [start(), start()];
    tell(one, { type: 'Get', key: A });
    tell(two, { type: 'Get', key: B });
    tell(one, put(B, '1'));
    tell(two, put(A, '2'));
    const asked = [end(one, 'CommitTransaction'), end(two, 'CommitTransaction')];
    for (let i = 0; i < 500 && world.sessions.size > 0; i += 1) goOn(world, i * 5, 'well');
    const codes = asked.map((caller) => world.replies.get(caller)?.code);
    expect(codes).not.toEqual([SessionCode.committed, SessionCode.committed]);
    expect(codes).toContain(SessionCode.committed);
  });

  it('includes what was not there', () => {
    const session = start();
    const group = partitionOfKey(A, PARTITIONS);
    tell(session, { type: 'Scan', prefix: A.slice(0, -1), group, limit: 10 });
    tell(session, put(B, 'b'));
    plain(put(`${A}new`, 'phantom'));
    expect(commit(session)?.code).toBe(SessionCode.aborted);
  });

  it('is not looked at again where it was prepared: its own intents keep it', () => {
    const session = start();
    for (const key of [A, B]) {
      tell(session, { type: 'Get', key });
      tell(session, put(key, 'mine'));
    }
    expect(asked(() => end(session, 'CommitTransaction'))).not.toContain('Validate');
    expect(valueOf(B)).toBe('mine');

    const wide = start();
    tell(wide, { type: 'Get', key: `${A}/other` });
    for (const key of [A, B]) {
      tell(wide, { type: 'Get', key });
      tell(wide, put(key, 'again'));
    }
    expect(asked(() => end(wide, 'CommitTransaction')).filter((type) => type === 'Validate')).toHaveLength(1);
  });

  it('does not keep two who write without looking from committing both', () => {
    const [one, two] = [start(), start()];
    tell(one, put(A, '1'));
    tell(two, put(A, '2'));
    expect(commit(one)?.code).toBe(SessionCode.committed);
    expect(commit(two)?.code).toBe(SessionCode.committed);
    expect(valueOf(A)).toBe('2');
  });
});

describe('a commit whose answer is lost', () => {
  it('at once: is found to be committed', () => {
    const session = start();
    tell(session, put(A, 'a'));
    const committing = end(session, 'CommitTransaction');
    goOn(world, 0, 'well');
    goOn(world, 0, 'lost');
    expect(answerTo(committing)?.code).toBe(SessionCode.committed);
    expect(valueOf(A)).toBe('a');
  });

  it('at once: never takes effect after it was told to be aborted', () => {
    const session = start();
    tell(session, put(A, 'a'));
    const committing = end(session, 'CommitTransaction');
    const [late] = world.asked;
    if (late === undefined) throw new Error('nothing was asked');
    world.asked = [];
    happen(world, session.id, { type: 'Answered', ask: late.ask, told: { type: 'Lost', reason: 'late' } });
    expect(answerTo(committing)?.code).toBe(SessionCode.aborted);
    execute(world, late.operation, late.requestId);
    expect(valueOf(A)).toBeUndefined();
  });

  it('of the decision: is asked for until it is known', () => {
    const session = start();
    tell(session, put(A, 'a'));
    tell(session, put(B, 'b'));
    const committing = end(session, 'CommitTransaction');
    for (let i = 0; i < 50 && !world.asked.some(isDecided); i += 1) goOn(world, 0, 'well');
    goOn(world, world.asked.findIndex(isDecided), 'lost');
    expect(world.replies.get(committing)).toBeUndefined();
    world.now += 2_000;
    happen(world, session.id, { type: 'TimeCame' });
    expect(answerTo(committing)?.code).toBe(SessionCode.committed);
    expect([valueOf(A), valueOf(B)]).toEqual(['a', 'b']);
  });

  it('with its coordinator: is undone by others before the decision, and finished after it', () => {
    const left = (until: (session: TransactionId) => boolean): readonly (string | undefined)[] => {
      world = emptyWorld(PARTITIONS);
      const session = start();
      tell(session, put(A, 'a'));
      tell(session, put(B, 'b'));
      end(session, 'CommitTransaction');
      for (let i = 0; i < 50 && !until(session.id); i += 1) goOn(world, 0, 'well');
      crash(world);
      world.asked = [];
      recover(world);
      return [valueOf(A), valueOf(B)];
    };
    expect(left(() => world.asked.some(({ operation }) => operation.type === 'Decide'))).toEqual([
      undefined,
      undefined,
    ]);
    expect(left(() => world.asked.some(({ operation }) => operation.type === 'Settle'))).toEqual(['a', 'b']);
  });
});

function isDecided({ operation, outcome }: World['asked'][number]): boolean {
  return operation.type === 'Decide' && outcome !== undefined;
}

describe('what is shown with a lock', () => {
  const lock = { type: 'LockInTransaction', need: { type: 'KeyLock', key: A }, leaseMs: 0 } as const;
  const get = { type: 'Get', key: A } as const;

  it('need not be asked for again, to write or to read', () => {
    plain(put(A, 'old'));
    const session = start({ locking: 'pessimistic' });
    expect(asked(() => ask(session, put(A, 'new')))).toEqual(['AcquireTransactionLocks']);
    const other = start({ locking: 'pessimistic' });
    let reader = 0;
    expect(asked(() => ask(other, lock))).toEqual(['AcquireTransactionLocks']);
    expect(asked(() => (reader = ask(other, get)))).toEqual([]);
    expect(answerTo(reader)?.outcome).toMatchObject({ code: KeyValueCode.got, value: bytes('old') });
    const compared = { ...put(A, 'new', SetFlag.ifEqualToValue), compareValue: bytes('old') };
    expect(asked(() => (reader = ask(other, compared as KeyValueOperation)))).toEqual([]);
    expect(answerTo(reader)?.outcome).toMatchObject({ code: KeyValueCode.set, revision: 1 });
  });

  it('must still be so when it commits', () => {
    const session = start({ locking: 'pessimistic' });
    tell(session, lock);
    expect(tell(session, get)?.outcome).toMatchObject({ code: KeyValueCode.doesNotExist });
    tell(session, put(B, 'because there is none'));
    // The lock was lost with its leader.
    plain(put(A, 'there'));
    expect(commit(session)).toMatchObject({ code: SessionCode.aborted });
    expect(valueOf(B)).toBeUndefined();
  });

  it('is no more to be believed once the lock was given up, or has run out', () => {
    const session = start();
    tell(session, lock);
    tell(session, { type: 'UnlockInTransaction', need: lock.need });
    expect(asked(() => ask(session, get))).toEqual(['Get']);
    tell(session, lock);
    expect(asked(() => ask(session, get))).toEqual(['Get']);

    const other = start();
    tell(other, { ...lock, leaseMs: 100 });
    expect(asked(() => ask(other, get))).toEqual([]);
    world.now += 200;
    expect(asked(() => ask(other, get))).toEqual(['Get']);
    tell(other, lock);
    expect(asked(() => ask(other, get))).toEqual(['Get']);
  });

  it('is not the value where that is long, but what a write needs', () => {
    plain(put(A, 'x'.repeat(MAX_TOLD_VALUE_BYTES + 1)));
    const session = start();
    tell(session, lock);
    expect(asked(() => ask(session, { type: 'Exists', key: A }))).toEqual([]);
    expect(asked(() => ask(session, get))).toEqual(['Get']);
    expect(asked(() => ask(session, put(A, 'short')))).toEqual([]);
    expect(commit(session)).toMatchObject({ code: SessionCode.committed });
  });

  it('was so at one moment, if one answer showed it all: then there is nothing to be validated', () => {
    const near = `${A}/near`;
    const both = { ...lock, also: [{ type: 'KeyLock', key: `${A.slice(0, -1)}y` }] } as const;
    const session = start();
    tell(session, both);
    tell(session, get);
    tell(session, { ...get, key: `${A.slice(0, -1)}y` });
    expect(asked(() => end(session, 'CommitTransaction'))).toEqual(['ReleaseTransactionLocks']);

    const other = start();
    tell(other, lock);
    tell(other, { ...lock, need: { type: 'KeyLock', key: near } });
    tell(other, get);
    tell(other, { ...get, key: near });
    expect(asked(() => end(other, 'CommitTransaction'))).toContain('Validate');
  });

  it('lets go of the locks by itself where it writes, unless they were renewed', () => {
    const session = start({ locking: 'pessimistic' });
    tell(session, put(A, 'one'));
    expect(asked(() => end(session, 'CommitTransaction'))).toEqual(['CommitAtOnce']);

    const wide = start({ locking: 'pessimistic' });
    tell(wide, put(A, 'two'));
    tell(wide, { ...lock, need: { type: 'KeyLock', key: B } });
    expect(asked(() => end(wide, 'CommitTransaction'))).toEqual(['CommitAtOnce', 'ReleaseTransactionLocks']);

    const two = start({ locking: 'pessimistic' });
    tell(two, put(A, 'three'));
    tell(two, put(B, 'three'));
    expect(asked(() => end(two, 'CommitTransaction'))).not.toContain('ReleaseTransactionLocks');

    const late = start({ locking: 'pessimistic' });
    tell(late, put(A, 'four'));
    world.now += RENEW_EVERY_MS;
    happen(world, late.id, { type: 'TimeCame' });
    run();
    expect(asked(() => end(late, 'CommitTransaction'))).toEqual(['CommitAtOnce', 'ReleaseTransactionLocks']);
  });
});
