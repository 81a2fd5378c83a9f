/**
 * Coordinators that commit over two partitions, their steps interleaved at random, lost and repeated: whatever commits is
 * serializable, and a read at a time shows what the order of the commits says.
 */

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import type { GroupId } from '../../../core/machine/units.js';
import type { ScanOperation } from '../../../core/partition/command.js';
import { intentsIn, isAhead } from '../../../core/partition/blocking.js';
import {
  TransactionCode,
  type Decision,
  type Observation,
  type StagedWrite,
  type TransactionOperation,
  type TransactionOutcome,
} from '../../../core/partition/transaction-command.js';
import { bytes, emptyPartition, get, stamp, type PartitionUnderTest } from './support.js';
import { abort, put, saw, txn } from './transaction-support.js';

vi.setConfig({ testTimeout: 60_000 });

const PLACES = [0, 1] as const;
type Place = (typeof PLACES)[number];
const KEYS = ['k0', 'k1'] as const;

/** What a transaction does: reads first, then writes a value of its own. */
interface Plan {
  readonly reads: readonly (
    | { readonly type: 'Key'; readonly place: Place; readonly key: string }
    | { readonly type: 'All'; readonly place: Place }
  )[];
  readonly writes: readonly { readonly place: Place; readonly key: string }[];
}

const place = fc.constantFrom(...PLACES);
const key = fc.constantFrom(...KEYS);
const plan: fc.Arbitrary<Plan> = fc.record({
  reads: fc.array(
    fc.oneof(
      fc.record({ type: fc.constant('Key' as const), place, key }),
      fc.record({ type: fc.constant('All' as const), place }),
    ),
    { maxLength: 3 },
  ),
  writes: fc.uniqueArray(fc.record({ place, key }), {
    minLength: 1,
    maxLength: 3,
    selector: (each) => `${each.place}${each.key}`,
  }),
});

type Seen = readonly string[];

/** A committed transaction, as the search for a serial order sees it. */
interface Committed {
  readonly number: number;
  readonly seen: Seen;
  readonly at: Timestamp;
}

const group = (where: Place): GroupId => (where + 1) as GroupId;

const ALL: ScanOperation = { type: 'Scan', prefix: 'k', limit: 10 };

interface World {
  readonly partitions: readonly [PartitionUnderTest, PartitionUnderTest];
  /** Whether what is asked is asked twice. */
  readonly repeats: boolean;
  /** How far ahead the clock of each partition is. */
  readonly ahead: readonly [number, number];
  turn: number;
}

function ask(world: World, where: Place, operation: TransactionOperation): TransactionOutcome {
  const partition = world.partitions[where];
  const stampedAt = stamp(1_000 + world.turn + world.ahead[where]);
  world.turn += 1;
  const { outcome } = partition.apply(operation, { stampedAt });
  return world.repeats ? partition.apply(operation, { stampedAt }).outcome : outcome;
}

/** A coordinator in steps; each `yield` lets others go on. Ends with what it committed, or nothing. */
function* coordinate(
  world: World,
  number: number,
  { reads, writes }: Plan,
): Generator<void, Committed | undefined> {
  const seen: string[] = [];
  const observed: [Observation[], Observation[]] = [[], []];
  let latest = ZERO_TIMESTAMP;
  for (const read of reads) {
    const partition = world.partitions[read.place];
    const operation = read.type === 'Key' ? get(read.key) : ALL;
    for (let patience = 0; intentsIn(partition.state, operation).length > 0; patience += 1) {
      if (patience === 30) return undefined;
      yield;
    }
    if (read.type === 'Key') {
      const { revision, value, lastModified } = partition.read(get(read.key));
      const live = value !== null;
      observed[read.place].push(saw(read.key, live ? revision : -1));
      if (compareTimestamps(lastModified, latest) > 0) latest = lastModified;
      seen.push(`${read.place}${read.key}=${value?.[0] ?? '-'}`);
    } else {
      const { items, at } = partition.read(ALL);
      observed[read.place].push({ type: 'Range', prefix: 'k', at });
      if (compareTimestamps(at, latest) > 0) latest = at;
      seen.push(`${read.place}*=${items.map((item) => `${item.key}${item.value?.[0]}`).join()}`);
    }
    yield;
  }
  const transaction = txn(`t${number}`);
  const parts = PLACES.map((where) => ({ where, own: staged(number, writes, where) })).filter(
    ({ own }) => own.length > 0,
  );
  const [first] = parts;
  if (first === undefined) return undefined;
  const others = PLACES.filter((where) => where !== first.where);
  if (parts.length === 1 && others.every((where) => observed[where].length === 0)) {
    const outcome = ask(world, first.where, {
      type: 'CommitAtOnce',
      group: group(first.where),
      transaction,
      writes: first.own,
      reads: observed[first.where],
    });
    if (outcome.code !== TransactionCode.committed) return undefined;
    return { number, seen, at: outcome.at ?? ZERO_TIMESTAMP };
  }

  const anchor = group(first.where);
  let at = latest;
  let holds = true;
  for (const { where, own } of parts) {
    const outcome = ask(world, where, {
      type: 'Prepare',
      group: group(where),
      transaction,
      anchor,
      ...(where === first.where ? { participants: parts.map((each) => ({ group: group(each.where) })) } : {}),
      writes: own,
      reads: observed[where].filter(({ type, ...rest }) => {
        return type === 'Key' && own.some((write) => 'key' in rest && write.key === rest.key);
      }),
    });
    holds &&= outcome.code === TransactionCode.prepared;
    if (outcome.at !== undefined && compareTimestamps(outcome.at, at) > 0) at = outcome.at;
    yield;
  }
  for (const where of PLACES) {
    if (!holds || observed[where].length === 0) continue;
    const outcome = ask(world, where, {
      type: 'Validate',
      group: group(where),
      transaction,
      reads: observed[where],
      at,
    });
    holds = outcome.code === TransactionCode.done;
    yield;
  }
  const decided = ask(world, first.where, {
    type: 'Decide',
    group: anchor,
    transaction,
    decision: holds ? { type: 'Commit', at } : abort,
  });
  yield;
  const isCommitted = decided.code === TransactionCode.committed;
  const decision: Decision = isCommitted ? { type: 'Commit', at: decided.at ?? at } : abort;
  for (const { where } of parts.toReversed()) {
    ask(world, where, { type: 'Settle', group: group(where), transaction, decision });
    yield;
  }
  ask(world, first.where, { type: 'Finish', group: anchor, transaction });
  return isCommitted ? { number, seen, at: decided.at ?? at } : undefined;
}

function staged(number: number, writes: Plan['writes'], where: Place): readonly StagedWrite[] {
  return writes.filter((write) => write.place === where).map((write) => put(write.key, bytes(number)));
}

/** The database of a serial execution: who wrote what. */
type Database = ReadonlyMap<string, number>;

function seenBy({ reads }: Plan, database: Database): Seen {
  return reads.map((read) => {
    if (read.type === 'Key') {
      return `${read.place}${read.key}=${database.get(`${read.place}${read.key}`) ?? '-'}`;
    }
    const there = KEYS.filter((each) => database.has(`${read.place}${each}`));
    return `${read.place}*=${there.map((each) => `${each}${database.get(`${read.place}${each}`)}`).join()}`;
  });
}

function after({ writes }: Plan, number: number, database: Database): Database {
  const next = new Map(database);
  for (const write of writes) next.set(`${write.place}${write.key}`, number);
  return next;
}

/** Whether some order of them, one after the other, shows all what they saw and ends in this. */
function isSerializable(
  plans: readonly Plan[],
  rest: readonly Committed[],
  database: Database,
  end: string,
): boolean {
  if (rest.length === 0) return shown(database) === end;
  return rest.some((next) => {
    const its = plans[next.number - 1] as Plan;
    if (seenBy(its, database).join() !== next.seen.join()) return false;
    const others = rest.filter((each) => each !== next);
    return isSerializable(plans, others, after(its, next.number, database), end);
  });
}

function shown(database: Database): string {
  return PLACES.flatMap((where) => KEYS.map((each) => database.get(`${where}${each}`) ?? '-')).join();
}

function found(world: World, at?: Timestamp): string {
  return PLACES.flatMap((where) =>
    KEYS.map((each) => {
      const partition = world.partitions[where];
      const operation = at === undefined ? get(each) : get(each, { at });
      expect(intentsIn(partition.state, operation)).toEqual([]);
      return partition.read(operation).value?.[0] ?? '-';
    }),
  ).join();
}

interface Ran {
  readonly world: World;
  readonly committed: readonly Committed[];
}

function run(plans: readonly Plan[], order: readonly number[], repeats: boolean, ahead: number): Ran {
  const world: World = {
    partitions: [emptyPartition(), emptyPartition()],
    repeats,
    ahead: [0, ahead],
    turn: 0,
  };
  const committed: Committed[] = [];
  const going = plans.map((each, i) => coordinate(world, i + 1, each));
  const pending = order.slice();
  while (going.length > 0) {
    const which = (pending.shift() ?? 0) % going.length;
    const step = (going[which] as ReturnType<typeof coordinate>).next();
    if (step.done !== true) {
      // When the given order is used up, everybody gets a turn.
      if (pending.length === 0) going.push(...going.splice(which, 1));
      continue;
    }
    if (step.value !== undefined) committed.push(step.value);
    going.splice(which, 1);
  }
  return { world, committed };
}

const runs = [
  fc.array(plan, { minLength: 2, maxLength: 5 }),
  fc.array(fc.nat(10), { maxLength: 60 }),
  fc.boolean(),
  fc.constantFrom(0, 50, -50),
] as const;

describe('transactions over two partitions', () => {
  it('that commit are serializable', () => {
    let several = 0;
    fc.assert(
      fc.property(...runs, (plans, order, repeats, ahead) => {
        const { world, committed } = run(plans, order, repeats, ahead);
        if (committed.length > 1) several += 1;

        expect(isSerializable(plans, committed, new Map(), found(world))).toBe(true);
        for (const { state } of world.partitions) {
          expect(state.transactions.intents.size).toBe(0);
          expect(state.transactions.open.size).toBe(0);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(several).toBeGreaterThan(200);
  });

  it('are in the order of the times of their commits, as reads at a time show', () => {
    fc.assert(
      fc.property(...runs, (plans, order, repeats, ahead) => {
        const { world, committed } = run(plans, order, repeats, ahead);
        const inTime = committed.toSorted((a, b) => compareTimestamps(a.at, b.at));
        let database: Database = new Map();
        inTime.forEach(({ number, at, seen }, i) => {
          const its = plans[number - 1] as Plan;
          const next = inTime[i + 1];
          expect(seenBy(its, database)).toEqual(seen);
          database = after(its, number, database);
          if (next !== undefined && compareTimestamps(next.at, at) === 0) return;
          if (world.partitions.some(({ state }) => isAhead(state, get('k0', { at })))) return;
          expect(found(world, at)).toBe(shown(database));
        });
      }),
      { numRuns: 1_000 },
    );
  });
});
