/** The statements that ask something of the store. Those whose verb begins with an e are about ephemeral keys. */

import { accept, advance, looksAt, refuse, refuseBecause, demand, wants, type Cursor } from './cursor.js';
import { parseExpression, parseInteger } from './parse-expression.js';
import type { Expression, Key, SetOption, Statement } from './syntax.js';

export function parseSet(cursor: Cursor): Statement | undefined {
  const verb = advance(cursor);
  const key = parseKey(cursor);
  const value = key && parseExpression(cursor);
  if (key === undefined || value === undefined) return undefined;
  const options: SetOption[] = [];
  for (;;) {
    const type = OPTIONS.find((option) => looksAt(cursor, option));
    if (type === undefined) break;
    advance(cursor);
    if (type === 'nx' || type === 'xx' || type === 'norev') options.push({ type });
    else {
      const operand = parseExpression(cursor);
      if (operand === undefined) return undefined;
      options.push({ type, value: operand });
    }
  }
  return { type: 'Set', ephemeral: verb.symbol === 'eset', key, value, options, line: verb.line };
}

const OPTIONS = ['nx', 'xx', 'ex', 'cmp', 'cmprev', 'norev'] as const;

export function parseDelete(cursor: Cursor): Statement | undefined {
  const verb = advance(cursor);
  const key = parseKey(cursor);
  return key && { type: 'Delete', ephemeral: verb.symbol === 'edelete', key, line: verb.line };
}

export function parseExtend(cursor: Cursor): Statement | undefined {
  const verb = advance(cursor);
  const key = parseKey(cursor);
  const ms = key && parseInteger(cursor);
  if (key === undefined || ms === undefined) return undefined;
  return { type: 'Extend', ephemeral: verb.symbol === 'eextend', key, ms, line: verb.line };
}

/** A read, whose answer a variable may take; its line is then that of the LET. */
export function parseRead(cursor: Cursor, let_?: { name: string; line: number }): Statement | undefined {
  const verb = advance(cursor);
  const into = let_ && { into: let_.name };
  const line = let_?.line ?? verb.line;
  const ephemeral = verb.symbol.startsWith('ee') || verb.symbol === 'eget' || verb.symbol === 'escan';
  switch (verb.symbol) {
    case 'scan':
    case 'escan':
      return demand(cursor, 'by') && demand(cursor, 'prefix') && page('Scan');
    case 'get':
    case 'eget':
      if (accept(cursor, 'by') !== undefined) return demand(cursor, 'bucket') && page('Bucket');
      return point('Get');
    default:
      return point('Exists');
  }

  function page(type: 'Bucket' | 'Scan'): Statement | undefined {
    const key = parseKey(cursor);
    const instant = key && parseAsOf(cursor);
    return key && instant && { type, ephemeral, key, ...into, ...instant, line };
  }

  function point(type: 'Get' | 'Exists'): Statement | undefined {
    const key = parseKey(cursor);
    if (key === undefined) return undefined;
    if (accept(cursor, 'at') !== undefined) {
      const at = parseInteger(cursor);
      return at === undefined ? undefined : { type, ephemeral, key, at, ...into, line };
    }
    const instant = parseAsOf(cursor);
    return instant && { type, ephemeral, key, ...into, ...instant, line };
  }
}

/** `as of e`, or nothing; undefined for a problem. */
function parseAsOf(cursor: Cursor): { readonly asOf?: Expression } | undefined {
  if (accept(cursor, 'as') === undefined) return {};
  if (demand(cursor, 'of') === undefined) return undefined;
  const asOf = parseExpression(cursor);
  return asOf && { asOf };
}

function parseKey(cursor: Cursor): Key | undefined {
  const { symbol, text } = cursor.token;
  switch (symbol) {
    case 'identifier': {
      const { end } = advance(cursor);
      if (goesOnAt(cursor, end))
        return refuseBecause(
          cursor,
          `a key with "${cursor.token.text}" in it stands in quotes, as in get "users/17"`,
        );
      return { type: 'Name', name: text };
    }
    case 'string':
      advance(cursor);
      return { type: 'Name', name: text };
    case 'placeholder':
      advance(cursor);
      return { type: 'Placeholder', name: text };
    default:
      wants(cursor, 'a key');
      return refuse(cursor);
  }
}

/** Whether a name without quotes was meant to go on: what follows it at once can begin nothing, here. */
function goesOnAt({ source, token: { symbol, start } }: Cursor, end: number): boolean {
  if (start !== end) return false;
  return symbol === '/' || (symbol === '-' && /[A-Za-z_]/.test(source.charAt(start + 1)));
}
