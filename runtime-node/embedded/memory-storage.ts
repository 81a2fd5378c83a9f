/**
 * A storage for nodes that are to leave nothing behind: since no such node ever starts again, nothing has to be kept but
 * what it may still read.
 */

import { COLD_PREFIX, type Persist, type StorageChange } from '../../core/machine/index.js';
import type { StoragePort, WriteListener } from '../host/index.js';

/** Every write is as durable as it ever will be, at once. */
export function createMemoryStorage<Stored>(): StoragePort<Stored> {
  const cold = new Map<string, Stored>();
  let listener: WriteListener | undefined;

  function change(changed: StorageChange<Stored>): void {
    if (changed.type === 'Put') {
      if (changed.key.startsWith(COLD_PREFIX)) cold.set(changed.key, changed.value);
    } else if (changed.type === 'Drop') {
      cold.delete(changed.key);
    } else if (changed.from.startsWith(COLD_PREFIX)) {
      for (const key of cold.keys()) if (key >= changed.from && key < changed.before) cold.delete(key);
    }
  }

  return {
    start: (heard) => {
      listener = heard;
    },
    write: ({ write, changes }: Persist<Stored>) => {
      changes.forEach(change);
      listener?.completed(write);
    },
    read: (key) => Promise.resolve(cold.get(key)),
  };
}
