/**
 * Recorded operations as transactions for the isolation checker. A transaction is a list of micro-operations, in Jepsen's spelling:
 * `[:append k v]`, `[:r k v]`, `[:w k v]`; in JSON the same with texts, and `["scan", prefix, [[k, v], …]]` besides.
 *
 * What a committed transaction read is in its completion; there `nil` says that the key was absent. Of any other transaction a `nil`
 * says nothing. A failed transaction is an aborted one, a crashed one is unknown.
 */
import type { Element, HistoryModel, MicroOperation, Transaction } from '../isolation/index.js';
import { integerOf, itemsOf, nameOf, showForm, type Form } from './form.js';
import { keyText, pairOf } from './keys.js';
import type { RecordedOperation, Recording } from './recording.js';
import { placeOf, refuseAt } from './unreadable.js';

/** @throws UnreadableHistory, also when a value is written to a key twice, for then no read could name its writer. */
export function toTransactions(recording: Recording, model: HistoryModel): readonly Transaction[] {
  const { text, operations } = recording;
  const writtenAt = new Map<string, Map<Element, number>>();
  return operations.map((operation, id) => {
    const { client, invokedAt, outcome } = operation;
    const forms = formsOf(text, operation);
    const isCommitted = outcome.type === 'answered';
    const done = forms.map((form) => microOperation(text, form, model, isCommitted));
    done.forEach((micro, index) => {
      refuseRepetition(text, writtenAt, micro, (forms[index] as Form).at);
    });
    const types = { answered: 'committed', failed: 'aborted', unknown: 'unknown' } as const;
    return {
      id,
      client,
      outcome: types[outcome.type],
      invokedAt,
      answeredAt: outcome.type === 'unknown' ? undefined : outcome.at,
      operations: done,
    };
  });
}

/** The micro-operations of the completion when there is one that has them, else those of the invocation. */
function formsOf(text: string, { at, name, input, outcome }: RecordedOperation): readonly Form[] {
  const seen = outcome.type === 'answered' ? outcome.output : input;
  const forms = itemsOf(seen);
  if (forms?.every((form) => itemsOf(form) !== undefined) === true) return forms;
  return refuseAt(text, forms === undefined ? at : seen.at, {
    saw: `the operation :${name} with the value ${showForm(seen).slice(0, 40)}`,
    expected: 'a transaction, as [[:append 5 1] [:r 5 [1]]]',
    advice:
      'The models list-append and rw-register are about transactions; for single operations choose another.',
  });
}

function microOperation(text: string, form: Form, model: HistoryModel, isCommitted: boolean): MicroOperation {
  const [what, key, value, ...more] = itemsOf(form) ?? [];
  const name = what === undefined ? undefined : nameOf(what);
  if (key === undefined || more.length > 0) return refuseMicro(text, form, model);
  const isAbsent = value === undefined || value.type === 'nil';
  switch (name) {
    case 'append':
    case 'w':
    case 'write': {
      const type = name === 'append' ? 'append' : 'write';
      if (isAbsent || (type === 'append') !== (model === 'list-append'))
        return refuseMicro(text, form, model);
      return { type, key: keyText(key), value: elementOf(value) };
    }
    case 'r':
    case 'read': {
      const isKnown = isCommitted || !isAbsent;
      if (model === 'rw-register') {
        const read = isAbsent ? null : elementOf(value);
        return { type: 'read', key: keyText(key), value: isKnown ? read : undefined };
      }
      const items = isAbsent ? [] : itemsOf(value);
      if (items === undefined) return refuseMicro(text, form, model);
      return { type: 'list', key: keyText(key), values: isKnown ? items.map(elementOf) : undefined };
    }
    case 'scan':
      return { type: 'scan', prefix: keyText(key), found: isAbsent ? undefined : foundOf(text, value) };
    default:
      return refuseMicro(text, form, model);
  }
}

function foundOf(text: string, form: Form): readonly (readonly [string, Element])[] {
  const pairs = itemsOf(form)?.map(pairOf);
  if (pairs === undefined || pairs.includes(undefined)) {
    return refuseAt(text, form.at, {
      saw: `the result ${showForm(form).slice(0, 40)} of a scan`,
      expected: 'pairs of keys and values, as [["a", 1], ["b", 2]]',
      advice: 'Write null when the result is not known.',
    });
  }
  return pairs.flatMap((pair) => (pair === undefined ? [] : [[keyText(pair[0]), elementOf(pair[1])]]));
}

/** Whole numbers stay numbers; other values are told apart by their texts. */
function elementOf(form: Form): Element {
  return integerOf(form) ?? keyText(form);
}

function refuseMicro(text: string, form: Form, model: HistoryModel): never {
  const write = model === 'list-append' ? '[:append key value]' : '[:w key value]';
  const read = model === 'list-append' ? '[:r key [values]]' : '[:r key value]';
  const other = model === 'list-append' ? 'rw-register' : 'list-append';
  return refuseAt(text, form.at, {
    saw: showForm(form).slice(0, 60),
    expected: `${write}, ${read} or [:scan prefix found]`,
    advice: `These are the operations of the model ${model}; is it a history for --model ${other}?`,
  });
}

function refuseRepetition(
  text: string,
  writtenAt: Map<string, Map<Element, number>>,
  micro: MicroOperation,
  at: number,
): void {
  if (micro.type !== 'append' && micro.type !== 'write') return;
  const values = writtenAt.get(micro.key) ?? new Map<Element, number>();
  const earlier = values.get(micro.value);
  if (earlier !== undefined) {
    refuseAt(text, at, {
      saw: `the value ${JSON.stringify(micro.value)} written to the key ${micro.key} again`,
      expected: `another value than in line ${placeOf(text, earlier).line}`,
      advice: 'Every write to a key needs a value of its own, or no read could tell who wrote what it saw.',
    });
  }
  values.set(micro.value, at);
  writtenAt.set(micro.key, values);
}
