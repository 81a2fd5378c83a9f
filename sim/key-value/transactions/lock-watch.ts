/**
 * Watches over the locks of a run without faults, as its clients see them: those who wait for each other in a circle must not do so for
 * long, and whoever waits for a lock must not be overtaken.
 *
 * Both are laws of any lock manager that finds deadlocks and serves whoever came first, however it does so. Who was before in line may get
 * the lock first, each other client once: when he comes again he is behind.
 */

import type { Timestamp } from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import type { Attempt } from './attempt.js';

export interface LockWatch {
  /** The attempt has a session. */
  readonly begun: (attempt: Attempt, session: Timestamp) => void;
  /** It asked for a lock, and was told that it must wait, and for whom. */
  readonly refused: (attempt: Attempt, lock: string, holder: Timestamp | undefined) => void;
  /** It has got a lock. */
  readonly given: (attempt: Attempt, lock: string) => void;
  /** It asks for no more locks. */
  readonly over: (attempt: Attempt) => void;
}

interface Waiting {
  readonly attempt: Attempt;
  readonly lock: string;
  readonly sinceUs: number;
  /** The session that is in its way, and since when. */
  readonly on: string;
  readonly onSinceUs: number;
  /** Who has got the lock meanwhile. */
  readonly overtakers: Set<string>;
}

/** A deadlock is found within a few messages, and whoever is told of it asks again every few hundredths of a second. */
const MOST_US = 1_000_000;

export function watchLocks(nowUs: () => number): LockWatch {
  const sessionOf = new Map<Attempt, string>();
  const waiting = new Map<string, Waiting>();

  const checkCircle = (start: string): void => {
    const circle: Waiting[] = [];
    let session: string = start;
    do {
      const one = waiting.get(session);
      if (one === undefined || circle.includes(one)) return;
      circle.push(one);
      session = one.on;
    } while (session !== start);
    const sinceUs = Math.max(...circle.map(({ onSinceUs }) => onSinceUs));
    if (nowUs() - sinceUs <= MOST_US) return;
    const names = circle.map(({ attempt, lock }) => `${attempt.id} (for ${lock})`).join(', ');
    throw new PropertyBroken(
      'deadlocks end',
      `the transactions ${names} wait for each other since ${Math.floor((nowUs() - sinceUs) / 1_000)} ms`,
    );
  };

  return {
    begun(attempt, session) {
      sessionOf.set(attempt, nameOf(session));
    },
    refused(attempt, lock, holder) {
      const session = sessionOf.get(attempt);
      if (session === undefined || holder === undefined) return;
      const now = nowUs();
      const known = waiting.get(session) ?? { sinceUs: now, overtakers: new Set<string>() };
      const on = nameOf(holder);
      const onSinceUs = 'on' in known && known.on === on ? known.onSinceUs : now;
      waiting.set(session, { ...known, attempt, lock, on, onSinceUs });
      checkCircle(session);
    },
    given(attempt, lock) {
      const session = sessionOf.get(attempt);
      if (session !== undefined) waiting.delete(session);
      for (const one of waiting.values()) {
        if (one.lock !== lock) continue;
        if (!one.overtakers.has(attempt.client)) {
          one.overtakers.add(attempt.client);
          continue;
        }
        const ms = Math.floor((nowUs() - one.sinceUs) / 1_000);
        throw new PropertyBroken(
          'nobody is overtaken',
          `transaction ${one.attempt.id} waits for ${lock} since ${ms} ms, and client ${attempt.client} has got it twice meanwhile`,
        );
      }
    },
    over(attempt) {
      const session = sessionOf.get(attempt);
      if (session !== undefined) waiting.delete(session);
    },
  };
}

function nameOf({ node, wall, counter }: Timestamp): string {
  return `${node}.${wall}.${counter}`;
}
