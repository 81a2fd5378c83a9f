/**
 * Receiving a snapshot, chunk by chunk.
 *
 * A follower takes the chunks of one snapshot in their order, each once: the digest in a chunk goes over all bytes before
 * it too, so one that is damaged, or belongs to another snapshot, does not follow. Each is written when it arrives and
 * answered when it is durable, and read into a state that grows beside the group's own, which stays usable; a few that come
 * too early wait for their turn. With the last
 * one the snapshot is whole, and is installed as if it had come in one piece.
 *
 * What has arrived is given up with the term, with the offer of another snapshot, and when it is no longer lacked. A node
 * receives a bounded number of snapshots at a time; one that has lost its sender gives way to a new one.
 */

import { mixBytes } from '../collections/digest.js';
import { added, EMPTY_LIST, listWith } from '../collections/list.js';
import { radixGet } from '../collections/radix-array.js';
import type { NodeId } from '../machine/units.js';
import { isValueOf, type ValueReference } from '../partition/value-reference.js';
import { hearsLeader, lacksSnapshot, snapshotReceived } from '../raft/snapshot.js';
import { afterHardState } from '../raft/turn.js';
import { decodeChunk, NO_CHUNKS, wholeState } from '../wire/snapshot-chunk.js';
import { dropChunks, putChunk, withSnapshotBegun } from './journal.js';
import type { CarriedValue, SnapshotAnswer, SnapshotChunk } from './protocol.js';
import type { SnapshotReceiving } from './state.js';
import { openGroup, sendAtOnce, sendWhenWritten, type NodeTurn, type OpenGroup } from './turn.js';
import { changeValues, dropGenerations, generationOf, knownValues, putValue } from './value-store.js';

/** A leader sends a part of a snapshot, or asks how much has arrived. */
export function chunkReceived(turn: NodeTurn, from: NodeId, chunk: SnapshotChunk): void {
  if (radixGet(turn.node.groups, chunk.group) === undefined) return;
  const opened = openGroup(turn, chunk.group);
  if (!hearsLeader(opened.raft, from, chunk.term)) return;
  const { index, snapshotTerm, bytes } = chunk;
  const known = turn.node.receiving.find(({ group }) => group === chunk.group);
  if (!lacksSnapshot(opened.raft, from, { index, term: snapshotTerm })) return;
  const same = known !== undefined && isOf(known, from, chunk) ? known : undefined;
  if (bytes.length === 0 || chunk.number !== (same?.chunks ?? 0)) {
    if (same !== undefined && bytes.length > 0 && chunk.number > same.chunks) keepForLater(turn, same, chunk);
    answerCount(turn, opened, from, chunk, same?.chunks ?? 0);
    return;
  }
  if (known !== undefined && same === undefined) giveUp(turn, known);
  if (same === undefined && !hasPlace(turn)) {
    answerCount(turn, opened, from, chunk, 0, true);
    return;
  }
  takeChunk(turn, opened, same ?? begin(turn, opened, from, chunk), chunk);
  takeEarlyChunks(turn, opened, chunk);
}

/** A network that keeps no order would otherwise have most chunks sent twice. */
function keepForLater(turn: NodeTurn, receiving: SnapshotReceiving, chunk: SnapshotChunk): void {
  const { early } = receiving;
  if (early.length >= turn.options.maxInflightChunks) return;
  if (early.some(({ number }) => number === chunk.number)) return;
  const { node } = turn;
  const kept = { ...receiving, early: listWith(early, chunk) };
  node.receiving = node.receiving.map((known) => (known === receiving ? kept : known));
}

/** After `chunk`, takes those that came before it and whose turn it is now. */
function takeEarlyChunks(turn: NodeTurn, opened: OpenGroup, chunk: SnapshotChunk): void {
  for (let taken = -1; ;) {
    const receiving = turn.node.receiving.find(({ group }) => group === chunk.group);
    if (receiving === undefined || receiving.chunks === taken) return;
    const { chunks, early } = receiving;
    const next = early.find(({ number }) => number === chunks);
    if (next === undefined) return;
    taken = chunks;
    takeChunk(turn, opened, receiving, next);
  }
}

function isOf(receiving: SnapshotReceiving, from: NodeId, chunk: SnapshotChunk): boolean {
  const { term, index, snapshotTerm } = receiving;
  return (
    receiving.from === from &&
    term === chunk.term &&
    index === chunk.index &&
    snapshotTerm === chunk.snapshotTerm
  );
}

/** Whether one more may be received; of those whose sender has been silent the longest-known is given up for it. */
function hasPlace(turn: NodeTurn): boolean {
  const { node, options, now } = turn;
  if (node.receiving.length < options.maxSnapshotsReceiving) return true;
  const idle = node.receiving.find(({ heardAt }) => now.monotonic - heardAt > 2 * options.electionTimeoutMs);
  if (idle === undefined) return false;
  giveUp(turn, idle);
  return true;
}

function begin(
  turn: NodeTurn,
  { group }: OpenGroup,
  from: NodeId,
  { term, index, snapshotTerm, group: id }: SnapshotChunk,
): SnapshotReceiving {
  const number = group.journal.nextSnapshot;
  group.journal = withSnapshotBegun(group.journal);
  const heardAt = turn.now.monotonic;
  return {
    group: id,
    from,
    term,
    index,
    snapshotTerm,
    number,
    chunks: 0,
    digest: 0,
    state: NO_CHUNKS,
    early: EMPTY_LIST,
    heardAt,
  };
}

function takeChunk(
  turn: NodeTurn,
  opened: OpenGroup,
  receiving: SnapshotReceiving,
  chunk: SnapshotChunk,
): void {
  const { node } = turn;
  const { group, from, term, index, snapshotTerm, number } = receiving;
  const digest = mixBytes(receiving.digest, chunk.bytes);
  if (digest !== chunk.digest) {
    answerCount(turn, opened, from, chunk, receiving.chunks);
    return;
  }
  node.receiving = node.receiving.filter((known) => known !== receiving);
  const references: ValueReference[] = [];
  const read = decodeChunk(receiving.state, chunk.bytes, (reference) => void references.push(reference));
  const whole = read.ok && chunk.last ? wholeState(read.value) : undefined;
  const values = chunk.values ?? [];
  if (!read.ok || (chunk.last && whole?.applied !== index) || !areValuesOf(references, values)) {
    // Nobody damaged it on the way: the sender means something else by it. From the beginning, it may be of use.
    giveUp(turn, receiving);
    return;
  }
  turn.changes = added(turn.changes, putChunk(group, number, receiving.chunks, chunk.bytes));
  if (values.length > 0) {
    // From the first value on the group is one that keeps values apart.
    changeValues(turn, group, () => undefined);
    for (const value of values) {
      turn.changes = added(turn.changes, putValue(group, generationOf(number), value.index, value.bytes));
    }
  }
  const chunks = receiving.chunks + 1;
  if (whole !== undefined) {
    opened.snapshotRecords = { number, chunks, digest };
    const snapshot = { index, term: snapshotTerm, config: chunk.config, state: whole };
    snapshotReceived(opened.raft, from, { type: 'InstallSnapshot', term, snapshot });
    return;
  }
  node.receiving = listWith(node.receiving, {
    group,
    from,
    term,
    index,
    snapshotTerm,
    number,
    chunks,
    digest,
    state: read.value,
    early: receiving.early.filter(({ number: one }) => one >= chunks),
    heardAt: turn.now.monotonic,
  });
  sendWhenWritten(turn, from, answerTo(chunk, chunks, false));
}

/** Whether these are the values for which the references stand, one for one. */
function areValuesOf(references: readonly ValueReference[], values: readonly CarriedValue[]): boolean {
  return (
    references.length === values.length &&
    references.every((reference, at) => {
      const value = values[at];
      return value?.index === reference.index && isValueOf(reference, value.bytes);
    })
  );
}

/** Tells how much there is of the snapshot that a chunk belongs to; it promises nothing but the term. */
function answerCount(
  turn: NodeTurn,
  opened: OpenGroup,
  from: NodeId,
  chunk: SnapshotChunk,
  chunks: number,
  busy = false,
): void {
  const waits = afterHardState(opened.raft) > turn.node.durableWrite;
  const answer = answerTo(chunk, chunks, busy);
  if (waits) sendWhenWritten(turn, from, answer);
  else sendAtOnce(turn, from, answer);
}

function answerTo(chunk: SnapshotChunk, chunks: number, busy: boolean): SnapshotAnswer {
  const { group, term, index, snapshotTerm, bytes } = chunk;
  const asked = bytes.length === 0;
  return { type: 'SnapshotAnswer', group, term, index, snapshotTerm, chunks, asked, busy };
}

/** Gives up what has arrived for the group, where its term is over or the group no longer lacks it. */
export function tendReceiving(turn: NodeTurn, opened: OpenGroup): void {
  const { node } = turn;
  if (node.receiving.length === 0) return;
  const { raft } = opened.raft;
  for (const receiving of node.receiving) {
    if (receiving.group !== raft.group) continue;
    if (receiving.term !== raft.term || receiving.index <= raft.commit) giveUp(turn, receiving);
  }
}

function giveUp(turn: NodeTurn, receiving: SnapshotReceiving): void {
  const { node } = turn;
  const { group, number } = receiving;
  node.receiving = node.receiving.filter((known) => known !== receiving);
  turn.changes = added(turn.changes, dropChunks(group, number));
  if (knownValues(turn, group) === undefined) return;
  const generation = generationOf(number);
  turn.changes = added(turn.changes, dropGenerations(group, generation, generation + 1));
}
