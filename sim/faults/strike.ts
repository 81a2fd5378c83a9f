/**
 * Carries out the faults of a scenario in a world.
 */

import type { NodeId } from '../../core/index.js';
import { nodeId } from '../../core/index.js';
import { changeCut, changeLag, type Weather } from '../world/network.js';
import { callAt, crashNode, nodeOf, pauseNode, startNode, type World } from '../world/world.js';
import type { Fault, Target } from './scenario.js';

/** What a fault needs to know of the machines: who leads a group now. */
export type LeaderOf<State> = (state: State, group: number) => boolean;

const MS = 1_000;

/** Puts every fault of the schedule into the world's future. */
export function scheduleFaults<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  faults: readonly Fault[],
  leads: LeaderOf<S>,
): void {
  for (const fault of faults) callAt(world, fault.atMs * MS, () => strike(world, fault, leads));
}

function strike<S, M, Q, A, D>(world: World<S, M, Q, A, D>, fault: Fault, leads: LeaderOf<S>): void {
  switch (fault.type) {
    case 'Squall': {
      const weather: Weather = fault;
      world.network.squalls.add(weather);
      callAt(world, fault.untilMs * MS, () => world.network.squalls.delete(weather));
      return;
    }
    case 'Split':
      return cut(world, fault.untilMs, (from, to) => fault.side.includes(from) !== fault.side.includes(to));
    case 'Blackout':
      for (const { id } of world.nodes) {
        crashNode(world, id);
        const gapMs = Math.floor(((fault.untilMs - fault.atMs) * id) / world.nodes.length);
        callAt(world, (fault.atMs + gapMs) * MS, () => startNode(world, id));
      }
      return;
    default:
      strikeNode(world, fault, leads);
  }
}

function strikeNode<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  fault: Extract<Fault, { readonly target: Target }>,
  leads: LeaderOf<S>,
): void {
  const target = resolve(world, fault.target, leads);
  if (target === undefined) return;
  switch (fault.type) {
    case 'Isolate':
      return cut(world, fault.untilMs, (from, to) => from === target || to === target);
    case 'Deafen':
      return cut(world, fault.untilMs, (_, to) => to === target);
    case 'Mute':
      return cut(world, fault.untilMs, (from) => from === target);
    case 'Lag': {
      const lagUs = fault.delayMs * MS;
      changeLag(world.network, target, lagUs);
      callAt(world, fault.untilMs * MS, () => changeLag(world.network, target, -lagUs));
      return;
    }
    case 'Crash':
      crashNode(world, target);
      callAt(world, fault.untilMs * MS, () => startNode(world, target));
      return;
    case 'CrashAtWrite':
      nodeOf(world, target).crashAtWrite = () => {
        crashNode(world, target);
        callAt(world, world.nowUs + fault.downMs * MS, () => startNode(world, target));
      };
      return;
    case 'Pause':
      return pauseNode(world, target, fault.untilMs * MS);
  }
}

function cut<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  untilMs: number,
  isCut: (from: NodeId, to: NodeId) => boolean,
): void {
  for (const { id: from } of world.nodes) {
    for (const { id: to } of world.nodes) {
      if (from === to || !isCut(from, to)) continue;
      changeCut(world.network, from, to, 1);
      callAt(world, untilMs * MS, () => changeCut(world.network, from, to, -1));
    }
  }
}

function resolve<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  target: Target,
  leads: LeaderOf<S>,
): NodeId | undefined {
  if ('node' in target) return nodeId(target.node);
  return world.nodes.find((node) => node.state !== undefined && leads(node.state, target.leaderOf))?.id;
}

/** Ends the storm: nothing is lost or cut any more, and every node runs. */
export function becalm<S, M, Q, A, D>(world: World<S, M, Q, A, D>): void {
  world.network.calm = true;
  for (const node of world.nodes) {
    node.crashAtWrite = undefined;
    startNode(world, node.id);
  }
}
