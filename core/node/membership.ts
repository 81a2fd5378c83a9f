/**
 * What a node knows and does about the cluster's members, as part of its state. Private to `core/node`, beyond being
 * shown; see `roster.ts`, `reconcile.ts` and `admin.ts` for the rules.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { emptyRadixArray, type RadixArray } from '../collections/radix-array.js';
import type { GroupId, MonotonicMs, NodeId } from '../machine/units.js';
import type { AdminCommand, GroupReport } from './admin-protocol.js';
import type { Roster } from './roster.js';

export interface Membership {
  /**
   * The newest roster that this node knows to be agreed: applied by its own group 0, or told by a node that has
   * applied it. Undefined as long as the members never changed, and on a node that has not joined yet.
   */
  readonly roster: Roster | undefined;
  /**
   * The newest roster that stood in the log at the start, agreed or not: where the others may be found, and nothing
   * more. It lets a restarted node find a cluster that has moved on since its command line was written.
   */
  readonly book: Roster | undefined;
  /** Groups that this node leads and that are not as the roster wants them: other members, or another leader. */
  readonly work: RadixArray<GroupWork>;
  readonly tasks: RadixArray<AdminTask>;
  readonly nextTask: number;
  /** Set once this node was asked to hand over all that it leads; it then takes no leadership that it can avoid. */
  readonly draining: boolean;
  /** Who said lately that it hands over what it leads, and until when that counts. */
  readonly leaving: readonly Leaving[];
  /** This node campaigns later than others do, so that they win where they can. */
  readonly reluctant: boolean;
  /** When the chores of this page are done next; undefined while there are none. */
  readonly choresAt: MonotonicMs | undefined;
  /** When leaders were last moved for the sake of an even spread. */
  readonly placedAt: MonotonicMs;
}

export interface Leaving {
  readonly node: NodeId;
  readonly until: MonotonicMs;
}

export interface GroupWork {
  /** Since when this node leads the group with these members, or when it last tried to hand it over. */
  readonly since: MonotonicMs;
}

/** An administrative request under way, of a client of this node or of another node that handed it on. */
export interface AdminTask {
  readonly number: number;
  readonly command: AdminCommand;
  readonly origin: AdminOrigin;
  readonly deadline: MonotonicMs;
  readonly stage: AdminStage;
  /** The change was written once, as far as is known: to find it done is a success of this request. */
  readonly wrote: boolean;
}

export type AdminOrigin =
  | { readonly type: 'Client'; readonly token: number }
  | { readonly type: 'Node'; readonly node: NodeId; readonly id: string };

export type AdminStage =
  /** Not begun, or begun anew: whoever leads the group is asked, when its leader is known. */
  | { readonly type: 'Seek' }
  /** Handed on to the leader, whose answer is awaited until `retryAt`. */
  | { readonly type: 'Forwarded'; readonly to: NodeId; readonly retryAt: MonotonicMs }
  /** All members are asked how the groups that they lead are. */
  | {
      readonly type: 'Survey';
      readonly number: number;
      readonly begunAt: MonotonicMs;
      readonly askedAt: MonotonicMs;
      readonly reports: readonly MemberSurvey[];
    }
  /** The new roster is proposed. */
  | { readonly type: 'Writing' }
  /** Leadership is being handed over. */
  | { readonly type: 'Transferring'; readonly group: GroupId; readonly target: NodeId };

/** What one member says of the groups that it leads. */
export interface MemberSurvey {
  readonly node: NodeId;
  readonly groups: readonly GroupReport[];
}

export function emptyMembership(book: Roster | undefined, reluctant: boolean): Membership {
  return {
    roster: undefined,
    book,
    work: emptyRadixArray(),
    tasks: emptyRadixArray(),
    nextTask: 0,
    draining: false,
    leaving: EMPTY_LIST,
    reluctant,
    choresAt: undefined,
    placedAt: 0 as MonotonicMs,
  };
}
