/** Checks of command-line values, with errors that say what was expected. */

import { InvalidArgumentError } from 'commander';

/** A parser for a whole number of `least` or more. */
export function wholeNumber(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(
        `${flag} wants a whole number of ${least} or more, for example ${written(flag, Math.max(least, 7))}.`,
      );
    }
    return value;
  };
}

/** A value as one writes it on the command line: after the flag, or alone where it is an argument, as `<ms>` is. */
export function written(flag: string, value: string | number): string {
  return flag.startsWith('<') ? `${value}` : `${flag} ${value}`;
}
