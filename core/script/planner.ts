/** From the abstract syntax to a plan. */

import { failed } from './failure.js';
import { IMPLICIT_OPTIONS, readOptions } from './options.js';
import type { Instruction, Mode, OperandNeeds, Plan, PlannedKey } from './plan.js';
import type { Expression, Script, Statement, StoreStatement } from './syntax.js';

export function planScript(script: Script): Plan {
  const [first] = script;
  const alone = script.length === 1 ? first : undefined;
  const body = alone?.type === 'Begin' ? alone.body : script;
  const code: Instruction[] = [];
  const keys = new Map<string, PlannedKey>();
  for (const statement of body) compile(statement, code, keys);
  return { mode: modeOf(alone), code, keys: [...keys.values()] };
}

function modeOf(alone: Statement | undefined): Mode {
  switch (alone?.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
    case 'Get':
    case 'Exists':
    case 'Bucket':
    case 'Scan':
      return { type: 'Direct' };
    case 'Begin':
      return readOptions(alone);
    case 'Commit':
    case 'Rollback': {
      const word = alone.type.toUpperCase();
      return {
        type: 'Invalid',
        failure: failed(`Invalid transaction: ${word} stands alone, there is nothing to end`, alone.line),
      };
    }
    default:
      return { type: 'Transaction', options: IMPLICIT_OPTIONS, autoCommit: true };
  }
}

function compile(statement: Statement, code: Instruction[], keys: Map<string, PlannedKey>): void {
  const { line } = statement;
  switch (statement.type) {
    case 'If': {
      const branch = code.length;
      code.push({ type: 'Branch', condition: statement.condition, otherwise: 0, line });
      for (const each of statement.then) compile(each, code, keys);
      const jump = code.length;
      if (statement.otherwise.length > 0) code.push({ type: 'Jump', to: 0, line });
      code[branch] = { type: 'Branch', condition: statement.condition, otherwise: code.length, line };
      for (const each of statement.otherwise) compile(each, code, keys);
      if (statement.otherwise.length > 0) code[jump] = { type: 'Jump', to: code.length, line };
      return;
    }
    case 'For': {
      code.push({ type: 'Loop', items: statement.items, line });
      const next = code.length;
      code.push({ type: 'Next', name: statement.name, exit: 0, line });
      for (const each of statement.body) compile(each, code, keys);
      code.push({ type: 'Jump', to: next, line });
      code[next] = { type: 'Next', name: statement.name, exit: code.length, line };
      return;
    }
    case 'Begin':
      code.push({ type: 'NestedBegin', line });
      return;
    case 'Set':
    case 'Delete':
    case 'Extend':
    case 'Get':
    case 'Exists':
    case 'Bucket':
    case 'Scan':
      noteKey(statement, keys);
      code.push({ type: 'Store', statement, needs: needsOf(statement), line });
      return;
    case 'Let':
    case 'Return':
    case 'Throw':
    case 'Sleep':
    case 'Commit':
    case 'Rollback':
      code.push(statement);
  }
}

/** Once for each lock that there is to take, however often the script names the key: a parameter may make it long. */
function noteKey(statement: StoreStatement, keys: Map<string, PlannedKey>): void {
  const { key, ephemeral, line } = statement;
  const lock = lockOf(statement);
  const identity = `${lock} ${ephemeral ? 'ephemeral' : 'persistent'} ${key.type} ${key.name}`;
  if (!keys.has(identity)) keys.set(identity, { key, ephemeral, lock, line });
}

/** Reads of the past, EXISTS and scans take no lock. */
function lockOf(statement: StoreStatement): PlannedKey['lock'] {
  switch (statement.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return 'key';
    case 'Get':
      return statement.at === undefined && statement.asOf === undefined ? 'key' : 'none';
    case 'Bucket':
      return statement.asOf === undefined ? 'bucket' : 'none';
    case 'Exists':
    case 'Scan':
      return 'none';
  }
}

function needsOf(statement: StoreStatement): OperandNeeds {
  const found = { variables: new Set<string>(), outcome: false };
  if (statement.type === 'Set') {
    look(statement.value, found);
    for (const option of statement.options) if ('value' in option) look(option.value, found);
  } else if ('asOf' in statement) look(statement.asOf, found);
  return { variables: [...found.variables], outcome: found.outcome };
}

function look(expression: Expression, found: { variables: Set<string>; outcome: boolean }): void {
  switch (expression.type) {
    case 'Variable':
      found.variables.add(expression.name);
      return;
    case 'NotSet':
    case 'NotFound':
      found.outcome = true;
      return;
    case 'Not':
      return look(expression.operand, found);
    case 'Chain':
      look(expression.first, found);
      for (const { operand } of expression.rest) look(operand, found);
      return;
    case 'Index':
      look(expression.base, found);
      for (const place of expression.places) look(place, found);
      return;
    case 'Call':
      for (const input of expression.inputs) look(input, found);
      return;
    case 'List':
      for (const item of expression.items) look(item, found);
      return;
    case 'Literal':
    case 'TooLarge':
    case 'Placeholder':
      return;
  }
}
