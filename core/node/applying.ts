/**
 * Applying: what is committed is executed by the partition, whoever asked for it is told, and a leader notes what came of
 * it (`leadership.ts`).
 */

import { EMPTY_LIST } from '../collections/list.js';
import { mapDelete } from '../collections/ordered-map.js';
import { radixDelete, radixGet } from '../collections/radix-array.js';
import { assert, present } from '../machine/assert.js';
import { logIndex, type GroupId, type LogIndex, type Term } from '../machine/units.js';
import { intentsIn } from '../partition/blocking.js';
import { KeyValueCode, type Command, type Outcome, type ReadOperation } from '../partition/command.js';
import { isRead, refusal } from '../partition/operation.js';
import { NOTHING_KEPT_APART, type Answer as PartitionAnswer } from '../partition/contents.js';
import { applyCommand, applyNothing, type PartitionState } from '../partition/partition.js';
import type { TransactionWrite } from '../partition/transaction-command.js';
import { entryAt } from '../raft/log.js';
import { decodeCommand } from '../wire/index.js';
import { encodeVersions } from '../wire/past.js';
import { block, urgeBlocker } from './blocked.js';
import type { Execution } from './execution.js';
import { leasesAfter } from './expiry.js';
import { unblock } from './group.js';
import { isTransactionWrite, noteTransaction } from './noticing.js';
import { answerOrKeep } from './kept-answers.js';
import { lockedNoMore } from './locking.js';
import { executed, tryAgain, type Answer } from './proposals.js';
import { sequenceChanged } from './reservations.js';
import { META_GROUP } from './roster.js';
import type { Waiter } from './state.js';
import { leadershipOf, presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';
import { answerFrom, turnBackReads } from './value-reading.js';
import { generationOf, knownValues } from './value-store.js';
import { valuesApplied, valuesReplaced } from './value-writer.js';

/** Executes every committed entry, and answers those who wait. */
export function applyCommitted(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { group } = opened;
  const { raft } = opened.raft;
  if (group.partition.applied < raft.log.baseIndex) installImage(turn, opened, answer);
  while (group.partition.applied < raft.commit) {
    const index = logIndex(group.partition.applied + 1);
    const entry = entryAt(raft.log, index);
    const waiter = radixGet(group.waiting, index);
    const { partition } = group;
    const { command, given } = applyEntry(turn, opened, index, entry.payload);
    if (waiter !== undefined) {
      group.waiting = radixDelete(group.waiting, index);
      group.proposed = mapDelete(group.proposed, waiter.requestId);
      const isOwn = waiter.term === entry.term;
      const isOff =
        isOwn && command !== undefined && isPutOff(turn, opened, command, given, waiter.origins, answer);
      const read = isOwn && command !== undefined ? readShown(turn, raft.group, command, given) : undefined;
      const result = isOwn
        ? executed(given, index)
        : tryAgain(opened, 'another leader put a different entry in place of the write');
      for (const origin of isOff ? EMPTY_LIST : waiter.origins) {
        if (read === undefined) answerOrKeep(turn, opened, waiter.operation, origin, result, answer);
        else answerFrom(turn, raft.group, read, origin, group.partition, answer);
      }
    }
    if (command === undefined || group.lead === undefined) continue;
    noteAsLeader(
      turn,
      opened,
      command,
      partition,
      { index, term: entry.term, outcome: given.outcome },
      answer,
    );
  }
}

/** The read that a command is, where it shows what is kept apart: that is not in what it came to. */
function readShown(
  turn: NodeTurn,
  group: GroupId,
  { operation }: Command,
  { outcome, lacks }: PartitionAnswer,
): ReadOperation | undefined {
  if (lacks === true && isRead(operation)) return operation;
  if (operation.type !== 'Get' && operation.type !== 'Scan') return undefined;
  if (outcome.code !== KeyValueCode.got || knownValues(turn, group) === undefined) return undefined;
  return operation;
}

/**
 * Whether a transaction that was prepared before the command was applied is in its way. Then it was not executed, and those who
 * wait for it go on waiting.
 */
function isPutOff(
  turn: NodeTurn,
  opened: OpenGroup,
  { requestId, basis, operation }: Command,
  { outcome }: PartitionAnswer,
  origins: Waiter['origins'],
  answer: Answer,
): boolean {
  if (outcome.code !== KeyValueCode.mustRetry || leadershipOf(opened) === undefined) return false;
  const [on] = intentsIn(opened.group.partition, operation);
  if (on === undefined) return false;
  const { group } = opened.raft.raft;
  for (const origin of origins) {
    const execution: Execution = { group, requestId, basis, operation, origin };
    block(turn, opened, { execution, on, confirmed: isRead(operation) }, answer);
  }
  return true;
}

/** What came of a command concerns what this node keeps as the leader. */
function noteAsLeader(
  turn: NodeTurn,
  opened: OpenGroup,
  command: Command,
  before: PartitionState,
  { index, term, outcome }: { readonly index: LogIndex; readonly term: Term; readonly outcome: Outcome },
  answer: Answer,
): void {
  const { group } = opened;
  const lead = presentLeadership(opened);
  const leases = leasesAfter(turn, lead.leases, before, group.partition, index, command);
  if (leases !== lead.leases) group.lead = { ...lead, leases };
  if (isTransactionWrite(command.operation)) {
    transactionApplied(turn, opened, command.operation, outcome, answer);
    return;
  }
  if (group.partition.sequences === before.sequences && command.operation.type !== 'ReserveSequence') return;
  sequenceChanged(turn, opened, command, before, { index, isOwn: term === lead.term, outcome }, answer);
}

function transactionApplied(
  turn: NodeTurn,
  opened: OpenGroup,
  operation: TransactionWrite,
  outcome: Outcome,
  answer: Answer,
): void {
  const { type, transaction } = operation;
  lockedNoMore(opened, operation, outcome, turn.now.monotonic);
  noteTransaction(turn, opened, 'part', transaction);
  urgeBlocker(turn, opened, 'part', outcome);
  if (type === 'Settle') unblock(turn, opened, transaction, answer);
}

/** A snapshot replaced the log: the partition is what the snapshot says. */
function installImage(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { raft } = opened.raft;
  const snapshot = present(
    raft.snapshot,
    () => `group ${raft.group} lost entries without a snapshot for them`,
  );
  opened.group.partition = snapshot.state;
  assert(
    snapshot.state.applied === snapshot.index,
    () => `group ${raft.group}: a snapshot at ${snapshot.index} holds a state at ${snapshot.state.applied}`,
  );
  if (knownValues(turn, raft.group) === undefined) return;
  const records = present(
    opened.snapshotRecords,
    () => `group ${raft.group} takes over a snapshot that is not on the disk`,
  );
  const generation = generationOf(records.number);
  opened.snapshotRecords = { ...records, generation };
  // First the values: a stale read that is turned back is tried again at once, and must not look where they were.
  valuesReplaced(turn, raft.group, generation);
  turnBackReads(turn, raft.group, answer);
}

interface Applied {
  /** Undefined for an entry that carries none. */
  readonly command: Command | undefined;
  readonly given: PartitionAnswer;
}

const NOTHING_GIVEN: PartitionAnswer = { outcome: refusal(KeyValueCode.errored) };

function applyEntry(turn: NodeTurn, opened: OpenGroup, index: LogIndex, payload: Uint8Array): Applied {
  const { group } = opened;
  const { retryWindow } = turn.options;
  if (payload.length === 0) {
    group.partition = applyNothing(group.partition, index, retryWindow);
    return { command: undefined, given: NOTHING_GIVEN };
  }
  const command = decodeCommand(payload);
  assert(
    command.ok,
    () => `the committed command at index ${index} cannot be read: ${command.ok ? '' : command.reason}`,
  );
  const before = group.partition;
  // Whatever reads the roster reads it at once.
  const apart =
    opened.raft.raft.group === META_GROUP
      ? NOTHING_KEPT_APART
      : { separateFrom: turn.options.separateValuesFrom, encodeVersions };
  const applied = applyCommand(before, index, command.value, retryWindow, apart);
  group.partition = applied.state;
  valuesApplied(turn, opened, before, index, command.value.operation, applied.pages);
  return { command: command.value, given: applied };
}
