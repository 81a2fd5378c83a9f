/** Runs instructions until something is needed, the steps of this turn are used up, or the script is over. */

import { ScriptCode, type OperateEffect } from './effects.js';
import type { Asked, ScriptStep } from './evaluation.js';
import { evaluate } from './expression.js';
import { failed } from './failure.js';
import { conflict } from './independence.js';
import { MAX_SLEEP_MS } from './limits.js';
import { make, overdrawn, spend } from './meter.js';
import type { Instruction, StoreInstruction } from './plan.js';
import {
  abort,
  assign,
  ended,
  evaluationOf,
  fail,
  needs,
  outcomeOf,
  scopeOf,
  setResult,
  type Run,
} from './run.js';
import { prepare, type Setting } from './statement.js';
import { textOf } from './text.js';
import { sizeOf } from './value.js';

export function execute(run: Run): ScriptStep {
  const { plan, limits, steps } = run.before;
  const pauseAt = steps + limits.maxStepsPerTurn;
  for (;;) {
    const instruction = plan.code[run.at];
    if (instruction === undefined) return finish(run, 'by itself');
    if (run.meter.steps >= pauseAt) {
      return { type: 'Paused', evaluation: evaluationOf(run, { type: 'Paused' }) };
    }
    run.meter.steps += 1;
    run.meter.made = 0;
    const step = executeOne(run, instruction);
    if (step !== undefined) return step;
    const problem = overdrawn(run.meter, instruction.line);
    if (problem !== undefined) return fail(run, problem);
  }
}

/** Undefined when the run can go on at once. */
function executeOne(run: Run, instruction: Instruction): ScriptStep | undefined {
  const { line } = instruction;
  switch (instruction.type) {
    case 'Store':
      return ask(run, instruction);
    case 'Let': {
      const value = evaluate(instruction.value, scopeOf(run));
      if (value.type === 'failure') return fail(run, value);
      assign(run, instruction.name, value);
      setResult(run, { type: 'Value', value });
      run.at += 1;
      return undefined;
    }
    case 'Branch': {
      const value = evaluate(instruction.condition, scopeOf(run));
      if (value.type === 'failure') return fail(run, value);
      run.at = value.type === 'bool' && value.value ? run.at + 1 : instruction.otherwise;
      return undefined;
    }
    case 'Jump':
      run.at = instruction.to;
      return undefined;
    case 'Loop': {
      const items = evaluate(instruction.items, scopeOf(run));
      if (items.type === 'failure') return fail(run, items);
      if (items.type !== 'array') return fail(run, failed(`FOR takes an array, not ${items.type}`, line));
      run.loops = { items, next: 0, outer: run.loops };
      run.meter.held += sizeOf(items);
      run.at += 1;
      return undefined;
    }
    case 'Next':
      iterate(run, instruction);
      return undefined;
    case 'Return': {
      if (instruction.value === undefined) return finish(run, 'by itself');
      const value = evaluate(instruction.value, scopeOf(run));
      if (value.type === 'failure') return fail(run, value);
      setResult(run, { type: 'Value', value });
      const problem = overdrawn(run.meter, line);
      return problem === undefined ? finish(run, 'by itself') : fail(run, problem);
    }
    case 'Throw': {
      const value = evaluate(instruction.value, scopeOf(run));
      if (value.type === 'failure') return fail(run, value);
      if (value.type === 'array') return fail(run, failed('An array cannot be thrown', line));
      const problem = make(run.meter, sizeOf(value), line);
      return fail(run, problem ?? failed(value.type === 'null' ? '(null)' : textOf(value), line));
    }
    case 'Sleep': {
      const { ms } = instruction;
      if (ms < 0n || ms > MAX_SLEEP_MS) {
        return fail(run, failed(`SLEEP takes 0 to ${MAX_SLEEP_MS} milliseconds, not ${ms}`, line));
      }
      run.at += 1;
      return needs(run, { type: 'Sleeping' }, [{ type: 'Sleep', ms: Number(ms) }]);
    }
    case 'Commit':
      return finish(run, 'by COMMIT');
    case 'Rollback':
      return abort(run, 'The script rolled back');
    case 'NestedBegin':
      return fail(run, failed('Nested transactions are not supported: BEGIN must be the whole script', line));
  }
}

/** The script is over and nothing is wrong; whether that commits depends on how it began. */
function finish(run: Run, how: 'by itself' | 'by COMMIT'): ScriptStep {
  const { mode } = run.before.plan;
  if (mode.type !== 'Transaction') return ended(run, outcomeOf(run.result));
  if (how === 'by itself' && !mode.autoCommit) return abort(run, 'The script ended without COMMIT');
  run.deadline = undefined;
  return needs(run, { type: 'Committing' }, [{ type: 'Commit' }]);
}

/** The loop variable is like any other, and keeps the last item. */
function iterate(run: Run, { name, exit }: Instruction & { readonly type: 'Next' }): void {
  const { loops } = run;
  const item = loops?.items.items[loops.next];
  if (loops === undefined || item === undefined) {
    run.meter.held -= loops === undefined ? 0 : sizeOf(loops.items);
    run.loops = loops?.outer;
    run.at = exit;
    return;
  }
  assign(run, name, item);
  run.loops = { ...loops, next: loops.next + 1 };
  run.at += 1;
}

/**
 * Asks this statement, and those after it that do not depend on what it is told. One that cannot be asked ends the row, and is
 * looked at again when those before it are answered: so whatever is wrong with it is told as if they had run one by one.
 */
function ask(run: Run, first: StoreInstruction): ScriptStep | undefined {
  const { plan, limits, steps } = run.before;
  const setting = settingOf(run);
  const asked: Asked[] = [];
  const bound = new Set<string>();
  let instruction: Instruction | undefined = first;
  while (instruction?.type === 'Store' && asked.length < limits.maxConcurrent) {
    if (asked.length > 0 && dependsOn(instruction, bound)) break;
    const { statement } = instruction;
    const prepared = prepare(statement, scopeOf(run), setting);
    if (prepared.type !== 'Ask') {
      if (asked.length > 0) break;
      return refused(run, first, prepared);
    }
    const { operation } = prepared;
    // Each is compared with all before it, and keys may be long.
    spend(run.meter, ('key' in operation ? operation.key : operation.prefix).length * asked.length);
    if (asked.some((earlier) => conflict(earlier.operation, operation))) break;
    asked.push({ statement, operation });
    if ('into' in statement) bound.add(statement.into);
    if (run.meter.steps >= steps + limits.maxStepsPerTurn) break;
    instruction = plan.code[run.at + asked.length];
  }
  const effects = asked.map(({ operation }): OperateEffect => ({ type: 'Operate', operation }));
  return needs(run, { type: 'Asking', asked }, effects);
}

function dependsOn({ needs: { variables, outcome } }: StoreInstruction, bound: ReadonlySet<string>): boolean {
  return outcome || variables.some((name) => bound.has(name));
}

function settingOf(run: Run): Setting {
  const { mode } = run.before.plan;
  const transaction = mode.type === 'Transaction';
  return { transaction, snapshotMs: transaction ? mode.options.snapshotMs : undefined };
}

/** What becomes of a statement that the store is not asked. */
function refused(
  run: Run,
  { statement }: StoreInstruction,
  prepared: Exclude<ReturnType<typeof prepare>, { readonly type: 'Ask' }>,
): ScriptStep | undefined {
  if (prepared.type === 'failure') return fail(run, prepared);
  if (prepared.type === 'Abort') return abort(run, prepared.reason);
  const code = ScriptCode.invalidInput;
  setResult(run, { type: 'Told', code, entries: [], reason: prepared.reason });
  if (statement.type === 'Set' || statement.type === 'Extend') run.lastWrite = code;
  run.at += 1;
  return undefined;
}
