/**
 * Ephemeral keys and locks: kept by the leader alone, executed when it is confirmed that it still leads, lost with it.
 *
 * They are a partition of their own, with its own retry table, changed by the same rules as the replicated one; the index
 * of a change is its number. A repeated request finds its outcome there, for as long as the leadership lasts and for
 * `retryWindow` further changes.
 */

import { nextTimestamp } from '../clock/hybrid-clock.js';
import { logIndex } from '../machine/units.js';
import { isAhead } from '../partition/blocking.js';
import type { Lapse, Operation, RequestId } from '../partition/command.js';
import type { Answer } from '../partition/contents.js';
import { isRead } from '../partition/operation.js';
import { applyCommand, answerRead } from '../partition/partition.js';
import { ephemeralLapsesFor, leasesAfter } from './expiry.js';
import { presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export function isEphemeral(operation: Operation): boolean {
  return 'ephemeral' in operation && operation.ephemeral === true;
}

/** Executes an operation now. To be called only where it is confirmed that this node leads. */
export function executeEphemeral(
  turn: NodeTurn,
  opened: OpenGroup,
  requestId: RequestId,
  operation: Operation,
): Answer {
  const lead = presentLeadership(opened);
  const lapsed = ephemeralLapsesFor(turn, lead, operation);
  if (lapsed === undefined && isRead(operation) && !isAhead(lead.ephemeral.state, operation)) {
    return answerRead(lead.ephemeral.state, operation);
  }
  return changeEphemeral(turn, opened, requestId, operation, lapsed);
}

/** Executes an operation that ends something, or writes. */
export function changeEphemeral(
  turn: NodeTurn,
  opened: OpenGroup,
  requestId: RequestId,
  operation: Operation,
  lapsed: readonly Lapse[] | undefined,
): Answer {
  const { node, options, now } = turn;
  const lead = presentLeadership(opened);
  const { state, leases } = lead.ephemeral;
  node.clock = nextTimestamp(node.clock, options.node, now.wall);
  const plain = { requestId, basis: state.applied, stampedAt: node.clock, operation };
  const command = lapsed === undefined ? plain : { ...plain, lapsed };
  const index = logIndex(state.applied + 1);
  const applied = applyCommand(state, index, command, options.retryWindow);
  opened.group.lead = {
    ...lead,
    ephemeral: {
      state: applied.state,
      leases: leasesAfter(turn, leases, state, applied.state, index, command),
    },
  };
  const { outcome, reason } = applied;
  return reason === undefined ? { outcome } : { outcome, reason };
}
