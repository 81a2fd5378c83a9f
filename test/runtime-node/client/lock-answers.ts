/** What a node says to questions about locks. */

import type { Asked, FakeAnswer } from '../support/fake-node.js';

export const LOCKED = { type: 0, fencingToken: 4 };
export const BUSY = { type: 1, fencingToken: 0 };
export const EXTENDED = { type: 2, fencingToken: 4 };
export const UNLOCKED = { type: 3, fencingToken: 0 };
export const NO_LOCK = { type: 102 };
export const NOT_YOURS = { type: 103 };

/** A node at which each kind of question has its own answers. */
export function byPath(
  answers: Readonly<Record<string, readonly FakeAnswer[]>>,
): (asked: Asked) => FakeAnswer {
  const counts = new Map<string, number>();
  return ({ path }) => {
    const kind = path.slice('/v1/locks/'.length);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const list = answers[kind] ?? [500];
    return list[Math.min(count, list.length - 1)] ?? 500;
  };
}
