/**
 * The connection on which this node sends to one peer. It comes back by itself, soon; what is sent while it is down
 * is dropped, because the protocol repeats what matters and old messages are worth little.
 *
 *     waiting -> connecting -> greeting -> open -> waiting …
 *
 * All frames of one turn of the event loop leave in one write. When the peer takes them more slowly than they come,
 * the newest beyond a bound are dropped: a queue without bound would only be a slower way to lose them.
 */

import { connect, type Socket } from 'node:net';

import { formatAddress, type Address } from '../host/address.js';
import type { Decoded } from '../host/codec.js';
import type { Log } from '../observe/log.js';
import { saySeldom } from '../observe/say-seldom.js';
import { createFrameReader, frameHeader, HEADER_BYTES, writeHeader } from './frame.js';
import { decodeHello, disagreement, encodeHello, MAX_HELLO_BYTES, type Hello } from './hello.js';

export interface OutgoingOptions {
  /** Who is expected there; undefined for whoever it is. */
  readonly peer: number | undefined;
  readonly address: Address;
  readonly hello: Hello;
  readonly maxQueuedBytes: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  readonly log: Log;
  /** Called when a connection is made, with what who is there says of itself. */
  readonly met?: (hello: Hello) => void;
}

export interface Outgoing {
  /** Whether `send` is of any use now. */
  isOpen(): boolean;
  send(frame: Uint8Array): void;
  /** The peer was heard of: if a new attempt is being waited for, make it now. */
  tryNow(): void;
  close(): void;
}

/** A connection that is not made, or not greeted back, within this time is given up. */
const GREETING_TIMEOUT_MS = 3_000;
/** A connection that holds back bytes and takes none for this long is given up: the peer may be long gone. */
const STALL_TIMEOUT_MS = 5_000;
/** Frames up to this size together are copied into one buffer; larger ones go as they are. */
const COPIED_BYTES = 64 << 10;
const COMPLAINT_INTERVAL_MS = 30_000;
const DROPPED_INTERVAL_MS = 1_000;

export function openOutgoing(options: OutgoingOptions): Outgoing {
  const { peer, address, hello, log } = options;
  const where = `${peer === undefined ? 'the node' : `node ${peer}`} at ${formatAddress(address)}`;
  const complaints = saySeldom(COMPLAINT_INTERVAL_MS);
  const dropping = saySeldom(DROPPED_INTERVAL_MS);
  let state: 'waiting' | 'connecting' | 'open' | 'closed' = 'waiting';
  let socket: Socket | undefined;
  let retry: NodeJS.Timeout | undefined;
  let delayMs = options.firstDelayMs;
  let unreachable = false;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let lastProgress = 0;

  function attempt(): void {
    clearTimeout(retry);
    state = 'connecting';
    const made = connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
    socket = made;
    const reader = createFrameReader();
    let problem: string | undefined;
    const giveUp = (why: string): void => {
      problem ??= why;
      made.destroy();
    };
    const timeout = setTimeout(
      () => giveUp(`it did not answer within ${GREETING_TIMEOUT_MS} ms`),
      GREETING_TIMEOUT_MS,
    );
    made.on('connect', () => writeFrame(made, encodeHello(hello)));
    made.on('error', (error) => giveUp(error.message));
    made.on('drain', () => (lastProgress = performance.now()));
    made.on('data', (bytes) => {
      reader.push(bytes);
      const greeting = reader.next(MAX_HELLO_BYTES);
      if (greeting.type === 'Incomplete') return;
      if (state === 'open')
        return giveUp('it sent more than a greeting on a connection that it should only read');
      const theirs = readGreeting(greeting);
      if (!theirs.ok) return giveUp(theirs.reason);
      clearTimeout(timeout);
      opened(made);
      options.met?.(theirs.value);
    });
    made.on('close', () => {
      clearTimeout(timeout);
      if (state === 'closed') return;
      closed(
        problem ??
          (state === 'open' ? 'it closed the connection' : 'it closed the connection without greeting'),
      );
    });
  }

  function readGreeting(greeting: ReturnType<ReturnType<typeof createFrameReader>['next']>): Decoded<Hello> {
    if (greeting.type === 'Damaged')
      return { ok: false, reason: 'its greeting was damaged on the way: its checksum does not match' };
    if (greeting.type !== 'Frame')
      return { ok: false, reason: 'it does not speak the language of Wavetank nodes' };
    const theirs = decodeHello(greeting.body);
    const why = theirs.ok ? disagreement(hello, theirs.value, peer === undefined ? peer : [peer]) : undefined;
    return why === undefined ? theirs : { ok: false, reason: why };
  }

  function opened(made: Socket): void {
    state = 'open';
    delayMs = options.firstDelayMs;
    lastProgress = performance.now();
    unreachable = false;
    // A peer that vanished without a word is noticed by the kernel, not only by the machine.
    made.setKeepAlive(true, STALL_TIMEOUT_MS);
    log.info({ peer }, `connected to ${where}`);
  }

  function closed(why: string): void {
    const wasOpen = state === 'open';
    state = 'waiting';
    socket = undefined;
    pending = [];
    pendingBytes = 0;
    if (wasOpen || !unreachable) {
      log.warn(
        { peer },
        `${wasOpen ? 'lost the connection to' : 'cannot reach'} ${where}: ${why}; trying again`,
      );
      unreachable = true;
    } else {
      complaints.about(why, () => log.info({ peer }, `still cannot reach ${where}: ${why}`));
    }
    // Between half and the whole of the delay, so that nodes that start together do not knock in step.
    retry = setTimeout(attempt, delayMs * (0.5 + Math.random() / 2));
    delayMs = Math.min(delayMs * 2, options.longestDelayMs);
  }

  function send(frame: Uint8Array): void {
    if (state !== 'open' || socket === undefined) return;
    const queued = socket.writableLength + pendingBytes;
    if (queued > 0 && queued + frame.length > options.maxQueuedBytes) {
      dropping.about('queue', (leftOut) =>
        log.warn(
          { peer, queuedBytes: queued, dropped: leftOut + 1 },
          `${where} reads too slowly: ${leftOut + 1} frames dropped since the last notice, ${queued} bytes are waiting`,
        ),
      );
      if (performance.now() - lastProgress > STALL_TIMEOUT_MS) socket.destroy();
      return;
    }
    if (queued === 0) lastProgress = performance.now();
    pending.push(frame);
    pendingBytes += HEADER_BYTES + frame.length;
    if (pending.length === 1) queueMicrotask(flush);
  }

  function flush(): void {
    const frames = pending;
    const bytes = pendingBytes;
    pending = [];
    pendingBytes = 0;
    if (state !== 'open' || socket === undefined || frames.length === 0) return;
    if (bytes <= COPIED_BYTES) {
      socket.write(gather(frames, bytes));
      return;
    }
    socket.cork();
    for (const frame of frames) writeFrame(socket, frame);
    socket.uncork();
  }

  attempt();
  return {
    isOpen: () => state === 'open',
    send,
    tryNow() {
      if (state === 'waiting') attempt();
    },
    close() {
      state = 'closed';
      clearTimeout(retry);
      socket?.destroy();
    },
  };
}

function gather(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const frame of frames) {
    writeHeader(whole, at, frame);
    whole.set(frame, at + HEADER_BYTES);
    at += HEADER_BYTES + frame.length;
  }
  return whole;
}

export function writeFrame(socket: Socket, frame: Uint8Array): void {
  socket.write(frameHeader(frame));
  socket.write(frame);
}
