/** Sessions that wait for each other in a circle: one of them, the youngest, gives way at once. */

import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { nodeId } from '../../../core/machine/units.js';
import type { NodeMessage } from '../../../core/node/protocol.js';
import { MAX_PATH } from '../../../core/node/protocol.js';
import {
  LINE_MS,
  transactionIdOf,
  type LockNeed,
  type TransactionId,
} from '../../../core/partition/transaction-command.js';
import { SessionCode } from '../../../core/transactions/calls.js';
import { Driver, keyIn, put } from './driver.js';
import { effectsOf } from './support.js';

const { operated, alreadyLocked, aborted, committed } = SessionCode;

/** Keys of three partitions. */
const KEYS = [keyIn(1), keyIn(2), keyIn(3)] as const;

interface Circle {
  readonly driver: Driver;
  /** Each session with its node, the oldest first; the `i`th holds the `i`th key. */
  readonly sessions: readonly { readonly node: number; readonly id: Timestamp }[];
  /** The `i`th session asks for the key of another one. */
  readonly want: (i: number, of: number) => ReturnType<Driver['do']>;
  readonly nameOf: (i: number) => TransactionId;
  /** How many victims there were, by node. */
  readonly victims: () => readonly number[];
}

/** Sessions at these nodes, each with a lock on a key of its own. */
function holding(nodes: readonly number[], size = 3): Circle {
  const driver = new Driver(size);
  const sessions = nodes.map((node) => {
    driver.cluster.pass(10);
    return { node, id: driver.start(node, { locking: 'pessimistic', timeoutMs: 300_000 }) };
  });
  for (const [i, { node, id }] of sessions.entries()) {
    expect(driver.do(node, id, put(KEYS[i] ?? '', `${i}`)).code).toBe(operated);
  }
  const at = (i: number) => sessions[i] as Circle['sessions'][number];
  return {
    driver,
    sessions,
    want: (i, of) => driver.do(at(i).node, at(i).id, put(KEYS[of] ?? '', `${i}`)),
    nameOf: (i) => transactionIdOf(at(i).id, driver.cluster.node(at(i).node).state.incarnation),
    victims: () => driver.cluster.ids.map((id) => driver.cluster.node(id).state.coordination?.deadlocks ?? 0),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

describe('two sessions of one node that wait for each other', () => {
  it('end at once, when the younger one asks last: it is told instead of being sent back', () => {
    const { want, nameOf, driver, sessions } = holding([1, 1]);
    expect(want(0, 1).code).toBe(alreadyLocked);

    const told = want(1, 0);

    expect(told.code).toBe(aborted);
    expect(told.reason).toContain('a deadlock');
    expect(told.reason).toContain(`${nameOf(1)} waits for ${nameOf(0)} waits for ${nameOf(1)}`);
    driver.cluster.settle();
    expect(want(0, 1).code).toBe(operated);
    expect(driver.commit(1, sessions[0]?.id as Timestamp).code).toBe(committed);
  });

  it('end at once, when the older one asks last: the younger one is told when it asks again', () => {
    const { want, driver, sessions, victims } = holding([1, 1]);
    expect(want(1, 0).code).toBe(alreadyLocked);

    expect(want(0, 1).code).toBe(alreadyLocked);

    expect(total(victims())).toBe(1);
    driver.cluster.settle();
    expect(want(0, 1).code).toBe(operated);
    const told = want(1, 0);
    expect(told).toMatchObject({ code: aborted, reason: expect.stringContaining('a deadlock') });
    expect(driver.commit(1, sessions[1]?.id as Timestamp)).toMatchObject({
      code: aborted,
      reason: expect.stringContaining('a deadlock'),
    });
  });
});

describe('sessions of several nodes', () => {
  it.each([
    [[1, 2], 3],
    [[2, 1], 3],
    [[1, 2, 3], 3],
    [[3, 2, 1], 3],
    [[2, 2, 1], 3],
    [[2, 1, 2], 3],
    [[1, 1, 1], 1],
  ])('%s: whoever closes the circle, the youngest gives way and no other', (nodes, size) => {
    const last = nodes.length - 1;
    for (let closing = 0; closing <= last; closing += 1) {
      const { want, driver, victims } = holding(nodes, size);
      const order = nodes.map((_, i) => (closing + 1 + i) % nodes.length);
      for (const i of order) want(i, (i + 1) % nodes.length);
      driver.cluster.settle();
      expect(total(victims())).toBe(1);
      expect(victims()[(nodes[last] as number) - 1]).toBe(1);

      expect(want(last, 0).code).toBe(aborted);
      expect(want(last - 1, last).code).toBe(operated);
      driver.cluster.pass(2 * LINE_MS);
      expect(total(victims())).toBe(1);
    }
  });

  it('are found when each asks again and again, and the first messages were lost', () => {
    const { want, driver, victims } = holding([1, 2, 3]);
    const isLost = (type: string): boolean => type === 'WaitProbe' || type === 'Condemn';
    const { cluster } = driver;
    const settle = cluster.settle.bind(cluster);
    cluster.settle = (filter = () => true) => settle((one) => filter(one) && !isLost(one.message.type));
    for (const i of [0, 1, 2]) expect(want(i, (i + 1) % 3).code).toBe(alreadyLocked);
    expect(victims()).toEqual([0, 0, 0]);
    cluster.settle = settle;

    expect(want(1, 2).code).toBe(alreadyLocked);
    cluster.settle();

    expect(victims()).toEqual([0, 0, 1]);
  });

  it('of which many wait in a row, and none in a circle, are left alone', () => {
    const { want, victims } = holding([1, 2, 3]);

    expect([want(0, 1).code, want(1, 2).code, want(0, 1).code]).toEqual([
      alreadyLocked,
      alreadyLocked,
      alreadyLocked,
    ]);
    expect(victims()).toEqual([0, 0, 0]);
  });
});

describe('a session that only reads what another one has locked', () => {
  function withPrefix(nodes: readonly [number, number], older: 'reads' | 'holds') {
    const circle = holding(nodes);
    const [reader, holder] = older === 'reads' ? [0, 1] : [1, 0];
    const at = (i: number) => circle.sessions[i] as Circle['sessions'][number];
    const need: LockNeed = { type: 'PrefixLock', prefix: 'shelf/' };
    const lock = { type: 'LockInTransaction', need, leaseMs: 0 } as const;
    circle.driver.do(at(holder).node, at(holder).id, lock);
    const read = () => circle.driver.do(at(reader).node, at(reader).id, { type: 'Get', key: 'shelf/1' });
    return { circle, reader, holder, read, at };
  }

  it.each(['reads', 'holds'] as const)('is in a deadlock as well, where the older one %s', (older) => {
    const { circle, reader, holder, read } = withPrefix([1, 2], older);
    expect(read()).toMatchObject({
      code: SessionCode.mustRetry,
      reason: expect.stringContaining('holds a lock'),
    });

    const told = circle.want(holder, reader);
    circle.driver.cluster.settle();

    expect(circle.victims()).toEqual([0, 1, 0]);
    if (older === 'reads') {
      expect(circle.want(holder, reader).code).toBe(aborted);
      expect(read().code).toBe(operated);
    } else {
      expect(told.code).toBe(alreadyLocked);
      expect(read().code).toBe(aborted);
      expect(circle.want(holder, reader).code).toBe(operated);
    }
  });

  it('is told at once where it closes the circle and is the younger one', () => {
    const { circle, reader, holder, read } = withPrefix([1, 1], 'holds');
    expect(circle.want(holder, reader).code).toBe(alreadyLocked);

    expect(read()).toMatchObject({ code: aborted, reason: expect.stringContaining('a deadlock') });
  });

  it('waits no more when it has read', () => {
    const { circle, reader, holder, read, at } = withPrefix([1, 2], 'reads');
    const { driver } = circle;
    const operation = { type: 'Get', key: 'shelf/1' } as const;
    const handle = { id: at(reader).id, coordinatorKey: 'k' };
    const again = { type: 'OperateInTransaction', handle, operationId: 'again', operation } as const;
    expect(driver.call(1, again).code).toBe(SessionCode.mustRetry);
    driver.do(2, at(holder).id, {
      type: 'UnlockInTransaction',
      need: { type: 'PrefixLock', prefix: 'shelf/' },
    });
    expect(driver.call(1, again).code).toBe(operated);

    expect(circle.want(holder, reader).code).toBe(alreadyLocked);
    driver.cluster.settle();

    expect(circle.victims()).toEqual([0, 0, 0]);
    expect(read().code).toBe(operated);
  });
});

describe('nobody is a victim', () => {
  it('because of one who has not asked again for a while', () => {
    const { want, driver, victims } = holding([1, 2]);
    want(0, 1);
    driver.cluster.pass(LINE_MS);

    expect(want(1, 0).code).toBe(alreadyLocked);
    driver.cluster.settle();
    expect(victims()).toEqual([0, 0, 0]);
    expect(want(0, 1).code).toBe(alreadyLocked);
    driver.cluster.settle();
    expect(victims()).toEqual([0, 1, 0]);
  });

  it('because of one who has got what he waited for', () => {
    const { driver, want, sessions, victims } = holding([1, 2]);
    const [first, second] = sessions.map(({ id }) => id) as [Timestamp, Timestamp];
    const need: LockNeed = { type: 'KeyLock', key: keyIn(4) };
    const lock = { type: 'LockInTransaction', need, leaseMs: 0 } as const;
    driver.do(2, second, lock);
    expect(driver.do(1, first, lock).code).toBe(alreadyLocked);
    driver.do(2, second, { type: 'UnlockInTransaction', need });
    expect(driver.do(1, first, lock).code).toBe(SessionCode.locked);

    expect(want(1, 0).code).toBe(alreadyLocked);
    driver.cluster.settle();

    expect(victims()).toEqual([0, 0, 0]);
  });

  it('because of one who asks but once', () => {
    const { driver, want, sessions, victims } = holding([1, 2]);
    const need: LockNeed = { type: 'KeyLock', key: KEYS[1] };
    const id = sessions[0]?.id as Timestamp;
    const told = driver.do(1, id, { type: 'LockInTransaction', need, leaseMs: 0, once: true });
    expect(told.code).toBe(alreadyLocked);

    expect(want(1, 0).code).toBe(alreadyLocked);
    driver.cluster.settle();

    expect(victims()).toEqual([0, 0, 0]);
  });

  it('who is being committed', () => {
    const { driver, want, sessions, nameOf, victims } = holding([1, 2]);
    expect(want(1, 0).code).toBe(alreadyLocked);
    const id = sessions[1]?.id as Timestamp;
    const transaction = { type: 'CommitTransaction', handle: { id, coordinatorKey: 'k' } } as const;
    driver.cluster.ask(2, 77, { transaction });
    const message: NodeMessage = { type: 'Condemn', cycle: [nameOf(1), nameOf(0)] };
    driver.cluster.turn(2, { type: 'MessageReceived', from: nodeId(1), message });
    driver.cluster.pass(100);

    expect(driver.cluster.node(2).said.get(77)?.code).toBe(committed);
    expect(victims()).toEqual([0, 0, 0]);
  });

  it('who waits for somebody else by the time that he is condemned', () => {
    const { driver, want, nameOf, victims } = holding([1, 2, 3]);
    expect(want(2, 1).code).toBe(alreadyLocked);
    const tell = (message: NodeMessage): void =>
      void driver.cluster.turn(3, { type: 'MessageReceived', from: nodeId(1), message });

    tell({ type: 'Condemn', cycle: [nameOf(2), nameOf(0)] });
    tell({ type: 'Condemn', cycle: [nameOf(0), nameOf(2)] });
    expect(victims()).toEqual([0, 0, 0]);
    tell({ type: 'Condemn', cycle: [nameOf(2), nameOf(1)] });
    expect(victims()).toEqual([0, 0, 1]);
  });
});

describe('a probe', () => {
  function probed(circle: Circle, node: number, path: readonly TransactionId[], on: TransactionId) {
    const message: NodeMessage = { type: 'WaitProbe', path, on };
    const effects = circle.driver.cluster.turn(node, { type: 'MessageReceived', from: nodeId(2), message });
    return effectsOf(effects, 'Send').flatMap(({ messages }) => messages);
  }
  const stranger = (i: number): TransactionId => `2.${i}.0.run` as TransactionId;

  it('goes on to the node of whom it comes to', () => {
    const circle = holding([1, 2, 1]);
    circle.want(0, 1);

    expect(probed(circle, 1, [stranger(1)], circle.nameOf(0))).toEqual([
      { type: 'WaitProbe', path: [stranger(1), circle.nameOf(0)], on: circle.nameOf(1) },
    ]);
    expect(probed(circle, 1, [stranger(1)], circle.nameOf(2))).toEqual([]);
  });

  it('ends where it goes too far, meets a circle in which it did not begin, or comes to where nobody is', () => {
    const circle = holding([1, 2]);
    circle.want(0, 1);
    const far = Array.from({ length: MAX_PATH }, (_, i) => stranger(i));

    expect(probed(circle, 1, far.slice(1), circle.nameOf(0))).toHaveLength(1);
    expect(probed(circle, 1, far, circle.nameOf(0))).toEqual([]);
    expect(probed(circle, 1, [stranger(1), circle.nameOf(0)], circle.nameOf(0))).toEqual([]);
    for (const nobody of ['1.1.0.run', '9.1.0.run', 'x', '']) {
      expect(probed(circle, 1, [stranger(1)], nobody as TransactionId)).toEqual([]);
    }
    expect(probed(circle, 3, [stranger(1)], '3.1.0.run' as TransactionId)).toEqual([]);
  });

  it('has found nothing when whoever sent it waits for somebody else by now', () => {
    const circle = holding([1, 2, 3]);
    circle.want(0, 1);

    expect(probed(circle, 1, [circle.nameOf(0), circle.nameOf(2)], circle.nameOf(0))).toEqual([]);
    expect(probed(circle, 1, [circle.nameOf(0), circle.nameOf(1)], circle.nameOf(0))).toEqual([
      { type: 'Condemn', cycle: [circle.nameOf(1), circle.nameOf(0)] },
    ]);
  });
});
