/**
 * What the tools for traces must know of the machine that a trace is of.
 *
 * The timeline, the causes, the conditions, the debugger and the exports hold states, messages and effects without
 * looking inside; whatever concerns the machine's own vocabulary they ask of its subject. `node-subject.ts` is that
 * of our node. A machine of another kind gets all of these tools by writing one of its own.
 */

import type { Boot, HostEffect, HostEvent, Machine, Turn } from '../../core/index.js';
import type { StartLine, TraceHeader, TurnLine } from './record.js';

export type AnyEvent = HostEvent<unknown, unknown>;
export type AnyEffect = HostEffect<unknown, unknown, unknown>;
export type AnyMachine = Machine<unknown, unknown, unknown, unknown, unknown>;

/** Every `unknown` is a value of the subject's own machine: no other is ever handed in. */
export interface TraceSubject {
  /** The machine of a node of the trace's cluster, in one of its versions. */
  machineOf(header: TraceHeader, node: number, version: number): AnyMachine;
  /** What a start handed to the machine. @throws Error when the line cannot be read. */
  bootOf(line: StartLine): Boot<unknown>;
  /** What a turn handed to the machine. @throws Error when the line cannot be read. */
  turnOf(line: TurnLine): Turn<AnyEvent>;

  describeEffect(effect: unknown): string;
  describeMessage(message: unknown): string;
  /** A few lines on a node's state. */
  describeState(node: number, state: unknown): readonly string[];

  /** The type of a message, one word of `messageTypes`. */
  messageType(message: unknown): string;
  readonly messageTypes: readonly string[];
  /** The content of a message: equal for equal messages, sent or received. */
  messageKey(message: unknown): string;

  /** What conditions, counters and headlines may ask of a state. */
  readonly fields: readonly StateField[];
  /** The parts of a state (of our node: its Raft groups), by number, in ascending order; [1] where there are none. */
  groupsOf(state: unknown): readonly number[];
  /** Whether the node leads that part: shown in colour. */
  leads(state: unknown, group: number): boolean;
  /** The whole path for one that may leave out its beginning, such as `raft.term` for `groups[1].raft.term`. */
  wholePath(path: string): string;
  /** What a collection holds, however it is built; undefined for a value that is no such collection. */
  unfold(value: unknown): Contents | undefined;
}

export interface StateField {
  readonly name: string;
  /** A few words for the help. */
  readonly about: string;
  /** The words that a field of words may be; absent for a field of numbers. */
  readonly words?: readonly string[];
  /** Whether the field is worth a curve over time. */
  readonly counter?: boolean;
  /** Whether a change of it is news: what `why node N` looks for. */
  readonly headline?: boolean;
  /** Undefined where the state has no such group. */
  read(state: unknown, group: number): number | string | undefined;
}

/** What is in a persistent collection. */
export type Contents =
  | {
      readonly type: 'Table';
      /** In ascending order of keys. */
      readonly entries: readonly (readonly [key: number | string, value: unknown])[];
    }
  /** In order, oldest first. */
  | { readonly type: 'Queue'; readonly items: readonly unknown[] }
  /** In no order that matters; equal items may repeat. */
  | { readonly type: 'Bag'; readonly items: readonly unknown[] };
