import { describe, expect, it } from 'vitest';

import { wordsIn } from '../../../runtime-node/cli/words.js';

describe('a line of the shell', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['set  a\tb ', ['set', 'a', 'b']],
    [`set "hello world" 'it"s'`, ['set', 'hello world', 'it"s']],
    [`set '' ""`, ['set', '', '']],
    [`a"b c"d`, ['ab cd']],
    [`a\\ b \\"`, ['a b', '"']],
    [`"a\\"b" 'c\\d'`, ['a"b', 'c\\d']],
  ])('%j has the words %o', (line, words) => {
    expect(wordsIn(line)).toEqual({ type: 'Words', words });
  });

  it.each([
    ['set "a', 'a " is not closed'],
    ["set 'a", "a ' is not closed"],
    ['set a\\', 'nothing follows the backslash'],
  ])('%j is unfinished', (line, reason) => {
    expect(wordsIn(line)).toEqual({ type: 'Unfinished', reason });
  });
});
