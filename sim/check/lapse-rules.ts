/**
 * Nothing ends before its time: a leader that says in a command that a key or a lock has come to its end says so of a time to
 * live that the log gave it, and not before that is over in true time, which only a simulator knows.
 *
 * True time is judged only in runs whose clocks keep to what the nodes are told of them. A time to live begins for a leader when
 * it applies the entry that arms it, so not before that entry is committed: from there on the rule counts. What a leader takes
 * longer, it may.
 */

import { decodeCommand, radixGet } from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';
import { armedBy, type Reference } from './reference.js';
import type { Raft } from './raft/group-history.js';

export interface LapseRules {
  /** The reference has executed all up to here: so much was committed by now. */
  executed(reference: Reference): void;
  /** A group after a turn: what its leader has proposed in it. */
  checkProposed(reference: Reference, before: Raft | undefined, after: Raft): void;
}

/** Clocks that are slowed down or sped up lose fractions of a millisecond. */
const ROUNDING_US = 2_000;

/** @param trustsClocks whether clocks keep to what the nodes are told of their drift. */
export function createLapseRules(
  trustsClocks: boolean,
  nowUs: () => number,
  reach: (feature: string) => void,
): LapseRules {
  /** By group: when each index was first known to be committed. */
  const committedAtUs: number[][] = [];
  const timesOf = (group: number): number[] => (committedAtUs[group] ??= [0]);
  return {
    executed({ group, effects }) {
      const times = timesOf(group);
      while (times.length < effects.length) times.push(nowUs());
    },
    checkProposed(reference, before, after) {
      if (after.role !== 'leader' || before?.log === after.log) return;
      const first = (before?.log.lastIndex ?? after.log.baseIndex) + 1;
      for (let index = first; index <= after.log.lastIndex; index += 1) {
        const entry = radixGet(after.log.entries, index);
        // What others proposed was judged when they did.
        if (entry === undefined || entry.payload.length === 0 || entry.term !== after.term) continue;
        const decoded = decodeCommand(entry.payload);
        for (const lapse of (decoded.ok ? decoded.value.lapsed : undefined) ?? []) {
          const { space, name, armedAt } = lapse;
          const say = (what: string): never => {
            throw new PropertyBroken(
              'nothing ends before its time',
              `group ${after.group}, node ${after.self}: at index ${index} it ends the ${space} ${name} armed at ${armedAt}, ${what}`,
            );
          };
          const expiresMs = armedBy(reference, lapse);
          if (expiresMs === undefined) return say('where nothing gave it a time to live');
          reach(`${space} came to its end`);
          const livedUs = nowUs() - (timesOf(after.group)[armedAt] ?? nowUs());
          if (!trustsClocks || livedUs >= expiresMs * 1_000 - ROUNDING_US) continue;
          say(`${Math.floor(livedUs / 1_000)} ms after that, but it was to live for ${expiresMs} ms`);
        }
      }
    },
  };
}
