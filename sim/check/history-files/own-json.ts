/**
 * Our own form of a history in JSON: one object for each operation, with both its times. `README.md` beside this file is its
 * definition.
 */
import { fieldOf, integerOf, nameOf, showForm, type Form } from './form.js';
import type { Outcome, RecordedOperation } from './recording.js';
import { refuseAt } from './unreadable.js';

/** @throws UnreadableHistory */
export function operationOf(text: string, form: Form): RecordedOperation {
  const transaction = fieldOf(form, 'transaction');
  const client = fieldOf(form, 'client');
  const name = fieldOf(form, 'op');
  const nil: Form = { type: 'nil', at: form.at };
  if (client === undefined) return refuseMember(text, form, 'client', 'the name of the client');
  if (transaction === undefined && (name === undefined || nameOf(name) === undefined)) {
    return refuseMember(text, form, 'op', 'what was asked, as "read" or "write"');
  }
  const invokedAt = timeOf(text, form, 'start');
  if (invokedAt === undefined) return refuseMember(text, form, 'start', 'the time of the invocation');
  const output = transaction ?? fieldOf(form, 'output') ?? nil;
  return {
    at: form.at,
    client: nameOf(client) ?? showForm(client),
    name: transaction === undefined ? (nameOf(name ?? nil) ?? '') : 'txn',
    key: fieldOf(form, 'key'),
    input: transaction ?? fieldOf(form, 'input') ?? nil,
    invokedAt,
    outcome: outcomeOf(text, form, invokedAt, output),
  };
}

const outcomes = ['ok', 'committed', 'fail', 'aborted', 'unknown'] as const;

function outcomeOf(text: string, form: Form, invokedAt: number, output: Form): Outcome {
  const answeredAt = timeOf(text, form, 'end');
  const given = fieldOf(form, 'outcome');
  const outcome = given === undefined ? undefined : outcomes.find((known) => known === nameOf(given));
  if (given !== undefined && outcome === undefined) {
    refuseAt(text, given.at, {
      saw: `the outcome ${showForm(given)}`,
      expected: outcomes.map((known) => `"${known}"`).join(', '),
      advice: 'Leave it out for an operation with an answer; say "unknown" when no answer was seen.',
    });
  }
  if (answeredAt === undefined) {
    if (outcome === 'ok' || outcome === 'committed') {
      refuseMember(text, form, 'end', 'the time of the answer');
    }
    // Certainly not executed needs no time: such an operation orders nothing.
    if (outcome === undefined || outcome === 'unknown') return { type: 'unknown' };
    return { type: 'failed', at: invokedAt, output, error: given };
  }
  if (answeredAt < invokedAt) {
    refuseAt(text, form.at, {
      saw: `an operation that ends at ${answeredAt} and starts at ${invokedAt}`,
      expected: 'an end that is not before the start',
      advice: 'Take both times from one clock.',
    });
  }
  if (outcome === 'unknown') return { type: 'unknown' };
  return outcome === 'fail' || outcome === 'aborted'
    ? { type: 'failed', at: answeredAt, output, error: given }
    : { type: 'answered', at: answeredAt, output };
}

function timeOf(text: string, form: Form, member: string): number | undefined {
  const value = fieldOf(form, member);
  if (value === undefined || value.type === 'nil') return undefined;
  const time = integerOf(value);
  if (time !== undefined) return time;
  return refuseAt(text, value.at, {
    saw: `the time ${showForm(value)}`,
    expected: 'a whole number below 2^53',
    advice: `Times are counted from any moment in any unit; choose one in which "${member}" is a whole number.`,
  });
}

function refuseMember(text: string, form: Form, member: string, meaning: string): never {
  return refuseAt(text, form.at, {
    saw: `an operation without "${member}"`,
    expected: meaning,
    advice:
      'An operation is {"client":"c1","op":"write","key":"x","input":1,"start":0,"end":5}, ' +
      'a transaction {"client":"c1","transaction":[["append","x",1]],"start":0,"end":5}.',
  });
}
