import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, stormScenario } from '../../sim/index.js';
import { bundleSim } from '../sim/support/bundle.js';
import { CHROMIUM_FLAGS, findChromium, needChromium } from './chromium.js';

const SEEDS = [1, 2, 3, 7, 42];

let browser: Browser;
let server: Server;
let origin: string;

beforeAll(async () => {
  const executablePath = needChromium();
  const script = await bundleSim('es');
  server = createServer((request, response) => {
    const isScript = request.url === '/sim.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>Wavetank</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

describe('the simulator in a browser', () => {
  it('gives the same reports as in Node', async () => {
    const page = await browser.newPage();
    await page.goto(origin);

    // A text and not a function: the test runner would rewrite the import.
    const there = await page.evaluate(
      `import('/sim.js').then(({ run, stormScenario }) =>
        ${JSON.stringify(SEEDS)}.map((seed) => JSON.stringify(run(stormScenario(seed)))))`,
    );

    expect(there).toEqual(SEEDS.map((seed) => JSON.stringify(run(stormScenario(seed)))));
  });
});

describe('the search for a browser', () => {
  it('takes the one that is named', () => {
    expect(findChromium({ WAVETANK_CHROMIUM: process.execPath })).toBe(process.execPath);
  });

  it('says so when the one that is named is not there', () => {
    const find = (): unknown => findChromium({ WAVETANK_CHROMIUM: '/nowhere/chromium' });

    expect(find).toThrow('WAVETANK_CHROMIUM names /nowhere/chromium');
  });
});
