import { beforeEach, describe, expect, it } from 'vitest';
import {
  applyCommand,
  EMPTY_PARTITION,
  executeRead,
  KeyValueCode,
  LockCode,
  logIndex,
  mapDelete,
  mapGet,
  mapSet,
  nodeId,
  revision,
  SequenceCode,
  SetFlag,
  type Command,
  type KeyEntry,
  type KeyValueOutcome,
  type LockEntry,
  type LockOutcome,
  type Operation,
  type Outcome,
  type PartitionState,
  type ReadOperation,
  type RequestId,
  type SequenceEntry,
  type SequenceOutcome,
} from '../../../core/index.js';
import {
  checkGift,
  checkRead,
  checkWritten,
  compareAll,
  compareChanges,
  createReference,
  execute,
  type Reference,
} from '../../../sim/check/reference.js';
import { verdictOf } from './support/states.js';

const WINDOW = 100;
const owner = (name: string): Uint8Array => new TextEncoder().encode(name);

let reference: Reference;
let state: PartitionState;
let told: Outcome[];

beforeEach(() => {
  reference = createReference(1);
  state = EMPTY_PARTITION;
  told = [];
});

/** Commits a command, at the reference and at an honest replica; its outcome. */
function commit(operation: Operation, added: Pick<Command, 'lapsed' | 'take'> = {}): Outcome {
  const index = logIndex(state.applied + 1);
  const command: Command = {
    requestId: `r${index}` as RequestId,
    basis: logIndex(0),
    stampedAt: { node: nodeId(1), wall: (1_000 * index) as never, counter: 0 },
    operation,
    ...added,
  };
  execute(reference, command, WINDOW);
  const applied = applyCommand(state, index, command, WINDOW);
  state = applied.state;
  told.push(applied.outcome);
  return applied.outcome;
}

const set = (key: string, text: string, changes: object = {}): Operation => ({
  type: 'Set',
  key,
  value: owner(text),
  flags: SetFlag.set,
  compareValue: null,
  compareRevision: revision(0),
  ...changes,
});
const acquire = (who: string, expiresMs = 50): Operation => ({
  type: 'AcquireLock',
  resource: 'l',
  owner: owner(who),
  expiresMs,
});
const release = (who: string): Operation => ({ type: 'ReleaseLock', resource: 'l', owner: owner(who) });
const extend = (who: string, expiresMs: number): Operation => ({
  type: 'ExtendLock',
  resource: 'l',
  owner: owner(who),
  expiresMs,
});
const reserve = (count: number, idempotencyKey?: string): Operation => ({
  type: 'ReserveSequence',
  name: 's',
  count,
  ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
});
const lapse = (space: 'key' | 'lock', name: string, armedAt: number): Pick<Command, 'lapsed'> => ({
  lapsed: [{ space, name, armedAt: logIndex(armedAt) }],
});

/** Of a sequence that the first command made. */
const CREATED = { node: nodeId(1), wall: 1_000 as never, counter: 0 };

function agree(): void {
  expect(verdictOf(() => compareAll(reference, 1, state))).toBe('holds');
  expect(verdictOf(() => compareChanges(reference, 1, 0, state))).toBe('holds');
  told.forEach((outcome, i) => {
    if (reference.effects[i + 1]?.read !== undefined) return;
    expect(verdictOf(() => checkWritten(reference, 1, `r${i + 1}`, i + 1, outcome))).toBe('holds');
  });
}

const refused = (changed: PartitionState): string => verdictOf(() => compareAll(reference, 1, changed));

describe('the reference agrees with an honest replica', () => {
  it('about grants, extensions, ends and releases of a lock', () => {
    const codes = [
      commit(acquire('a')),
      commit(acquire('a', 900)),
      commit(acquire('b')),
      commit(extend('a', 20)),
      commit(extend('b', 20)),
      // The grant at 1 was extended at 4, so its end means nothing.
      commit(acquire('b'), lapse('lock', 'l', 1)),
      commit(extend('a', 20), lapse('lock', 'l', 4)),
      commit(release('b')),
      commit(release('a')),
      commit(release('a')),
      commit(acquire('b')),
      commit(acquire('b'), lapse('lock', 'l', 11)),
    ].map(({ code }) => code);

    expect(codes).toEqual([
      LockCode.locked,
      LockCode.locked,
      LockCode.busy,
      LockCode.extended,
      LockCode.invalidOwner,
      LockCode.busy,
      LockCode.lockDoesNotExist,
      LockCode.invalidOwner,
      LockCode.unlocked,
      LockCode.lockDoesNotExist,
      LockCode.locked,
      LockCode.locked,
    ]);
    agree();
  });

  it('about keys with a time to live, their ends and their history', () => {
    commit(set('k', '0', { expiresMs: 50 }));
    commit({ type: 'Extend', key: 'k', expiresMs: 9 });
    commit(set('k', '1', { flags: SetFlag.ifNotExists, expiresMs: 50 }), lapse('key', 'k', 1));
    commit(set('k', '1', { flags: SetFlag.ifNotExists, expiresMs: 50 }), lapse('key', 'k', 2));
    commit({ type: 'Get', key: 'k' }, lapse('key', 'k', 4));
    commit(set('k', '2', { flags: SetFlag.noRevision }));
    commit({ type: 'Delete', key: 'k' });
    for (let i = 0; i < 20; i += 1) commit(set('k', `${i}`));

    expect(told.slice(0, 4).map(({ code }) => code)).toEqual([
      KeyValueCode.set,
      KeyValueCode.extended,
      KeyValueCode.notSet,
      KeyValueCode.set,
    ]);
    agree();
  });

  it('about blocks, parts of them, replays and limits of a sequence', () => {
    commit({ type: 'CreateSequence', name: 's', initialValue: -1, increment: 3, maxValue: 40 });
    commit(reserve(2), { take: { type: 'Block', window: 5 } });
    const part = { type: 'Part', start: 8, revision: 1, incarnation: 0, createdAt: CREATED } as const;
    commit(reserve(1, 'x'), { take: part });
    commit(reserve(1, 'x'), { take: { type: 'Block', window: 1 } });
    commit(reserve(2, 'x'));
    commit({ type: 'UpdateSequence', name: 's', blockSize: 4 });
    commit(reserve(1, 'y'), { take: { ...part, start: 11 } });
    commit(reserve(99));
    commit({ type: 'UpdateSequence', name: 's', maxValue: -9 });
    commit({ type: 'DeleteSequence', name: 's' });
    commit(reserve(1));
    commit({ type: 'CreateSequence', name: 's', initialValue: 0, increment: 1 });
    commit({ type: 'CreateSequence', name: 's', initialValue: 0, increment: 1 });

    expect(told.slice(4, 11).map(({ code }) => code)).toEqual([
      SequenceCode.invalidInput,
      SequenceCode.success,
      SequenceCode.success,
      SequenceCode.maxValueExceeded,
      SequenceCode.invalidInput,
      SequenceCode.success,
      SequenceCode.notFound,
    ]);
    agree();
  });
});

describe('the reference refuses', () => {
  beforeEach(() => {
    commit(acquire('a'));
    commit(set('k', '0', { expiresMs: 50 }));
    commit(set('k', '1', { expiresMs: 60 }));
    commit({ type: 'CreateSequence', name: 's', initialValue: 0, increment: 1 });
    commit(reserve(1, 'x'), { take: { type: 'Block', window: 5 } });
  });

  const lock = (): LockEntry => mapGet(state.locks, 'l') as LockEntry;
  const key = (): KeyEntry => mapGet(state.keys, 'k') as KeyEntry;
  const sequence = (): SequenceEntry => mapGet(state.sequences, 's') as SequenceEntry;
  const withLock = (changes: Partial<LockEntry>): PartitionState => ({
    ...state,
    locks: mapSet(state.locks, 'l', { ...lock(), ...changes }),
  });
  const withKey = (changes: Partial<KeyEntry>): PartitionState => ({
    ...state,
    keys: mapSet(state.keys, 'k', { ...key(), ...changes }),
  });

  it.each<readonly [string, () => PartitionState]>([
    ['another token', () => withLock({ fencingToken: 7 })],
    ['another owner', () => withLock({ owner: owner('b') })],
    ['a lease that is over', () => withLock({ lapsed: true })],
    ['a lease of another length', () => withLock({ expiresMs: 51 })],
    ['a lease from another place on', () => withLock({ armedAt: logIndex(3) })],
    ['a lock that was forgotten', () => ({ ...state, locks: mapDelete(state.locks, 'l') })],
    ['another time to live', () => withKey({ expiresMs: 61 })],
    ['a key that ended unasked', () => withKey({ lapsedAt: key().lastModified })],
    ['a history that is lost', () => withKey({ history: [] })],
    ['a sequence that was forgotten', () => ({ ...state, sequences: mapDelete(state.sequences, 's') })],
    [
      'a block that is not set aside',
      () => {
        const { record, keyed } = sequence();
        const changed = { record: { ...record, currentValue: 1 }, keyed };
        return { ...state, sequences: mapSet(state.sequences, 's', changed) };
      },
    ],
    [
      'an idempotency key that is lost',
      () => ({ ...state, sequences: mapSet(state.sequences, 's', { ...sequence(), keyed: [] }) }),
    ],
  ])('%s', (_what, make) => {
    expect(refused(state)).toBe('holds');
    expect(refused(make())).toBe('replicas are right');
  });

  it('an answer under another token, or with other values', () => {
    const locked = told[0] as LockOutcome;
    const given = told[4] as SequenceOutcome;

    expect(verdictOf(() => checkWritten(reference, 1, 'r1', 1, { ...locked, fencingToken: 1 }))).toBe(
      'answers are true',
    );
    const allocation = { start: 2, end: 2, count: 1, revision: 1 };
    expect(verdictOf(() => checkWritten(reference, 1, 'r5', 5, { ...given, allocation }))).toBe(
      'answers are true',
    );
  });

  it('a holder who holds no longer', () => {
    const question: ReadOperation = { type: 'GetLock', resource: 'l' };
    const got = executeRead(state, question);
    commit({ type: 'GetLock', resource: 'l' }, lapse('lock', 'l', 1));

    expect(verdictOf(() => checkRead(reference, 1, question, 5, got))).toBe('holds');
    expect(verdictOf(() => checkRead(reference, 1, question, 6, got))).toBe('answers are true');
    expect(verdictOf(() => checkRead(reference, 1, question, 6, told[5] as Outcome))).toBe('holds');
  });

  it('a part that no block has', () => {
    const take = {
      type: 'Part',
      start: 1,
      revision: 1,
      incarnation: 0,
      createdAt: sequence().record.createdAt,
    } as const;

    expect(verdictOf(() => commit(reserve(1, 'y'), { take }))).toBe('values are given once');
  });

  it('a part that is given twice', () => {
    const take = {
      type: 'Part',
      start: 2,
      revision: 1,
      incarnation: 0,
      createdAt: sequence().record.createdAt,
    } as const;
    commit(reserve(1, 'y'), { take });

    expect(verdictOf(() => commit(reserve(1, 'z'), { take }))).toBe('values are given once');
  });
});

describe('values from memory', () => {
  beforeEach(() => {
    commit({ type: 'CreateSequence', name: 's', initialValue: 0, increment: 2, maxValue: 20 });
    commit(reserve(1), { take: { type: 'Block', window: 4 } });
  });

  const gift = (start: number, count = 1, who = 'm'): string =>
    verdictOf(() =>
      checkGift(reference, 1, who, { type: 'ReserveSequence', name: 's', count }, state.applied, {
        family: 'sequence',
        code: SequenceCode.success,
        record: mapGet(state.sequences, 's')?.record ?? null,
        allocation: { start, end: start + (count - 1) * 2, count, revision: 1 },
      }),
    );

  it('are of the block, and nobody else has them', () => {
    expect(gift(4)).toBe('holds');
    expect(gift(6, 2, 'n')).toBe('holds');
    // The same answer to the same request, once more.
    expect(gift(4)).toBe('holds');
    expect(gift(8, 1, 'o')).toBe('values are given once');
  });

  it('are not those of its caller, nor between or beyond them', () => {
    expect(gift(2)).toBe('values are given once');
    expect(gift(5)).toBe('values are given once');
    expect(gift(10)).toBe('values are given once');
  });

  it('are gone when the sequence was changed', () => {
    commit({ type: 'UpdateSequence', name: 's', blockSize: 9 });

    expect(gift(4)).toBe('values are given once');
  });

  it('may be refused where there is no room, and not otherwise', () => {
    const refuse = (count: number): string =>
      verdictOf(() =>
        checkGift(reference, 1, 'm', { type: 'ReserveSequence', name: 's', count }, state.applied, {
          family: 'sequence',
          code: SequenceCode.maxValueExceeded,
          record: null,
          allocation: null,
        }),
      );

    expect(refuse(7)).toBe('holds');
    expect(refuse(6)).toBe('values are given once');
  });
});

describe('reads of the past', () => {
  beforeEach(() => {
    commit(set('k', '0'));
    commit(set('k', '1'));
    commit(set('k', '2', { flags: SetFlag.noRevision, expiresMs: 50 }));
    commit({ type: 'Get', key: 'k' }, lapse('key', 'k', 3));
  });

  const stamp = (index: number): KeyEntry['lastModified'] => ({
    node: nodeId(1),
    wall: (1_000 * index) as never,
    counter: 0,
  });
  const answer = (read: Partial<ReadOperation>, changes: Partial<KeyValueOutcome> = {}): string => {
    const operation = { type: 'Get', key: 'k', ...read } as ReadOperation;
    const honest = executeRead(state, operation) as KeyValueOutcome;
    return verdictOf(() => checkRead(reference, 1, operation, state.applied, { ...honest, ...changes }));
  };

  it('agree with what an honest replica says', () => {
    for (const index of [0, 1, 2, 3, 4, 5]) expect(answer({ at: stamp(index) } as object)).toBe('holds');
    for (const wanted of [0, 1, 2, 3]) expect(answer({ revision: wanted } as object)).toBe('holds');
    expect(answer({})).toBe('holds');
    expect(answer({ type: 'Scan', prefix: 'k', limit: 3 } as object)).toBe('holds');
    expect(answer({ type: 'Scan', prefix: 'k', limit: 3, at: stamp(3) } as object)).toBe('holds');
  });

  it('may say that nobody knows any more only where that is so', () => {
    const errored = { code: KeyValueCode.errored, revision: revision(0), value: null };

    expect(answer({ at: stamp(2) } as object, errored)).toBe('holds');
    expect(answer({ at: stamp(3) } as object, errored)).toBe('answers are true');
    expect(answer({}, errored)).toBe('answers are true');
  });

  it('may not show another version', () => {
    expect(answer({ at: stamp(1) } as object, { code: KeyValueCode.got, revision: revision(1) })).toBe(
      'answers are true',
    );
    expect(answer({ at: stamp(3) } as object, { code: KeyValueCode.doesNotExist })).toBe('answers are true');
    expect(answer({}, { code: KeyValueCode.got })).toBe('answers are true');
  });
});
