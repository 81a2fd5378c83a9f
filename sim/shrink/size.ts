/** How big a scenario is, in the things that somebody who reads it must keep in mind. */

import type { Scenario } from '../faults/scenario.js';
import { namesOf } from './cluster.js';
import type { Found } from './steps.js';

export interface Size {
  /** Operations that are asked for. */
  readonly operations: number;
  readonly clients: number;
  readonly faults: number;
  readonly nodes: number;
  /** Messages whose fate is decided by name; undefined while chance decides. */
  readonly decisions: number | undefined;
  /** Until the failure. */
  readonly virtualMs: number;
  /** Inputs handed to machines until then; undefined where nobody counted. */
  readonly events: number | undefined;
}

/** The size of a scenario that fails so. */
export function sizeOf({ workload, faults, nodes, spares = 0, network }: Scenario, failure: Found): Size {
  const skipped = new Set(workload.skip);
  return {
    operations: namesOf(workload).filter((name) => !skipped.has(name)).length,
    clients: workload.clients,
    faults: faults.length,
    nodes: nodes + spares,
    decisions: network.decisions?.list.length,
    virtualMs: Math.ceil(failure.atUs / 1_000),
    events: failure.events,
  };
}

export function describeSize({ operations, clients, faults, nodes, decisions, ...run }: Size): string {
  const named = decisions === undefined ? '' : `, ${many(decisions, 'decision')} about messages`;
  const events = run.events === undefined ? '' : `, ${run.events} events`;
  return (
    `${many(faults, 'fault')}, ${many(operations, 'operation')} of ${many(clients, 'client')}, ` +
    `${many(nodes, 'node')}${named}, ${run.virtualMs} virtual ms${events}`
  );
}

function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
