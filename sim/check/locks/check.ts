/**
 * Did the locks of a history do what locks promise? Each rule looks at certain holds (holds.ts) and at the tokens that answers
 * named; none searches, so the whole costs no more than sorting. What cannot be concluded for certain is not held
 * against the system: a violation is one whatever became of the unanswered operations.
 *
 * The rules are those of a lease with a fencing token (Gray and Cheriton, "Leases", 1989; Kleppmann, "How to do distributed
 * locking", 2016): one holder at a time, tokens that only grow, and nothing done to a lock but by its holder.
 */
import { describeLockOperation, sightingOf, type LockOperation, type Sighting } from './history.js';
import { holdsOfGrant, ownerActs, type Hold, type OwnerActs } from './holds.js';
import { earliestEndAfter, firstIndex, groupBy, mayFallBetween } from './spans.js';

export type LockRule =
  /** Two owners held the lock at the same time. */
  | 'mutual exclusion'
  /** A lock was granted, extended, released or seen as another's while its lease certainly ran. */
  | 'lease cut short'
  /** A token was seen after a greater one had been. */
  | 'token went back'
  /** One token named two grants. */
  | 'token names two grants'
  /** Extended, released or seen as held by an owner to whom it was not granted, or who had released it. */
  | 'not the holder'
  /** Extended after the lease had certainly run out. */
  | 'lease revived';

export interface LockViolation {
  readonly rule: LockRule;
  readonly lock: string;
  /** The operations whose answers exclude each other, the earlier first. */
  readonly operations: readonly LockOperation[];
  readonly explanation: string;
}

export interface LockOptions {
  /** By how much the clocks that measure a lease may be wrong over its length. Default 0. */
  readonly driftMs?: number;
  /** What is judged; the default is everything. Where leases may last longer than was asked, `lease revived` means nothing. */
  readonly rules?: readonly LockRule[];
}

export interface LockResult {
  /** `unknown` when no answer names a holder, so that nothing was tested. */
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  /** By lock in the order of first appearance; at most one for each rule and lock. */
  readonly violations: readonly LockViolation[];
  readonly locks: number;
  readonly grants: number;
  /** Spans in which an owner certainly held a lock; the more of them, the more was tested. */
  readonly certainHolds: number;
}

export function checkLocks(history: readonly LockOperation[], options: LockOptions = {}): LockResult {
  const byLock = groupBy(history, ({ lock }) => lock);
  const findings = [...byLock.values()].map((operations) => checkLock(operations, options));
  const violations = findings.flatMap((found) => found.violations);
  const grants = findings.reduce((sum, found) => sum + found.grants, 0);
  return {
    verdict: violations.length > 0 ? 'invalid' : grants === 0 ? 'unknown' : 'valid',
    violations,
    locks: byLock.size,
    grants,
    certainHolds: findings.reduce((sum, found) => sum + found.holds, 0),
  };
}

/** All violations in words, a line for each. */
export function explainLocks({ verdict, violations, grants, locks }: LockResult): string {
  if (verdict === 'valid') return `All ${grants} grants of ${locks} locks are in order.`;
  if (verdict === 'unknown') return 'Unknown: no answer names a holder, so nothing was tested.';
  return violations
    .map(({ rule, lock, explanation }) => `Lock "${lock}": ${rule}: ${explanation}.`)
    .join('\n');
}

interface Found {
  readonly violations: readonly LockViolation[];
  readonly grants: number;
  readonly holds: number;
}

/** One lock, ready for the rules. */
interface Lock {
  /** Sorted by invocation. */
  readonly operations: readonly LockOperation[];
  readonly sightings: readonly Sighting[];
  readonly acts: ReadonlyMap<string, OwnerActs>;
  /** Sorted by `from`. */
  readonly holds: readonly Hold[];
  readonly byToken: ReadonlyMap<number, readonly Sighting[]>;
  readonly driftMs: number;
}

type Rule = (lock: Lock) => readonly LockOperation[] | undefined;

function checkLock(history: readonly LockOperation[], { driftMs = 0, rules: judged }: LockOptions): Found {
  const lock = prepare(history, driftMs);
  const violations = rules.flatMap(({ rule, find, why }): readonly LockViolation[] => {
    if (judged?.includes(rule) === false) return [];
    const operations = find(lock);
    if (operations === undefined) return [];
    const name = (history[0] as LockOperation).lock;
    return [{ rule, lock: name, operations, explanation: why(operations.map(describeLockOperation)) }];
  });
  return { violations, grants: lock.byToken.size, holds: lock.holds.length };
}

function prepare(history: readonly LockOperation[], driftMs: number): Lock {
  const operations = history.toSorted((a, b) => a.invokedAt - b.invokedAt);
  const sightings = operations.flatMap((operation) => sightingOf(operation) ?? []);
  const acts = new Map(
    [...groupBy(operations, ({ owner }) => owner)].map(([owner, own]) => [owner, ownerActs(own)]),
  );
  const byToken = groupBy(
    sightings.toSorted((a, b) => a.token - b.token),
    ({ token }) => token,
  );
  const holds: Hold[] = [];
  let notBefore = -Infinity;
  for (const seen of byToken.values()) {
    const [first] = seen;
    const own = first === undefined ? undefined : acts.get(first.owner);
    if (own !== undefined) holds.push(...holdsOfGrant(seen, own, notBefore, driftMs));
    notBefore = Math.max(notBefore, seen.at(-1)?.operation.invokedAt ?? notBefore);
  }
  holds.sort((a, b) => a.from - b.from || a.token - b.token);
  return { operations, sightings, acts, holds, byToken, driftMs };
}

const rules: readonly {
  readonly rule: LockRule;
  readonly find: Rule;
  readonly why: (operations: readonly string[]) => string;
}[] = [
  {
    rule: 'mutual exclusion',
    find: ({ holds }) => overlappingHolds(holds),
    why: ([a, b]) => `by the answers of ${a} and of ${b} both held it at once`,
  },
  {
    rule: 'lease cut short',
    find: cutShort,
    why: ([a, b]) => `${b} succeeded from beginning to end within the lease that was given by ${a}`,
  },
  {
    rule: 'token went back',
    find: wentBack,
    why: ([a, b]) => `${a} was answered with a greater token than ${b}, which began after it`,
  },
  {
    rule: 'token names two grants',
    find: namesTwoGrants,
    why: ([a, b]) => `${a} and ${b} have the same token, and cannot be about the same grant`,
  },
  {
    rule: 'not the holder',
    find: notTheHolder,
    why: ([a, b]) =>
      b === undefined
        ? `${a} succeeded, and no acquire of that owner can have been granted before`
        : `${b} succeeded after ${a}, and no acquire of that owner can have been granted between`,
  },
  {
    rule: 'lease revived',
    find: revived,
    why: ([a, b]) => `${b} succeeded after the lease given by ${a} had run out`,
  },
];

/** The holds with the latest ends, of two different owners: enough to find one of another owner than a given one. */
interface Latest {
  first: Hold | undefined;
  second: Hold | undefined;
}

function consider(latest: Latest, hold: Hold): void {
  if (latest.first === undefined || hold.to > latest.first.to) {
    if (latest.first !== undefined && latest.first.owner !== hold.owner) latest.second = latest.first;
    latest.first = hold;
  } else if (hold.owner !== latest.first.owner && hold.to > (latest.second?.to ?? -Infinity)) {
    latest.second = hold;
  }
}

function ofAnother({ first, second }: Latest, owner: string): Hold | undefined {
  return first?.owner === owner ? second : first;
}

function overlappingHolds(holds: readonly Hold[]): readonly LockOperation[] | undefined {
  const latest: Latest = { first: undefined, second: undefined };
  for (const hold of holds) {
    const other = ofAnother(latest, hold.owner);
    if (other !== undefined && hold.from < other.to) return [other.since, hold.since];
    consider(latest, hold);
  }
  return undefined;
}

/** An operation that succeeded for one owner, all of it within a certain hold of another. */
function cutShort({ operations, holds }: Lock): readonly LockOperation[] | undefined {
  const latest: Latest = { first: undefined, second: undefined };
  let begun = 0;
  for (const operation of operations) {
    for (; begun < holds.length && (holds[begun] as Hold).from < operation.invokedAt; begun++) {
      consider(latest, holds[begun] as Hold);
    }
    const owner = ownerThatSucceeded(operation);
    const other = owner === undefined ? undefined : ofAnother(latest, owner);
    if (other !== undefined && (operation.answeredAt ?? Infinity) < other.to) return [other.since, operation];
  }
  return undefined;
}

function ownerThatSucceeded({ owner, answer }: LockOperation): string | undefined {
  if (answer === undefined || answer.type === 'refused') return undefined;
  return answer.type === 'got' ? answer.owner : owner;
}

function wentBack({ sightings }: Lock): readonly LockOperation[] | undefined {
  const byAnswer = sightings.toSorted((a, b) => a.answeredAt - b.answeredAt);
  let greatest: Sighting | undefined;
  let answered = 0;
  for (const sighting of sightings) {
    for (; answered < byAnswer.length; answered++) {
      const earlier = byAnswer[answered] as Sighting;
      if (earlier.answeredAt >= sighting.operation.invokedAt) break;
      if (greatest === undefined || earlier.token > greatest.token) greatest = earlier;
    }
    if (greatest !== undefined && greatest.token > sighting.token) {
      return [greatest.operation, sighting.operation];
    }
  }
  return undefined;
}

/** Of two owners; or of one, with a release between that certainly ended the first. */
function namesTwoGrants({ byToken, acts }: Lock): readonly LockOperation[] | undefined {
  for (const sightings of byToken.values()) {
    const [first] = sightings;
    if (first === undefined) continue;
    const stranger = sightings.find(({ owner }) => owner !== first.owner);
    if (stranger !== undefined) return [first.operation, stranger.operation];
    const earliest = sightings.reduce((a, b) => (b.answeredAt < a.answeredAt ? b : a));
    const own = acts.get(first.owner);
    const done = own === undefined ? Infinity : earliestEndAfter(own.doneReleases, earliest.answeredAt);
    const again = sightings.find(({ operation }) => operation.invokedAt > done);
    if (again !== undefined) return [earliest.operation, again.operation];
  }
  return undefined;
}

/** An owner extends, releases or is seen as the holder, and cannot have been granted the lock since its last release. */
function notTheHolder({ operations, acts }: Lock): readonly LockOperation[] | undefined {
  for (const operation of operations) {
    const owner = ownerThatSucceeded(operation);
    if (owner === undefined || operation.request.type === 'acquire') continue;
    const own = acts.get(owner);
    const released = own === undefined ? undefined : lastDoneBefore(own, operation);
    const isGranted =
      own !== undefined &&
      mayFallBetween(own.acquires, released?.invokedAt ?? -Infinity, operation.answeredAt ?? Infinity);
    if (!isGranted) return released === undefined ? [operation] : [released, operation];
  }
  return undefined;
}

/** Of the owner's releases that were answered before the operation began, the one invoked last. */
function lastDoneBefore({ doneReleases }: OwnerActs, operation: LockOperation): LockOperation | undefined {
  const { operations } = doneReleases;
  let index = firstIndex(
    operations.length,
    (place) => (operations[place] as LockOperation).invokedAt >= operation.invokedAt,
  );
  for (index--; index >= 0; index--) {
    const release = operations[index] as LockOperation;
    if ((release.answeredAt ?? Infinity) < operation.invokedAt) return release;
  }
  return undefined;
}

/** An extension that begins after every lease that its grant can have had is over. */
function revived({ byToken, acts, driftMs }: Lock): readonly LockOperation[] | undefined {
  for (const sightings of byToken.values()) {
    const own = acts.get(sightings[0]?.owner ?? '');
    const mayRun = own === undefined || own.unansweredAcquires.length > 0 || own.unansweredExtends.length > 0;
    if (mayRun) continue;
    let last: LockOperation | undefined;
    let runsOutAt = -Infinity;
    for (const { operation, answeredAt } of sightings) {
      const { request, invokedAt } = operation;
      if (request.type === 'extend' && last !== undefined && invokedAt > runsOutAt) return [last, operation];
      const end =
        request.type === 'acquire' || request.type === 'extend'
          ? answeredAt + request.leaseMs + driftMs
          : -Infinity;
      if (end > runsOutAt) {
        runsOutAt = end;
        last = operation;
      }
    }
  }
  return undefined;
}
