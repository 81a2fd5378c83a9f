/**
 * Bytes that cross between a program and the machine's state are copied: states are never changed, and a program may do
 * with its bytes what it likes.
 */

/** The fields in which operations and outcomes carry bytes. */
const BYTES = ['value', 'compareValue', 'owner'] as const;

/** The same record, with bytes of its own. */
export function withOwnBytes<T extends object>(record: T): T {
  const fields = record as Readonly<Record<string, unknown>>;
  const own: Record<string, unknown> = { ...fields };
  for (const name of BYTES) {
    const value = fields[name];
    // Never a Buffer, whose slices share memory.
    if (value instanceof Uint8Array) own[name] = new Uint8Array(value);
  }
  const { items } = fields;
  if (Array.isArray(items)) own['items'] = (items as readonly object[]).map(withOwnBytes);
  return own as T;
}
