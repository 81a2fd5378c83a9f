/** Checks of command-line values, with errors that say what was expected. */

import { InvalidArgumentError } from 'commander';

/** A parser for a whole number of `least` or more. */
export function wholeNumber(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(
        `${flag} wants a whole number of ${least} or more, for example ${flag} ${Math.max(least, 7)}.`,
      );
    }
    return value;
  };
}
