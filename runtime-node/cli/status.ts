/** `wavetank status`: the nodes of a cluster, and who leads its partitions. */

import { Command } from 'commander';
import pc from 'picocolors';

import { askStatus, type NodeReport } from '../client/index.js';
import { endpointsOption } from './addresses.js';
import { wholeNumber } from './arguments.js';
import { viewPartitions, type PartitionView } from './cluster-view.js';
import { ExitCode } from './exit-codes.js';
import { table } from './table.js';
import { tlsOf, withTlsOptions, type TlsFlags } from './tls-options.js';

interface StatusFlags extends TlsFlags {
  readonly endpoints: readonly string[];
  readonly timeout: number;
  readonly json?: boolean;
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('show each node, and each partition with its leader')
    .addOption(endpointsOption());
  return withTlsOptions(command)
    .option('--timeout <ms>', 'how long to wait for a node', wholeNumber('--timeout', 1), 2_000)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Partition 0 holds the list of members; it is not for keys. "agree" means: replicas that applied the same entries are the same. A partition's commit and applied index are shown
for each node, in the order of the nodes.

Exit codes: 0 every partition has a leader and no replicas differ, 1 otherwise, 2 bad arguments, 69 no node answers.

Examples:
  wavetank status
  wavetank status --json --endpoints http://127.0.0.1:2070
  wavetank status --endpoints https://127.0.0.1:2070 --ca authority.pem`,
    )
    .action(status);
}

async function status({ endpoints, timeout, json, ...flags }: StatusFlags): Promise<void> {
  const reports = await askStatus(endpoints, timeout, tlsOf(flags));
  const partitions = viewPartitions(reports);
  process.stdout.write(
    json === true ? `${JSON.stringify(describe(reports, partitions))}\n` : render(reports, partitions),
  );
  process.exitCode = exitCodeOf(reports, partitions);
}

function exitCodeOf(reports: readonly NodeReport[], partitions: readonly PartitionView[]): number {
  if (!reports.some(({ type }) => type === 'Reached')) return ExitCode.unreachable;
  const isSound = partitions.every(({ leader, agreement }) => leader !== 0 && agreement !== 'differ');
  return isSound ? ExitCode.ok : ExitCode.no;
}

function describe(reports: readonly NodeReport[], partitions: readonly PartitionView[]): unknown {
  const nodes = reports.map((report) => {
    if (report.type === 'Unreachable')
      return { endpoint: report.endpoint, reachable: false, reason: report.reason };
    const { node, pid, uptimeMs, cluster, version, dataFolder, clientAddress, peerAddress, voters } =
      report.status;
    const about = { node, pid, uptimeMs, cluster, version, dataFolder, clientAddress, peerAddress, voters };
    return { endpoint: report.endpoint, reachable: true, ...about };
  });
  return { nodes, partitions };
}

function render(reports: readonly NodeReport[], partitions: readonly PartitionView[]): string {
  const nodes = reports.map((report) => {
    if (report.type === 'Unreachable')
      return ['-', report.endpoint, '-', '-', pc.red(`unreachable: ${report.reason}`)];
    const { node, pid, uptimeMs, dataFolder } = report.status;
    return [`${node}`, report.endpoint, `${pid}`, uptime(uptimeMs), dataFolder];
  });
  const rows = partitions.map(({ partition, leader, term, replicas, agreement }) => [
    `${partition}`,
    leader === 0 ? pc.red('none') : `node ${leader}`,
    `${term}`,
    join(replicas.map(({ commit }) => commit)),
    join(replicas.map(({ applied }) => applied)),
    join(replicas.map(({ keys }) => keys)),
    agreement === 'agree'
      ? pc.green(agreement)
      : agreement === 'differ'
        ? pc.red('DIFFER')
        : pc.yellow(agreement),
  ]);
  const nodeTable = table(['node', 'endpoint', 'pid', 'up', 'data'], nodes);
  if (rows.length === 0) return `${nodeTable}\n${pc.red('No node answers.')}${howToStart(reports)}\n`;
  return `${nodeTable}\n${table(['partition', 'leader', 'term', 'commit', 'applied', 'keys', 'replicas'], rows)}`;
}

function howToStart(reports: readonly NodeReport[]): string {
  const isNobodyThere = reports.every(
    (report) => report.type === 'Unreachable' && report.reason.includes('ECONNREFUSED'),
  );
  return isNobodyThere ? ' `npx wavetank up` starts a cluster here.' : '';
}

/** One number where all nodes say the same. */
function join(numbers: readonly number[]): string {
  return new Set(numbers).size === 1 ? `${numbers[0] ?? ''}` : numbers.join(' / ');
}

function uptime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
