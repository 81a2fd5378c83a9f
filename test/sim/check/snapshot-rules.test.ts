import { describe, expect, it } from 'vitest';
import {
  emptyRadixArray,
  writeNumber,
  logIndex,
  nodeId,
  radixSet,
  term,
  type GroupState,
  type NodeEffect,
  type NodeEvent,
  type SnapshotChunk,
  type SnapshotReceiving,
  type SnapshotSending,
  type SnapshotWriting,
} from '../../../core/index.js';
import { checkChunksTaken, checkPartsKept, checkSnapshotWork } from '../../../sim/check/snapshot-rules.js';
import { leader, raft, verdictOf } from './support/states.js';

const LIMITS = {
  maxInflightChunks: 2,
  maxSnapshotsSending: 1,
  maxSnapshotsReceiving: 1,
  maxSnapshotsWriting: 1,
};

const sending = (changes: Partial<SnapshotSending> = {}): SnapshotSending =>
  ({
    group: 1,
    peer: nodeId(2),
    term: term(3),
    acked: 1,
    sent: 3,
    lastCut: 3,
    ...changes,
  }) as SnapshotSending;

const receiving = (changes: Partial<SnapshotReceiving> = {}): SnapshotReceiving =>
  ({ group: 1, from: nodeId(2), term: term(3), index: logIndex(5), ...changes }) as SnapshotReceiving;

const writing = {} as SnapshotWriting;

function judge(
  role: 'leader' | 'follower',
  work: {
    readonly sending?: readonly SnapshotSending[];
    readonly receiving?: readonly SnapshotReceiving[];
    readonly writing?: readonly SnapshotWriting[];
  },
): string {
  const state =
    role === 'leader' ? leader(1, [1, 3], { term: 3 }) : raft(1, [1, 3], { term: 3, leader: nodeId(2) });
  const groups = radixSet(emptyRadixArray<GroupState>(), 1, { raft: state } as GroupState);
  const nothing = { sending: [], receiving: [], writing: [] };
  return verdictOf(() => checkSnapshotWork(1, { groups, ...nothing, ...work }, LIMITS));
}

describe('snapshots that are under way', () => {
  it('may be as many as the limits say', () => {
    expect(judge('leader', { sending: [sending()], writing: [writing] })).toBe('holds');
    expect(judge('follower', { receiving: [receiving()] })).toBe('holds');
  });

  it('may not be more', () => {
    expect(judge('leader', { sending: [sending(), sending()] })).toBe('snapshots are bounded');
    expect(judge('follower', { receiving: [receiving(), receiving()] })).toBe('snapshots are bounded');
    expect(judge('leader', { writing: [writing, writing] })).toBe('snapshots are bounded');
  });

  it('may not have more chunks on their way than the window holds', () => {
    expect(judge('leader', { sending: [sending({ acked: 0 })] })).toBe('windows');
    expect(judge('leader', { sending: [sending({ acked: 4, sent: 3 })] })).toBe('windows');
    expect(judge('leader', { sending: [sending({ sent: 3, lastCut: 2 })] })).toBe('windows');
  });

  it('end with the leadership that sends them', () => {
    expect(judge('follower', { sending: [sending()] })).toBe('transfers end with the term');
    expect(judge('leader', { sending: [sending({ term: term(2) })] })).toBe('transfers end with the term');
    expect(judge('follower', { receiving: [receiving({ term: term(2) })] })).toBe(
      'transfers end with the term',
    );
    expect(judge('follower', { receiving: [receiving({ from: nodeId(3) })] })).toBe(
      'transfers end with the term',
    );
  });

  it('are not received when nothing of them is lacked', () => {
    expect(judge('follower', { receiving: [receiving({ index: logIndex(0) })] })).toBe(
      'snapshots are lacked',
    );
  });
});

describe('what has arrived of a snapshot', () => {
  const part = (changes: Partial<SnapshotReceiving> = {}): SnapshotReceiving =>
    receiving({ snapshotTerm: term(2), number: 7, chunks: 1, early: [], ...changes });
  const work = (...parts: readonly SnapshotReceiving[]) => ({
    groups: emptyRadixArray<GroupState>(),
    sending: [],
    receiving: parts,
    writing: [],
  });
  const chunk = (changes: Partial<SnapshotChunk> = {}): SnapshotChunk =>
    ({
      type: 'SnapshotChunk',
      group: 1,
      term: term(3),
      index: logIndex(5),
      snapshotTerm: term(2),
      number: 1,
      ...changes,
    }) as SnapshotChunk;
  const heard = (message: SnapshotChunk, from = 2): NodeEvent => ({
    type: 'MessageReceived',
    from: nodeId(from),
    message,
  });
  const taken = (events: readonly NodeEvent[], before = part()): string =>
    verdictOf(() => checkChunksTaken(1, work(before), work(part({ chunks: 2 })), events));

  it('grows by the next chunk of the same snapshot', () => {
    expect(taken([heard(chunk())])).toBe('holds');
    expect(taken([], part({ early: [chunk()] }))).toBe('holds');
  });

  it.each([
    ['another index', heard(chunk({ index: logIndex(6) }))],
    ['another term', heard(chunk({ snapshotTerm: term(1) }))],
    ['another place', heard(chunk({ number: 2 }))],
    ['another group', heard(chunk({ group: 2 as SnapshotChunk['group'] }))],
    ['another node', heard(chunk(), 3)],
  ])('does not grow by a chunk of %s', (_what, event) => {
    expect(taken([event])).toBe('snapshots are put together rightly');
  });

  const dropping = (from: string, before: string): NodeEffect => ({
    type: 'Persist',
    write: writeNumber(1),
    changes: [{ type: 'DropRange', from, before }],
  });
  const key = (number: number): string => `group/00000001/snapshot/${String(number).padStart(16, '0')}/`;
  const kept = (effect: NodeEffect): string =>
    verdictOf(() => checkPartsKept(1, work(part()), work(part()), [effect]));

  it('stays on the disk while it is received', () => {
    expect(kept(dropping(key(0), key(7)))).toBe('holds');
    expect(kept(dropping(key(8), key(9)))).toBe('holds');
    expect(kept(dropping(key(0), key(9)))).toBe('snapshots are put together rightly');
  });
});
