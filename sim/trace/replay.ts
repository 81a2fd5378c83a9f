/**
 * Replay: a trace's inputs are fed to the machines again, and what comes of them is compared with the record.
 *
 * No clock, network or chance is simulated here: everything is in the trace. So a replay either matches bit for bit
 * or names the first line at which it parts.
 */

import { ImpossibleState, type NodeState, type Step } from '../../core/index.js';
import { nodeSubject } from './node-subject.js';
import {
  foldStep,
  TRACE_FORMAT,
  type StartLine,
  type TraceHeader,
  type TraceLine,
  type TurnLine,
} from './record.js';
import type { AnyEffect, AnyEvent, AnyMachine, TraceSubject } from './subject.js';

export interface Trace {
  readonly header: TraceHeader;
  readonly lines: readonly TraceLine[];
}

/** Reads a trace from its text. @throws Error that says which line is wrong, and how. */
export function parseTrace(text: string): Trace {
  const rows = text.split('\n').filter((row) => row.length > 0);
  const values = rows.map((row, i): unknown => {
    try {
      return JSON.parse(row);
    } catch {
      throw new Error(`line ${i + 1} of the trace is not JSON; was the file cut off?`);
    }
  });
  const header = values[0] as Partial<TraceHeader> | undefined;
  if (header?.wavetank !== 'trace' || header.scenario === undefined) {
    throw new Error('this is no trace: its first line does not say {"wavetank":"trace", …}');
  }
  if (header.format !== TRACE_FORMAT) {
    throw new Error(
      `the trace has format ${String(header.format)}; this version reads format ${TRACE_FORMAT}`,
    );
  }
  const lines = values.slice(1) as (TraceLine | null)[];
  lines.forEach((line, i) => {
    if (
      typeof line !== 'object' ||
      line?.n !== i + 1 ||
      !('start' in line || 'turn' in line || 'crash' in line)
    ) {
      throw new Error(`line ${i + 2} of the trace is not event ${i + 1}; was the file changed?`);
    }
  });
  return { header: { failure: null, ...header } as TraceHeader, lines: lines as TraceLine[] };
}

export interface Replay {
  /** How many lines were replayed. */
  readonly replayed: number;
  /** The states of the nodes that run, by node, at that point. */
  readonly states: ReadonlyMap<number, NodeState>;
  /** Where the replay parts from the record, in words; undefined when it matches. */
  readonly parted: Parting | undefined;
}

export interface Parting {
  readonly n: number;
  readonly node: number;
  readonly how: string;
}

/** Replays a trace of our nodes up to and including line `to` (all of it when absent). */
export function replayTrace(trace: Trace, to = Number.MAX_SAFE_INTEGER): Replay {
  const states = new Map<number, NodeState>();
  const { replayed, parted } = walkTrace(nodeSubject, trace, to, ({ line, after }) => {
    // The subject of the walk is our node: its states are of this type and no other.
    if (after === undefined) states.delete(line.node);
    else states.set(line.node, after as NodeState);
  });
  return { replayed, states, parted };
}

/** One line of a trace, replayed: what the node was, what it was handed, what it became and what it wanted done. */
export interface Moment {
  readonly line: TraceLine;
  /** The state before the line; undefined while the node is down. */
  readonly before: unknown;
  readonly after: unknown;
  /** Empty for a start and a crash. */
  readonly events: readonly AnyEvent[];
  readonly effects: readonly AnyEffect[];
}

export interface Walk {
  readonly replayed: number;
  readonly parted: Parting | undefined;
}

/**
 * Replays a trace of any machine up to and including line `to`, and shows each line's moment as it comes. Stops where
 * the replay parts from the record; a moment whose outcome is another than the recorded one is still shown.
 *
 * @throws Error when a line cannot be read.
 */
export function walkTrace(
  subject: TraceSubject,
  trace: Trace,
  to: number,
  visit: (moment: Moment) => void,
): Walk {
  const machines = new Map<number, AnyMachine>();
  const states = new Map<number, unknown>();
  const hashes = new Map<number, number>();
  let replayed = 0;
  for (const line of trace.lines) {
    const { n, node } = line;
    if (n > to) break;
    if ('start' in line) machines.set(node, subject.machineOf(trace.header, node, line.start.version ?? 0));
    const machine = machines.get(node);
    if (machine === undefined) throw new Error(`event ${n} is of node ${node}, which was never started`);
    const before = states.get(node);
    if ('crash' in line) {
      states.delete(node);
      visit({ line, before, after: undefined, events: [], effects: [] });
      replayed = n;
      continue;
    }
    const outcome = replayLine(subject, machine, before, line);
    if ('how' in outcome) return { replayed, parted: { n, node, how: outcome.how } };
    const { step, events } = outcome;
    replayed = n;
    states.set(node, step.state);
    visit({ line, before, after: step.state, events, effects: step.effects });
    const hash = foldStep('start' in line ? 0 : (hashes.get(node) ?? 0), step);
    hashes.set(node, hash);
    if (hash !== line.hash) {
      const how = compare(
        line.did,
        step.effects.map((effect) => subject.describeEffect(effect)),
      );
      return { replayed, parted: { n, node, how } };
    }
  }
  return { replayed, parted: undefined };
}

type Outcome =
  | { readonly step: Step<unknown, AnyEffect>; readonly events: readonly AnyEvent[] }
  | { readonly how: string };

function replayLine(
  subject: TraceSubject,
  machine: AnyMachine,
  state: unknown,
  line: StartLine | TurnLine,
): Outcome {
  try {
    if ('start' in line) return { step: machine.start(subject.bootOf(line)), events: [] };
    if (state === undefined) return { how: 'the node takes a turn while it is down' };
    const turn = subject.turnOf(line);
    return { step: machine.step(state, turn), events: turn.events };
  } catch (error) {
    if (error instanceof ImpossibleState) return { how: `the machine stopped: ${error.message}` };
    throw error;
  }
}

function compare(recorded: readonly string[], now: readonly string[]): string {
  const at = Math.max(recorded.length, now.length);
  for (let i = 0; i < at; i += 1) {
    if (recorded[i] !== now[i]) {
      return `effect ${i + 1} was recorded as "${recorded[i] ?? 'none'}" and is now "${now[i] ?? 'none'}"`;
    }
  }
  return 'the effects read the same, but the state (or a detail of an effect) is another';
}
