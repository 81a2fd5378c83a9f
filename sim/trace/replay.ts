/**
 * Replay: a trace's inputs are fed to the machines again, and what comes of them is compared with the record.
 *
 * No clock, network or chance is simulated here: everything is in the trace. So a replay either matches bit for bit
 * or names the first line at which it parts.
 */

import {
  decodeNodeMessage,
  decodeStored,
  ImpossibleState,
  monotonicMs,
  nodeId,
  revision,
  wallMs,
  writeNumber,
  type KeyValueOperation,
  type NodeEffect,
  type NodeEvent,
  type NodeMachine,
  type NodeState,
  type RequestId,
  type Step,
  type Value,
} from '../../core/index.js';
import { keyValueSystem } from '../key-value/system.js';
import { fromBase64 } from './base64.js';
import { describeEffect } from './describe.js';
import {
  foldStep,
  TRACE_FORMAT,
  type StartLine,
  type TraceEvent,
  type TraceHeader,
  type TraceLine,
  type TraceOperation,
  type TurnLine,
} from './record.js';

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
  return { header: header as TraceHeader, lines: lines as TraceLine[] };
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

/** Replays a trace up to and including line `to` (all of it when absent). */
export function replayTrace(trace: Trace, to = Number.MAX_SAFE_INTEGER): Replay {
  const machineOf = keyValueSystem().machineOf(trace.header.scenario);
  const machines = new Map<number, NodeMachine>();
  const states = new Map<number, NodeState>();
  const hashes = new Map<number, number>();
  let replayed = 0;
  for (const line of trace.lines) {
    if (line.n > to) break;
    if ('start' in line) machines.set(line.node, machineOf(nodeId(line.node), line.start.version ?? 0));
    const machine = machines.get(line.node);
    if (machine === undefined)
      throw new Error(`event ${line.n} is of node ${line.node}, which was never started`);
    if ('crash' in line) {
      states.delete(line.node);
      replayed = line.n;
      continue;
    }
    const outcome = replayLine(machine, states.get(line.node), line);
    if ('how' in outcome)
      return { replayed, states, parted: { n: line.n, node: line.node, how: outcome.how } };
    replayed = line.n;
    states.set(line.node, outcome.step.state);
    const hash = foldStep('start' in line ? 0 : (hashes.get(line.node) ?? 0), outcome.step);
    hashes.set(line.node, hash);
    if (hash !== line.hash) {
      const how = compare(line.did, outcome.step.effects);
      return { replayed, states, parted: { n: line.n, node: line.node, how } };
    }
  }
  return { replayed, states, parted: undefined };
}

type Outcome = { readonly step: Step<NodeState, NodeEffect> } | { readonly how: string };

function replayLine(machine: NodeMachine, state: NodeState | undefined, line: StartLine | TurnLine): Outcome {
  try {
    if ('start' in line) return { step: machine.start(decodeBoot(line)) };
    if (state === undefined) return { how: 'the node takes a turn while it is down' };
    return { step: machine.step(state, decodeTurn(line)) };
  } catch (error) {
    if (error instanceof ImpossibleState) return { how: `the machine stopped: ${error.message}` };
    throw error;
  }
}

function compare(recorded: readonly string[], effects: readonly NodeEffect[]): string {
  const now = effects.map(describeEffect);
  const at = Math.max(recorded.length, now.length);
  for (let i = 0; i < at; i += 1) {
    if (recorded[i] !== now[i]) {
      return `effect ${i + 1} was recorded as "${recorded[i] ?? 'none'}" and is now "${now[i] ?? 'none'}"`;
    }
  }
  return 'the effects read the same, but the state (or a detail of an effect) is another';
}

function decodeBoot({ start, n }: StartLine): Parameters<NodeMachine['start']>[0] {
  return {
    now: { monotonic: monotonicMs(start.monotonic), wall: wallMs(start.wall) },
    entropy: start.entropy,
    incarnation: start.incarnation,
    stored: start.stored.map(([key, value]) => {
      const decoded = decodeStored(bytesOf(value, n));
      if (!decoded.ok)
        throw new Error(`event ${n}: the stored record ${key} cannot be read: ${decoded.reason}`);
      return { key, value: decoded.value };
    }),
  };
}

function decodeTurn({ turn, n }: TurnLine): Parameters<NodeMachine['step']>[1] {
  return {
    now: { monotonic: monotonicMs(turn.monotonic), wall: wallMs(turn.wall) },
    entropy: turn.entropy,
    events: turn.events.map((event) => decodeEvent(event, n)),
    ...(turn.bent === undefined ? {} : { bend: (point: string) => turn.bent?.includes(point) === true }),
  };
}

function decodeEvent(event: TraceEvent, n: number): NodeEvent {
  if ('message' in event) {
    const decoded = decodeNodeMessage(bytesOf(event.message, n));
    if (!decoded.ok)
      throw new Error(`event ${n}: the message from ${event.from} cannot be read: ${decoded.reason}`);
    return { type: 'MessageReceived', from: nodeId(event.from), message: decoded.value };
  }
  if ('token' in event) {
    const operation = decodeOperation(event.operation, n);
    const request =
      event.requestId === null ? { operation } : { requestId: event.requestId as RequestId, operation };
    return { type: 'RequestReceived', token: event.token, request };
  }
  if ('timer' in event) return { type: 'TimerFired' };
  if ('written' in event) return { type: 'WriteCompleted', write: writeNumber(event.written) };
  return { type: 'WriteFailed', write: writeNumber(event.failed), reason: event.reason };
}

function decodeOperation(operation: TraceOperation, n: number): KeyValueOperation {
  const { type, key } = operation;
  if (type !== 'Set') return { type, key };
  return {
    type,
    key,
    value: decodeValue(operation.value, n),
    flags: operation.flags ?? 0,
    compareValue: decodeValue(operation.compareValue, n),
    compareRevision: revision(operation.compareRevision ?? 0),
  };
}

function decodeValue(value: string | null | undefined, n: number): Value {
  return typeof value === 'string' ? bytesOf(value, n) : null;
}

function bytesOf(text: string, n: number): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new Error(`event ${n} of the trace holds bytes that are not base64`);
  return bytes;
}
