/**
 * What the storm did, counted where it was felt: a fault that leaves nothing here did nothing, and a run whose faults
 * did nothing proves nothing.
 */

export type Felt = Map<string, number>;

export function feel(felt: Felt, what: string): void {
  felt.set(what, (felt.get(what) ?? 0) + 1);
}
