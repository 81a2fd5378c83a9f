/**
 * Recording: every input of every node in order, with a running hash of what came of it, as lines of JSON.
 *
 * The first line says what the trace is of; each further line is one start, turn or crash of one node. Messages and
 * stored records stand in their wire encoding, so a trace also replays what a codec would do to them. A production
 * node can write the same format: nothing in a line is known only to the simulator.
 */

import {
  encodeNodeMessage,
  encodeTransactionCall,
  encodeStored,
  mixWord,
  type AdminCommand,
  type NodeEffect,
  type NodeEvent,
  type NodeId,
  type NodeMessage,
  type NodeState,
  type Operation,
  type Step,
  type Turn,
} from '../../core/index.js';
import type { NodeObserver } from '../check/node-rules.js';
import type { KeyValueScenario } from '../key-value/settings.js';
import type { Failure } from '../world/world.js';
import { toBase64 } from './base64.js';
import { describeEffect, describeEvent } from './describe.js';
import { hashValue } from './state-hash.js';

export const TRACE_FORMAT = 2;

export interface TraceHeader {
  readonly wavetank: 'trace';
  readonly format: number;
  /** The version of the program that recorded it. */
  readonly version: string;
  /** A line on what the trace shows, for people. */
  readonly about: string;
  readonly scenario: KeyValueScenario;
  readonly failure: Failure | null;
}

/** A header but for what makes it one. */
export type TraceAbout = Omit<TraceHeader, 'wavetank' | 'format'>;

export type TraceLine = StartLine | TurnLine | CrashLine;

interface LineBase {
  /** Counts lines, from 1. */
  readonly n: number;
  /** Virtual microseconds. */
  readonly at: number;
  readonly node: number;
}

export interface StartLine extends LineBase {
  readonly start: {
    readonly monotonic: number;
    readonly wall: number;
    readonly entropy: number;
    readonly incarnation: string;
    /** The version of the machine that starts, where there are several; absent for the first. */
    readonly version?: number;
    readonly stored: readonly (readonly [key: string, value: string])[];
  };
  readonly did: readonly string[];
  readonly hash: number;
}

export interface TurnLine extends LineBase {
  readonly turn: {
    readonly monotonic: number;
    readonly wall: number;
    readonly entropy: number;
    /** The rare points of the code that were bent; absent for none. */
    readonly bent?: readonly string[];
    readonly events: readonly TraceEvent[];
  };
  readonly saw: readonly string[];
  readonly did: readonly string[];
  readonly hash: number;
}

export interface CrashLine extends LineBase {
  readonly crash: true;
}

export type TraceEvent =
  /** `sent` is the line in which the message left, where the recorder could tell. */
  | { readonly message: string; readonly from: number; readonly sent?: number }
  | { readonly token: number; readonly admin: AdminCommand }
  /** A call about a transaction, as its bytes in base64. */
  | { readonly token: number; readonly transaction: string }
  | { readonly token: number; readonly requestId: string | null; readonly operation: TraceOperation }
  | { readonly timer: true }
  | { readonly written: number }
  | { readonly failed: number; readonly reason: string }
  /** What the disk gave: null for nothing. */
  | { readonly read: number; readonly value: string | null }
  | { readonly unread: number; readonly reason: string };

/** An operation as JSON has it: bytes in base64. */
export type TraceOperation = Written<Operation>;

type Written<O> = O extends unknown
  ? {
      readonly [Field in keyof O]: Uint8Array extends O[Field]
        ? Exclude<O[Field], Uint8Array> | string
        : O[Field];
    }
  : never;

/** The fields of operations that hold bytes. */
export const BYTE_FIELDS: readonly string[] = ['value', 'compareValue', 'owner'];

/** An observer that writes down all it sees into `lines`. */
export function createRecorder(lines: TraceLine[], nowUs: () => number): NodeObserver {
  const hashes = new Map<number, number>();
  const departures = new WeakMap<NodeMessage, number>();
  const line = (node: NodeId): LineBase => ({ n: lines.length + 1, at: nowUs(), node });
  return {
    started(node, boot, step, version) {
      const hash = foldStep(0, step);
      hashes.set(node, hash);
      const { now, entropy, incarnation, stored } = boot;
      const start = {
        monotonic: now.monotonic,
        wall: now.wall,
        entropy,
        incarnation,
        ...(version === 0 ? {} : { version }),
        stored: stored.map(({ key, value }) => [key, toBase64(encodeStored(value))] as const),
      };
      lines.push({ ...line(node), start, did: step.effects.map(describeEffect), hash });
      noteDepartures(departures, step.effects, lines.length);
    },
    stepped(node, _before, turn: Turn<NodeEvent>, step: Step<NodeState, NodeEffect>, bent) {
      const hash = foldStep(hashes.get(node) ?? 0, step);
      hashes.set(node, hash);
      const { monotonic, wall } = turn.now;
      lines.push({
        ...line(node),
        turn: {
          monotonic,
          wall,
          entropy: turn.entropy,
          ...(bent.length === 0 ? {} : { bent }),
          events: turn.events.map((event) => encodeEvent(event, departures)),
        },
        saw: turn.events.map(describeEvent),
        did: step.effects.map(describeEffect),
        hash,
      });
      noteDepartures(departures, step.effects, lines.length);
    },
    synced() {
      // What became durable shows when the node is told, or when it starts again.
    },
    crashed(node) {
      lines.push({ ...line(node), crash: true });
    },
  };
}

/** The running hash of one run of one node after one more step: its state and everything that it wants done. */
export function foldStep(hash: number, step: Step<unknown, unknown>): number {
  return mixWord(mixWord(hash, hashValue(step.state)), hashValue(step.effects)) >>> 0;
}

/** The simulated network hands on the very object that was sent, which tells messages of one content apart. */
function noteDepartures(
  departures: WeakMap<NodeMessage, number>,
  effects: readonly NodeEffect[],
  n: number,
): void {
  for (const effect of effects) {
    if (effect.type !== 'Send') continue;
    for (const message of effect.messages) departures.set(message, n);
  }
}

function encodeEvent(event: NodeEvent, departures: WeakMap<NodeMessage, number>): TraceEvent {
  switch (event.type) {
    case 'MessageReceived': {
      const recorded = { from: event.from, message: toBase64(encodeNodeMessage(event.message)) };
      const sent = departures.get(event.message);
      return sent === undefined ? recorded : { ...recorded, sent };
    }
    case 'RequestReceived': {
      if ('admin' in event.request) return { token: event.token, admin: event.request.admin };
      if ('transaction' in event.request) {
        const call = toBase64(encodeTransactionCall(event.request.transaction));
        return { token: event.token, transaction: call };
      }
      const { requestId, operation } = event.request;
      return { token: event.token, requestId: requestId ?? null, operation: encodeOperation(operation) };
    }
    case 'TimerFired':
      return { timer: true };
    case 'WriteCompleted':
      return { written: event.write };
    case 'WriteFailed':
      return { failed: event.write, reason: event.reason };
    case 'ReadCompleted':
      return {
        read: event.read,
        value: event.value === undefined ? null : toBase64(encodeStored(event.value)),
      };
    case 'ReadFailed':
      return { unread: event.read, reason: event.reason };
  }
}

function encodeOperation(operation: Operation): TraceOperation {
  const fields = Object.entries(operation).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? toBase64(value) : value,
  ]);
  return Object.fromEntries(fields) as TraceOperation;
}

/** A whole trace as text: one JSON value a line, the header first. */
export function formatTrace(about: TraceAbout, lines: readonly TraceLine[]): string {
  const header: TraceHeader = { wavetank: 'trace', format: TRACE_FORMAT, ...about };
  return [header, ...lines].map((line) => JSON.stringify(line)).join('\n') + '\n';
}
