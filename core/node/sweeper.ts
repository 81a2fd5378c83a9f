/**
 * The sweeper: a leader says what is over though nobody asks for it, so that memory does not fill with ended things.
 *
 * Now and then, in batches, by commands that do nothing else. It costs what has ended, and the alarm of a group is set to
 * the first end there will be: an idle group sleeps until then, and one with nothing armed for ever. What earlier leaders
 * armed is looked for first, some entries at a time.
 */

import { mapForEach } from '../collections/ordered-map.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import { OWN_REQUEST_ID_PREFIX, type Lapse, type Operation, type RequestId } from '../partition/command.js';
import { liveHolds } from '../partition/holds.js';
import { changeEphemeral } from './ephemeral.js';
import type { Leadership, Unseen } from './leadership.js';
import { endedLeases, lastMomentOf, leaseIn, withLease, type Leases } from './leases.js';
import { proposeOwn, type Answer } from './proposals.js';
import { leadershipOf, presentLeadership, wakeToLead } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

/** Keys and locks that a leader looks at in one turn for leases of earlier leaders. */
const LOOKED_AT_ONCE = 1_024;

/** So many ends are said in one command, at most. */
const SWEPT_AT_ONCE = 100;

/** Says what is over though nobody asks for it, when it is time, and sets the time for the next. */
export function sweepIfDue(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { expirySweepMs } = turn.options;
  const { group } = opened;
  // A new leader has not applied all that its predecessors armed.
  if (expirySweepMs === 0 || group.partition.applied < opened.raft.raft.termStart) return;
  const now = turn.now.monotonic;
  const known = leadershipOf(opened);
  if (known === undefined) return;
  if (isDue(known, now)) {
    const due = wakeToLead(turn, opened, answer);
    if (due === undefined) return;
    group.lead = { ...due, sweepFrom: monotonicMs(now + expirySweepMs) };
    lookForUnseen(turn, opened);
    sweepEphemeral(turn, opened);
    sweepPersistent(turn, opened);
  }
  const lead = presentLeadership(opened);
  const sweepAt = nextSweep(lead);
  if (sweepAt !== lead.sweepAt) group.lead = { ...lead, sweepAt };
}

function isDue({ unseen, sweepFrom, sweepAt }: Leadership, now: MonotonicMs): boolean {
  return unseen === undefined ? sweepAt !== undefined && now >= sweepAt : now >= sweepFrom;
}

/** When the first of all leases is over, though not too soon after the last sweep. */
function nextSweep({ leases, ephemeral, unseen, sweepFrom }: Leadership): MonotonicMs | undefined {
  if (unseen !== undefined) return sweepFrom;
  const first = Math.min(leases.nextEnd ?? NEVER, ephemeral.leases.nextEnd ?? NEVER);
  return first === NEVER ? undefined : monotonicMs(Math.max(first + 1, sweepFrom));
}

const NEVER = Number.POSITIVE_INFINITY;

function sweepPersistent(turn: NodeTurn, opened: OpenGroup): void {
  const { group } = opened;
  const lead = presentLeadership(opened);
  // What was said last is still armed here until it is applied.
  if (lead.sweep > group.partition.applied) return;
  const lapsed = endedLeases(lead.leases, turn.now.monotonic, SWEPT_AT_ONCE);
  const [first] = lapsed;
  if (first === undefined) return;
  const sweep = proposeOwn(turn, opened, 'sweep', harmlessRead(first), { lapsed });
  if (sweep !== undefined) group.lead = { ...lead, sweep };
}

/** Nobody but this leader knows of the ephemeral part, so nobody has to agree. */
function sweepEphemeral(turn: NodeTurn, opened: OpenGroup): void {
  const lead = presentLeadership(opened);
  const lapsed = endedLeases(lead.ephemeral.leases, turn.now.monotonic, SWEPT_AT_ONCE);
  const [first] = lapsed;
  if (first === undefined) return;
  const requestId = `${OWN_REQUEST_ID_PREFIX}sweep-${lead.ephemeral.state.applied}` as RequestId;
  changeEphemeral(turn, opened, requestId, harmlessRead(first), lapsed);
}

/** Every command has an operation; this one is for nobody. */
function harmlessRead({ space, name }: Lapse): Operation {
  switch (space) {
    case 'key':
      return { type: 'Exists', key: name };
    case 'lock':
      return { type: 'GetLock', resource: name };
    case 'hold':
      return { type: 'GetFloor' };
  }
}

/** Goes on, some entries at a time, through all that there was when this leadership began. */
function lookForUnseen(turn: NodeTurn, opened: OpenGroup): void {
  const { group } = opened;
  let room = LOOKED_AT_ONCE;
  for (let lead = presentLeadership(opened); lead.unseen !== undefined && room > 0;) {
    const { leases, lookedAt, next } = lookFrom(turn, opened, lead, lead.unseen, room);
    room -= lookedAt;
    lead = { ...lead, leases, unseen: next };
    group.lead = lead;
  }
}

function lookFrom(
  turn: NodeTurn,
  { group }: OpenGroup,
  lead: Leadership,
  { space, from }: Unseen,
  room: number,
): { readonly leases: Leases; readonly lookedAt: number; readonly next: Unseen | undefined } {
  const { maxClockDriftPercent } = turn.options;
  let { leases } = lead;
  let lookedAt = 0;
  let stoppedAt: string | undefined;
  const holds = liveHolds(group.partition);
  const visit = (name: string): boolean => {
    if (lookedAt === room) {
      stoppedAt = name;
      return false;
    }
    lookedAt += 1;
    const lease = leaseIn(group.partition, space, name);
    // What was armed since this leadership began is known.
    if (lease === undefined || lease.armedAt > lead.inherited) return true;
    const endsAt = lastMomentOf(lead.since, lease.expiresMs, maxClockDriftPercent);
    leases = withLease(leases, { space, name, armedAt: lease.armedAt, endsAt });
    return true;
  };
  if (space === 'key') mapForEach(group.partition.keys, visit, from);
  else if (space === 'lock') mapForEach(group.partition.locks, visit, from);
  else mapForEach(holds, visit, from);
  if (stoppedAt !== undefined) return { leases, lookedAt, next: { space, from: stoppedAt } };
  return { leases, lookedAt, next: spaceAfter(space, holds.size > 0) };
}

function spaceAfter(space: Lapse['space'], hasHolds: boolean): Unseen | undefined {
  if (space === 'key') return { space: 'lock', from: '' };
  return space === 'lock' && hasHolds ? { space: 'hold', from: '' } : undefined;
}
