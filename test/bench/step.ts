/**
 * What one step of a node costs, by how much it holds: it must not grow with the log or with the number of groups.
 *
 * The step is that of a leader which takes an acknowledgement, and that of a follower which takes an append of one
 * entry; the node around them is the whole node machine, with its timers and held-back messages.
 */

import {
  createNode,
  DEFAULT_NODE_OPTIONS,
  encodeCommand,
  groupId,
  logIndex,
  monotonicMs,
  nodeId,
  revision,
  term,
  wallMs,
  ZERO_TIMESTAMP,
  type Entry,
  type NodeEvent,
  type NodeMachine,
  type NodeState,
  type RequestId,
} from '../../core/index.js';
import { median, type Section } from './table.js';

const LOG_LENGTHS = [1, 100, 10_000];
const GROUP_COUNTS = [1, 100, 1_000];
const STEPS = 20_000;
const REPETITIONS = 5;

export function benchStep(): Section {
  const rows: (string | number)[][] = [];
  for (const groups of GROUP_COUNTS) {
    for (const entries of LOG_LENGTHS) {
      const { append, heartbeat } = measure(groups, entries);
      rows.push([`${groups} groups, ${entries} entries`, append.toFixed(2), heartbeat.toFixed(2)]);
    }
  }
  return {
    title: 'One step of a node, in microseconds',
    columns: ['', 'append of one entry', 'heartbeat'],
    rows,
    notes: [
      `Median of ${REPETITIONS} runs of ${STEPS} steps each; a follower's side, the write included as an effect.`,
    ],
  };
}

function measure(groups: number, entries: number): { append: number; heartbeat: number } {
  const options = {
    ...DEFAULT_NODE_OPTIONS,
    node: nodeId(1),
    voters: [nodeId(1), nodeId(2), nodeId(3)],
    partitions: groups,
    snapshotEveryEntries: Number.MAX_SAFE_INTEGER,
  };
  const machine = createNode(options);
  const loaded = load(machine, groups, entries);
  const runs = Array.from({ length: REPETITIONS + 1 }, () => ({
    append: timeSteps(machine, loaded, (i) =>
      appendEvent(((i - 1) % groups) + 1, entries + Math.floor((i - 1) / groups)),
    ),
    heartbeat: timeSteps(machine, loaded, (i) => heartbeatEvent(((i - 1) % groups) + 1)),
  })).slice(1);
  return {
    append: median(runs.map((timed) => timed.append)),
    heartbeat: median(runs.map((timed) => timed.heartbeat)),
  };
}

/** A follower of term 1 whose groups all hold so many entries. */
function load(machine: NodeMachine, groups: number, entries: number): NodeState {
  let { state } = machine.start({
    now: { monotonic: monotonicMs(0), wall: wallMs(0) },
    entropy: 1,
    incarnation: 'bench',
    stored: [],
  });
  for (let group = 1; group <= groups; group += 1) {
    const batch = Array.from({ length: entries }, (_, i) => entryOf(i + 1));
    state = stepWith(machine, state, [appended(group, 0, 0, batch)]);
  }
  return state;
}

function timeSteps(machine: NodeMachine, loaded: NodeState, eventOf: (i: number) => NodeEvent): number {
  let state = loaded;
  const startedAt = performance.now();
  for (let i = 1; i <= STEPS; i += 1) {
    const event = eventOf(i);
    state = stepWith(machine, state, [event]);
    if (i % 64 === 0) state = stepWith(machine, state, [{ type: 'WriteCompleted', write: state.lastWrite }]);
  }
  return ((performance.now() - startedAt) * 1_000) / STEPS;
}

function stepWith(machine: NodeMachine, state: NodeState, events: readonly NodeEvent[]): NodeState {
  return machine.step(state, { now: { monotonic: monotonicMs(1), wall: wallMs(1) }, entropy: 1, events })
    .state;
}

const payload = encodeCommand({
  requestId: 'bench' as RequestId,
  basis: logIndex(0),
  stampedAt: ZERO_TIMESTAMP,
  operation: {
    type: 'Set',
    key: 'bench/0123456789',
    value: new Uint8Array(256),
    flags: 1,
    compareValue: null,
    compareRevision: revision(0),
  },
});

function entryOf(index: number): Entry {
  return { term: term(1), payload: index > 0 ? payload : new Uint8Array(0) };
}

function appended(
  group: number,
  previousIndex: number,
  previousTerm: number,
  entries: readonly Entry[],
): NodeEvent {
  return {
    type: 'MessageReceived',
    from: nodeId(2),
    message: {
      type: 'Group',
      group: groupId(group),
      message: {
        type: 'Append',
        term: term(1),
        previousIndex: logIndex(previousIndex),
        previousTerm: term(previousTerm),
        entries,
        commit: logIndex(0),
      },
    },
  };
}

function appendEvent(group: number, previousIndex: number): NodeEvent {
  return appended(group, previousIndex, 1, [entryOf(previousIndex + 1)]);
}

function heartbeatEvent(group: number): NodeEvent {
  return {
    type: 'MessageReceived',
    from: nodeId(2),
    message: {
      type: 'Group',
      group: groupId(group),
      message: { type: 'Heartbeat', term: term(1), commit: logIndex(0), round: 0 },
    },
  };
}
