/**
 * The schema of scenarios: one description that checks what comes from outside and tells editors what may stand there.
 *
 * Shapes say what each field may hold; the rules below say what fields mean to each other. A scenario that passes can
 * be run: nothing in it names what is not there, or asks for what cannot be.
 */

import { keyValueRules } from '../key-value/schema.js';
import { changesMembers, destroyed, type Fault } from './fault.js';
import { count, faultShape, microseconds, milliseconds, perMillion } from './fault-shapes.js';
import { machinesOf, type Scenario } from './scenario.js';
import { checkShape, suggest, toJsonSchema, type Problem, type RecordShape, type Shape } from './shape.js';

export { describeProblem, type Problem } from './shape.js';

/** What a system knows of its own scenarios. */
export interface SystemRules {
  readonly settings: Shape;
  /** Groups that may be led, numbered from 1. Called with settings that have the shape. */
  groups(settings: unknown): number;
  /** Versions of the machine, numbered from 0. */
  readonly versions: number;
  /** Orders that operators may give it: of members, or of leadership alone; none when absent. */
  orders?(settings: unknown): 'members' | 'leaders' | undefined;
  /** Rules between the settings; paths begin with `settings`. */
  check(scenario: Scenario): readonly Problem[];
}

/** Rules by name of the system. */
export type Systems = Readonly<Record<string, SystemRules>>;

const OURS: Systems = { 'key-value': keyValueRules };

export type Parsed<Settings = unknown> =
  | { readonly ok: true; readonly scenario: Scenario<Settings> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Checks a scenario that comes from outside.
 *
 * @param systems the systems that are known; by default ours alone.
 * @returns the scenario, or everything that is wrong with it: first the shape, and once that is right, the rules.
 * @example
 *     const parsed = parseScenario(JSON.parse(text));
 *     if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join('\n'));
 */
export function parseScenario<Settings = unknown>(json: unknown, systems: Systems = OURS): Parsed<Settings> {
  const name =
    typeof json === 'object' && json !== null && 'system' in json ? (json.system as unknown) : undefined;
  const rules = typeof name === 'string' && Object.hasOwn(systems, name) ? systems[name] : undefined;
  const problems: Problem[] = [];
  if (typeof name === 'string' && rules === undefined) {
    problems.push({
      path: 'system',
      seen: JSON.stringify(name),
      expected: 'a system that is known here',
      advice: suggest(name, Object.keys(systems)),
    });
  }
  problems.push(...checkShape(scenarioShape(rules), json));
  if (problems.length > 0 || rules === undefined) return { ok: false, problems };
  const scenario = json as Scenario<Settings>;
  const broken = checkRules(scenario, rules);
  return broken.length === 0 ? { ok: true, scenario } : { ok: false, problems: broken };
}

/** The schema as a document (JSON Schema, draft 2020-12), for editors that complete and check. */
export function scenarioJsonSchema(systems: Systems = OURS): Readonly<Record<string, unknown>> {
  const shapes = Object.entries(systems).map(([name, rules]) => toJsonSchema(scenarioShape(rules, name)));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A scenario of the tank',
    ...(shapes.length === 1 ? shapes[0] : { oneOf: shapes }),
  };
}

function record(about: string, fields: RecordShape['fields'], optional: readonly string[] = []): RecordShape {
  return { type: 'record', about, fields, optional };
}

const truth = (about: string): Shape => ({ type: 'truth', about });

const network = record(
  'What links do to messages.',
  {
    minDelayUs: microseconds('The shortest delay, in microseconds.'),
    maxDelayUs: microseconds('The longest delay of an ordinary message, in microseconds.'),
    slowChance: perMillion('Messages that take much longer.'),
    slowMaxDelayUs: microseconds('The longest delay of those, in microseconds.'),
    lossChance: perMillion('Messages that are lost.'),
    duplicateChance: perMillion('Messages that are repeated.'),
    corruptChance: perMillion('Messages that are damaged on the way.'),
    checksums: truth('Damage is noticed, and the message dropped.'),
    inOrder: truth('Messages between two nodes arrive in the order in which they were sent.'),
    bytesPerSecond: count('What one link carries in a second; 0 for as much as there is.'),
    decisions: record('Fates of single messages, by name.', {
      delayUs: microseconds('How long every message takes that has no decision of its own.'),
      list: {
        type: 'list',
        about: 'One decision for each message that is to have a fate of its own.',
        of: record('What becomes of one message.', {
          from: count('The sender; 0 for the clients.'),
          to: count('The receiver; 0 for the clients.'),
          kind: { type: 'text', about: 'The kind of message, as the system names it.' },
          nth: count('Which message of this kind on this link, from 1.', 1),
          arriveUs: {
            type: 'list',
            about: 'When its copies arrive, in microseconds after it was sent; empty when it is lost.',
            of: microseconds('Microseconds after it was sent.'),
          },
        }),
      },
    }),
  },
  ['decisions'],
);

/** @param name the only system of which this is the shape; any when absent. */
function scenarioShape(rules: SystemRules | undefined, name?: string): RecordShape {
  const about = 'Which system is tried, by name.';
  return record(
    'A scenario: everything that a run depends on.',
    {
      system: name === undefined ? { type: 'text', about } : { type: 'choice', about, of: [name] },
      seed: count('Decides every draw of the run.'),
      nodes: count('The nodes with which the cluster begins are numbered from 1 to this.', 1, 64),
      spares: count('Machines that may join it, numbered from there on.', 0, 64),
      settings: rules?.settings ?? { type: 'anything', about: 'What machines and clients are told.' },
      network,
      disk: record(
        'How disks write.',
        {
          minSyncUs: microseconds('The shortest sync, in microseconds.'),
          maxSyncUs: microseconds('The longest ordinary sync, in microseconds.'),
          slowChance: perMillion('Syncs that take much longer.'),
          slowMaxSyncUs: microseconds('The longest of those, in microseconds.'),
          failChance: perMillion('Syncs that fail.'),
          readFailChance: perMillion(
            'Reads of single records that fail, or give something else than was written.',
          ),
          checksums: truth('Damage to a record is noticed when it is read.'),
          atomicWrites: truth('A write is kept or lost as a whole.'),
        },
        ['readFailChance'],
      ),
      clocks: record('How wrong clocks are.', {
        maxDriftPpm: count('The most that a clock runs fast or slow, in parts per million.', 0, 900_000),
        maxWallOffsetMs: milliseconds('The most that a wall clock is off.'),
      }),
      host: record('How nodes run.', {
        turnUs: microseconds('How long one turn takes, in microseconds.'),
        restartMs: milliseconds('When a node that its disk failed is started again.'),
      }),
      workload: record('Who asks, and how often.', {
        clients: count('Clients, numbered from 1.', 0, 10_000),
        operationsPerClient: count('Operations of each, numbered from 1.', 0, 1_000_000),
        thinkMs: milliseconds('Half of the longest time between two operations of a client.'),
        clientTimeoutMs: milliseconds('When a client that has no answer asks another node.', 1),
        giveUpChance: perMillion('How often it gives up instead.'),
        skip: {
          type: 'list',
          about: 'Operations that are left out.',
          of: {
            type: 'text',
            about: 'Write the client, a colon and the number of its operation.',
            pattern: '^[1-9][0-9]*:[1-9][0-9]*$',
            looks: 'CLIENT:NUMBER, such as "2:17"',
          },
        },
      }),
      bends: record('Rare points of the code that are bent.', {
        onChance: perMillion('How likely a point is bent at all in this run.'),
        fireChance: perMillion('How often one is bent that is.'),
        off: { type: 'list', about: 'Points that stay straight.', of: { type: 'text', about: 'A point.' } },
      }),
      faults: { type: 'list', about: 'What goes wrong, and when.', of: faultShape },
      calm: record('The end of the storm.', {
        atMs: milliseconds('When the faults end.'),
        heal: { type: 'choice', about: 'Who is healed: all, or a bare majority.', of: ['all', 'quorum'] },
        limitMs: milliseconds('Within so long everything must be answered and level.', 1),
      }),
      minimumMs: milliseconds('The run lasts at least so long.'),
      expect: {
        type: 'choice',
        about: 'Whether everything must be answered in the calm, or silence is right.',
        of: ['service', 'refusal'],
      },
      budgets: record('What a run may cost.', {
        maxEvents: count('Inputs handed to machines.', 1),
        maxCheckSteps: count('Steps of the checker of histories, for each key.', 1),
      }),
    },
    ['spares'],
  );
}

/** What fields of a scenario with the right shape mean to each other. */
function checkRules(scenario: Scenario, rules: SystemRules): readonly Problem[] {
  const { network: links, disk, nodes, faults, expect, spares = 0 } = scenario;
  const machines = machinesOf(scenario);
  const problems: Problem[] = [];
  const refuse = (path: string, seen: unknown, expected: string, advice: string): void =>
    void problems.push({ path, seen: String(seen), expected, advice });
  const ordered = (path: string, least: number, most: number, leastName: string): void => {
    if (most < least) refuse(path, most, `${leastName} (${least}) or more`, 'Raise it, or lower the other.');
  };
  ordered('network.maxDelayUs', links.minDelayUs, links.maxDelayUs, 'minDelayUs');
  ordered('disk.maxSyncUs', disk.minSyncUs, disk.maxSyncUs, 'minSyncUs');
  links.decisions?.list.forEach(({ from, to }, i) => {
    const path = `network.decisions.list[${i}]`;
    for (const [end, node] of [
      ['from', from],
      ['to', to],
    ] as const) {
      if (node > machines)
        refuse(`${path}.${end}`, node, `a node up to ${machines}, or 0 for clients`, NAME_A_NODE);
    }
    if (from === to) refuse(`${path}.to`, to, 'another node than `from`', 'A node has no link to itself.');
  });
  const groups = rules.groups(scenario.settings);
  const orders = rules.orders?.(scenario.settings);
  if (spares > 0 && orders !== 'members') {
    refuse('spares', spares, '0 here', 'The members of this system, with these settings, cannot be changed.');
  }
  faults.forEach((fault, i) =>
    problems.push(
      ...checkFault(fault, `faults[${i}]`, scenario, { groups, versions: rules.versions, orders }),
    ),
  );
  const fatal = faults.filter(({ type }) => disk.checksums || type !== 'BitRot');
  const lost = destroyed(fatal).filter((node) => node <= nodes).length;
  const minority = (nodes - 1) >>> 1;
  // Where members change, what is destroyed is held back in time by what is in force then (`operator.ts`).
  if (expect === 'service' && lost > minority && spares === 0) {
    refuse(
      'expect',
      '"service"',
      `"refusal", because the faults destroy the disks of ${lost} of ${nodes} nodes`,
      `The schedule asks the impossible: destroy at most ${minority}, or expect refusal.`,
    );
  }
  problems.push(...rules.check(scenario));
  return problems;
}

const NAME_A_NODE = 'Name a node that the scenario has, or give it more nodes.';

/** What a system has and can do, with the settings of a scenario. */
interface Abilities {
  readonly groups: number;
  readonly versions: number;
  readonly orders: 'members' | 'leaders' | undefined;
}

function checkFault(
  fault: Fault,
  path: string,
  scenario: Scenario,
  { groups, versions, orders }: Abilities,
): readonly Problem[] {
  const { calm } = scenario;
  const nodes = machinesOf(scenario);
  const problems: Problem[] = [];
  const refuse = (field: string, seen: unknown, expected: string, advice: string): void =>
    void problems.push({ path: `${path}.${field}`, seen: String(seen), expected, advice });
  const exists = (field: string, node: number): void => {
    if (node > nodes) refuse(field, node, `a node from 1 to ${nodes}`, NAME_A_NODE);
  };
  const distinct = (field: string, list: readonly number[]): void => {
    if (list.some((node, i) => list.indexOf(node) !== i)) {
      refuse(field, `[${list.join(', ')}]`, 'a list without repeats', 'Name each node once.');
    }
  };
  if (fault.atMs >= calm.atMs) {
    refuse(
      'atMs',
      fault.atMs,
      `before the calm at ${calm.atMs}`,
      'Let it strike earlier, or move calm.atMs.',
    );
  }
  if ('untilMs' in fault) {
    if (fault.untilMs <= fault.atMs) {
      refuse('untilMs', fault.untilMs, `later than atMs (${fault.atMs})`, 'A fault must last to be felt.');
    }
    if (fault.untilMs > calm.atMs) {
      const expected = `at most ${calm.atMs}, when the calm begins`;
      refuse('untilMs', fault.untilMs, expected, 'End it earlier, or move calm.atMs.');
    }
  }
  if ('target' in fault) {
    if ('node' in fault.target) exists('target.node', fault.target.node);
    else if (fault.target.leaderOf > groups) {
      const advice = 'Name a group that the settings make.';
      refuse('target.leaderOf', fault.target.leaderOf, `a group from 1 to ${groups}`, advice);
    }
  }
  if ('node' in fault) exists('node', fault.node);
  if ('side' in fault) {
    fault.side.forEach((node, i) => exists(`side[${i}]`, node));
    distinct('side', fault.side);
    if (fault.side.length >= nodes) {
      const expected = `fewer than all ${nodes} nodes`;
      refuse('side', `[${fault.side.join(', ')}]`, expected, 'Leave somebody for the other side.');
    }
  }
  if (fault.type === 'Bridge') exists('bridge', fault.bridge);
  if (fault.type === 'Partial') {
    fault.pairs.forEach((pair, i) => {
      pair.forEach((node, end) => exists(`pairs[${i}][${end}]`, node));
      distinct(`pairs[${i}]`, pair);
    });
  }
  if (fault.type === 'SlowLink') {
    exists('from', fault.from);
    exists('to', fault.to);
    if (fault.from === fault.to) {
      refuse('to', fault.to, 'another node than `from`', 'A node has no link to itself.');
    }
  }
  problems.push(...checkOrder(fault, path, scenario, orders));
  if (fault.type === 'Transfer') {
    const least = orders === 'members' ? 0 : 1;
    if (fault.group < least || fault.group > groups) {
      const advice = 'Name a group that the settings make.';
      refuse('group', fault.group, `a group from ${least} to ${groups}`, advice);
    }
  }
  if (fault.type === 'Upgrade' && fault.version >= versions) {
    const expected = `a version from 0 to ${versions - 1}`;
    refuse('version', fault.version, expected, 'Name a version that the system has.');
  }
  return problems;
}

/** Whether the system takes such orders at all, and whether those who come are spares that nobody used before. */
function checkOrder(
  fault: Fault,
  path: string,
  { nodes, faults, ...scenario }: Scenario,
  orders: Abilities['orders'],
): readonly Problem[] {
  const isChange = changesMembers(fault);
  const isOrder = isChange || fault.type === 'Transfer' || fault.type === 'HandOver';
  if (!isOrder) return [];
  const seen = `"${fault.type}"`;
  if (orders === undefined || (isChange && orders === 'leaders')) {
    const expected = isChange ? 'no change of members here' : 'no order about leaders here';
    const advice = 'This system, with these settings, takes none.';
    return [{ path: `${path}.type`, seen, expected, advice }];
  }
  const machines = machinesOf({ nodes, ...scenario });
  const problems: Problem[] = [];
  const comers = comersOf(fault);
  const lists = fault.type === 'Reshape' ? (['join', 'leave'] as const) : [];
  for (const list of lists) {
    const named = fault.type === 'Reshape' ? fault[list] : [];
    const last = named.find((node) => node > machines);
    if (last !== undefined) {
      const expected = `nodes from 1 to ${machines}`;
      problems.push({ path: `${path}.${list}`, seen: String(last), expected, advice: NAME_A_NODE });
    }
  }
  if (fault.type === 'Reshape' && fault.join.length + fault.leave.length === 0) {
    const advice = 'Name spares to join, or nodes to leave.';
    problems.push({ path: `${path}.join`, seen: '[]', expected: 'something to do', advice });
  }
  if (fault.type === 'Replace' && fault.spare > machines) {
    const expected = `a spare from ${nodes + 1} to ${machines}`;
    problems.push({ path: `${path}.spare`, seen: String(fault.spare), expected, advice: NAME_A_NODE });
  }
  const twice = comers.find((node) =>
    faults.some((other) => other !== fault && comersOf(other).includes(node)),
  );
  for (const node of comers) {
    if (node <= nodes) {
      const expected = `a spare from ${nodes + 1} to ${machines}`;
      problems.push({
        path,
        seen: String(node),
        expected,
        advice: 'Who is there from the start cannot join.',
      });
    }
  }
  if (twice !== undefined) {
    const advice = 'A node id is never used again: name another spare.';
    problems.push({ path, seen: String(twice), expected: 'a spare that joins once', advice });
  }
  return problems;
}

function comersOf(fault: Fault): readonly number[] {
  if (fault.type === 'Join') return [fault.node];
  if (fault.type === 'Replace') return [fault.spare];
  return fault.type === 'Reshape' ? fault.join : [];
}
