/**
 * One way to say what a test says, whoever carries it: requests and answers with the names of the REST specification,
 * bytes as text, timestamps as `{n, l, c}`. A test that is written against this is run by REST, by gRPC, by our own client, and
 * into a node of this process.
 */

export type Fields = Readonly<Record<string, unknown>>;

export interface Driver {
  /**
   * @param path of the REST route, after `/v1/`.
   * @param body what is left out has its usual value: persistent, the newest revision, an increment of 1.
   */
  call(path: ServicePath, body: Fields): Promise<Fields>;
  close(): void | Promise<void>;
}

/** By REST path, the gRPC method that does the same. */
export const METHODS = {
  'locks/try-lock': 'Locker.TryLock',
  'locks/try-extend': 'Locker.TryExtendLock',
  'locks/try-unlock': 'Locker.Unlock',
  'locks/get-info': 'Locker.GetLock',
  'kv/try-set': 'KeyValuer.TrySetKeyValue',
  'kv/try-extend': 'KeyValuer.TryExtendKeyValue',
  'kv/try-delete': 'KeyValuer.TryDeleteKeyValue',
  'kv/try-get': 'KeyValuer.TryGetKeyValue',
  'kv/try-exists': 'KeyValuer.TryExistsKeyValue',
  'kv/try-set-many': 'KeyValuer.TrySetManyKeyValue',
  'kv/try-delete-many': 'KeyValuer.TryDeleteManyKeyValue',
  'kv/try-get-many': 'KeyValuer.TryGetManyValues',
  'kv/try-exists-many': 'KeyValuer.TryExistsManyValues',
  'kv/get-by-range': 'KeyValuer.GetByRange',
  'kv/get-by-bucket': 'KeyValuer.GetByBucket',
  'kv/scan-all-by-prefix': 'KeyValuer.ScanAllByPrefix',
  'kv/snapshot-hold/acquire': 'KeyValuer.AcquireSnapshotHold',
  'kv/snapshot-hold/renew': 'KeyValuer.RenewSnapshotHold',
  'kv/snapshot-hold/release': 'KeyValuer.ReleaseSnapshotHold',
  'kv/snapshot-floor': 'KeyValuer.GetSnapshotFloor',
  'kv/start-tx-session': 'KeyValuer.StartTransaction',
  'kv/commit-tx-session': 'KeyValuer.CommitTransaction',
  'kv/rollback-tx-session': 'KeyValuer.RollbackTransaction',
  'kv/try-acquire-exclusive-lock': 'KeyValuer.TryAcquireExclusiveLock',
  'kv/try-acquire-prefix-lock': 'KeyValuer.TryAcquireExclusivePrefixLock',
  'kv/try-release-prefix-lock': 'KeyValuer.TryReleaseExclusivePrefixLock',
  'kv/try-acquire-range-lock': 'KeyValuer.TryAcquireExclusiveRangeLock',
  'kv/try-release-range-lock': 'KeyValuer.TryReleaseExclusiveRangeLock',
  'kv/try-execute-tx-script': 'KeyValuer.TryExecuteTransactionScript',
  'sequences/create': 'Sequencer.CreateSequence',
  'sequences/update': 'Sequencer.UpdateSequence',
  'sequences/get': 'Sequencer.GetSequence',
  'sequences/next': 'Sequencer.NextSequenceValue',
  'sequences/reserve': 'Sequencer.ReserveSequenceRange',
  'sequences/delete': 'Sequencer.DeleteSequence',
} as const;

export type ServicePath = keyof typeof METHODS;

/** What is only looked at, by a GET without a body. */
export const LOOKS: readonly ServicePath[] = ['kv/snapshot-floor'];

/** The properties that are bytes. */
const BYTES = ['value', 'compareValue', 'owner', 'script'];
/** In these lists what is called a value is text. */
const OF_TEXT = ['parameters'];

/** Every object in a request or an answer, with its byte properties turned by `turn`. */
export function turnBytes(fields: Fields, turn: (bytes: unknown) => unknown): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, unknown] => {
      if (BYTES.includes(name)) return [name, value === null || value === undefined ? null : turn(value)];
      if (OF_TEXT.includes(name)) return [name, value];
      if (Array.isArray(value)) return [name, value.map((one) => turnBytes(one as Fields, turn))];
      return [name, value];
    }),
  );
}

/** What the usual client sends without being asked. */
export function withUsual(path: ServicePath, body: Fields): Fields {
  const items = body.items as readonly Fields[] | undefined;
  const reads = /try-(get|exists)/.test(path) ? { revision: -1 } : {};
  const urgent = /start-tx|execute-tx/.test(path) ? { priority: 2 } : {};
  const creates = path === 'sequences/create' ? { increment: 1 } : {};
  const usual = { durability: 1, ...reads, ...creates, ...urgent };
  if (items === undefined) return { ...usual, ...body };
  return { ...body, items: items.map((item) => ({ ...usual, ...item })) };
}
