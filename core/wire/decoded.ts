/** What decoding gives: a value that keeps every rule of its type, or the reason why the bytes hold none. */
export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };
