import { describe, expect, it } from 'vitest';
import { added, EMPTY_LIST, listWith, listWithout } from '../../../core/collections/list.js';

describe('adding to a list of the caller', () => {
  it('begins a new list where there was none', () => {
    const first = added<string>(EMPTY_LIST, 'a');
    const second = added<string>(EMPTY_LIST, 'b');

    expect([first, second, EMPTY_LIST]).toEqual([['a'], ['b'], []]);
  });

  it('changes the list in place from then on', () => {
    const list = added<string>(EMPTY_LIST, 'a');

    const longer = added(list, 'b');

    expect(longer).toBe(list);
    expect(longer).toEqual(['a', 'b']);
  });
});

describe('a copy of a list', () => {
  it.each([
    [0, ['x', 'a', 'b']],
    [1, ['a', 'x', 'b']],
    [2, ['a', 'b', 'x']],
  ])('has one more item at place %i', (at, expected) => {
    const list = ['a', 'b'];

    const longer = listWith(list, 'x', at);

    expect(longer).toStrictEqual(expected);
    expect(list).toEqual(['a', 'b']);
  });

  it('has one more item at its end unless told', () => {
    expect(listWith(['a'], 'x')).toStrictEqual(['a', 'x']);
    expect(listWith([], 'x')).toStrictEqual(['x']);
  });

  it.each([
    [0, ['b', 'c']],
    [1, ['a', 'c']],
    [2, ['a', 'b']],
  ])('lacks the item at place %i', (at, expected) => {
    const list = ['a', 'b', 'c'];

    const shorter = listWithout(list, at);

    expect(shorter).toStrictEqual(expected);
    expect(list).toEqual(['a', 'b', 'c']);
  });
});
