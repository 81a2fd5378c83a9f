/**
 * What a leader keeps in its memory alone: nobody else has any, a fencing token of an ephemeral lock never goes back within one
 * leadership, nothing ephemeral ends before its time, and who waits in line waits for something. Beyond the leadership nothing is promised.
 */

import { mapForEach, mapGet, type GroupState, type KeyEntry, type LockEntry } from '../../core/index.js';
import { broken } from './raft/broken.js';
import type { Raft } from './raft/group-history.js';

export interface LeadRules {
  /** A group as a turn has left it. */
  check(before: GroupState | undefined, after: GroupState): void;
}

/** Clocks that are slowed down or sped up lose fractions of a millisecond. */
const ROUNDING_US = 2_000;

/** @param trustsClocks whether clocks keep to what the nodes are told of their drift. */
export function createLeadRules(trustsClocks: boolean, nowUs: () => number): LeadRules {
  /** By leadership, space, name and the change that armed it: when it was first seen armed. */
  const armedAtUs = new Map<string, number>();
  return {
    check(before, { raft, lead }) {
      if (lead === undefined || lead === before?.lead) return;
      if (raft.role !== 'leader' || raft.term !== lead.term) {
        broken(
          'only leaders keep things to themselves',
          raft,
          `it keeps what it had as the leader of term ${lead.term}`,
        );
      }
      checkLine(raft, lead);
      const known = before?.lead?.term === lead.term ? before.lead.ephemeral.state : undefined;
      const { state } = lead.ephemeral;
      if (known === state) return;
      const placeOf = (space: string, name: string, armedAt: number): string =>
        `${raft.self}/${raft.group}/${raft.term}/${space}/${armedAt}/${name}`;
      const look = (
        space: string,
        name: string,
        now: Armed,
        was: Armed | undefined,
        isOver: boolean,
      ): void => {
        if (now.armedAt !== 0 && now.armedAt !== was?.armedAt) {
          armedAtUs.set(placeOf(space, name, now.armedAt), nowUs());
        }
        if (!isOver || was === undefined || was.armedAt === 0 || !trustsClocks) return;
        const livedUs = nowUs() - (armedAtUs.get(placeOf(space, name, was.armedAt)) ?? 0);
        if (livedUs >= was.expiresMs * 1_000 - ROUNDING_US) return;
        const detail = `the ephemeral ${space} ${name} ended ${livedUs} µs after it was given ${was.expiresMs} ms`;
        broken('nothing ends before its time', raft, detail);
      };
      mapForEach(state.locks, (name, lock) => {
        const was = known && mapGet(known.locks, name);
        if (was !== undefined && lock.fencingToken < was.fencingToken) {
          const detail = `the token of the ephemeral lock ${name} went from ${was.fencingToken} to ${lock.fencingToken}`;
          broken('tokens never go back', raft, detail);
        }
        look('lock', name, lock, was, lock.lapsed && lock.fencingToken === was?.fencingToken);
      });
      mapForEach(state.keys, (name, key) => {
        const was = known && mapGet(known.keys, name);
        look('key', name, key, was, key.lapsedAt.node !== 0 && key.revision === was?.revision);
      });
    },
  };
}

/** Reservations wait for a command that is on its way, and for nothing else. */
function checkLine(raft: Raft, { blocks }: NonNullable<GroupState['lead']>): void {
  mapForEach(blocks, (name, { queued, inFlight }) => {
    if (queued === 0 || inFlight > 0) return;
    broken(
      'nobody waits for nothing',
      raft,
      `${queued} reservations of ${name} wait, and no block is on its way`,
    );
  });
}

type Armed = Pick<KeyEntry | LockEntry, 'armedAt' | 'expiresMs'>;
