/**
 * What can go wrong, as data. Each fault says when it begins, how long it lasts and whom it strikes.
 */

/** Whom a fault strikes: a node by number, or whoever leads a group at that moment (if anybody does). */
export type Target = { readonly node: number } | { readonly leaderOf: number };

interface Window {
  readonly atMs: number;
  /** Later than `atMs`. */
  readonly untilMs: number;
}

interface Struck extends Window {
  readonly target: Target;
}

export type Fault = NetworkFault | DiskFault | ClockFault | ProcessFault | ClusterFault | MemberFault;

export type NetworkFault =
  /** No message passes between the target and the others. */
  | ({ readonly type: 'Isolate' } & Struck)
  /** The target hears nobody, but is heard. */
  | ({ readonly type: 'Deafen' } & Struck)
  /** The target is heard by nobody, but hears. */
  | ({ readonly type: 'Mute' } & Struck)
  /** No message passes between the nodes of `side` and the others. */
  | ({ readonly type: 'Split'; readonly side: readonly number[] } & Window)
  /** A partial partition: these pairs cannot talk, and everybody else can. */
  | ({ readonly type: 'Partial'; readonly pairs: readonly (readonly [number, number])[] } & Window)
  /** A split in which one node still talks to both sides. */
  | ({ readonly type: 'Bridge'; readonly side: readonly number[]; readonly bridge: number } & Window)
  /** The target's links go and come, `periodMs` each. */
  | ({ readonly type: 'Flap'; readonly periodMs: number } & Struck)
  /** Messages are lost, repeated, damaged and late more often. */
  | ({
      readonly type: 'Squall';
      readonly lossChance: number;
      readonly duplicateChance: number;
      readonly corruptChance: number;
      readonly maxDelayUs: number;
    } & Window)
  /** Everything that is sent to the target is so much longer on its way. */
  | ({ readonly type: 'Lag'; readonly delayMs: number } & Struck)
  /** One link is slow, in one direction. */
  | ({
      readonly type: 'SlowLink';
      readonly from: number;
      readonly to: number;
      readonly delayMs: number;
    } & Window)
  /** The links from the target carry only so much. */
  | ({ readonly type: 'Throttle'; readonly bytesPerSecond: number } & Struck);

export type DiskFault =
  /** Every sync takes so much longer. */
  | ({ readonly type: 'SlowDisk'; readonly syncMs: number } & Struck)
  /** No sync finishes. */
  | ({ readonly type: 'StuckDisk' } & Struck)
  /** Every write fails. */
  | ({ readonly type: 'FullDisk' } & Struck)
  /** The next sync fails; nobody knows how much of it is durable. */
  | { readonly type: 'FailSync'; readonly atMs: number; readonly target: Target }
  /** A crash in the middle of the next write, which is left half done. */
  | { readonly type: 'TornWrite'; readonly atMs: number; readonly downMs: number; readonly target: Target }
  /** A bit of a stored record turns over; it shows when the node starts again, which is at once. */
  | { readonly type: 'BitRot'; readonly atMs: number; readonly node: number }
  /** Everything on the disk is gone, and the process with it. */
  | { readonly type: 'LoseDisk'; readonly atMs: number; readonly node: number };

export type ClockFault =
  /** The clocks are set: the wall clock by any amount, the monotonic one only forward. */
  | {
      readonly type: 'ClockJump';
      readonly atMs: number;
      readonly target: Target;
      readonly wallMs: number;
      readonly monotonicMs: number;
    }
  /** The clocks stand still; timers wait for them. */
  | ({ readonly type: 'ClockFreeze' } & Struck)
  /** The clocks run at another rate, in parts per million of difference from the right one. */
  | ({ readonly type: 'ClockDrift'; readonly driftPpm: number } & Struck);

export type ProcessFault =
  /** The target's process ends, and starts again from its disk. */
  | ({ readonly type: 'Crash' } & Struck)
  /** The same, at the moment when the target next hands a write to its disk. */
  | { readonly type: 'CrashAtWrite'; readonly atMs: number; readonly downMs: number; readonly target: Target }
  /** The target crashes again and again: up for `upMs`, down for `downMs`. */
  | ({ readonly type: 'CrashLoop'; readonly upMs: number; readonly downMs: number } & Struck)
  /** All nodes crash at once, and start again one after another. */
  | ({ readonly type: 'Blackout' } & Window)
  /** The target's process stands still; what arrives waits. */
  | ({ readonly type: 'Pause' } & Struck)
  /** Every turn of the target takes so long. */
  | ({ readonly type: 'SlowNode'; readonly turnUs: number } & Struck);

export type ClusterFault =
  /** The node stops, and starts again as another version of its machine. */
  {
    readonly type: 'Upgrade';
    readonly atMs: number;
    readonly downMs: number;
    readonly node: number;
    readonly version: number;
  };

/**
 * What operators do to a cluster. Each is a wish that some live node is asked for, and asked again through others, until it
 * is answered or given up (`operator.ts`).
 */
export type MemberFault =
  /** A spare starts and is taken in. */
  | {
      readonly type: 'Join';
      readonly atMs: number;
      readonly node: number;
      readonly role: 'voter' | 'learner';
    }
  /** A learner is to vote. */
  | { readonly type: 'Promote'; readonly atMs: number; readonly node: number }
  /** The node is taken out, and its machine is stopped for good some time later. */
  | { readonly type: 'Leave'; readonly atMs: number; readonly node: number; readonly stopAfterMs: number }
  /** The node's machine dies, its disk with it, and a spare takes its place, in one step. */
  | { readonly type: 'Replace'; readonly atMs: number; readonly node: number; readonly spare: number }
  /** Spares come and nodes go, all in one step. */
  | {
      readonly type: 'Reshape';
      readonly atMs: number;
      readonly join: readonly number[];
      readonly leave: readonly number[];
      readonly stopAfterMs: number;
    }
  /** The node is to lead the group. */
  | { readonly type: 'Transfer'; readonly atMs: number; readonly group: number; readonly node: number }
  /** The node hands over all that it leads, stops, and starts again. */
  | { readonly type: 'HandOver'; readonly atMs: number; readonly node: number; readonly downMs: number };

export function changesMembers({ type }: Fault): boolean {
  return (
    type === 'Join' || type === 'Promote' || type === 'Leave' || type === 'Replace' || type === 'Reshape'
  );
}

/** Nodes whose disks these faults destroy for good. */
export function destroyed(faults: readonly Fault[]): readonly number[] {
  const nodes = faults.flatMap((fault) =>
    fault.type === 'BitRot' || fault.type === 'LoseDisk' ? [fault.node] : [],
  );
  return nodes.filter((node, i) => nodes.indexOf(node) === i);
}
