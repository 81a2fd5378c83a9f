import { describe, expect, it, onTestFinished } from 'vitest';

import {
  KeyValueCode,
  nodeId,
  refusal,
  refusalOf,
  ScriptCode,
  SessionCode,
  wallMs,
  type Operation,
} from '../../../core/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { renderMetrics } from '../../../runtime-node/observe/exposition.js';
import { createRequestMetrics } from '../../../runtime-node/observe/request-metrics.js';
import { createTransactionMetrics } from '../../../runtime-node/observe/transaction-metrics.js';
import { clientOf } from '../client/support.js';
import { realNode } from '../support/real-node.js';

describe('the text for Prometheus', () => {
  it('has a help, a type and the samples of each family, with what is special escaped', () => {
    const text = renderMetrics([
      {
        name: 'a_total',
        help: 'a \\ and\na line',
        type: 'counter',
        samples: [{ value: 1.5 }, { labels: { kind: 'say "hi"\\\n', n: 2 }, value: 3 }],
      },
      { name: 'b', help: 'none', type: 'gauge', samples: [] },
    ]);

    expect(text).toBe(
      [
        '# HELP a_total a \\\\ and\\na line',
        '# TYPE a_total counter',
        'a_total 1.5',
        'a_total{kind="say \\"hi\\"\\\\\\n",n="2"} 3',
        '# HELP b none',
        '# TYPE b gauge',
        '',
      ].join('\n'),
    );
  });
});

describe('transactions', () => {
  const idOf = (counter: number) => ({ node: nodeId(1), wall: wallMs(5), counter });
  const END = {
    committed: 'CommitTransaction',
    aborted: 'CommitTransaction',
    rolledBack: 'RollbackTransaction',
  } as const;

  it('are counted by how they ended, once each, with the time from their begin; those that never end are abandoned', () => {
    let now = 0;
    const metrics = createTransactionMetrics(() => now);
    const begin = (counter: number): void => {
      const call = { type: 'StartTransaction', coordinatorKey: 'c', options: {} as never } as const;
      metrics.heard(call, { family: 'session', code: SessionCode.set, id: idOf(counter) });
    };
    const end = (counter: number, code: keyof typeof END | 'mustRetry'): void => {
      const type = code === 'mustRetry' ? 'CommitTransaction' : END[code];
      const handle = { id: idOf(counter), coordinatorKey: 'c' };
      metrics.heard({ type, handle }, { family: 'session', code: SessionCode[code] });
    };

    for (const counter of [1, 2, 3, 4]) begin(counter);
    now = 4;
    end(1, 'mustRetry');
    end(1, 'committed');
    end(1, 'committed');
    end(2, 'aborted');
    end(3, 'rolledBack');
    end(9, 'committed');
    now = 400_000;
    const text = renderMetrics(metrics.families());

    for (const outcome of ['committed', 'aborted', 'rolledBack', 'abandoned'])
      expect(text).toContain(`wavetank_transactions_total{outcome="${outcome}"} 1\n`);
    expect(text).toContain('wavetank_transaction_duration_seconds_bucket{le="0.005"} 3\n');
    expect(text).toContain('wavetank_transaction_duration_seconds_count 3\n');
  });

  it('that are open are told by the node that keeps them', async () => {
    const node = await startEmbedded();
    onTestFinished(() => node.close());
    const session = await node.begin();

    const open = node.metrics();
    await session.commit();

    expect(open).toContain('wavetank_transactions_open 1\n');
    expect(node.metrics()).toContain('wavetank_transactions_total{outcome="committed"} 1\n');
  });
});

describe('deadlocks', () => {
  it('are counted by the node whose session gives way', async () => {
    const node = await startEmbedded();
    onTestFinished(() => node.close());
    const [older, younger] = [await node.begin(), await node.begin()];
    await older.set('a', '1');
    await younger.set('b', '1');

    const ends = await Promise.allSettled([older.set('b', '2'), younger.set('a', '2')]);

    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(ends[1]).toMatchObject({
      reason: { code: 'aborted', message: expect.stringContaining('a deadlock') as string },
    });
    await older.commit();
    expect(node.metrics()).toContain('wavetank_transactions_deadlocks_total 1\n');
  });
});

describe('requests', () => {
  const GET: Operation = { type: 'Get', key: 'k' };
  const NEXT: Operation = { type: 'ReserveSequence', name: 's', count: 1 };

  it('are counted by kind and outcome, with the time they took', async () => {
    let now = 0;
    const metrics = createRequestMetrics(() => now);
    const took = async (
      operation: Operation,
      ms: number,
      answer: ReturnType<typeof refusalOf>,
    ): Promise<void> => {
      const measured = metrics.measure({ operation }, Promise.resolve(answer));
      now += ms;
      await measured;
    };

    await took(GET, 0.4, refusal(KeyValueCode.got));
    await took(GET, 1, refusal(KeyValueCode.got));
    await took(GET, 20_000, refusal(KeyValueCode.mustRetry));
    await took(NEXT, 3, refusalOf(NEXT, 'mustRetry'));
    const text = renderMetrics(metrics.families());

    expect(text).toContain('wavetank_requests_total{kind="Get",code="got"} 2\n');
    expect(text).toContain('wavetank_requests_total{kind="Get",code="mustRetry"} 1\n');
    expect(text).toContain('wavetank_requests_total{kind="ReserveSequence",code="mustRetry"} 1\n');
    expect(text).toContain('wavetank_request_duration_seconds_bucket{kind="Get",le="0.0005"} 1\n');
    expect(text).toContain('wavetank_request_duration_seconds_bucket{kind="Get",le="0.001"} 2\n');
    expect(text).toContain('wavetank_request_duration_seconds_bucket{kind="Get",le="10"} 2\n');
    expect(text).toContain('wavetank_request_duration_seconds_bucket{kind="Get",le="+Inf"} 3\n');
    expect(text).toContain('wavetank_request_duration_seconds_count{kind="Get"} 3\n');
    expect(text).toMatch(/wavetank_request_duration_seconds_sum\{kind="Get"\} 20\.0014/);
  });

  it('of sessions and scripts are counted too', async () => {
    const metrics = createRequestMetrics();
    const script = {
      type: 'RunScript',
      script: new Uint8Array(),
      parameters: [],
      priority: 'normal',
    } as const;
    const answer = { family: 'script', code: ScriptCode.aborted, entries: [] } as const;

    await metrics.measureTransaction(script, Promise.resolve(answer));

    expect(renderMetrics(metrics.families())).toContain(
      'wavetank_requests_total{kind="RunScript",code="aborted"} 1\n',
    );
  });

  it('are counted while they are under way, and when they get no answer', async () => {
    const metrics = createRequestMetrics();
    let fail: (error: Error) => void = () => undefined;
    const answer = new Promise<never>((_resolve, reject) => (fail = reject));

    const measured = metrics.measure({ operation: GET }, answer);
    const before = renderMetrics(metrics.families());
    fail(new Error('gone'));

    await expect(measured).rejects.toThrow('gone');
    expect(before).toContain('wavetank_requests_under_way{kind="Get"} 1\n');
    expect(renderMetrics(metrics.families())).toContain(
      'wavetank_requests_total{kind="Get",code="stopped"} 1\n',
    );
  });
});

describe('a node', () => {
  it('shows its requests, its groups and its queues at /metrics', async () => {
    const endpoint = await realNode();
    const { keys, locks } = clientOf([endpoint]);
    await keys.set('k', 'v');
    await keys.get('none');
    await locks.acquire('r', { expiresMs: 60_000 });

    const response = await fetch(new URL('/metrics', endpoint));
    const text = await response.text();

    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('wavetank_ready 1\n');
    expect(text).toContain('wavetank_requests_total{kind="Set",code="set"} 1\n');
    expect(text).toContain('wavetank_requests_total{kind="Get",code="doesNotExist"} 1\n');
    expect(text).toContain('wavetank_requests_total{kind="AcquireLock",code="locked"} 1\n');
    for (const group of [0, 1, 2, 3, 4]) {
      expect(text).toContain(`wavetank_raft_is_leader{group="${group}"} 1\n`);
      expect(text).toContain(`wavetank_raft_applied_lag{group="${group}"} 0\n`);
      expect(text).toContain(`wavetank_raft_uncommitted_bytes{group="${group}"} 0\n`);
    }
    expect(text).toMatch(/^wavetank_queue_requests 0$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    // Every line is a comment or a sample.
    const bad = text.split('\n').filter((line) => !/^(#.*|\w+(\{[^}]*\})? -?[\d.e+-]+|)$/.test(line));
    expect(bad).toEqual([]);
  });

  it('in this process shows the same to its program', async () => {
    await using node = await startEmbedded();
    await node.sequences.create('s');

    expect(node.metrics()).toContain('wavetank_requests_total{kind="CreateSequence",code="success"} 1\n');
  });
});
