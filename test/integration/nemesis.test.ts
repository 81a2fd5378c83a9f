/** The short run of the nemesis; the long one is `npm run nemesis`. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { runNemesis } from '../nemesis/run.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wavetank-nemesis-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('killed, paused and restarted processes break no promise to the clients of keys, locks and sequences', async () => {
  const result = await runNemesis({ seed: 9, kills: 3, keepIn: join(folder, 'kept') });

  expect(result.problems).toEqual([]);
  expect(result.kills).toBe(3);
  expect(result.pauses).toBe(1);
  expect(result.restarts).toBe(1);
});
