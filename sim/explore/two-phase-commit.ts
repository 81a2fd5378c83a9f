/**
 * Two-phase commit, after TwoPhase.tla of Gray and Lamport, "Consensus on Transaction Commit" (2004).
 *
 * The yardstick of explorers: how many states it has is known exactly. Resource managers prepare or abort by
 * themselves; the transaction manager commits when all have prepared, or aborts at will; messages are never lost and
 * never taken away. The message `Commit` or `Abort` is out exactly when the transaction manager has decided.
 */

import { put } from './fingerprint.js';
import { alwaysHolds, sometimesHolds, type StateModel } from './model.js';

/** What one resource manager does; two bits of a state. */
const WORKING = 0;
const PREPARED = 1;
const COMMITTED = 2;
const ABORTED = 3;

/** What the transaction manager decided. */
const UNDECIDED = 0;
const COMMIT = 1;
const ABORT = 2;

/** All in few integers: a model of this size is a measure of the explorer, not of the model. */
export interface TwoPhaseState {
  /** Two bits for each resource manager. */
  readonly does: number;
  /** A bit for each resource manager: its `Prepared` is out. */
  readonly said: number;
  /** A bit for each: the transaction manager received it. */
  readonly heard: number;
  readonly decision: number;
}

export interface TwoPhaseAction {
  readonly type:
    'Commit' | 'Abort' | 'ReceivePrepared' | 'Prepare' | 'ChooseToAbort' | 'ReceiveCommit' | 'ReceiveAbort';
  /** Counts from 0; -1 where the transaction manager acts by itself. */
  readonly manager: number;
}

/**
 * @param managers how many resource managers, 1 to 15.
 * @param symmetry take states for one that differ only by which resource manager is which.
 */
export function twoPhaseCommit(
  managers: number,
  symmetry = false,
): StateModel<TwoPhaseState, TwoPhaseAction> {
  const all = Array.from({ length: managers }, (_, manager) => manager);
  const everybody = (1 << managers) - 1;
  const of = (type: TwoPhaseAction['type']): readonly TwoPhaseAction[] =>
    all.map((manager) => ({ type, manager }));
  const receivePrepared = of('ReceivePrepared');
  const prepare = of('Prepare');
  const chooseToAbort = of('ChooseToAbort');
  const receiveCommit = of('ReceiveCommit');
  const receiveAbort = of('ReceiveAbort');

  return {
    initial: [{ does: 0, said: 0, heard: 0, decision: UNDECIDED }],
    actions: ({ does, said, heard, decision }) => {
      const enabled: TwoPhaseAction[] = [];
      if (decision === UNDECIDED) {
        if (heard === everybody) enabled.push({ type: 'Commit', manager: -1 });
        enabled.push({ type: 'Abort', manager: -1 });
      }
      for (const manager of all) {
        if (decision === UNDECIDED && ((said >> manager) & 1) === 1) {
          enabled.push(receivePrepared[manager] as TwoPhaseAction);
        }
        if (doing(does, manager) === WORKING) {
          enabled.push(prepare[manager] as TwoPhaseAction, chooseToAbort[manager] as TwoPhaseAction);
        }
        if (decision === COMMIT) enabled.push(receiveCommit[manager] as TwoPhaseAction);
        if (decision === ABORT) enabled.push(receiveAbort[manager] as TwoPhaseAction);
      }
      return enabled;
    },
    next,
    fingerprint: ({ does, said, heard, decision }, into) => {
      if (!symmetry) {
        put(into, does);
        put(into, said | (heard << 16));
        return put(into, decision);
      }
      // Managers have no neighbours: sorted, all permutations of a state are the same state.
      const codes = all.map(
        (manager) => doing(does, manager) * 4 + ((said >> manager) & 1) * 2 + ((heard >> manager) & 1),
      );
      codes.sort((a, b) => a - b);
      for (const code of codes) put(into, code);
      put(into, decision);
    },
    properties: [
      alwaysHolds('managers agree', ({ does }) => {
        const some = (what: number): boolean => all.some((manager) => doing(does, manager) === what);
        return !(some(COMMITTED) && some(ABORTED));
      }),
      sometimesHolds('all commit', ({ does }) => all.every((manager) => doing(does, manager) === COMMITTED)),
      sometimesHolds('all abort', ({ does }) => all.every((manager) => doing(does, manager) === ABORTED)),
    ],
    describe: ({ type, manager }) => (manager < 0 ? type : `${type} ${manager + 1}`),
  };
}

function doing(does: number, manager: number): number {
  return (does >> (2 * manager)) & 3;
}

function setDoing(does: number, manager: number, what: number): number {
  return (does & ~(3 << (2 * manager))) | (what << (2 * manager));
}

function next(state: TwoPhaseState, { type, manager }: TwoPhaseAction): TwoPhaseState {
  const { does, said, heard, decision } = state;
  switch (type) {
    case 'Commit':
      return { does, said, heard, decision: COMMIT };
    case 'Abort':
      return { does, said, heard, decision: ABORT };
    case 'ReceivePrepared':
      return { does, said, heard: heard | (1 << manager), decision };
    case 'Prepare':
      return { does: setDoing(does, manager, PREPARED), said: said | (1 << manager), heard, decision };
    case 'ReceiveCommit':
      return { does: setDoing(does, manager, COMMITTED), said, heard, decision };
    case 'ChooseToAbort':
    case 'ReceiveAbort':
      return { does: setDoing(does, manager, ABORTED), said, heard, decision };
  }
}
