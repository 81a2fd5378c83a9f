/** Transactions through real nodes: the main ways, over one and over several partitions. */

import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { nodeId } from '../../../core/machine/units.js';
import { KeyValueCode } from '../../../core/partition/command.js';
import { ScriptCode } from '../../../core/script/effects.js';
import { SessionCode } from '../../../core/transactions/calls.js';
import { Driver, keyIn, OPTIONS, put } from './driver.js';
import { get, set, textOf } from './support.js';

describe('a transaction', () => {
  it('writes in one partition, and nobody sees it before it is committed', () => {
    const driver = new Driver(1);
    const id = driver.start(1);
    const key = keyIn(1);
    expect(driver.do(1, id, put(key, 'new')).outcome).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(textOf(driver.plain(1, get(key)))).toBeNull();
    expect(driver.do(1, id, { type: 'Get', key }).outcome).toMatchObject({ code: KeyValueCode.got });

    expect(driver.commit(1, id)).toMatchObject({ code: SessionCode.committed, anchorKey: key });

    expect(textOf(driver.plain(1, get(key)))).toBe('new');
  });

  it('writes in two partitions', () => {
    const driver = new Driver(3);
    const [a, b] = [keyIn(1), keyIn(2)];
    driver.plain(1, set(a, 'old'));
    const id = driver.start(2);
    expect(driver.do(2, id, { type: 'Get', key: a }).outcome).toMatchObject({ code: KeyValueCode.got });
    driver.do(2, id, put(a, 'one'));
    driver.do(2, id, put(b, 'two'));

    expect(driver.commit(2, id).code).toBe(SessionCode.committed);

    expect(textOf(driver.plain(1, get(a)))).toBe('one');
    expect(textOf(driver.plain(3, get(b)))).toBe('two');
  });

  it('is taken by any node', () => {
    const driver = new Driver(3);
    const [a, b] = [keyIn(1), keyIn(2)];
    const id = driver.start(1);
    driver.do(2, id, put(a, 'one'));
    driver.do(3, id, put(b, 'two'));

    expect(driver.commit(2, id).code).toBe(SessionCode.committed);
    expect(driver.commit(3, id).code).toBe(SessionCode.committed);
    expect(driver.rollback(3, id).code).toBe(SessionCode.committed);
    expect(textOf(driver.plain(1, get(b)))).toBe('two');
  });
});

describe('a transaction whose node is gone', () => {
  it('is not taken for one that the node began afterwards, though its clock stood still', () => {
    const driver = new Driver(1);
    const { wall } = driver.cluster.node(1);
    const old = driver.start(1);
    driver.cluster.restart(1);
    driver.cluster.pass(3_000);
    driver.cluster.node(1).wall = wall;
    const young = driver.start(1);
    const told = driver.do(1, old, put(keyIn(1), 'of somebody else'));

    expect(told.code).not.toBe(SessionCode.operated);
    expect(driver.commit(1, young).code).toBe(SessionCode.committed);
    expect(textOf(driver.plain(1, get(keyIn(1))))).toBeNull();
  });

  it('is found by its record, where the key of that is known', () => {
    const driver = new Driver(3);
    const id = driver.start(2);
    driver.do(2, id, put(keyIn(1), 'one'));
    driver.do(2, id, put(keyIn(2), 'two'));
    const { anchorKey = '' } = driver.commit(2, id);
    driver.cluster.restart(2);
    driver.cluster.pass(3000);
    const handle = { id, coordinatorKey: 'k' };
    const again = { type: 'CommitTransaction', handle } as const;
    expect(driver.call(2, { ...again, anchorKey }).code).toBe(SessionCode.committed);
    expect(driver.call(1, { ...again, anchorKey }).code).toBe(SessionCode.committed);
    expect(driver.call(1, { ...again, type: 'RollbackTransaction', anchorKey }).code).toBe(
      SessionCode.committed,
    );
    expect(driver.call(1, again).code).toBe(SessionCode.errored);
  });

  it('was never there if it was not committed', () => {
    const driver = new Driver(3);
    const id = driver.start(2);
    const key = keyIn(1);
    driver.do(2, id, put(key, 'one'));
    driver.cluster.restart(2);
    driver.cluster.pass(3000);
    const handle = { id, coordinatorKey: 'k' };
    expect(driver.do(1, id, { type: 'Get', key }).code).toBe(SessionCode.aborted);
    expect(driver.call(1, { type: 'CommitTransaction', handle, anchorKey: key }).code).toBe(
      SessionCode.errored,
    );
    expect(textOf(driver.plain(1, get(key)))).toBeNull();
  });

  it('is unknown at once where no such node is known', () => {
    const driver = new Driver(3);
    const id: Timestamp = { ...driver.start(1), node: nodeId(9) };

    const key = keyIn(1);
    expect(driver.do(2, id, put(key, 'new'))).toMatchObject({ code: SessionCode.aborted });
    expect(driver.commit(3, id)).toMatchObject({ code: SessionCode.errored });
    expect(driver.rollback(1, id)).toMatchObject({ code: SessionCode.errored });
  });

  it('keeps others from its locked keys only as long as it lives', () => {
    const driver = new Driver(3);
    const [one, two] = [
      driver.start(1, { locking: 'pessimistic' }),
      driver.start(2, { locking: 'pessimistic' }),
    ];
    const key = keyIn(1);
    expect(driver.do(1, one, put(key, 'one')).code).toBe(SessionCode.operated);
    expect(driver.do(2, two, put(key, 'two'))).toMatchObject({
      code: SessionCode.alreadyLocked,
      holder: one,
    });
    expect(driver.commit(1, one).code).toBe(SessionCode.committed);
    driver.cluster.pass(50);
    expect(driver.do(2, two, put(key, 'two')).code).toBe(SessionCode.operated);
    expect(driver.commit(2, two).code).toBe(SessionCode.committed);
    expect(textOf(driver.plain(1, get(key)))).toBe('two');
  });
});

describe('a script', () => {
  it('reads, writes and commits over several partitions', () => {
    const driver = new Driver(3);
    const [a, b] = [keyIn(1), keyIn(2)];
    expect(driver.run(2, `set ${a} 5`)).toMatchObject({ code: ScriptCode.set, entries: [{ revision: 0 }] });
    const answer = driver.run(1, `let x = get ${a}  set ${a} x - 3  set ${b} 3  let y = get ${a}  return y`);
    expect(answer).toMatchObject({ code: ScriptCode.got });
    expect(textOf(driver.plain(1, get(a)))).toBe('2');
    expect(textOf(driver.plain(1, get(b)))).toBe('3');
  });

  it('discards what it wrote when it throws', () => {
    const driver = new Driver(1);
    const key = keyIn(1);
    const answer = driver.run(1, `set ${key} 1  throw "no"`);
    expect(answer).toMatchObject({ code: ScriptCode.errored, reason: expect.stringContaining('no') });
    expect(textOf(driver.plain(1, get(key)))).toBeNull();
  });

  it('sleeps, and runs into its timeout', () => {
    const driver = new Driver(1);
    const key = keyIn(1);
    expect(driver.run(1, `set ${key} 1  sleep 100  return "woke"`).code).toBe(ScriptCode.got);
    const late = driver.run(1, `begin (timeout=100)  set ${key} 2  sleep 1000  commit end`);
    expect(late).toMatchObject({ code: ScriptCode.aborted, reason: expect.stringContaining('timeout') });
    expect(textOf(driver.plain(1, get(key)))).toBe('1');
  });

  it('goes on in slices', () => {
    const driver = new Driver(1);
    const answer = driver.run(1, 'let n = 0  for i in 1..20000 do let n = n + i end  return n');
    expect(answer).toMatchObject({ code: ScriptCode.got });
  });

  it('reads buckets and scans all partitions, with what it wrote itself', () => {
    const driver = new Driver(1);
    driver.run(1, 'set `b/1` "x"');
    driver.run(1, 'set `c/1` "y"');
    const bucket = driver.run(1, 'set `b/2` "z"  get by bucket `b`');
    expect(bucket.entries.map(({ key }) => key)).toEqual(['b/1', 'b/2']);
    expect(driver.run(1, 'scan by prefix `b/`').entries.map(({ key }) => key)).toEqual(['b/1', 'b/2']);
  });

  it('lets a key live for ever again', () => {
    const driver = new Driver(1);
    const key = keyIn(1);
    driver.run(1, `set ${key} 1 ex 500`);
    expect(driver.run(1, `extend ${key} 0`)).toMatchObject({ code: ScriptCode.extended });
    driver.cluster.pass(2000);
    expect(textOf(driver.plain(1, get(key)))).toBe('1');
  });
});

describe('admission', () => {
  it('lets the next one in when a session is over, and refuses whom it cannot let in in time', () => {
    const driver = new Driver(1, { maxConcurrentSessions: 1 });
    const first = driver.start(1);
    const options = { ...OPTIONS, admissionWaitMs: 300 };
    const late = driver.call(1, { type: 'StartTransaction', coordinatorKey: 'k', options });
    expect(late.code).toBe(SessionCode.admissionRefused);
    driver.cluster.ask(1, 7, { transaction: { type: 'StartTransaction', coordinatorKey: 'k', options } });
    driver.cluster.pass(50);
    expect(driver.cluster.node(1).said.get(7)).toBeUndefined();
    driver.rollback(1, first);
    driver.cluster.pass(50);
    expect(driver.cluster.node(1).said.get(7)).toMatchObject({ code: SessionCode.set });
  });

  it('holds scripts back that are transactions, and never single commands', () => {
    const driver = new Driver(1, { maxConcurrentScripts: 1 });
    const slow = new TextEncoder().encode('let x = 1  sleep 2000  return x');
    driver.cluster.ask(1, 8, {
      transaction: { type: 'RunScript', script: slow, parameters: [], priority: 'normal' },
    });
    driver.cluster.pass(20);
    expect(driver.run(1, 'set a 1').code).toBe(ScriptCode.set);
    expect(driver.run(1, 'begin (admissionWait=200) set a 2 commit end').code).toBe(
      ScriptCode.admissionRefused,
    );
    expect(driver.run(1, 'begin set a 3 commit end').code).toBe(ScriptCode.set);
  });
});
