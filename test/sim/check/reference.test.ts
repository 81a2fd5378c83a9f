import { beforeEach, describe, expect, it } from 'vitest';
import {
  applyCommand,
  emptyOrderedMap,
  EMPTY_PARTITION,
  EMPTY_RETRY_TABLE,
  KeyValueCode,
  logIndex,
  mapDelete,
  mapGet,
  mapSet,
  nodeId,
  revision,
  SetFlag,
  type Command,
  type KeyEntry,
  type KeyValueOutcome,
  type Outcome,
  type PartitionState,
  type RequestId,
  type Value,
  type WriteOperation,
} from '../../../core/index.js';
import {
  checkForgotten,
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

let reference: Reference;
let state: PartitionState;
let outcomes: Outcome[];

beforeEach(() => {
  reference = createReference(1);
  state = EMPTY_PARTITION;
  outcomes = [];
});

const bytes = (text: string): Value => new TextEncoder().encode(text);

function set(key: string, value: Value, flags: number = SetFlag.set, changes: object = {}): WriteOperation {
  return { type: 'Set', key, value, flags, compareValue: null, compareRevision: revision(0), ...changes };
}

const drop = (key: string): WriteOperation => ({ type: 'Delete', key });

/** Commits a write, at the reference and at an honest replica. */
function commit(requestId: string, operation: WriteOperation): void {
  const command: Command = {
    requestId: requestId as RequestId,
    basis: logIndex(0),
    stampedAt: { node: nodeId(1), wall: outcomes.length as never, counter: 0 },
    operation,
  };
  execute(reference, command, WINDOW);
  const applied = applyCommand(state, logIndex(state.applied + 1), command, WINDOW);
  state = applied.state;
  outcomes.push(applied.outcome);
}

function changed(key: string, change: Partial<KeyEntry>): PartitionState {
  const entry = mapGet(state.keys, key) as KeyEntry;
  return { ...state, keys: mapSet(state.keys, key, { ...entry, ...change }) };
}

describe('the reference agrees with an honest replica', () => {
  it('about every condition, tombstone and repetition', () => {
    commit('1', set('a', bytes('x'), SetFlag.set | SetFlag.ifExists));
    commit('2', set('a', bytes('x'), SetFlag.set | SetFlag.ifNotExists));
    commit('3', set('a', bytes('xy'), SetFlag.set | SetFlag.ifEqualToValue, { compareValue: bytes('x') }));
    commit('4', set('a', bytes('z'), SetFlag.set | SetFlag.ifEqualToValue, { compareValue: bytes('x') }));
    commit('5', drop('a'));
    commit('6', drop('a'));
    commit('3', set('a', bytes('xy'), SetFlag.set | SetFlag.ifEqualToValue, { compareValue: bytes('x') }));
    commit('7', set('a', null, SetFlag.set | SetFlag.ifEqualToRevision, { compareRevision: 2 }));
    commit('8', set('b', bytes('')));
    commit('8', drop('b'));

    expect(verdictOf(() => compareAll(reference, 1, state))).toBe('holds');
    expect(verdictOf(() => compareChanges(reference, 1, 0, state))).toBe('holds');
    outcomes.forEach((told, i) => {
      const id = reference.effects[i + 1]?.requestId;
      expect(verdictOf(() => checkWritten(reference, 1, id, i + 1, told))).toBe('holds');
    });
  });

  it('about a replica that is behind', () => {
    commit('1', set('a', bytes('x')));
    const behind = state;
    commit('2', drop('a'));
    commit('3', set('b', bytes('y')));

    expect(verdictOf(() => compareAll(reference, 2, behind))).toBe('holds');
  });

  it('about what may be forgotten', () => {
    commit('1', set('a', bytes('x')));

    expect(verdictOf(() => checkForgotten(reference, 1, state, WINDOW))).toBe('holds');
  });
});

describe('the reference refuses', () => {
  beforeEach(() => {
    commit('1', set('a', bytes('x')));
    commit('2', set('b', bytes('y')));
    commit('3', drop('b'));
  });

  it.each([
    ['another value', (): PartitionState => changed('a', { value: bytes('X') })],
    ['another revision', (): PartitionState => changed('a', { revision: revision(5) })],
    ['a tombstone for a key that is there', (): PartitionState => changed('a', { deleted: true })],
    [
      'a key that was forgotten with its tombstone',
      (): PartitionState => ({ ...state, keys: mapDelete(state.keys, 'b') }),
    ],
    ['no keys at all', (): PartitionState => ({ ...state, keys: emptyOrderedMap() })],
  ])('%s', (_what, make) => {
    expect(verdictOf(() => compareAll(reference, 1, make()))).toBe('replicas are right');
    expect(verdictOf(() => compareChanges(reference, 1, 0, make()))).toBe('replicas are right');
  });

  it('a retry table that has lost a request', () => {
    const forgetful = { ...state, retries: EMPTY_RETRY_TABLE };

    expect(verdictOf(() => compareAll(reference, 1, forgetful))).toBe('requests are remembered');
  });

  it('a retry table that forgets within the window', () => {
    const hasty = { ...state, retries: { ...state.retries, forgotten: logIndex(1) } };

    expect(verdictOf(() => checkForgotten(reference, 1, hasty, WINDOW))).toBe('requests are remembered');
  });

  it('an answer with the outcome of another entry', () => {
    const told = outcomes[1] as Outcome;

    expect(verdictOf(() => checkWritten(reference, 1, '1', 2, told))).toBe('answers are true');
  });

  it('an answer with another outcome', () => {
    const told = { ...(outcomes[0] as KeyValueOutcome), revision: revision(4) };

    expect(verdictOf(() => checkWritten(reference, 1, '1', 1, told))).toBe('answers are true');
  });
});

describe('a read', () => {
  beforeEach(() => {
    commit('1', set('a', bytes('x')));
    commit('2', drop('a'));
  });

  const got = (index: number, told: Partial<KeyValueOutcome>): string => {
    const type = told.code === KeyValueCode.exists ? 'Exists' : 'Get';
    const outcome = { ...(outcomes[0] as KeyValueOutcome), ...told };
    return verdictOf(() => checkRead(reference, 1, { type, key: 'a' }, index, outcome));
  };

  it('may tell what the key was at its index', () => {
    expect(got(1, { code: KeyValueCode.got, value: bytes('x') })).toBe('holds');
    expect(got(1, { code: KeyValueCode.exists })).toBe('holds');
    expect(got(2, { code: KeyValueCode.doesNotExist })).toBe('holds');
  });

  it('may not tell what it was before or after', () => {
    expect(got(2, { code: KeyValueCode.got, value: bytes('x') })).toBe('answers are true');
    expect(got(1, { code: KeyValueCode.doesNotExist })).toBe('answers are true');
    expect(got(1, { code: KeyValueCode.got, value: bytes('y') })).toBe('answers are true');
  });
});
