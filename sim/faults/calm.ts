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
  nodesInUse,
  pauseNode,
  resumeDisk,
  startNode,
  wakeNode,
  type SimNode,
  type World,
} from '../world/world.js';
import type { CalmSettings } from './scenario.js';

/**
 * Begins the calm. Gives the nodes that are healed, in ascending order.
 *
 * @param electorates the sets of nodes of each of which a majority must be healed; by default, that of all nodes.
 */
export function becalm<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  { heal, limitMs }: CalmSettings,
  electorates: readonly (readonly number[])[] = [world.nodes.map(({ id }) => id)],
): readonly NodeId[] {
  world.calm = true;
  const healed = heal === 'all' ? sound(world) : drawQuorum(world, electorates);
  for (const from of world.nodes) {
    for (const to of world.nodes) {
      const link = linkOf(world.network, from.id, to.id);
      if (healed.includes(from) && healed.includes(to)) healLink(world.network, link, world.nowUs);
      else reconnect(world.network, link, world.nowUs);
    }
  }
  for (const node of nodesInUse(world)) {
    if (healed.includes(node)) healNode(world, node);
    else ailForEver(world, node, world.nowUs + (limitMs + 3_600_000) * 1_000);
  }
  return healed.map(({ id }) => id);
}

function sound<S, M, Q, A, D>(world: World<S, M, Q, A, D>): readonly SimNode<S, M, Q, A, D>[] {
  return nodesInUse(world).filter(({ refuses }) => refuses === undefined);
}

/**
 * As few as a majority of every electorate needs, drawn among those that can still start; all of those when even they are
 * too few.
 */
function drawQuorum<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  electorates: readonly (readonly number[])[],
): readonly SimNode<S, M, Q, A, D>[] {
  const stream = streamOf(world.settings.seed, 'calm');
  const rank = (node: SimNode<S, M, Q, A, D>): number => draw(stream, node.id);
  const isEnough = (nodes: readonly SimNode<S, M, Q, A, D>[]): boolean =>
    electorates.every(
      (electorate) => 2 * nodes.filter(({ id }) => electorate.includes(id)).length > electorate.length,
    );
  let healed: readonly SimNode<S, M, Q, A, D>[] = sound(world);
  for (const node of healed.toSorted((a, b) => rank(b) - rank(a) || b.id - a.id)) {
    const others = healed.filter((other) => other !== node);
    if (isEnough(others)) healed = others;
  }
  return healed;
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
