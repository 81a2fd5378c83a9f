/**
 * Finds a Chromium for the browser tests, or installs Debian's.
 *
 * `npm ci && npm test` must pass on a fresh machine, and playwright-core brings no browser of its own. Where apt-get
 * may be used the package is installed once; everywhere else the error says what to do.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path of an installed Chromium; undefined when there is none. `WAVETANK_CHROMIUM` goes before all. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const chosen = environment.WAVETANK_CHROMIUM;
  if (chosen !== undefined && chosen !== '') {
    if (existsSync(chosen)) return chosen;
    throw new Error(`WAVETANK_CHROMIUM names ${chosen}, but there is no such file`);
  }
  return PLACES.find((place) => existsSync(place));
}

/** @throws Error that says how to install one, where this machine has none and it cannot be installed from here. */
export function needChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  const trouble = installChromium();
  const installed = findChromium();
  if (installed !== undefined) return installed;
  throw new Error(
    'the browser tests need Chromium, and there is none on this machine. Install it with\n\n' +
      '    apt-get install chromium\n\n' +
      `or name an installed one in the environment variable WAVETANK_CHROMIUM. (${trouble})`,
  );
}

/** Installs Debian's package; gives in words why it could not. */
function installChromium(): string {
  if (process.getuid?.() !== 0) return 'Not root, so nothing was installed.';
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const words of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    // Another process may hold the package manager's lock for a while.
    const done = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...words], {
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (done.error !== undefined) return `apt-get cannot be run: ${done.error.message}`;
    if (done.status !== 0) return `apt-get ${words.join(' ')} failed: ${done.stderr.trim()}`;
  }
  return 'The package was installed, but its program is in none of the known places.';
}
