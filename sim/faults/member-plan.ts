/**
 * Changes of members, drawn from a seed: who comes and who goes, as an operator would plan it.
 *
 * The plan supposes that every wish comes true, so that most of them make sense when they are made; those that a storm
 * thwarts are part of what is tried. It never asks for a cluster without voters, and names no spare twice.
 */

import { drawBelow, drawBetween, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';
import type { Fault } from './fault.js';

/** The kinds of fault that change the members. */
export type MemberChange = 'Join' | 'Promote' | 'Leave' | 'Replace' | 'Reshape';

const KINDS: readonly MemberChange[] = ['Join', 'Promote', 'Leave', 'Replace', 'Reshape'];

/** Of a million seeds, so many leave a kind out. */
const LEFT_OUT = 250_000;

/** Who belongs to the cluster when everything so far has come true. */
export interface Plan {
  voters: readonly number[];
  learners: readonly number[];
  unused: readonly number[];
}

/** What a plan must know of the cluster. */
export interface Harbour {
  readonly seed: number;
  readonly nodes: number;
  readonly spares?: number;
  /** Groups that have leaders, numbered from 1. */
  readonly groups: number;
  /** The time in which the system reacts. */
  readonly paceMs: number;
}

/** The changes of a seed until the calm, in order of time; none where nobody can join. */
export function drawMemberChanges(harbour: Harbour, calmAtMs: number): readonly Fault[] {
  const { seed, nodes, spares = 0 } = harbour;
  if (spares === 0) return [];
  const stream = streamOf(seed, 'fault', 'members');
  const kinds = KINDS.filter((_, i) => !drawChance(stream, LEFT_OUT, i));
  const gapMs = drawOne(stream, [1_200, 3_000, 7_000], 0, 1);
  const all = Array.from({ length: nodes + spares }, (_, i) => i + 1);
  const plan: Plan = { voters: all.slice(0, nodes), learners: [], unused: all.slice(nodes) };
  const changes: Fault[] = [];
  let atMs = 500 + drawBelow(stream, gapMs, 0, 2);
  for (let step = 1; atMs < calmAtMs; step += 1) {
    const kind = drawOne(stream, kinds.length === 0 ? KINDS : kinds, step, 3);
    const change = drawChange(kind, stream, step, atMs, plan);
    if (change !== undefined) changes.push(change, ...drawTroubles(stream, step, atMs, calmAtMs, harbour));
    atMs += drawBetween(stream, gapMs >>> 3, 2 * gapMs, step, 4);
  }
  return changes;
}

/**
 * What befalls leaders while they carry a change out: it is over so soon that a storm which does not care when it strikes
 * seldom meets it.
 */
function drawTroubles(
  stream: Stream,
  step: number,
  changeAtMs: number,
  calmAtMs: number,
  { groups, paceMs }: Harbour,
): readonly Fault[] {
  const count = groups === 0 ? 0 : drawOne(stream, [0, 1, 3], step, 20);
  return Array.from({ length: count }, (_, i): Fault | undefined => {
    const salt = 21 + i * 8;
    const atMs =
      changeAtMs + drawBetween(stream, 1, paceMs * drawOne(stream, [1, 4], step, salt), step, salt + 1);
    const lastMs = drawBetween(stream, 10, 3 * paceMs, step, salt + 2);
    const untilMs = Math.min(calmAtMs, atMs + lastMs);
    if (untilMs <= atMs) return undefined;
    const target = { leaderOf: drawBetween(stream, 1, groups, step, salt + 3) };
    const type = drawOne(stream, ['CrashAtWrite', 'Crash', 'Isolate', 'Mute'] as const, step, salt + 4);
    return type === 'CrashAtWrite'
      ? { type, atMs, downMs: untilMs - atMs, target }
      : { type, atMs, untilMs, target };
  }).filter((trouble) => trouble !== undefined);
}

/** One change, as far as the plan has room for it, which it is then. */
function drawChange(
  kind: MemberChange,
  stream: Stream,
  step: number,
  atMs: number,
  plan: Plan,
): Fault | undefined {
  const { voters, learners, unused } = plan;
  const spare = unused[0];
  const stopAfterMs = drawOne(stream, [0, 300, 2_000, 20_000], step, 5);
  switch (kind) {
    case 'Join': {
      if (spare === undefined) return undefined;
      const role = drawBelow(stream, 3, step, 6) === 0 ? 'learner' : 'voter';
      plan.unused = unused.slice(1);
      if (role === 'voter') plan.voters = [...voters, spare];
      else plan.learners = [...learners, spare];
      return { type: kind, atMs, node: spare, role };
    }
    case 'Promote': {
      if (learners.length === 0) return undefined;
      const node = drawOne(stream, learners, step, 7);
      plan.learners = learners.filter((other) => other !== node);
      plan.voters = [...voters, node];
      return { type: kind, atMs, node };
    }
    case 'Leave': {
      const members = voters.length > 1 ? [...voters, ...learners] : learners;
      if (members.length === 0) return undefined;
      const node = drawOne(stream, members, step, 8);
      plan.voters = voters.filter((other) => other !== node);
      plan.learners = learners.filter((other) => other !== node);
      return { type: kind, atMs, node, stopAfterMs };
    }
    case 'Replace': {
      if (spare === undefined || voters.length < 3) return undefined;
      const node = drawOne(stream, voters, step, 9);
      plan.unused = unused.slice(1);
      plan.voters = [...voters.filter((other) => other !== node), spare];
      return { type: kind, atMs, node, spare };
    }
    case 'Reshape': {
      const join = unused.slice(0, drawBelow(stream, 3, step, 10));
      const most = Math.min(2, voters.length + join.length - 1);
      const count = drawBelow(stream, most + 1, step, 11);
      const from = drawBelow(stream, voters.length, step, 12);
      const leave = Array.from({ length: Math.min(count, voters.length) }, (_, i) => {
        return voters[(from + i) % voters.length] as number;
      });
      if (join.length + leave.length < 2) return undefined;
      plan.unused = unused.slice(join.length);
      plan.voters = [...voters.filter((node) => !leave.includes(node)), ...join];
      return { type: kind, atMs, join, leave, stopAfterMs };
    }
  }
}
