/** What operations of a session need: which lock, and whose signal. */

import type { LockNeed } from '../../core/partition/transaction-command.js';
import type { Keys } from './keys.js';
import type { CallOptions } from './patience.js';
import type { AskInSession } from './port.js';
import type { RangeLockOptions, SessionKeys } from './session.js';

export function rangeNeed(prefix: string, options: RangeLockOptions) {
  const { start, startInclusive = true, end, endInclusive = false, shared = false } = options;
  return {
    type: 'RangeLock',
    prefix,
    ...(start === undefined ? {} : { from: { key: start, inclusive: startInclusive } }),
    ...(end === undefined ? {} : { to: { key: end, inclusive: endInclusive } }),
    mode: shared ? 'shared' : 'exclusive',
  } as const;
}

/** What a read needs; writes take their lock by themselves. */
export function needOf(ask: AskInSession): LockNeed | undefined {
  switch (ask.type) {
    case 'Get':
    case 'Exists':
      return ask.at === undefined && ask.revision === undefined
        ? { type: 'KeyLock', key: ask.key }
        : undefined;
    case 'Bucket':
      return ask.at === undefined ? { type: 'PrefixLock', prefix: ask.prefix } : undefined;
    case 'Range': {
      const { prefix, from, to, at } = ask;
      const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      return at === undefined ? { type: 'RangeLock', prefix, ...bounds, mode: 'exclusive' } : undefined;
    }
    default:
      return undefined;
  }
}

/** The signal of the session counts for everything in it, unless something is given one of its own. */
export function keysOf(keys: Keys, signal: AbortSignal | undefined): SessionKeys {
  const own = <Options extends CallOptions>(options: Options | undefined): Options =>
    ({ ...(signal === undefined ? {} : { signal }), ...options }) as Options;
  return {
    set: (key, value, options) => keys.set(key, value, own(options)),
    setJson: (key, value, options) => keys.setJson(key, value, own(options)),
    get: (key, options) => keys.get(key, own(options)),
    getText: (key, options) => keys.getText(key, own(options)),
    getBytes: (key, options) => keys.getBytes(key, own(options)),
    getJson: (key, options) => keys.getJson(key, own(options)),
    exists: (key, options) => keys.exists(key, own(options)),
    stat: (key, options) => keys.stat(key, own(options)),
    delete: (key, options) => keys.delete(key, own(options)),
    extend: (key, expiresMs, options) => keys.extend(key, expiresMs, own(options)),
    deleteMany: (items, options) => keys.deleteMany(items, own(options)),
    getByBucket: (prefix, options) => keys.getByBucket(prefix, own(options)),
    range: (prefix, options) => keys.range(prefix, own(options)),
    iterate: (prefix, options) => keys.iterate(prefix, own(options)),
  };
}
