/**
 * Where an operation says which key it is about. Either apart (`:key`, `"key"`), or in front of the value: `[key value]`, which is how
 * Jepsen's independent tests print their tuples, with a tag or without.
 */
import { fieldOf, itemsOf, showForm, untagged, type Form } from './form.js';
import type { RecordedOperation, Recording } from './recording.js';
import { placeOf, refuseAt } from './unreadable.js';

/** The name of the one key of a history without keys. */
const onlyKey = 'register';

/** A recorded operation with its key in one place. */
export interface KeyedOperation extends RecordedOperation {
  readonly keyName: string;
}

/**
 * Parts keys from values. `isPair` tells whether the value of an operation, with no key in front of it, would be a pair itself.
 *
 * @throws UnreadableHistory when some operations have a key and others have none.
 */
export function withKeys(
  { text, operations }: Recording,
  isPair: (operation: RecordedOperation) => boolean,
): readonly KeyedOperation[] {
  const keyed: KeyedOperation[] = [];
  let without: RecordedOperation | undefined;
  for (const operation of operations) {
    const own = operation.key ?? tupleOf(operation.input, isPair(operation))?.[0];
    if (own === undefined) {
      without ??= operation;
      keyed.push({ ...operation, keyName: onlyKey });
    } else {
      keyed.push(
        operation.key === undefined ? unwrapped(operation, own) : { ...operation, keyName: keyText(own) },
      );
    }
    const other = keyed[0];
    if (other !== undefined && without !== undefined && own !== undefined) {
      refuseAt(text, operation.at, {
        saw: `an operation on the key ${showForm(own)}`,
        expected: `none with a key, as the operation in line ${placeOf(text, without.at).line} has none`,
        advice: 'Either every operation names its key or none does.',
      });
    } else if (without === operation && other !== undefined && other.at !== operation.at) {
      refuseAt(text, operation.at, {
        saw: 'an operation without a key',
        expected: `a key, as the operation in line ${placeOf(text, other.at).line} has one`,
        advice: 'Either every operation names its key or none does.',
      });
    }
  }
  return keyed;
}

/** A key is shown bare when it is a text. */
export function keyText(key: Form): string {
  return key.type === 'text' ? key.value : showForm(key);
}

function unwrapped(operation: RecordedOperation, key: Form): KeyedOperation {
  const { outcome } = operation;
  const inner = (form: Form): Form => {
    const tuple = tupleOf(form, false);
    return tuple !== undefined && showForm(tuple[0]) === showForm(key) ? tuple[1] : form;
  };
  return {
    ...operation,
    keyName: keyText(key),
    input: inner(operation.input),
    outcome: outcome.type === 'unknown' ? outcome : { ...outcome, output: inner(outcome.output) },
  };
}

/** `[key value]`, where the value must itself be a pair if `ofPairs`; or a tagged tuple with whatever value. */
function tupleOf(form: Form, ofPairs: boolean): readonly [Form, Form] | undefined {
  if (form.type === 'tagged' && /(Tuple|MapEntry)$/.test(form.tag)) {
    const key = fieldOf(form, 'key');
    const value = fieldOf(form, 'value') ?? fieldOf(form, 'val');
    if (key !== undefined && value !== undefined) return [key, value];
    return pairOf(untagged(form));
  }
  const pair = pairOf(form);
  return pair !== undefined && ofPairs && pairOf(pair[1]) === undefined ? undefined : pair;
}

export function pairOf(form: Form): readonly [Form, Form] | undefined {
  const [first, second, ...more] = itemsOf(form) ?? [];
  return first === undefined || second === undefined || more.length > 0 ? undefined : [first, second];
}
