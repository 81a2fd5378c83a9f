/** The locks that a shell holds: who took which, so that they can be named without their owner, and given back at its end. */

export interface HeldLock {
  readonly resource: string;
  readonly ephemeral: boolean;
  readonly owner: string;
}

export interface HeldLocks {
  took(lock: HeldLock): void;
  gave(lock: Omit<HeldLock, 'owner'>): void;
  ownerOf(lock: Omit<HeldLock, 'owner'>): string | undefined;
  /** In the order in which they were taken. */
  all(): readonly HeldLock[];
}

export function createHeldLocks(): HeldLocks {
  const held = new Map<string, HeldLock>();
  const place = ({ resource, ephemeral }: Omit<HeldLock, 'owner'>): string =>
    `${ephemeral ? 'e' : 'p'}:${resource}`;
  return {
    took: (lock) => void held.set(place(lock), lock),
    gave: (lock) => void held.delete(place(lock)),
    ownerOf: (lock) => held.get(place(lock))?.owner,
    all: () => [...held.values()],
  };
}
