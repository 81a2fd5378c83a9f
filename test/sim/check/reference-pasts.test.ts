import { beforeEach, describe, expect, it } from 'vitest';
import {
  applyCommand,
  EMPTY_PARTITION,
  emptyOrderedMap,
  executeRead,
  holdIdOf,
  logIndex,
  mapDelete,
  mapGet,
  mapSet,
  MAX_HISTORY,
  nodeId,
  revision,
  SetFlag,
  wallMs,
  type Command,
  type Floor,
  type HoldEntry,
  type Holds,
  type KeyEntry,
  type Operation,
  type Outcome,
  type PartitionState,
  type RequestId,
  type Timestamp,
} from '../../../core/index.js';
import {
  checkRead,
  checkWritten,
  compareAll,
  compareChanges,
  createReference,
  execute,
  type Reference,
} from '../../../sim/check/reference.js';
import { verdictOf } from './support/states.js';

const WINDOW = 1_000;
/** The time of the command at an index. */
const timeOf = (index: number): Timestamp => ({ node: nodeId(1), wall: wallMs(1_000 * index), counter: 0 });
const ID = holdIdOf('who', timeOf(3));

let reference: Reference;
let state: PartitionState;

beforeEach(() => {
  reference = createReference(1);
  state = EMPTY_PARTITION;
});

/** Commits a command, at the reference and at an honest replica; its outcome. */
function commit(operation: Operation, added: Pick<Command, 'lapsed'> = {}): Outcome {
  const index = logIndex(state.applied + 1);
  const command: Command = {
    requestId: `r${index}` as RequestId,
    basis: logIndex(0),
    stampedAt: timeOf(index),
    operation,
    ...added,
  };
  execute(reference, command, WINDOW);
  const applied = applyCommand(state, index, command, WINDOW);
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
  const KEPT_AT_ONCE = MAX_HISTORY + 4;

  it('keeps what is later, and the newest that is not; once the floor has risen, no more than usual', () => {
    commit(set);
    commit(set);
    commit(floorAt(2, 5));
    for (let i = 0; i < KEPT_AT_ONCE; i += 1) {
      commit(set);
      expect([changes(), all()]).toEqual(['holds', 'holds']);
    }
    const held = mapGet(state.keys, 'k')?.history.length;
    commit(floorAt(1, 4));
    commit(floorAt(state.applied, 6));
    commit(set);

    expect(held).toBe(KEPT_AT_ONCE);
    expect([changes(), all()]).toEqual(['holds', 'holds']);
    expect(mapGet(state.keys, 'k')?.history.length).toBe(MAX_HISTORY);
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

  it('is wrong when it forgets what is held', () => {
    commit(set);
    commit(floorAt(1, 5));
    for (let i = 0; i < KEPT_AT_ONCE; i += 1) commit(set);
    const entry = mapGet(state.keys, 'k') as KeyEntry;
    const forgetful = { ...entry, history: entry.history.slice(0, -1) };

    expect(all({ ...state, keys: mapSet(state.keys, 'k', forgetful) })).toBe('replicas are right');
  });
});
