import { describe, expect, it } from 'vitest';

import { KeyValueCode, refusal, refusalOf, type Operation } from '../../../core/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { renderMetrics } from '../../../runtime-node/observe/exposition.js';
import { createRequestMetrics } from '../../../runtime-node/observe/request-metrics.js';
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
