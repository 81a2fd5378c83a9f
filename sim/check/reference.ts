/**
 * A second opinion on the state machine: what the committed commands of one partition must have led to.
 *
 * Written from the contract of the store (conditions, revisions, tombstones, one effect for each request id), without
 * the code that it judges, and kept for every index, so that replicas and answers of any age can be held against it.
 * Commands are executed once, when they are first known to be committed.
 */

import {
  KeyValueCode,
  SetFlag,
  type Command,
  type KeyEntry,
  type KeyValueOutcome,
  type KeyValueWrite,
  type PartitionState,
  type Value,
} from '../../core/index.js';
import { findRetry, mapGet, nameIn } from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

/** A key as it was from one index on. */
interface Version {
  readonly index: number;
  readonly value: Value;
  readonly revision: number;
  readonly deleted: boolean;
}

/** What the command at an index does; undefined fields where there is no command, or it is refused as a whole. */
interface Effect {
  readonly requestId: string | undefined;
  readonly key: string | undefined;
  readonly outcome: Pick<KeyValueOutcome, 'code' | 'revision'> | undefined;
  /** Where the same request took effect before, or here. */
  readonly first: number;
}

export interface Reference {
  readonly group: number;
  /** By index, from 1; place 0 is not used. */
  readonly effects: Effect[];
  /** By key, oldest first. */
  readonly versions: Map<string, Version[]>;
  /** By request id: where it took effect. */
  readonly firstOf: Map<string, { readonly index: number; readonly operation: string }>;
}

const NO_EFFECT: Effect = { requestId: undefined, key: undefined, outcome: undefined, first: 0 };

export function createReference(group: number): Reference {
  return { group, effects: [NO_EFFECT], versions: new Map(), firstOf: new Map() };
}

/** Executes the next committed command; undefined for an entry without one. */
export function execute(reference: Reference, command: Command | undefined, window: number): void {
  const { effects, firstOf } = reference;
  const index = effects.length;
  if (command === undefined || index - command.basis > window) {
    effects.push(NO_EFFECT);
    return;
  }
  const { requestId, operation } = command;
  const key = nameIn(operation);
  const meaning = `${operation.type} ${key}`;
  const earlier = firstOf.get(requestId);
  if (earlier !== undefined && earlier.index > index - window) {
    const outcome =
      earlier.operation === meaning
        ? effects[earlier.index]?.outcome
        : { code: KeyValueCode.invalidInput, revision: outcomeless };
    effects.push({ requestId, key, outcome, first: earlier.index });
    return;
  }
  firstOf.set(requestId, { index, operation: meaning });
  effects.push({
    requestId,
    key,
    outcome: write(reference, index, operation as KeyValueWrite),
    first: index,
  });
}

const outcomeless = 0 as KeyValueOutcome['revision'];

function write(reference: Reference, index: number, operation: KeyValueWrite): Effect['outcome'] {
  const { versions } = reference;
  const { key } = operation;
  const known = versions.get(key) ?? [];
  const now = known[known.length - 1];
  const there = now !== undefined && !now.deleted;
  const revision = now?.revision ?? -1;
  if (operation.type === 'Delete') {
    if (!there) return { code: KeyValueCode.doesNotExist, revision: outcomeless };
    known.push({ index, value: null, revision: revision + 1, deleted: true });
    return { code: KeyValueCode.deleted, revision: (revision + 1) as KeyValueOutcome['revision'] };
  }
  if (operation.type === 'Extend') return undefined;
  const asked = (flag: number): boolean => (operation.flags & flag) === flag;
  const refused =
    (asked(SetFlag.ifExists) && !there) ||
    (asked(SetFlag.ifNotExists) && there) ||
    (asked(SetFlag.ifEqualToValue) && !sameValue(there ? now.value : null, operation.compareValue)) ||
    (asked(SetFlag.ifEqualToRevision) && revision !== operation.compareRevision);
  if (refused) return { code: KeyValueCode.notSet, revision: revision as KeyValueOutcome['revision'] };
  known.push({ index, value: operation.value, revision: revision + 1, deleted: false });
  versions.set(key, known);
  return { code: KeyValueCode.set, revision: (revision + 1) as KeyValueOutcome['revision'] };
}

function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  return a !== null && b !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The key as it was at an index; undefined when it was not written before. */
function versionAt(reference: Reference, key: string, index: number): Version | undefined {
  const known = reference.versions.get(key) ?? [];
  let at = known.length - 1;
  while (at >= 0 && (known[at] as Version).index > index) at -= 1;
  return known[at];
}

function broken(property: string, { group }: Reference, detail: string): never {
  throw new PropertyBroken(property, `group ${group}: ${detail}`);
}

/** Compares what a replica changed by applying everything after `from`, up to where it is. */
export function compareChanges(
  reference: Reference,
  node: number,
  from: number,
  state: PartitionState,
): void {
  for (let index = from + 1; index <= state.applied; index += 1) {
    const { key, requestId } = reference.effects[index] ?? NO_EFFECT;
    if (key === undefined || requestId === undefined) continue;
    compareKey(reference, node, key, state);
    compareRetry(reference, node, requestId, state);
  }
}

/** Compares all that a replica or a snapshot holds. */
export function compareAll(reference: Reference, node: number, state: PartitionState): void {
  let keys = 0;
  for (const [key, [first]] of reference.versions) {
    if (first === undefined || first.index > state.applied) continue;
    keys += 1;
    compareKey(reference, node, key, state);
  }
  if (state.keys.size !== keys) {
    broken(
      'replicas are right',
      reference,
      `node ${node} holds ${state.keys.size} keys at index ${state.applied}, but ${keys} were written`,
    );
  }
  for (const [requestId, { index }] of reference.firstOf) {
    if (index <= state.applied) compareRetry(reference, node, requestId, state);
  }
}

function compareKey(reference: Reference, node: number, key: string, state: PartitionState): void {
  const expected = versionAt(reference, key, state.applied);
  const found = mapGet(state.keys, key);
  if (found === undefined && expected === undefined) return;
  const same =
    found !== undefined &&
    expected?.revision === found.revision &&
    expected.deleted === found.deleted &&
    sameValue(expected.value, found.value);
  if (same) return;
  broken(
    'replicas are right',
    reference,
    `at index ${state.applied} node ${node} holds ${key} ${describe(found)}, but it must be ${describe(expected)}`,
  );
}

function describe(entry: Version | KeyEntry | undefined): string {
  if (entry === undefined) return 'as never written';
  return entry.deleted
    ? `deleted at revision ${entry.revision}`
    : `at revision ${entry.revision}, [${entry.value?.join(' ') ?? 'no value'}]`;
}

function compareRetry(reference: Reference, node: number, requestId: string, state: PartitionState): void {
  const first = reference.firstOf.get(requestId)?.index;
  if (first === undefined || first <= state.retries.forgotten) return;
  const expected = reference.effects[first]?.outcome;
  const record = findRetry(state.retries, requestId as Command['requestId']);
  const same =
    record !== undefined &&
    record.requestId === requestId &&
    record.outcome.family === undefined &&
    record.outcome.code === expected?.code &&
    record.outcome.revision === expected.revision;
  if (same) return;
  broken(
    'requests are remembered',
    reference,
    `at index ${state.applied} node ${node} ${record === undefined ? 'has forgotten' : 'remembers otherwise'} ` +
      `request ${requestId}, which took effect at ${first}`,
  );
}

/** Requests may be forgotten only when they are older than the window. */
export function checkForgotten(
  reference: Reference,
  node: number,
  state: PartitionState,
  window: number,
): void {
  const { forgotten } = state.retries;
  if (forgotten <= Math.max(0, state.applied - window)) return;
  broken(
    'requests are remembered',
    reference,
    `node ${node} has forgotten all up to ${forgotten} at index ${state.applied}, within the window of ${window}`,
  );
}

/** A write's answer, as told from an index, is what the entry there led to, and the entry is of that request. */
export function checkWritten(
  reference: Reference,
  node: number,
  requestId: string | undefined,
  index: number,
  told: KeyValueOutcome,
): void {
  const effect = reference.effects[index];
  if (effect === undefined || told.code === KeyValueCode.mustRetry) return;
  const { outcome } = effect;
  const same =
    (requestId === undefined || effect.requestId === requestId) &&
    outcome?.code === told.code &&
    outcome.revision === told.revision;
  if (same) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers request ${requestId ?? 'without id'} with code ${told.code}, revision ${told.revision}, from ` +
      `index ${index}; there request ${effect.requestId ?? 'none'} had code ${outcome?.code ?? 'none'}, revision ${outcome?.revision ?? 'none'}`,
  );
}

/** A read's answer is what the key was at the index that it was told from. */
export function checkRead(
  reference: Reference,
  node: number,
  key: string,
  index: number,
  told: KeyValueOutcome,
): void {
  if (index >= reference.effects.length) return;
  const expected = versionAt(reference, key, index);
  const there = expected !== undefined && !expected.deleted;
  const same = there
    ? told.revision === expected.revision &&
      (told.code === KeyValueCode.exists ||
        (told.code === KeyValueCode.got && sameValue(told.value, expected.value)))
    : told.code === KeyValueCode.doesNotExist;
  if (same) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers a read of ${key} with code ${told.code}, revision ${told.revision}, from index ${index}; ` +
      `there it was ${describe(expected)}`,
  );
}
