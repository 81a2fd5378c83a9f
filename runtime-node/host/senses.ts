/** Where a production node's time and chance come from. Tests hand in their own. */

import { getRandomValues, randomBytes } from 'node:crypto';

import { monotonicMs, wallMs, type Clocks } from '../../core/machine/index.js';

export interface Senses {
  clocks(): Clocks;
  /** 32 fresh random bits, as an unsigned integer. */
  entropy(): number;
  /** A name that nothing else ever had or will have. */
  incarnation(): string;
  /** Milliseconds until the monotonic clock shows `at`, rounded up; 0 when it has. */
  until(at: number): number;
}

/** Random bits are fetched this many words at a time: one call costs more than drawing one word. */
const WORDS = 256;

export function machineSenses(): Senses {
  const words = new Uint32Array(WORDS);
  let next = WORDS;
  return {
    clocks: () => ({ monotonic: monotonicMs(Math.floor(performance.now())), wall: wallMs(Date.now()) }),
    entropy() {
      if (next === WORDS) {
        getRandomValues(words);
        next = 0;
      }
      const word = words[next] ?? 0;
      next += 1;
      return word;
    },
    // It becomes part of every request id that a client did not choose itself, so it is short: 96 bits.
    incarnation: () => randomBytes(12).toString('base64url'),
    until: (at) => Math.max(0, Math.ceil(at - performance.now())),
  };
}
