/**
 * Reservations: how the leader of a sequence hands out its values (sequence specification, sections 5 and 6).
 *
 * The log says which values are set aside, a block at a time; who proposed that command hands them out, from memory and in
 * order, to those for whom it is confirmed that it still leads. A new leader begins above all blocks, so no value is given
 * twice whatever becomes of a block; that a leader is confirmed first keeps a deposed one from giving low values after
 * high ones. What must be replayable, because it carries an idempotency key, stands in the log before it is told.
 *
 * While a command for the next block is on its way the others wait in line. The line ends with the command or with the
 * leadership, whichever ends first: within one leadership every command is applied.
 */

import { emptyFifo, fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import { logIndex, type LogIndex } from '../machine/units.js';
import type { Command, Outcome, SequenceTake } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import { blockLeft, planReservation, takeFromBlock } from '../partition/sequence-block.js';
import {
  SequenceCode,
  type ReserveSequenceOperation,
  type SequenceAllocation,
  type SequenceRecord,
} from '../partition/sequence-command.js';
import type { SequenceEntry } from '../partition/sequence-entry.js';
import type { Execution } from './execution.js';
import type { SequenceBlocks } from './leadership.js';
import { isRepetition, proposeOperation, tooMuch, type Answer } from './proposals.js';
import { presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

/** A reservation, and whether it is confirmed that this node led after it came. */
export interface Reservation {
  readonly execution: Execution;
  readonly operation: ReserveSequenceOperation;
  readonly confirmed: boolean;
}

/** Executes a reservation as far as that is possible now. False where its leader must be confirmed first. */
export function reserve(
  turn: NodeTurn,
  opened: OpenGroup,
  reservation: Reservation,
  answer: Answer,
): boolean {
  const { execution, operation, confirmed } = reservation;
  const { name, count, idempotencyKey } = operation;
  if (isRepetition(turn, opened, execution, answer)) return true;
  const blocks = blocksOf(opened, name);
  if (blocks.inFlight > 0) {
    if (confirmed) waitInLine(turn, opened, execution, blocks, answer);
    return confirmed;
  }
  const entry = mapGet(opened.group.partition.sequences, name);
  if (entry === undefined) {
    if (confirmed) tell(turn, opened, execution, SequenceCode.notFound, null, null, answer);
    return confirmed;
  }
  const isReplay = idempotencyKey !== undefined && isKnown(entry, idempotencyKey);
  const taken = blocks.held === undefined || isReplay ? undefined : takeFromBlock(blocks.held, count);
  if (taken !== undefined) {
    const { allocation, rest } = taken;
    if (idempotencyKey === undefined) {
      if (!confirmed) return false;
      setBlocks(opened, name, { ...blocks, held: rest });
      tell(turn, opened, execution, SequenceCode.success, entry.record, allocation, answer);
      return true;
    }
    const { start, revision } = allocation;
    const { incarnation, createdAt } = entry.record;
    const take: SequenceTake = { type: 'Part', start, revision, incarnation, createdAt };
    const index = proposeOperation(turn, opened, execution, { take }, answer);
    if (index !== undefined) setBlocks(opened, name, { ...blocks, held: rest });
    return true;
  }
  const planned = planReservation(entry.record, count, turn.options.sequenceBlockSize);
  if (planned === undefined && !isReplay) {
    if (confirmed) tell(turn, opened, execution, SequenceCode.maxValueExceeded, null, null, answer);
    return confirmed;
  }
  // Nothing is set aside for a replay that turns out to be forgotten but what its caller gets.
  const window = isReplay ? count : (planned ?? count);
  const index = proposeOperation(turn, opened, execution, { take: { type: 'Block', window } }, answer);
  if (index !== undefined) setBlocks(opened, name, { ...blocks, inFlight: index });
  return true;
}

/** Whether an allocation under this key can be replayed. They are few, and the newest is the most likely. */
function isKnown({ keyed }: SequenceEntry, key: string): boolean {
  return keyed.some((allocation) => allocation.key === key);
}

function waitInLine(
  turn: NodeTurn,
  opened: OpenGroup,
  execution: Execution,
  blocks: SequenceBlocks,
  answer: Answer,
): void {
  const { maxWaitingReservations } = turn.options;
  const { operation, group, origin } = execution;
  if (operation.type !== 'ReserveSequence') return;
  if (blocks.queued < maxWaitingReservations) {
    const queue = fifoPush(blocks.queue, execution);
    setBlocks(opened, operation.name, { ...blocks, queue, queued: blocks.queued + 1 });
    return;
  }
  const reason =
    `${blocks.queued} reservations wait for the next block of this sequence, and no more may ` +
    '(maxWaitingReservations); nothing was reserved: retry it later';
  answer(turn, group, origin, tooMuch(opened, reason));
}

function tell(
  turn: NodeTurn,
  opened: OpenGroup,
  { group, origin }: Execution,
  code: SequenceCode,
  record: SequenceRecord | null,
  allocation: SequenceAllocation | null,
  answer: Answer,
): void {
  const outcome: Outcome = { family: 'sequence', code, record, allocation };
  answer(turn, group, origin, { type: 'Executed', outcome, index: opened.group.partition.applied });
}

/**
 * A command on a sequence was applied at `index`. Whoever takes a block proposes it in the term in which it leads; a block
 * that was proposed in an earlier one may be in other hands.
 */
export function sequenceChanged(
  turn: NodeTurn,
  opened: OpenGroup,
  { operation }: Command,
  before: PartitionState,
  applied: { readonly index: LogIndex; readonly isOwn: boolean; readonly outcome: Outcome },
  answer: Answer,
): void {
  if (!('name' in operation)) return;
  const { name } = operation;
  const blocks = blocksOf(opened, name);
  const old = mapGet(before.sequences, name);
  const entry = mapGet(opened.group.partition.sequences, name);
  const landed = blocks.inFlight === applied.index;
  if (old?.record === entry?.record && !landed) return;
  const { outcome, isOwn } = applied;
  const allocation = outcome.family === 'sequence' ? outcome.allocation : null;
  const held =
    old?.record === entry?.record ? blocks.held : isOwn ? blockLeft(old, entry, allocation) : undefined;
  setBlocks(opened, name, { ...blocks, held, inFlight: landed ? logIndex(0) : blocks.inFlight });
  if (landed) serveLine(turn, opened, name, answer);
}

/** Until the next block is asked for, or nobody is left. Who waits in line needs to be confirmed no more. */
function serveLine(turn: NodeTurn, opened: OpenGroup, name: string, answer: Answer): void {
  for (;;) {
    const blocks = blocksOf(opened, name);
    const execution = fifoPeek(blocks.queue);
    if (execution === undefined || blocks.inFlight > 0) return;
    setBlocks(opened, name, { ...blocks, queue: fifoPop(blocks.queue), queued: blocks.queued - 1 });
    const { operation } = execution;
    if (operation.type !== 'ReserveSequence') continue;
    reserve(turn, opened, { execution, operation, confirmed: true }, answer);
  }
}

const NO_BLOCKS: SequenceBlocks = { held: undefined, inFlight: logIndex(0), queue: emptyFifo(), queued: 0 };

function blocksOf(opened: OpenGroup, name: string): SequenceBlocks {
  return mapGet(presentLeadership(opened).blocks, name) ?? NO_BLOCKS;
}

function setBlocks(opened: OpenGroup, name: string, changed: SequenceBlocks): void {
  const lead = presentLeadership(opened);
  const { held, inFlight, queued } = changed;
  const isEmpty = held === undefined && inFlight === 0 && queued === 0;
  const blocks = isEmpty ? mapDelete(lead.blocks, name) : mapSet(lead.blocks, name, changed);
  opened.group.lead = { ...lead, blocks };
}
