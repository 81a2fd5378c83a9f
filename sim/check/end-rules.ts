/**
 * What is over is not shown: a leader that answers a read of the present shows no key and no lock whose time to live has run out by its
 * own clock.
 *
 * By that clock alone, so it holds whatever the clocks do. A time to live runs since the leader applied what armed it, or
 * since its leadership began where an earlier leader did, and may last as much longer as two clocks may drift apart.
 */

import type { GroupState, Operation, Outcome } from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';
import { shownUntil, type Reference } from './reference.js';

export interface EndRules {
  /** A group as a turn has left it, by the node's clock. */
  noted(before: GroupState | undefined, after: GroupState, nowMs: number): void;
  /** A leader tells what it has read in the state at `index`. */
  checkShown(node: number, reference: Reference, operation: Operation, read: Shown): void;
  crashed(node: number): void;
}

export interface Shown {
  readonly index: number;
  readonly told: Outcome;
  readonly nowMs: number;
}

/** A leadership as its clock saw it. */
interface Tenure {
  readonly term: number;
  readonly sinceMs: number;
  /** What had been applied when it began. */
  readonly inherited: number;
  /** When each later index was applied, the first of them first. */
  readonly appliedAtMs: number[];
}

/** @param driftPercent what the nodes are told of their clocks. */
export function createEndRules(driftPercent: number): EndRules {
  const tenures = new Map<number, Map<number, Tenure>>();
  const ofNode = (node: number): Map<number, Tenure> => {
    let known = tenures.get(node);
    if (known === undefined) tenures.set(node, (known = new Map()));
    return known;
  };
  return {
    noted(before, { raft, partition }, nowMs) {
      const mine = ofNode(raft.self);
      if (raft.role !== 'leader') {
        if (before?.raft.role === 'leader') mine.delete(raft.group);
        return;
      }
      let tenure = mine.get(raft.group);
      if (tenure?.term !== raft.term) {
        const inherited = before?.partition.applied ?? 0;
        tenure = { term: raft.term, sinceMs: nowMs, inherited, appliedAtMs: [] };
        mine.set(raft.group, tenure);
      }
      const { inherited, appliedAtMs } = tenure;
      while (inherited + appliedAtMs.length < partition.applied) appliedAtMs.push(nowMs);
    },
    checkShown(node, reference, operation, { index, told, nowMs }) {
      const tenure = tenures.get(node)?.get(reference.group);
      if (tenure === undefined) return;
      const shown = shownUntil(reference, operation, index, told);
      if (shown === undefined) return;
      const { armedAt, expiresMs, name } = shown;
      const { inherited, appliedAtMs, sinceMs } = tenure;
      const startMs = armedAt > inherited ? appliedAtMs[armedAt - inherited - 1] : sinceMs;
      const lastMs =
        (startMs ?? nowMs) + Math.ceil((expiresMs * (100 + driftPercent)) / (100 - driftPercent));
      if (nowMs <= lastMs) return;
      throw new PropertyBroken(
        'what is over is not shown',
        `group ${reference.group}, node ${node}: it shows ${name}, armed at index ${armedAt} for ${expiresMs} ms, ${nowMs - lastMs} ms after its end`,
      );
    },
    crashed(node) {
      tenures.delete(node);
    },
  };
}
