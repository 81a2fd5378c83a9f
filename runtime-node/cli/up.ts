/** `wavetank up`: a cluster on this machine, each node a process of its own, to try things with. */

import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';
import pc from 'picocolors';

import type { TlsFiles } from '../api/tls.js';
import { askStatus, type NodeReport } from '../client/index.js';
import { formatAddress } from '../host/address.js';
import { listen } from '../host/listen.js';
import { StartRefused } from '../host/start-refused.js';
import { wholeNumber } from './arguments.js';
import { addTlsOptions, tlsFilesOf, type TlsFlags } from './client-face.js';
import { viewPartitions } from './cluster-view.js';
import { ExitCode } from './exit-codes.js';
import { refuse, refuseArguments } from './refuse.js';
import { DEFAULT_PARTITIONS } from './serve.js';
import { setOption, type Settings } from './settings.js';
import { stopOnSignals } from './signals.js';
import { describeEnd, startChild, type ChildNode } from './up-child.js';
import { lastPort, planCluster, shellLine, type PlannedNode } from './up-plan.js';

const TRUST = `
  export WAVETANK_CA=authority.pem    # the certificate of its authority, unless the system trusts that`;

interface UpFlags extends TlsFlags {
  readonly nodes: number;
  readonly clientPort: number;
  readonly data: string;
  readonly partitions: number;
  readonly set: Settings;
  readonly verbose?: boolean;
}

const DEFAULT_CLIENT_PORT = 2070;
const MOST_NODES = 7;
const ASK_EVERY_MS = 100;
/** This command has started them itself, on this machine: whose certificate they have is no question. */
const OWN_NODES = { insecure: true };

export function upCommand(): Command {
  const command = new Command('up')
    .description('run a cluster on this machine, each node a process of its own')
    .option('--nodes <number>', `an odd number of nodes, up to ${MOST_NODES}`, wholeNumber('--nodes', 1), 3)
    .option(
      '--client-port <port>',
      "the first node's port for clients; the next ones are 10 further each, ports for peers 5 above",
      wholeNumber('--client-port', 1),
      DEFAULT_CLIENT_PORT,
    )
    .option('--data <folder>', 'where the nodes keep their data, in node-1, node-2 …', '.wavetank')
    .option(
      '--partitions <number>',
      "fixed for the cluster's life",
      wholeNumber('--partitions', 1),
      DEFAULT_PARTITIONS,
    )
    .addOption(setOption())
    .option('--verbose', 'show all that the nodes log')
    .addHelpText(
      'after',
      `
Stops all its nodes on Ctrl-C, and at once on the second one. What they hold is there again at the next start.

Exit codes: 0 stopped, 1 cannot start (ports or data folders), 2 bad arguments.

Examples:
  wavetank up
  wavetank up --nodes 5 --client-port 3070 --data /tmp/five`,
    )
    .action(up);
  return addTlsOptions(command);
}

async function up(flags: UpFlags, command: Command): Promise<void> {
  if (flags.nodes % 2 === 0 || flags.nodes > MOST_NODES) {
    const why =
      flags.nodes > MOST_NODES
        ? 'that is more than one machine should run'
        : 'an even number bears no more failures';
    refuseArguments(
      command,
      `--nodes wants an odd number from 1 to ${MOST_NODES}, but is ${flags.nodes}: ${why}. For example --nodes 3.`,
    );
  }
  if (lastPort(flags) > 65_535) {
    refuseArguments(
      command,
      `--client-port ${flags.clientPort} is too high: the last node would listen on port ${lastPort(flags)}. ` +
        `For example --client-port ${DEFAULT_CLIENT_PORT}.`,
    );
  }
  const tls = tlsFilesOf(flags, command);
  if (tls !== undefined) await refuseBadCertificate(tls);
  const plan = planCluster({ ...flags, ...(tls === undefined ? {} : { tls }) });
  await refuseTakenPorts(plan);
  const cluster = startCluster(plan, flags.verbose === true);
  stopOnSignals(() => cluster.stop(), cluster.kill);
  await cluster.run();
}

/** Said once, instead of by every node. */
async function refuseBadCertificate(files: TlsFiles): Promise<void> {
  const { readTlsIdentity } = await import('../api/tls.js');
  try {
    readTlsIdentity(files, Date.now());
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    refuse(error.message);
  }
}

async function refuseTakenPorts(plan: readonly PlannedNode[]): Promise<void> {
  try {
    for (const { id, client, peer } of plan) {
      for (const [address, what] of [
        [client, `the clients of node ${id}`],
        [peer, `the peers of node ${id}`],
      ] as const) {
        const server = createServer();
        await listen(server, address, what, '--client-port');
        await new Promise((resolve) => server.close(resolve));
      }
    }
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    refuse(`${error.message}\nIs a cluster running here already? \`npx wavetank status\` shows it.`);
  }
}

interface Cluster {
  /** Tells what happens, until the cluster is stopped or its last node is gone. */
  run(): Promise<void>;
  stop(): Promise<void>;
  kill(): void;
}

function startCluster(plan: readonly PlannedNode[], verbose: boolean): Cluster {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const progress = createWaitingLine();
  let stopping = false;
  let ready = false;
  const running = new Set<ChildNode>();
  const main = fileURLToPath(new URL('./main.js', import.meta.url));

  say(`Starting ${plan.length} node${plan.length === 1 ? '' : 's'} …`);
  const children = plan.map((planned) =>
    startChild(planned, main, verbose, (line, isTrouble) => {
      // Nodes that start or stop together cannot always reach each other; that is no news.
      if ((!ready || stopping) && !isTrouble && !verbose) return;
      progress.clear();
      say(line);
    }),
  );
  for (const child of children) {
    running.add(child);
    void child.ended.then((end) => {
      running.delete(child);
      if (stopping) return;
      progress.clear();
      const { id, args } = child.planned;
      say(pc.red(`node ${id} (pid ${child.process.pid ?? 'none'}) ${describeEnd(end)}.`));
      if (ready) say(`Start it again, in another terminal:\n  ${shellLine(args)}`);
    });
  }

  async function stop(): Promise<void> {
    stopping = true;
    progress.clear();
    if (running.size > 0) say('Stopping …');
    // All of them stop, so none hands anything over: that is what they do when the channel to this process closes.
    for (const child of running) if (child.process.connected) child.process.disconnect();
    await Promise.all(children.map(({ ended }) => ended));
    say('Stopped.');
  }

  async function waitUntilReady(): Promise<boolean> {
    const endpoints = plan.map(({ endpoint }) => endpoint);
    while (!stopping) {
      if (running.size < children.length) return false;
      const reports = await askStatus(endpoints, 1_000, OWN_NODES);
      const { led, all } = countLed(reports);
      if (all > 0 && led === all && reports.every(({ type }) => type === 'Reached')) return true;
      progress.show(`waiting for leaders: ${led} of ${all === 0 ? '?' : all} partitions`);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
    return false;
  }

  return {
    stop,
    kill() {
      for (const child of running) child.process.kill('SIGKILL');
    },
    async run() {
      const isUp = await waitUntilReady();
      progress.clear();
      if (stopping) return;
      if (!isUp) {
        say('A node did not start, so the others are stopped.');
        await stop();
        process.exit(ExitCode.no);
      }
      ready = true;
      describeCluster(children, say);
      await Promise.all(children.map(({ ended }) => ended));
      if (stopping) return;
      say('No node that this command started is left.');
      process.exit(ExitCode.no);
    },
  };
}

function countLed(reports: readonly NodeReport[]): { readonly led: number; readonly all: number } {
  const partitions = viewPartitions(reports);
  return { led: partitions.filter(({ leader }) => leader !== 0).length, all: partitions.length };
}

function describeCluster(children: readonly ChildNode[], say: (line: string) => void): void {
  const nodes = children.map(({ planned, process: { pid } }) => ({ ...planned, pid: pid ?? 0 }));
  const [first] = nodes;
  if (first === undefined) return;
  say(pc.green(`The cluster is up; every partition has a leader.`));
  say('');
  for (const { id, endpoint, peer, pid, dataFolder } of nodes) {
    say(
      `  node ${id}   clients ${endpoint}   peers ${formatAddress(peer)}   pid ${pid}   data ${dataFolder}`,
    );
  }
  const isDefault = nodes.length === 3 && first.client.port === DEFAULT_CLIENT_PORT;
  const endpoints = nodes.map(({ endpoint }) => endpoint).join(',');
  const isTls = endpoints.startsWith('https:');
  say(`
Try, in another terminal:${isDefault && !isTls ? '' : `\n  export WAVETANK_ENDPOINTS=${endpoints}`}${isTls ? TRUST : ''}
  npx wavetank status
  npx wavetank set greeting hello
  npx wavetank get greeting

Kill a node, and start it again:
  kill -9 ${first.pid}
  ${shellLine(first.args)}

Ctrl-C stops the cluster.
`);
}

interface WaitingLine {
  show(text: string): void;
  clear(): void;
}

/** One line that is drawn over; nothing at all where the output is not a terminal. */
function createWaitingLine(): WaitingLine {
  const { stdout } = process;
  let shown = false;
  return {
    show(text) {
      if (!stdout.isTTY) return;
      stdout.write(`\r${pc.dim(text)}\x1b[K`);
      shown = true;
    },
    clear() {
      if (shown) stdout.write('\r\x1b[K');
      shown = false;
    },
  };
}
