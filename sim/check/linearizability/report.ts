/**
 * A verdict in words, for somebody who has to find the bug: which key, how far a legal order goes, what the state is there, and
 * why nothing could come next.
 */
import type { CheckResult } from './check.js';
import type { BlockedOperation, Counterexample } from './counterexample.js';
import type { Operation } from './history.js';
import { drawTimeline, quote, type PictureRow } from './picture.js';

const placedShown = 5;
const blockedShown = 8;

/** Plain text of several lines; also says what it means when the result is valid or unknown. */
export function explainCounterexample<I, O>(result: CheckResult<I, O>): string {
  const { counterexample } = result;
  const lines = counterexample === undefined ? explainOther(result) : explainInvalid(counterexample);
  return [...lines, ...result.notes.map((note) => `Note: ${note}`)].join('\n');
}

function explainOther<I, O>({ verdict, keys }: CheckResult<I, O>): readonly string[] {
  const answered = keys.reduce((sum, key) => sum + key.answered, 0);
  if (verdict === 'valid')
    return [
      `Linearizable: every key has a legal order (keys: ${keys.length}, answered operations: ${answered}).`,
    ];
  const undecided = keys.filter((key) => key.verdict === 'unknown');
  return [
    `Unknown: the budget ran out before ${undecided.length} of ${keys.length} keys were decided; this is not a pass.`,
    ...undecided
      .slice(0, 5)
      .map(
        (key) =>
          `  key ${quote(key.key)}: ${key.answered} answered, ${key.unanswered} unanswered, ${key.steps} steps`,
      ),
    'Raise maxSteps, or make shorter histories with fewer operations that get no answer.',
  ];
}

function explainInvalid<I, O>(found: Counterexample<I, O>): readonly string[] {
  const headline = `Not linearizable: the operations on key ${quote(found.key)} have no legal order.`;
  if (found.contradiction === undefined) return [headline, ...explainDeadEnd(found)];
  const rows = found.contradiction.operations.map(({ operation, description }) =>
    row('x', operation, description),
  );
  return [
    headline,
    `These cannot both be true: ${found.contradiction.reason}.`,
    '',
    ...drawTimeline(rows).map((line) => `  ${line}`),
  ];
}

function explainDeadEnd<I, O>(found: Counterexample<I, O>): readonly string[] {
  const shown = mostTelling(found);
  const hidden = found.blocked.length - shown.length;
  const placed = found.lastPlaced
    .slice(-placedShown)
    .map(({ operation, description }) => row(' ', operation, description));
  const blocked = shown.map(({ operation, description }) => row('x', operation, description));
  return [
    `The longest legal beginning has ${found.answeredPlaced} of ${found.answered} answered operations. ` +
      (placed.length === 0 ? 'What might come first (x):' : 'Its end, then what might come next (x):'),
    '',
    ...drawTimeline([...placed, ...blocked]).map((line) => `  ${line}`),
    '',
    `After that beginning the state is: ${found.state}.`,
    `One of the operations marked x must come next, for ${nameOf(found.firstToAnswer)} was answered at ` +
      `${String(found.firstToAnswer.answeredAt)}, before any other was invoked. None can:`,
    ...shown.map(
      ({ operation, description, reason }) => `  ${nameOf(operation)}: ${description}: ${reason}.`,
    ),
    ...(hidden > 0 ? [`  … nor can ${hidden} more that were under way.`] : []),
  ];
}

/** Those that can never be legal first, then the one that cannot wait, then the others with a wrong answer. */
function mostTelling<I, O>(found: Counterexample<I, O>): readonly BlockedOperation<I, O>[] {
  const weightOf = ({ obstacle, operation }: BlockedOperation<I, O>): number => {
    if (obstacle === 'impossible') return 0;
    if (operation === found.firstToAnswer) return 1;
    return obstacle === 'illegal' ? 2 : obstacle === 'deadEnd' ? 3 : 4;
  };
  return found.blocked.toSorted((a, b) => weightOf(a) - weightOf(b)).slice(0, blockedShown);
}

function row<I, O>(mark: string, operation: Operation<I, O>, text: string): PictureRow {
  const { invokedAt, answeredAt } = operation;
  return { label: `${mark} ${nameOf(operation)}`, invokedAt, answeredAt, text };
}

function nameOf<I, O>(operation: Operation<I, O>): string {
  return `${operation.client} #${operation.id}`;
}
