/**
 * Acquisitions of holds that are done, but not answered before every partition keeps what they protect (`floors.ts`). Whoever waits
 * too long is told so by his own node; the hold is there nonetheless.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import type { Operation } from '../partition/command.js';
import { HoldCode } from '../partition/hold-command.js';
import { sameOrigin, type Origin } from './execution.js';
import type { Answer } from './proposals.js';
import type { Executed, ForwardResult } from './protocol.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export interface KeptAnswer {
  readonly origin: Origin;
  readonly result: Executed;
  /** By then nobody waits for it any more. */
  readonly until: MonotonicMs;
}

export function keptAnswers({ node }: NodeTurn): readonly KeptAnswer[] {
  return node.keptAnswers ?? EMPTY_LIST;
}

/** Answers, unless it is an acquisition: that one waits until the group settles, and perhaps longer. */
export function answerOrKeep(
  turn: NodeTurn,
  opened: OpenGroup,
  operation: Operation,
  origin: Origin,
  result: ForwardResult,
  answer: Answer,
): void {
  if (
    operation.type !== 'AcquireHold' ||
    result.type !== 'Executed' ||
    result.outcome.code !== HoldCode.set
  ) {
    return answer(turn, opened.raft.raft.group, origin, result);
  }
  const { node, now, options } = turn;
  const others = keptAnswers(turn).filter(
    (kept) => kept.until > now.monotonic && !sameOrigin(kept.origin, origin),
  );
  const until = monotonicMs(now.monotonic + options.requestTimeoutMs);
  node.keptAnswers = [...others, { origin, result, until }];
}
