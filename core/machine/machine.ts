/**
 * The one contract: everything that has behaviour is a machine.
 *
 *     step(state, turn) -> { state, effects }
 *
 * `step` is a pure function. It reads no clock, draws no random number, does no I/O, keeps nothing between calls
 * and never mutates its arguments. What it needs from outside comes in with the turn; what it wants done outside
 * goes out as effects, which are data too. A machine that keeps this contract runs unchanged under the simulator,
 * under the Node runtime and in a browser.
 *
 * A *turn* is the unit of work: one reading of the clocks and all events that a host has waiting. Handing over
 * many events at once is how batching happens at every boundary: one turn makes at most one durable write and at
 * most one frame per destination, however many events it holds.
 */

import type { Bend } from './bend.js';
import type { MonotonicMs, NodeId, WallMs, WriteNumber } from './units.js';

/** One reading of both clocks of a machine. */
export interface Clocks {
  readonly monotonic: MonotonicMs;
  readonly wall: WallMs;
}

/** What a host hands to a machine: the time, chance, and what happened since the last turn. */
export interface Turn<Event> {
  readonly now: Clocks;
  /** 32 fresh random bits, as an unsigned integer. All chance inside the step is derived from them. */
  readonly entropy: number;
  /** In the order in which they happened; at least one. */
  readonly events: readonly Event[];
  /**
   * Only in a simulator: whether to bend the code at a rare point that it names, for instance to send one entry where
   * many would fit, or to time out at once. A pure function of the name. What is bent must stay legal: the machine
   * keeps every promise either way. Absent in production, where it costs one comparison.
   */
  readonly bend?: Bend;
}

/** What a step gives back. Neither part is ever changed afterwards. */
export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What happened outside. `Message`, `Request` are the machine's own vocabulary; hosts only carry them. */
export type HostEvent<Message, Request, Stored = unknown> =
  | MessageReceived<Message>
  | RequestReceived<Request>
  | TimerFired
  | WriteCompleted
  | WriteFailed
  | ReadCompleted<Stored>
  | ReadFailed;

/** A message from another node arrived. It may be old, repeated or out of order. */
export interface MessageReceived<Message> {
  readonly type: 'MessageReceived';
  readonly from: NodeId;
  readonly message: Message;
}

/** A client asks something of this node. `token` is the host's name for the request, never used twice in a run. */
export interface RequestReceived<Request> {
  readonly type: 'RequestReceived';
  readonly token: number;
  readonly request: Request;
}

/** The time asked for by a `SetTimer` has come, or has been passed. A timer may also fire for no reason. */
export interface TimerFired {
  readonly type: 'TimerFired';
}

/** This write, and every earlier one, is durable: it survives a crash of the process and of the machine. */
export interface WriteCompleted {
  readonly type: 'WriteCompleted';
  readonly write: WriteNumber;
}

/** The storage gave up. There is no second try: what is on the disk is unknown until it is read back. */
export interface WriteFailed {
  readonly type: 'WriteFailed';
  readonly write: WriteNumber;
  readonly reason: string;
}

/** What the storage holds under the key that was read. */
export interface ReadCompleted<Stored> {
  readonly type: 'ReadCompleted';
  /** The number that the machine gave its `Read`. */
  readonly read: number;
  /** Undefined where there is nothing under the key. */
  readonly value: Stored | undefined;
}

/** The storage could not read: what the record says is not known. */
export interface ReadFailed {
  readonly type: 'ReadFailed';
  readonly read: number;
  readonly reason: string;
}

/** What a machine wants done. A host may perform the effects of a step in any order, and is still safe. */
export type HostEffect<Message, Answer, Stored> =
  Send<Message> | Persist<Stored> | Read | SetTimer | Reply<Answer> | Halt;

/** Send messages to one node, in one frame. They may be lost: the machine never relies on delivery. */
export interface Send<Message> {
  readonly type: 'Send';
  readonly to: NodeId;
  readonly messages: readonly Message[];
}

/**
 * Write `changes` atomically, in order, and report `WriteCompleted` when they are durable.
 * Writes become durable in the order of their numbers; a host may join several waiting ones into one batch.
 */
export interface Persist<Stored> {
  readonly type: 'Persist';
  readonly write: WriteNumber;
  readonly changes: readonly StorageChange<Stored>[];
}

/**
 * Read what is durable under one key that begins with `COLD_PREFIX`, and report it as `ReadCompleted`. Nothing waits for it
 * but the machine: reads may be answered in any order, and late. What a later write makes of the key may show or not.
 */
export interface Read {
  readonly type: 'Read';
  /** Names the read within one run of the machine. */
  readonly read: number;
  readonly key: string;
}

/** Hand in a `TimerFired` at this time or soon after. A later `SetTimer` replaces an earlier one. */
export interface SetTimer {
  readonly type: 'SetTimer';
  readonly at: MonotonicMs;
}

/** The answer to a client's request. Each token is answered at most once. */
export interface Reply<Answer> {
  readonly type: 'Reply';
  readonly token: number;
  readonly answer: Answer;
}

/** Stop this node: it can no longer keep its promises. The host starts it anew from what is durable. */
export interface Halt {
  readonly type: 'Halt';
  readonly reason: string;
}

/** One change of a machine's ordered key/value storage. Keys are compared by code unit. */
export type StorageChange<Stored> =
  | { readonly type: 'Put'; readonly key: string; readonly value: Stored }
  /** Removes one key, in the same atomic write as everything else; there need be none. */
  | { readonly type: 'Drop'; readonly key: string }
  /** Removes every key with `from <= key < before`. What is removed so is never needed again: a crash may keep it. */
  | { readonly type: 'DropRange'; readonly from: string; readonly before: string };

/** What is stored under keys that begin so is not handed over at a start: a machine reads it, record by record (`Read`). */
export const COLD_PREFIX = 'cold/';

/** What a machine's run begins with. */
export interface Boot<Stored> {
  readonly now: Clocks;
  /** 32 fresh random bits. */
  readonly entropy: number;
  /** A name for this run of the node that no other run, of any node, ever had or will have. */
  readonly incarnation: string;
  /** Everything durable but what is cold (`COLD_PREFIX`), in ascending order of keys; empty on a node's first start. */
  readonly stored: readonly StoredRecord<Stored>[];
}

export interface StoredRecord<Stored> {
  readonly key: string;
  readonly value: Stored;
}

/**
 * A machine, as its hosts see it.
 *
 * @typeParam State an immutable value; opaque to hosts.
 * @typeParam Message what machines of this kind say to each other.
 * @typeParam Request what clients ask, and `Answer` what they are told.
 * @typeParam Stored what is written to the disk.
 */
export interface Machine<State, Message, Request, Answer, Stored> {
  /** The state of a node that starts, from what its disk holds. */
  start(boot: Boot<Stored>): Step<State, HostEffect<Message, Answer, Stored>>;
  /** The state after a turn, and what the turn wants done. Pure; throws `ImpossibleState` on a broken invariant. */
  step(
    state: State,
    turn: Turn<HostEvent<Message, Request, Stored>>,
  ): Step<State, HostEffect<Message, Answer, Stored>>;
}
