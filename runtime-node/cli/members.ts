/** `wavetank members`: who belongs to a cluster, and changes of that. */

import { Command, Option } from 'commander';
import pc from 'picocolors';

import type { ChangeAnswer, MemberAnswer, MembersAnswer } from '../api/cluster.js';
import {
  changeMembers,
  listMembers,
  transferLeader,
  type ClusterAsk,
  type ClusterResult,
  type MembersChange,
} from '../client/index.js';
import { formatAddress, type Address } from '../host/address.js';
import { endpointsOption, hostAndPort } from './addresses.js';
import { wholeNumber } from './arguments.js';
import { ExitCode } from './exit-codes.js';
import { refuseArguments } from './refuse.js';
import { table } from './table.js';
import { tlsOf, withTlsOptions, type TlsFlags } from './tls-options.js';

interface AskFlags extends TlsFlags {
  readonly endpoints: readonly string[];
  readonly timeout: number;
  readonly json?: boolean;
}

interface ChangeFlags extends AskFlags {
  readonly wait: boolean;
  readonly waitTimeout: number;
}

const EXIT_CODES = `
Exit codes: 0 done, or so already; 1 refused, with the reason; 2 bad arguments; 3 unknown whether it was done (ask
again, which is harmless); 69 the cluster does not answer.`;

const POLL_EVERY_MS = 250;

function withAskOptions(command: Command): Command {
  return withTlsOptions(command.addOption(endpointsOption()))
    .option('--timeout <ms>', 'how long to try, repetitions included', wholeNumber('--timeout', 1), 15_000)
    .option('--json', 'print one JSON object');
}

function withChangeOptions(command: Command): Command {
  return withAskOptions(command)
    .option('--no-wait', 'return when the change is agreed, not when every partition has made it')
    .option(
      '--wait-timeout <ms>',
      'how long to wait for the partitions',
      wholeNumber('--wait-timeout', 1),
      120_000,
    );
}

export function membersCommand(): Command {
  const command = withAskOptions(
    new Command('members').description('show the members of the cluster, or change them'),
  )
    .addHelpText(
      'after',
      `
"behind" is the most log entries that a member lacks in any partition. Partition 0 holds the list itself.
${EXIT_CODES}

Examples:
  wavetank members
  wavetank members add 4 --address 10.0.0.4:2075
  wavetank members replace 2 --with 6 --address 10.0.0.6:2075
  wavetank members remove 5`,
    )
    .action(list);
  for (const make of [addCommand, promoteCommand, removeCommand, replaceCommand, priorityCommand]) {
    command.addCommand(make().showHelpAfterError('(add --help to see what is expected)').exitOverride());
  }
  return command;
}

function addressOption(): Option {
  return new Option('--address <host:port>', 'where the node listens for the others')
    .argParser(hostAndPort('--address'))
    .makeOptionMandatory();
}

function addCommand(): Command {
  return withChangeOptions(
    new Command('add')
      .description('take a node into the cluster; it votes as soon as it is caught up')
      .argument('<node>', 'its number, as in its `serve --id`', wholeNumber('<node>', 1))
      .addOption(addressOption())
      .option('--learner', 'it gets all data, and does not vote until it is promoted'),
  )
    .addHelpText(
      'after',
      `
Start the node with \`wavetank serve --id N --join …\` before or after.
${EXIT_CODES}`,
    )
    .action((node: number, flags: ChangeFlags & { address: Address; learner?: boolean }, command: Command) =>
      change(command, {
        add: [
          {
            nodeId: node,
            endpoint: formatAddress(flags.address),
            role: flags.learner === true ? 'Learner' : 'Voter',
          },
        ],
      }),
    );
}

function promoteCommand(): Command {
  return withChangeOptions(
    new Command('promote')
      .description('let a learner vote')
      .argument('<node>', 'its number', wholeNumber('<node>', 1)),
  )
    .addHelpText('after', EXIT_CODES)
    .action((node: number, _flags: ChangeFlags, command: Command) => change(command, { promote: [node] }));
}

function removeCommand(): Command {
  return withChangeOptions(
    new Command('remove')
      .description('take nodes out of the cluster, all in one step')
      .argument('<nodes...>', 'their numbers', (text: string, before: readonly number[] = []) => [
        ...before,
        wholeNumber('<node>', 1)(text),
      ]),
  )
    .addHelpText('after', EXIT_CODES)
    .action((nodes: readonly number[], _flags: ChangeFlags, command: Command) =>
      change(command, { remove: nodes }),
    );
}

function replaceCommand(): Command {
  return withChangeOptions(
    new Command('replace')
      .description('put a new node in the place of another, which may be dead, in one step')
      .argument('<node>', 'the one to go', wholeNumber('<node>', 1))
      .requiredOption('--with <node>', 'the one to come', wholeNumber('--with', 1))
      .addOption(addressOption()),
  )
    .addHelpText(
      'after',
      `
The old node votes until the new one is caught up, so that at no time more failures hurt than before.
${EXIT_CODES}`,
    )
    .action((node: number, flags: ChangeFlags & { with: number; address: Address }, command: Command) => {
      if (flags.with === node) refuseArguments(command, `--with names the node that is to go, ${node}`);
      return change(command, {
        add: [{ nodeId: flags.with, endpoint: formatAddress(flags.address), role: 'Voter' }],
        remove: [node],
      });
    });
}

function priorityCommand(): Command {
  return withChangeOptions(
    new Command('priority')
      .description('leaders are chosen among the voters with the highest priority')
      .argument('<node>', 'its number', wholeNumber('<node>', 1))
      .argument(
        '<priority>',
        '0 to 1000; 0 for a node that leads only when no other can',
        wholeNumber('<priority>', 0),
      ),
  )
    .addHelpText('after', EXIT_CODES)
    .action((node: number, priority: number, _flags: ChangeFlags, command: Command) =>
      change(command, { priorities: [{ nodeId: node, priority }] }),
    );
}

export function transferLeaderCommand(): Command {
  return withAskOptions(
    new Command('transfer-leader')
      .description('hand the leadership of a partition over to another node')
      .requiredOption('--group <number>', 'the partition', wholeNumber('--group', 0))
      .option('--to <node>', 'the node (default: whoever is best placed)', wholeNumber('--to', 1), 0),
  )
    .addHelpText(
      'after',
      `
The cluster spreads its leaders by itself, and will in time move this one back to where it would have it; priorities
(\`wavetank members priority\`) say what is wanted for good.
${EXIT_CODES}

Example:
  wavetank transfer-leader --group 3 --to 2`,
    )
    .action(async ({ group, to, ...flags }: AskFlags & { group: number; to: number }) => {
      const result = await transferLeader(askOf(flags), { partitionId: group, nodeId: to });
      tell(result, flags.json === true);
    });
}

function askOf({ endpoints, timeout, ...flags }: AskFlags): ClusterAsk {
  return { endpoints, timeoutMs: timeout, tls: tlsOf(flags) };
}

async function list({ json, ...flags }: AskFlags): Promise<void> {
  const result = await listMembers(askOf(flags));
  if (result.type !== 'Answered' || result.answer.outcome !== 'Done') return tell(result, json === true);
  process.stdout.write(json === true ? `${JSON.stringify(result.answer)}\n` : render(result.answer));
}

async function change(command: Command, wanted: MembersChange): Promise<void> {
  // `members` itself has options of the same names, and commander may give it what was written for its subcommand.
  const { json, wait, waitTimeout, ...flags } = command.optsWithGlobals<ChangeFlags>();
  const ask = askOf(flags);
  const result = await changeMembers(ask, wanted);
  const isAgreed = result.type === 'Answered' && result.answer.refusal === null;
  if (!isAgreed || !wait) return tell(result, json === true);
  const settled = await waitUntilSettled(ask, json !== true && process.stderr.isTTY, waitTimeout);
  if (!settled) {
    const reason =
      `the change is agreed (version ${result.answer.membershipVersion}), but not every partition has made it ` +
      `within ${waitTimeout} ms; \`wavetank members\` shows how far it is`;
    return tell({ type: 'Unknown', reason }, json === true);
  }
  tell(result, json === true);
}

/** Until every partition is where the roster wants it. */
async function waitUntilSettled(
  ask: ClusterAsk,
  showProgress: boolean,
  waitTimeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + waitTimeoutMs;
  for (;;) {
    const result = await listMembers(ask);
    if (result.type === 'Answered' && result.answer.outcome === 'Done') {
      const { groups, unsettled, leaderless } = result.answer;
      const left = unsettled.length + leaderless.length;
      if (showProgress) {
        process.stderr.write(
          left === 0
            ? '\r\x1b[K'
            : `\r${pc.dim(`${groups - left} of ${groups} partitions have made the change`)}\x1b[K`,
        );
      }
      if (left === 0) return true;
    }
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}

function tell(result: ClusterResult, json: boolean): void {
  const exitCode = exitCodeOf(result);
  process.exitCode = exitCode;
  if (json) {
    const body = result.type === 'Answered' ? result.answer : { outcome: result.type, reason: result.reason };
    process.stdout.write(`${JSON.stringify({ ...body, exitCode })}\n`);
    return;
  }
  if (result.type !== 'Answered') {
    const what = result.type === 'Unknown' ? 'unknown whether it was done' : 'the cluster does not answer';
    process.stderr.write(`${pc.yellow(`${what}: ${result.reason}`)}\n`);
    return;
  }
  const { outcome, reason } = result.answer;
  if (outcome === 'Refused') process.stderr.write(`${pc.yellow(`refused: ${reason}`)}\n`);
  else process.stdout.write(`${outcome === 'Unchanged' ? 'unchanged' : 'done'}: ${reason}\n`);
}

function exitCodeOf(result: ClusterResult): number {
  switch (result.type) {
    case 'Answered':
      return answerCode(result.answer);
    case 'Unavailable':
      return ExitCode.unreachable;
    case 'Unknown':
      return ExitCode.unknownOutcome;
  }
}

function answerCode({ outcome, refusal }: ChangeAnswer): number {
  if (outcome !== 'Refused') return ExitCode.ok;
  return refusal === 'InvalidInput' ? ExitCode.badArguments : ExitCode.no;
}

/** The members as a table, and what is not as it should be. */
export function render(answer: MembersAnswer): string {
  const rows = answer.members.map((member) => [
    `${member.nodeId}`,
    member.endpoint,
    roleOf(member, answer.groups),
    `${member.priority}`,
    `${member.leads}`,
    behind(member),
    member.alive ? pc.green('answers') : pc.red(silence(member)),
  ]);
  const head = ['node', 'address', 'role', 'priority', 'leads', 'behind', 'state'];
  return `${table(head, rows)}${notes(answer)}`;
}

function roleOf({ role, votesIn }: MemberAnswer, groups: number): string {
  if (role === 'Learner') return 'learner';
  return votesIn >= groups ? 'voter' : `voter in ${votesIn} of ${groups}`;
}

function behind({ lag, lagPartition }: MemberAnswer): string {
  if (lag === null) return '?';
  return lag === 0 ? '0' : `${lag} (partition ${lagPartition ?? '?'})`;
}

function silence({ heardMsAgo }: MemberAnswer): string {
  return heardMsAgo === null
    ? 'does not answer'
    : `silent for ${Math.max(1, Math.round(heardMsAgo / 1_000))} s`;
}

function notes({ membershipVersion, unsettled, leaderless }: MembersAnswer): string {
  const lines = [`version ${membershipVersion}`];
  if (leaderless.length > 0) lines.push(pc.red(`without a leader: ${some(leaderless)}`));
  if (unsettled.length > 0) lines.push(pc.yellow(`still changing: ${some(unsettled)}`));
  return `${lines.join('; ')}\n`;
}

function some(partitions: readonly number[]): string {
  const shown = partitions.slice(0, 8).join(', ');
  const more = partitions.length > 8 ? ` and ${partitions.length - 8} more` : '';
  return `partition${partitions.length === 1 ? '' : 's'} ${shown}${more}`;
}
