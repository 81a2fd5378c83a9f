/**
 * Expiry: what is over, by the judgment of a leader.
 *
 * A key or a lock ends by a command that says so (`Command.lapsed`), never by itself. The leader puts that word into the
 * next command that looks at the thing; a read that comes upon it becomes a command for its sake, and what nobody asks for
 * is swept (`sweeper.ts`). A word that comes too late, after the lease was prolonged, names an entry that no longer
 * arms it, and counts for nothing.
 *
 * Nothing is over before its lease has run its whole length on this leader's clock, with what two clocks may drift apart
 * (`leases.ts`). While nothing that is armed can be over, an operation pays a comparison for all this.
 */

import { assert } from '../machine/assert.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, Lapse, Operation } from '../partition/command.js';
import type { Contents } from '../partition/contents.js';
import { lapsesIn } from '../partition/lapse.js';
import { preparedIn } from '../partition/prepared.js';
import type {
  CommitAtOnceOperation,
  SettleOperation,
  StagedWrite,
} from '../partition/transaction-command.js';
import type { Leadership } from './leadership.js';
import {
  armedLease,
  isAnyOver,
  lastMomentOf,
  leaseIn,
  withLease,
  withoutLease,
  type Leases,
  type Space,
} from './leases.js';
import type { NodeTurn } from './turn.js';

/** What of all that a persistent operation looks at is over; undefined for nothing. */
export function lapsesFor(
  turn: NodeTurn,
  { leases, unseen, since, inherited }: Leadership,
  contents: Contents,
  operation: Operation,
): readonly Lapse[] | undefined {
  const now = turn.now.monotonic;
  if (unseen === undefined && !isAnyOver(leases, now)) return undefined;
  const { maxClockDriftPercent } = turn.options;
  const lapsed = lapsesIn(contents, operation, (space, name, { armedAt, expiresMs }) => {
    const known = armedLease(leases, space, name);
    if (known !== undefined && known.armedAt === armedAt) return now > known.endsAt;
    assert(
      armedAt <= inherited,
      () => `the ${space} ${name} was armed at ${armedAt} under this leader, which does not know when`,
    );
    return now > lastMomentOf(since, expiresMs, maxClockDriftPercent);
  });
  return lapsed.length === 0 ? undefined : lapsed;
}

/** What is over in the ephemeral part. */
export function ephemeralLapsesFor(
  turn: NodeTurn,
  { ephemeral }: Leadership,
  operation: Operation,
): readonly Lapse[] | undefined {
  const { state, leases } = ephemeral;
  const now = turn.now.monotonic;
  if (!isAnyOver(leases, now)) return undefined;
  const lapsed = lapsesIn(state, operation, (space, name) => {
    const known = armedLease(leases, space, name);
    return known !== undefined && now > known.endsAt;
  });
  return lapsed.length === 0 ? undefined : lapsed;
}

/** The leases after a command was applied, at `index`, to what was `before` and is now `contents`. */
export function leasesAfter(
  turn: NodeTurn,
  leases: Leases,
  before: Contents,
  contents: Contents,
  index: LogIndex,
  { operation, lapsed }: Command,
): Leases {
  let next = leases;
  if (lapsed !== undefined) {
    for (const { space, name } of lapsed) next = noted(turn, next, contents, space, name, index);
  }
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend': {
      const arms = operation.type !== 'Delete' && operation.expiresMs !== undefined;
      if (!arms && next.armed.size === 0) return next;
      return noted(turn, next, contents, 'key', operation.key, index);
    }
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
      return noted(turn, next, contents, 'lock', operation.resource, index);
    case 'CommitAtOnce':
    case 'Settle':
      for (const { key } of writtenBy(before, operation)) {
        next = noted(turn, next, contents, 'key', key, index);
      }
      return next;
    default:
      return next;
  }
}

function writtenBy(
  before: Contents,
  operation: CommitAtOnceOperation | SettleOperation,
): readonly StagedWrite[] {
  if (operation.type === 'CommitAtOnce') return operation.writes;
  return preparedIn(before, operation.transaction)?.writes ?? [];
}

/** Books what became of one name by the command at `index`. */
function noted(
  turn: NodeTurn,
  leases: Leases,
  contents: Contents,
  space: Space,
  name: string,
  index: LogIndex,
): Leases {
  const lease = leaseIn(contents, space, name);
  if (lease?.armedAt === index) {
    const { maxClockDriftPercent } = turn.options;
    const endsAt = lastMomentOf(turn.now.monotonic, lease.expiresMs, maxClockDriftPercent);
    return withLease(leases, { space, name, armedAt: index, endsAt });
  }
  return lease === undefined ? withoutLease(leases, space, name) : leases;
}
