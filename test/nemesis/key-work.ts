/** A client that works on keys: a register with conditions, each write under one operation id until it is answered. */

import { KeyValueCode, SetFlag } from '../../core/index.js';
import {
  drawBelow,
  drawOne,
  type KeyValueInput,
  type KeyValueOutput,
  type Operation,
  type SetCondition,
  type Stream,
} from '../../sim/index.js';
import { unexpected, type Answer, type Asker } from './asking.js';

export type KeyEvent = Operation<KeyValueInput, KeyValueOutput>;

export interface KeyWorker {
  /** Unique among all clients: it is part of the operation ids. */
  readonly number: number;
  readonly stream: Stream;
  readonly asker: Asker;
  readonly history: KeyEvent[];
  /** What it last saw of each key; conditions rest on it. */
  readonly seen: Map<string, Seen>;
}

interface Seen {
  readonly revision: number;
  readonly value: string | null;
}

/** The same keys are worked on until the epoch is over, so that no history of a key grows without end. */
const KEYS = 4;
const DURABLE = { durability: 1 };

/** @returns true: a client of keys asks until it is answered. */
export async function workOnKey(worker: KeyWorker, count: number, epoch: number): Promise<boolean> {
  const { number, stream, asker, history, seen } = worker;
  const key = `nemesis/${epoch}/${drawBelow(stream, KEYS, count)}`;
  const input = drawInput(stream, count, `${number}-${count}`, seen.get(key));
  const id = history.length;
  const asked = { id, client: `k${number}`, key, input };
  const { path, body } = requestOf(key, input);
  const isWrite = input.type === 'set' || input.type === 'delete';
  const name = isWrite ? { operationIdHigh: number, operationIdLow: count } : {};
  history.push({ ...asked, invokedAt: 0, answeredAt: undefined, output: undefined });
  const { invokedAt, answeredAt, answer } = await asker.untilAnswered(path, { ...body, ...name });
  const output = outputOf(input, answer);
  history[id] = { ...asked, invokedAt, answeredAt, output };
  remember(seen, key, input, output);
  return true;
}

function drawInput(stream: Stream, count: number, value: string, seen: Seen | undefined): KeyValueInput {
  const chance = drawBelow(stream, 100, count, 1);
  if (chance < 30) return { type: 'get' };
  if (chance < 38) return { type: 'exists' };
  if (chance < 48) return { type: 'delete' };
  return { type: 'set', value, condition: drawCondition(stream, count, seen) };
}

function drawCondition(stream: Stream, count: number, seen: Seen | undefined): SetCondition {
  const none = { ifExists: false, ifNotExists: false };
  switch (drawOne(stream, ['none', 'exists', 'absent', 'revision', 'value'] as const, count, 2)) {
    case 'none':
      return none;
    case 'exists':
      return { ifExists: true, ifNotExists: false };
    case 'absent':
      return { ifExists: false, ifNotExists: true };
    case 'revision':
      return { ...none, equalToRevision: seen?.revision ?? -1 };
    case 'value':
      return { ...none, equalToValue: seen?.value ?? null };
  }
}

function requestOf(key: string, input: KeyValueInput): { path: string; body: Record<string, unknown> } {
  switch (input.type) {
    case 'get':
      return { path: '/v1/kv/try-get', body: { key, revision: -1, ...DURABLE } };
    case 'exists':
      return { path: '/v1/kv/try-exists', body: { key, revision: -1, ...DURABLE } };
    case 'delete':
      return { path: '/v1/kv/try-delete', body: { key, ...DURABLE } };
    case 'set':
      return {
        path: '/v1/kv/try-set',
        body: { key, value: base64(input.value), ...conditionFields(input.condition), ...DURABLE },
      };
  }
}

function conditionFields({ ifExists, ifNotExists, equalToRevision, equalToValue }: SetCondition): object {
  const flags =
    (ifExists ? SetFlag.ifExists : 0) |
    (ifNotExists ? SetFlag.ifNotExists : 0) |
    (equalToRevision === undefined ? 0 : SetFlag.ifEqualToRevision) |
    (equalToValue === undefined ? 0 : SetFlag.ifEqualToValue);
  return {
    flags,
    ...(equalToRevision === undefined ? {} : { compareRevision: equalToRevision }),
    ...(equalToValue === undefined ? {} : { compareValue: base64(equalToValue) }),
  };
}

function base64(value: string | null): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}

function outputOf(input: KeyValueInput, answer: Answer): KeyValueOutput {
  const revision = answer.revision as number;
  switch (answer.type) {
    case KeyValueCode.set:
      return { type: 'set', revision };
    case KeyValueCode.notSet:
      return { type: 'notSet', revision };
    case KeyValueCode.got:
      return { type: 'got', value: Buffer.from(answer.value as string, 'base64').toString(), revision };
    case KeyValueCode.deleted:
      return { type: 'deleted', revision };
    case KeyValueCode.exists:
      return { type: 'exists', revision };
    case KeyValueCode.doesNotExist:
      return { type: 'missing' };
    default:
      throw unexpected(`${input.type} of a key`, answer);
  }
}

function remember(seen: Map<string, Seen>, key: string, input: KeyValueInput, output: KeyValueOutput): void {
  if (output.type === 'missing' || output.type === 'exists' || output.type === 'notSet') return;
  const value = output.type === 'got' ? output.value : input.type === 'set' ? input.value : null;
  seen.set(key, { revision: output.revision, value });
}
