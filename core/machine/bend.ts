/**
 * Rare points in the code that a simulator may bend (FoundationDB's buggify): see `Turn.bend`.
 *
 * A point is named where it stands, in a few words that say what happens when it is bent. What is bent must be legal: a
 * shorter message, an earlier timeout, a refusal that a client must bear anyway.
 */

export type Bend = (point: string) => boolean;

/** Whether to bend here. Never in production, where there is no `bend`. */
export function isBent(bend: Bend | undefined, point: string): boolean {
  return bend !== undefined && bend(point);
}
