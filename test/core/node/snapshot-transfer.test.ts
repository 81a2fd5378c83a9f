import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../core/machine/units.js';
import type { SnapshotAnswer, SnapshotChunk } from '../../../core/node/protocol.js';
import {
  effectsOf,
  restartNode,
  set,
  startReadyCluster,
  startReadyNode,
  type InFlight,
  type TestNode,
} from './support.js';

/** Snapshots after every ten entries, in chunks of one record, with nothing kept behind them. */
const SMALL = {
  snapshotEveryEntries: 10,
  snapshotPercentOfRecords: 0,
  keepEntries: 0,
  maxKeepEntries: 0,
  snapshotChunkBytes: 1,
  maxInflightChunks: 2,
  maxSnapshotsWriting: 1,
};

/** Everybody has the last write but one follower, whose entries are gone from the leader's log. */
function clusterWithStraggler(
  options: Partial<typeof SMALL> & { readonly maxSnapshotsReceiving?: number } = {},
) {
  const cluster = startReadyCluster(3, { ...SMALL, ...options });
  const leader = cluster.leader();
  const id = cluster.ids.find((one) => one !== leader.id) as number;
  const withoutIt = ({ from, to }: InFlight): boolean => from !== id && to !== id;
  for (let i = 0; i < 25; i += 1) {
    cluster.ask(leader.id, i, set(`k${i}`, `${i}`));
    cluster.settle(withoutIt);
  }
  return { cluster, leader, id, follower: (): TestNode => cluster.node(id) };
}

/** Time passes until the leader has sent the straggler a chunk; it waits in the network. */
function untilOffered({ cluster, id }: ReturnType<typeof clusterWithStraggler>): SnapshotChunk {
  for (let i = 0; i < 400; i += 1) {
    cluster.pass(10, ({ message }) => message.type !== 'SnapshotChunk' && message.type !== 'SnapshotAnswer');
    cluster.network = [];
    const { sending } = cluster.leader().state;
    if (sending.length > 0) break;
  }
  const leader = cluster.leader();
  expect(leader.state.sending).toHaveLength(1);
  expect(leader.state.sending[0]?.peer).toBe(id);
  return askAgain(leader);
}

/** Has the leader ask, which makes it send the first chunk again when it hears that nothing has arrived. */
function askAgain(leader: TestNode): SnapshotChunk {
  const [chunk] = answered(leader, 0, true);
  if (chunk === undefined) throw new Error('no chunk was sent');
  return chunk;
}

/** The follower tells the leader that so many chunks have arrived; what the leader sends it then. */
function answered(leader: TestNode, chunks: number, asked: boolean): readonly SnapshotChunk[] {
  const [sending] = leader.state.sending;
  if (sending === undefined) throw new Error('nothing is being sent');
  const { group, term, snapshot, peer } = sending;
  const effects = leader.turn({
    type: 'MessageReceived',
    from: peer,
    message: {
      type: 'SnapshotAnswer',
      group,
      term,
      index: snapshot.index,
      snapshotTerm: snapshot.term,
      chunks,
      asked,
      busy: false,
    },
  });
  return effectsOf(effects, 'Send').flatMap(({ messages }) =>
    messages.flatMap((message) => (message.type === 'SnapshotChunk' ? [message] : [])),
  );
}

function hand(node: TestNode, from: number, chunk: SnapshotChunk): readonly SnapshotAnswer[] {
  const turned = node.turn({ type: 'MessageReceived', from: nodeId(from), message: chunk });
  const completed = node.underWay.length > 0 ? node.complete() : [];
  return effectsOf([...turned, ...completed], 'Send').flatMap(({ messages }) =>
    messages.flatMap((message) => (message.type === 'SnapshotAnswer' ? [message] : [])),
  );
}

describe('a snapshot that is sent in chunks', () => {
  it('brings a follower level, whatever the size of the chunks', () => {
    for (const snapshotChunkBytes of [1, 100, 100_000]) {
      const { cluster, leader, follower } = clusterWithStraggler({ snapshotChunkBytes });
      const behind = follower().group().applied;

      cluster.pass(4000);

      expect(behind).toBeLessThan(5);
      expect(follower().group()).toMatchObject({ digest: leader.group().digest, keys: 25 });
      expect(cluster.leader().state.sending).toEqual([]);
      expect(follower().state.receiving).toEqual([]);
    }
  });

  it('is on the disk of the follower afterwards, and nothing of another', () => {
    const { cluster, follower } = clusterWithStraggler();
    cluster.pass(4000);

    const again = restartNode(follower());

    const numbers = new Set(
      follower()
        .stored.filter(({ key }) => key.includes('/snapshot/'))
        .map(({ key }) => key.split('/')[3]),
    );
    expect(numbers.size).toBe(1);
    expect(again.group().applied).toBeGreaterThan(15);
  });

  it('keeps to its window, which grows with the answers', () => {
    const scene = clusterWithStraggler({ maxInflightChunks: 2 });
    untilOffered(scene);
    const { cluster, leader } = scene;
    const flying: number[] = [];

    for (let i = 0; i < 200 && leader.state.sending.length > 0; i += 1) {
      cluster.pass(10);
      for (const { sent, acked } of leader.state.sending) flying.push(sent - acked);
    }

    expect(Math.max(0, ...flying)).toBeLessThanOrEqual(2);
    expect(leader.state.sending).toEqual([]);
  });

  it('goes on after chunks were lost', () => {
    const scene = clusterWithStraggler();
    const { cluster, leader, follower } = scene;
    let count = 0;
    const lossy = ({ message }: InFlight): boolean => {
      if (message.type !== 'SnapshotChunk' || message.bytes.length === 0) return true;
      count += 1;
      return count % 3 !== 0;
    };

    cluster.pass(12_000, lossy);

    expect(count).toBeGreaterThan(20);
    expect(follower().group().digest).toBe(leader.group().digest);
  });

  it('begins anew when the follower was restarted in the middle', () => {
    const scene = clusterWithStraggler();
    const { cluster, id, leader, follower } = scene;
    const first = untilOffered(scene);
    const answers = hand(follower(), leader.id, first);
    const held = follower().state.receiving.length;

    cluster.restart(id);
    cluster.pass(4000);

    expect(answers).toMatchObject([{ chunks: 1, busy: false }]);
    expect(held).toBe(1);
    expect(follower().group().digest).toBe(cluster.leader().group().digest);
  });

  it('does not make a leader of those that wait: heartbeats go on, and the term stays', () => {
    const { cluster, leader } = clusterWithStraggler();
    const before = leader.group().term;

    cluster.pass(4000);

    expect(cluster.leader().group().term).toBe(before);
  });
});

/** The first chunks of the snapshot that is offered, as the leader sends them when each is acknowledged. */
function chunksOf(scene: ReturnType<typeof clusterWithStraggler>, count: number): readonly SnapshotChunk[] {
  const { leader } = scene;
  const chunks = [untilOffered(scene)];
  while (chunks.length < count) {
    const sent = answered(leader, chunks.length, false);
    const next = sent.filter(({ number, bytes }) => number >= chunks.length && bytes.length > 0);
    if (next.length === 0) throw new Error(`chunk ${chunks.length} was not sent`);
    chunks.push(...next);
  }
  return chunks.slice(0, count);
}

describe('a follower that has more of a snapshot than this transfer has sent', () => {
  /** What it has is left by an earlier transfer of the same snapshot, which was given up for another follower. */
  const more = (options: Partial<typeof SMALL> = {}) => {
    const straggler = clusterWithStraggler(options);
    untilOffered(straggler);
    return straggler.cluster.leader();
  };

  it('is sent what comes after that', () => {
    const leader = more();

    expect(leader.state.sending[0]?.lastCut).toBe(1);
    expect(answered(leader, 9, false).map(({ number }) => number)).toEqual([9, 10]);
  });

  it('is not believed to have more chunks than there are', () => {
    const leader = more();

    expect(answered(leader, 5_000, false)).toEqual([]);
    expect(answered(leader, 5_000, true)).toEqual([]);
    expect(answered(leader, 2, true).map(({ number }) => number)).toEqual([2]);
  });
});

describe('a chunk that overtakes others', () => {
  it('is taken when its turn has come', () => {
    const scene = clusterWithStraggler({ maxInflightChunks: 2 });
    const [first, second, third] = chunksOf(scene, 3) as [SnapshotChunk, SnapshotChunk, SnapshotChunk];
    const { leader, follower } = scene;

    const before = hand(follower(), leader.id, first);
    const early = hand(follower(), leader.id, third);
    const late = hand(follower(), leader.id, second);

    expect([before, early, late].map((answers) => answers.map(({ chunks }) => chunks))).toEqual([
      [1],
      [1],
      [2, 3],
    ]);
    expect(follower().state.receiving).toMatchObject([{ chunks: 3, early: [] }]);
    expect(follower().stored.filter(({ key }) => key.includes('/snapshot/'))).toHaveLength(3);
  });

  it('is kept only as one of a few, and only once', () => {
    const scene = clusterWithStraggler({ maxInflightChunks: 2 });
    const chunks = chunksOf(scene, 5);
    const { leader, follower } = scene;
    hand(follower(), leader.id, chunks[0] as SnapshotChunk);

    for (const at of [2, 2, 4, 3]) hand(follower(), leader.id, chunks[at] as SnapshotChunk);
    const kept = follower().state.receiving[0]?.early.map(({ number }) => number);
    const answers = hand(follower(), leader.id, chunks[1] as SnapshotChunk);

    expect(kept).toEqual([2, 4]);
    expect(answers.map(({ chunks: had }) => had)).toEqual([2, 3]);
    expect(follower().state.receiving).toMatchObject([{ chunks: 3, early: [{ number: 4 }] }]);
  });

  it('does no harm when it is wrong: the right one is taken in its place', () => {
    const scene = clusterWithStraggler({ maxInflightChunks: 2 });
    const [first, second, third] = chunksOf(scene, 3) as [SnapshotChunk, SnapshotChunk, SnapshotChunk];
    const { cluster, leader, follower } = scene;
    const wrong = { ...third, bytes: third.bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) };
    hand(follower(), leader.id, first);
    hand(follower(), leader.id, wrong);

    const answers = hand(follower(), leader.id, second);
    const again = hand(follower(), leader.id, third);
    cluster.pass(4000);

    expect(answers.map(({ chunks }) => chunks)).toContain(2);
    expect(answers.map(({ chunks }) => chunks)).not.toContain(3);
    expect(again.map(({ chunks }) => chunks)).toEqual([3]);
    expect(follower().group().digest).toBe(cluster.leader().group().digest);
  });
});

describe('a follower that receives a snapshot', () => {
  it('takes a chunk once, and says how many it has when it gets one out of turn', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;

    const answers = [
      hand(follower(), leader.id, { ...first, number: 1 }),
      hand(follower(), leader.id, first),
      hand(follower(), leader.id, first),
      hand(follower(), leader.id, { ...first, bytes: new Uint8Array(0) }),
    ].map(([answer]) => [answer?.chunks, answer?.asked]);

    expect(answers).toEqual([
      [0, false],
      [1, false],
      [1, false],
      [1, true],
    ]);
  });

  it('answers a chunk when it is on its disk', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;
    while (follower().underWay.length > 0) follower().complete();

    const effects = follower().turn({ type: 'MessageReceived', from: nodeId(leader.id), message: first });

    const sent = effectsOf(effects, 'Send').flatMap(({ messages }) => messages.map(({ type }) => type));
    const written = effectsOf(effects, 'Persist').flatMap(({ changes }) => changes);
    expect(sent).not.toContain('SnapshotAnswer');
    expect(written).toMatchObject([{ type: 'Put', value: { type: 'SnapshotChunk' } }]);
  });

  it('does not take a chunk that was damaged', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;
    const bytes = first.bytes.slice();
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;

    const [answer] = hand(follower(), leader.id, { ...first, bytes });

    expect(answer).toMatchObject({ chunks: 0 });
  });

  it('gives up what it has for a chunk of another snapshot', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;
    hand(follower(), leader.id, first);
    const other = { ...first, index: (first.index + 1) as typeof first.index };

    const answers = [
      hand(follower(), leader.id, { ...other, number: 1 }),
      hand(follower(), leader.id, other),
    ].map(([answer]) => [answer?.index, answer?.chunks]);

    expect(answers).toEqual([
      [first.index + 1, 0],
      [first.index + 1, 1],
    ]);
    expect(follower().state.receiving).toMatchObject([{ index: first.index + 1, chunks: 1 }]);
    expect(follower().stored.filter(({ key }) => key.includes('/snapshot/'))).toHaveLength(1);
  });

  it('gives it up with the term', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;
    hand(follower(), leader.id, first);
    const { group } = first;
    const term = (first.term + 1) as typeof first.term;

    follower().turn({
      type: 'MessageReceived',
      from: nodeId(leader.id),
      message: { type: 'Group', group, message: { type: 'Heartbeat', term, commit: 0 as never, round: 0 } },
    });
    follower().complete();

    expect(follower().state.receiving).toEqual([]);
    expect(follower().stored.filter(({ key }) => key.includes('/snapshot/'))).toEqual([]);
  });

  it('tells a leader of an older term of its own', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, follower } = scene;
    const older = { ...first, term: (first.term - 1) as typeof first.term };

    const effects = follower().turn({ type: 'MessageReceived', from: nodeId(leader.id), message: older });

    expect(effectsOf(effects, 'Send')).toMatchObject([
      {
        messages: [
          { type: 'HeartbeatAnswers', items: [{ message: { type: 'HeartbeatAnswer', term: first.term } }] },
        ],
      },
    ]);
    expect(follower().state.receiving).toEqual([]);
  });

  it('ends its transfers when it leads no more', () => {
    const scene = clusterWithStraggler();
    const first = untilOffered(scene);
    const { leader, id } = scene;
    const { group } = first;
    const term = (first.term + 1) as typeof first.term;

    leader.turn({
      type: 'MessageReceived',
      from: nodeId(id),
      message: { type: 'Group', group, message: { type: 'HeartbeatAnswer', term, round: 0 } },
    });

    expect(leader.state.sending).toEqual([]);
  });
});

describe('writing a snapshot', () => {
  it('takes a chunk a write, while the group goes on', () => {
    const node = startReadyNode(SMALL);
    for (let i = 0; i < 12; i += 1) {
      node.turn({ type: 'RequestReceived', token: i, request: set(`k${i}`, `${i}`) });
      node.complete();
    }
    const begun = node.group();
    const written = node.state.writing.map(({ chunks }) => chunks);

    node.turn({ type: 'RequestReceived', token: 100, request: set('more', 'x') });
    const chunks = node.underWay.flatMap(({ changes }) =>
      changes.filter((change) => change.type === 'Put' && change.value.type === 'SnapshotChunk'),
    );
    while (node.underWay.length > 0) node.complete();

    expect(written[0]).toBeGreaterThan(0);
    expect(chunks.length).toBeLessThanOrEqual(1);
    expect(node.answers.get(100)?.code).toBe(0);
    expect(node.group().snapshotIndex).toBeGreaterThan(begun.snapshotIndex);
    expect(node.state.writing).toEqual([]);
  });

  it('leaves the old snapshot and the log to a crash in the middle', () => {
    const node = startReadyNode(SMALL);
    for (let i = 0; i < 12; i += 1) {
      node.turn({ type: 'RequestReceived', token: i, request: set(`k${i}`, `${i}`) });
      node.complete();
    }
    const writing = node.state.writing.length;

    const again = restartNode(node);
    again.now += 3000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();

    expect(writing).toBe(1);
    expect(again.group().keys).toBe(12);
  });
});
