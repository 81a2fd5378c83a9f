/**
 * What a history file is made of, whether it was written as EDN or as JSON: values with the place where they stand.
 *
 * A number keeps its text in one canonical spelling, because histories hold integers beyond 2^53 and what is done with a value
 * here is to compare it, never to count with it.
 */

interface Placed {
  /** Offset in the text, for errors. */
  readonly at: number;
}

export type Form = Placed &
  (
    | { readonly type: 'nil' }
    | { readonly type: 'boolean'; readonly value: boolean }
    | { readonly type: 'number'; readonly text: string }
    | { readonly type: 'text'; readonly value: string }
    /** Without its colon. */
    | { readonly type: 'keyword'; readonly name: string }
    | { readonly type: 'symbol'; readonly name: string }
    | { readonly type: 'character'; readonly value: string }
    | { readonly type: 'list' | 'vector' | 'set'; readonly items: readonly Form[] }
    | { readonly type: 'map'; readonly entries: readonly (readonly [Form, Form])[] }
    | { readonly type: 'tagged'; readonly tag: string; readonly value: Form }
  );

/** The value of a map under the keyword or text `name`; undefined when it is not there, or when `form` is no map. */
export function fieldOf(form: Form, name: string): Form | undefined {
  const map = untagged(form);
  if (map.type !== 'map') return undefined;
  for (const [key, value] of map.entries) if (nameOf(key) === name) return value;
  return undefined;
}

/** The text of a keyword, a symbol or a string: the three ways in which files spell a name. */
export function nameOf(form: Form): string | undefined {
  switch (form.type) {
    case 'keyword':
    case 'symbol':
      return form.name;
    case 'text':
      return form.value;
    default:
      return undefined;
  }
}

/** The items of a list or vector. */
export function itemsOf(form: Form): readonly Form[] | undefined {
  return form.type === 'vector' || form.type === 'list' ? form.items : undefined;
}

export function untagged(form: Form): Form {
  let inner = form;
  while (inner.type === 'tagged') inner = inner.value;
  return inner;
}

/** A safe integer, or undefined. */
export function integerOf(form: Form): number | undefined {
  if (form.type !== 'number') return undefined;
  const value = Number(form.text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * The value as text, the same for equal values and for no others: sets and maps in the order of their members' texts. Lists
 * and vectors with the same items are equal, as in EDN.
 */
export function showForm(form: Form): string {
  switch (form.type) {
    case 'nil':
      return 'nil';
    case 'boolean':
      return String(form.value);
    case 'number':
      return form.text;
    case 'text':
      return JSON.stringify(form.value);
    case 'keyword':
      return `:${form.name}`;
    case 'symbol':
      return form.name;
    case 'character':
      return `\\${form.value}`;
    case 'list':
    case 'vector':
      return `[${form.items.map(showForm).join(' ')}]`;
    case 'set':
      return `#{${inOrder(form.items.map(showForm)).join(' ')}}`;
    case 'map':
      return `{${inOrder(form.entries.map(([key, value]) => `${showForm(key)} ${showForm(value)}`)).join(', ')}}`;
    case 'tagged':
      return `#${form.tag} ${showForm(form.value)}`;
  }
}

function inOrder(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
