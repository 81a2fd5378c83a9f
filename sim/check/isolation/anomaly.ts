/**
 * The names of what can go wrong, and which isolation level forbids which of them.
 *
 * The short names are those of Adya ("Weak consistency: a generalized theory and optimistic implementations for distributed
 * transactions", 1999) as Elle uses them (Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental
 * observations", 2020); the titles say the same in plain words. A cycle's class is what its edges are: only writes over
 * writes (G0), also reads of writes (G1c), one anti-dependency (G-single), several of which no two follow each other
 * (G-nonadjacent), or any (G2-item; G2 when one of them comes from a predicate). `-process` and `-realtime` say that the cycle
 * needs the order of a session, or of time.
 */

export type IsolationLevel =
  | 'read-uncommitted'
  | 'read-committed'
  | 'snapshot-isolation'
  | 'repeatable-read'
  | 'serializable'
  | 'strong-session-serializable'
  | 'strict-serializable';

export type CycleClass =
  | 'G0'
  | 'G1c'
  | 'G-single'
  | 'G-single-predicate'
  | 'G-nonadjacent'
  | 'G-nonadjacent-predicate'
  | 'G2-item'
  | 'G2';

export type CycleName = CycleClass | `${CycleClass}-process` | `${CycleClass}-realtime`;

export type SingleName =
  | 'garbage-read'
  | 'duplicate-elements'
  | 'cyclic-versions'
  | 'G1a'
  | 'dirty-update'
  | 'G1b'
  | 'incompatible-order'
  | 'future-read'
  | 'internal'
  | 'lost-update';

export type AnomalyName = SingleName | CycleName;

/** Why one transaction of a cycle comes before the next. */
export type DependencyKind = 'ww' | 'wr' | 'rw' | 'predicate-rw' | 'session' | 'realtime';

export interface CycleStep {
  /** Ids of transactions. */
  readonly from: number;
  readonly to: number;
  readonly kind: DependencyKind;
  /** The key that both touched; `undefined` for an order of time. */
  readonly key: string | undefined;
  /** Why `from` comes before `to`, as a clause. */
  readonly reason: string;
}

export interface Anomaly {
  readonly name: AnomalyName;
  /** The name in plain words. */
  readonly title: string;
  /** True when the level that was asked for permits it, so that it does not make the history invalid. */
  readonly allowed: boolean;
  /** Sentences for a reader, in order. */
  readonly explanation: readonly string[];
  /** Ids of the transactions that take part. */
  readonly transactions: readonly number[];
  /** For a cycle: its steps; the last leads back to the first. */
  readonly cycle?: readonly CycleStep[];
}

const strengths: Readonly<Record<IsolationLevel, number>> = {
  'read-uncommitted': 0,
  'read-committed': 1,
  'snapshot-isolation': 2,
  'repeatable-read': 2,
  serializable: 3,
  'strong-session-serializable': 4,
  'strict-serializable': 5,
};

/** True when `level` promises all that `other` does; snapshot isolation and repeatable read promise different things. */
export function isAtLeast(level: IsolationLevel, other: IsolationLevel): boolean {
  return level === other || strengths[level] > strengths[other];
}

export const isLevel = (level: string): level is IsolationLevel => Object.hasOwn(strengths, level);

const singles: Readonly<Record<SingleName, { readonly title: string; readonly from: number }>> = {
  'garbage-read': { title: 'garbage read: a value that nobody wrote', from: 0 },
  'duplicate-elements': { title: 'duplicate elements: one append took effect twice', from: 0 },
  'cyclic-versions': { title: 'cyclic versions: values that each came before the other', from: 0 },
  G1a: { title: 'aborted read', from: 1 },
  'dirty-update': { title: 'dirty update: an aborted write was built upon', from: 1 },
  G1b: { title: 'intermediate read', from: 1 },
  'incompatible-order': { title: 'incompatible order: reads that no order of the appends explains', from: 1 },
  'future-read': { title: 'future read: a transaction read what it wrote only later', from: 1 },
  internal: { title: 'internal inconsistency: a transaction contradicts itself', from: 2 },
  'lost-update': { title: 'lost update', from: 2 },
};

/** Which anomalies come first in a report: the worse before the subtler. */
export const severity: readonly AnomalyName[] = [
  'garbage-read',
  'duplicate-elements',
  'cyclic-versions',
  'G0',
  'G1a',
  'dirty-update',
  'G1b',
  'incompatible-order',
  'future-read',
  'G1c',
  'internal',
  'lost-update',
  'G-single',
  'G-single-predicate',
  'G-nonadjacent',
  'G-nonadjacent-predicate',
  'G2-item',
  'G2',
  ...variants('process'),
  ...variants('realtime'),
];

function variants<Suffix extends 'process' | 'realtime'>(
  suffix: Suffix,
): readonly `${CycleClass}-${Suffix}`[] {
  const classes: readonly CycleClass[] = [
    'G0',
    'G1c',
    'G-single',
    'G-single-predicate',
    'G-nonadjacent',
    'G-nonadjacent-predicate',
    'G2-item',
    'G2',
  ];
  return classes.map((name) => `${name}-${suffix}` as const);
}

export const singleTitle = (name: SingleName): string => singles[name].title;

export const allowsSingle = (level: IsolationLevel, name: SingleName): boolean =>
  strengths[level] < singles[name].from;

/** What a cycle is made of. */
export interface CycleShape {
  readonly readsWrites: boolean;
  /** Anti-dependencies on items and on predicates. */
  readonly itemAnti: number;
  readonly predicateAnti: number;
  /** Two anti-dependencies follow each other, also around the end. */
  readonly adjacent: boolean;
  readonly usesSession: boolean;
  readonly usesTime: boolean;
}

export function cycleName(shape: CycleShape): CycleName {
  const name = cycleClass(shape);
  return shape.usesTime ? `${name}-realtime` : shape.usesSession ? `${name}-process` : name;
}

function cycleClass({ readsWrites, itemAnti, predicateAnti, adjacent }: CycleShape): CycleClass {
  if (itemAnti + predicateAnti === 0) return readsWrites ? 'G1c' : 'G0';
  if (itemAnti + predicateAnti === 1) return itemAnti === 1 ? 'G-single' : 'G-single-predicate';
  if (!adjacent) return predicateAnti === 0 ? 'G-nonadjacent' : 'G-nonadjacent-predicate';
  return predicateAnti === 0 ? 'G2-item' : 'G2';
}

const classTitles: Readonly<Record<CycleClass, string>> = {
  G0: 'dirty write',
  G1c: 'circular information flow',
  'G-single': 'read skew',
  'G-single-predicate': 'phantom: read skew of a predicate',
  'G-nonadjacent': 'read skew over several transactions',
  'G-nonadjacent-predicate': 'phantom: read skew of predicates over several transactions',
  'G2-item': 'cycle of anti-dependencies',
  G2: 'phantom: cycle of anti-dependencies with a predicate',
};

/** Two anti-dependencies side by side, as when each of two doctors goes off duty because the other is on. */
export function cycleTitle(shape: CycleShape): string {
  const { itemAnti, predicateAnti, adjacent } = shape;
  const isWriteSkew = adjacent && itemAnti + predicateAnti === 2;
  const title =
    isWriteSkew && predicateAnti === 0
      ? 'write skew'
      : isWriteSkew
        ? 'phantom: write skew with a predicate'
        : classTitles[cycleClass(shape)];
  if (shape.usesTime) return `real-time violation (${title}, against the order of time)`;
  return shape.usesSession ? `non-monotonic session (${title}, against the order of a session)` : title;
}

/**
 * Whether a level permits a cycle. Snapshot isolation forbids those in which no two anti-dependencies follow each other
 * (Cerone and Gotsman, "Analysing snapshot isolation", 2016); repeatable read is Adya's PL-2.99, without predicates.
 */
export function allowsCycle(level: IsolationLevel, shape: CycleShape): boolean {
  const { readsWrites, itemAnti, predicateAnti, adjacent, usesSession, usesTime } = shape;
  if (level === 'strict-serializable') return false;
  if (usesTime) return true;
  if (level === 'strong-session-serializable') return false;
  if (usesSession) return true;
  switch (level) {
    case 'serializable':
      return false;
    case 'repeatable-read':
      return predicateAnti > 0;
    case 'snapshot-isolation':
      return adjacent;
    case 'read-committed':
      return itemAnti + predicateAnti > 0;
    case 'read-uncommitted':
      return readsWrites || itemAnti + predicateAnti > 0;
  }
}
