/**
 * The resolver: how transactions come to their end though nobody else sees to it.
 *
 * The leader of every group with a prepared transaction asks for the decision where its record is, and settles the part as it
 * says. When nothing is decided within the grace it has the transaction aborted, by the same compare-and-set with which its
 * coordinator would commit it: whichever comes first is obeyed. Before that it only asks if something waits. The leader of the
 * group with the record of a commit that is not finished in time has all parts settled, and then finishes it.
 *
 * Nothing here is needed for safety, and no clock but this leader's own is looked at. What there is to look after is on the agenda
 * (`agenda.ts`): a group with nothing on it pays a comparison, and sleeps.
 */

import { mapGet } from '../collections/ordered-map.js';
import { monotonicMs, type GroupId, type MonotonicMs, type Term } from '../machine/units.js';
import type { ClientAnswer, Operation } from '../partition/command.js';
import { forEachPrepared, preparedIn } from '../partition/prepared.js';
import {
  TransactionCode,
  type Decision,
  type Participant,
  type TransactionId,
} from '../partition/transaction-command.js';
import { forEachUnfinished } from '../partition/transaction-records.js';
import {
  dueItems,
  EMPTY_AGENDA,
  itemName,
  itemNamed,
  withItem,
  withoutItem,
  type AgendaItem,
} from './agenda.js';
import { ASK_AGAIN_MS, isAwaited } from './blocked.js';
import type { Leadership } from './leadership.js';
import { endOfGrace, withNew } from './noticing.js';
import type { Answer } from './proposals.js';
import { ask, type TaskAnswer } from './tasks.js';
import { leadershipOf, presentLeadership, wakeToLead } from './tenure.js';
import { openedGroup, openGroup, groupOf, type NodeTurn, type OpenGroup } from './turn.js';

/** How long to wait after what should have been done was not: milliseconds. */
const TRY_AGAIN_MS = 500;

/** So many items are looked after in one turn; the next turn comes at once. */
const ITEMS_AT_ONCE = 64;

/** Looks after what is due in a group that this node leads. */
export function resolveIfDue(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const lead = leadershipOf(opened);
  if (lead === undefined) return;
  if (lead.agenda === undefined) lookForWork(turn, opened, lead);
  const { agenda } = presentLeadership(opened);
  if (agenda === undefined) return;
  const due = dueItems(agenda, turn.now.monotonic, ITEMS_AT_ONCE);
  if (due.length === 0 || wakeToLead(turn, opened, answer) === undefined) return;
  for (const { kind, transaction } of due) {
    const item = itemOf(opened, itemName(kind, transaction));
    if (item !== undefined) lookAfter(turn, opened, item);
  }
}

/** What earlier leaders have left. A new leader has not applied all of it at first. */
function lookForWork(turn: NodeTurn, opened: OpenGroup, lead: Leadership): void {
  const { partition } = opened.group;
  if (partition.applied < opened.raft.raft.termStart) return;
  let agenda = EMPTY_AGENDA;
  forEachPrepared(partition, (transaction) => {
    agenda = withNew(turn, agenda, 'part', transaction);
    if (!isAwaited(lead.blocked, transaction)) return;
    const item = itemNamed(agenda, itemName('part', transaction));
    if (item !== undefined) agenda = withItem(agenda, { ...item, at: turn.now.monotonic });
  });
  forEachPrepared(lead.ephemeral.state, (transaction) => {
    agenda = withNew(turn, agenda, 'ephemeral', transaction);
  });
  forEachUnfinished(partition, (transaction, { state }) => {
    agenda = withNew(turn, agenda, state === 'Committed' ? 'committed' : 'undecided', transaction);
  });
  opened.group.lead = { ...lead, agenda };
}

function lookAfter(turn: NodeTurn, opened: OpenGroup, item: AgendaItem): void {
  const { kind, transaction, since } = item;
  const { partition } = opened.group;
  const lead = presentLeadership(opened);
  const isOver = turn.now.monotonic >= endOfGrace(turn, since);
  if (kind === 'part' || kind === 'ephemeral') {
    const state = kind === 'part' ? partition : lead.ephemeral.state;
    const prepared = preparedIn(state, transaction);
    if (prepared === undefined) return drop(opened, item);
    const group = prepared.anchor;
    return isOver
      ? send(turn, opened, item, [{ type: 'Decide', group, transaction, decision: { type: 'Abort' } }])
      : send(turn, opened, item, [{ type: 'GetDecision', group, transaction }]);
  }
  const record = mapGet(partition.transactions.open, transaction);
  if (record === undefined) return drop(opened, item);
  if (!isOver) return put(opened, { ...item, at: endOfGrace(turn, since) });
  const { group } = opened.raft.raft;
  if (record.state !== 'Committed') {
    return send(turn, opened, item, [{ type: 'Decide', group, transaction, decision: { type: 'Abort' } }]);
  }
  const decision: Decision = { type: 'Commit', at: record.at };
  const settles = record.participants.map((one) => settleOf(one, transaction, decision));
  send(turn, opened, item, settles.length === 0 ? [{ type: 'Finish', group, transaction }] : settles);
}

function settleOf(
  { group, ephemeral }: Participant,
  transaction: TransactionId,
  decision: Decision,
): Operation {
  const plain = { type: 'Settle', group, transaction, decision } as const;
  return ephemeral === true ? { ...plain, ephemeral } : plain;
}

/** Asks for all of this; the item waits for the answers. */
function send(turn: NodeTurn, opened: OpenGroup, item: AgendaItem, operations: readonly Operation[]): void {
  const { group } = opened.raft.raft;
  const { term } = presentLeadership(opened);
  const askedAt = turn.now.monotonic;
  put(opened, { ...item, askedAt, at: undefined, awaited: operations.length, failed: false });
  const name = itemName(item.kind, item.transaction);
  for (const operation of operations) ask(turn, operation, { type: 'Resolver', group, term, item: name });
}

/** Something that the resolver asked is answered. It matters only to the leadership that asked. */
export function resolverAnswered(
  turn: NodeTurn,
  { group, term, item: name }: { readonly group: GroupId; readonly term: Term; readonly item: string },
  { request, answer }: TaskAnswer,
): void {
  const lead = openedGroup(turn, group)?.group.lead ?? groupOf(turn.node, group).lead;
  if (lead?.term !== term) return;
  const opened = openGroup(turn, group);
  if (leadershipOf(opened)?.term !== term) return;
  const item = itemOf(opened, name);
  // It is over by now, or begun anew.
  if (item === undefined || item.awaited === 0) return;
  const left: AgendaItem = { ...item, awaited: item.awaited - 1 };
  const { operation } = request;
  switch (operation.type) {
    case 'GetDecision':
    case 'Decide':
      return decisionKnown(turn, opened, left, answer);
    case 'Settle':
    case 'Finish': {
      const failed = left.failed || answer.code !== TransactionCode.done;
      if (left.awaited > 0) return put(opened, { ...left, failed });
      if (failed || operation.type === 'Finish' || left.kind !== 'committed')
        return later(turn, opened, left);
      return send(turn, opened, left, [{ type: 'Finish', group, transaction: left.transaction }]);
    }
    default:
      return later(turn, opened, left);
  }
}

function decisionKnown(turn: NodeTurn, opened: OpenGroup, item: AgendaItem, answer: ClientAnswer): void {
  const { kind, transaction } = item;
  const decision = decisionIn(answer);
  if (kind === 'undecided' || kind === 'committed') return later(turn, opened, item);
  if (decision !== undefined) {
    const part: Participant = {
      group: opened.raft.raft.group,
      ...(kind === 'ephemeral' ? { ephemeral: true } : {}),
    };
    return send(turn, opened, item, [settleOf(part, transaction, decision)]);
  }
  const { code } = answer;
  if (code !== TransactionCode.undecided && code !== TransactionCode.doesNotExist) {
    return later(turn, opened, item);
  }
  const { blocked } = presentLeadership(opened);
  const soon =
    turn.now.monotonic + (isAwaited(blocked, transaction) ? ASK_AGAIN_MS : Number.POSITIVE_INFINITY);
  put(opened, { ...item, at: monotonicMs(Math.min(soon, endOfGrace(turn, item.since))) });
}

/** What was decided, as far as it was; an outcome of another family says nothing of it. */
function decisionIn(answer: ClientAnswer): Decision | undefined {
  if (answer.family !== 'transaction') return undefined;
  if (answer.code === TransactionCode.aborted) return { type: 'Abort' };
  if (answer.code !== TransactionCode.committed || answer.at === undefined) return undefined;
  return { type: 'Commit', at: answer.at };
}

function later(turn: NodeTurn, opened: OpenGroup, item: AgendaItem): void {
  put(opened, { ...item, awaited: 0, at: monotonicMs(turn.now.monotonic + TRY_AGAIN_MS) });
}

function itemOf(opened: OpenGroup, name: string): AgendaItem | undefined {
  const { agenda } = presentLeadership(opened);
  return agenda === undefined ? undefined : itemNamed(agenda, name);
}

function put(opened: OpenGroup, item: AgendaItem): void {
  const lead = presentLeadership(opened);
  opened.group.lead = { ...lead, agenda: withItem(lead.agenda ?? EMPTY_AGENDA, item) };
}

function drop(opened: OpenGroup, { kind, transaction }: AgendaItem): void {
  const lead = presentLeadership(opened);
  const agenda = withoutItem(lead.agenda ?? EMPTY_AGENDA, itemName(kind, transaction));
  opened.group.lead = { ...lead, agenda };
}

/** When a group is to be looked at for the sake of its agenda; undefined for never. */
export function resolveAt(lead: Leadership | undefined): MonotonicMs | undefined {
  return lead?.agenda?.wakeAt;
}
