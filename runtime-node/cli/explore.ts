/**
 * `wavetank explore`: looks at every schedule within a bound, instead of at many drawn ones, and says whether all holds.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import {
  DEFAULT_NODE_BOUND,
  DEFAULT_RAFT_BOUND,
  explore,
  follow,
  nodeModel,
  parseSchedule,
  raftModel,
  SCHEDULE_FORMAT,
  traceOf,
  twoPhaseCommit,
  type ExploreResult,
  type ExploreVerdict,
  type NodeBound,
  type RaftBound,
  type Schedule,
  type StateModel,
  DEFAULT_TRANSACTION_BOUND,
  transactionModel,
  type TransactionBound,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { traceText } from './failure-files.js';
import { createMeter } from './progress.js';
import { reasonOf, refuseArguments } from './refuse.js';

/** 0: all holds within the bound. 1: a property failed. 2: bad arguments. 3: a limit came first. */
const EXIT_CODES: Readonly<Record<ExploreVerdict, number>> = { holds: 0, broken: 1, unknown: 3 };

/** More than this does not fit into the memory that Node.js takes by default. */
const DEFAULT_MAX_STATES = 10_000_000;

interface ExploreFlags {
  readonly model: 'raft' | 'two-phase-commit' | 'node' | 'transactions';
  readonly nodes?: number;
  readonly order: 'breadth' | 'depth';
  readonly maxStates: number;
  readonly maxDepth?: number;
  readonly timeouts?: number;
  readonly heartbeats?: number;
  readonly lapses?: number;
  readonly crashes?: number;
  readonly requests?: number;
  readonly reads?: number;
  readonly snapshots?: number;
  readonly losses?: number;
  readonly duplicates?: number;
  readonly messages?: number;
  readonly overflow?: 'cut' | 'lose';
  readonly maxTerm?: number;
  readonly disk?: 'instant' | 'slow';
  readonly singleEntries?: boolean;
  readonly outcomesOnly?: boolean;
  readonly symmetry?: boolean;
  readonly reduction: boolean;
  readonly trace?: string;
  readonly replay?: string;
  readonly json?: boolean;
}

export function exploreCommand(): Command {
  const count = (flag: string, what: string, least = 0): Option =>
    new Option(`${flag} <count>`, what).argParser(wholeNumber(flag, least));
  return new Command('explore')
    .description('look at every schedule of a small cluster within a bound, and check every promise in each')
    .addOption(
      new Option('--model <name>', 'what to explore')
        .choices(['raft', 'node', 'transactions', 'two-phase-commit'])
        .default('raft'),
    )
    .addOption(count('--nodes', 'nodes, or resource managers (raft, node: 3; two-phase-commit: 7)', 1))
    .addOption(
      new Option('--order <order>', 'breadth finds a shortest counterexample, depth needs less memory')
        .choices(['breadth', 'depth'])
        .default('breadth'),
    )
    .addOption(count('--max-states', 'stop at so many distinct states', 1).default(DEFAULT_MAX_STATES))
    .addOption(count('--max-depth', 'look at no way longer than so many states', 1))
    .addOption(count('--timeouts', 'election timeouts (node: timers of any kind)'))
    .addOption(count('--heartbeats', 'heartbeat timeouts of leaders'))
    .addOption(count('--lapses', 'times that a follower stops to trust its leader, without a timeout'))
    .addOption(
      count(
        '--crashes',
        'crashes, each with every part of the writes under way surviving (transactions: of a coordinator)',
      ),
    )
    .addOption(count('--requests', "clients' writes"))
    .addOption(count('--reads', "clients' reads, after the writes"))
    .addOption(count('--snapshots', 'snapshots, after the writes'))
    .addOption(
      count(
        '--losses',
        'messages that are lost (a message may be late for ever in any case; transactions: answers)',
      ),
    )
    .addOption(count('--duplicates', 'messages that arrive twice'))
    .addOption(count('--messages', 'messages on their way at a time', 1))
    .addOption(
      new Option(
        '--overflow <how>',
        'when more are sent: lose some, in every choice, or cut the way off',
      ).choices(['cut', 'lose']),
    )
    .addOption(count('--max-term', 'terms', 1))
    .addOption(
      new Option('--disk <kind>', 'slow: a write is durable at any time later; instant: at once').choices([
        'slow',
        'instant',
      ]),
    )
    .option('--single-entries', 'an append message carries one entry')
    .option('--outcomes-only', 'check what Raft promises, not how it keeps it')
    .option('--symmetry', 'merge states that differ only by the names of nodes (raft: so it is)')
    .option('--no-symmetry', 'keep states apart that differ only by the names of nodes')
    .option('--no-reduction', 'keep crashed nodes down, and messages that will be ignored')
    .option(
      '--trace <file>',
      'write the counterexample to this file (node: as a trace for `wavetank replay`)',
    )
    .option('--replay <file>', 'follow a counterexample again, step by step; its settings count')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
"Holds" is said of the bound and no more: within so many timeouts, crashes and requests nothing breaks, in whatever
order they and all messages and disks act. It is exhaustive but for the chance, printed with it, that two states have
one fingerprint of 64 bits.

Exit codes: 0 all holds within the bound, 1 a property failed, 2 bad arguments, 3 a limit came first.

Examples:
  wavetank explore
  wavetank explore --timeouts 3 (two million states)
  wavetank explore --timeouts 2 --messages 4 --overflow cut --disk instant
  wavetank explore --order depth --max-states 100000 --trace broken.json
  wavetank explore --replay broken.json
  wavetank explore --model transactions (two of them on two partitions, and a crash)
  wavetank explore --model two-phase-commit --nodes 7`,
    )
    .action((flags: ExploreFlags, command: Command) => {
      process.exitCode =
        flags.replay === undefined ? runExplore(flags, command) : replay(flags.replay, command);
    });
}

/** A model with what it was made with, so that a schedule can name it. */
interface Subject {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Runs something that does not care which model it is. */
  readonly use: <Result>(body: <State, Action>(model: StateModel<State, Action>) => Result) => Result;
  /** The counterexample as it is written to a file, where that is not a schedule. */
  readonly traceText?: (actions: readonly unknown[], about: string) => string;
}

function subjectOf(flags: ExploreFlags, command: Command): Subject {
  const base = DEFAULT_TRANSACTION_BOUND;
  switch (flags.model) {
    case 'two-phase-commit': {
      const nodes = flags.nodes ?? 7;
      if (nodes > 15) refuseArguments(command, 'two-phase commit has 1 to 15 resource managers');
      // The known counts are those without symmetry, so here it is the exception.
      return subjectFrom('two-phase-commit', { nodes, symmetry: flags.symmetry ?? false });
    }
    case 'raft':
      return subjectFrom('raft', { ...raftBound(flags, command) });
    case 'node':
      return subjectFrom('node', { ...nodeBound(flags) });
    case 'transactions': {
      const { crashes = base.crashes, losses = base.losses } = flags;
      return subjectFrom('transactions', { ...base, crashes, losses });
    }
  }
}

function subjectFrom(model: string, settings: Readonly<Record<string, unknown>>): Subject {
  switch (model) {
    case 'two-phase-commit': {
      const { nodes, symmetry } = settings as { nodes: number; symmetry: boolean };
      return { settings, use: (body) => body(twoPhaseCommit(nodes, symmetry)) };
    }
    case 'raft':
      return { settings, use: (body) => body(raftModel(settings as unknown as RaftBound)) };
    case 'transactions':
      return {
        settings,
        use: (body) => body(transactionModel(settings as unknown as TransactionBound)),
      };
    case 'node': {
      const bound = settings as unknown as NodeBound;
      return {
        settings,
        use: (body) => body(nodeModel(bound)),
        traceText: (actions, about) => {
          const { scenario, lines } = traceOf(bound, actions as Parameters<typeof traceOf>[1]);
          const failure = { property: about, detail: 'found by exploration', atUs: lines.length * 1_000 };
          return traceText({ about: `exploration: ${about}`, scenario, failure }, lines);
        },
      };
    }
    default:
      throw new Error(`there is no model "${model}"`);
  }
}

function raftBound(flags: ExploreFlags, command: Command): RaftBound {
  const base = DEFAULT_RAFT_BOUND;
  const nodes = flags.nodes ?? base.nodes;
  if (nodes > 5) {
    refuseArguments(
      command,
      '--nodes of a Raft group is 1 to 5; the states of more are beyond any exploration',
    );
  }
  const elections = flags.timeouts ?? base.elections;
  return {
    nodes,
    elections,
    heartbeats: flags.heartbeats ?? base.heartbeats,
    lapses: flags.lapses ?? base.lapses,
    crashes: flags.crashes ?? base.crashes,
    proposals: flags.requests ?? base.proposals,
    snapshots: flags.snapshots ?? base.snapshots,
    reads: flags.reads ?? base.reads,
    losses: flags.losses ?? base.losses,
    duplicates: flags.duplicates ?? base.duplicates,
    inFlight: flags.messages ?? base.inFlight,
    overflow: flags.overflow ?? base.overflow,
    maxTerm: flags.maxTerm ?? Math.max(1, elections),
    disk: flags.disk ?? base.disk,
    singleEntries: flags.singleEntries ?? false,
    rules: flags.outcomesOnly === true ? 'outcomes' : 'all',
    symmetry: flags.symmetry ?? base.symmetry,
    reduction: flags.reduction,
  };
}

function nodeBound(flags: ExploreFlags): NodeBound {
  const base = DEFAULT_NODE_BOUND;
  return {
    nodes: flags.nodes ?? base.nodes,
    disk: flags.disk ?? base.disk,
    bounds: {
      timers: { timer: flags.timeouts ?? base.bounds.timers?.['timer'] ?? 1 },
      crashes: flags.crashes ?? 0,
      losses: flags.losses ?? 0,
      duplicates: flags.duplicates ?? 0,
      inFlight: flags.messages ?? base.bounds.inFlight ?? 4,
    },
    writes: flags.requests ?? base.writes,
    reads: flags.reads ?? base.reads,
  };
}

function runExplore(flags: ExploreFlags, command: Command): number {
  const subject = subjectOf(flags, command);
  const meter = createMeter(flags.json === true);
  const startedAt = performance.now();
  const { result, steps } = subject.use((model) => {
    const { order, maxStates, maxDepth } = flags;
    const found = explore(model, {
      order,
      maxStates,
      ...(maxDepth === undefined ? {} : { maxDepth }),
      onProgress: ({ states, generated, depth, waiting }) => {
        meter.show(
          (seconds) =>
            `${grouped(states)} states, ${grouped(generated)} generated, depth ${depth}, ` +
            `${grouped(waiting)} waiting, ${grouped(Math.round(states / seconds))} states/s`,
        );
        return true;
      },
    });
    return { result: found, steps: found.counterexample?.map((action) => model.describe(action)) };
  });
  meter.finish();
  const seconds = (performance.now() - startedAt) / 1_000;
  const file = steps === undefined ? undefined : flags.trace;
  if (file !== undefined) writeCounterexample(file, flags.model, subject, result, steps ?? []);
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1_024);
  const report = { model: flags.model, settings: subject.settings, steps, seconds, peakMb, file };
  process.stdout.write(flags.json === true ? `${jsonOf(result, report)}\n` : `${textOf(result, report)}\n`);
  return EXIT_CODES[result.verdict];
}

interface Report {
  readonly model: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly steps: readonly string[] | undefined;
  readonly seconds: number;
  readonly peakMb: number;
  readonly file: string | undefined;
}

function aboutOf({ breach }: ExploreResult<unknown>): string {
  return breach === undefined ? 'all holds' : `${breach.property}: ${breach.detail}`;
}

function writeCounterexample(
  file: string,
  model: string,
  subject: Subject,
  result: ExploreResult<unknown>,
  steps: readonly string[],
): void {
  const about = aboutOf(result);
  const schedule: Schedule = {
    wavetank: 'schedule',
    format: SCHEDULE_FORMAT,
    model,
    settings: subject.settings,
    about,
    steps,
  };
  const text =
    subject.traceText?.(result.counterexample ?? [], about) ?? `${JSON.stringify(schedule, undefined, 2)}\n`;
  writeFileSync(file, text);
}

function jsonOf(result: ExploreResult<unknown>, { model, settings, steps, seconds, peakMb }: Report): string {
  return JSON.stringify({
    verdict: result.verdict,
    model,
    settings,
    states: result.states,
    generated: result.generated,
    depth: result.depth,
    limit: result.limit ?? null,
    breach: result.breach ?? null,
    steps: steps ?? null,
    reached: result.reached,
    collisionPpb: result.collisionPpb,
    tableBytes: result.tableBytes,
    peakMb,
    seconds: Math.round(seconds * 1_000) / 1_000,
    statesPerSecond: Math.round(result.states / seconds),
  });
}

function textOf(result: ExploreResult<unknown>, report: Report): string {
  const { verdict, states, generated, depth, limit, breach, collisionPpb, tableBytes } = result;
  const colour = { holds: pc.green, broken: pc.red, unknown: pc.yellow }[verdict];
  const why = { states: '--max-states', depth: '--max-depth', interrupted: 'an interruption' };
  const lines = [
    `model      ${report.model}: ${describeSettings(report.settings)}`,
    `verdict    ${colour(verdict)}${limit === undefined ? '' : `: ${why[limit]} came before the end of the bound`}`,
    `states     ${grouped(states)} distinct, ${grouped(generated)} generated, depth ${depth}`,
    `took       ${report.seconds.toFixed(1)} s, ${grouped(Math.round(states / report.seconds))} states a second, ` +
      `table ${Math.ceil(tableBytes / 1_048_576)} MB, peak ${report.peakMb} MB`,
    `collision  at most ${grouped(collisionPpb)} in 1,000,000,000 that two states were taken for one`,
  ];
  if (result.reached.length > 0) lines.push(`saw        ${result.reached.join(', ')}`);
  if (breach !== undefined) lines.push('', `broken     ${breach.property}`, breach.detail);
  if (report.steps !== undefined) {
    lines.push('', ...report.steps.map((step, i) => `${String(i + 1).padStart(6)}  ${step}`));
  }
  if (report.file !== undefined) lines.push('', `written    ${report.file}`);
  return lines.join('\n');
}

function describeSettings(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== 0 && value !== false)
    .map(([name, value]) =>
      value === true ? name : `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    .join(', ');
}

/** 1234567 as 1,234,567, whatever the locale. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function replay(file: string, command: Command): number {
  let schedule: Schedule;
  let subject: Subject;
  try {
    schedule = parseSchedule(readFileSync(file, 'utf8'));
    subject = subjectFrom(schedule.model, schedule.settings);
  } catch (error) {
    return refuseArguments(command, `cannot read ${file}: ${reasonOf(error)}`);
  }
  return subject.use((model) => {
    const { states, actions, stuck } = follow(model, schedule.steps);
    const print = (text: string): void => void process.stdout.write(`${text}\n`);
    print(`schedule   ${schedule.about}`);
    actions.forEach((action, i) => {
      print(`${String(i + 1).padStart(6)}  ${model.describe(action)}`);
    });
    if (stuck !== undefined) {
      print(`${pc.yellow('parts')}      step ${actions.length + 1} cannot be taken: ${stuck.step}`);
      print(`possible   ${stuck.possible.join('\n           ')}`);
      return EXIT_CODES.unknown;
    }
    const last = states.at(-1);
    for (const property of model.properties) {
      const breach = property.type === 'Always' && last !== undefined ? property.breach(last) : undefined;
      if (breach === undefined) continue;
      print(`${pc.red('broken')}     ${breach.property}\n${breach.detail}`);
      return EXIT_CODES.broken;
    }
    print(`${pc.green('holds')}      nothing is broken at the end`);
    return EXIT_CODES.holds;
  });
}
