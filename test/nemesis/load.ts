/** The mixed load of a nemesis: clients on keys, locks, sequences and transfers, all at once, until they are told to stop. */

import { KeyValueCode, LockCode, ScriptCode, SequenceCode } from '../../core/index.js';
import { drawBelow, streamOf, type LockOperation, type SequenceOperation } from '../../sim/index.js';
import { createAsker, type Asker } from './asking.js';
import { workOnKey, type KeyEvent } from './key-work.js';
import { workOnLock } from './lock-work.js';
import { createSequences, workOnSequence } from './sequence-work.js';
import { openAccounts, settleTransfers, workOnTransfers, type TransferEvent } from './transfer-work.js';

/** What the clients saw. */
export interface Histories {
  readonly keys: readonly KeyEvent[];
  readonly locks: readonly LockOperation[];
  readonly sequences: readonly SequenceOperation[];
  readonly transfers: readonly TransferEvent[];
}

export interface MixedLoad {
  /** So far; once it has stopped, with what became of every transfer. */
  histories(): Histories;
  /** Operations that were answered. */
  done(): number;
  /** From here on other keys are worked on. */
  nextEpoch(): void;
  /** Resolves when each kind of client had so many more answers; rejects when one of them fails. */
  progress(operations: number): Promise<void>;
  /** Lets every client finish what it is doing; rejects when one of them failed. */
  stop(): Promise<void>;
}

const KINDS = ['keys', 'locks', 'sequences', 'transfers'] as const;
const CLIENTS_OF_EACH = 4;
const LONGEST_THOUGHT_MS = 12;
/** Whoever got no answer does not ask on at full speed. */
const AFTER_SILENCE_MS = 50;
const LOOK_EVERY_MS = 20;

const IS_UNKNOWN = {
  keys: (type: number) => type === KeyValueCode.mustRetry,
  locks: (type: number) => type === LockCode.mustRetry,
  sequences: (type: number) => type === SequenceCode.mustRetry,
  // A script on a node that stops is errored: what became of it nobody knows.
  transfers: (type: number) => type === ScriptCode.mustRetry || type === ScriptCode.errored,
};

/** Returns when the sequences are there and every client is at work. */
export async function startMixedLoad(endpoints: readonly string[], seed: number): Promise<MixedLoad> {
  const keys: KeyEvent[] = [];
  const locks: LockOperation[] = [];
  const sequences: SequenceOperation[] = [];
  let transfers: TransferEvent[] = [];
  const counts = { keys: 0, locks: 0, sequences: 0, transfers: 0 };
  let epoch = 1;
  let stopping = false;
  let failure: Error | undefined;

  const askerOf = (kind: (typeof KINDS)[number], number: number): Asker =>
    createAsker(endpoints, number, IS_UNKNOWN[kind]);
  const creator = { number: 1, stream: streamOf(seed, 'create'), asker: askerOf('sequences', 1) };
  await createSequences({ ...creator, history: sequences });
  await openAccounts({ asker: askerOf('transfers', 1) });

  async function repeat(
    kind: (typeof KINDS)[number],
    number: number,
    work: (count: number) => Promise<boolean>,
  ): Promise<void> {
    const thought = streamOf(seed, 'thought', number);
    try {
      for (let count = 1; !stopping; count += 1) {
        const isAnswered = await work(count);
        if (isAnswered) counts[kind] += 1;
        const thinkMs = isAnswered ? drawBelow(thought, LONGEST_THOUGHT_MS, count) : AFTER_SILENCE_MS;
        await new Promise((resolve) => setTimeout(resolve, thinkMs));
      }
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
      stopping = true;
    }
  }

  const clients = KINDS.flatMap((kind, place) =>
    Array.from({ length: CLIENTS_OF_EACH }, (_, i) => {
      // Number 1 created the sequences.
      const number = 2 + place * CLIENTS_OF_EACH + i;
      const worker = { number, stream: streamOf(seed, kind, number), asker: askerOf(kind, number) };
      switch (kind) {
        case 'keys': {
          const seen = new Map<string, never>();
          return repeat(kind, number, (count) => workOnKey({ ...worker, history: keys, seen }, count, epoch));
        }
        case 'locks':
          return repeat(kind, number, (count) => workOnLock({ ...worker, history: locks }, count));
        case 'sequences':
          return repeat(kind, number, (count) => workOnSequence({ ...worker, history: sequences }, count));
        case 'transfers':
          return repeat(kind, number, (count) => workOnTransfers({ ...worker, history: transfers }, count));
      }
    }),
  );

  return {
    histories: () => ({ keys, locks, sequences, transfers }),
    done: () => counts.keys + counts.locks + counts.sequences + counts.transfers,
    nextEpoch: () => (epoch += 1),
    async progress(operations) {
      const targets = KINDS.map((kind) => counts[kind] + operations);
      while (!stopping && KINDS.some((kind, i) => counts[kind] < (targets[i] as number)))
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      if (failure !== undefined) throw failure;
    },
    async stop() {
      stopping = true;
      await Promise.all(clients);
      if (failure !== undefined) throw failure;
      transfers = [...(await settleTransfers(askerOf('keys', 1), transfers))];
    },
  };
}
