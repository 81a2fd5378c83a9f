/** Clients of transactions at the nodes of a `TestCluster`: each asks, and time passes until it is answered. */

import { expect } from 'vitest';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { revision } from '../../../core/machine/units.js';
import type { NodeOptions } from '../../../core/node/options.js';
import type { KeyValueOperation } from '../../../core/partition/command.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import {
  SessionCode,
  type RunAnswer,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
  type TransactionAnswer,
  type TransactionCall,
} from '../../../core/transactions/calls.js';
import { startReadyCluster, type TestCluster } from './support.js';

export const OPTIONS: SessionOptions = {
  locking: 'optimistic',
  timeoutMs: 0,
  admissionWaitMs: 0,
  readValidation: 'none',
  decisionDurability: 'bestEffort',
  asyncRelease: false,
  priority: 'normal',
};

const PARTITIONS = 4;

/** Keys of different partitions, by number. */
export function keyIn(group: number): string {
  for (let i = 0; ; i += 1) if (partitionOfKey(`k${i}`, PARTITIONS) === group) return `k${i}`;
}

export class Driver {
  readonly cluster: TestCluster;
  #token = 1000;

  constructor(size: number, options: Partial<NodeOptions> = {}) {
    this.cluster = startReadyCluster(size, { partitions: PARTITIONS, ...options });
  }

  /** What a call is told in the end. */
  call(node: number, call: TransactionCall): SessionAnswer {
    return this.answerTo(node, call) as SessionAnswer;
  }

  answerTo(node: number, call: TransactionCall, ms = 3000): TransactionAnswer {
    this.#token += 1;
    const token = this.#token;
    this.cluster.ask(node, token, { transaction: call });
    for (let passed = 0; passed <= ms; passed += 10) {
      this.cluster.settle();
      const answer = this.cluster.node(node).said.get(token);
      if (answer !== undefined) return answer;
      this.cluster.pass(10);
    }
    throw new Error('no answer');
  }

  run(node: number, text: string): RunAnswer {
    const script = new TextEncoder().encode(text);
    const call = { type: 'RunScript', script, parameters: [], priority: 'normal' } as const;
    return this.answerTo(node, call) as RunAnswer;
  }

  plain(node: number, request: Parameters<TestCluster['ask']>[2]) {
    this.#token += 1;
    const token = this.#token;
    this.cluster.ask(node, token, request);
    this.cluster.pass(300);
    return this.cluster.node(node).answers.get(token);
  }

  start(node: number, options: Partial<SessionOptions> = {}): Timestamp {
    const { id, code } = this.call(node, {
      type: 'StartTransaction',
      coordinatorKey: 'k',
      options: { ...OPTIONS, ...options },
    });
    expect(code).toBe(SessionCode.set);
    return id as Timestamp;
  }

  do(node: number, id: Timestamp, operation: SessionOperation): SessionAnswer {
    this.#token += 1;
    const operationId = `op-${this.#token}`;
    const handle = { id, coordinatorKey: 'k' };
    return this.call(node, { type: 'OperateInTransaction', handle, operationId, operation });
  }

  commit(node: number, id: Timestamp): SessionAnswer {
    return this.call(node, { type: 'CommitTransaction', handle: { id, coordinatorKey: 'k' } });
  }

  rollback(node: number, id: Timestamp): SessionAnswer {
    return this.call(node, { type: 'RollbackTransaction', handle: { id, coordinatorKey: 'k' } });
  }
}

export function put(key: string, text: string): KeyValueOperation {
  const value = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return { type: 'Set', key, value, flags: 1, compareValue: null, compareRevision: revision(0) };
}
