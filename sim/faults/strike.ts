/**
 * Carries out the faults of a scenario in a world.
 *
 * Each fault is counted when it strikes ("Isolate struck") and where it is felt (see `felt.ts`).
 */

import { nodeId, type NodeId } from '../../core/index.js';
import { changeClock } from '../world/clock.js';
import { feel } from '../world/felt.js';
import { beginSquall, cutLink, endSquall, linkOf, mendLink } from '../world/network.js';
import {
  armTimer,
  callAt,
  crashNode,
  destroyDisk,
  nodeOf,
  pauseNode,
  resumeDisk,
  rotDisk,
  startNode,
  startSpare,
  type SimNode,
  type World,
} from '../world/world.js';
import type { Fault, MemberFault, Target } from './fault.js';
import type { Operator } from './operator.js';

/** What a fault needs to know of the machines: who leads a group now. */
export type LeaderOf<State> = (state: State, group: number) => boolean;

const MS = 1_000;

/**
 * Puts every fault of the schedule into the world's future.
 *
 * @param operator carries out what operators do, and holds back what would destroy too much; without one, nobody does.
 */
export function scheduleFaults<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  faults: readonly Fault[],
  leads: LeaderOf<S>,
  operator?: Operator,
): void {
  for (const fault of faults) {
    callAt(world, fault.atMs * MS, () => {
      if (!world.calm) strike(world, fault, leads, operator);
    });
  }
}

function strike<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  fault: Fault,
  leads: LeaderOf<S>,
  operator: Operator | undefined,
): void {
  if (destroys(fault) && operator?.canLose(fault.node) === false) {
    feel(world.felt, `${fault.type} held back`);
    return;
  }
  if ('target' in fault) {
    const target = resolve(world, fault.target, leads);
    if (target === undefined) return;
    begin(world, fault);
    strikeNode(world, fault, nodeOf(world, target));
    return;
  }
  begin(world, fault);
  switch (fault.type) {
    case 'Squall':
      beginSquall(world.network, fault);
      callAt(world, fault.untilMs * MS, () => endSquall(world.network, fault));
      return;
    case 'Split':
      return cut(world, fault, (from, to) => fault.side.includes(from) !== fault.side.includes(to));
    case 'Partial':
      return cut(world, fault, (from, to) =>
        fault.pairs.some(([a, b]) => (a === from && b === to) || (a === to && b === from)),
      );
    case 'Bridge':
      return cut(
        world,
        fault,
        (from, to) =>
          from !== fault.bridge &&
          to !== fault.bridge &&
          fault.side.includes(from) !== fault.side.includes(to),
      );
    case 'SlowLink': {
      const link = linkOf(world.network, fault.from, fault.to);
      link.lagUs += fault.delayMs * MS;
      callAt(world, fault.untilMs * MS, () => (link.lagUs -= fault.delayMs * MS));
      return;
    }
    case 'Blackout':
      for (const { id } of world.nodes) {
        crashNode(world, id);
        const gapMs = Math.floor(((fault.untilMs - fault.atMs) * id) / world.nodes.length);
        callAt(world, (fault.atMs + gapMs) * MS, () => startNode(world, id));
      }
      return;
    case 'BitRot':
      rotDisk(world, nodeId(fault.node));
      // A rotten record shows at the next start, and this is it.
      startNode(world, nodeId(fault.node));
      return;
    case 'LoseDisk':
      feel(world.felt, 'LoseDisk');
      return destroyDisk(world, nodeId(fault.node), 'everything that was on its disk is gone');
    case 'Upgrade': {
      const node = nodeOf(world, fault.node);
      crashNode(world, node.id);
      node.machine = world.machineOf(node.id, fault.version);
      node.version = fault.version;
      startAfter(world, node, fault.downMs);
      return;
    }
    case 'Join':
    case 'Promote':
    case 'Leave':
    case 'Replace':
    case 'Reshape':
    case 'Transfer':
    case 'HandOver':
      return order(world, fault, operator);
  }
}

/** A disk that is destroyed for good. Where nobody ever joins, the schedule itself was made so that it can be borne. */
function destroys(
  fault: Fault,
): fault is Extract<Fault, { readonly type: 'BitRot' | 'LoseDisk' | 'Replace' }> {
  return fault.type === 'BitRot' || fault.type === 'LoseDisk' || fault.type === 'Replace';
}

/** What operators do. Those who come start first, so that they can be spoken to. */
function order<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  fault: MemberFault,
  operator: Operator | undefined,
): void {
  if (operator === undefined) return;
  const start = (node: number): void => {
    feel(world.felt, 'spare started');
    startSpare(world, nodeId(node));
  };
  const stopLater = (nodes: readonly number[], afterMs: number): void => {
    for (const node of nodes) callAt(world, world.nowUs + afterMs * MS, () => operator.stopForGood(node));
  };
  switch (fault.type) {
    case 'Join':
      start(fault.node);
      return operator.wish(
        { type: 'Change', add: [{ node: fault.node, role: fault.role }], promote: [], remove: [] },
        undefined,
      );
    case 'Promote':
      return operator.wish({ type: 'Change', add: [], promote: [fault.node], remove: [] }, undefined);
    case 'Leave':
      return operator.wish(
        { type: 'Change', add: [], promote: [], remove: [fault.node] },
        undefined,
        (how) => {
          if (how === 'done') stopLater([fault.node], fault.stopAfterMs);
        },
      );
    case 'Replace':
      destroyDisk(world, nodeId(fault.node), 'its machine died, and was replaced');
      start(fault.spare);
      return operator.wish(
        { type: 'Change', add: [{ node: fault.spare, role: 'voter' }], promote: [], remove: [fault.node] },
        undefined,
      );
    case 'Reshape': {
      fault.join.forEach(start);
      const add = fault.join.map((node) => ({ node, role: 'voter' as const }));
      return operator.wish({ type: 'Change', add, promote: [], remove: fault.leave }, undefined, (how) => {
        if (how === 'done') stopLater(fault.leave, fault.stopAfterMs);
      });
    }
    case 'Transfer':
      return operator.wish({ type: 'Transfer', group: fault.group, node: fault.node }, undefined);
    case 'HandOver': {
      const { node, downMs } = fault;
      return operator.wish({ type: 'HandOver' }, node, (how) => {
        if (how === 'given up' || world.calm) return;
        crashNode(world, nodeId(node));
        startAfter(world, nodeOf(world, node), downMs);
      });
    }
  }
}

function begin<S, M, Q, A, D>(world: World<S, M, Q, A, D>, fault: Fault): void {
  const { underWay } = world;
  feel(world.felt, `${fault.type} struck`);
  if (!('untilMs' in fault)) return;
  underWay.push(fault.type);
  callAt(world, fault.untilMs * MS, () => underWay.splice(underWay.indexOf(fault.type), 1));
}

function strikeNode<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  fault: Extract<Fault, { readonly target: Target }>,
  node: SimNode<S, M, Q, A, D>,
): void {
  const target = node.id;
  const later = (undo: () => void): void => {
    if ('untilMs' in fault) callAt(world, fault.untilMs * MS, undo);
  };
  switch (fault.type) {
    case 'Isolate':
      return cut(world, fault, (from, to) => from === target || to === target);
    case 'Deafen':
      return cut(world, fault, (_, to) => to === target);
    case 'Mute':
      return cut(world, fault, (from) => from === target);
    case 'Flap':
      for (let atMs = fault.atMs; atMs < fault.untilMs; atMs += 2 * fault.periodMs) {
        const window = { type: fault.type, untilMs: Math.min(fault.untilMs, atMs + fault.periodMs) };
        callAt(world, atMs * MS, () => cut(world, window, (from, to) => from === target || to === target));
      }
      return;
    case 'Lag':
      for (const { id } of world.nodes) linkOf(world.network, id, target).lagUs += fault.delayMs * MS;
      return later(() => {
        for (const { id } of world.nodes) linkOf(world.network, id, target).lagUs -= fault.delayMs * MS;
      });
    case 'Throttle':
      for (const { id } of world.nodes) {
        linkOf(world.network, target, id).bytesPerSecond = fault.bytesPerSecond;
      }
      return later(() => {
        for (const { id } of world.nodes) {
          linkOf(world.network, target, id).bytesPerSecond = world.settings.network.bytesPerSecond;
        }
      });
    case 'SlowDisk':
      node.disk.slowUs += fault.syncMs * MS;
      return later(() => {
        if (!node.calm) node.disk.slowUs -= fault.syncMs * MS;
      });
    case 'StuckDisk':
      node.disk.stuck += 1;
      return later(() => {
        if (node.calm) return;
        node.disk.stuck -= 1;
        resumeDisk(world, node);
      });
    case 'FullDisk':
      node.disk.full += 1;
      return later(() => {
        if (!node.calm) node.disk.full -= 1;
      });
    case 'FailSync':
      node.disk.failNext = true;
      return;
    case 'TornWrite':
    case 'CrashAtWrite':
      node.crashAtWrite = () => {
        feel(world.felt, fault.type);
        crashNode(world, target, fault.type === 'TornWrite');
        startAfter(world, node, fault.downMs);
      };
      return;
    case 'ClockJump':
      feel(world.felt, fault.type);
      node.clock = changeClock(node.clock, world.nowUs, {
        addWallMs: fault.wallMs,
        addMonotonicMs: fault.monotonicMs,
      });
      return armTimer(world, node);
    case 'ClockFreeze':
      return bendClock(
        world,
        node,
        fault,
        () => ({ frozen: true }),
        () => ({ frozen: false }),
      );
    case 'ClockDrift':
      node.drifts.push(fault.driftPpm);
      return bendClock(
        world,
        node,
        fault,
        () => ({ driftPpm: fault.driftPpm }),
        () => {
          const place = node.drifts.indexOf(fault.driftPpm);
          if (place >= 0) node.drifts.splice(place, 1);
          return { driftPpm: node.drifts[node.drifts.length - 1] ?? node.driftPpm };
        },
      );
    case 'Crash':
      feel(world.felt, fault.type);
      crashNode(world, target);
      return later(() => startNode(world, target));
    case 'CrashLoop':
      for (let atMs = fault.atMs; atMs < fault.untilMs; atMs += fault.upMs + fault.downMs) {
        callAt(world, atMs * MS, () => {
          if (node.calm) return;
          feel(world.felt, fault.type);
          crashNode(world, target);
          startAfter(world, node, fault.downMs);
        });
      }
      return;
    case 'Pause':
      feel(world.felt, fault.type);
      return pauseNode(world, target, fault.untilMs * MS);
    case 'SlowNode':
      feel(world.felt, fault.type);
      node.turnUs += fault.turnUs;
      return later(() => {
        if (!node.calm) node.turnUs -= fault.turnUs;
      });
  }
}

function bendClock<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  fault: { readonly type: string; readonly untilMs: number },
  change: () => Parameters<typeof changeClock>[2],
  back: () => Parameters<typeof changeClock>[2],
): void {
  feel(world.felt, fault.type);
  node.clock = changeClock(node.clock, world.nowUs, change());
  armTimer(world, node);
  callAt(world, fault.untilMs * MS, () => {
    node.clock = changeClock(node.clock, world.nowUs, back());
    armTimer(world, node);
  });
}

function startAfter<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  downMs: number,
): void {
  callAt(world, world.nowUs + downMs * MS, () => startNode(world, node.id));
}

function cut<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  fault: { readonly type: string; readonly untilMs: number },
  isCut: (from: NodeId, to: NodeId) => boolean,
): void {
  for (const { id: from } of world.nodes) {
    for (const { id: to } of world.nodes) {
      if (from === to || !isCut(from, to)) continue;
      cutLink(world.network, from, to, fault.type);
      callAt(world, fault.untilMs * MS, () => mendLink(world.network, from, to, fault.type));
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
