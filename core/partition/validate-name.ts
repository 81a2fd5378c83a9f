/** What texts may name something that clients make. */

import { RESERVED_KEY_PREFIX } from './command.js';

/** What is wrong with a text that names something. */
export function problemWithName(what: string, name: string): string | undefined {
  if (name.length === 0) return `the ${what} is empty`;
  return name.isWellFormed() ? undefined : brokenText(`the ${what}`);
}

export function brokenText(what: string): string {
  return `${what} is not valid Unicode: it holds half of a surrogate pair`;
}

/** What is wrong with where a name lies. */
export function problemWithPlace(what: string, name: string): string | undefined {
  return name.startsWith(RESERVED_KEY_PREFIX)
    ? `${what} that begin with "${RESERVED_KEY_PREFIX}" are reserved`
    : undefined;
}
