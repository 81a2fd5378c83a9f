/** A shrunk failure, told in a few lines. */

import type { Fault } from '../faults/fault.js';
import type { Scenario } from '../faults/scenario.js';
import { namesOf } from './cluster.js';
import type { Shrunk } from './shrink.js';
import { describeSize } from './size.js';

/** What is left of a failure: who takes part, what goes wrong and when, and how it ends. */
export function describeShrunk<S>({ scenario, failure, before, size, runs, unfinished }: Shrunk<S>): string {
  const { nodes, spares = 0, faults, calm, network } = scenario;
  const decisions = network.decisions?.list ?? [];
  return [
    `from       ${describeSize(before)}`,
    `to         ${describeSize(size)}`,
    `after      ${runs} runs${unfinished ? ', which were all that it was given' : ''}`,
    '',
    `${nodes} nodes${spares === 0 ? '' : ` and ${spares} spares`}, ${describeAsking(scenario)}.`,
    ...faults.map((fault) => `  ${at(fault.atMs)} ${describeFault(fault)}`),
    ...(faults.length === 0 ? ['  Nothing goes wrong but what the conditions bring.'] : []),
    `  ${at(calm.atMs)} calm`,
    ...(decisions.length === 0 ? [] : ['Messages with a fate of their own:']),
    ...decisions.slice(0, SHOWN).map(({ from, to, kind, nth, arriveUs }) => {
      const fate = arriveUs.length === 0 ? 'is lost' : `arrives after ${arriveUs.join(' and ')} us`;
      return `  ${kind} number ${nth} from ${who(from)} to ${who(to)} ${fate}`;
    }),
    ...(decisions.length > SHOWN ? [`  … and ${decisions.length - SHOWN} more`] : []),
    '',
    `broken     ${failure.property}, at ${Math.ceil(failure.atUs / 1_000)} ms`,
    failure.detail,
  ].join('\n');
}

const SHOWN = 20;

function at(ms: number): string {
  return `${String(ms).padStart(7)} ms `;
}

function who(node: number): string {
  return node === 0 ? 'the clients' : `node ${node}`;
}

function describeAsking({ workload }: Scenario): string {
  const skipped = new Set(workload.skip);
  const asked = namesOf(workload).filter((name) => !skipped.has(name));
  if (asked.length === 0) return 'and nobody asks for anything';
  const shown = asked.slice(0, SHOWN).join(', ');
  return `which are asked for the operations ${shown}${asked.length > SHOWN ? ', …' : ''} (client:number)`;
}

/** A fault in one line: its kind, whom it strikes, until when, and how strong it is. */
export function describeFault({ type, atMs, ...rest }: Fault): string {
  const fields: Readonly<Record<string, unknown>> = rest;
  const words = Object.entries(fields).map(([name, value]) => {
    if (name === 'untilMs') return `for ${Number(value) - atMs} ms`;
    if (name === 'target') {
      const target = value as { readonly node?: number; readonly leaderOf?: number };
      return target.node === undefined ? `the leader of group ${target.leaderOf}` : `node ${target.node}`;
    }
    if (name === 'node') return `node ${String(value)}`;
    return `${name} ${JSON.stringify(value)}`;
  });
  return [type, ...words].join(', ');
}
