/**
 * Schedules: a way through a model as text, one step a line, that can be read, kept and followed again.
 *
 * A step is named by its description. So a schedule outlives changes of the code that leave the steps what they are,
 * and says where it no longer fits.
 */

import type { StateModel } from './model.js';

export const SCHEDULE_FORMAT = 1;

/** A counterexample in a file; one JSON value. */
export interface Schedule {
  readonly wavetank: 'schedule';
  readonly format: number;
  /** The name of the model, and what it was made with. */
  readonly model: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What is broken at the end, in a line. */
  readonly about: string;
  readonly steps: readonly string[];
}

/** Reads a schedule from its text. @throws Error that says what is wrong. */
export function parseSchedule(text: string): Schedule {
  let value: Partial<Schedule> | null;
  try {
    value = JSON.parse(text) as Partial<Schedule> | null;
  } catch {
    throw new Error('it is not JSON; was the file cut off?');
  }
  if (value?.wavetank !== 'schedule') throw new Error('it does not say {"wavetank":"schedule", …}');
  if (value.format !== SCHEDULE_FORMAT) {
    throw new Error(
      `it has format ${String(value.format)}; this version reads format ${String(SCHEDULE_FORMAT)}`,
    );
  }
  const { model, settings, steps } = value;
  const isSchedule =
    typeof model === 'string' &&
    typeof settings === 'object' &&
    Array.isArray(steps) &&
    steps.every((step) => typeof step === 'string');
  if (!isSchedule) throw new Error('its model, settings or steps are missing');
  return value as Schedule;
}

/** Where following a schedule led. */
export interface Followed<State, Action> {
  /** The state before every step, and the last one. */
  readonly states: readonly State[];
  readonly actions: readonly Action[];
  /** The first step that cannot be taken, and what can happen there instead; undefined when all were taken. */
  readonly stuck: { readonly step: string; readonly possible: readonly string[] } | undefined;
}

/** Takes the steps one by one, from the model's first initial state. */
export function follow<State, Action>(
  model: StateModel<State, Action>,
  steps: readonly string[],
): Followed<State, Action> {
  const states: State[] = model.initial.slice(0, 1);
  const actions: Action[] = [];
  for (const step of steps) {
    const state = states.at(-1) as State;
    const enabled = model.actions(state);
    const action = enabled.find((candidate) => model.describe(candidate) === step);
    const next = action === undefined ? undefined : model.next(state, action);
    if (action === undefined || next === undefined) {
      return { states, actions, stuck: { step, possible: enabled.map((one) => model.describe(one)) } };
    }
    states.push(next);
    actions.push(action);
  }
  return { states, actions, stuck: undefined };
}

/**
 * The model from where these steps lead: for what lies deep, explored from a place that is known to be reachable.
 *
 * @throws Error when the steps cannot be taken.
 */
export function startAfter<State, Action>(
  model: StateModel<State, Action>,
  steps: readonly string[],
): StateModel<State, Action> {
  const { states, stuck } = follow(model, steps);
  if (stuck !== undefined) {
    throw new Error(`the step "${stuck.step}" cannot be taken; possible are: ${stuck.possible.join('; ')}`);
  }
  return { ...model, initial: states.slice(-1) };
}
