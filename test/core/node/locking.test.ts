/** The locks of transactions at a group's leader, and whom they keep away. */

import { describe, expect, it } from 'vitest';
import {
  KeyValueCode,
  type ClientAnswer,
  type ClientCall,
  type Operation,
  type RequestId,
} from '../../../core/partition/command.js';
import { TransactionCode, type LockNeed } from '../../../core/partition/transaction-command.js';
import { logIndex, nodeId } from '../../../core/machine/units.js';
import type { NodeOptions } from '../../../core/node/options.js';
import { MAX_LOCKS } from '../../../core/node/transaction-locks.js';
import { call, ephemeral } from './operations.js';
import {
  effectsOf,
  get,
  remove,
  set,
  startReadyCluster,
  textOf,
  type InFlight,
  type TestCluster,
} from './support.js';
import { asker, FIRST, followerOf, keyIn, lock, prepare, SECOND, staged, tx, unlock } from './transacting.js';

const K = keyIn(FIRST);
const OTHER = keyIn(FIRST, 'other');
const key: LockNeed = { type: 'KeyLock', key: K };
const prefix: LockNeed = { type: 'PrefixLock', prefix: K };
const shared: LockNeed = { type: 'RangeLock', prefix: K, mode: 'shared' };

function start(options: Partial<NodeOptions> = {}): {
  cluster: TestCluster;
  tell: (request: ClientCall, node?: number) => ClientAnswer | undefined;
} {
  const cluster = startReadyCluster(3, { partitions: 2, ...options });
  const ask = asker(cluster);
  return { cluster, tell: (request, node = 1) => cluster.node(node).answers.get(ask(node, request)) };
}

const scan = call({ type: 'Scan', prefix: K, group: FIRST, limit: 10 });
const commitAtOnce = (name: string, of: string): ClientCall =>
  call({ type: 'CommitAtOnce', group: FIRST, transaction: tx(name), writes: [staged(of, 'v')], reads: [] });

describe('a lock of a transaction', () => {
  it('goes when the transaction has committed at once, or has its intents in place, before anybody is told', () => {
    for (const end of [commitAtOnce('A', OTHER), prepare('A', [staged(OTHER, 'v')])]) {
      const { tell } = start();
      tell(lock('A', [key]));
      tell(end);
      expect(tell(lock('B', [key]))).toMatchObject({ code: TransactionCode.locked });
    }
  });

  it('is not kept from others by whoever asked but once', () => {
    const { tell } = start();
    tell(lock('A', [key]));
    const once = call({
      type: 'AcquireTransactionLocks',
      group: FIRST,
      transaction: tx('B'),
      needs: [key],
      leaseMs: 1_000,
      once: true,
    });
    expect(tell(once)).toMatchObject({ code: TransactionCode.alreadyLocked, blocker: tx('A') });
    tell(unlock('A'));
    expect(tell(lock('C', [key]))).toMatchObject({ code: TransactionCode.locked });
  });

  it('stays when a commit at once, or a prepare, is refused', () => {
    const { tell } = start();
    tell(lock('A', [key]));
    tell(lock('B', [{ type: 'KeyLock', key: OTHER }]));
    expect(tell(commitAtOnce('A', OTHER))).toMatchObject({ code: TransactionCode.aborted });
    expect(tell(lock('B', [key]))).toMatchObject({ code: TransactionCode.alreadyLocked, blocker: tx('A') });
  });

  it("is one transaction's at a time, whichever node is asked, and its holder is named", () => {
    const { cluster, tell } = start();
    const { applied } = cluster.leader().group();

    expect(tell(lock('A', [key]), 1)).toMatchObject({ code: TransactionCode.locked });
    expect(tell(lock('B', [key]), 2)).toMatchObject({
      code: TransactionCode.alreadyLocked,
      blocker: tx('A'),
    });
    expect(tell(unlock('A'), 3)).toMatchObject({ code: TransactionCode.unlocked });
    expect(tell(lock('C', [key]), 3)).toMatchObject({
      code: TransactionCode.alreadyLocked,
      blocker: tx('B'),
    });
    expect(tell(lock('B', [key]), 1)).toMatchObject({ code: TransactionCode.locked });
    expect(cluster.leader().group().applied).toBe(applied);
  });

  it('lasts as long as it is said to by the clock of the leader', () => {
    const { cluster, tell } = start();
    tell(lock('A', [key], { leaseMs: 1000 }));
    cluster.pass(990);
    expect(tell(set(K, 'v'))).toMatchObject({ code: KeyValueCode.mustRetry });

    cluster.pass(10);

    expect(tell(set(K, 'v'))).toMatchObject({ code: KeyValueCode.set });
  });

  it('is not given by a leader that others have deposed', () => {
    const { cluster } = start();
    const leader = cluster.leader().id;

    const effects = cluster.ask(leader, 901, lock('A', [key]));
    expect(effectsOf(effects, 'Reply')).toEqual([]);
    cluster.pass(3000, ({ from, to }: InFlight) => from !== leader && to !== leader);
    expect(cluster.node(leader).answers.get(901)).toBeUndefined();
  });

  it('is lost with the leadership', () => {
    const { cluster, tell } = start();
    const leader = cluster.leader().id;
    tell(lock('A', [key], { leaseMs: 60_000 }));
    cluster.pass(3000, ({ from, to }: InFlight) => from !== leader && to !== leader);
    cluster.pass(1000);
    expect(cluster.leader().id).not.toBe(leader);

    expect(tell(lock('B', [key]))).toMatchObject({ code: TransactionCode.locked });
    expect(cluster.node(leader).state.requests.root).toBeUndefined();
  });

  it('is refused where there are too many', () => {
    const { tell } = start();
    const many = Array.from({ length: MAX_LOCKS / 16 }, (_, i): LockNeed => ({
      type: 'KeyLock',
      key: `${i}`,
    }));
    for (let part = 0; part < 16; part += 1) {
      const needs = many.map(
        (need): LockNeed => ({ ...need, key: `${part} ${(need as { key: string }).key}` }) as LockNeed,
      );
      expect(tell(lock('A', needs))).toMatchObject({ code: TransactionCode.locked });
    }

    const full = tell(lock('A', [key]));

    expect(full).toMatchObject({ code: TransactionCode.mustRetry });
    expect(full?.reason).toContain(`${MAX_LOCKS}`);
  });
});

describe('what is committed under the keys of a lock', () => {
  const keys = [K, OTHER].map((name): LockNeed => ({ type: 'KeyLock', key: name }));
  const show = (name: string, space: { ephemeral?: true } = {}): ClientCall =>
    call({
      type: 'AcquireTransactionLocks',
      group: FIRST,
      transaction: tx(name),
      needs: [prefix, ...keys],
      leaseMs: 1_000,
      show: true,
      ...space,
    });

  it('is shown to whoever wants to see it, in either space', () => {
    const { tell } = start();
    tell(set(K, 'old'));
    tell(ephemeral(set(OTHER, 'other')));
    expect(tell(lock('A', keys))).not.toHaveProperty('keys');
    expect(tell(show('A'))).toMatchObject({
      keys: [
        { key: K, outcome: { code: KeyValueCode.got, revision: 0, value: Uint8Array.of(0x6f, 0x6c, 0x64) } },
        { key: OTHER, outcome: { code: KeyValueCode.doesNotExist, revision: -1 } },
      ],
    });
    expect(tell(show('A', { ephemeral: true }))).toMatchObject({
      keys: [
        { key: K, outcome: { code: KeyValueCode.doesNotExist } },
        { key: OTHER, outcome: { code: KeyValueCode.got } },
      ],
    });
  });

  it('is not shown where somebody else is about to write it, nor what is over and not yet said to be', () => {
    const { cluster, tell } = start({ expirySweepMs: 0 });
    tell(prepare('B', [staged(K, 'new')]));
    expect(tell(show('A'))).toMatchObject({ keys: [{ key: OTHER }] });
    tell(unlock('A'));
    tell(call({ ...set(OTHER, 'mortal').operation, expiresMs: 100 } as Operation));
    expect(tell(show('A'))).toMatchObject({ keys: [{ key: OTHER, outcome: { code: KeyValueCode.got } }] });
    cluster.pass(130);
    expect(tell(show('A'))).toMatchObject({ keys: [] });
  });
});

describe('while a transaction holds a lock', () => {
  it.each([
    ['a key', key],
    ['a prefix', prefix],
    ['a shared range', shared],
  ])('on %s, nobody else writes there', (_what, need) => {
    const { tell } = start();
    tell(set(OTHER, 'v'));
    tell(lock('A', [need]));

    for (const request of [set(K, 'v'), remove(K), call({ type: 'Extend', key: K, expiresMs: 5 })]) {
      const answer = tell(request, 2);
      expect(answer).toMatchObject({ code: KeyValueCode.mustRetry });
      expect(answer?.reason).toContain(tx('A'));
    }
    expect(tell(set(OTHER, 'w'))).toMatchObject({ code: KeyValueCode.set, revision: 1 });
    expect(tell(ephemeral(set(K, 'v')))).toMatchObject({ code: KeyValueCode.set });
    tell(unlock('A'));
    expect(tell(set(K, 'v'))).toMatchObject({ code: KeyValueCode.set, revision: 0 });
  });

  it('on a prefix, nobody else reads what is there now; other locks let readers through', () => {
    const { cluster, tell } = start();
    tell(set(K, 'v'));
    tell(lock('A', [key, shared]));
    expect([tell(get(K)), tell(scan)]).toMatchObject([
      { code: KeyValueCode.got },
      { code: KeyValueCode.got },
    ]);
    tell(lock('A', [prefix]));

    const lease = call({ type: 'Get', key: K, mode: 'lease' });
    for (const request of [get(K), lease, scan, call({ type: 'Exists', key: K })]) {
      const answer = tell(request);
      expect(answer).toMatchObject({ code: KeyValueCode.mustRetry });
      expect(answer?.reason).toContain(tx('A'));
    }
    const at = cluster.leader().state.clock;
    expect(textOf(tell(call({ type: 'Get', key: K, at })))).toBe('v');
    expect(textOf(tell(call({ type: 'Get', key: K, mode: 'stale' })))).toBe('v');
    expect(textOf(tell(call({ type: 'Get', key: K, mode: 'follower' }), followerOf(cluster)))).toBe('v');
    expect(tell(get(OTHER))).toMatchObject({ code: KeyValueCode.doesNotExist });
  });

  it('on a prefix, what is asked on behalf of its holder is let through', () => {
    const { cluster, tell } = start();
    tell(set(K, 'v'));
    tell(lock('A', [prefix]));
    const leader = cluster.leader().id;
    const from = nodeId(followerOf(cluster));
    const requestId = 'inner' as RequestId;
    const operation = get(K).operation;
    const within = tx('A');
    const asked = {
      type: 'Forward',
      group: FIRST,
      requestId,
      basis: logIndex(0),
      operation,
      within,
    } as const;
    let told: unknown;
    cluster.turn(leader, { type: 'MessageReceived', from, message: asked });
    cluster.settle(({ message }) => {
      if (message.type === 'ForwardAnswer') told = message.result;
      return true;
    });

    expect(told).toMatchObject({ type: 'Executed', outcome: { code: KeyValueCode.got } });
  });

  it('other transactions do not prepare or commit under it, and are told who is in the way', () => {
    const { cluster, tell } = start();
    tell(lock('A', [key]));
    const { applied } = cluster.leader().group();

    expect(tell(prepare('B', [staged(OTHER, 'v'), staged(K, 'v')], { anchor: SECOND }))).toMatchObject({
      code: TransactionCode.aborted,
      blocker: tx('A'),
    });
    expect(tell(commitAtOnce('C', K))).toMatchObject({ code: TransactionCode.aborted, blocker: tx('A') });
    expect(cluster.leader().group().applied).toBe(applied);
    expect(tell(commitAtOnce('C', OTHER))).toMatchObject({ code: TransactionCode.committed });
    expect(tell(commitAtOnce('A', K))).toMatchObject({ code: TransactionCode.committed });
  });

  it('on ephemeral keys, the persistent ones are free, and the other way round', () => {
    const { tell } = start();
    tell(lock('A', [prefix], { ephemeral: true }));

    expect(tell(set(K, 'v'))).toMatchObject({ code: KeyValueCode.set });
    expect(tell(lock('B', [prefix]))).toMatchObject({ code: TransactionCode.locked });
    expect(tell(ephemeral(set(K, 'v')))).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(tell(ephemeral(get(K)))).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(tell(prepare('B', [staged(K, 'v')], { anchor: SECOND, ephemeral: true }))).toMatchObject({
      code: TransactionCode.aborted,
      blocker: tx('A'),
    });
  });
});
