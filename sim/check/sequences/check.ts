/**
 * Did the sequences of a history do what sequences promise? One pass over sorted allocations for each rule, so the whole costs no more
 * than sorting. What an unanswered operation may have done is never held against the system.
 *
 * An allocation with an idempotency key may be older than its answer: an earlier attempt with the same key may have made it. Replays
 * are therefore one allocation, made at the earliest when the first attempt was invoked.
 */
import { describeSequenceOperation, type Allocation, type SequenceOperation } from './history.js';
import { incarnationsOf, type Incarnation } from './incarnations.js';

export type SequenceRule =
  /** A value was given twice, or two runs overlap. */
  | 'unique'
  /** A run is not what was asked for: its length, its steps, or its place on the grid of the increment. */
  | 'run'
  /** A value beyond the maximum, or not beyond the initial value. */
  | 'limits'
  /** A run began below one that was answered before it was asked for. */
  | 'order'
  /** Values are missing that no unanswered operation can have taken. */
  | 'contiguous'
  /** One idempotency key, two answers. */
  | 'replay';

export interface SequenceViolation {
  readonly rule: SequenceRule;
  readonly sequence: string;
  /** The earlier first. */
  readonly operations: readonly SequenceOperation[];
  readonly explanation: string;
}

export interface SequenceOptions {
  /** Whether every value is promised to be given before a greater one: blocks of one, no value lost but by a lost answer. */
  readonly isContiguous?: boolean;
  /**
   * For how long after an answer a deposed owner may still give smaller values: order is demanded only of operations invoked
   * later than that. Default 0, in the unit of the history.
   */
  readonly staleOwnerTime?: number;
  /** For how long after its first answer an idempotency key must give the same answer. Default: for ever. */
  readonly replayTime?: number;
}

export interface SequenceResult {
  /** `unknown` when no allocation could be judged. */
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  /** By sequence in the order of first appearance; at most one for each rule and incarnation. */
  readonly violations: readonly SequenceViolation[];
  readonly sequences: number;
  readonly allocations: number;
  /** Allocations beside a creation that made the sequence anew: it is not certain to which incarnation they belong. */
  readonly unplaced: number;
}

export function checkSequences(
  history: readonly SequenceOperation[],
  options: SequenceOptions = {},
): SequenceResult {
  const bySequence = new Map<string, SequenceOperation[]>();
  for (const operation of history) {
    const own = bySequence.get(operation.sequence);
    if (own === undefined) bySequence.set(operation.sequence, [operation]);
    else own.push(operation);
  }
  const violations: SequenceViolation[] = [];
  let allocations = 0;
  let unplaced = 0;
  for (const [sequence, own] of bySequence) {
    const found = incarnationsOf(own);
    unplaced += found.unplaced;
    for (const incarnation of found.incarnations) {
      allocations += incarnation.allocations.length;
      violations.push(...violationsIn(incarnation, sequence, options));
    }
  }
  return {
    verdict: violations.length > 0 ? 'invalid' : allocations === 0 ? 'unknown' : 'valid',
    violations,
    sequences: bySequence.size,
    allocations,
    unplaced,
  };
}

/** All violations in words, a line for each. */
export function explainSequences({ verdict, violations, allocations, sequences }: SequenceResult): string {
  if (verdict === 'valid') return `All ${allocations} allocations from ${sequences} sequences are in order.`;
  if (verdict === 'unknown') return 'Unknown: no allocation could be judged, so nothing was tested.';
  return violations
    .map(({ rule, sequence, explanation }) => `Sequence "${sequence}": ${rule}: ${explanation}.`)
    .join('\n');
}

interface Finding {
  readonly rule: SequenceRule;
  readonly operations: readonly SequenceOperation[];
  readonly explanation: string;
}

function violationsIn(
  incarnation: Incarnation,
  sequence: string,
  options: SequenceOptions,
): readonly SequenceViolation[] {
  const { distinct, finding: replay } = withoutReplays(incarnation, options.replayTime ?? Infinity);
  const byValue = distinct.toSorted((a, b) => compare(a.start, b.start));
  const findings = [
    replay,
    findBadRun(incarnation),
    findOverlap(byValue),
    findDisorder(distinct, options.staleOwnerTime ?? 0),
    options.isContiguous === true ? findGap(incarnation, byValue) : undefined,
  ];
  return findings.flatMap((finding) => (finding === undefined ? [] : [{ ...finding, sequence }]));
}

/** One of each set of replays, with the earliest time at which it may have been made. */
function withoutReplays(
  { allocations, uncertain }: Incarnation,
  replayTime: number,
): { readonly distinct: readonly Allocation[]; readonly finding: Finding | undefined } {
  const firstAttempts = new Map<string, number>();
  for (const { request, invokedAt } of uncertain) {
    if (request.type !== 'reserve' || request.idempotencyKey === undefined) continue;
    const earlier = firstAttempts.get(request.idempotencyKey) ?? Infinity;
    firstAttempts.set(request.idempotencyKey, Math.min(earlier, invokedAt));
  }
  const current = new Map<string, Allocation>();
  const distinct: Allocation[] = [];
  let finding: Finding | undefined;
  for (const allocation of allocations) {
    const { idempotencyKey: key } = allocation;
    const earlier = key === undefined ? undefined : current.get(key);
    if (earlier?.start === allocation.start && earlier.end === allocation.end) continue;
    if (earlier !== undefined && allocation.invokedAt - earlier.answeredAt <= replayTime) {
      finding ??= {
        rule: 'replay',
        operations: [earlier.operation, allocation.operation],
        explanation: `${describe(earlier)} and ${describe(allocation)} have one idempotency key and different answers`,
      };
    }
    const attempt = (key === undefined ? undefined : firstAttempts.get(key)) ?? Infinity;
    const made = { ...allocation, invokedAt: Math.min(allocation.invokedAt, attempt) };
    if (key !== undefined) current.set(key, made);
    distinct.push(made);
  }
  return { distinct: distinct.sort((a, b) => a.invokedAt - b.invokedAt), finding };
}

function findBadRun({ allocations, parameters }: Incarnation): Finding | undefined {
  for (const allocation of allocations) {
    const { start, end, count, operation } = allocation;
    const finding = (rule: SequenceRule, why: string): Finding => ({
      rule,
      operations: [operation],
      explanation: `${describe(allocation)} ${why}`,
    });
    if (count === 1 && start !== end) return finding('run', 'is more than one value');
    if (start > end) return finding('run', 'runs backwards');
    if (parameters === undefined) continue;
    const { initialValue, increment, maxValue } = parameters;
    if (end - start !== BigInt(count - 1) * increment) {
      return finding('run', `is no run of ${count} in steps of ${increment}`);
    }
    if (start <= initialValue) return finding('limits', `is not beyond the initial value ${initialValue}`);
    if (maxValue !== undefined && end > maxValue)
      return finding('limits', `is beyond the maximum ${maxValue}`);
    if ((start - initialValue) % increment !== 0n) {
      return finding('run', `is no whole number of steps of ${increment} from ${initialValue}`);
    }
  }
  return undefined;
}

function findOverlap(byValue: readonly Allocation[]): Finding | undefined {
  let highest: Allocation | undefined;
  for (const allocation of byValue) {
    if (highest !== undefined && allocation.start <= highest.end) {
      return {
        rule: 'unique',
        operations: [highest.operation, allocation.operation],
        explanation: `${describe(highest)} and ${describe(allocation)} were both given the value ${allocation.start}`,
      };
    }
    if (highest === undefined || allocation.end > highest.end) highest = allocation;
  }
  return undefined;
}

function findDisorder(distinct: readonly Allocation[], staleOwnerTime: number): Finding | undefined {
  const byAnswer = distinct.toSorted((a, b) => a.answeredAt - b.answeredAt);
  let highest: Allocation | undefined;
  let answered = 0;
  for (const allocation of distinct) {
    for (; answered < byAnswer.length; answered++) {
      const earlier = byAnswer[answered] as Allocation;
      if (earlier.answeredAt + staleOwnerTime >= allocation.invokedAt) break;
      if (highest === undefined || earlier.end > highest.end) highest = earlier;
    }
    if (highest !== undefined && allocation.start < highest.end) {
      return {
        rule: 'order',
        operations: [highest.operation, allocation.operation],
        explanation: `${describe(highest)} was answered before ${describe(allocation)} was asked for, and has a greater value`,
      };
    }
  }
  return undefined;
}

/**
 * Gaps between the given values, and before the first: each must be as large as the smallest run that was lost at least, and
 * all together no larger than all that were.
 */
function findGap(
  { parameters, uncertain }: Incarnation,
  byValue: readonly Allocation[],
): Finding | undefined {
  if (parameters === undefined) return undefined;
  const { initialValue, increment } = parameters;
  const lost = uncertain.map(({ request }) => (request.type === 'reserve' ? BigInt(request.count) : 0n));
  const smallest = lost.reduce((least, count) => (count < least ? count : least), lost[0] ?? 0n);
  let left = lost.reduce((sum, count) => sum + count, 0n);
  let previous = initialValue;
  for (const allocation of byValue) {
    const missing = (allocation.start - previous) / increment - 1n;
    if (missing > 0n && (missing > left || missing < smallest || lost.length === 0)) {
      return {
        rule: 'contiguous',
        operations: [allocation.operation],
        explanation:
          `${missing} values are missing before ${describe(allocation)}, and the ${lost.length} unanswered operations ` +
          'cannot have taken just these',
      };
    }
    if (missing > 0n) left -= missing;
    if (allocation.end > previous) previous = allocation.end;
  }
  return undefined;
}

function describe({ operation }: Allocation): string {
  return describeSequenceOperation(operation);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
