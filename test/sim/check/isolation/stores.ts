/** Stores that run transactions of several clients at once and record what they did, for histories of known isolation. */
import { drawBelow, streamOf } from '../../../../sim/world/chance.js';
import type {
  Element,
  HistoryModel,
  MicroOperation,
  Transaction,
} from '../../../../sim/check/isolation/index.js';

export interface Plan {
  readonly model: HistoryModel;
  readonly seed: number;
  readonly transactions: number;
  readonly clients: number;
  readonly keys: number;
  /** Of a hundred transactions. */
  readonly abortedPercent: number;
  readonly unknownPercent: number;
  readonly scans: boolean;
}

/** The last value of a register, or the elements of a list. */
type Value = readonly Element[];
type Contents = ReadonlyMap<string, Value>;

/**
 * `serial`: one transaction after another, at some moment between its invocation and its answer. `snapshot`: reads from the
 * state at the beginning; of two that overlap and wrote one key, the first to commit wins. `committed`: each operation reads the
 * newest committed state, writes are kept back and applied together.
 */
export type Discipline = 'serial' | 'snapshot' | 'committed';

interface Running {
  readonly id: number;
  readonly client: number;
  readonly invokedAt: number;
  readonly snapshot: Contents;
  readonly begunAt: number;
  readonly wanted: number;
  readonly operations: MicroOperation[];
  readonly writes: Map<string, Element[]>;
}

export function runStore(discipline: Discipline, plan: Plan): readonly Transaction[] {
  const chance = streamOf(plan.seed, `test/isolation/${discipline}`);
  let counter = 0;
  const below = (limit: number): number => drawBelow(chance, limit, counter++);
  let contents: Contents = new Map();
  const changedAt = new Map<string, number>();
  const history: Transaction[] = [];
  const running: (Running | undefined)[] = Array.from({ length: plan.clients }, () => undefined);
  let [now, begun, value] = [0, 0, 0];
  const isBusy = (): boolean => running.some((each) => each !== undefined);
  while (begun < plan.transactions || isBusy()) {
    now += 1 + below(3);
    const client = below(plan.clients);
    const current = running[client];
    if (current === undefined) {
      if (begun === plan.transactions) continue;
      running[client] = {
        id: begun++,
        client,
        invokedAt: now,
        snapshot: contents,
        begunAt: now,
        wanted: 1 + below(4),
        operations: [],
        writes: new Map(),
      };
      continue;
    }
    const step = (): void => {
      const snapshot = discipline === 'snapshot' ? current.snapshot : contents;
      current.operations.push(operate(plan, { snapshot, writes: current.writes }, below, () => ++value));
    };
    if (discipline === 'serial') while (current.operations.length < current.wanted) step();
    else if (current.operations.length < current.wanted) {
      step();
      continue;
    }
    running[client] = undefined;
    const isBeaten =
      discipline === 'snapshot' &&
      [...current.writes.keys()].some((key) => (changedAt.get(key) ?? -1) > current.begunAt);
    const isAborted = isBeaten || below(100) < plan.abortedPercent;
    if (!isAborted) {
      const next = new Map(contents);
      for (const [key, written] of current.writes) {
        changedAt.set(key, now);
        next.set(
          key,
          plan.model === 'list-append' ? [...(next.get(key) ?? []), ...written] : written.slice(-1),
        );
      }
      contents = next;
    }
    const isLost = below(100) < plan.unknownPercent;
    now += 1;
    history.push({
      id: current.id,
      client: `c${client}`,
      outcome: isLost ? 'unknown' : isAborted ? 'aborted' : 'committed',
      invokedAt: current.invokedAt,
      answeredAt: isLost ? undefined : now,
      operations: isLost && below(2) === 0 ? current.operations.map(forget) : current.operations,
    });
  }
  return history;
}

function operate(
  { model, keys, scans }: Plan,
  { snapshot, writes }: Pick<Running, 'snapshot' | 'writes'>,
  below: (limit: number) => number,
  nextValue: () => number,
): MicroOperation {
  const key = `${'ab'[below(2)] as string}${below(keys)}`;
  const view = (name: string): Value => {
    const own = writes.get(name) ?? [];
    const shared = snapshot.get(name) ?? [];
    return model === 'list-append' || own.length === 0 ? [...shared, ...own] : own;
  };
  const kind = below(scans ? 5 : 4);
  if (kind === 4) {
    const prefix = key.slice(0, 1);
    const names = [...new Set([...snapshot.keys(), ...writes.keys()])].filter((name) =>
      name.startsWith(prefix),
    );
    return {
      type: 'scan',
      prefix,
      found: names.map((name) => [name, view(name).at(-1) as Element] as const),
    };
  }
  if (kind < 2) {
    return model === 'list-append'
      ? { type: 'list', key, values: view(key) }
      : { type: 'read', key, value: view(key).at(-1) ?? null };
  }
  const value = nextValue();
  writes.set(key, [...(writes.get(key) ?? []), value]);
  return { type: model === 'list-append' ? 'append' : 'write', key, value };
}

/** What the client of a transaction without an answer may not have been told. */
function forget(operation: MicroOperation): MicroOperation {
  switch (operation.type) {
    case 'list':
      return { ...operation, values: undefined };
    case 'read':
      return { ...operation, value: undefined };
    case 'scan':
      return { ...operation, found: undefined };
    case 'append':
    case 'write':
      return operation;
  }
}
