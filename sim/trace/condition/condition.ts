/**
 * Conditions on the lines of a trace, for breakpoints: a small language that is read, never run as code.
 *
 *     condition  = all { "or" all }
 *     all        = single { "and" single }
 *     single     = "not" single | "(" condition ")" | event | test
 *     event      = "node" NUMBER ( "crashes" | "starts" | "acts" | "writes" | "replies" | "halts" )
 *                | "message" ( TYPE | "any" ) [ "from" NUMBER ] [ "to" NUMBER ]      it is received in this line
 *                | "sends" ( TYPE | "any" ) [ "from" NUMBER ] [ "to" NUMBER ]        it leaves in this line
 *                | "changed" "(" NUMBER "," ( FIELD | PATH ) ")"                     this line changed it
 *                | "up" "(" NUMBER ")" | "down" "(" NUMBER ")"
 *     test       = value ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *     value      = NUMBER | TEXT | WORD
 *                | "line" | "time" | "node"                       of the line; the time in whole milliseconds
 *                | FIELD "(" NUMBER [ "," NUMBER ] ")"            of a node, and of a group of it (1 when left out)
 *                | "state" "(" NUMBER "," PATH ")"                anything else in a node's state
 *                | "count" "(" FIELD "," value [ "," NUMBER ] ")" how many nodes have that value
 *
 * What is asked of a node that is down, or of a place that is not there, is absent, and a test of something absent is
 * false, that of `!=` too. The fields are those of the trace's subject.
 */

import { hashValue } from '../state-hash.js';
import { parsePath, valueAt, type PathStep } from '../show.js';
import type { StateField, TraceSubject } from '../subject.js';
import { lastLine, momentAt, stateAt, stateBefore, type Timeline } from '../timeline.js';
import { ConditionError, readTokens, type Token } from './lexer.js';

export interface Condition {
  readonly text: string;
  /**
   * It speaks of something that happens in a line, so it is news in every line in which it holds; any other is news
   * only where it comes to hold.
   */
  readonly momentary: boolean;
  readonly holds: (timeline: Timeline, n: number) => boolean;
}

/** Whether a condition is news at line `n`: what a breakpoint stops at. */
export function strikes(condition: Condition, timeline: Timeline, n: number): boolean {
  if (n < 1 || n > lastLine(timeline) || !condition.holds(timeline, n)) return false;
  return condition.momentary || n === 1 || !condition.holds(timeline, n - 1);
}

type Value = number | string | undefined;
type Test = (timeline: Timeline, n: number) => boolean;

/** What can be compared, and what is known of it before it is read. */
interface Term {
  readonly read: (timeline: Timeline, n: number) => Value;
  /** Absent where it is known only in the line. */
  readonly type?: 'number' | 'word';
  /** The words that it may be, where it is one of a few. */
  readonly words?: readonly string[];
  /** What a bare word stands for itself. */
  readonly word?: string;
  readonly at: number;
}

interface Reader {
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly subject: TraceSubject;
  at: number;
  momentary: boolean;
}

/** Characters of a condition: nobody writes longer ones, and no text may exhaust the stack of the reader. */
const MAX_LENGTH = 2_000;

const NODE_EVENTS = ['crashes', 'starts', 'acts', 'writes', 'replies', 'halts'] as const;
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;

/** @throws ConditionError that says at which column, and what was expected. */
export function parseCondition(source: string, subject: TraceSubject): Condition {
  if (source.length > MAX_LENGTH) {
    throw new ConditionError(MAX_LENGTH + 1, `a condition has at most ${MAX_LENGTH} characters`);
  }
  const reader: Reader = { source, tokens: readTokens(source), subject, at: 0, momentary: false };
  if (peek(reader).type === 'End') {
    throw new ConditionError(1, 'a condition is missing, such as role(1) == leader');
  }
  const holds = readAny(reader);
  const rest = peek(reader);
  if (rest.type !== 'End') throw expected(rest, '"and", "or" or the end');
  return { text: source.trim(), momentary: reader.momentary, holds };
}

function peek(reader: Reader, ahead = 0): Token {
  return reader.tokens[Math.min(reader.at + ahead, reader.tokens.length - 1)] as Token;
}

function take(reader: Reader): Token {
  const token = peek(reader);
  reader.at += 1;
  return token;
}

/** Takes the next token when it reads so. */
function accept(reader: Reader, text: string): boolean {
  const token = peek(reader);
  if (token.type === 'Text' || token.type === 'End' || token.text !== text) return false;
  reader.at += 1;
  return true;
}

function require(reader: Reader, text: string): void {
  if (!accept(reader, text)) throw expected(peek(reader), `"${text}"`);
}

function expected(token: Token, what: string): ConditionError {
  const found = token.type === 'End' ? 'the condition ends' : `here is "${token.text}"`;
  return new ConditionError(token.at + 1, `expected ${what}, but ${found}`);
}

function listed(words: readonly string[]): string {
  return words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`;
}

function readAny(reader: Reader): Test {
  const tests = [readAll(reader)];
  while (accept(reader, 'or')) tests.push(readAll(reader));
  return tests.length === 1 ? (tests[0] as Test) : (timeline, n) => tests.some((test) => test(timeline, n));
}

function readAll(reader: Reader): Test {
  const tests = [readSingle(reader)];
  while (accept(reader, 'and')) tests.push(readSingle(reader));
  return tests.length === 1 ? (tests[0] as Test) : (timeline, n) => tests.every((test) => test(timeline, n));
}

function readSingle(reader: Reader): Test {
  if (accept(reader, 'not')) {
    const test = readSingle(reader);
    return (timeline, n) => !test(timeline, n);
  }
  if (accept(reader, '(')) {
    const test = readAny(reader);
    require(reader, ')');
    return test;
  }
  const token = peek(reader);
  const next = peek(reader, 1);
  if (token.type === 'Word') {
    if (token.text === 'node' && next.type === 'Number') return readNodeEvent(reader);
    if (token.text === 'message' || token.text === 'sends') return readMessage(reader);
    if (next.text === '(' && token.text === 'changed') return readChanged(reader);
    if (next.text === '(' && (token.text === 'up' || token.text === 'down')) return readUp(reader);
  }
  return readTest(reader);
}

function readNodeEvent(reader: Reader): Test {
  take(reader);
  const node = readNumber(reader, 'the number of a node');
  const token = take(reader);
  const verb = NODE_EVENTS.find((one) => one === token.text);
  if (verb === undefined) throw expected(token, listed(NODE_EVENTS));
  reader.momentary = true;
  const effect = { writes: 'Persist', replies: 'Reply', halts: 'Halt' } as const;
  return (timeline, n) => {
    const { line, effects } = momentAt(timeline, n);
    if (line.node !== node) return false;
    switch (verb) {
      case 'crashes':
        return 'crash' in line;
      case 'starts':
        return 'start' in line;
      case 'acts':
        return 'turn' in line;
      case 'writes':
      case 'replies':
      case 'halts':
        return effects.some(({ type }) => type === effect[verb]);
    }
  };
}

function readMessage(reader: Reader): Test {
  const { subject } = reader;
  const received = take(reader).text === 'message';
  const token = take(reader);
  if (token.text !== 'any' && !subject.messageTypes.includes(token.text)) {
    throw expected(token, listed([...subject.messageTypes, 'any']));
  }
  const from = accept(reader, 'from') ? readNumber(reader, 'the number of a node') : undefined;
  const to = accept(reader, 'to') ? readNumber(reader, 'the number of a node') : undefined;
  reader.momentary = true;
  const fits = (sender: number, receiver: number, messages: readonly unknown[]): boolean =>
    (from === undefined || from === sender) &&
    (to === undefined || to === receiver) &&
    messages.some((message) => token.text === 'any' || subject.messageType(message) === token.text);
  return (timeline, n) => {
    const { line, events, effects } = momentAt(timeline, n);
    return received
      ? events.some(
          (event) => event.type === 'MessageReceived' && fits(event.from, line.node, [event.message]),
        )
      : effects.some((effect) => effect.type === 'Send' && fits(line.node, effect.to, effect.messages));
  };
}

function readChanged(reader: Reader): Test {
  take(reader);
  require(reader, '(');
  const node = readNumber(reader, 'the number of a node');
  require(reader, ',');
  const read = readFieldOrPath(reader);
  require(reader, ')');
  reader.momentary = true;
  return (timeline, n) => {
    const { line, after } = momentAt(timeline, n);
    if (line.node !== node || after === undefined) return false;
    const before = stateBefore(timeline, node, n);
    return before !== undefined && hashValue(read(before)) !== hashValue(read(after));
  };
}

function readUp(reader: Reader): Test {
  const up = take(reader).text === 'up';
  require(reader, '(');
  const node = readNumber(reader, 'the number of a node');
  require(reader, ')');
  return (timeline, n) => (stateAt(timeline, node, n) !== undefined) === up;
}

function readTest(reader: Reader): Test {
  const left = readTerm(reader);
  const token = take(reader);
  const comparison = COMPARISONS.find((one) => token.type === 'Sign' && one === token.text);
  if (comparison === undefined) throw expected(token, `a comparison (${COMPARISONS.join(' ')})`);
  const right = readTerm(reader);
  checkWords(left, right);
  checkWords(right, left);
  if (left.type !== undefined && right.type !== undefined && left.type !== right.type) {
    throw new ConditionError(
      right.at + 1,
      `a ${left.type} is compared with a ${right.type}, which is never equal`,
    );
  }
  if (left.type === 'word' && comparison !== '==' && comparison !== '!=') {
    throw new ConditionError(token.at + 1, `words have no order; compare them by == or !=`);
  }
  return (timeline, n) => compare(left.read(timeline, n), comparison, right.read(timeline, n));
}

/** A misspelt word would make a test that is never true. */
function checkWords(field: Term, other: Term): void {
  if (field.words === undefined || other.word === undefined || field.words.includes(other.word)) return;
  throw new ConditionError(other.at + 1, `expected ${listed(field.words)}, but here is "${other.word}"`);
}

function compare(left: Value, comparison: (typeof COMPARISONS)[number], right: Value): boolean {
  if (left === undefined || right === undefined) return false;
  switch (comparison) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function readTerm(reader: Reader): Term {
  const token = take(reader);
  const { at } = token;
  if (token.type === 'Number') return { read: () => Number(token.text), type: 'number', at };
  if (token.type === 'Text') return { read: () => token.text, type: 'word', word: token.text, at };
  if (token.type !== 'Word') throw expected(token, 'a value, such as term(1), 7 or leader');
  if (peek(reader).text === '(') return { ...readCall(reader, token), at };
  switch (token.text) {
    case 'line':
      return { read: (_, n) => n, type: 'number', at };
    case 'time':
      return { read: (timeline, n) => Math.floor(momentAt(timeline, n).line.at / 1_000), type: 'number', at };
    case 'node':
      return { read: (timeline, n) => momentAt(timeline, n).line.node, type: 'number', at };
    default:
      return { read: () => token.text, type: 'word', word: token.text, at };
  }
}

function readCall(reader: Reader, name: Token): Omit<Term, 'at'> {
  require(reader, '(');
  if (name.text === 'count') return readCount(reader);
  if (name.text === 'state') {
    const node = readNumber(reader, 'the number of a node');
    require(reader, ',');
    const read = readPath(reader);
    require(reader, ')');
    return { read: (timeline, n) => asValue(read(stateAt(timeline, node, n))) };
  }
  const field = fieldNamed(reader, name, ['count', 'state', 'changed', 'up', 'down']);
  const node = readNumber(reader, 'the number of a node');
  const group = accept(reader, ',') ? readNumber(reader, 'the number of a group') : 1;
  require(reader, ')');
  return {
    read: (timeline, n) => readField(field, stateAt(timeline, node, n), group),
    ...kindOf(field),
  };
}

function readCount(reader: Reader): Omit<Term, 'at'> {
  const field = fieldNamed(reader, take(reader), []);
  require(reader, ',');
  const wanted = readTerm(reader);
  checkWords({ ...kindOf(field), read: () => undefined, at: 0 }, wanted);
  const group = accept(reader, ',') ? readNumber(reader, 'the number of a group') : 1;
  require(reader, ')');
  return {
    type: 'number',
    read: (timeline, n) => {
      const value = wanted.read(timeline, n);
      return timeline.nodes.filter(
        (node) => value !== undefined && readField(field, stateAt(timeline, node, n), group) === value,
      ).length;
    },
  };
}

function kindOf(field: StateField): Pick<Term, 'type' | 'words'> {
  return field.words === undefined ? { type: 'number' } : { type: 'word', words: field.words };
}

function readField(field: StateField, state: unknown, group: number): Value {
  return state === undefined ? undefined : field.read(state, group);
}

function fieldNamed(reader: Reader, token: Token, others: readonly string[]): StateField {
  const { fields } = reader.subject;
  const field = fields.find(({ name }) => name === token.text);
  if (field === undefined) throw expected(token, listed([...fields.map(({ name }) => name), ...others]));
  return field;
}

/** A field by its name, or anything by its path: one that is read from a state. */
function readFieldOrPath(reader: Reader): (state: unknown) => unknown {
  const token = peek(reader);
  const field = reader.subject.fields.find(({ name }) => token.type === 'Word' && name === token.text);
  if (field === undefined || ['.', '['].includes(peek(reader, 1).text)) return readPath(reader);
  take(reader);
  return (state) => field.read(state, 1);
}

function readPath(reader: Reader): (state: unknown) => unknown {
  const first = take(reader);
  if (first.type !== 'Word') throw expected(first, 'a path into the state, such as raft.vote');
  let { end } = first;
  let open = false;
  for (let token = peek(reader); ; token = peek(reader)) {
    const goesOn = open || token.text === '.' || token.text === '[' || peek(reader, -1).text === '.';
    if (!goesOn || token.type === 'End' || token.text === ',' || token.text === ')') break;
    if (token.text === '[') open = true;
    if (token.text === ']') open = false;
    ({ end } = take(reader));
  }
  const text = reader.source.slice(first.at, end);
  const path: readonly PathStep[] | undefined = parsePath(reader.subject.wholePath(text));
  if (path === undefined) {
    throw new ConditionError(
      first.at + 1,
      `"${text}" is no path, such as raft.vote or groups[1].raft.log.lastIndex`,
    );
  }
  const { subject } = reader;
  return (state) => valueAt(state, path, (value) => subject.unfold(value));
}

function asValue(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'string') return value;
  return typeof value === 'boolean' ? String(value) : undefined;
}

function readNumber(reader: Reader, what: string): number {
  const token = take(reader);
  if (token.type !== 'Number') throw expected(token, what);
  return Number(token.text);
}
