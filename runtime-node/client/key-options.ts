/** What can be said with a key/value operation, and the core's operation that it becomes. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type { Revision } from '../../core/machine/units.js';
import {
  SetFlag,
  type ReadMode,
  type SetOperation,
  type SpecialReadMode,
} from '../../core/partition/command.js';
import type { CallOptions } from './patience.js';
import { atOf, bytesOf, type Moment, type ValueInput } from './values.js';

/** Where a key lives. */
export interface SpaceOptions extends CallOptions {
  /** In the leader's memory alone, in a key space of its own; lost with the leadership. */
  readonly ephemeral?: boolean;
}

/** All conditions that are given must hold. */
export interface SetConditions {
  readonly ifExists?: boolean;
  readonly ifNotExists?: boolean;
  /** Only when this is the value: bytes, text or null. An absent key's value counts as null. */
  readonly ifValue?: ValueInput;
  /** Only when this is the revision; -1 for a key that was never written. */
  readonly ifRevision?: number;
}

export interface WriteOptions extends SetConditions {
  /** How long the key lives, in milliseconds: 1 … 2^31 - 1; for ever when absent, whatever it had before. */
  readonly expiresMs?: number;
  /** Do not keep what is replaced in the key's history. */
  readonly noRevision?: boolean;
}

export interface SetOptions extends SpaceOptions, WriteOptions {}

export interface ReadOptions extends SpaceOptions {
  /**
   * Default `linearizable`: sees everything that was acknowledged before it was asked. `lease` too, and without asking the
   * other nodes, as long as no clock drifts further than the nodes are told; `follower` too, from the state of the node that
   * is asked. `stale` answers at once from that state as it is, which may be old.
   */
  readonly read?: ReadMode;
  /** This revision, of the present or of the history. */
  readonly revision?: number;
  /** As it was then. */
  readonly at?: Moment;
}

/** All that is known of a key but its value. */
export interface KeyInfo {
  readonly revision: number;
  readonly lastModified: Timestamp;
  /** When it ends, by the clock of the node that set it; absent for never. It may last longer. */
  readonly expires?: Timestamp;
}

export function spaceOf({ ephemeral }: { readonly ephemeral?: boolean }): { readonly ephemeral?: true } {
  return ephemeral === true ? { ephemeral } : {};
}

export function modeOf({ read }: { readonly read?: ReadMode }): { readonly mode?: SpecialReadMode } {
  return read === undefined || read === 'linearizable' ? {} : { mode: read };
}

export function readFields(key: string, options: ReadOptions) {
  const { revision, at } = options;
  return {
    key,
    ...(revision === undefined ? {} : { revision: revision as Revision }),
    ...atOf(at),
    ...modeOf(options),
    ...spaceOf(options),
  };
}

export function setOperation(
  key: string,
  value: ValueInput,
  options: WriteOptions & { readonly ephemeral?: boolean },
): SetOperation {
  const { ifExists, ifNotExists, ifValue, ifRevision, noRevision, expiresMs } = options;
  let flags: number = SetFlag.set;
  if (ifExists === true) flags |= SetFlag.ifExists;
  if (ifNotExists === true) flags |= SetFlag.ifNotExists;
  if (ifValue !== undefined) flags |= SetFlag.ifEqualToValue;
  if (ifRevision !== undefined) flags |= SetFlag.ifEqualToRevision;
  if (noRevision === true) flags |= SetFlag.noRevision;
  return {
    type: 'Set',
    key,
    value: bytesOf(value),
    flags,
    compareValue: ifValue === undefined ? null : bytesOf(ifValue),
    compareRevision: (ifRevision ?? 0) as Revision,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...spaceOf(options),
  };
}
