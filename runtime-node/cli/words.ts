/** A line of the shell as words: with spaces between, or in quotes of either kind; a backslash takes what follows as it is. */

export type Words =
  | { readonly type: 'Words'; readonly words: readonly string[] }
  | { readonly type: 'Unfinished'; readonly reason: string };

/**
 * @example
 * ```ts
 * wordsIn(`set greeting "hello world" ''`); // set, greeting, hello world, and one without letters
 * ```
 */
export function wordsIn(line: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < line.length; i += 1) {
    const character = line.charAt(i);
    if (character === '\\' && quote !== "'") {
      i += 1;
      if (i === line.length) return { type: 'Unfinished', reason: 'nothing follows the backslash' };
      word = (word ?? '') + line.charAt(i);
    } else if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined) return { type: 'Unfinished', reason: `a ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return { type: 'Words', words };
}
