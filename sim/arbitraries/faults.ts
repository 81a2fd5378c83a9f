/** Faults and schedules of faults for fast-check. They shrink as fast-check shrinks their parts. */

import fc, { type Arbitrary } from 'fast-check';
import type { Fault, Target } from '../faults/fault.js';

/** The cluster that faults may strike. */
export interface Cluster {
  /** Two at least. */
  readonly nodes: number;
  /** Machines that may join: each once in a schedule, as the schema wants it. */
  readonly spares?: number;
  /** Groups that have leaders; 0 for none. */
  readonly groups: number;
  readonly versions: number;
  /** When the calm begins: every fault is over by then. */
  readonly calmMs: number;
}

/**
 * One fault of a kind, or of any kind.
 *
 * @example fc.assert(fc.property(fault(cluster, 'Split'), ({ side }) => side.length < cluster.nodes))
 */
export function fault<T extends Fault['type'] = Fault['type']>(
  cluster: Cluster,
  kind?: T,
): Arbitrary<Extract<Fault, { readonly type: T }>> {
  const all = faultsOf(cluster);
  const chosen: Arbitrary<Fault> = kind === undefined ? fc.oneof(...Object.values(all)) : all[kind];
  return chosen as Arbitrary<Extract<Fault, { readonly type: T }>>;
}

/**
 * Faults of these kinds (all by default), in the order in which they strike. Disks are not destroyed, and
 * members not changed, unless the kinds say so.
 *
 * @example fc.assert(fc.property(faultSchedule(cluster, { maxLength: 5 }), (faults) => faults.length <= 5))
 */
export function faultSchedule(
  cluster: Cluster,
  {
    kinds = KINDS.filter((kind) => !ON_REQUEST.includes(kind)),
    maxLength = 20,
  }: { readonly kinds?: readonly Fault['type'][]; readonly maxLength?: number } = {},
): Arbitrary<readonly Fault[]> {
  return fc
    .array(fc.oneof(...kinds.map((kind) => fault(cluster, kind))), { maxLength })
    .map((faults) => faults.toSorted((a, b) => a.atMs - b.atMs));
}

type Faults = { readonly [T in Fault['type']]: Arbitrary<Extract<Fault, { readonly type: T }>> };

function faultsOf({ nodes, spares = 0, groups, versions, calmMs }: Cluster): Faults {
  const node = fc.integer({ min: 1, max: nodes });
  const spare = fc.integer({ min: nodes + 1, max: nodes + Math.max(1, spares) });
  const target: Arbitrary<Target> = fc.oneof(
    fc.record({ node }),
    ...(groups === 0 ? [] : [fc.record({ leaderOf: fc.integer({ min: 1, max: groups }) })]),
  );
  const atMs = fc.integer({ min: 0, max: calmMs - 1 });
  const ms = fc.integer({ min: 1, max: 2_000 });
  const chance = fc.integer({ min: 0, max: 500_000 });
  const side = fc
    .uniqueArray(node, { minLength: 1, maxLength: nodes - 1 })
    .map((some) => some.toSorted((a, b) => a - b));
  const pair = fc
    .tuple(node, fc.integer({ min: 1, max: nodes - 1 }))
    .map(([a, step]) => [a, 1 + ((a - 1 + step) % nodes)] as const);
  /** Something that lasts. */
  const lasting = <T extends string, F extends object>(
    type: T,
    fields: { readonly [K in keyof F]: Arbitrary<F[K]> },
  ): Arbitrary<{ type: T; atMs: number; untilMs: number } & F> =>
    fc
      .tuple(atMs, ms, fc.record<F>(fields as { [K in keyof F]: Arbitrary<F[K]> }))
      .map(([at, lasts, rest]) => ({
        type,
        atMs: at,
        untilMs: Math.min(calmMs, at + lasts),
        ...(rest as F),
      }));
  const at = <T extends string, F extends object>(
    type: T,
    fields: { readonly [K in keyof F]: Arbitrary<F[K]> },
  ): Arbitrary<{ type: T; atMs: number } & F> =>
    fc
      .tuple(atMs, fc.record<F>(fields as { [K in keyof F]: Arbitrary<F[K]> }))
      .map(([when, rest]) => ({ type, atMs: when, ...(rest as F) }));
  return {
    Isolate: lasting('Isolate', { target }),
    Deafen: lasting('Deafen', { target }),
    Mute: lasting('Mute', { target }),
    Split: lasting('Split', { side }),
    Partial: lasting('Partial', { pairs: fc.array(pair, { minLength: 1, maxLength: 3 }) }),
    Bridge: lasting('Bridge', { side, bridge: node }),
    Flap: lasting('Flap', { target, periodMs: ms }),
    Squall: lasting('Squall', {
      lossChance: chance,
      duplicateChance: chance,
      corruptChance: chance,
      maxDelayUs: fc.integer({ min: 0, max: 1_000_000 }),
    }),
    Lag: lasting('Lag', { target, delayMs: ms }),
    SlowLink: lasting('SlowLink', { link: pair, delayMs: ms }).map(({ link: [from, to], ...rest }) => ({
      ...rest,
      from,
      to,
    })),
    Throttle: lasting('Throttle', { target, bytesPerSecond: fc.integer({ min: 1_000, max: 100_000 }) }),
    SlowDisk: lasting('SlowDisk', { target, syncMs: ms }),
    StuckDisk: lasting('StuckDisk', { target }),
    FullDisk: lasting('FullDisk', { target }),
    FailSync: at('FailSync', { target }),
    TornWrite: at('TornWrite', { downMs: ms, target }),
    BitRot: at('BitRot', { node }),
    LoseDisk: at('LoseDisk', { node }),
    ClockJump: at('ClockJump', {
      target,
      wallMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
      monotonicMs: ms,
    }),
    ClockFreeze: lasting('ClockFreeze', { target }),
    ClockDrift: lasting('ClockDrift', { target, driftPpm: fc.integer({ min: -300_000, max: 300_000 }) }),
    Crash: lasting('Crash', { target }),
    CrashAtWrite: at('CrashAtWrite', { downMs: ms, target }),
    CrashLoop: lasting('CrashLoop', { target, upMs: ms, downMs: ms }),
    Blackout: lasting<'Blackout', object>('Blackout', {}),
    Pause: lasting('Pause', { target }),
    SlowNode: lasting('SlowNode', { target, turnUs: fc.integer({ min: 0, max: 20_000 }) }),
    Upgrade: at('Upgrade', { downMs: ms, node, version: fc.integer({ min: 0, max: versions - 1 }) }),
    Join: at('Join', { node: spare, role: fc.constantFrom('voter' as const, 'learner' as const) }),
    Promote: at('Promote', { node }),
    Leave: at('Leave', { node, stopAfterMs: ms }),
    Replace: at('Replace', { node, spare }),
    Reshape: at('Reshape', {
      join: fc.constant([]),
      leave: fc.uniqueArray(node, { minLength: 1, maxLength: 2 }),
      stopAfterMs: ms,
    }),
    Transfer: at('Transfer', { group: fc.integer({ min: 1, max: Math.max(1, groups) }), node }),
    HandOver: at('HandOver', { node, downMs: ms }),
  };
}

const KINDS = Object.keys(faultsOf({ nodes: 2, groups: 1, versions: 1, calmMs: 2 })) as Fault['type'][];
const ON_REQUEST: readonly Fault['type'][] = [
  'BitRot',
  'LoseDisk',
  'Join',
  'Promote',
  'Leave',
  'Replace',
  'Reshape',
  'Transfer',
  'HandOver',
];
