/** All that a node tells Prometheus, at `GET /metrics`. */

import { gauge, nodeFamilies, processFamilies, type NodeReadings } from './node-metrics.js';
import { renderMetrics } from './exposition.js';
import type { RequestMetrics } from './request-metrics.js';

export interface Readings {
  readonly requests: RequestMetrics;
  /** Undefined before the machine runs. */
  readonly node: NodeReadings | undefined;
  /** Whether the node takes requests, as `/v1/cluster/health` says it too. */
  readonly isReady: boolean;
}

export function metricsPage({ requests, node, isReady }: Readings): string {
  return renderMetrics([
    gauge('wavetank_ready', 'Whether this node takes requests.', isReady ? 1 : 0),
    ...requests.families(),
    ...(node === undefined ? [] : nodeFamilies(node)),
    ...processFamilies(),
  ]);
}
