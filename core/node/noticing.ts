/** Noticing what a transaction has left in a group, so that its leader looks after it in time (`resolver.ts`). */

import { mapGet } from '../collections/ordered-map.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import type { Operation } from '../partition/command.js';
import { preparedIn } from '../partition/prepared.js';
import type { TransactionId, TransactionWrite } from '../partition/transaction-command.js';
import {
  itemName,
  itemNamed,
  withItem,
  withoutItem,
  type Agenda,
  type AgendaItem,
  type AgendaKind,
} from './agenda.js';
import { presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export function isTransactionWrite(operation: Operation): operation is TransactionWrite {
  switch (operation.type) {
    case 'Prepare':
    case 'CommitAtOnce':
    case 'Decide':
    case 'Settle':
    case 'Finish':
      return true;
    default:
      return false;
  }
}

/** Something was done about a transaction, in the replicated part of the group or in the ephemeral one. */
export function noteTransaction(
  turn: NodeTurn,
  opened: OpenGroup,
  kind: Extract<AgendaKind, 'part' | 'ephemeral'>,
  transaction: TransactionId,
): void {
  const lead = presentLeadership(opened);
  if (lead.agenda === undefined) return;
  const state = kind === 'part' ? opened.group.partition : lead.ephemeral.state;
  const isPrepared = preparedIn(state, transaction) !== undefined;
  let agenda = isPrepared
    ? withNew(turn, lead.agenda, kind, transaction)
    : withoutItem(lead.agenda, itemName(kind, transaction));
  const record = kind === 'part' ? mapGet(state.transactions.open, transaction) : undefined;
  if (record !== undefined) {
    const decided = record.state === 'Committed' ? 'committed' : 'undecided';
    agenda = withNew(turn, agenda, decided, transaction);
  } else if (kind === 'part') {
    agenda = withoutItem(agenda, itemName('undecided', transaction));
  }
  if (agenda !== lead.agenda) opened.group.lead = { ...lead, agenda };
}

/** With something that is seen for the first time; it is left alone for as long as it should need. */
export function withNew(
  turn: NodeTurn,
  agenda: Agenda,
  kind: AgendaKind,
  transaction: TransactionId,
): Agenda {
  if (itemNamed(agenda, itemName(kind, transaction))?.kind === kind) return agenda;
  const since = turn.now.monotonic;
  const at = endOfGrace(turn, since);
  const item: AgendaItem = {
    kind,
    transaction,
    since,
    askedAt: undefined,
    at,
    awaited: 0,
    failed: false,
  };
  return withItem(agenda, item);
}

export function endOfGrace({ options }: NodeTurn, since: MonotonicMs): MonotonicMs {
  return monotonicMs(since + options.intentGraceMs);
}
