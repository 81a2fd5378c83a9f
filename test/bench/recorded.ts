/** Histories of a system that does what it should, for the bench of the checkers; drawn by chance, the same each time. */

import type { LockOperation, Operation, SequenceOperation } from '../../sim/index.js';
import { drawBelow, streamOf } from '../../sim/world/chance.js';

export type Draw = (below: number) => number;

export interface Recorder<S, I, O> {
  readonly initial: S;
  readonly inputOf: (draw: Draw, id: number) => I;
  readonly execute: (state: S, input: I) => { readonly state: S; readonly output: O };
}

export interface Shape {
  readonly operations: number;
  readonly keys: number;
  readonly clients: number;
}

interface Planned<I> {
  readonly id: number;
  readonly client: string;
  readonly key: string;
  readonly input: I;
  readonly invokedAt: number;
  readonly effectAt: number;
  readonly answeredAt: number;
}

/** Clients with one operation under way at a time, each of which takes effect at a moment of its own. */
export function recordHonest<S, I, O>(
  { operations, keys, clients }: Shape,
  { initial, inputOf, execute }: Recorder<S, I, O>,
): readonly Operation<I, O>[] {
  const stream = streamOf(operations + clients, 'bench/histories');
  const freeAt = new Float64Array(clients);
  const planned = Array.from({ length: operations }, (_, id): Planned<I> => {
    let salt = 0;
    const draw: Draw = (below) => drawBelow(stream, below, id, salt++);
    const client = id % clients;
    const invokedAt = (freeAt[client] ?? 0) + 1 + draw(50);
    const effectAt = invokedAt + draw(60);
    const answeredAt = effectAt + draw(60);
    freeAt[client] = answeredAt;
    const input = inputOf(draw, id);
    return { id, client: `c${client}`, key: `k${draw(keys)}`, input, invokedAt, effectAt, answeredAt };
  });
  const states = new Map<string, S>();
  const outputs = new Map<number, O>();
  for (const { id, key, input } of planned.toSorted((a, b) => a.effectAt - b.effectAt || a.id - b.id)) {
    const { state, output } = execute(states.get(key) ?? initial, input);
    states.set(key, state);
    outputs.set(id, output);
  }
  return planned.map(({ id, client, key, input, invokedAt, answeredAt }) => {
    return { id, client, key, input, invokedAt, answeredAt, output: outputs.get(id) as O };
  });
}

/**
 * A log as Jepsen prints it: five workers on one register, of whose operations a fifth time out. Those take effect late or never. In
 * two logs of three a read is answered with an old value now and then.
 */
export function classicLog(seed: number): string {
  const stream = streamOf(seed, 'bench/classic log');
  const lines: string[] = [];
  const running = new Map<number, { readonly what: number; readonly a: number; readonly b: number }>();
  const workers = [0, 1, 2, 3, 4];
  let value: number | undefined;
  let old: number | undefined;
  let process = 5;
  for (let turn = 0; turn < 170; turn++) {
    const draw = (below: number, salt: number): number => drawBelow(stream, below, turn, salt);
    const worker = draw(5, 0);
    const client = workers[worker] ?? 0;
    const begun = running.get(client);
    const print = (rest: string): void => void lines.push(`INFO  jepsen.util - ${client}\t${rest}`);
    if (begun === undefined) {
      const fresh = { what: draw(3, 1), a: draw(5, 2), b: draw(5, 3) };
      running.set(client, fresh);
      print(
        [':invoke\t:read\tnil', `:invoke\t:write\t${fresh.a}`, `:invoke\t:cas\t[${fresh.a} ${fresh.b}]`][
          fresh.what
        ] ?? '',
      );
      continue;
    }
    running.delete(client);
    const { what, a, b } = begun;
    const isLost = what > 0 && draw(4, 4) === 0;
    const matches = what === 1 || value === a;
    const isStale = what === 0 && seed % 3 > 0 && draw(12, 5) === 0;
    if (what === 0) print(`:ok\t:read\t${(isStale ? old : value) ?? 'nil'}`);
    if (what > 0 && matches && !(isLost && draw(2, 6) === 0)) {
      old = value;
      value = what === 1 ? a : b;
    }
    if (isLost) {
      print(`:info\t:${what === 1 ? 'write' : 'cas'}\t:timed-out`);
      workers[worker] = process++;
    } else if (what === 1) {
      print(`:ok\t:write\t${a}`);
    } else if (what === 2) {
      print(`:${matches ? 'ok' : 'fail'}\t:cas\t[${a} ${b}]`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Owners that take turns at some locks: acquire, two extensions, release. */
export function recordLocks(operations: number, locks: number): readonly LockOperation[] {
  return Array.from({ length: operations }, (_, id): LockOperation => {
    const turn = Math.floor(id / locks);
    const grant = Math.floor(turn / 4);
    const common = {
      id,
      client: `c${grant % 10}`,
      lock: `lock ${id % locks}`,
      owner: `o${grant % 10}`,
      invokedAt: turn * 10,
      answeredAt: turn * 10 + 5,
    };
    if (turn % 4 === 0) {
      return {
        ...common,
        request: { type: 'acquire', leaseMs: 30 },
        answer: { type: 'locked', token: grant },
      };
    }
    if (turn % 4 === 3) return { ...common, request: { type: 'release' }, answer: { type: 'released' } };
    return {
      ...common,
      request: { type: 'extend', leaseMs: 30 },
      answer: { type: 'extended', token: grant },
    };
  });
}

/** Ten clients at a time that reserve from some sequences, every tenth with a key and once more. */
export function recordSequences(operations: number, sequences: number): readonly SequenceOperation[] {
  return Array.from({ length: operations }, (_, id): SequenceOperation => {
    const turn = Math.floor(id / sequences);
    const common = {
      id,
      client: `c${turn % 10}`,
      sequence: `sequence ${id % sequences}`,
      invokedAt: turn * 10,
      answeredAt: turn * 10 + 100,
    };
    if (turn === 0) {
      const request = { type: 'create', initialValue: 0n, increment: 1n, maxValue: undefined } as const;
      return { ...common, request, answer: { type: 'created' } };
    }
    const isReplay = turn % 10 === 1 && turn > 1;
    const first = isReplay ? turn - 1 : turn;
    const made = BigInt(first - Math.floor((first - 1) / 10));
    const idempotencyKey = turn % 10 < 2 ? `key ${Math.floor(turn / 10)}` : undefined;
    const request = { type: 'reserve', count: 1, idempotencyKey } as const;
    return { ...common, request, answer: { type: 'allocated', start: made, end: made } };
  });
}
