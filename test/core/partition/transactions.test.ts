import { describe, expect, it } from 'vitest';
import { compareTimestamps, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { ImpossibleState } from '../../../core/machine/assert.js';
import { logIndex } from '../../../core/machine/units.js';
import { intentsIn, isAhead } from '../../../core/partition/blocking.js';
import {
  KeyValueCode,
  SetFlag,
  type Operation,
  type ScanOperation,
} from '../../../core/partition/command.js';
import { lapsesIn } from '../../../core/partition/lapse.js';
import { forEachPrepared, NO_TRANSACTIONS } from '../../../core/partition/prepared.js';
import { TransactionCode, transactionPrefix } from '../../../core/partition/transaction-command.js';
import { forEachUnfinished } from '../../../core/partition/transaction-records.js';
import { problemWith } from '../../../core/partition/validate.js';
import { bytes, emptyPartition, exists, get, prolong, remove, set, stamp } from './support.js';
import {
  abort,
  atOnce,
  commit,
  decide,
  drop,
  ELSEWHERE,
  finish,
  getDecision,
  HERE,
  keep,
  prepareElsewhere,
  prepareHere,
  put,
  saw,
  sawRange,
  settle,
  txn,
  validate,
} from './transaction-support.js';

const A = bytes(1);
const B = bytes(2);

const scan = (prefix: string, rest: Partial<ScanOperation> = {}): ScanOperation => ({
  type: 'Scan',
  prefix,
  limit: 10,
  ...rest,
});

/** A partition with the key `k` at revision 0. */
function withKey(): ReturnType<typeof emptyPartition> {
  const partition = emptyPartition();
  partition.apply(set('k', A));
  return partition;
}

describe('prepare', () => {
  it('keeps the key as it is, and tells when', () => {
    const partition = withKey();

    const { outcome, state } = partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }));

    expect(outcome.code).toBe(TransactionCode.prepared);
    expect(outcome.at).toEqual(state.lastModified);
    expect(partition.read(get('k'))).toMatchObject({ revision: 0, value: A });
    expect(mapGet(state.transactions.open, 't')).toBeUndefined();
  });

  it('is stamped later than all that was written before', () => {
    const partition = withKey();
    const before = partition.state.lastModified;

    const { outcome } = partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }), {
      stampedAt: stamp(1),
    });

    expect(compareTimestamps(outcome.at as Timestamp, before)).toBeGreaterThan(0);
  });

  it('names the transaction that was there first, and where its record is', () => {
    const partition = withKey();
    partition.apply(prepareElsewhere('first', { writes: [put('k', B)] }));

    const { outcome, reason } = partition.apply(prepareHere('second', { writes: [put('k', A)] }));

    expect(outcome).toEqual({
      family: 'transaction',
      code: TransactionCode.aborted,
      blocker: txn('first'),
      blockerAnchor: ELSEWHERE,
    });
    expect(reason).toContain('first');
    expect(partition.state.transactions.open.size).toBe(0);
  });

  it.each([
    ['was written', 'k', saw('k', 0), set('k', B)],
    ['was deleted', 'k', saw('k', 0), remove('k')],
    ['came to be', 'new', saw('new', -1), set('new', B)],
  ])('is refused when a key that it read %s', (_what, key, seen, change) => {
    const partition = withKey();
    partition.apply(change);

    const prepare = prepareHere('t', { writes: [put(key, B)], reads: [seen] });

    expect(partition.apply(prepare).outcome.code).toBe(TransactionCode.aborted);
    expect(partition.state.transactions).toBe(NO_TRANSACTIONS);
  });

  it('is refused when a key that it read has ended since, though its revision is the same', () => {
    const partition = emptyPartition();
    partition.apply(set('k', A, { expiresMs: 10 }));
    partition.apply(get('k'), { lapsed: [{ space: 'key', name: 'k', armedAt: logIndex(1) }] });
    const writes = [put('k', B)];

    const seen = partition.apply(prepareHere('t', { writes, reads: [saw('k', 0, true)] })).outcome;
    const gone = partition.apply(prepareHere('u', { writes, reads: [saw('k', 0, false)] })).outcome;

    expect(seen.code).toBe(TransactionCode.aborted);
    expect(gone.code).toBe(TransactionCode.prepared);
  });

  it('may be asked for twice, under another request, and is the same', () => {
    const partition = withKey();
    const first = partition.apply(prepareHere('t', { writes: [put('k', B)] }));

    const again = partition.apply(prepareHere('t', { writes: [put('k', B)], reads: [saw('k', 0)] }));

    expect(again.outcome).toEqual(first.outcome);
    expect(again.state.transactions).toBe(first.state.transactions);
  });

  it.each([abort, commit(stamp(9_000))])('comes too late once it is decided (%o)', (decision) => {
    const partition = withKey();
    if (decision.type === 'Commit') partition.apply(prepareHere('t', { writes: [put('k', B)] }));
    partition.apply(decide('t', decision));
    partition.apply(settle('t', decision));

    const { outcome } = partition.apply(prepareHere('t', { writes: [put('k', B)] }));

    expect(outcome.code).toBe(TransactionCode.aborted);
    expect(partition.state.transactions.prepared.size).toBe(0);
  });

  it('comes too late once its part was settled, where there is no record', () => {
    const partition = withKey();
    partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }));
    partition.apply(settle('t', commit(stamp(9_000))));

    const { outcome } = partition.apply(prepareElsewhere('t', { writes: [put('k', A)] }));

    expect(outcome.code).toBe(TransactionCode.aborted);
  });

  it('is refused once its end may have been forgotten', () => {
    const partition = withKey();
    partition.apply(decide('t', abort), { window: 5 });
    const since = logIndex(1);
    partition.applyNothing(5, 5);
    expect(partition.state.transactions).toBe(NO_TRANSACTIONS);

    const late = { ...prepareHere('t', { writes: [put('k', B)] }), since };

    expect(partition.apply(late, { window: 5 }).outcome.code).toBe(TransactionCode.mustRetry);
    expect(partition.state.retries.indexOf.size).toBe(0);
  });

  it('can open a record and write nothing', () => {
    const partition = emptyPartition();
    const open = prepareHere('t', {});

    const { outcome } = partition.apply(open);

    expect(partition.apply(open).outcome).toEqual(outcome);
    expect(partition.state.transactions.prepared.size).toBe(0);
    expect(partition.apply(decide('t', commit(outcome.at))).outcome.code).toBe(TransactionCode.committed);
  });

  it('does not prolong what does not live', () => {
    const partition = withKey();
    partition.apply(remove('k'));

    const { outcome } = partition.apply(prepareHere('t', { writes: [keep('k', 10)] }));

    expect(outcome.code).toBe(TransactionCode.aborted);
  });
});

describe('who meets an intent', () => {
  function intended(): ReturnType<typeof emptyPartition> {
    const partition = emptyPartition();
    partition.apply(set('a/1', A));
    partition.apply(set('a/3', A));
    partition.apply(set('a/5', A, { expiresMs: 10 }));
    partition.apply(prepareElsewhere('t', { writes: [put('a/2', B), put('a/5', B)] }));
    return partition;
  }

  it.each([set('a/5', A), remove('a/5'), prolong('a/5', 10)])(
    'a plain write has to wait, and is done under the same request when it is settled (%o)',
    (write: Operation) => {
      const partition = intended();

      const refused = partition.apply(write, { requestId: 'r' });
      partition.apply(settle('t', abort));
      const done = partition.apply(write, { requestId: 'r' });

      expect(refused.outcome.code).toBe(KeyValueCode.mustRetry);
      expect(refused.reason).toContain('the transaction t');
      expect(done.outcome.code).toBeLessThan(KeyValueCode.errored);
    },
  );

  it.each<[string, Operation, boolean]>([
    ['a key', get('a/2'), true],
    ['a key', exists('a/5'), true],
    ['another key', get('a/1'), false],
    ['whatever is here', { ...get('a/5'), mode: 'stale' }, false],
    ['what a revision was', get('a/5', { revision: 0 }), false],
    ['a revision to come', get('a/5', { revision: 1 }), true],
    ['the past', get('a/5', { at: stamp(1003) }), false],
    ['the time when it was prepared', get('a/5', { at: stamp(1004) }), true],
    ['the future', get('a/5', { at: stamp(9000) }), true],
    ['a page', scan('a/'), true],
    ['a page of what is here', scan('a/', { mode: 'stale' }), false],
    ['a page of the past', scan('a/', { at: stamp(1003) }), false],
    ['a page that ends before', scan('a/', { limit: 1 }), false],
    ['a page that ends behind', scan('a/', { limit: 2 }), true],
    ['a page up to it', scan('a/', { to: { key: 'a/2', inclusive: false } }), false],
    ['a page from it', scan('a/', { from: { key: 'a/5', inclusive: true } }), true],
    ['a page behind it', scan('a/', { from: { key: 'a/5', inclusive: false } }), false],
    ['a page of others', scan('b/'), false],
  ])('a read of %s (%o) waits: %s', (_what, operation, waits) => {
    const partition = intended();

    expect(intentsIn(partition.state, operation)).toEqual(waits ? [txn('t')] : []);
    const { outcome } = partition.apply(operation);
    expect(outcome.code === KeyValueCode.mustRetry).toBe(waits);
  });

  it('a key does not end while there is an intent on it, and can afterwards', () => {
    const partition = intended();
    const lapsed = [{ space: 'key' as const, name: 'a/5', armedAt: logIndex(3) }];

    expect(lapsesIn(partition.state, get('a/5'), () => true)).toEqual([]);
    partition.apply(get('a/1'), { lapsed });
    partition.apply(settle('t', abort));
    expect(partition.read(get('a/5')).code).toBe(KeyValueCode.got);

    expect(lapsesIn(partition.state, get('a/5'), () => true)).toEqual(lapsed);
    partition.apply(get('a/5'), { lapsed });
    expect(partition.read(get('a/5')).code).toBe(KeyValueCode.doesNotExist);
  });
});

describe('settle', () => {
  it('makes versions of the intents, at the time of the commit and with a history', () => {
    const partition = withKey();
    const writes = [put('k', B), put('new', B, { revisions: 3 })];
    partition.apply(prepareElsewhere('t', { writes }));
    const at = stamp(5_000);

    partition.apply(settle('t', commit(at)));

    expect(partition.read(get('k'))).toMatchObject({ revision: 1, value: B, lastModified: at });
    expect(partition.read(get('k', { revision: 0 })).value).toEqual(A);
    expect(partition.read(get('k', { at: stamp(4_999) })).value).toEqual(A);
    expect(partition.read(get('new'))).toMatchObject({ revision: 2, value: B, lastModified: at });
    expect(partition.read(get('new', { at: stamp(4_999) })).code).toBe(KeyValueCode.doesNotExist);
    expect(partition.state.lastModified).toEqual(at);
    expect(partition.state.transactions.intents.size).toBe(0);
  });

  it('knows what a key was before a transaction that wrote it several times', () => {
    const partition = withKey();
    partition.apply(prepareElsewhere('t', { writes: [put('k', B, { revisions: 3 })] }));
    partition.apply(settle('t', commit(stamp(5_000))));
    partition.apply(set('k', A), { stampedAt: stamp(6_000) });

    expect(partition.read(get('k', { at: stamp(4_999) }))).toMatchObject({ revision: 0, value: A });
    expect(partition.read(get('k', { at: stamp(5_001) }))).toMatchObject({ revision: 3, value: B });
    expect(partition.read(get('k', { revision: 2 })).code).toBe(KeyValueCode.doesNotExist);
  });

  it('never turns the time back', () => {
    const partition = withKey();
    const { outcome } = partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }));
    partition.apply(set('other', A), { stampedAt: stamp(9_000) });

    partition.apply(settle('t', commit(outcome.at)));

    expect(partition.state.lastModified).toEqual(stamp(9_000));
    expect(partition.read(get('k')).lastModified).toEqual(outcome.at);
  });

  it('arms a time to live at the entry that settles', () => {
    const partition = withKey();
    const writes = [put('a', A, { expiresMs: 50 }), keep('k', 70)];
    partition.apply(prepareElsewhere('t', { writes }));

    const { state } = partition.apply(settle('t', commit(stamp(5_000))), { stampedAt: stamp(6_000) });

    const { applied: armedAt } = state;
    expect(mapGet(state.keys, 'a')).toMatchObject({ expiresMs: 50, armedAt, expires: stamp(6_050) });
    expect(mapGet(state.keys, 'k')).toMatchObject({ expiresMs: 70, armedAt, revision: 0, value: A });
  });

  it('leaves out of the history what is to be left out, and deletes', () => {
    const partition = withKey();
    partition.apply(set('gone', A));
    partition.apply(prepareElsewhere('t', { writes: [put('k', B, { noRevision: true }), drop('gone')] }));
    partition.apply(settle('t', commit(stamp(5_000))));

    expect(partition.read(get('k', { revision: 0 })).code).toBe(KeyValueCode.doesNotExist);
    expect(partition.read(get('gone')).code).toBe(KeyValueCode.doesNotExist);
    expect(mapGet(partition.state.keys, 'gone')).toMatchObject({ revision: 1, deleted: true });
  });

  it('of an abort drops the intents', () => {
    const partition = withKey();
    partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }));

    partition.apply(settle('t', abort));

    expect(partition.read(get('k'))).toMatchObject({ revision: 0, value: A });
    expect(partition.apply(set('k', B)).outcome.code).toBe(KeyValueCode.set);
  });

  it.each([abort, commit(stamp(5_000))])('done twice does nothing (%o)', (decision) => {
    const partition = withKey();
    partition.apply(prepareElsewhere('t', { writes: [put('k', B)] }));
    partition.apply(settle('t', decision));
    const before = partition.state;

    const { outcome, state } = partition.apply(settle('t', decision));

    expect(outcome.code).toBe(TransactionCode.done);
    expect(state.keys).toBe(before.keys);
    expect(state.transactions).toBe(before.transactions);
  });

  it('stops where the commit is earlier than the prepare, or the record says otherwise', () => {
    const early = withKey();
    early.apply(prepareElsewhere('t', { writes: [put('k', B)] }));
    const undecided = withKey();
    undecided.apply(prepareHere('t', { writes: [put('k', B)] }));

    expect(() => early.apply(settle('t', commit(stamp(1))))).toThrow(ImpossibleState);
    expect(() => undecided.apply(settle('t', commit(stamp(5_000))))).toThrow(ImpossibleState);
    expect(() => undecided.apply(settle('t', abort))).toThrow(ImpossibleState);
  });
});

describe('decide', () => {
  it('is done once: the first decision stands, and is told', () => {
    const partition = withKey();
    const { outcome } = partition.apply(prepareHere('t', { writes: [put('k', B)] }));
    const committed = {
      family: 'transaction',
      code: TransactionCode.committed,
      at: outcome.at,
      participants: [{ group: HERE }],
    };

    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.undecided);
    expect(partition.apply(decide('t', commit(outcome.at))).outcome).toEqual(committed);
    expect(partition.apply(decide('t', abort)).outcome).toEqual(committed);
    expect(partition.apply(decide('t', commit(stamp(9_000)))).outcome).toEqual(committed);
    expect(partition.read(getDecision('t'))).toEqual(committed);
  });

  it('an abort stands as well', () => {
    const partition = withKey();
    const { outcome } = partition.apply(prepareHere('t', { writes: [put('k', B)] }));

    partition.apply(decide('t', abort));

    expect(partition.apply(decide('t', commit(outcome.at))).outcome).toEqual({
      family: 'transaction',
      code: TransactionCode.aborted,
      participants: [{ group: HERE }],
    });
  });

  it.each([abort, commit(stamp(5_000))])(
    'without a record it is an abort, and leaves one (%o)',
    (decision) => {
      const partition = withKey();

      const { outcome } = partition.apply(decide('t', decision));

      expect(outcome.code).toBe(TransactionCode.aborted);
      expect(partition.read(getDecision('t')).code).toBe(TransactionCode.aborted);
      const late = partition.apply(prepareHere('t', { writes: [put('k', B)] }));
      expect(late.outcome.code).toBe(TransactionCode.aborted);
    },
  );

  it('no commit is earlier than its prepare', () => {
    const partition = withKey();
    partition.apply(prepareHere('t', { writes: [put('k', B)] }));

    const { outcome } = partition.apply(decide('t', commit(stamp(1))));

    expect(outcome.code).toBe(TransactionCode.invalidInput);
    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.undecided);
  });

  it('is not told of a transaction whose end may have been forgotten', () => {
    const partition = emptyPartition();
    partition.applyNothing(9, 5);

    const late = { ...decide('t', commit(stamp(5_000))), since: logIndex(1) };

    expect(partition.apply(late, { window: 5 }).outcome.code).toBe(TransactionCode.mustRetry);
  });

  it('a decision is found by the time of its transaction: the newest of that time', () => {
    const partition = emptyPartition();
    const time = stamp(7, 3, 2);
    partition.apply(decide(`${transactionPrefix(time)}run-1`, abort));
    partition.apply(prepareHere(`${transactionPrefix(time)}run-0`, {}));
    partition.apply(decide(`${transactionPrefix(stamp(7, 31, 2))}run-2`, abort));

    expect(partition.read(getDecision(transactionPrefix(time))).code).toBe(TransactionCode.undecided);
    expect(partition.read(getDecision(transactionPrefix(stamp(8)))).code).toBe(TransactionCode.doesNotExist);
  });
});

describe('records', () => {
  it('are forgotten after the window, and only once they are finished', () => {
    const partition = withKey();
    const { outcome } = partition.apply(prepareHere('t', { writes: [put('k', B)] }));
    partition.apply(decide('t', commit(outcome.at)), { window: 5 });
    partition.apply(settle('t', commit(outcome.at)), { window: 5 });
    partition.applyNothing(20, 5);
    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.committed);

    partition.apply(finish('t'), { window: 5 });
    partition.apply(finish('t'), { window: 5 });
    partition.applyNothing(3, 5);
    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.committed);
    partition.applyNothing(1, 5);

    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.doesNotExist);
    expect(partition.state.transactions).toBe(NO_TRANSACTIONS);
  });

  it('that are not finished are told to who looks after them', () => {
    const partition = withKey();
    partition.apply(prepareHere('undecided', { writes: [put('k', B)] }));
    const { outcome } = partition.apply(prepareHere('decided', { writes: [put('l', B)] }));
    partition.apply(decide('decided', commit(outcome.at)));
    partition.apply(decide('aborted', abort));
    const unfinished: string[] = [];
    const prepared: string[] = [];

    forEachUnfinished(partition.state, (name, { state }) => void unfinished.push(`${name} ${state}`));
    forEachPrepared(partition.state, (name) => void prepared.push(name));

    expect(unfinished).toEqual(['decided Committed', 'undecided Undecided']);
    expect(prepared).toEqual(['decided', 'undecided']);
    expect(partition.apply(finish('undecided')).outcome.code).toBe(TransactionCode.undecided);
  });
});

describe('commit at once', () => {
  it('checks, writes and leaves a record in one step', () => {
    const partition = withKey();
    const reads = [saw('k', 0), sawRange(partition.state, 'k')];
    const writes = [put('k', B), put('l', B, { revisions: 2 }), keep('k2')];
    partition.apply(set('k2', A));
    const other = partition.apply(atOnce('u', { writes: [put('m', A)], reads }));
    expect(other.outcome.code).toBe(TransactionCode.aborted);

    const now = [saw('k', 0), sawRange(partition.state, 'k')];
    const { outcome, state } = partition.apply(atOnce('t', { writes, reads: now }));

    expect(outcome).toMatchObject({ code: TransactionCode.committed, revisions: [1, 1, 0] });
    expect(outcome.at).toEqual(state.lastModified);
    for (const key of ['k', 'l']) {
      expect(partition.read(get(key))).toMatchObject({ revision: 1, value: B, lastModified: outcome.at });
    }
    expect(partition.read(getDecision('t')).code).toBe(TransactionCode.committed);
  });

  it('is done once, whatever its request is called', () => {
    const partition = withKey();
    const first = partition.apply(atOnce('t', { writes: [put('k', B)], reads: [saw('k', 0)] }));

    const again = partition.apply(atOnce('t', { writes: [put('k', B)], reads: [saw('k', 0)] }));

    expect(again.outcome).toEqual(first.outcome);
    expect(again.state.keys).toBe(first.state.keys);
  });

  it('is refused where it was aborted, and where its writes or its reads meet an intent', () => {
    const partition = withKey();
    partition.apply(decide('dead', abort));
    partition.apply(prepareElsewhere('other', { writes: [put('x', B)] }));
    const refusals = [
      atOnce('dead', { writes: [put('k', B)] }),
      atOnce('a', { writes: [put('x', B)] }),
      atOnce('b', { writes: [put('k', B)], reads: [saw('x', -1)] }),
      atOnce('c', { writes: [put('k', B)], reads: [sawRange(partition.state, 'x')] }),
    ].map((operation) => partition.apply(operation).outcome);

    expect(refusals.map(({ code }) => code)).toEqual(Array(4).fill(TransactionCode.aborted));
    expect(refusals.map(({ blocker }) => blocker)).toEqual([undefined, 'other', 'other', 'other']);
    expect(partition.read(get('k')).revision).toBe(0);
  });

  it('is refused once its end may have been forgotten, and where it is prepared', () => {
    const partition = withKey();
    partition.apply(prepareHere('t', { writes: [put('k', B)] }));
    partition.applyNothing(9);
    const since = logIndex(1);

    const late = partition.apply({ ...atOnce('u', { writes: [put('l', B)] }), since }, { window: 5 });
    const prepared = partition.apply(atOnce('t', { writes: [put('k', B)] }));

    expect(late.outcome.code).toBe(TransactionCode.mustRetry);
    expect(prepared.outcome.code).toBe(TransactionCode.errored);
  });
});

describe('validate', () => {
  it('passes what is as it was, its own intents included, and tells how late it is', () => {
    const partition = withKey();
    const seen = partition.state.lastModified;
    partition.apply(set('other', A));
    partition.apply(prepareHere('t', { writes: [put('k', B)] }));

    const reads = [saw('k', 0), saw('absent', -1)];

    expect(partition.read(validate('t', reads))).toMatchObject({ code: TransactionCode.done, at: seen });
    expect(partition.read(validate('t', [sawRange(partition.state, 'k')])).code).toBe(TransactionCode.done);
    expect(partition.read(validate('u', reads))).toMatchObject({
      code: TransactionCode.aborted,
      blocker: 't',
      blockerAnchor: HERE,
    });
  });

  it.each<[string, Operation]>([
    ['a new key', set('k1', B)],
    ['a write', set('k', B)],
    ['a write without a revision', set('k', B, { flags: SetFlag.noRevision })],
    ['a deletion', remove('k')],
  ])('of a range notices %s', (_what, change) => {
    const partition = withKey();
    const range = sawRange(partition.state, 'k');
    partition.apply(change);

    expect(partition.read(validate('t', [range])).code).toBe(TransactionCode.aborted);
    expect(partition.read(validate('t', [sawRange(partition.state, 'k')])).code).toBe(TransactionCode.done);
  });

  it('of a range notices an end, and nothing beyond its bounds', () => {
    const partition = emptyPartition();
    partition.apply(set('k', A, { expiresMs: 10 }));
    const range = sawRange(partition.state, 'k', { to: { key: 'k5', inclusive: true } });
    partition.apply(set('k6', A));
    partition.apply(set('j', A));
    expect(partition.read(validate('t', [range])).code).toBe(TransactionCode.done);

    partition.apply(get('k'), { lapsed: [{ space: 'key', name: 'k', armedAt: logIndex(1) }] });

    expect(partition.read(validate('t', [range])).code).toBe(TransactionCode.aborted);
  });

  it('of a range meets intents on keys that are not there yet', () => {
    const partition = withKey();
    const range = sawRange(partition.state, 'k');
    partition.apply(prepareElsewhere('u', { writes: [put('k7', A)] }));

    expect(partition.read(validate('t', [range])).blocker).toBe('u');
  });
});

describe('reads at a time to which the partition has not come', () => {
  it.each<Operation>([
    get('k', { at: stamp(5_000) }),
    { ...exists('k'), at: stamp(5_000) },
    scan('k', { at: stamp(5_000) }),
    validate('t', [saw('k', 0)], stamp(5_000)),
  ])('bring it there through the log, and nothing is written before (%o)', (operation) => {
    const partition = withKey();
    expect(isAhead(partition.state, operation)).toBe(true);

    partition.apply(operation);
    partition.apply(set('k', B), { stampedAt: stamp(2_000) });

    expect(partition.read(get('k', { at: stamp(5_000) })).value).toEqual(A);
    expect(isAhead(partition.state, operation)).toBe(false);
  });

  it('bring it there also where they wait for an intent', () => {
    const partition = withKey();
    partition.apply(prepareHere('a', { writes: [put('k', B)] }));
    const operation = get('k', { at: stamp(5_000) });

    expect(partition.apply(operation).outcome.code).toBe(KeyValueCode.mustRetry);

    expect(isAhead(partition.state, operation)).toBe(false);
  });

  it('never turn it back', () => {
    const partition = withKey();
    const { lastModified } = partition.state;

    partition.apply(get('k', { at: stamp(1) }));

    expect(partition.state.lastModified).toEqual(lastModified);
  });
});

describe('what coordinators may ask', () => {
  const writes = [put('k', A)];
  const many = Array.from({ length: 4_097 }, (_, i) => put(`k${i}`, null));
  const observations = Array.from({ length: 16_385 }, () => saw('k', 0));

  it.each<[string, Operation]>([
    ['names the partition', atOnce('t', { writes })],
    ['names who takes part', prepareHere('t', {})],
  ])('passes what %s', (_what, operation) => {
    expect(problemWith(operation)).toBeUndefined();
  });

  it.each<[string, Operation]>([
    ['nothing is written', atOnce('t', {})],
    ['nothing is written', prepareElsewhere('t', {})],
    ['the name of a transaction is empty', atOnce('', { writes })],
    ['has 257 characters', atOnce('t'.repeat(257), { writes })],
    ['is written twice', atOnce('t', { writes: [put('k', A), drop('k')] })],
    ['revisions must be', atOnce('t', { writes: [put('k', A, { revisions: 0 })] })],
    ['expiresMs must be', atOnce('t', { writes: [keep('k', 0)] })],
    ['are reserved', atOnce('t', { writes: [put('__kahuna:k', A)] })],
    ['4097 writes', atOnce('t', { writes: many })],
    ['16385 observations', validate('t', observations)],
    ['at most 67108864', atOnce('t', { writes: [put('k', new Uint8Array(64 << 20))] })],
    ['revision of a key', validate('t', [saw('k', -2)])],
    ['the partition must be', { ...atOnce('t', { writes }), group: 0 as typeof HERE }],
    ['who takes part', { ...prepareHere('t', { writes }), anchor: ELSEWHERE }],
    ['named twice', { ...prepareHere('t', { writes }), participants: [{ group: HERE }, { group: HERE }] }],
  ])('is refused where %s', (problem, operation) => {
    expect(problemWith(operation)).toContain(problem);
  });

  it('locks are not for the log', () => {
    const lock: Operation = {
      type: 'AcquireTransactionLocks',
      group: HERE,
      transaction: txn('t'),
      needs: [{ type: 'KeyLock', key: 'k' }],
      leaseMs: 10,
    };

    expect(emptyPartition().apply(lock).outcome.code).toBe(TransactionCode.errored);
  });
});
