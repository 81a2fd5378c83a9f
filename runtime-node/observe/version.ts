/** The version of this package, as its package.json has it: above the sources and above the built files alike. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let known: string | undefined;

export function packageVersion(): string {
  known ??= findVersion(import.meta.dirname);
  return known;
}

function findVersion(folder: string): string {
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
    if (name === 'wavetank' && typeof version === 'string') return version;
  } catch {
    // No package.json here: look further up.
  }
  const above = dirname(folder);
  return above === folder ? 'unknown' : findVersion(above);
}
