/**
 * When an owner certainly held a lock. Everything that the rules conclude rests on these spans, so each is the shortest that the
 * answers leave room for:
 *
 * - It begins with an answer that grants or extends.
 * - It ends with the earliest moment at which the lease can have run out: a lease given by an operation begins with its
 *   invocation at the earliest, and the clocks that measure it may be fast by the drift.
 * - It ends before with the invocation of a release by the owner that was not refused, or with the earliest end of
 *   another extension that may have taken effect since, for an extension may shorten a lease.
 * - A grant may be older than its answer: an acquire of the same owner that got no answer may have been granted, and
 *   the later one only told so.
 */
import { endOf, leaseOf, type LockOperation, type Sighting } from './history.js';
import { firstEndingFrom, firstIndex, spansOf, type Spans } from './spans.js';

export interface Hold {
  readonly owner: string;
  readonly token: number;
  /** The operation whose answer begins it. */
  readonly since: LockOperation;
  readonly from: number;
  /** Not part of it. */
  readonly to: number;
}

/** What one owner did with one lock, as far as it can have had an effect. */
export interface OwnerActs {
  /** Granted, or without an answer. */
  readonly acquires: Spans;
  readonly unansweredAcquires: readonly LockOperation[];
  /** By index in `unansweredAcquires`: the shortest lease up to there. */
  readonly shortestLeases: readonly number[];
  readonly unansweredExtends: readonly LockOperation[];
  /** Done, or without an answer. */
  readonly releases: Spans;
  /** The answered ones among them. */
  readonly doneReleases: Spans;
}

/** `operations` are of one lock and one owner, sorted by invocation. */
export function ownerActs(operations: readonly LockOperation[]): OwnerActs {
  const of = (type: LockOperation['request']['type']): readonly LockOperation[] =>
    operations.filter(({ request, answer }) => request.type === type && answer?.type !== 'refused');
  const isUnanswered = ({ answer }: LockOperation): boolean => answer === undefined;
  const unansweredAcquires = of('acquire').filter(isUnanswered);
  return {
    acquires: spansOf(of('acquire')),
    unansweredAcquires,
    shortestLeases: shortestUpTo(unansweredAcquires),
    unansweredExtends: of('extend').filter(isUnanswered),
    releases: spansOf(of('release')),
    doneReleases: spansOf(of('release').filter((operation) => !isUnanswered(operation))),
  };
}

/**
 * The certain holds of one grant. `sightings` are all of its token, sorted by invocation; `notBefore` is a time before which it
 * cannot have been granted, because an older token was seen then.
 */
export function holdsOfGrant(
  sightings: readonly Sighting[],
  acts: OwnerActs,
  notBefore: number,
  driftMs: number,
): readonly Hold[] {
  const acquires = sightings.filter(({ operation }) => operation.request.type === 'acquire');
  const extended = sightings.filter(({ operation }) => operation.request.type === 'extend');
  const leases = [...grantLease(acquires, acts, notBefore), ...extended.map(extensionLease)];
  const replacedBy = replacements(
    extended.map(({ operation }) => operation),
    acts.unansweredExtends,
  );
  // It was held when first seen, so what ended before that did not end it.
  const release = firstEndingFrom(acts.releases, sightings[0]?.operation.invokedAt ?? -Infinity);
  return leases.flatMap(({ sighting, notBefore: start, runsOutAt }): readonly Hold[] => {
    const to = Math.min(
      runsOutAt - driftMs,
      replacedBy(start, sighting.operation) - driftMs,
      release?.invokedAt ?? Infinity,
    );
    const { owner, token, answeredAt: from, operation: since } = sighting;
    return from < to ? [{ owner, token, since, from, to }] : [];
  });
}

interface Lease {
  readonly sighting: Sighting;
  /** It was not given before. */
  readonly notBefore: number;
  /** At the earliest, by an exact clock. */
  readonly runsOutAt: number;
}

/** The lease that came with the grant, from the first answer that told of it. */
function grantLease(acquires: readonly Sighting[], acts: OwnerActs, notBefore: number): readonly Lease[] {
  const [first] = acquires.toSorted((a, b) => a.answeredAt - b.answeredAt);
  if (first === undefined) return [];
  let start = Infinity;
  let runsOutAt = Infinity;
  const consider = (given: number, leaseMs: number): void => {
    start = Math.min(start, given);
    runsOutAt = Math.min(runsOutAt, given + leaseMs);
  };
  for (const { operation } of acquires) {
    if (operation.invokedAt > first.answeredAt) continue;
    consider(Math.max(operation.invokedAt, notBefore), leaseOf(operation));
  }
  const { unansweredAcquires: unanswered, shortestLeases } = acts;
  let index = firstIndex(
    unanswered.length,
    (place) => (unanswered[place] as LockOperation).invokedAt >= notBefore,
  );
  if (index > 0) consider(notBefore, shortestLeases[index - 1] as number);
  for (; index < unanswered.length; index++) {
    const operation = unanswered[index] as LockOperation;
    if (operation.invokedAt > first.answeredAt) break;
    consider(operation.invokedAt, leaseOf(operation));
  }
  return [{ sighting: first, notBefore: start, runsOutAt }];
}

function extensionLease(sighting: Sighting): Lease {
  const { invokedAt } = sighting.operation;
  return { sighting, notBefore: invokedAt, runsOutAt: invokedAt + leaseOf(sighting.operation) };
}

/** When, at the earliest, a lease ends that took the place of one given at `start` or later by `self`. */
function replacements(
  answered: readonly LockOperation[],
  unanswered: readonly LockOperation[],
): (start: number, self: LockOperation) => number {
  const spans = spansOf(answered);
  const laterAnswered = leastFrom(answered);
  const laterUnanswered = leastFrom(unanswered);
  const shortest = shortestUpTo(unanswered);
  return (start, self) => {
    let end = Math.min(laterAnswered(start, self), laterUnanswered(start, self));
    const before = firstIndex(
      unanswered.length,
      (index) => (unanswered[index] as LockOperation).invokedAt >= start,
    );
    if (before > 0) end = Math.min(end, start + (shortest[before - 1] as number));
    let index = firstIndex(answered.length, (place) => (spans.latestEnd[place] as number) >= start);
    for (; index < answered.length; index++) {
      const other = answered[index] as LockOperation;
      if (other.invokedAt >= start) break;
      if (other !== self && endOf(other) >= start) end = Math.min(end, start + leaseOf(other));
    }
    return end;
  };
}

/** The earliest end of the leases of all operations but `self` that are invoked at `start` or later. */
function leastFrom(operations: readonly LockOperation[]): (start: number, self: LockOperation) => number {
  const leastEnd: number[] = Array.from({ length: operations.length + 1 }, () => Infinity);
  const endAt = (index: number): number => {
    const operation = operations[index] as LockOperation;
    return operation.invokedAt + leaseOf(operation);
  };
  for (let index = operations.length - 1; index >= 0; index--) {
    leastEnd[index] = Math.min(leastEnd[index + 1] as number, endAt(index));
  }
  return (start, self) => {
    let index = firstIndex(
      operations.length,
      (place) => (operations[place] as LockOperation).invokedAt >= start,
    );
    let end = Infinity;
    for (; index < operations.length; index++) {
      const operation = operations[index] as LockOperation;
      if (operation === self) return Math.min(end, leastEnd[index + 1] as number);
      if (operation.invokedAt > start) return Math.min(end, leastEnd[index] as number);
      end = Math.min(end, endAt(index));
    }
    return end;
  };
}

function shortestUpTo(operations: readonly LockOperation[]): readonly number[] {
  const shortest = operations.map(leaseOf);
  for (let index = 1; index < shortest.length; index++) {
    shortest[index] = Math.min(shortest[index] as number, shortest[index - 1] as number);
  }
  return shortest;
}
