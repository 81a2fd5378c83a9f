/** The world as clients of transactions see it. */

import type { NodeMessage, NodeState, Stored } from '../../../core/index.js';
import type { WorkloadSettings } from '../../faults/scenario.js';
import type { Desk } from '../../system/system.js';
import { drawOne, streamOf } from '../../world/chance.js';
import { ask, callAt, nodesInUse, type World } from '../../world/world.js';
import type { AnyAnswer, AnyRequest, Shorefront } from './asking.js';

const MS = 1_000;

/** @param world in which the clients live. */
export function shorefrontOf(
  world: World<NodeState, NodeMessage, AnyRequest, AnyAnswer, Stored>,
  { seed, workload }: { readonly seed: number; readonly workload: WorkloadSettings },
  desk: Desk,
): Shorefront {
  const stream = streamOf(seed, 'transaction client');
  return {
    nowUs: () => world.nowUs,
    isCalm: () => world.calm,
    later: (us, call) => callAt(world, world.nowUs + us, call),
    ask(salt, request, hear) {
      // In the calm, a client has found out who is well.
      const nodes = world.calm ? world.nodes.filter(({ calm }) => calm) : nodesInUse(world);
      const { id } = drawOne(stream, nodes.length > 0 ? nodes : world.nodes, salt);
      ask(world, id, request, (answer) => hear(answer, id));
    },
    timeoutUs: workload.clientTimeoutMs * MS,
    reach: (feature) => desk.reach(feature),
  };
}
