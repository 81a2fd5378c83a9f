/**
 * Sending a snapshot, chunk by chunk, without stopping the group.
 *
 * Raft says that a follower needs the snapshot; here it is cut up and sent. The image is kept for as long as that takes,
 * and a chunk is made only when it is sent, so a step costs no more than the chunks that leave with it. One chunk goes
 * first; every answer makes room for one more than it took, until the window is full.
 *
 * Nothing is sent twice on a guess: a narrow link would never get free. When no answer comes, the follower is asked how
 * much has arrived, with a message of no size, which links that keep their order bring behind all chunks sent before it;
 * what the answer does not count was lost, and sending goes back to there. So a transfer also goes on after a lost
 * connection, after the follower was offered the same snapshot again, and from the beginning after it was restarted.
 *
 * The values that a chunk refers to come with it. Those that are not in memory are read first, while the rest of the
 * window is on its way.
 *
 * A transfer ends with the leader's term, and when the follower is level with the log again. It waits while the follower
 * is silent, and gives way to another one then, because a node sends a bounded number of them at a time.
 */

import { mixBytes } from '../collections/digest.js';
import { listWith } from '../collections/list.js';
import { emptyRadixArray, radixGet, radixSet } from '../collections/radix-array.js';
import { present } from '../machine/assert.js';
import { monotonicMs, type NodeId } from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import type { Snapshot } from '../raft/messages.js';
import { answersUs, heardFrom, isSilent } from '../raft/progress.js';
import { snapshotMoved } from '../raft/snapshot.js';
import type { Progress } from '../raft/state.js';
import type { ValueReference } from '../partition/value-reference.js';
import { encodeChunk, FIRST_CHUNK, type Chunk, type ChunkPlace } from '../wire/snapshot-chunk.js';
import type { CarriedValue, SnapshotAnswer, SnapshotChunk } from './protocol.js';
import type { ChunkCut, SnapshotSending } from './state.js';
import { groupOf, openedGroup, openGroup, sendAtOnce, type NodeTurn, type OpenGroup } from './turn.js';
import { dropWait, gather, loadForSending, waitOf } from './value-reading.js';
import type { SendingWait } from './value-store.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

const NO_BYTES = new Uint8Array(0);

/** Raft offers a follower its snapshot; called when the group's turn closes. */
export function offerSnapshot(
  turn: NodeTurn,
  opened: OpenGroup,
  peer: NodeId,
  snapshot: Snapshot<PartitionState>,
): void {
  const { node } = turn;
  const { group, term, log } = opened.raft.raft;
  const known = node.sending.find((one) => one.group === group && one.peer === peer);
  const goesOn =
    known !== undefined &&
    known.term === term &&
    // A newer snapshot is no reason to start over, for as long as the log continues the one that is being sent.
    (known.snapshot.index === snapshot.index || known.snapshot.index >= log.baseIndex);
  if (goesOn) {
    snapshotMoved(opened.raft, peer, known.snapshot.index);
    change(turn, known, (sending) => ask(turn, sending));
    return;
  }
  if (known !== undefined) end(turn, known);
  if (!hasPlace(turn)) return;
  const begun: SnapshotSending = {
    group,
    peer,
    term,
    snapshot,
    cuts: radixSet(emptyRadixArray<ChunkCut>(), 0, { place: FIRST_CHUNK, digest: 0 }),
    lastCut: 0,
    acked: 0,
    sent: 0,
    window: 1,
    askAt: turn.now.monotonic,
    busy: false,
  };
  node.sending = listWith(node.sending, begun);
  change(turn, begun, (sending) => sendChunks(turn, sending));
}

/** Whether one more may be sent; one that waits for a silent or busy follower is given up for it. */
function hasPlace(turn: NodeTurn): boolean {
  const { node, options } = turn;
  if (node.sending.length < options.maxSnapshotsSending) return true;
  const waits = node.sending.find((sending) => sending.busy || isLost(turn, progressOf(turn, sending)));
  if (waits === undefined) return false;
  end(turn, waits);
  return true;
}

function progressOf(turn: NodeTurn, { group, peer }: SnapshotSending): Progress | undefined {
  const { raft } = openedGroup(turn, group)?.raft ?? groupOf(turn.node, group);
  return raft.peers.find((known) => known.peer === peer);
}

/** Whether the one who is sent to is no follower any more, or silent. */
function isLost({ now, options }: NodeTurn, progress: Progress | undefined): boolean {
  return progress === undefined || isSilent(progress, now.monotonic, options);
}

/** A follower tells how much of a snapshot has arrived. */
export function snapshotAnswered(turn: NodeTurn, from: NodeId, answer: SnapshotAnswer): void {
  const { group, term, index, snapshotTerm } = answer;
  const known = turn.node.sending.find((one) => one.group === group && one.peer === from);
  if (known === undefined || known.term !== term) return;
  if (known.snapshot.index !== index || known.snapshot.term !== snapshotTerm) return;
  const opened = openGroup(turn, group);
  const { raft } = opened.raft;
  if (raft.term !== term || !answersUs(opened.raft, from)) return;
  heardFrom(opened.raft, from);
  change(turn, known, (sending) => {
    // Left by an earlier transfer of this very snapshot, which was given up for want of a place: it goes on from there.
    if (answer.chunks > sending.lastCut && !cutUpTo(turn, sending, answer.chunks)) return;
    sending.busy = answer.busy;
    if (answer.busy) {
      sending.acked = 0;
      sending.sent = 0;
      return;
    }
    const moved = answer.chunks > sending.acked;
    if (!moved && !answer.asked) return;
    if (moved) snapshotMoved(opened.raft, from, index);
    sending.window = answer.asked ? 1 : Math.min(sending.window + 1, turn.options.maxInflightChunks);
    sending.acked = answer.chunks;
    sending.sent = answer.asked ? answer.chunks : Math.max(sending.sent, answer.chunks);
    sendChunks(turn, sending);
  });
}

/** Looks after the group's transfers; called when its turn closes, and so at every heartbeat. */
export function tendSending(turn: NodeTurn, opened: OpenGroup): void {
  if (turn.node.sending.length === 0) return;
  const { raft } = opened.raft;
  for (const sending of turn.node.sending) {
    if (sending.group !== raft.group) continue;
    const progress = raft.peers.find(({ peer }) => peer === sending.peer);
    const over =
      raft.role !== 'leader' ||
      raft.term !== sending.term ||
      progress === undefined ||
      progress.mode === 'replicate';
    if (over) end(turn, sending);
    else if (turn.now.monotonic >= sending.askAt && !isLost(turn, progress)) {
      change(turn, sending, (changed) => ask(turn, changed));
    }
  }
}

/** Sends what the window has room for. */
function sendChunks(turn: NodeTurn, sending: Mutable<SnapshotSending>): void {
  while (sending.sent < sending.acked + sending.window) {
    const cut = cutAt(sending, sending.sent);
    if (cut.place.in === 'end') break;
    const { bytes, next, references } = cutOff(turn, sending, cut.place);
    const values = valuesFor(turn, sending, references);
    if (values === undefined) break;
    const digest = mixBytes(cut.digest, bytes);
    const part = { number: sending.sent, bytes, digest, last: next.in === 'end' };
    say(turn, sending, values.length === 0 ? part : { ...part, values });
    sending.sent += 1;
    if (sending.sent > sending.lastCut) {
      sending.cuts = radixSet(sending.cuts, sending.sent, { place: next, digest });
      sending.lastCut = sending.sent;
    }
  }
  postponeAsking(turn, sending);
}

/** The chunk that begins there. The values to which it refers come with it, and count as part of it. */
function cutOff(
  turn: NodeTurn,
  { snapshot }: SnapshotSending,
  from: ChunkPlace,
): Chunk & { readonly references: readonly ValueReference[] } {
  const references: ValueReference[] = [];
  const chunk = encodeChunk(snapshot.state, from, turn.options.snapshotChunkBytes, (reference) => {
    references.push(reference);
    return reference.bytes;
  });
  return { ...chunk, references };
}

/** The values that a chunk comes with; undefined while some of them are still to be read from the disk. */
function valuesFor(
  turn: NodeTurn,
  sending: Mutable<SnapshotSending>,
  references: readonly ValueReference[],
): readonly CarriedValue[] | undefined {
  const { group, peer } = sending;
  const wait = sending.wait === undefined ? undefined : waitOf(turn, sending.wait);
  if (wait !== undefined && wait.missing > 0) return undefined;
  const values: CarriedValue[] = [];
  const lacking: ValueReference[] = [];
  const { loaded } = gather(turn, group, references);
  for (const reference of references) {
    const { index } = reference;
    const bytes = radixGet(loaded, index) ?? (wait === undefined ? undefined : radixGet(wait.loaded, index));
    if (bytes === undefined) lacking.push(reference);
    else values.push({ index, bytes });
  }
  forgetWait(turn, sending);
  if (lacking.length === 0) return values;
  let known = loaded;
  for (const { index, bytes } of values) known = radixSet(known, index, bytes);
  const number = loadForSending(turn, group, peer, { loaded: known, missing: lacking });
  if (number !== undefined) sending.wait = number;
  return undefined;
}

function forgetWait(turn: NodeTurn, sending: Mutable<SnapshotSending>): void {
  if (sending.wait === undefined) return;
  dropWait(turn, sending.wait);
  delete sending.wait;
}

/** The values have come for which a transfer waited, if it still does. */
export function valuesLoaded(turn: NodeTurn, { group, peer }: SendingWait): void {
  const known = turn.node.sending.find((one) => one.group === group && one.peer === peer);
  if (known === undefined) return;
  const { raft } = openGroup(turn, group).raft;
  if (raft.role !== 'leader' || raft.term !== known.term) return;
  change(turn, known, (sending) => sendChunks(turn, sending));
}

/** So many chunks are cut again in a turn, at most: the follower is asked once more before the next ones. */
const MOST_CUTS = 32;

/** Finds out where the chunks up to this one begin, without sending them; false if there is more to do, or no such chunk. */
function cutUpTo(turn: NodeTurn, sending: Mutable<SnapshotSending>, chunks: number): boolean {
  for (let made = 0; made < MOST_CUTS && sending.lastCut < chunks; made += 1) {
    const cut = cutAt(sending, sending.lastCut);
    // A follower of another version may cut otherwise; what it has is of no use then, and it will be sent the whole.
    if (cut.place.in === 'end') return false;
    const { bytes, next } = cutOff(turn, sending, cut.place);
    const digest = mixBytes(cut.digest, bytes);
    sending.lastCut += 1;
    sending.cuts = radixSet(sending.cuts, sending.lastCut, { place: next, digest });
  }
  return sending.lastCut >= chunks;
}

function cutAt({ cuts, peer }: SnapshotSending, number: number): ChunkCut {
  return present(radixGet(cuts, number), () => `chunk ${number} to node ${peer} was never reached`);
}

function ask(turn: NodeTurn, sending: Mutable<SnapshotSending>): void {
  say(turn, sending, { number: sending.sent, bytes: NO_BYTES, digest: 0, last: false });
  postponeAsking(turn, sending);
}

function postponeAsking(turn: NodeTurn, sending: Mutable<SnapshotSending>): void {
  sending.askAt = monotonicMs(turn.now.monotonic + 2 * turn.options.heartbeatIntervalMs);
}

function say(
  turn: NodeTurn,
  { group, peer, term, snapshot }: SnapshotSending,
  part: Pick<SnapshotChunk, 'number' | 'bytes' | 'digest' | 'last' | 'values'>,
): void {
  const { index, term: snapshotTerm, config } = snapshot;
  sendAtOnce(turn, peer, { type: 'SnapshotChunk', group, term, index, snapshotTerm, config, ...part });
}

function change(
  turn: NodeTurn,
  known: SnapshotSending,
  how: (sending: Mutable<SnapshotSending>) => void,
): void {
  const changed = { ...known };
  how(changed);
  turn.node.sending = turn.node.sending.map((one) => (one === known ? changed : one));
}

function end(turn: NodeTurn, sending: SnapshotSending): void {
  if (sending.wait !== undefined) dropWait(turn, sending.wait);
  turn.node.sending = turn.node.sending.filter((one) => one !== sending);
}
