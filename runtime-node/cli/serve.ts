/** `wavetank serve`: one node of a cluster, in this process. */

import { Command, Option } from 'commander';

import type { Address } from '../host/address.js';
import { StartRefused } from '../host/start-refused.js';
import { LOG_LEVELS, type LogLevel } from '../observe/log.js';
import { wholeNumber } from './arguments.js';
import { hostAndPort, peerList } from './addresses.js';
import { ExitCode } from './exit-codes.js';
import { refuse } from './refuse.js';
import { stopOnSignals } from './signals.js';

interface ServeFlags {
  readonly id: number;
  readonly client: Address;
  readonly listen?: Address;
  readonly peers: ReadonlyMap<number, Address>;
  readonly data?: string;
  readonly cluster: string;
  readonly partitions: number;
  readonly logLevel: LogLevel;
}

export const DEFAULT_PARTITIONS = 8;
export const DEFAULT_CLUSTER = 'wavetank';

export function serveCommand(): Command {
  return new Command('serve')
    .description('run one node of a cluster')
    .addOption(
      new Option('--id <number>', "this node's number in --peers")
        .env('WAVETANK_ID')
        .argParser(wholeNumber('--id', 1))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--peers <list>',
        'every node of the cluster, this one included: ID=HOST:PORT, with commas between',
      )
        .env('WAVETANK_PEERS')
        .argParser(peerList('--peers'))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--client <host:port>', 'where to listen for clients (HTTP)')
        .env('WAVETANK_CLIENT')
        .argParser(hostAndPort('--client'))
        .default({ host: '127.0.0.1', port: 2070 }, '127.0.0.1:2070'),
    )
    .addOption(
      new Option(
        '--listen <host:port>',
        'where to listen for the other nodes (default: its own entry in --peers)',
      )
        .env('WAVETANK_LISTEN')
        .argParser(hostAndPort('--listen')),
    )
    .addOption(
      new Option('--data <folder>', 'where to keep the data (default: .wavetank/node-ID)').env(
        'WAVETANK_DATA',
      ),
    )
    .addOption(
      new Option('--cluster <name>', 'nodes and data of another cluster are refused')
        .env('WAVETANK_CLUSTER')
        .default(DEFAULT_CLUSTER),
    )
    .addOption(
      new Option('--partitions <number>', "fixed for the cluster's life")
        .env('WAVETANK_PARTITIONS')
        .argParser(wholeNumber('--partitions', 1))
        .default(DEFAULT_PARTITIONS),
    )
    .addOption(
      new Option('--log-level <level>', 'what to log, as JSON lines on stderr')
        .env('WAVETANK_LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText(
      'after',
      `
Stops cleanly on SIGINT and SIGTERM, and at once on the second one.

Exit codes: 0 stopped, 1 cannot start (port or data folder), 2 bad arguments, 70 stopped by itself: its state or its
disk is not sound.

Example:
  wavetank serve --id 1 --client 127.0.0.1:2070 --data data/node-1 \\
    --peers "1=127.0.0.1:2075,2=127.0.0.1:2085,3=127.0.0.1:2095"`,
    )
    .action(serve);
}

async function serve(flags: ServeFlags, command: Command): Promise<void> {
  const own = flags.peers.get(flags.id);
  if (own === undefined) {
    const known = [...flags.peers.keys()].join(', ');
    command.error(
      `error: --id is ${flags.id}, but --peers names only the nodes ${known}. ` +
        `--peers lists every node, this one included, for example --peers "${flags.id}=127.0.0.1:2075,…".`,
      { exitCode: ExitCode.badArguments },
    );
  }
  // Loaded here, so that the other commands start without LevelDB, fastify and the core.
  const [{ startServer }, { createLog }] = await Promise.all([
    import('../server.js'),
    import('../observe/log.js'),
  ]);
  const log = createLog(flags.logLevel, { node: flags.id });
  try {
    const server = await startServer({
      cluster: flags.cluster,
      node: flags.id,
      peers: flags.peers,
      clientAddress: flags.client,
      peerAddress: flags.listen ?? own,
      dataFolder: flags.data ?? `.wavetank/node-${flags.id}`,
      partitions: flags.partitions,
      log,
      // In a moment, so that those who wait can still be told.
      onFatal: () => setImmediate(() => process.exit(ExitCode.fatal)),
    });
    stopOnSignals(() => server.stop());
  } catch (error) {
    if (error instanceof StartRefused) refuse(error.message);
    log.fatal({ stack: error instanceof Error ? error.stack : undefined }, `cannot start: ${String(error)}`);
    process.exit(ExitCode.fatal);
  }
}
