/** Commands that go through the trace, forward and back. */

import { parseCondition, strikes } from '../condition/condition.js';
import { ConditionError } from '../condition/lexer.js';
import { diffStates, tellDiff } from '../state-diff.js';
import { tellMoment } from '../tell.js';
import { lastLine, momentAt, stateBefore } from '../timeline.js';
import {
  noSuchNode,
  nodeNames,
  nodeOf,
  refuses,
  shows,
  tellPlace,
  wholeNumberOf,
  type Answer,
  type DebuggerCommand,
  type Session,
} from './session.js';

/** Lines on the way that one step of many shows. */
const SHOWN_STEPS = 20;
/** Changes of a watched node that are shown at each step. */
const SHOWN_CHANGES = 12;

/** The next line of a watched node in this direction; undefined at the end. */
function stepFrom(session: Session, from: number, direction: 1 | -1): number | undefined {
  const { timeline, watched } = session;
  for (let n = from + direction; n >= 1 && n <= lastLine(timeline); n += direction) {
    if (watched.length === 0 || watched.includes(momentAt(timeline, n).line.node)) return n;
  }
  return undefined;
}

function step(session: Session, count: number, direction: 1 | -1): Answer {
  const { timeline } = session;
  const passed: number[] = [];
  let { at } = session;
  for (let i = 0; i < count; i += 1) {
    const next = stepFrom(session, at, direction);
    if (next === undefined) {
      at = direction === 1 ? lastLine(timeline) : 0;
      break;
    }
    at = next;
    passed.push(next);
  }
  const moved = { ...session, at };
  const onTheWay = passed
    .filter((n) => n !== at)
    .slice(1 - SHOWN_STEPS)
    .flatMap((n) => tellMoment(timeline, momentAt(timeline, n)));
  return shows(moved, [...onTheWay, ...tellPlace(moved), ...tellChanges(moved)]);
}

/** While nodes are watched, what the line changed in its node. */
function tellChanges({ timeline, at, watched }: Session): readonly string[] {
  if (at === 0 || watched.length === 0) return [];
  const { line, after } = momentAt(timeline, at);
  const before = stateBefore(timeline, line.node, at);
  if (!watched.includes(line.node) || before === undefined || after === undefined) return [];
  const diff = diffStates(before, after, (value) => timeline.subject.unfold(value), {
    maxChanges: SHOWN_CHANGES,
  });
  return tellDiff(diff).map((row) => `         ${row}`);
}

function stepBy(direction: 1 | -1): DebuggerCommand['run'] {
  return (session, args) => {
    const count = args[0] === undefined ? 1 : wholeNumberOf(args[0]);
    if (count === undefined || count < 1)
      return refuses(session, `"${args[0]}" is no number of lines, such as 3`);
    return step(session, count, direction);
  };
}

/** Goes on until a breakpoint strikes. */
function runTo(direction: 1 | -1): DebuggerCommand['run'] {
  return (session) => {
    const { timeline, breaks } = session;
    for (let n = session.at + direction; n >= 1 && n <= lastLine(timeline); n += direction) {
      const struck = breaks.findIndex((condition) => strikes(condition, timeline, n));
      if (struck < 0) continue;
      const moved = { ...session, at: n };
      return shows(moved, [
        `breakpoint ${struck + 1}: ${breaks[struck]?.text}`,
        ...tellPlace(moved),
        ...tellChanges(moved),
      ]);
    }
    const moved = { ...session, at: direction === 1 ? lastLine(timeline) : 0 };
    const none = breaks.length === 0 ? 'no breakpoint is set' : 'no breakpoint struck on the way';
    return shows(moved, [none, ...tellPlace(moved)]);
  };
}

function goto(session: Session, args: readonly string[]): Answer {
  const { timeline } = session;
  const [place = ''] = args;
  const last = lastLine(timeline);
  const ms = /^(\d{1,12})ms$/.exec(place)?.[1];
  let at = wholeNumberOf(place);
  if (place === 'start') at = 0;
  else if (place === 'end') at = last;
  else if (ms !== undefined) {
    const first = timeline.moments.find(({ line }) => line.at >= Number(ms) * 1_000);
    at = first?.line.n ?? last;
  }
  if (at === undefined || at > last) {
    return refuses(
      session,
      `"${place}" is no place: say a line from 0 to ${last}, a time such as 1500ms, start or end`,
    );
  }
  const moved = { ...session, at };
  return shows(moved, [...tellPlace(moved), ...tellChanges(moved)]);
}

function watch(session: Session, args: readonly string[]): Answer {
  const [text] = args;
  if (text === 'off')
    return shows({ ...session, watched: [] }, ['no node is watched: steps go to every line']);
  const watched = [...session.watched];
  for (const name of args) {
    const node = nodeOf(session, name);
    if (node === undefined) return noSuchNode(session, name);
    if (!watched.includes(node)) watched.push(node);
  }
  watched.sort((a, b) => a - b);
  const who = watched.length === 0 ? 'no node is watched' : `watching node ${watched.join(', ')}`;
  return shows({ ...session, watched }, [who]);
}

function setBreak(session: Session, args: readonly string[], rest: string): Answer {
  if (args.length === 0) return listBreaks(session);
  try {
    const condition = parseCondition(rest, session.timeline.subject);
    const breaks = [...session.breaks, condition];
    return shows({ ...session, breaks }, [`breakpoint ${breaks.length}: ${condition.text}`]);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return { ...refuses(session, rest), lines: tellConditionError(rest, error) };
  }
}

/** The condition, with a mark under the place where it goes wrong. */
export function tellConditionError(source: string, error: ConditionError): readonly string[] {
  return [`  ${source}`, `  ${' '.repeat(error.column - 1)}^ ${error.problem}`];
}

function listBreaks(session: Session): Answer {
  const { breaks } = session;
  if (breaks.length === 0) return shows(session, ['no breakpoint is set; break CONDITION sets one']);
  return shows(
    session,
    breaks.map(({ text }, i) => `breakpoint ${i + 1}: ${text}`),
  );
}

function deleteBreak(session: Session, args: readonly string[]): Answer {
  if (args[0] === 'all') return shows({ ...session, breaks: [] }, ['no breakpoint is set']);
  const number = wholeNumberOf(args[0]);
  if (number === undefined || session.breaks[number - 1] === undefined) {
    return refuses(
      session,
      `"${args[0] ?? ''}" is no breakpoint: say a number from the list of "break", or all`,
    );
  }
  return listBreaks({ ...session, breaks: session.breaks.filter((_, i) => i !== number - 1) });
}

function conditionWords({ timeline }: Session): readonly string[] {
  const { fields, messageTypes } = timeline.subject;
  const calls = fields.map(({ name }) => `${name}(`);
  return [
    'node',
    'message',
    'sends',
    'changed(',
    'count(',
    'state(',
    'up(',
    'down(',
    ...calls,
    ...messageTypes,
  ];
}

export const MOVES: readonly DebuggerCommand[] = [
  { names: ['next', 'n'], usage: '[COUNT]', about: 'go on by one line, or so many', run: stepBy(1) },
  { names: ['back', 'b'], usage: '[COUNT]', about: 'go back by one line, or so many', run: stepBy(-1) },
  {
    names: ['goto', 'g'],
    usage: 'LINE | TIMEms | start | end',
    about: 'go to a line, or to the first at a time',
    complete: () => ['start', 'end'],
    run: goto,
  },
  {
    names: ['continue', 'c'],
    usage: '',
    about: 'go on until a breakpoint strikes, or to the end',
    run: runTo(1),
  },
  { names: ['rcontinue', 'rc'], usage: '', about: 'go back until a breakpoint strikes', run: runTo(-1) },
  {
    names: ['break'],
    usage: '[CONDITION]',
    about: 'stop where a condition comes to hold; alone: list breakpoints',
    complete: conditionWords,
    run: setBreak,
  },
  {
    names: ['delete'],
    usage: 'NUMBER | all',
    about: 'take a breakpoint away',
    complete: () => ['all'],
    run: deleteBreak,
  },
  {
    names: ['watch'],
    usage: 'NODE… | off',
    about: 'step through these nodes only, and show what changes in them',
    complete: (session) => [...nodeNames(session), 'off'],
    run: watch,
  },
];
