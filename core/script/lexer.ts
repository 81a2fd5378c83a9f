/**
 * The lexer: a pure function from a place in the source to the token that begins there or after it.
 *
 * The longest match wins. It never fails: what begins no token is a token of kind `Invalid`, whose text says why, so that the
 * parser can refuse it where it stands and the highlighter can colour what is half written. Blanks are space, tab, CR, LF and,
 * because people write it, the semicolon. A minus is always an operator; the parser joins it to a number where a number is due, which
 * lets `9-4` be a subtraction.
 */

import { OPERATORS, SYMBOL_OF_KEYWORD, type Token, type TokenKind } from './token.js';

export function nextToken(source: string, offset: number, line: number): Token {
  let at = offset;
  let row = line;
  for (; at < source.length; at += 1) {
    const unit = source.charCodeAt(at);
    if (unit === 0x0a) row += 1;
    else if (unit !== 0x20 && unit !== 0x09 && unit !== 0x0d && unit !== 0x3b) break;
  }
  if (at >= source.length) return token('End', 'end of script', '', at, at, row);
  const unit = source.charCodeAt(at);
  if (isLetter(unit)) return wordAt(source, at, row);
  if (isDigit(unit)) return numberAt(source, at, row);
  switch (unit) {
    case 0x22:
    case 0x27:
      return stringAt(source, at, row);
    case 0x60:
      return nameAt(source, at, row);
    case 0x40:
      return placeholderAt(source, at, row);
    case 0x23: {
      const end = endOfLine(source, at);
      return token('Comment', 'comment', source.slice(at, end), at, end, row);
    }
    default:
      return operatorAt(source, at, row);
  }
}

function token(
  kind: TokenKind,
  symbol: string,
  text: string,
  start: number,
  end: number,
  line: number,
): Token {
  return { kind, symbol, text, start, end, line };
}

function invalid(why: string, start: number, end: number, line: number): Token {
  return token('Invalid', 'invalid', why, start, end, line);
}

/** A keyword, or a bare identifier. */
function wordAt(source: string, start: number, line: number): Token {
  const end = endOfWord(source, start);
  const text = source.slice(start, end);
  // No keyword is longer, and a long name need not be lowered to see that it is none.
  const keyword = text.length > 8 ? undefined : SYMBOL_OF_KEYWORD.get(text.toLowerCase());
  return keyword === undefined
    ? token('Identifier', 'identifier', text, start, end, line)
    : token('Keyword', keyword, text, start, end, line);
}

/** `1..10` is a whole number, a range and a whole number; hexadecimal begins with a lower-case `0x`. */
function numberAt(source: string, start: number, line: number): Token {
  if (source.charCodeAt(start) === 0x30 && source.charCodeAt(start + 1) === 0x78) {
    let end = start + 2;
    while (isHexDigit(source.charCodeAt(end))) end += 1;
    return end === start + 2
      ? invalid('a hexadecimal number has digits after 0x', start, end, line)
      : token('Integer', 'integer', source.slice(start, end), start, end, line);
  }
  let end = endOfDigits(source, start);
  if (source.charCodeAt(end) !== 0x2e || source.charCodeAt(end + 1) === 0x2e) {
    return token('Integer', 'integer', source.slice(start, end), start, end, line);
  }
  const fraction = end + 1;
  end = endOfDigits(source, fraction);
  return end === fraction
    ? invalid('a number has digits on both sides of its point', start, end, line)
    : token('Float', 'float', source.slice(start, end), start, end, line);
}

/** A backslash takes the next character with it, and both stay: no escape is decoded. */
function stringAt(source: string, start: number, line: number): Token {
  const quote = source.charCodeAt(start);
  for (let at = start + 1; at < source.length; at += 1) {
    const unit = source.charCodeAt(at);
    if (unit === quote) return token('String', 'string', source.slice(start + 1, at), start, at + 1, line);
    if (unit < 0x20) return brokenOff('a string', unit, start, at, line);
    if (unit === 0x5c && source.charCodeAt(at + 1) >= 0x20) at += 1;
  }
  return invalid('a string is not closed', start, source.length, line);
}

/** An identifier of any characters; it ends at the next back quote. */
function nameAt(source: string, start: number, line: number): Token {
  for (let at = start + 1; at < source.length; at += 1) {
    const unit = source.charCodeAt(at);
    if (unit === 0x60)
      return token('Identifier', 'identifier', source.slice(start + 1, at), start, at + 1, line);
    if (unit === 0x27)
      return invalid('a name in back quotes cannot hold a single quote', start, at + 1, line);
    if (unit < 0x20) return brokenOff('a name in back quotes', unit, start, at, line);
  }
  return invalid('a name in back quotes is not closed', start, source.length, line);
}

function brokenOff(what: string, unit: number, start: number, at: number, line: number): Token {
  if (unit === 0x0a || unit === 0x0d)
    return invalid(`${what} is not closed before the line ends`, start, at, line);
  const code = unit.toString(16).toUpperCase().padStart(4, '0');
  return invalid(`${what} cannot hold the control character U+${code}`, start, at + 1, line);
}

/** `@name`; an `@` that stands alone is the keyword AT. */
function placeholderAt(source: string, start: number, line: number): Token {
  const end = endOfWord(source, start + 1);
  if (end > start + 1) return token('Placeholder', 'placeholder', source.slice(start, end), start, end, line);
  const after = source.charCodeAt(end);
  const alone = end >= source.length || after === 0x20 || after === 0x09 || after === 0x0a || after === 0x0d;
  return alone
    ? token('Keyword', 'at', '@', start, end, line)
    : invalid('a placeholder is @ and letters, digits or underscores', start, end, line);
}

function operatorAt(source: string, start: number, line: number): Token {
  const pair = source.slice(start, start + 2);
  if (OPERATORS.has(pair)) return token('Operator', pair, pair, start, start + pair.length, line);
  const single = source.charAt(start);
  if (OPERATORS.has(single)) return token('Operator', single, single, start, start + 1, line);
  const character = String.fromCodePoint(source.codePointAt(start) as number);
  return invalid(strange(character), start, start + character.length, line);
}

function strange(character: string): string {
  const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  const shown = /\p{C}|\p{Z}/u.test(character) ? '' : ` "${character}"`;
  return `the character${shown} (U+${code}) means nothing here; names with such characters stand in back quotes`;
}

function endOfWord(source: string, from: number): number {
  let end = from;
  while (isLetter(source.charCodeAt(end)) || isDigit(source.charCodeAt(end))) end += 1;
  return end;
}

function endOfDigits(source: string, from: number): number {
  let end = from;
  while (isDigit(source.charCodeAt(end))) end += 1;
  return end;
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

/** ASCII letters and the underscore. Places after the end read as NaN, which is none of these. */
function isLetter(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isHexDigit(unit: number): boolean {
  return isDigit(unit) || (unit >= 0x61 && unit <= 0x66) || (unit >= 0x41 && unit <= 0x46);
}
