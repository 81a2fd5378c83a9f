/**
 * Recorded operations as the operations of a model. Owns what a failure means:
 *
 * - A failed write, put or append was not executed, by Jepsen's convention; it is left out. So is a failed read, which says nothing.
 * - A failed compare-and-set that carries its own value back, and no error, was executed and found another value: an answer,
 *   and a checked one (so Porcupine reads the logs of etcd). With an error, or with something else in place of its value, it was not
 *   executed, and is left out.
 */
import type {
  CasRegisterInput,
  CasRegisterOutput,
  Model,
  Operation,
  RegisterInput,
  RegisterOutput,
  RegisterState,
  TextInput,
  TextOutput,
} from '../linearizability/index.js';
import { readEdn } from './edn.js';
import { showForm, type Form } from './form.js';
import { keyText, pairOf, withKeys, type KeyedOperation } from './keys.js';
import type { RecordedOperation, Recording } from './recording.js';
import { refuseAt } from './unreadable.js';

export interface Converted<I, O> {
  readonly operations: readonly Operation<I, O>[];
  readonly notes: readonly string[];
}

/** What one operation means: `undefined` when it is left out. */
type Meaning<I, O> = { readonly input: I; readonly output: O | undefined } | undefined;

/** @throws UnreadableHistory */
export function toRegisterOperations(recording: Recording): Converted<RegisterInput, RegisterOutput> {
  return convert(recording, isNoPair, (operation) => {
    const read = readMeaning(operation) ?? writeMeaning(operation);
    return read ?? refuseName(recording, operation, ':read or :write', 'register');
  });
}

/** @throws UnreadableHistory */
export function toCasRegisterOperations(
  recording: Recording,
): Converted<CasRegisterInput, CasRegisterOutput> {
  return convert<CasRegisterInput, CasRegisterOutput>(recording, isCas, (operation) => {
    if (isCas(operation)) return { meaning: casMeaning(recording.text, operation) };
    const meaning = readMeaning(operation) ?? writeMeaning(operation);
    return meaning ?? refuseName(recording, operation, ':read, :write or :cas', 'cas-register');
  });
}

/** @throws UnreadableHistory */
export function toTextOperations(recording: Recording): Converted<TextInput, TextOutput> {
  return convert<TextInput, TextOutput>(recording, isNoPair, (operation) => {
    const { name, input, outcome } = operation;
    switch (name) {
      case 'get':
      case 'read':
        if (outcome.type === 'failed') return { meaning: undefined };
        return {
          meaning: {
            input: { type: 'get' },
            output: outcome.type === 'answered' ? { type: 'got', text: textOf(outcome.output) } : undefined,
          },
        };
      case 'put':
      case 'write':
      case 'append': {
        const text = textOf(input);
        return written(operation, name === 'append' ? { type: 'append', text } : { type: 'put', text });
      }
      default:
        return refuseName(recording, operation, ':get, :put or :append', 'kv');
    }
  });
}

/** A register that begins with a value, given as in a history of this kind: `0`, `"a"`, `nil`. @throws UnreadableHistory */
export function beginningWith<I, O>(
  model: Model<RegisterState, I, O>,
  value: string,
): Model<RegisterState, I, O> {
  const [form, ...more] = readEdn(value);
  if (form === undefined || more.length > 0) {
    return refuseAt(value, more[0]?.at ?? 0, {
      saw: form === undefined ? 'nothing' : 'more than one value',
      expected: 'one value',
      advice: 'Give the initial value as it stands in the history: 0, nil or "a text" with its quotes.',
    });
  }
  return { ...model, initial: { value: valueOf(form) } };
}

interface Understood<I, O> {
  readonly meaning: Meaning<I, O>;
}

function convert<I, O>(
  recording: Recording,
  isPair: (operation: RecordedOperation) => boolean,
  understand: (operation: KeyedOperation) => Understood<I, O>,
): Converted<I, O> {
  const operations: Operation<I, O>[] = [];
  let leftOut = 0;
  let failedCompares = 0;
  for (const operation of withKeys(recording, isPair)) {
    const { meaning } = understand(operation);
    if (meaning === undefined) {
      leftOut++;
      continue;
    }
    const { client, keyName: key, invokedAt, outcome } = operation;
    if (outcome.type === 'failed') failedCompares++;
    operations.push({
      id: operations.length,
      client,
      key,
      input: meaning.input,
      invokedAt,
      answeredAt: outcome.type === 'unknown' ? undefined : outcome.at,
      output: meaning.output,
    });
  }
  return { operations, notes: [...recording.notes, ...notesOn(leftOut, failedCompares)] };
}

function notesOn(leftOut: number, failedCompares: number): readonly string[] {
  return [
    ...(leftOut > 0 ? [`${leftOut} failed operations were left out: a failure means "not executed".`] : []),
    ...(failedCompares > 0
      ? [
          `${failedCompares} failed compare-and-sets without an error were taken as the answer "it held another value".`,
        ]
      : []),
  ];
}

function isCas({ name }: RecordedOperation): boolean {
  return name === 'cas' || name === 'compare-and-set';
}

function isNoPair(): boolean {
  return false;
}

function readMeaning({
  name,
  outcome,
}: RecordedOperation): Understood<RegisterInput, RegisterOutput> | undefined {
  if (name !== 'read') return undefined;
  if (outcome.type === 'failed') return { meaning: undefined };
  const output: RegisterOutput | undefined =
    outcome.type === 'answered' ? { type: 'read', value: valueOf(outcome.output) } : undefined;
  return { meaning: { input: { type: 'read' }, output } };
}

function writeMeaning(operation: RecordedOperation): Understood<RegisterInput, RegisterOutput> | undefined {
  if (operation.name !== 'write') return undefined;
  return written(operation, { type: 'write', value: valueOf(operation.input) });
}

function written<I>({ outcome }: RecordedOperation, input: I): Understood<I, { readonly type: 'written' }> {
  if (outcome.type === 'failed') return { meaning: undefined };
  return { meaning: { input, output: outcome.type === 'answered' ? { type: 'written' } : undefined } };
}

function casMeaning(
  text: string,
  { input, outcome }: RecordedOperation,
): Meaning<CasRegisterInput, CasRegisterOutput> {
  const pair = pairOf(input);
  if (pair === undefined) {
    return refuseAt(text, input.at, {
      saw: `the value ${showForm(input).slice(0, 40)} of a compare-and-set`,
      expected: 'two values, [old new]',
      advice: 'With a key in front of it that is [key [old new]].',
    });
  }
  const asked = { type: 'compareAndSet', from: valueOf(pair[0]), to: valueOf(pair[1]) } as const;
  switch (outcome.type) {
    case 'unknown':
      return { input: asked, output: undefined };
    case 'answered': {
      const isNo = outcome.output.type === 'boolean' && !outcome.output.value;
      return { input: asked, output: { type: isNo ? 'failed' : 'swapped' } };
    }
    case 'failed': {
      const isAnswer = outcome.error === undefined && showForm(outcome.output) === showForm(input);
      return isAnswer ? { input: asked, output: { type: 'failed' } } : undefined;
    }
  }
}

/** Values are compared as they are written, so that 1 and "1" differ. */
function valueOf(form: Form): string | null {
  return form.type === 'nil' ? null : showForm(form);
}

function textOf(form: Form): string {
  return form.type === 'nil' ? '' : keyText(form);
}

function refuseName(
  { text }: Recording,
  { at, name }: RecordedOperation,
  expected: string,
  model: string,
): never {
  const fits = modelOf(name);
  return refuseAt(text, at, {
    saw: `the operation :${name}`,
    expected: `${expected}, which is all that the model ${model} knows`,
    advice: fits === undefined ? 'Is it a history of another sort?' : `Try --model ${fits}.`,
  });
}

function modelOf(name: string): string | undefined {
  const models: ReadonlyMap<string, string> = new Map([
    ['txn', 'list-append, or --model rw-register'],
    ['cas', 'cas-register'],
    ['compare-and-set', 'cas-register'],
    ['read', 'cas-register'],
    ['write', 'cas-register'],
    ['get', 'kv'],
    ['put', 'kv'],
    ['append', 'kv'],
  ]);
  return models.get(name);
}
