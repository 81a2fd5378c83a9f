/**
 * What is on disk, and what a closing turn writes.
 *
 * Writes complete in order. A completed write vouches for the log up to the last index that it held, unless a later
 * one cut that off (`truncateLog` clips it), so entries that were written, overwritten and written again are never
 * taken for durable too early.
 */

import { fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import type { LogIndex, NodeId, Term, WriteNumber } from '../machine/units.js';
import { logIndex } from '../machine/units.js';
import { winIfElected } from './election.js';
import { entriesFrom } from './log.js';
import type { Entry, Snapshot } from './messages.js';
import { advanceCommit } from './replication.js';
import type { RaftTurn } from './turn.js';

/** What one turn of one group writes; all of it in one atomic change. */
export interface RaftWrite<Image> {
  readonly hardState: { readonly term: Term; readonly vote: NodeId } | undefined;
  /** Overrides what was at `firstIndex` and after it. */
  readonly append: { readonly firstIndex: LogIndex; readonly entries: readonly Entry[] } | undefined;
  readonly snapshot: Snapshot<Image> | undefined;
  /**
   * Nothing written of the log before counts any more: the snapshot came from the leader, or it covers a place from
   * which on the log was overwritten in this very turn, so that what the disk has beyond it was cut off.
   */
  readonly replacesLog: boolean;
}

/** Every write up to this one is durable. What waited only for that goes on: a vote of its own, an own entry. */
export function writesCompleted<Image>(turn: RaftTurn<Image>, through: WriteNumber): void {
  const { raft } = turn;
  for (let done = fifoPeek(raft.unsynced); done !== undefined; done = fifoPeek(raft.unsynced)) {
    if (done.write > through) break;
    raft.durable = done;
    raft.unsynced = fifoPop(raft.unsynced);
  }
  winIfElected(turn);
  advanceCommit(turn);
}

/** What this turn changed that must reach the disk; undefined when nothing did. Called once, when it closes. */
export function issueWrite<Image>(turn: RaftTurn<Image>): RaftWrite<Image> | undefined {
  const { raft, context } = turn;
  if (!turn.hardChanged && turn.changedFrom === 0 && turn.newSnapshot === undefined) return undefined;
  const { write } = context;
  const { term, vote, log } = raft;
  raft.unsynced = fifoPush(raft.unsynced, { write, term, vote, lastIndex: log.lastIndex });
  raft.lastWrite = write;
  if (turn.hardChanged) raft.lastHardWrite = write;

  const firstIndex = logIndex(Math.max(turn.changedFrom, log.baseIndex + 1));
  const entries = turn.changedFrom === 0 ? [] : entriesFrom(log, firstIndex, Number.MAX_SAFE_INTEGER);
  return {
    hardState: turn.hardChanged ? { term, vote } : undefined,
    append: entries.length === 0 ? undefined : { firstIndex, entries },
    snapshot: turn.newSnapshot,
    replacesLog: turn.logReplaced || (turn.changedFrom > 0 && turn.changedFrom <= log.baseIndex),
  };
}
