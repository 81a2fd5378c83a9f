/**
 * The load process of the overload bench: first as many puts as the cluster serves, then three times as many, whether they
 * are answered or not, through the batch streams of gRPC; then it looks whether all that was acknowledged is there.
 */

import { Client, credentials } from '@grpc/grpc-js';

import { KeyValueCode } from '../../core/index.js';
import { openKeyStream, type BatchStream, type Message } from './grpc-wire.js';
import { percentile } from './table.js';

export interface OverloadTask {
  readonly ports: readonly number[];
  readonly closedMs: number;
  readonly openMs: number;
  /** How many times the load that is served. */
  readonly factor: number;
}

export type OverloadNews =
  | { readonly type: 'Served'; readonly perSecond: number }
  | { readonly type: 'Offered' }
  | { readonly type: 'Done'; readonly result: OverloadResult };

export interface OverloadResult {
  readonly offered: number;
  readonly acknowledged: number;
  /** Told to come again. */
  readonly putOff: number;
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Keys whose newest revision is older than one that was acknowledged. */
  readonly lost: number;
}

const OUTSTANDING = 256;
const KEYS = 1_000;
const TICK_MS = 5;
const SETTLE_MS = 30_000;
const PERSISTENT = 1;
const VALUE = Buffer.alloc(256, 'v');

process.once('message', (task) => void overload(task as OverloadTask));

async function overload({ ports, closedMs, openMs, factor }: OverloadTask): Promise<void> {
  const nodes = ports.map((port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure()));
  const streams = nodes.map(openKeyStream);
  /** The highest revision of each key that was acknowledged. */
  const revisions = new Map<string, number>();
  let number = 0;

  function put(answered: (code: number) => void): void {
    number += 1;
    const key = `overload/${number % KEYS}`;
    const stream = streams[number % streams.length] as BatchStream;
    const asked = { Key: key, Value: VALUE, Flags: 1, Durability: PERSISTENT };
    stream.send({ Type: 1, TrySetKeyValue: asked }, ({ TrySetKeyValue: answer }) => {
      const { Type: code, Revision } = answer as Message & { readonly Type: number };
      if (code === KeyValueCode.set)
        revisions.set(key, Math.max(revisions.get(key) ?? -1, Number(Revision ?? 0)));
      answered(code);
    });
  }

  const perSecond = await serveClosed(put, closedMs);
  tell({ type: 'Served', perSecond });
  const open = await offer(put, perSecond * factor, openMs, () => tell({ type: 'Offered' }));
  const lost = await countLost(streams, revisions);
  tell({ type: 'Done', result: { ...open, lost } });
  for (const node of nodes) node.close();
  process.disconnect();
}

type Put = (answered: (code: number) => void) => void;

/** Each of so many asks again when it is answered. @returns what was acknowledged a second, in the second half. */
async function serveClosed(put: Put, forMs: number): Promise<number> {
  const startedAt = performance.now();
  let counted = 0;
  const lane = (done: () => void): void => {
    put((code) => {
      const elapsed = performance.now() - startedAt;
      if (code === KeyValueCode.set && elapsed > forMs / 2 && elapsed < forMs) counted += 1;
      if (elapsed < forMs) lane(done);
      else done();
    });
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, () => new Promise<void>(lane)));
  return (counted * 2_000) / forMs;
}

async function offer(
  put: Put,
  perSecond: number,
  forMs: number,
  onOffered: () => void,
): Promise<Omit<OverloadResult, 'lost'>> {
  const startedAt = performance.now();
  const latencies: number[] = [];
  let offered = 0;
  let putOff = 0;
  const ask = (): void => {
    offered += 1;
    const askedAt = performance.now();
    put((code) => {
      if (code === KeyValueCode.set) latencies.push(performance.now() - askedAt);
      else putOff += 1;
    });
  };
  for (let elapsed = 0; elapsed < forMs; elapsed = performance.now() - startedAt) {
    const due = Math.floor((elapsed * perSecond) / 1_000);
    while (offered < due) ask();
    await pause(TICK_MS);
  }
  onOffered();
  const patience = performance.now() + SETTLE_MS;
  while (latencies.length + putOff < offered && performance.now() < patience) await pause(50);
  const sorted = Float64Array.from(latencies).sort();
  return {
    offered,
    acknowledged: sorted.length,
    putOff,
    unanswered: offered - sorted.length - putOff,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
  };
}

async function countLost(
  streams: readonly BatchStream[],
  revisions: ReadonlyMap<string, number>,
): Promise<number> {
  let lost = 0;
  for (const [key, acknowledged] of revisions) if ((await newest(streams, key)) < acknowledged) lost += 1;
  return lost;
}

async function newest(streams: readonly BatchStream[], key: string): Promise<number> {
  for (;;) {
    const answer = await new Promise<Message>((resolve) => {
      const asked = { Key: key, Revision: -1, Durability: PERSISTENT };
      streams[0]?.send({ Type: 5, TryGetKeyValue: asked }, ({ TryGetKeyValue }) =>
        resolve(TryGetKeyValue as Message),
      );
    });
    if (answer.Type === KeyValueCode.got) return Number(answer.Revision ?? 0);
    if (answer.Type !== KeyValueCode.mustRetry) return -1;
    await pause(50);
  }
}

function tell(news: OverloadNews): void {
  process.send?.(news);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
