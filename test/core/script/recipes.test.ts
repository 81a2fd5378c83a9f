/** The recipes do what they say. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { nextToken } from '../../../core/script/lexer.js';
import { emptyShelf, type Shelf } from './support/shelf.js';
import { resultOf } from './support/run.js';

const FOLDER = fileURLToPath(new URL('../../../core/script/recipes/', import.meta.url));

const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.script'))
  .sort();

const textOf = (file: string): string => readFileSync(FOLDER + file, 'utf8');

/** Runs recipes of one folder on one shelf; parameters are given without their `@`. */
function recipes(folder: string, shelf: Shelf) {
  return (script: string, parameters: Readonly<Record<string, string | number>>): string =>
    resultOf(textOf(`${folder}/${script}.script`), {
      shelf,
      parameters: Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [`@${name}`, String(value)]),
      ),
    });
}

describe.each(FILES)('%s', (file) => {
  it('explains every parameter that it uses, and no other', () => {
    const text = textOf(file);
    const used = new Set<string>();
    for (
      let token = nextToken(text, 0, 1);
      token.kind !== 'End';
      token = nextToken(text, token.end, token.line)
    ) {
      if (token.kind === 'Placeholder') used.add(token.text);
    }

    const explained = [...text.matchAll(/^# (@\w+) {2,}\S/gm)].map(([, name]) => name as string);

    expect(explained.sort()).toEqual([...used].sort());
    expect(text).toMatch(/^# [A-Z]/);
  });

  it('is named in the list', () => {
    const [folder = '', script = ''] = file.replace('.script', '').split('/');

    expect(textOf('README.md')).toMatch(new RegExp(`^\\| \`${folder}/\` .*\`${script}\``, 'm'));
  });
});

test('leader election', () => {
  const shelf = emptyShelf();
  const run = recipes('leader-election', shelf);
  const ada = { election: 'office', candidate: 'ada' };
  const bob = { election: 'office', candidate: 'bob' };

  expect(run('campaign', ada)).toBe('got true ada 0');
  expect(run('campaign', bob)).toBe('got false ada 0');
  shelf.now += 14_000;
  expect(run('renew', ada)).toBe('got true');
  expect(run('renew', bob)).toBe('got false');
  shelf.now += 14_000;
  expect(run('campaign', ada)).toBe('got true ada 0');
  shelf.now += 2_000;
  expect(run('campaign', bob)).toBe('got true bob 1');
  expect(run('renew', ada)).toBe('got false');
  expect(run('resign', ada)).toBe('got false');
  expect(run('resign', bob)).toBe('got true');
  expect(run('campaign', ada)).toBe('got true ada 3');
});

test('feature flags', () => {
  const shelf = emptyShelf();
  const run = recipes('feature-flags', shelf);
  const check = (percentile: number): string => run('check', { flag: 'flags/new', percentile });

  expect(check(0)).toBe('got false');
  expect(run('change', { flag: 'flags/new', rule: '25', revision: -1 })).toBe('got 0');
  expect([check(0), check(24), check(25), check(99)]).toEqual([
    'got true',
    'got true',
    'got false',
    'got false',
  ]);
  expect(run('change', { flag: 'flags/new', rule: 'on', revision: 0 })).toBe('got 1');
  expect(check(99)).toBe('got true');
  expect(run('change', { flag: 'flags/new', rule: 'off', revision: 0 })).toBe(
    'errored: the flag is no longer at revision 0 at line 11',
  );
  expect(run('change', { flag: 'flags/new', rule: 'off', revision: 1 })).toBe('got 2');
  expect(check(0)).toBe('got false');
  expect(run('change', { flag: 'flags/a', rule: 'on', revision: -1 })).toBe('got 0');
  expect(run('list', {})).toBe('got on off');
});

test('idempotent jobs', () => {
  const shelf = emptyShelf();
  const run = recipes('idempotent-jobs', shelf);
  const claim = (worker: string): string => run('claim', { job: 'job/7', worker, lease_ms: 1_000 });
  const finish = (worker: string): string =>
    run('finish', { job: 'job/7', worker, result: '42', keep_ms: 60_000 });

  expect(claim('ada')).toBe('got run');
  expect(claim('bob')).toBe('got running ada');
  shelf.now += 2_000;
  expect(claim('bob')).toBe('got run');
  expect(finish('ada')).toBe('errored: the job is no longer yours at line 15');
  expect(finish('bob')).toBe('got done');
  expect(claim('ada')).toBe('got done 42');
  shelf.now += 61_000;
  expect(claim('ada')).toBe('got run');
});

test('inventory reservation', () => {
  const shelf = emptyShelf();
  const run = recipes('inventory-reservation', shelf);
  resultOf('set `stock/42` 5', { shelf });
  const reserve = (order: string, quantity: number): string =>
    run('reserve', {
      stock: 'stock/42',
      holds: 'holds/42',
      hold: `holds/42/${order}`,
      quantity,
      hold_ms: 1_000,
    });
  const confirm = (order: string): string => run('confirm', { stock: 'stock/42', hold: `holds/42/${order}` });

  expect(reserve('a', 3)).toBe('got 2');
  expect(reserve('b', 3)).toBe('errored: short at line 23');
  expect(reserve('b', 2)).toBe('got 0');
  expect(reserve('a', 3)).toBe('got 0');
  expect(run('release', { hold: 'holds/42/b' })).toBe('deleted');
  expect(confirm('a')).toBe('got 2');
  expect(confirm('a')).toBe('errored: the hold has ended at line 10');
  expect(reserve('c', 2)).toBe('got 0');
  shelf.now += 1_001;
  expect(confirm('c')).toBe('errored: the hold has ended at line 10');
  expect(reserve('d', 2)).toBe('got 0');
});

test('ordered ids', () => {
  const run = recipes('ordered-ids', emptyShelf());

  expect(run('next', { counter: 'ids' })).toBe('got 1');
  expect(run('next', { counter: 'ids' })).toBe('got 2');
  expect(run('block', { counter: 'ids', size: 10 })).toBe('got 3 12');
  expect(run('next', { counter: 'ids' })).toBe('got 13');
  expect(run('block', { counter: 'ids', size: 0 })).toBe('errored: a block has one number or more at line 9');
});

describe('rate limiting', () => {
  it('with a fixed window', () => {
    const shelf = emptyShelf(1_000_000);
    const run = recipes('rate-limiting', shelf);
    const ask = (): string => run('fixed-window', { counter: 'c', limit: 3, window_ms: 1_000 });

    expect([ask(), ask(), ask()]).toEqual(['got true 2', 'got true 1', 'got true 0']);
    shelf.now += 400;
    expect(ask()).toBe('got false 600');
    shelf.now += 601;
    expect(ask()).toBe('got true 2');
  });

  it('with a sliding window, never lets more than the limit pass in a window, nor much less', () => {
    const shelf = emptyShelf(1_000_000);
    const run = recipes('rate-limiting', shelf);
    const passed: number[] = [];

    for (let i = 0; i < 400; i += 1) {
      if (run('sliding-window', { counter: 'c', limit: 10, window_ms: 1_000 }).startsWith('got true')) {
        passed.push(shelf.now);
      }
      shelf.now += 25;
    }

    const most = Math.max(
      ...passed.map((from) => passed.filter((at) => at >= from && at < from + 1_000).length),
    );
    expect(most).toBeLessThanOrEqual(11);
    expect(passed.length).toBeGreaterThan(80);
  });

  it('with a bucket of tokens', () => {
    const shelf = emptyShelf(1_000_000);
    const run = recipes('rate-limiting', shelf);
    const ask = (tokens: number): string =>
      run('token-bucket', { bucket: 'b', capacity: 5, every_ms: 100, tokens });

    expect(ask(4)).toBe('got true 1');
    expect(ask(3)).toBe('got false 200');
    shelf.now += 250;
    expect(ask(3)).toBe('got true 0');
    expect(ask(1)).toBe('got false 50');
    shelf.now += 50;
    expect(ask(1)).toBe('got true 0');
    shelf.now += 10_000;
    expect(ask(5)).toBe('got true 0');
    expect(ask(6)).toContain('errored: the bucket is never that full');
  });
});

test('service discovery', () => {
  const shelf = emptyShelf();
  const run = recipes('service-discovery', shelf);
  const register = (node: string): string =>
    run('register', { instance: `services/billing/${node}`, address: `${node}:80`, ttl_ms: 1_000 });

  expect(run('find', { service: 'services/billing' })).toBe('doesNotExist');
  expect(register('n1')).toBe('set');
  expect(register('n2')).toBe('set');
  expect(run('find', { service: 'services/billing' })).toBe('got n1:80 n2:80');
  shelf.now += 800;
  register('n1');
  shelf.now += 800;
  expect(run('find', { service: 'services/billing' })).toBe('got n1:80');
  expect(run('leave', { instance: 'services/billing/n1' })).toBe('deleted');
  expect(run('find', { service: 'services/billing' })).toBe('doesNotExist');
});
