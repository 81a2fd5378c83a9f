/**
 * Values that are kept apart: they are read only where they are, and nothing is left of those that nobody needs.
 *
 * The witness is the disk: what it made durable, never what a node says of it.
 */

import {
  COLD_PREFIX,
  fifoToArray,
  forEachOfPage,
  forEachReference,
  generationKey,
  logIndex,
  mapForEach,
  mayReferTo,
  radixForEach,
  radixGet,
  valueKey,
  type GroupId,
  type LogIndex,
  type NodeEffect,
  type NodeState,
  type PartitionState,
  type Persist,
  type ReadWait,
  type Stored,
  type ValueStore,
} from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

export interface ValueRules {
  /** These writes became durable. */
  synced(node: number, writes: readonly Persist<Stored>[]): void;
  /** A node starts: what its state refers to must be there. */
  started(node: number, state: NodeState): void;
  stepped(node: number, state: NodeState, effects: readonly NodeEffect[]): void;
}

export function createValueRules(limits: { readonly maxValueReads: number }): ValueRules {
  const records = new Map<number, Set<string>>();
  const recordsOf = (node: number): Set<string> => {
    let known = records.get(node);
    if (known === undefined) records.set(node, (known = new Set()));
    return known;
  };
  return {
    synced(node, writes) {
      const known = recordsOf(node);
      for (const { changes } of writes) {
        for (const change of changes) {
          if (change.type === 'Put') {
            if (change.key.startsWith(COLD_PREFIX)) known.add(change.key);
          } else if (change.type === 'Drop') known.delete(change.key);
          else for (const key of known) if (key >= change.from && key < change.before) known.delete(key);
        }
      }
    },
    started(node, state) {
      const known = recordsOf(node);
      radixForEach(state.groups, ({ partition }, group) => {
        forEachReferred(partition, (index) => {
          const values = state.values === undefined ? undefined : radixGet(state.values.groups, group);
          const generation = values?.generation ?? 0;
          if (known.has(valueKey(group as GroupId, generation, index))) return;
          throw new PropertyBroken(
            'values are where they should be',
            `node ${node}, group ${group}: it starts with a state at ${partition.applied} that refers to the value of ` +
              `entry ${index}, but its disk has none`,
          );
        });
      });
    },
    stepped(node, state, effects) {
      const known = recordsOf(node);
      for (const effect of effects) {
        if (effect.type !== 'Read' || known.has(effect.key)) continue;
        throw new PropertyBroken(
          'values are where they should be',
          `node ${node} reads ${effect.key}, which is not on its disk`,
        );
      }
      const { values } = state;
      if (values === undefined) return;
      if (values.waitingReads > limits.maxValueReads) {
        throw new PropertyBroken(
          'reads are bounded',
          `node ${node}: ${values.waitingReads} reads wait for values, but no more than ${limits.maxValueReads} may`,
        );
      }
    },
  };
}

function forEachReferred({ keys, past }: PartitionState, visit: (index: LogIndex) => void): void {
  mapForEach(keys, (_, entry) => forEachReference(entry, ({ index }) => visit(index)));
  if (past !== undefined)
    mapForEach(past.pages, (_, page) => forEachOfPage(page, ({ index }) => visit(index)));
}

/** The reads that begin to wait for values in a step. */
export function newReads(before: ValueStore | undefined, after: ValueStore | undefined): readonly ReadWait[] {
  const reads: ReadWait[] = [];
  if (after === undefined || after.nextWait === before?.nextWait) return reads;
  radixForEach(after.waits, (wait, number) => {
    if (wait.type === 'Read' && number >= (before?.nextWait ?? 0)) reads.push(wait);
  });
  return reads;
}

/** At the end of a run: of every record there is one who may need it. */
export function checkNothingLeft(
  node: number,
  state: NodeState,
  durable: ReadonlyMap<string, unknown>,
): void {
  radixForEach(state.groups, ({ partition, raft }, id) => {
    const group = id as GroupId;
    const values = state.values === undefined ? undefined : radixGet(state.values.groups, id);
    if (values === undefined) return;
    const needed = new Set<string>();
    const need = (index: LogIndex): void => void needed.add(valueKey(group, values.generation, index));
    forEachReferred(partition, need);
    for (const { index } of fifoToArray(values.superseded)) need(index);
    const from = generationKey(group, 0);
    const ofThisOne = generationKey(group, values.generation);
    for (const key of durable.keys()) {
      if (key < from || key >= generationKey(group, values.generation + 1) || needed.has(key)) continue;
      // Entries that it has not come to again, since it was started, may be written already.
      const index = logIndex(Number.parseInt(key.slice(ofThisOne.length), 16));
      if (key.startsWith(ofThisOne) && !mayReferTo(partition, index)) continue;
      throw new PropertyBroken(
        'nothing is left of old values',
        `node ${node}, group ${group}: ${key} is on its disk, but nothing refers to it (applied ${partition.applied}, ` +
          `snapshot ${raft.snapshot?.index ?? 0})`,
      );
    }
  });
}
