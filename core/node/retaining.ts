/**
 * The leader's part in bounding the past (`partition/trim.ts`), where its options ask for that.
 *
 * It looks at all pages in turn, some at a time, and begins anew when the interval is over. What is to go it says in the log; while
 * nothing is, it writes nothing.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { mapForEach } from '../collections/ordered-map.js';
import { logIndex, monotonicMs, wallMs, type LogIndex, type MonotonicMs } from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import type { PastPage } from '../partition/past.js';
import { isTrimmed, type Retained } from '../partition/trim.js';
import type { Leadership } from './leadership.js';
import { proposeOwn, type Answer } from './proposals.js';
import { leadershipOf, wakeToLead } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

/** What a leader knows of its work on the past. */
export interface Trimming {
  /** The name of the page at which it goes on. */
  readonly from: string;
  readonly at: MonotonicMs;
  /** The newest command that removes pages, 0 for none: there is no other one before it is applied. */
  readonly proposed: LogIndex;
}

/** Pages that a leader looks at in one turn. */
const LOOKED_AT_ONCE = 1_000;

export function trimIfDue(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { group } = opened;
  const { options, now } = turn;
  if (!isBounded(turn)) return;
  const known = leadershipOf(opened);
  if (known === undefined) return;
  const pages = group.partition.past?.pages.size ?? 0;
  if (pages === 0) return forget(opened, known);
  const trimming = known.trimming ?? {
    from: '',
    at: monotonicMs(now.monotonic + options.persistentRevisionCleanupMs),
    proposed: logIndex(0),
  };
  if (now.monotonic < trimming.at) return remember(opened, known, trimming);
  const lead = wakeToLead(turn, opened, answer);
  if (lead === undefined) return;
  const soon = monotonicMs(now.monotonic + options.heartbeatIntervalMs);
  if (trimming.proposed > group.partition.applied) return remember(opened, lead, { ...trimming, at: soon });
  const retained = retainedNow(turn);
  const { first, to } = lookFrom(group.partition, trimming.from, retained);
  let { proposed } = trimming;
  if (first !== undefined) {
    const trim = { from: trimming.from, to, ...retained };
    const index = proposeOwn(turn, opened, 'trim', { type: 'Exists', key: first.key }, { trim });
    if (index === undefined) return remember(opened, lead, { ...trimming, at: soon });
    proposed = index;
  }
  const at = to === '' ? monotonicMs(now.monotonic + options.persistentRevisionCleanupMs) : soon;
  remember(opened, lead, { from: to, at, proposed });
}

function isBounded({ options }: NodeTurn): boolean {
  return options.persistentRevisionRetentionCount > 0 || options.persistentRevisionRetentionAgeMs > 0;
}

function remember({ group }: OpenGroup, lead: Leadership, trimming: Trimming): void {
  if (trimming !== lead.trimming) group.lead = { ...lead, trimming };
}

function forget({ group }: OpenGroup, { trimming, ...lead }: Leadership): void {
  if (trimming !== undefined) group.lead = lead;
}

/** The rules by the options of this node and its clock. */
function retainedNow({ options, now }: NodeTurn): Retained {
  const { persistentRevisionRetentionCount: keep, persistentRevisionRetentionAgeMs: age } = options;
  const wall = Math.max(0, now.wall - age);
  const before = age === 0 ? ZERO_TIMESTAMP : { node: options.node, wall: wallMs(wall), counter: 0 };
  return { keep, before };
}

interface LookedAt {
  /** The first page that goes; undefined for none. */
  readonly first: PastPage | undefined;
  /** The name of the page that comes next; empty at the end. */
  readonly to: string;
}

function lookFrom(partition: PartitionState, from: string, retained: Retained): LookedAt {
  let first: PastPage | undefined;
  let to = '';
  let count = 0;
  const visit = (name: string, page: PastPage): boolean => {
    if (count === LOOKED_AT_ONCE) {
      to = name;
      return false;
    }
    count += 1;
    if (first === undefined && isTrimmed(partition, page, retained)) first = page;
    return true;
  };
  if (partition.past !== undefined) mapForEach(partition.past.pages, visit, from);
  return { first, to };
}
