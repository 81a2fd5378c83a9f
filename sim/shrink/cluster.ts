/** Fewer nodes, clients and operations, and whatever a system knows to make smaller. */

import type { Fault } from '../faults/fault.js';
import { machinesOf, type Scenario, type WorkloadSettings } from '../faults/scenario.js';
import { attempt, fewer, lower, type Pass } from './steps.js';

/** Fewer clients, shorter ones, and then single operations. */
export function fewerOperations<S>(): Pass<S> {
  return {
    name: 'fewer operations',
    *steps(hand) {
      const what = 'fewer operations';
      const change = (workload: Partial<WorkloadSettings>): Scenario<S> =>
        trim({ ...hand.best, workload: { ...hand.best.workload, ...workload } });
      const each = hand.best.workload.operationsPerClient;
      yield* lower(hand, { from: each, least: 0 }, (n) => change({ operationsPerClient: n }), what);
      yield* lower(hand, { from: hand.best.workload.clients, least: 0 }, (n) => change({ clients: n }), what);
      const { clients, operationsPerClient, skip } = hand.best.workload;
      const all = namesOf(hand.best.workload);
      const skipped = new Set(skip);
      const asked = all.filter((name) => !skipped.has(name));
      yield* fewer(
        hand,
        asked,
        (kept) => {
          const wanted = new Set(kept);
          return change({ clients, operationsPerClient, skip: all.filter((name) => !wanted.has(name)) });
        },
        what,
      );
    },
  };
}

/** Every operation of a workload, as `client:number`. */
export function namesOf({ clients, operationsPerClient }: WorkloadSettings): readonly string[] {
  return Array.from({ length: clients }, (_c, client) =>
    Array.from({ length: operationsPerClient }, (_n, number) => `${client + 1}:${number + 1}`),
  ).flat();
}

/** Without clients and numbers at the end that ask for nothing, and without names of operations that there are not. */
function trim<S>(scenario: Scenario<S>): Scenario<S> {
  const { workload } = scenario;
  const skipped = new Set(workload.skip);
  const asked = namesOf(workload)
    .filter((name) => !skipped.has(name))
    .map((name) => name.split(':').map(Number) as [number, number]);
  const clients = asked.reduce((most, [client]) => Math.max(most, client), 0);
  const operationsPerClient = asked.reduce((most, [, number]) => Math.max(most, number), 0);
  const left = new Set(namesOf({ ...workload, clients, operationsPerClient }));
  const skip = workload.skip.filter((name) => left.has(name));
  return { ...scenario, workload: { ...workload, clients, operationsPerClient, skip } };
}

/** Fewer spares and nodes: each in turn is taken out, and those above it move down. */
export function fewerNodes<S>(): Pass<S> {
  return {
    name: 'fewer nodes',
    *steps(hand) {
      for (let node = machinesOf(hand.best); node >= 1; node -= 1) {
        if (node <= hand.best.nodes && hand.best.nodes === 1) return;
        yield* attempt(hand, withoutNode(hand.best, node), 'fewer nodes');
      }
    },
  };
}

/** The scenario without one node: what names it goes, and higher numbers move down. */
export function withoutNode<S>(scenario: Scenario<S>, gone: number): Scenario<S> {
  const isSpare = gone > scenario.nodes;
  const nodes = isSpare ? scenario.nodes : scenario.nodes - 1;
  const spares = isSpare ? { spares: (scenario.spares ?? 0) - 1 } : {};
  const machines = machinesOf(scenario) - 1;
  const move = (node: number): number => (node > gone ? node - 1 : node);
  const faults = scenario.faults.flatMap((fault): readonly Fault[] => {
    if ('target' in fault) {
      if (!('node' in fault.target)) return [fault];
      const { node } = fault.target;
      return node === gone ? [] : [{ ...fault, target: { node: move(node) } }];
    }
    switch (fault.type) {
      case 'Split':
      case 'Bridge': {
        const side = fault.side.filter((node) => node !== gone).map(move);
        if (side.length === 0 || side.length >= machines) return [];
        if (fault.type === 'Split') return [{ ...fault, side }];
        const { bridge, atMs, untilMs } = fault;
        const rest = { atMs, untilMs, side };
        return bridge === gone
          ? [{ type: 'Split', ...rest }]
          : [{ type: 'Bridge', ...rest, bridge: move(bridge) }];
      }
      case 'Partial': {
        const pairs = fault.pairs
          .filter((pair) => !pair.includes(gone))
          .map(([a, b]) => [move(a), move(b)] as const);
        return pairs.length === 0 ? [] : [{ ...fault, pairs }];
      }
      case 'SlowLink':
        return fault.from === gone || fault.to === gone
          ? []
          : [{ ...fault, from: move(fault.from), to: move(fault.to) }];
      case 'BitRot':
      case 'LoseDisk':
      case 'Upgrade':
      case 'Join':
      case 'Promote':
      case 'Leave':
      case 'Transfer':
      case 'HandOver':
        return fault.node === gone ? [] : [{ ...fault, node: move(fault.node) }];
      case 'Replace':
        return fault.node === gone || fault.spare === gone
          ? []
          : [{ ...fault, node: move(fault.node), spare: move(fault.spare) }];
      case 'Reshape': {
        const join = fault.join.filter((node) => node !== gone).map(move);
        const leave = fault.leave.filter((node) => node !== gone).map(move);
        return join.length + leave.length === 0 ? [] : [{ ...fault, join, leave }];
      }
      case 'Squall':
      case 'Blackout':
        return [fault];
    }
  });
  const { decisions, ...network } = scenario.network;
  if (decisions === undefined) return { ...scenario, nodes, ...spares, faults };
  const list = decisions.list
    .filter(({ from, to }) => from !== gone && to !== gone)
    .map((decision) => ({ ...decision, from: move(decision.from), to: move(decision.to) }));
  return {
    ...scenario,
    nodes,
    ...spares,
    faults,
    network: { ...network, decisions: { ...decisions, list } },
  };
}

/** What the system knows to make smaller in its own settings. */
export function smallerSettings<S>(smaller: (scenario: Scenario<S>) => Iterable<Scenario<S>>): Pass<S> {
  return {
    name: 'smaller settings',
    *steps(hand) {
      for (let goOn = true; goOn;) {
        goOn = false;
        for (const candidate of smaller(hand.best)) {
          goOn = yield* attempt(hand, candidate, 'smaller settings');
          if (goOn) break;
        }
      }
    },
  };
}
