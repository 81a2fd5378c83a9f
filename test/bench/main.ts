/**
 * `npm run bench`: what the system costs and carries, on this machine, now.
 *
 *     npm run bench                    everything
 *     npm run bench -- simulation      one part: simulation, step, snapshot, restart, cluster, services, transactions,
 *                                      etcd, overload, groups, isolation, histories, explore or scripts
 *     npm run bench -- --json          one JSON object
 *
 * Machines are noisy: compare ratios taken in one run, never figures of different days.
 */

import { benchCluster } from './cluster.js';
import { benchGroups } from './groups.js';
import { benchHistories } from './histories.js';
import { benchIsolation } from './isolation.js';
import { benchExplore } from './explore.js';
import { benchOverload } from './overload.js';
import { benchRestart } from './restart.js';
import { benchEtcd, benchServices, benchTransactions } from './services.js';
import { benchScripts } from './scripts.js';
import { benchSimulation } from './simulation.js';
import { benchSnapshot } from './snapshot.js';
import { benchStep } from './step.js';
import type { Section } from './table.js';
import { printSection } from './table.js';

const PARTS: Readonly<Record<string, () => Section | Promise<Section>>> = {
  simulation: benchSimulation,
  step: benchStep,
  snapshot: benchSnapshot,
  restart: benchRestart,
  cluster: benchCluster,
  services: benchServices,
  transactions: benchTransactions,
  etcd: benchEtcd,
  overload: benchOverload,
  groups: benchGroups,
  isolation: benchIsolation,
  histories: benchHistories,
  explore: benchExplore,
  scripts: benchScripts,
};

const words = process.argv.slice(2).filter((word) => word !== '--json');
const json = process.argv.includes('--json');
const wrong = words.filter((word) => !(word in PARTS));
if (wrong.length > 0) {
  process.stderr.write(
    `bench: there is no part "${wrong.join(' ')}"; the parts are ${Object.keys(PARTS).join(', ')}\n`,
  );
  process.exit(2);
}

const sections: Section[] = [];
for (const [name, bench] of Object.entries(PARTS)) {
  if (words.length > 0 && !words.includes(name)) continue;
  const section = await bench();
  sections.push(section);
  if (!json) printSection(section);
}
if (json) process.stdout.write(`${JSON.stringify(sections)}\n`);
