/**
 * Says in the log when this node begins or ceases to lead partitions: the one thing that an operator wants to see of
 * a healthy cluster. Each node speaks for itself only, so a change is said once and not by every node.
 */

import type { GroupStatus } from '../../core/index.js';
import type { Log } from './log.js';

const LOOK_EVERY_MS = 200;

/** @returns stops the watch. */
export function watchLeadership(groups: () => readonly GroupStatus[], log: Log): () => void {
  let led = new Set<number>();
  const look = (): void => {
    const now = new Set<number>();
    let term = 0;
    for (const group of groups()) {
      if (group.role !== 'leader') continue;
      now.add(group.group);
      if (!led.has(group.group)) term = Math.max(term, group.term);
    }
    const won = [...now].filter((group) => !led.has(group));
    const lost = [...led].filter((group) => !now.has(group));
    led = now;
    if (won.length > 0) log.info({ event: 'leads', partitions: won, term }, `now leads ${name(won)}`);
    if (lost.length > 0)
      log.info({ event: 'leads-no-more', partitions: lost }, `no longer leads ${name(lost)}`);
  };
  const interval = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(interval);
}

function name(groups: readonly number[]): string {
  return `partition${groups.length === 1 ? '' : 's'} ${groups.join(', ')}`;
}
