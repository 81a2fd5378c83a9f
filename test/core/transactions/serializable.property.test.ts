/**
 * Transactions of lists: each reads some keys and a range, and appends its number to some of what it read. From the lists in the end one
 * sees who wrote after whom, and from what was read who saw what; all that must fit into one order.
 */

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { revision } from '../../../core/machine/units.js';
import { KeyValueCode, type KeyValueOperation, type Outcome } from '../../../core/partition/command.js';
import type { TransactionId } from '../../../core/partition/transaction-command.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import { SessionCode } from '../../../core/transactions/calls.js';
import { call, crash, emptyWorld, execute, goOn, recover, startSession, type World } from './world.js';

vi.setConfig({ testTimeout: 120_000 });

const PARTITIONS = 3;
/** Two keys in each of three partitions, in one bucket each; none exists at first. */
const BUCKETS = [1, 2, 3].map((group) => {
  for (let i = 0; ; i += 1) if (partitionOfKey(`b${i}/x`, PARTITIONS) === group) return `b${i}`;
});
const KEYS = BUCKETS.flatMap((bucket) => [`${bucket}/x`, `${bucket}/y`]);

interface Plan {
  readonly reads: readonly number[];
  readonly pages: readonly number[];
  readonly writes: readonly number[];
}

interface Running {
  readonly number: number;
  readonly id: TransactionId;
  readonly todo: KeyValueOperation[];
  readonly appends: readonly string[];
  readonly seen: Map<string, readonly number[]>;
  readonly wrote: Set<string>;
  waitsFor: number | undefined;
  asked: KeyValueOperation | undefined;
  verdict: 'committed' | 'aborted' | undefined;
  ended: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  reads: fc.uniqueArray(fc.nat(KEYS.length - 1), { maxLength: 2 }),
  pages: fc.uniqueArray(fc.nat(BUCKETS.length - 1), { maxLength: 1 }),
  writes: fc.uniqueArray(fc.nat(KEYS.length - 1), { maxLength: 2 }),
});

const move = fc.record({
  who: fc.nat(1_000),
  fate: fc.constantFrom('well' as const, 'well' as const, 'well' as const, 'twice' as const, 'lost' as const),
  what: fc.integer({ min: 0, max: 60 }),
});

function listOf(bytes: Uint8Array | null | undefined): readonly number[] {
  return bytes === null || bytes === undefined ? [] : [...bytes];
}

function begin(world: World, number: number, { reads, pages, writes }: Plan): Running {
  const { id } = startSession(world);
  const keys = [...new Set([...reads, ...writes])].map((i) => KEYS[i] as string);
  const todo: KeyValueOperation[] = keys.map((key) => ({ type: 'Get', key }));
  for (const i of pages) {
    todo.push({ type: 'Scan', prefix: `${BUCKETS[i]}/`, group: (i + 1) as never, limit: 10 });
  }
  const appends = writes.map((i) => KEYS[i] as string);
  const seen = new Map<string, readonly number[]>();
  const wrote = new Set<string>();
  return {
    number,
    id,
    todo,
    appends,
    seen,
    wrote,
    waitsFor: undefined,
    asked: undefined,
    verdict: undefined,
    ended: false,
  };
}

let callers = 0;

/** The client of a transaction takes its answer, and asks for the next thing. */
function drive(world: World, running: Running): void {
  if (running.ended) return;
  const handle = { id: startOf(world, running), coordinatorKey: 'k' };
  if (running.waitsFor !== undefined) {
    const answer = world.replies.get(running.waitsFor);
    if (answer === undefined) return;
    running.waitsFor = undefined;
    if (answer.code === SessionCode.committed) {
      running.verdict = 'committed';
      running.ended = true;
      return;
    }
    if (answer.code === SessionCode.aborted) {
      running.verdict = 'aborted';
      running.ended = true;
      return;
    }
    if (answer.code === SessionCode.errored) {
      running.ended = true;
      return;
    }
    if (answer.code === SessionCode.operated && answer.outcome !== undefined) {
      note(running, answer.outcome);
    } else if (running.asked !== undefined) running.todo.unshift(running.asked);
  }
  callers += 1;
  running.waitsFor = callers;
  const next = running.todo.shift() ?? nextAppend(running);
  running.asked = next;
  if (next === undefined) call(world, running.id, callers, { type: 'CommitTransaction', handle });
  else {
    const operationId = `op${callers}`;
    call(world, running.id, callers, { type: 'OperateInTransaction', handle, operationId, operation: next });
  }
}

function startOf(_world: World, { id }: Running) {
  const [node, wall, counter] = id.split('.').map(Number);
  return { node, wall, counter } as never;
}

function nextAppend({ appends, wrote, seen, number }: Running): KeyValueOperation | undefined {
  const key = appends.find((each) => !wrote.has(each));
  if (key === undefined) return undefined;
  const value = Uint8Array.from([...(seen.get(key) ?? []), number]);
  return { type: 'Set', key, value, flags: 1, compareValue: null, compareRevision: revision(0) };
}

function note({ asked, seen, wrote }: Running, outcome: Outcome): void {
  if (asked?.type === 'Set') wrote.add(asked.key);
  if (asked?.type === 'Get' && outcome.family === undefined) seen.set(asked.key, listOf(outcome.value));
  if (asked?.type === 'Scan' && outcome.family === 'page') {
    for (const key of KEYS.filter((each) => each.startsWith(asked.prefix))) {
      const item = outcome.items.find((each) => each.key === key);
      const list = listOf(item?.value);
      const before = seen.get(key);
      // Read twice by one transaction that commits, it must be the same.
      seen.set(key, before === undefined || before.length === list.length ? list : [-1]);
    }
  }
}

function finalLists(world: World): Map<string, readonly number[]> {
  const lists = new Map<string, readonly number[]>();
  for (const key of KEYS) {
    const outcome = execute(world, { type: 'Get', key }, 'final' as never);
    if (outcome === undefined || outcome.family !== undefined) throw new Error(`${key} is not settled`);
    expect([KeyValueCode.got, KeyValueCode.doesNotExist]).toContain(outcome.code);
    lists.set(key, listOf(outcome.value));
  }
  return lists;
}

/** Whether all that was committed fits into one order. */
function checkSerializable(all: readonly Running[], lists: ReadonlyMap<string, readonly number[]>): void {
  const appeared = new Set([...lists.values()].flat());
  const counted = all.filter(({ number, verdict }) => verdict === 'committed' || appeared.has(number));
  for (const { number, verdict, appends } of all) {
    const inAll = appends.every((key) => lists.get(key)?.filter((each) => each === number).length === 1);
    const inNone = appends.every((key) => lists.get(key)?.includes(number) !== true);
    if (appends.length === 0) continue;
    if (verdict === 'committed') expect(inAll, `transaction ${number} is committed, and there`).toBe(true);
    else if (verdict === 'aborted')
      expect(inNone, `transaction ${number} is aborted, and not there`).toBe(true);
    else expect(inAll || inNone, `transaction ${number} is there as a whole or not at all`).toBe(true);
  }
  const after = new Map<number, Set<number>>();
  const edge = (from: number | undefined, to: number | undefined): void => {
    if (from === undefined || to === undefined || from === to) return;
    after.set(from, (after.get(from) ?? new Set()).add(to));
  };
  for (const list of lists.values()) list.forEach((each, i) => edge(each, list[i + 1]));
  for (const { number, seen } of counted) {
    for (const [key, list] of seen) {
      const whole = lists.get(key) ?? [];
      expect(whole.slice(0, list.length), `what transaction ${number} read of ${key}`).toEqual(list);
      edge(list.at(-1), number);
      edge(number, whole[list.length] === number ? whole[list.length + 1] : whole[list.length]);
    }
  }
  const done = new Set<number>();
  const visit = (number: number, path: readonly number[]): void => {
    expect(path, 'transactions in a circle').not.toContain(number);
    if (done.has(number)) return;
    for (const next of after.get(number) ?? []) visit(next, [...path, number]);
    done.add(number);
  };
  for (const { number } of counted) visit(number, []);
}

describe('transactions over several partitions', () => {
  it('are serializable and atomic, whatever is lost, repeated or delayed, and whenever their node stops', () => {
    let committed = 0;
    fc.assert(
      fc.property(
        fc.array(plan, { minLength: 2, maxLength: 5 }),
        fc.array(move, { maxLength: 250 }),
        fc.boolean(),
        (plans, moves, stops) => {
          const world = emptyWorld(PARTITIONS);
          const all = plans.map((each, i) => begin(world, i + 1, each));
          for (const { who, fate, what } of moves) {
            if (what === 0 && stops) crash(world);
            const running = all[who % all.length];
            if (what % 3 === 1 && running !== undefined) drive(world, running);
            else goOn(world, who, fate);
          }
          if (stops) crash(world);
          else {
            for (let i = 0; i < 3_000 && all.some(({ ended }) => !ended); i += 1) {
              for (const each of all) drive(world, each);
              goOn(world, i * 7, 'well');
            }
            for (let i = 0; i < 500 && world.sessions.size > 0; i += 1) goOn(world, i, 'well');
          }
          recover(world);
          checkSerializable(all, finalLists(world));
          committed += all.filter(({ verdict }) => verdict === 'committed').length;
        },
      ),
      { numRuns: 200 },
    );
    expect(committed).toBeGreaterThan(100);
  });
});
