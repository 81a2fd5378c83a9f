import { beforeEach, describe, expect, it } from 'vitest';
import {
  applyCommand,
  EMPTY_PARTITION,
  emptyOrderedMap,
  executeRead,
  holdIdOf,
  logIndex,
  KeyValueCode,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  MAX_HISTORY,
  nodeId,
  revision,
  SetFlag,
  wallMs,
  ZERO_TIMESTAMP,
  type Command,
  type Floor,
  type HoldEntry,
  type Holds,
  type KeptApart,
  type KeyEntry,
  type Operation,
  type Outcome,
  type PartitionState,
  type PastPage,
  type ReadOperation,
  type RequestId,
  type Timestamp,
} from '../../../core/index.js';
import {
  checkKnownFloor,
  checkRead,
  checkWritten,
  compareAll,
  compareChanges,
  createReference,
  execute,
  type Reference,
} from '../../../sim/check/reference.js';
import { encodeVersions } from '../../../core/wire/past.js';
import { verdictOf } from './support/states.js';

const WINDOW = 1_000;
/** The time of the command at an index. */
const timeOf = (index: number): Timestamp => ({ node: nodeId(1), wall: wallMs(1_000 * index), counter: 0 });
const ID = holdIdOf('who', timeOf(3));

/** Partitions keep their past in pages, group 0 keeps nothing apart. */
const APART: KeptApart = { separateFrom: Number.POSITIVE_INFINITY, encodeVersions };

let reference: Reference;
let state: PartitionState;

beforeEach(() => {
  reference = createReference(1, true);
  state = EMPTY_PARTITION;
});

/** Commits a command, at the reference and at an honest replica; its outcome. */
function commit(operation: Operation, added: Pick<Command, 'lapsed' | 'trim'> = {}): Outcome {
  const index = logIndex(state.applied + 1);
  const command: Command = {
    requestId: `r${index}` as RequestId,
    basis: logIndex(0),
    stampedAt: timeOf(index),
    operation,
    ...added,
  };
  execute(reference, command, WINDOW);
  const applied = applyCommand(state, index, command, WINDOW, APART);
  state = applied.state;
  return applied.outcome;
}

const set: Operation = {
  type: 'Set',
  key: 'k',
  value: new Uint8Array([1]),
  flags: SetFlag.set,
  compareValue: null,
  compareRevision: revision(0),
};
const acquire: Operation = { type: 'AcquireHold', holder: 'who', timestamp: timeOf(3), leaseMs: 50 };
const floorAt = (index: number, position: number): Operation => ({
  type: 'SetFloor',
  group: 1 as never,
  timestamp: timeOf(index),
  position: logIndex(position),
});
const all = (replica = state): string => verdictOf(() => compareAll(reference, 1, replica));
const changes = (replica = state): string =>
  verdictOf(() => compareChanges(reference, 1, replica.applied - 1, replica));

function holdsOf(replica: PartitionState): Holds {
  if (replica.retention?.type !== 'Holds') throw new Error('there are no holds');
  return replica.retention;
}

function floorOfState(replica: PartitionState): Floor {
  if (replica.retention?.type !== 'Floor') throw new Error('there is no floor');
  return replica.retention;
}

describe('a replica with holds', () => {
  it('is right after each thing that is done with them', () => {
    const steps: readonly (readonly [Operation, Pick<Command, 'lapsed'>?])[] = [
      [acquire],
      [{ type: 'RenewHold', hold: ID, leaseMs: 70 }],
      [{ type: 'RenewHold', hold: 'nobody', leaseMs: 70 }],
      [{ type: 'GetFloor' }, { lapsed: [{ space: 'hold', name: ID, armedAt: logIndex(1) }] }],
      [{ type: 'GetFloor' }, { lapsed: [{ space: 'hold', name: ID, armedAt: logIndex(2) }] }],
      [acquire],
      [{ type: 'ReleaseHold', hold: ID }],
      [{ type: 'ReleaseHold', hold: ID }],
    ];
    for (const [operation, added] of steps) {
      const outcome = commit(operation, added);

      const told = verdictOf(() => checkWritten(reference, 1, undefined, state.applied, outcome));
      expect([operation.type, told, changes(), all()]).toEqual([operation.type, 'holds', 'holds', 'holds']);
    }
  });

  it('is wrong with a hold too few, too many, of another lease or another time', () => {
    commit(acquire);
    const { live, changedAt } = holdsOf(state);
    const entry = mapGet(live, ID);
    if (entry === undefined) throw new Error('it is not held');
    const having = (changed: Holds['live']): PartitionState => ({
      ...state,
      retention: { type: 'Holds', live: changed, changedAt },
    });
    const wrong = [
      mapDelete(live, ID),
      mapSet(live, 'other', entry),
      mapSet(live, ID, { ...entry, armedAt: logIndex(9) }),
      mapSet(live, ID, { ...entry, timestamp: timeOf(4) }),
    ];

    expect(wrong.map((changed) => all(having(changed)))).toEqual(wrong.map(() => 'replicas are right'));
  });

  it('tells the earliest time that is held, and how many holds there are', () => {
    commit(acquire);
    commit({ ...acquire, timestamp: timeOf(2) });
    const outcome = executeRead(state, { type: 'GetFloor' });
    if (outcome.family !== 'hold') throw new Error('no outcome of a hold');
    const judge = (told: Outcome): string =>
      verdictOf(() => checkRead(reference, 1, { type: 'GetFloor' }, state.applied, told));

    expect(judge(outcome)).toBe('holds');
    expect(judge({ ...outcome, floor: timeOf(3) })).toBe('answers are true');
    expect(judge({ ...outcome, live: 1 })).toBe('answers are true');
  });
});

describe('a replica with a floor', () => {
  it('may say that it has it without a command, once it has that one, or a newer one', () => {
    commit(floorAt(2, 5));
    commit(set);
    const known = (position: number, index: number): string => {
      const operation = floorAt(2, position);
      if (operation.type !== 'SetFloor') throw new Error('no floor');
      return verdictOf(() => checkKnownFloor(reference, 1, operation, index));
    };

    expect([known(4, 2), known(5, 2), known(5, 1)]).toEqual(['holds', 'holds', 'holds']);
    expect([known(6, 2), known(5, 0)]).toEqual(['answers are true', 'answers are true']);
  });

  it('is wrong with another floor, or without', () => {
    commit(floorAt(2, 5));
    const { position } = floorOfState(state);
    const without = {
      ...state,
      retention: { type: 'Holds', live: emptyOrderedMap<HoldEntry>(), changedAt: position },
    } as const;

    expect(all(without)).toBe('replicas are right');
    expect(all({ ...state, retention: { type: 'Floor', timestamp: timeOf(1), position } })).toBe(
      'replicas are right',
    );
  });
});

describe('a replica with a past', () => {
  const LONG = 5 * MAX_HISTORY;

  function write(times: number): void {
    for (let i = 0; i < times; i += 1) commit(set);
  }

  /** The rules of retention, which ask for no more than the newest. */
  function trim(keep = 1): void {
    commit({ type: 'Get', key: 'k' }, { trim: { from: '', to: '', keep, before: ZERO_TIMESTAMP } });
  }

  function pagesOf(replica: PartitionState): readonly (readonly [string, PastPage])[] {
    const pages: [string, PastPage][] = [];
    if (replica.past !== undefined) {
      mapForEach(replica.past.pages, (name, page) => void pages.push([name, page]));
    }
    return pages;
  }

  const having = (pages: readonly (readonly [string, PastPage])[]): PartitionState => ({
    ...state,
    past: {
      pages: pages.reduce((map, [name, page]) => mapSet(map, name, page), emptyOrderedMap<PastPage>()),
      written: state.past?.written ?? 0,
    },
  });

  it('is right after each write, and after retention', () => {
    for (let i = 0; i < LONG; i += 1) {
      commit(set);
      expect([changes(), all()]).toEqual(['holds', 'holds']);
    }
    trim(40);
    expect([changes(), all()]).toEqual(['holds', 'holds']);
    write(1);
    expect([changes(), all()]).toEqual(['holds', 'holds']);
    expect(pagesOf(state).length).toBeGreaterThan(0);
  });

  it('is wrong without a page, with one too many, or with one of other revisions or times', () => {
    write(LONG);
    const pages = pagesOf(state);
    const [first, second, ...rest] = pages;
    if (first === undefined || second === undefined) throw new Error('there are too few pages');
    const [name, page] = first;
    const changed = (change: Partial<PastPage>): PartitionState =>
      having([[name, { ...page, ...change }], second, ...rest]);
    const wrong = [
      having([second, ...rest]),
      having([first, ...rest]),
      having([...pages, ['00000001x0000000000000000', { ...page, key: 'x' }]]),
      changed({ newest: revision(page.newest - 1) }),
      changed({ oldest: revision(page.oldest + 1) }),
      changed({ since: page.until }),
      changed({ until: page.since }),
    ];

    expect(wrong.map((replica) => all(replica))).toEqual(wrong.map(() => 'replicas are right'));
  });

  it('is wrong with a version in its memory too few, and with many too many', () => {
    write(LONG);
    const entry = mapGet(state.keys, 'k') as KeyEntry;
    const of = (history: KeyEntry['history']): PartitionState => ({
      ...state,
      keys: mapSet(state.keys, 'k', { ...entry, history }),
    });

    expect(all(of(entry.history.slice(0, -1)))).toBe('replicas are right');
    expect(all(of(entry.history.slice(1)))).toBe('replicas are right');
  });

  it('may lack what retention lets go, and that alone', () => {
    write(LONG);
    const held = pagesOf(state);
    trim(LONG);
    const early = all(having(held.slice(1)));
    trim(30);
    const [oldest, next, ...rest] = held;
    const newer = held.at(-1);
    if (oldest === undefined || next === undefined || newer === undefined) throw new Error('too few pages');

    expect(early).toBe('replicas are right');
    expect(all(having([...rest]))).toBe('holds');
    expect(all(having(held.slice(0, -1)))).toBe('replicas are right');
  });

  it('lacks nothing that is to be seen at the floor, or later', () => {
    write(20);
    commit(floorAt(20, 5));
    write(LONG);
    trim();
    expect(all()).toBe('holds');
    const pages = pagesOf(state);
    const boundary = pages.findIndex(([, { newest }]) => newest >= 19);

    expect(boundary).toBeGreaterThanOrEqual(0);
    expect(all(having(pages.slice(boundary + 1)))).toBe('replicas are right');
  });

  it('is read rightly only where it is told what was, unless retention may have let that go', () => {
    write(LONG);
    const read: ReadOperation = { type: 'Get', key: 'k', revision: revision(3) };
    const lost = {
      code: KeyValueCode.errored,
      revision: revision(-1),
      value: null,
      lastModified: ZERO_TIMESTAMP,
    };
    const judge = (): string => verdictOf(() => checkRead(reference, 1, read, state.applied, lost));
    const before = judge();
    trim(30);

    expect([before, judge()]).toEqual(['answers are true', 'holds']);
  });
});
