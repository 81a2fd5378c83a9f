/**
 * The end of the storm: who is healed, and what ails the others for ever.
 *
 * A protocol that claims to survive the failure of a minority must serve again when only a bare majority is well,
 * whatever state the rest is stuck in (the liveness mode of TigerBeetle's VOPR).
 */

import type { NodeId } from '../../core/index.js';
import { draw, drawOne, streamOf } from '../world/chance.js';
import { changeClock } from '../world/clock.js';
import { feel } from '../world/felt.js';
import { cutLink, healLink, linkOf, reconnect } from '../world/network.js';
import {
  armTimer,
  crashNode,
  pauseNode,
  resumeDisk,
  startNode,
  wakeNode,
  type SimNode,
  type World,
} from '../world/world.js';
import type { CalmSettings } from './scenario.js';

/** Begins the calm. Gives the nodes that are healed, in ascending order. */
export function becalm<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  { heal, limitMs }: CalmSettings,
): readonly NodeId[] {
  world.calm = true;
  const healed = heal === 'all' ? sound(world) : drawQuorum(world);
  for (const from of world.nodes) {
    for (const to of world.nodes) {
      const link = linkOf(world.network, from.id, to.id);
      if (healed.includes(from) && healed.includes(to)) healLink(world.network, link, world.nowUs);
      else reconnect(world.network, link, world.nowUs);
    }
  }
  for (const node of world.nodes) {
    if (healed.includes(node)) healNode(world, node);
    else ailForEver(world, node, world.nowUs + (limitMs + 3_600_000) * 1_000);
  }
  return healed.map(({ id }) => id);
}

function sound<S, M, Q, A, D>(world: World<S, M, Q, A, D>): readonly SimNode<S, M, Q, A, D>[] {
  return world.nodes.filter(({ refuses }) => refuses === undefined);
}

/** A bare majority of all nodes, drawn among those that can still start; all of those when they are fewer. */
function drawQuorum<S, M, Q, A, D>(world: World<S, M, Q, A, D>): readonly SimNode<S, M, Q, A, D>[] {
  const stream = streamOf(world.settings.seed, 'calm');
  const rank = (node: SimNode<S, M, Q, A, D>): number => draw(stream, node.id);
  return sound(world)
    .toSorted((a, b) => rank(a) - rank(b) || a.id - b.id)
    .slice(0, (world.nodes.length >>> 1) + 1)
    .sort((a, b) => a.id - b.id);
}

function healNode<S, M, Q, A, D>(world: World<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  const { disk } = node;
  node.calm = true;
  node.crashAtWrite = undefined;
  node.turnUs = world.settings.host.turnUs;
  Object.assign(disk, { slowUs: 0, stuck: 0, full: 0, failNext: false });
  node.drifts.length = 0;
  node.clock = changeClock(node.clock, world.nowUs, { frozen: false, driftPpm: node.driftPpm });
  armTimer(world, node);
  resumeDisk(world, node);
  wakeNode(world, node);
  startNode(world, node.id);
}

const AILMENTS = ['down', 'isolated', 'deaf', 'mute', 'paused', 'as it is'] as const;

function ailForEver<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  endUs: number,
): void {
  const ailment = drawOne(streamOf(world.settings.seed, 'ailment'), AILMENTS, node.id);
  feel(world.felt, `calm without one: ${ailment}`);
  switch (ailment) {
    case 'down':
      crashNode(world, node.id);
      node.refuses ??= 'it stays down';
      return;
    case 'paused':
      return pauseNode(world, node.id, endUs);
    case 'as it is':
      return;
    case 'isolated':
    case 'deaf':
    case 'mute':
      for (const other of world.nodes) {
        if (other === node) continue;
        if (ailment !== 'mute') cutLink(world.network, other.id, node.id, ailment);
        if (ailment !== 'deaf') cutLink(world.network, node.id, other.id, ailment);
      }
  }
}
