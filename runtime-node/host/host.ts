/**
 * Drives a machine with real time, sockets and disks. Any machine that keeps the contract will do.
 *
 * What arrives within one turn of the event loop (messages, requests, the timer, finished writes) is gathered and
 * handed over as one `Turn`, in the check phase, when all sockets that were ready have been read: so one write and
 * one frame per destination serve as many requests as came in. Effects are performed in order, at once.
 *
 * A machine that throws, halts or cannot write has no future: nothing more is performed, everybody who waits is
 * told, and `onFatal` ends the process. The next start reads back what is durable.
 */

import type {
  Clocks,
  HostEffect,
  HostEvent,
  Machine,
  MonotonicMs,
  NodeId,
  Persist,
  StoredRecord,
  WriteNumber,
} from '../../core/machine/index.js';
import { unreachable } from '../../core/machine/index.js';
import type { Log } from '../observe/log.js';
import { machineSenses, type Senses } from './senses.js';

/** Where a machine's `Persist` goes. */
export interface StoragePort<Stored> {
  /** Called once, before the first write. */
  start(listener: WriteListener): void;
  write(persist: Persist<Stored>): void;
  /** What is durable under one key; undefined where there is nothing. Rejects where that cannot be told. */
  read(key: string): Promise<Stored | undefined>;
}

export interface WriteListener {
  /** This write and every earlier one is durable. */
  completed(write: WriteNumber): void;
  /** At most once, and nothing after it. */
  failed(write: WriteNumber, reason: string): void;
}

/** Where a machine's `Send` goes. */
export interface TransportPort<Message> {
  /** Called once, before the first send. */
  start(receive: (from: NodeId, messages: readonly Message[]) => void): void;
  send(to: NodeId, messages: readonly Message[]): void;
}

export interface HostOptions<State, Message, Request, Answer, Stored> {
  readonly machine: Machine<State, Message, Request, Answer, Stored>;
  /** All that the storage holds but what is cold, in ascending order of keys. */
  readonly stored: readonly StoredRecord<Stored>[];
  readonly storage: StoragePort<Stored>;
  readonly transport: TransportPort<Message>;
  readonly log: Log;
  /** Ends the process. Called at most once, with everything already stopped. */
  readonly onFatal: (reason: string) => void;
  readonly senses?: Senses;
  /** Sees the state after the start and after every turn; for what follows it outside. It must be quick. */
  readonly watch?: (state: State) => void;
}

export interface Host<State, Request, Answer> {
  /** The answer of the machine; rejects with `HostStopped` when there will be none. */
  request(request: Request): Promise<Answer>;
  /** The machine's newest state, to be described and never to be changed. */
  state(): State;
  /** Requests that have no answer yet. */
  waiting(): number;
  /** Performs nothing more from here on, and turns away all who wait. Harmless when repeated. */
  stop(): void;
}

/** Why a request got no answer. Whether it took effect is not known. */
export class HostStopped extends Error {
  override readonly name = 'HostStopped';
}

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A `setTimeout` cannot be set further ahead; an early timer is only a needless turn. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Starts the machine.
 *
 * @throws whatever the machine throws at its start, such as `ImpossibleState` for records that contradict themselves.
 */
export function startHost<State, Message, Request, Answer, Stored>(
  options: HostOptions<State, Message, Request, Answer, Stored>,
): Host<State, Request, Answer> {
  const { machine, storage, transport, log } = options;
  const senses = options.senses ?? machineSenses();
  const waiting = new Map<number, Waiting<Answer>>();
  let events: HostEvent<Message, Request, Stored>[] = [];
  let turnIsDue = false;
  let timerFired = false;
  let stopped = false;
  let lastToken = 0;
  let timer: NodeJS.Timeout | undefined;

  function happened(event: HostEvent<Message, Request, Stored>): void {
    if (stopped) return;
    events.push(event);
    takeTurnSoon();
  }

  function takeTurnSoon(): void {
    if (turnIsDue) return;
    turnIsDue = true;
    setImmediate(takeTurn);
  }

  function takeTurn(): void {
    turnIsDue = false;
    if (stopped) return;
    // After a pause the timer is looked at before the sockets are. Last in the turn, it finds what came meanwhile: a
    // follower does not stand for election with the heartbeats of its leader unread.
    if (timerFired) events.push({ type: 'TimerFired' });
    const gathered = events;
    events = [];
    timerFired = false;
    try {
      const turn = { now: senses.clocks(), entropy: senses.entropy(), events: gathered };
      const next = machine.step(state, turn);
      state = next.state;
      options.watch?.(state);
      perform(next.effects, turn.now);
    } catch (error) {
      fail(error, gathered);
    }
  }

  function perform(effects: readonly HostEffect<Message, Answer, Stored>[], now: Clocks): void {
    for (const effect of effects) {
      if (stopped) return;
      switch (effect.type) {
        case 'Send':
          transport.send(effect.to, effect.messages);
          break;
        case 'Persist':
          storage.write(effect);
          break;
        case 'Read':
          void read(effect.read, effect.key);
          break;
        case 'SetTimer':
          setTimer(effect.at, now);
          break;
        case 'Reply':
          waiting.get(effect.token)?.resolve(effect.answer);
          waiting.delete(effect.token);
          break;
        case 'Halt':
          die(`the machine halted: ${effect.reason}`, {});
          break;
        default:
          unreachable(effect);
      }
    }
  }

  async function read(number: number, key: string): Promise<void> {
    try {
      happened({ type: 'ReadCompleted', read: number, value: await storage.read(key) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      happened({ type: 'ReadFailed', read: number, reason: `${key}: ${reason}` });
    }
  }

  function setTimer(at: MonotonicMs, now: Clocks): void {
    clearTimeout(timer);
    const delayMs = at <= now.monotonic ? 0 : Math.min(senses.until(at), LONGEST_TIMEOUT_MS);
    timer = setTimeout(timerIsDue, delayMs, at);
  }

  function timerIsDue(at: MonotonicMs): void {
    // Node may be a fraction of a millisecond early; asking again is cheaper than a turn for nothing.
    const now = senses.clocks();
    if (now.monotonic < at) return setTimer(at, now);
    timerFired = true;
    takeTurnSoon();
  }

  function fail(error: unknown, gathered: readonly HostEvent<Message, Request, Stored>[]): void {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const counts: Record<string, number> = {};
    for (const { type } of gathered) counts[type] = (counts[type] ?? 0) + 1;
    die(`a turn failed: ${reason}`, { stack, events: counts });
  }

  function die(reason: string, fields: Readonly<Record<string, unknown>>): void {
    if (stopped) return;
    log.fatal(fields, `${reason}. This node stops; started again, it goes on from what is durable`);
    stop(reason);
    options.onFatal(reason);
  }

  function stop(reason: string): void {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    events = [];
    for (const { reject } of waiting.values()) reject(new HostStopped(reason));
    waiting.clear();
  }

  const now = senses.clocks();
  const { incarnation, entropy } = { incarnation: senses.incarnation(), entropy: senses.entropy() };
  const start = machine.start({ now, entropy, incarnation, stored: options.stored });
  let state = start.state;
  storage.start({
    completed: (write) => happened({ type: 'WriteCompleted', write }),
    // The machine could only halt; what it would still want done must not be.
    failed: (write, reason) => die(`write ${write} failed: ${reason}`, {}),
  });
  transport.start((from, messages) => {
    for (const message of messages) happened({ type: 'MessageReceived', from, message });
  });
  options.watch?.(state);
  perform(start.effects, now);

  return {
    request(request) {
      if (stopped) return Promise.reject(new HostStopped('this node is stopping'));
      lastToken += 1;
      const token = lastToken;
      return new Promise<Answer>((resolve, reject) => {
        waiting.set(token, { resolve, reject });
        happened({ type: 'RequestReceived', token, request });
      });
    },
    state: () => state,
    waiting: () => waiting.size,
    stop: () => stop('this node is stopping'),
  };
}
