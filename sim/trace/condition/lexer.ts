/** The words, numbers and signs of a condition. */

export type Token =
  | { readonly type: 'Word'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly type: 'Number'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly type: 'Text'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly type: 'Sign'; readonly text: string; readonly at: number; readonly end: number }
  | { readonly type: 'End'; readonly text: ''; readonly at: number; readonly end: number };

/** A condition that cannot be read: where, and what was expected. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
  constructor(
    /** From 1. */
    readonly column: number,
    readonly problem: string,
  ) {
    super(`column ${column}: ${problem}`);
  }
}

const TOKEN = /\s*(?:([A-Za-z_]\w*)|(-?\d+)|("(?:[^"\\]|\\.)*")|(==|!=|<=|>=|[<>()[\],.]))/y;

/** @throws ConditionError at the first character that belongs to no token. */
export function readTokens(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const text = source.trimEnd();
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw unreadable(text, at);
    const [whole, word, number, quoted, sign] = found;
    const end = at + whole.length;
    const raw = word ?? number ?? quoted ?? sign ?? '';
    const place = { at: end - raw.length, end };
    if (word !== undefined) tokens.push({ type: 'Word', text: word, ...place });
    else if (number !== undefined) tokens.push({ type: 'Number', text: number, ...place });
    else if (quoted !== undefined) tokens.push({ type: 'Text', text: unquote(quoted, place.at), ...place });
    else tokens.push({ type: 'Sign', text: raw, ...place });
    at = end;
  }
  tokens.push({ type: 'End', text: '', at: text.length, end: text.length });
  return tokens;
}

function unreadable(text: string, from: number): ConditionError {
  const at = text.length - text.slice(from).trimStart().length;
  const character = text.charAt(at);
  if (character === '=') return new ConditionError(at + 1, 'equality is written ==');
  if (character === '!') return new ConditionError(at + 1, 'negation is written "not", inequality !=');
  if (character === '&') return new ConditionError(at + 1, 'conditions are joined by "and"');
  if (character === '|') return new ConditionError(at + 1, 'alternatives are joined by "or"');
  if (character === '"') return new ConditionError(at + 1, 'this text has no closing quote');
  return new ConditionError(at + 1, `"${character}" has no meaning here`);
}

function unquote(quoted: string, at: number): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new ConditionError(at + 1, `${quoted} is not a text as JSON writes it`);
  }
}
