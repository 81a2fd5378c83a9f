/**
 * Jepsen's way to write a history: one event for an invocation and one for its completion, told apart by the process. Owns how
 * the two find each other.
 *
 * The time of an event is its place in the file: Jepsen writes events in the order in which they happened, and its own
 * clock would only add ties. A process that ends an operation with `:info` never learns what became of it; Jepsen gives
 * its thread a new number then. A history in which it goes on under the old one is taken as well, with a note.
 */
import { fieldOf, nameOf, showForm, untagged, type Form } from './form.js';
import type { Outcome, RecordedOperation, Recording } from './recording.js';
import { placeOf, refuseAt } from './unreadable.js';

export type EventType = 'invoke' | 'ok' | 'fail' | 'info';

export interface HistoryEvent {
  readonly at: number;
  /** Undefined for the nemesis, and whoever else is no client. */
  readonly process: string | undefined;
  readonly type: EventType;
  readonly name: string;
  readonly key: Form | undefined;
  readonly value: Form;
  readonly error: Form | undefined;
}

const eventTypes: readonly EventType[] = ['invoke', 'ok', 'fail', 'info'];

export function eventType(name: string | undefined): EventType | undefined {
  return eventTypes.find((type) => type === name);
}

/** An event that was written as a map. @throws UnreadableHistory */
export function eventOf(text: string, form: Form): HistoryEvent {
  const type = fieldOf(form, 'type');
  const process = fieldOf(form, 'process');
  const name = fieldOf(form, 'f');
  const known = type === undefined ? undefined : eventType(nameOf(type));
  if (known === undefined) {
    return refuseAt(text, (type ?? form).at, {
      saw: type === undefined ? 'an event without :type' : `the type ${showForm(type)}`,
      expected: ':invoke, :ok, :fail or :info',
      advice: 'Each event of a history is a map with :process, :type, :f and :value.',
    });
  }
  if (process === undefined || name === undefined) {
    return refuseAt(text, form.at, {
      saw: `an event without ${process === undefined ? ':process' : ':f'}`,
      expected: 'both',
      advice: 'Each event of a history is a map with :process, :type, :f and :value.',
    });
  }
  const error = fieldOf(form, 'error');
  return {
    at: form.at,
    process: process.type === 'number' ? process.text : undefined,
    type: known,
    name: nameOf(name) ?? showForm(name),
    key: fieldOf(form, 'key'),
    value: fieldOf(form, 'value') ?? { type: 'nil', at: form.at },
    error: error === undefined || untagged(error).type === 'nil' ? undefined : error,
  };
}

/** Pairs invocations with completions. `otherLines` is what the reader left out already. @throws UnreadableHistory */
export function pairEvents(text: string, events: readonly HistoryEvent[], otherLines: number): Recording {
  const operations: RecordedOperation[] = [];
  const open = new Map<string, Open>();
  const crashed = new Set<string>();
  const restless = new Set<string>();
  let ignored = otherLines;
  events.forEach((event, time) => {
    const { process } = event;
    if (process === undefined) {
      ignored++;
    } else if (event.type === 'invoke') {
      if (open.has(process) || crashed.has(process)) restless.add(process);
      open.set(process, { event, time, index: operations.length });
      operations.push(recorded(event, time, { type: 'unknown' }));
    } else {
      const begun = open.get(process);
      if (begun === undefined) {
        // The client of a crashed process may say once more that it crashed; that tells nothing new.
        if (event.type !== 'info') refuseOrphan(text, event, process);
        ignored++;
        return;
      }
      refuseMismatch(text, begun.event, event);
      open.delete(process);
      operations[begun.index] = recorded(begun.event, begun.time, outcomeOf(event, time));
      if (event.type === 'info') crashed.add(process);
    }
  });
  return { text, operations, ignored, notes: notesOn(restless) };
}

interface Open {
  readonly event: HistoryEvent;
  readonly time: number;
  readonly index: number;
}

function recorded(invocation: HistoryEvent, time: number, outcome: Outcome): RecordedOperation {
  const { at, name, key, value, process } = invocation;
  return { at, client: `process ${process ?? ''}`, name, key, input: value, invokedAt: time, outcome };
}

function outcomeOf({ type, value, error }: HistoryEvent, time: number): Outcome {
  if (type === 'ok') return { type: 'answered', at: time, output: value };
  return type === 'fail' ? { type: 'failed', at: time, output: value, error } : { type: 'unknown' };
}

function refuseOrphan(text: string, event: HistoryEvent, process: string): never {
  return refuseAt(text, event.at, {
    saw: `the completion :${event.type} :${event.name} of process ${process}`,
    expected: 'an invocation by that process before it',
    advice: 'The process has nothing under way here; is the beginning of the history missing?',
  });
}

function refuseMismatch(text: string, begun: HistoryEvent, event: HistoryEvent): void {
  if (begun.name === event.name) return;
  refuseAt(text, event.at, {
    saw: `:${event.type} :${event.name} of process ${event.process ?? ''}`,
    expected: `the completion of its :${begun.name} from line ${placeOf(text, begun.at).line}`,
    advice: 'A process does one thing at a time; are the lines of two runs mixed?',
  });
}

function notesOn(restless: ReadonlySet<string>): readonly string[] {
  if (restless.size === 0) return [];
  const shown = [...restless].slice(0, 5).join(', ') + (restless.size > 5 ? ', …' : '');
  return [
    `Processes went on after an operation without an answer (${shown}). ` +
      'The unanswered operations may take effect at any later time, also beside the later ones of the same process.',
  ];
}
