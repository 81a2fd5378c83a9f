/**
 * Recording: every input of every node in order, with a running hash of what came of it, as lines of JSON.
 *
 * The first line says what the trace is of; each further line is one start, turn or crash of one node. Messages and
 * stored records stand in their wire encoding, so a trace also replays what a codec would do to them. A production
 * node can write the same format: nothing in a line is known only to the simulator.
 */

import {
  encodeNodeMessage,
  encodeStored,
  mixWord,
  type AdminCommand,
  type KeyValueOperation,
  type NodeEffect,
  type NodeEvent,
  type NodeId,
  type NodeMessage,
  type NodeState,
  type SpecialReadMode,
  type Step,
  type Turn,
  type Value,
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
  | { readonly token: number; readonly requestId: string | null; readonly operation: TraceOperation }
  | { readonly timer: true }
  | { readonly written: number }
  | { readonly failed: number; readonly reason: string };

export interface TraceOperation {
  readonly type: KeyValueOperation['type'];
  readonly key: string;
  /** Of a read that is not confirmed first. */
  readonly mode?: SpecialReadMode;
  readonly value?: string | null;
  readonly flags?: number;
  readonly compareValue?: string | null;
  readonly compareRevision?: number;
}

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
      const { requestId, operation } = event.request;
      return { token: event.token, requestId: requestId ?? null, operation: encodeOperation(operation) };
    }
    case 'TimerFired':
      return { timer: true };
    case 'WriteCompleted':
      return { written: event.write };
    case 'WriteFailed':
      return { failed: event.write, reason: event.reason };
  }
}

function encodeOperation(operation: KeyValueOperation): TraceOperation {
  if (operation.type !== 'Set') return operation;
  const { type, key, value, flags, compareValue, compareRevision } = operation;
  return {
    type,
    key,
    value: encodeValue(value),
    flags,
    compareValue: encodeValue(compareValue),
    compareRevision,
  };
}

function encodeValue(value: Value): string | null {
  return value === null ? null : toBase64(value);
}

/** A whole trace as text: one JSON value a line, the header first. */
export function formatTrace(about: TraceAbout, lines: readonly TraceLine[]): string {
  const header: TraceHeader = { wavetank: 'trace', format: TRACE_FORMAT, ...about };
  return [header, ...lines].map((line) => JSON.stringify(line)).join('\n') + '\n';
}
