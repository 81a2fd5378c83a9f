/** What transactions have left behind, where all is calm: nothing may stay. */

import {
  mapForEach,
  radixForEach,
  type NodeId,
  type NodeState,
  type PartitionState,
} from '../../../core/index.js';
import { readClocks, type NodeClock } from '../../world/clock.js';

interface Known {
  readonly id: NodeId;
  readonly state: NodeState | undefined;
  readonly clock: NodeClock;
}

/** What is left in the nodes that are well, in words; undefined for nothing. */
export function leftBehind(
  nodes: readonly Known[],
  healed: readonly NodeId[],
  nowUs: number,
): string | undefined {
  const left: string[] = [];
  const newest = new Map<number, number>();
  for (const { state } of nodes) {
    if (state === undefined) continue;
    radixForEach(state.groups, ({ partition }, group) => {
      newest.set(group, Math.max(newest.get(group) ?? 0, partition.applied));
    });
  }
  for (const { id, state, clock } of nodes) {
    if (state === undefined || !healed.includes(id)) continue;
    const count = (what: string, many: number): void => {
      if (many > 0) left.push(`node ${id} has ${many} ${what}`);
    };
    const { coordination } = state;
    count('sessions', coordination?.sessionCount ?? 0);
    const { monotonic } = readClocks(clock, nowUs);
    radixForEach(state.groups, ({ partition, lead }, group) => {
      // Who is no member of a group any more knows of it what he knew then.
      if (partition.applied < (newest.get(group) ?? 0)) return;
      for (const [where, { transactions }] of partsOf(partition, lead?.ephemeral.state)) {
        count(`prepared transactions in group ${group}${where}`, transactions.prepared.size);
        count(`intents in group ${group}${where}`, transactions.intents.size);
        count(`unfinished records in group ${group}${where}`, transactions.open.size);
      }
      let locks = 0;
      for (const table of [lead?.locks?.persistent, lead?.locks?.ephemeral]) {
        if (table === undefined) continue;
        // Those whose time is over are as good as gone.
        mapForEach(table.locks, (_, { endsAt }) => void (locks += endsAt > monotonic ? 1 : 0));
      }
      count(`locks of transactions in group ${group}`, locks);
    });
  }
  return left.length === 0 ? undefined : left.join(', ');
}

type Contents = Pick<PartitionState, 'transactions'>;

function partsOf(
  partition: Contents,
  ephemeral: Contents | undefined,
): readonly (readonly [string, Contents])[] {
  return ephemeral === undefined
    ? [['', partition]]
    : [
        ['', partition],
        [' in memory', ephemeral],
      ];
}
