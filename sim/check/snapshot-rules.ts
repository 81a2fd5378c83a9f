/**
 * What nodes do about snapshots that are under way: no more of them than they may, nothing beyond the window, and nothing
 * kept of a leadership that is over (design notes, sections 8 and 9, invariant 19).
 */

import {
  radixGet,
  type NodeEffect,
  type NodeEvent,
  type NodeState,
  type SnapshotChunk,
} from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

/** The same fields as in `NodeOptions`. */
export interface SnapshotLimits {
  readonly maxInflightChunks: number;
  readonly maxSnapshotsSending: number;
  readonly maxSnapshotsReceiving: number;
  readonly maxSnapshotsWriting: number;
}

type Work = Pick<NodeState, 'groups' | 'writing' | 'sending' | 'receiving'>;

/** Checks one node after a step. */
export function checkSnapshotWork(node: number, state: Work, limits: SnapshotLimits): void {
  const broken = (property: string, detail: string): never => {
    throw new PropertyBroken(property, `node ${node}: ${detail}`);
  };
  const atMost = (what: string, count: number, limit: number): void => {
    if (count > limit) broken('snapshots are bounded', `it ${what} ${count} at a time, more than ${limit}`);
  };
  atMost('sends', state.sending.length, limits.maxSnapshotsSending);
  atMost('receives', state.receiving.length, limits.maxSnapshotsReceiving);
  atMost('writes', state.writing.length, limits.maxSnapshotsWriting);
  for (const { group, peer, term, acked, sent, lastCut } of state.sending) {
    if (sent - acked > limits.maxInflightChunks || acked > sent || sent > lastCut) {
      broken(
        'windows',
        `group ${group}: of ${lastCut} chunks ${sent} were sent to node ${peer}, ${acked} arrived`,
      );
    }
    const raft = radixGet(state.groups, group)?.raft;
    if (raft?.role !== 'leader' || raft.term !== term) {
      broken(
        'transfers end with the term',
        `group ${group}: it sends node ${peer} a snapshot as leader of term ${term}`,
      );
    }
  }
  for (const { group, from, term, index } of state.receiving) {
    const raft = radixGet(state.groups, group)?.raft;
    if (raft?.term !== term || (raft.leader !== 0 && raft.leader !== from)) {
      broken('transfers end with the term', `group ${group}: it keeps a part of a snapshot of term ${term}`);
    }
    if (raft !== undefined && raft.commit >= index) {
      broken(
        'snapshots are lacked',
        `group ${group}: it receives one at ${index}, committed is ${raft.commit}`,
      );
    }
  }
}

type Receiving = NodeState['receiving'][number];

/** What arrives of a snapshot is put together from chunks of that snapshot alone, in their order. */
export function checkChunksTaken(
  node: number,
  before: Work,
  after: Work,
  events: readonly NodeEvent[],
): void {
  if (before.receiving.length === 0) return;
  for (const now of after.receiving) {
    const known = before.receiving.find(({ group, number }) => group === now.group && number === now.number);
    if (known === undefined) continue;
    for (let number = known.chunks; number < now.chunks; number += 1) {
      const isIt = (chunk: SnapshotChunk): boolean => chunk.number === number && isOf(known, chunk);
      const heard = events.some(
        (event) =>
          event.type === 'MessageReceived' &&
          event.from === known.from &&
          event.message.type === 'SnapshotChunk' &&
          isIt(event.message),
      );
      if (heard || known.early.some(isIt)) continue;
      throw new PropertyBroken(
        'snapshots are put together rightly',
        `node ${node}, group ${now.group}: of the snapshot at ${known.index} it takes chunk ${number}, which was not sent to it`,
      );
    }
  }
}

function isOf(receiving: Receiving, { group, term, index, snapshotTerm }: SnapshotChunk): boolean {
  return (
    receiving.group === group &&
    receiving.term === term &&
    receiving.index === index &&
    receiving.snapshotTerm === snapshotTerm
  );
}

/** What has arrived of a snapshot stays on the disk while more of it is to come. */
export function checkPartsKept(
  node: number,
  before: Work,
  after: Work,
  effects: readonly NodeEffect[],
): void {
  for (const { group, number, chunks } of after.receiving) {
    const known = before.receiving.find((other) => other.group === group && other.number === number);
    if (known === undefined || chunks === 0) continue;
    const first = `group/${hexadecimal(group, 8)}/snapshot/${hexadecimal(number, 16)}/00000000`;
    for (const effect of effects) {
      if (effect.type !== 'Persist') continue;
      for (const change of effect.changes) {
        if (change.type !== 'DropRange' || first < change.from || first >= change.before) continue;
        throw new PropertyBroken(
          'snapshots are put together rightly',
          `node ${node}, group ${group}: it drops what has arrived of snapshot ${number}, and goes on receiving it`,
        );
      }
    }
  }
}

function hexadecimal(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
