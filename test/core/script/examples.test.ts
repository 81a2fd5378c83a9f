/** Section 17 of the script specification. */

import { expect, test } from 'vitest';
import { emptyShelf } from './support/shelf.js';
import { resultOf, runScript, said } from './support/run.js';

const TAKE = `
let stock = get \`item/7\`
if to_int(stock) >= 3 then
  set \`item/7\` stock - 3
  return "taken"
end
throw "short"`;

test('an item is taken while there is enough', () => {
  const shelf = emptyShelf();
  resultOf('set `item/7` 5', { shelf });

  expect(said(runScript(TAKE, { shelf }).outcome)).toEqual({
    type: 'got',
    values: ['taken'],
    revisions: [-1],
  });
  expect(resultOf('get `item/7`', { shelf })).toBe('got 2');

  expect(resultOf(TAKE, { shelf })).toBe('errored: short at line 7');
  expect(said(runScript('get `item/7`', { shelf }).outcome)).toEqual({
    type: 'got',
    values: ['2'],
    revisions: [1],
  });
});

test('an item that was never there cannot be taken: null is no number', () => {
  expect(resultOf(TAKE)).toBe('errored: Cannot convert null to int at line 3');
});

test('a seat is taken once', () => {
  const shelf = emptyShelf();
  const script = `
    begin (timeout=2000)
      set \`seat/12\` @who nx
      if not set then
        rollback
      end
      commit
    end`;

  const first = runScript(script, { shelf, parameters: { '@who': 'ada' } });
  const second = runScript(script, { shelf, parameters: { '@who': 'bob' } });

  expect(said(first.outcome)).toEqual({ type: 'set', values: [null], revisions: [0] });
  expect(said(second.outcome)).toEqual({ type: 'aborted', values: [], revisions: [] });
  expect(resultOf('get `seat/12`', { shelf })).toBe('got ada');
});

test('the right side of a range is a count', () => {
  const script = `
    let total = 0
    for n in 3..4 do
      let total = total + n
    end
    return total`;

  expect(resultOf(script)).toBe('got 18');
});

test('AT does not see what the script itself wrote', () => {
  expect(said(runScript('set audit "x" norev\nget audit at 0').outcome)).toEqual({
    type: 'doesNotExist',
    values: [null],
    revisions: [-1],
  });
});
