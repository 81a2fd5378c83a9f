/** How the transactions ended that clients of this node began, and how long they took from their begin to their end. */

import {
  SessionCode,
  type Timestamp,
  type TransactionAnswer,
  type TransactionCall,
} from '../../core/index.js';
import type { MetricFamily } from './exposition.js';
import { createHistogram } from './histogram.js';

export interface TransactionMetrics {
  /** A call was answered. */
  heard(call: TransactionCall, answer: TransactionAnswer): void;
  families(): readonly MetricFamily[];
}

type Outcome = (typeof OUTCOMES)[number];

const OUTCOMES = ['committed', 'aborted', 'rolledBack', 'abandoned'] as const;

/** No session lives longer: its client is gone, or ended it by way of another node. */
const FORGOTTEN_AFTER_MS = 330_000;

export function createTransactionMetrics(now: () => number): TransactionMetrics {
  /** When those began that have not ended, the oldest first. */
  const begun = new Map<string, number>();
  const counts = new Map<Outcome, number>(OUTCOMES.map((outcome) => [outcome, 0]));
  const durations = createHistogram();

  function count(outcome: Outcome): void {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  function forgetOld(): void {
    for (const [id, since] of begun) {
      if (now() - since < FORGOTTEN_AFTER_MS) return;
      begun.delete(id);
      count('abandoned');
    }
  }

  return {
    heard(call, answer) {
      if (answer.family !== 'session') return;
      if (call.type === 'StartTransaction') {
        forgetOld();
        if (answer.id !== undefined) begun.set(nameOf(answer.id), now());
        return;
      }
      if (call.type !== 'CommitTransaction' && call.type !== 'RollbackTransaction') return;
      const id = nameOf(call.handle.id);
      const since = begun.get(id);
      const outcome = outcomeOf(answer.code);
      // One that is asked again has ended already.
      if (since === undefined || outcome === undefined) return;
      begun.delete(id);
      count(outcome);
      durations.add(now() - since);
    },
    families() {
      forgetOld();
      return [
        {
          name: 'wavetank_transactions_total',
          help: 'Transactions that clients of this node began, by how they ended.',
          type: 'counter',
          samples: [...counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
        },
        {
          name: 'wavetank_transaction_duration_seconds',
          help: 'How long those took that were committed, aborted or rolled back, from their begin.',
          type: 'histogram',
          samples: durations.samples({}),
        },
      ];
    },
  };
}

function nameOf({ node, wall, counter }: Timestamp): string {
  return `${node}.${wall}.${counter}`;
}

function outcomeOf(code: SessionCode): Outcome | undefined {
  switch (code) {
    case SessionCode.committed:
      return 'committed';
    case SessionCode.aborted:
      return 'aborted';
    case SessionCode.rolledBack:
      return 'rolledBack';
    default:
      return undefined;
  }
}
