/** What the keys of a cluster hold when all is over, as the replica that has come farthest knows it. */

import {
  isReference,
  mapForEach,
  radixForEach,
  type NodeState,
  type PartitionState,
} from '../../../core/index.js';
import { toText } from '../text.js';
import type { FinalKey } from './judge.js';

/** Keys whose values are kept apart from the state are left out: only a disk has them. */
export function finalKeys(nodes: readonly { readonly state: NodeState | undefined }[]): readonly FinalKey[] {
  const newest = new Map<number, PartitionState>();
  for (const { state } of nodes) {
    if (state === undefined) continue;
    radixForEach(state.groups, ({ partition }, group) => {
      const known = newest.get(group);
      if (known === undefined || known.applied < partition.applied) newest.set(group, partition);
    });
  }
  const all: FinalKey[] = [];
  for (const { keys } of newest.values()) {
    mapForEach(keys, (key, { deleted, lapsedAt, value }) => {
      if (deleted || lapsedAt.node !== 0 || isReference(value)) return;
      all.push({ key, value: toText(value) });
    });
  }
  return all;
}
