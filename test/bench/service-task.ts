/** What the services' bench asks of its load process, and what that asks of the cluster. */

/** Over HTTP or gRPC to our own cluster, or by its own protocol to one of etcd. */
export type WireName = 'http' | 'grpc' | 'etcd';
/** What a lane does over and over; a lock is taken and given back, which counts as one. */
export type Work = ServiceWork | TransactionWork;
/** `create` is compare-and-set: a key that must not be there yet. */
export type ServiceWork = 'put' | 'get' | 'create' | 'lock' | 'next' | 'next-keyed';
/** A transaction of two sets in one partition, or in two; or one that adds one to a number that many are after. */
export type TransactionWork = 'one partition' | 'two partitions' | 'contended';

export interface ServiceTask {
  readonly wire: WireName;
  readonly work: Work;
  readonly outstanding: number;
  readonly ports: readonly number[];
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface ServiceResult {
  /** Answered in the measured time, and in all. */
  readonly count: number;
  readonly total: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What this process used itself, in seconds. */
  readonly cpuSeconds: number;
}

export type Question =
  | { readonly type: 'put' | 'get' | 'create'; readonly key: string }
  | { readonly type: 'acquire' | 'release'; readonly lock: string }
  | { readonly type: 'next'; readonly sequence: string; readonly idempotencyKey?: string }
  | { readonly type: 'script'; readonly script: string };

/** Asks; `answered` is told whether the answer is the one that is wanted. */
export interface Wire {
  ask(lane: number, question: Question, answered: (isGood: boolean) => void): void;
  close(): void;
}

export const SEQUENCES = 64;
/** In Base64: 256 bytes. */
export const VALUE = Buffer.alloc(256, 'v');
export const OWNER = Buffer.from('bench-owner');
export const LEASE_MS = 30_000;
