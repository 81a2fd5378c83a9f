/** A storage for nodes that are to leave nothing behind: since no such node ever starts again, nothing has to be kept. */

import type { Persist } from '../../core/machine/index.js';
import type { StoragePort, WriteListener } from '../host/index.js';

/** Every write is as durable as it ever will be, at once. */
export function createMemoryStorage<Stored>(): StoragePort<Stored> {
  let listener: WriteListener | undefined;
  return {
    start: (heard) => {
      listener = heard;
    },
    write: ({ write }: Persist<Stored>) => listener?.completed(write),
  };
}
