/**
 * Bends: which of the rare points that machines name in their own code are taken in a turn (`Turn.bend`).
 *
 * Two-level chances, as in FoundationDB's buggify: for each run a point is on or off, and one that is on is bent at a rate of
 * its own. A draw is a function of (seed, point, node, turn).
 */

import type { BendSettings } from '../faults/scenario.js';
import { drawChance, drawOne, streamOf, type Stream } from './chance.js';
import { feel, type Felt } from './felt.js';

/** What a turn of a node is given; the points that it bends are added to `bent`. */
export type Bends = (node: number, turn: number, bent: string[]) => (point: string) => boolean;

interface Point {
  readonly stream: Stream;
  /** Parts per million; 0 for off. */
  readonly rate: number;
}

/** Undefined where nothing is ever bent. */
export function createBends(seed: number, settings: BendSettings, felt: Felt): Bends | undefined {
  if (settings.onChance === 0 || settings.fireChance === 0) return undefined;
  const points = new Map<string, Point>();
  const pointOf = (name: string): Point => {
    let point = points.get(name);
    if (point === undefined) points.set(name, (point = drawPoint(seed, settings, name)));
    return point;
  };
  return (node, turn, bent) => (name) => {
    const { stream, rate } = pointOf(name);
    if (rate === 0 || !drawChance(stream, rate, turn, node)) return false;
    if (!bent.includes(name)) {
      bent.push(name);
      feel(felt, `bend: ${name}`);
    }
    return true;
  };
}

function drawPoint(seed: number, { onChance, fireChance, off }: BendSettings, name: string): Point {
  const stream = streamOf(seed, 'bend', name);
  const isOn = !off.includes(name) && drawChance(stream, onChance, 0, -1);
  const rate = drawOne(
    stream,
    [fireChance, Math.ceil(fireChance / 8), Math.min(1_000_000, fireChance * 8)],
    0,
    -2,
  );
  return { stream, rate: isOn ? rate : 0 };
}
