import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixBytes } from '../../../core/collections/digest.js';
import { simpleConfiguration } from '../../../core/raft/configuration.js';
import type { StorageChange } from '../../../core/machine/machine.js';
import {
  groupId,
  logIndex,
  monotonicMs,
  nodeId,
  term,
  wallMs,
  writeNumber,
  type GroupId,
} from '../../../core/machine/units.js';
import {
  emptyJournal,
  putChunk,
  recordWrite,
  recoverGroups,
  withSnapshotBegun,
  type Journal,
} from '../../../core/node/journal.js';
import type { Stored } from '../../../core/node/protocol.js';
import type { RequestId } from '../../../core/partition/command.js';
import { applyCommand, EMPTY_PARTITION, type PartitionState } from '../../../core/partition/partition.js';
import type { RaftWrite } from '../../../core/raft/durability.js';
import type { Entry, Snapshot } from '../../../core/raft/messages.js';
import { compact } from '../../../core/raft/snapshot.js';
import { restoreRaft } from '../../../core/raft/state.js';
import { closeTurn, receive } from '../../../core/raft/step.js';
import { openTurn } from '../../../core/raft/turn.js';
import { encodeChunk, FIRST_CHUNK } from '../../../core/wire/snapshot-chunk.js';
import { deepFreeze, pureStep } from '../support/pure.js';
import { applyChanges } from './support.js';

type Write = RaftWrite<PartitionState>;

const GROUP = groupId(3);

function entry(of: number, mark: number): Entry {
  return { term: term(of), payload: Uint8Array.of(mark & 255, mark >> 8) };
}

function snapshotAt(index: number, of: number): Snapshot<PartitionState> {
  return {
    index: logIndex(index),
    term: term(of),
    config: simpleConfiguration([]),
    state: { ...EMPTY_PARTITION, applied: logIndex(index) },
  };
}

const nothing: Write = { hardState: undefined, append: undefined, snapshot: undefined, replacesLog: false };

function appended(firstIndex: number, ...entries: Entry[]): Write {
  return { ...nothing, append: { firstIndex: logIndex(firstIndex), entries } };
}

/** Records a write, and before it all chunks of its snapshot. */
function record(journal: Journal, write: Write): ReturnType<typeof recordWrite> {
  if (write.snapshot === undefined) return recordWrite(journal, write);
  const number = journal.nextSnapshot;
  const chunks: StorageChange<Stored>[] = [];
  let digest = 0;
  for (let place = FIRST_CHUNK; place.in !== 'end';) {
    const { bytes, next } = encodeChunk(write.snapshot.state, place, 10);
    chunks.push(putChunk(journal.group, number, chunks.length, bytes));
    digest = mixBytes(digest, bytes);
    place = next;
  }
  const step = recordWrite(withSnapshotBegun(journal), write, { number, chunks: chunks.length, digest });
  return { journal: step.journal, changes: [...chunks, ...step.changes] };
}

/** A disk and the journal that writes to it. */
function emptyDisk(group: GroupId = GROUP) {
  let journal: Journal = deepFreeze(emptyJournal(group));
  const records = new Map<string, Stored>();
  return {
    get journal() {
      return journal;
    },
    records,
    write(write: Write): readonly StorageChange<Stored>[] {
      const step = pureStep(record, journal, write);
      journal = step.journal;
      applyChanges(records, step.changes);
      return step.changes;
    },
    recover: () => recovered(records).get(group),
  };
}

function recovered(records: ReadonlyMap<string, Stored>): ReturnType<typeof recoverGroups> {
  const sorted = [...records]
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return recoverGroups(deepFreeze(sorted));
}

/** A new run of the node: its journal is the one that was read back, its disk the same. */
function restarted(disk: ReturnType<typeof emptyDisk>): ReturnType<typeof emptyDisk> {
  const known = disk.recover();
  if (known === undefined) return disk;
  let { journal } = known;
  const { records } = disk;
  return {
    get journal() {
      return journal;
    },
    records,
    write(write) {
      const step = pureStep(record, journal, write);
      journal = step.journal;
      applyChanges(records, step.changes);
      return step.changes;
    },
    recover: () => recovered(records).get(GROUP),
  };
}

describe('recording a write', () => {
  it('puts term and vote, and the entries of one turn as one segment', () => {
    const disk = emptyDisk();

    const changes = disk.write({
      ...appended(1, entry(1, 1), entry(1, 2)),
      hardState: { term: term(1), vote: nodeId(2) },
    });

    expect(changes).toEqual([
      { type: 'Put', key: 'group/00000003/hard', value: { type: 'HardState', term: 1, vote: 2 } },
      {
        type: 'Put',
        key: 'group/00000003/segment/0000000000000000',
        value: { type: 'Segment', firstIndex: 1, entries: [entry(1, 1), entry(1, 2)] },
      },
    ]);
  });

  it('numbers segments in order, so that their keys are in order too', () => {
    const disk = emptyDisk();

    for (let index = 1; index <= 300; index += 1) disk.write(appended(index, entry(1, index)));

    const keys = [...disk.records.keys()];
    expect([...keys].sort((a, b) => (a < b ? -1 : 1))).toEqual(keys);
    expect(disk.recover()?.image.entries).toHaveLength(300);
  });

  it('a snapshot drops the segments that lie wholly behind it, and only those', () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1), entry(1, 2)));
    disk.write(appended(3, entry(1, 3), entry(1, 4)));
    disk.write(appended(5, entry(1, 5)));

    const changes = disk.write({ ...nothing, snapshot: snapshotAt(3, 1) });

    expect(changes).toMatchObject([
      { type: 'Put', key: 'group/00000003/snapshot/0000000000000000/00000000' },
      { type: 'Put', key: 'group/00000003/snapshot', value: { firstSegment: 1, number: 0, chunks: 1 } },
      {
        type: 'DropRange',
        from: 'group/00000003/snapshot/0000000000000000/',
        before: 'group/00000003/snapshot/0000000000000000/',
      },
      {
        type: 'DropRange',
        from: 'group/00000003/segment/0000000000000000',
        before: 'group/00000003/segment/0000000000000001',
      },
    ]);
    expect(disk.recover()?.image.entries).toEqual([entry(1, 4), entry(1, 5)]);
  });

  it("a snapshot from the leader makes everything before it garbage, but not the same turn's entries", () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1), entry(1, 2), entry(1, 3)));

    disk.write({ ...appended(10, entry(2, 10)), snapshot: snapshotAt(9, 2), replacesLog: true });

    expect(disk.recover()?.image).toMatchObject({ snapshot: { index: 9 }, entries: [entry(2, 10)] });
    expect([...disk.records.keys()].filter((key) => key.includes('segment'))).toHaveLength(1);
  });
});

describe('recording a snapshot that replaces the log', () => {
  it('keeps nothing of the old log, not even entries beyond the snapshot', () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1), entry(1, 2), entry(1, 3)));
    disk.write(appended(4, entry(1, 4)));

    disk.write({ ...nothing, snapshot: snapshotAt(2, 2), replacesLog: true });

    expect(disk.recover()?.image).toMatchObject({ snapshot: { index: 2 }, entries: [] });
  });
});

describe('a turn that overwrites the end of the log and takes a snapshot of what it wrote', () => {
  it('leaves nothing of the old end on the disk', () => {
    const disk = emptyDisk();
    const before = { term: term(18), vote: nodeId(0) };
    const old = Array.from({ length: 75 }, (_, i) => entry(16, i));
    disk.write({ ...appended(1, ...old), hardState: before });
    const voters = [1, 2, 3].map(nodeId);
    const options = {
      heartbeatIntervalMs: 100,
      electionTimeoutMs: 1_000,
      maxAppendBytes: 1_000,
      maxInflightAppends: 4,
      maxInflightBytes: 1_000,
      maxKeepEntries: 0,
      maxKeepBytes: 1_000,
      maxUncommittedBytes: 1_000,
      maxPromotionLag: 0,
      leaseMs: 0,
      maxClockDriftPercent: 0,
      quiesceAfterMs: 0,
    };
    const turn = openTurn<PartitionState>(
      restoreRaft(
        { group: GROUP, self: nodeId(1), voters },
        { ...before, snapshot: undefined, entries: old },
        monotonicMs(0),
        1_000,
      ),
      { options, now: monotonicMs(1), entropy: 1, write: writeNumber(1) },
    );

    receive(turn, nodeId(2), {
      type: 'Append',
      term: term(18),
      previousIndex: logIndex(69),
      previousTerm: term(16),
      entries: [entry(18, 70), entry(18, 71), entry(18, 72)],
      commit: logIndex(72),
    });
    compact(turn, 72, snapshotAt(72, 18).state, 0);
    disk.write(closeTurn(turn) as Write);

    expect(disk.recover()?.image).toMatchObject({ snapshot: { index: 72, term: 18 }, entries: [] });
    disk.write(appended(73, entry(18, 73)));
    expect(disk.recover()?.image.entries).toEqual([entry(18, 73)]);
  });
});

describe('a snapshot in chunks', () => {
  const stateOf = (count: number): PartitionState => {
    let state = EMPTY_PARTITION;
    for (let i = 1; i <= count; i += 1) {
      const command = {
        requestId: `r-${i}` as RequestId,
        basis: logIndex(0),
        stampedAt: { node: nodeId(1), wall: wallMs(1), counter: 0 },
        operation: { type: 'Delete' as const, key: `k${i}` },
      };
      state = applyCommand(state, logIndex(i), command, 100).state;
    }
    return state;
  };
  const snapshot = {
    index: logIndex(9),
    term: term(1),
    config: simpleConfiguration([]),
    state: stateOf(9),
  };

  it('is read back, and those before it and those given up are not', () => {
    const disk = emptyDisk();
    disk.write({ ...nothing, snapshot: snapshotAt(3, 1) });
    disk.records.set('group/00000003/snapshot/0000000000000001/00000000', {
      type: 'SnapshotChunk',
      bytes: Uint8Array.of(9),
    });

    const again = restarted(disk);
    again.write({ ...nothing, snapshot });

    const chunks = [...disk.records.keys()].filter((key) => key.includes('snapshot/'));
    expect(again.recover()?.image.snapshot).toMatchObject({
      index: 9,
      state: { digest: snapshot.state.digest },
    });
    expect(chunks.length).toBeGreaterThan(5);
    expect(chunks.every((key) => key.includes('snapshot/0000000000000002/'))).toBe(true);
  });

  it('says which chunk is missing', () => {
    const disk = emptyDisk();
    disk.write({ ...nothing, snapshot });
    disk.records.delete('group/00000003/snapshot/0000000000000000/00000002');

    expect(() => disk.recover()).toThrow('group 3: chunk 2 of snapshot 0 is missing');
  });

  it('says that the last chunk is missing, and that one is not what was written', () => {
    const disk = emptyDisk();
    disk.write({ ...nothing, snapshot });
    const last = [...disk.records.keys()].filter((key) => key.includes('snapshot/')).pop() as string;
    const held = disk.records.get(last);

    disk.records.delete(last);
    expect(() => disk.recover()).toThrow('but others were found');
    if (held?.type !== 'SnapshotChunk') throw new Error('no chunk');
    disk.records.set(last, { type: 'SnapshotChunk', bytes: Uint8Array.of(...held.bytes, 0x78, 0) });
    expect(() => disk.recover()).toThrow('but others were found');
  });
});

describe('recovery', () => {
  it('of an empty disk knows no group', () => {
    expect(recoverGroups([]).size).toBe(0);
  });

  it('keeps groups apart, beyond nine of them too', () => {
    const records = new Map<string, Stored>();
    for (const id of [1, 9, 10, 16, 255]) {
      const disk = emptyDisk(groupId(id));
      disk.write(appended(1, entry(1, id)));
      for (const [key, value] of disk.records) records.set(key, value);
    }

    const groups = recovered(records);

    expect([...groups].map(([id, { image }]) => [id, image.entries])).toEqual(
      [1, 9, 10, 16, 255].map((id) => [id, [entry(1, id)]]),
    );
  });

  it('lets a later segment override an earlier one from its first index on', () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1), entry(1, 2), entry(1, 3)));
    disk.write(appended(2, entry(2, 9)));

    expect(disk.recover()?.image.entries).toEqual([entry(1, 1), entry(2, 9)]);
  });

  it('ignores garbage that a crash left below the first segment that counts', () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1), entry(1, 2)));
    const garbage = [...disk.records].filter(([key]) => key.includes('segment'));
    disk.write({ ...nothing, snapshot: snapshotAt(2, 1) });
    disk.write(appended(3, entry(1, 3)));
    for (const [key, value] of garbage) disk.records.set(key, value);

    expect(disk.recover()).toMatchObject({
      image: { snapshot: { index: 2 }, entries: [entry(1, 3)] },
      journal: { firstSegment: 1, nextSegment: 2 },
    });
  });

  it('says which segment is missing', () => {
    const disk = emptyDisk();
    for (const index of [1, 2, 3]) disk.write(appended(index, entry(1, index)));
    disk.records.delete('group/00000003/segment/0000000000000001');

    expect(() => disk.recover()).toThrow('group 3: log segment 1 is missing, the next one stored is 2');
  });

  it('says where the log has a gap', () => {
    const disk = emptyDisk();
    disk.write(appended(1, entry(1, 1)));
    disk.write(appended(4, entry(1, 4)));

    expect(() => disk.recover()).toThrow('group 3: log segment 1 begins at 4, but 1 comes before it');
  });
});

/** What a group may do to its log, told by numbers that the model makes sense of. */
type Deed =
  | { readonly type: 'append'; readonly count: number }
  | { readonly type: 'overwrite'; readonly back: number; readonly count: number }
  | { readonly type: 'compact'; readonly part: number }
  | { readonly type: 'install'; readonly ahead: number; readonly count: number }
  | { readonly type: 'vote'; readonly node: number };

const deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ type: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('overwrite' as const),
        back: fc.integer({ min: 1, max: 6 }),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('compact' as const), part: fc.nat(10) }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('install' as const), ahead: fc.nat(8), count: fc.nat(2) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('vote' as const), node: fc.integer({ min: 1, max: 5 }) }),
    },
  ),
  { maxLength: 40, size: 'max' },
);

interface Model {
  readonly term: number;
  readonly vote: number;
  readonly snapshotIndex: number;
  readonly entries: readonly Entry[];
}

/** What a deed writes, and what the disk holds after it, by the plain meaning of the words. */
function perform(model: Model, deed: Deed, mark: number): readonly [Write | undefined, Model] {
  const last = model.snapshotIndex + model.entries.length;
  const fresh = (count: number, of: number): Entry[] =>
    Array.from({ length: count }, (_, i) => entry(of, mark * 8 + i));
  switch (deed.type) {
    case 'append': {
      const entries = fresh(deed.count, model.term);
      return [appended(last + 1, ...entries), { ...model, entries: [...model.entries, ...entries] }];
    }
    case 'overwrite': {
      const from = Math.max(model.snapshotIndex + 1, last + 1 - deed.back);
      const of = model.term + 1;
      const entries = fresh(deed.count, of);
      return [
        { ...appended(from, ...entries), hardState: { term: term(of), vote: nodeId(0) } },
        {
          ...model,
          term: of,
          vote: 0,
          entries: [...model.entries.slice(0, from - model.snapshotIndex - 1), ...entries],
        },
      ];
    }
    case 'compact': {
      const index = model.snapshotIndex + Math.floor((model.entries.length * deed.part) / 10);
      if (index === model.snapshotIndex) return [undefined, model];
      const of = model.entries[index - model.snapshotIndex - 1]?.term ?? 0;
      return [
        { ...nothing, snapshot: snapshotAt(index, of) },
        { ...model, snapshotIndex: index, entries: model.entries.slice(index - model.snapshotIndex) },
      ];
    }
    case 'install': {
      // It may lie inside the log, where the leader's log is another one, or beyond its end.
      const index = Math.max(model.snapshotIndex + 1, last - 3 + deed.ahead);
      const entries = fresh(deed.count, model.term);
      const append = deed.count === 0 ? {} : { append: { firstIndex: logIndex(index + 1), entries } };
      return [
        { ...nothing, ...append, snapshot: snapshotAt(index, model.term), replacesLog: true },
        { ...model, snapshotIndex: index, entries },
      ];
    }
    case 'vote':
      return [
        { ...nothing, hardState: { term: term(model.term), vote: nodeId(deed.node) } },
        { ...model, vote: deed.node },
      ];
  }
}

describe('a journal gives back what was written', () => {
  /** Any number of the dropped segments may still be there: what is dropped a crash may keep. */
  it('for every history, at every moment, whatever garbage is kept, and goes on from there', () => {
    let overwritten = 0;
    let compacted = 0;

    fc.assert(
      fc.property(
        deeds,
        fc.nat(40),
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        (list, crashAt, kept) => {
          let disk = emptyDisk();
          let model: Model = { term: 1, vote: 0, snapshotIndex: 0, entries: [] };
          disk.write({ ...nothing, hardState: { term: term(1), vote: nodeId(0) } });

          list.forEach((deed, mark) => {
            const [write, after] = perform(model, deed, mark + 1);
            if (write !== undefined) {
              const before = new Map(disk.records);
              const changes = disk.write(write);
              model = after;
              const dropped = changes.filter(({ type }) => type === 'DropRange');
              if (dropped.length > 0 && kept[mark % 8] === true) {
                for (const [key, value] of before) if (!disk.records.has(key)) disk.records.set(key, value);
              }
            }
            if (deed.type === 'overwrite') overwritten += 1;
            if (deed.type === 'compact') compacted += 1;
            const image = disk.recover()?.image;
            expect(image?.entries).toEqual(model.entries);
            expect([image?.term, image?.vote, image?.snapshot?.index ?? 0]).toEqual([
              model.term,
              model.vote,
              model.snapshotIndex,
            ]);
            if (mark === crashAt) disk = restarted(disk);
          });
        },
      ),
      { numRuns: 200 },
    );
    expect(Math.min(overwritten, compacted)).toBeGreaterThan(200);
  });
});
