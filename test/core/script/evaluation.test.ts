/** An evaluation is plain data: it can be written down after every step and gone on from anywhere. */

import { describe, expect, it } from 'vitest';
import {
  DEFAULT_SCRIPT_LIMITS,
  prepareScript,
  startScript,
  stepScript,
  type ScriptAnswer,
  type ScriptStep,
} from '../../../core/index.js';
import { inShort, runScript } from './support/run.js';
import { carryOut, clocksOf, emptyShelf } from './support/shelf.js';

const SCRIPT = `
  let total = 0
  set \`b/1\` "5" ex 60000
  set \`b/2\` 7
  let all = get by bucket b
  for item in all do
    let total = total + to_int(item)
    if total > 5 then
      sleep 10
    end
  end
  let here = exists \`b/1\`
  return [total, rev(all[0]), here, expires(all[0]) > 0]`;

describe('a run', () => {
  it('that is copied after every step ends as one that is not', () => {
    const shelf = emptyShelf();
    const limits = { ...DEFAULT_SCRIPT_LIMITS, maxStepsPerTurn: 5 };
    const prepared = prepareScript(SCRIPT, limits);
    if (prepared.type === 'Refused') throw new Error(prepared.problem.found);

    let step: ScriptStep = startScript({ plan: prepared.plan, now: clocksOf(shelf), limits });
    let steps = 1;
    while (step.type !== 'Ended') {
      const copy = structuredClone(step);
      const answers: readonly ScriptAnswer[] =
        copy.type === 'Needs' ? copy.effects.map((effect) => carryOut(shelf, effect)) : [];
      const now = clocksOf(shelf);
      step = stepScript(
        copy.evaluation,
        copy.type === 'Needs'
          ? { type: 'Answered', now, answers: structuredClone(answers) }
          : { type: 'Elapsed', now },
      );
      steps += 1;
    }

    expect(steps).toBeGreaterThan(10);
    expect(inShort(step.outcome)).toBe('got 12 0 true true');
    expect(step.outcome).toEqual(runScript(SCRIPT).outcome);
  });

  it('can be gone on from the same place twice', () => {
    const shelf = emptyShelf();
    const { evaluations } = runScript(SCRIPT, { shelf, limits: { maxStepsPerTurn: 5 } });
    const paused = evaluations.filter(({ phase }) => phase.type === 'Paused');

    for (const evaluation of paused) {
      const once = stepScript(evaluation, { type: 'Elapsed', now: clocksOf(shelf) });
      expect(stepScript(evaluation, { type: 'Elapsed', now: clocksOf(shelf) })).toEqual(once);
    }
    expect(paused.length).toBeGreaterThan(3);
  });

  it('that is given the wrong number of answers stops its host: something is broken there', () => {
    const prepared = prepareScript('set a 1 set b 2');
    if (prepared.type === 'Refused') throw new Error(prepared.problem.found);
    const step = startScript({ plan: prepared.plan, now: clocksOf(emptyShelf()) });
    if (step.type === 'Ended') throw new Error('it has not begun');
    const { evaluation } = step;

    expect(() =>
      stepScript(evaluation, { type: 'Answered', now: clocksOf(emptyShelf()), answers: [] }),
    ).toThrow('cannot have 0 answers');
  });
});
