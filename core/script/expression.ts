/** The value of an expression, in one go: expressions ask nothing of the store. Depth is bounded by the parser. */

import { mapGet, type OrderedMap } from '../collections/ordered-map.js';
import { calculate } from './arithmetic.js';
import {
  areEqual,
  elementAt,
  inOrder,
  logical,
  negation,
  rangeOf,
  spendOnBoth,
  tooMany,
} from './comparison.js';
import { ScriptCode } from './effects.js';
import { failed, type Failure } from './failure.js';
import { callFunction } from './functions.js';
import { make, overdrawn, spend, type Meter } from './meter.js';
import type { BinaryOperator, Expression } from './syntax.js';
import { arrayOf, boolOf, VALUE_BYTES, type ScriptValue } from './value.js';

/** What expressions look at. */
export interface Scope {
  readonly variables: OrderedMap<ScriptValue>;
  readonly parameters: OrderedMap<ScriptValue>;
  /** How the latest write of the script ended; absent before the first. */
  readonly lastWrite: ScriptCode | undefined;
  /** The latest result of the script; absent before the first. */
  readonly lastResult: ScriptCode | undefined;
  readonly wallMs: number;
  readonly hlcMs: number;
  readonly meter: Meter;
}

export function evaluate(expression: Expression, scope: Scope): ScriptValue | Failure {
  const { line } = expression;
  const { meter } = scope;
  meter.steps += 1;
  if (meter.steps > meter.limits.maxSteps) return overdrawn(meter, line) as Failure;
  switch (expression.type) {
    case 'Literal':
      return expression.value;
    case 'TooLarge':
      return failed(`The number ${shortened(expression.text)} needs more than 64 bits`, line);
    case 'Variable':
      spend(meter, expression.name.length);
      return (
        mapGet(scope.variables, expression.name) ?? failed(`Undefined variable ${expression.name}`, line)
      );
    case 'Placeholder':
      spend(meter, expression.name.length);
      return (
        mapGet(scope.parameters, expression.name) ?? failed(`Undefined parameter ${expression.name}`, line)
      );
    case 'NotSet':
      if (scope.lastWrite === undefined) return failed('NOT SET before any write', line);
      return boolOf(scope.lastWrite !== ScriptCode.set);
    case 'NotFound':
      return boolOf(scope.lastResult !== ScriptCode.got && scope.lastResult !== ScriptCode.exists);
    case 'Not': {
      const value = evaluate(expression.operand, scope);
      return value.type === 'failure' ? value : negation(value, line);
    }
    case 'Chain': {
      let value = evaluate(expression.first, scope);
      for (const { operator, operand } of expression.rest) {
        if (value.type === 'failure') return value;
        const right = evaluate(operand, scope);
        if (right.type === 'failure') return right;
        value = combine(operator, value, right, line, meter);
      }
      return value;
    }
    case 'Index': {
      let value = evaluate(expression.base, scope);
      for (const each of expression.places) {
        if (value.type === 'failure') return value;
        const place = evaluate(each, scope);
        if (place.type === 'failure') return place;
        value = elementAt(value, place, line);
      }
      return value;
    }
    case 'Call': {
      const inputs = evaluateAll(expression.inputs, scope);
      if ('type' in inputs) return inputs;
      const { wallMs, hlcMs } = scope;
      return callFunction(inputs, { name: expression.name, line, meter, wallMs, hlcMs });
    }
    case 'List': {
      const { items } = expression;
      const problem = tooMany(items.length, line, meter) ?? make(meter, VALUE_BYTES * items.length, line);
      if (problem !== undefined) return problem;
      const values = evaluateAll(items, scope);
      if ('type' in values) return values;
      const inner = values.some(({ type }) => type === 'array');
      return inner ? failed('An array cannot hold an array', line) : arrayOf(values);
    }
  }
}

function evaluateAll(expressions: readonly Expression[], scope: Scope): readonly ScriptValue[] | Failure {
  const values: ScriptValue[] = [];
  for (const expression of expressions) {
    const value = evaluate(expression, scope);
    if (value.type === 'failure') return value;
    values.push(value);
  }
  return values;
}

function combine(
  operator: BinaryOperator,
  left: ScriptValue,
  right: ScriptValue,
  line: number,
  meter: Meter,
): ScriptValue | Failure {
  spendOnBoth(meter, left, right);
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
      return calculate(operator, left, right, line);
    case '=':
    case '==':
    case '<>':
    case '!=': {
      const equal = areEqual(operator, left, right, line);
      if (typeof equal !== 'boolean') return equal;
      return boolOf(equal === (operator === '=' || operator === '=='));
    }
    case '<':
    case '>':
    case '<=':
    case '>=':
      return inOrder(operator, left, right, line);
    case '&&':
    case '||':
      return logical(operator, left, right, line);
    case '..':
      return rangeOf(left, right, line, meter);
  }
}

function shortened(digits: string): string {
  return digits.length > 40 ? `${digits.slice(0, 40)}…` : digits;
}
