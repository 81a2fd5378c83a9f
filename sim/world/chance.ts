/**
 * Keyed chance: a draw is a function of (seed, purpose, identity, counter), never of how many draws came before.
 *
 * So taking one fault or one operation out of a scenario leaves every other draw as it was, which is what makes a
 * failing scenario shrink and a changed one comparable. `seedrandom` turns the words of a key into its bits, once
 * for each purpose and identity; the draws under that key are those bits mixed with a counter.
 */

// Not the package's main file: that one asks the engine for randomness as soon as it is loaded.
import alea from 'seedrandom/lib/alea.js';
import { finish, mixNumber } from '../../core/index.js';

/** All draws for one purpose and identity of one run. */
export interface Stream {
  readonly low: number;
  readonly high: number;
}

/** The stream for `purpose` (what is decided) and `identity` (about whom) in the run with this seed. */
export function streamOf(seed: number, purpose: string, identity: string | number = ''): Stream {
  const generator = alea(`${seed}/${purpose}/${identity}`);
  return { low: generator.int32(), high: generator.int32() };
}

/** 32 random bits, as an unsigned integer. */
export function draw(stream: Stream, counter: number, salt = 0): number {
  return finish(mixNumber(mixNumber(stream.low, counter), salt) ^ stream.high);
}

/** A whole number from [0, below). */
export function drawBelow(stream: Stream, below: number, counter: number, salt = 0): number {
  return Math.floor((draw(stream, counter, salt) / 0x1_0000_0000) * below);
}

/** A whole number from [least, most]. */
export function drawBetween(stream: Stream, least: number, most: number, counter: number, salt = 0): number {
  return least + drawBelow(stream, most - least + 1, counter, salt);
}

/** True in `perMillion` of a million draws. */
export function drawChance(stream: Stream, perMillion: number, counter: number, salt = 0): boolean {
  return perMillion > 0 && drawBelow(stream, 1_000_000, counter, salt) < perMillion;
}

/** One of `choices`. */
export function drawOne<T>(stream: Stream, choices: readonly T[], counter: number, salt = 0): T {
  return choices[drawBelow(stream, choices.length, counter, salt)] as T;
}
