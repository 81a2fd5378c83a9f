/**
 * The specification of one key of our store: conditional set, get, exists, delete.
 *
 * The first write of a key makes revision 0; each later set and each delete adds 1 to it. A deleted key keeps its revision (the
 * tombstone's) and counts as absent. Because revisions only grow, an answer that names an older one can never become legal
 * again, which is what lets the checker refuse a stale read at once.
 */
import type { Operation } from './history.js';
import { contradiction } from './key-value-contradiction.js';
import type { Hint, Model } from './model.js';
import { quote } from './picture.js';

/** `revision` is -1 when the key was never written; `value` is null when it is not present. */
export interface KeyValueState {
  readonly revision: number;
  readonly present: boolean;
  readonly value: string | null;
}

/** All that are given must hold. */
export interface SetCondition {
  readonly ifExists: boolean;
  readonly ifNotExists: boolean;
  /** An absent key's value counts as null. */
  readonly equalToValue?: string | null;
  /** The tombstone's revision when deleted; -1 when never written. */
  readonly equalToRevision?: number;
}

/** `mode` says how the read was confirmed, for people; the specification is the same. */
export interface ReadInput {
  readonly type: 'get' | 'exists';
  readonly mode?: 'lease' | 'follower' | 'stale';
}

export type KeyValueInput =
  | { readonly type: 'set'; readonly value: string | null; readonly condition: SetCondition }
  | ReadInput
  | { readonly type: 'delete' };

export type KeyValueOutput =
  /** The new revision. */
  | { readonly type: 'set'; readonly revision: number }
  /** The current revision, -1 when never written. */
  | { readonly type: 'notSet'; readonly revision: number }
  | { readonly type: 'got'; readonly value: string | null; readonly revision: number }
  | { readonly type: 'exists'; readonly revision: number }
  /** The tombstone's revision. */
  | { readonly type: 'deleted'; readonly revision: number }
  | { readonly type: 'missing' };

/** Sets whether the key is there or not. */
export const unconditional: SetCondition = { ifExists: false, ifNotExists: false };

export const keyValueModel: Model<KeyValueState, KeyValueInput, KeyValueOutput> = {
  initial: { revision: -1, present: false, value: null },
  step,
  stateKey({ revision, present, value }) {
    if (!present) return `${revision}`;
    return value === null ? `${revision}=` : `${revision}="${value}`;
  },
  describe(input, output) {
    return `${describeInput(input)} -> ${output === undefined ? 'no answer' : describeOutput(output)}`;
  },
  describeState({ revision, present, value }) {
    if (revision === -1) return 'never written';
    return present ? `${quote(value)} at revision ${revision}` : `deleted at revision ${revision}`;
  },
  explain(state, input) {
    return `here it must answer: ${describeOutput(answer(state, input))}`;
  },
  readOnly(input, output) {
    if (input.type === 'get' || input.type === 'exists') return true;
    return output?.type === 'notSet' || output?.type === 'missing';
  },
  impossibleFrom(state, _input, output) {
    switch (output.type) {
      case 'set':
      case 'deleted':
        return state.revision >= output.revision;
      case 'notSet':
      case 'got':
      case 'exists':
        return state.revision > output.revision;
      case 'missing':
        return false;
    }
  },
  hints,
  contradiction,
};

/** What the one legal answer is. */
export function answer(state: KeyValueState, input: KeyValueInput): KeyValueOutput {
  switch (input.type) {
    case 'set':
      return meets(state, input.condition)
        ? { type: 'set', revision: state.revision + 1 }
        : { type: 'notSet', revision: state.revision };
    case 'get':
      return state.present
        ? { type: 'got', value: state.value, revision: state.revision }
        : { type: 'missing' };
    case 'exists':
      return state.present ? { type: 'exists', revision: state.revision } : { type: 'missing' };
    case 'delete':
      return state.present ? { type: 'deleted', revision: state.revision + 1 } : { type: 'missing' };
  }
}

function step(
  state: KeyValueState,
  input: KeyValueInput,
  output: KeyValueOutput | undefined,
): KeyValueState | undefined {
  switch (input.type) {
    case 'set': {
      const isMet = meets(state, input.condition);
      if (output !== undefined) {
        if (output.type === 'set' ? !isMet || output.revision !== state.revision + 1 : isMet)
          return undefined;
        if (output.type !== 'set' && (output.type !== 'notSet' || output.revision !== state.revision))
          return undefined;
      }
      return isMet ? { revision: state.revision + 1, present: true, value: input.value } : state;
    }
    case 'get':
      return output === undefined || isLegalGet(state, output) ? state : undefined;
    case 'exists':
      return output === undefined || isLegalExists(state, output) ? state : undefined;
    case 'delete':
      if (!state.present) return output === undefined || output.type === 'missing' ? state : undefined;
      if (output !== undefined && (output.type !== 'deleted' || output.revision !== state.revision + 1))
        return undefined;
      return { revision: state.revision + 1, present: false, value: null };
  }
}

function isLegalGet(state: KeyValueState, output: KeyValueOutput): boolean {
  if (!state.present) return output.type === 'missing';
  return output.type === 'got' && output.revision === state.revision && output.value === state.value;
}

function isLegalExists(state: KeyValueState, output: KeyValueOutput): boolean {
  if (!state.present) return output.type === 'missing';
  return output.type === 'exists' && output.revision === state.revision;
}

function meets(state: KeyValueState, condition: SetCondition): boolean {
  if (condition.ifExists && !state.present) return false;
  if (condition.ifNotExists && state.present) return false;
  if (condition.equalToValue !== undefined && condition.equalToValue !== state.value) return false;
  return condition.equalToRevision === undefined || condition.equalToRevision === state.revision;
}

/**
 * A value that was read, and that only one operation can have written, tells at which revision that operation took effect.
 * Values that nobody read or compared with are alike, so unanswered sets of such values under one condition are too; and so
 * are all unanswered deletes.
 */
function hints(
  operations: readonly Operation<KeyValueInput, KeyValueOutput>[],
): (operation: Operation<KeyValueInput, KeyValueOutput>) => Hint<KeyValueOutput> {
  const writers = new Map<string | null, number>();
  const readAt = new Map<string | null, number>();
  const compared = new Set<string | null>();
  for (const { input, output } of operations) {
    if (input.type === 'set' && output?.type !== 'notSet')
      writers.set(input.value, (writers.get(input.value) ?? 0) + 1);
    if (input.type === 'set' && input.condition.equalToValue !== undefined)
      compared.add(input.condition.equalToValue);
    if (output?.type === 'got' && !readAt.has(output.value)) readAt.set(output.value, output.revision);
  }
  return ({ input }) => {
    if (input.type !== 'set') return { impliedOutput: undefined, likeness: input.type };
    const revision = readAt.get(input.value);
    if (revision !== undefined && writers.get(input.value) === 1) {
      return { impliedOutput: { type: 'set', revision }, likeness: undefined };
    }
    const isSeen = revision !== undefined || compared.has(input.value);
    const { ifExists, ifNotExists, equalToValue, equalToRevision } = input.condition;
    const condition = [
      ifExists,
      ifNotExists,
      equalToValue ?? null,
      equalToValue === undefined,
      equalToRevision ?? null,
    ];
    return {
      impliedOutput: undefined,
      likeness: JSON.stringify([isSeen, isSeen ? input.value : null, condition]),
    };
  };
}

function describeInput(input: KeyValueInput): string {
  if (input.type === 'delete') return input.type;
  if (input.type !== 'set') return input.mode === undefined ? input.type : `${input.type} (${input.mode})`;
  const { ifExists, ifNotExists, equalToValue, equalToRevision } = input.condition;
  const conditions = [
    ...(ifExists ? ['it exists'] : []),
    ...(ifNotExists ? ['it does not exist'] : []),
    ...(equalToValue === undefined ? [] : [`its value is ${quote(equalToValue)}`]),
    ...(equalToRevision === undefined ? [] : [`its revision is ${equalToRevision}`]),
  ];
  return `set ${quote(input.value)}${conditions.length === 0 ? '' : ` if ${conditions.join(' and ')}`}`;
}

function describeOutput(output: KeyValueOutput): string {
  switch (output.type) {
    case 'set':
      return `set at revision ${output.revision}`;
    case 'notSet':
      return `not set, revision ${output.revision}`;
    case 'got':
      return `got ${quote(output.value)} at revision ${output.revision}`;
    case 'exists':
      return `exists at revision ${output.revision}`;
    case 'deleted':
      return `deleted at revision ${output.revision}`;
    case 'missing':
      return 'missing';
  }
}
