/** Which operations may be under way at once: those of which neither can tell whether the other was first. */

import type { StoreOperation } from './effects.js';

/** Whether the order of two operations matters. Symmetric. */
export function conflict(a: StoreOperation, b: StoreOperation): boolean {
  if (a.ephemeral !== b.ephemeral || (!writes(a) && !writes(b))) return false;
  return !writes(a) ? covers(a, b) : covers(b, a);
}

function writes({ type }: StoreOperation): boolean {
  return type === 'Set' || type === 'Delete' || type === 'Extend';
}

/** Whether an operation looks at the key that the other, a write, changes. */
function covers(operation: StoreOperation, write: StoreOperation): boolean {
  const key = 'key' in write ? write.key : '';
  if ('key' in operation) return operation.key === key;
  return operation.type === 'Bucket' ? bucketOf(key) === operation.prefix : key.startsWith(operation.prefix);
}

/** The bucket of a key: all before its last slash; undefined for a key without one, which belongs to none. */
export function bucketOf(key: string): string | undefined {
  const slash = key.lastIndexOf('/');
  return slash < 0 ? undefined : key.slice(0, slash);
}
