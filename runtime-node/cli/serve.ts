/** `wavetank serve`: one node of a cluster, in this process. */

import { Command, Option } from 'commander';

import { formatAddress, isEverywhere, type Address } from '../host/address.js';
import { StartRefused } from '../host/start-refused.js';
import { LOG_LEVELS, type LogLevel } from '../observe/log.js';
import { wholeNumber } from './arguments.js';
import { addressList, hostAndPort, peerList } from './addresses.js';
import { addTlsOptions, clientUrl, tlsFilesOf, type TlsFlags } from './client-face.js';
import { ExitCode } from './exit-codes.js';
import { refuse, refuseArguments } from './refuse.js';
import { setOption, type Settings } from './settings.js';
import { stopOnSignals } from './signals.js';

interface ServeFlags extends TlsFlags {
  readonly id: number;
  readonly client: Address;
  readonly listen?: Address;
  readonly peers?: ReadonlyMap<number, Address>;
  readonly join?: readonly Address[];
  readonly advertise?: Address;
  readonly advertiseClient?: string;
  readonly data?: string;
  readonly cluster: string;
  readonly partitions: number;
  readonly set: Settings;
  readonly logLevel: LogLevel;
}

export const DEFAULT_PARTITIONS = 8;
export const DEFAULT_CLUSTER = 'wavetank';

export function serveCommand(): Command {
  const command = new Command('serve')
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
        'every node with which the cluster begins, this one included: ID=HOST:PORT, with commas between',
      )
        .env('WAVETANK_PEERS')
        .argParser(peerList('--peers')),
    )
    .addOption(
      new Option(
        '--join <list>',
        'instead of --peers: join a running cluster, some of whose nodes are at HOST:PORT',
      )
        .env('WAVETANK_JOIN')
        .argParser(addressList('--join')),
    )
    .addOption(
      new Option(
        '--advertise <host:port>',
        'where the others reach this node, when it joins (default: --listen)',
      )
        .env('WAVETANK_ADVERTISE')
        .argParser(hostAndPort('--advertise')),
    )
    .addOption(
      new Option('--client <host:port>', 'where to listen for clients (REST and gRPC)')
        .env('WAVETANK_CLIENT')
        .argParser(hostAndPort('--client'))
        .default({ host: '127.0.0.1', port: 2070 }, '127.0.0.1:2070'),
    )
    .addOption(
      new Option(
        '--advertise-client <url>',
        'the base URL at which clients reach this node (default: that of --client, unless it names every interface)',
      )
        .env('WAVETANK_ADVERTISE_CLIENT')
        .argParser(clientUrl),
    )
    .addOption(
      new Option(
        '--listen <host:port>',
        'where to listen for the other nodes (default: its own entry in --peers; needed with --join)',
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
    .addOption(setOption().env('WAVETANK_SET'))
    .addOption(
      new Option('--log-level <level>', 'what to log, as JSON lines on stderr')
        .env('WAVETANK_LOG_LEVEL')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText(
      'after',
      `
SIGTERM hands over all that this node leads and then stops it, so that the cluster's clients notice nothing; SIGINT
(Ctrl-C) stops it cleanly without that; a second signal stops it at once.

A cluster begins with the nodes in --peers. One that comes later is started with --join, and taken in by
\`wavetank members add\`; from then on it keeps the list of members itself. Start a node again with the same arguments.

Exit codes: 0 stopped, 1 cannot start (port or data folder), 2 bad arguments, 70 stopped by itself: its state or its
disk is not sound.

Example:
  wavetank serve --id 1 --client 127.0.0.1:2070 --data data/node-1 \\
    --peers "1=127.0.0.1:2075,2=127.0.0.1:2085,3=127.0.0.1:2095"
  wavetank serve --id 4 --client 127.0.0.1:2100 --data data/node-4 \\
    --listen 127.0.0.1:2105 --join 127.0.0.1:2075,127.0.0.1:2085
  wavetank serve --id 1 --client 0.0.0.0:2070 --advertise-client https://10.0.0.7:2070 \\
    --tls-cert node.crt --tls-key node.key --peers "1=10.0.0.7:2075"`,
    )
    .action(serve);
  return addTlsOptions(command);
}

async function serve(flags: ServeFlags, command: Command): Promise<void> {
  const listening = listeningOf(flags, command);
  const tlsFiles = tlsFilesOf(flags, command);
  // Loaded here, so that the other commands start without LevelDB, fastify and the core.
  const [{ startServer }, { createLog }, { readTlsIdentity }] = await Promise.all([
    import('../server.js'),
    import('../observe/log.js'),
    import('../api/tls.js'),
  ]);
  const log = createLog(flags.logLevel, { node: flags.id });
  try {
    const server = await startServer({
      cluster: flags.cluster,
      node: flags.id,
      peers: flags.peers ?? new Map(),
      seeds: flags.join ?? [],
      ...(flags.advertise === undefined ? {} : { advertised: flags.advertise }),
      clientAddress: flags.client,
      ...(flags.advertiseClient === undefined ? {} : { clientUrl: flags.advertiseClient }),
      ...(tlsFiles === undefined ? {} : { tls: readTlsIdentity(tlsFiles, Date.now()) }),
      peerAddress: listening,
      dataFolder: flags.data ?? `.wavetank/node-${flags.id}`,
      partitions: flags.partitions,
      tuning: flags.set,
      log,
      // In a moment, so that those who wait can still be told.
      onFatal: () => setImmediate(() => process.exit(ExitCode.fatal)),
    });
    stopOnSignals(async (othersGoOn) => {
      if (othersGoOn) await server.handOver();
      await server.stop();
    });
  } catch (error) {
    if (error instanceof StartRefused) refuse(error.message);
    log.fatal({ stack: error instanceof Error ? error.stack : undefined }, `cannot start: ${String(error)}`);
    process.exit(ExitCode.fatal);
  }
}

/** Where the node listens for the others; refuses arguments that leave that, or whom it belongs to, open. */
function listeningOf({ id, peers, join, listen, advertise }: ServeFlags, command: Command): Address {
  if (peers === undefined) {
    if (join === undefined) {
      return refuseArguments(
        command,
        `either --peers or --join is needed: --peers "${id}=127.0.0.1:2075,…" begins a cluster, ` +
          '--join 127.0.0.1:2075 joins one.',
      );
    }
    if (listen !== undefined && advertise === undefined && isEverywhere(listen)) {
      return refuseArguments(
        command,
        `--listen ${formatAddress(listen)} is no address at which others reach this node: add --advertise HOST:PORT.`,
      );
    }
    return (
      listen ??
      refuseArguments(command, '--join needs --listen too: where the others reach this node, as HOST:PORT.')
    );
  }
  const own = peers.get(id);
  if (own === undefined) {
    const known = [...peers.keys()].join(', ');
    return refuseArguments(
      command,
      `--id is ${id}, but --peers names only the nodes ${known}. ` +
        `--peers lists every node, this one included, for example --peers "${id}=127.0.0.1:2075,…".`,
    );
  }
  return listen ?? own;
}
