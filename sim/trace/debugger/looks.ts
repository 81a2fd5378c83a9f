/** Commands that look at the trace without moving. */

import { findCauses, inFlight } from '../causes.js';
import { happenedBefore, vectorClocks } from '../happened-before.js';
import { parsePath, show, valueAt } from '../show.js';
import { diffStates, tellDiff } from '../state-diff.js';
import { tellHead, tellInput, tellMoment, tellTime } from '../tell.js';
import { lastLine, lastOfNode, momentAt, stateAt, stateBefore } from '../timeline.js';
import { lastChange, tellWhy, type Reading } from '../why.js';
import {
  noSuchNode,
  nodeNames,
  nodeOf,
  refuses,
  shows,
  wholeNumberOf,
  type Answer,
  type DebuggerCommand,
  type Session,
} from './session.js';

const SHOWN_FOUND = 20;
const SHOWN_MESSAGES = 40;
const LISTED = 5;

function showState(session: Session, args: readonly string[]): Answer {
  const { timeline, at } = session;
  const { subject } = timeline;
  const [name, path] = args;
  if (name === undefined)
    return shows(
      session,
      timeline.nodes.flatMap((node) => tellState(session, node)),
    );
  const node = nodeOf(session, name);
  if (node === undefined) return noSuchNode(session, name);
  const state = stateAt(timeline, node, at);
  if (path === undefined || state === undefined) return shows(session, tellState(session, node));
  const steps = parsePath(subject.wholePath(path));
  if (steps === undefined)
    return refuses(session, `"${path}" is no path, such as raft.log or groups[1].raft.vote`);
  const unfold = subject.unfold.bind(subject);
  return shows(session, [`${path}: ${show(valueAt(state, steps, unfold), unfold, 2_000)}`]);
}

function tellState({ timeline, at }: Session, node: number): readonly string[] {
  const state = stateAt(timeline, node, at);
  return state === undefined ? [`node ${node} is down`] : timeline.subject.describeState(node, state);
}

function showDiff(session: Session, args: readonly string[]): Answer {
  const { timeline, at } = session;
  const [name, since] = args;
  const node = name === undefined ? timeline.moments[at - 1]?.line.node : nodeOf(session, name);
  if (node === undefined) {
    return name === undefined
      ? refuses(session, 'nothing has happened yet; go to a line first')
      : noSuchNode(session, name);
  }
  const last = lastOfNode(timeline, node, at);
  if (last === undefined) return shows(session, [`node ${node} has not been started yet`]);
  const from = since === undefined ? undefined : wholeNumberOf(since);
  if (since !== undefined && (from === undefined || from > at)) {
    return refuses(session, `"${since}" is no line at or before the present one, ${at}`);
  }
  if (last.after === undefined) return shows(session, [`node ${node} is down since line ${last.line.n}`]);
  const before =
    from === undefined ? stateBefore(timeline, node, last.line.n) : stateAt(timeline, node, from);
  if (before === undefined)
    return shows(session, [`node ${node} was not there before`, ...tellState(session, node)]);
  const rows = tellDiff(diffStates(before, last.after, (value) => timeline.subject.unfold(value)));
  const head =
    from === undefined ? `node ${node}, line ${last.line.n}:` : `node ${node}, from line ${from} to ${at}:`;
  return shows(session, [head, ...(rows.length === 0 ? ['nothing changed'] : rows).map((row) => `  ${row}`)]);
}

/** `why`, `why LINE`, `why node NODE [FIELD or path]`. */
function why(session: Session, args: readonly string[]): Answer {
  const { timeline, at } = session;
  const [first = String(at), second] = args;
  if (first !== 'node') {
    const n = wholeNumberOf(first);
    if (n === undefined || n < 1 || n > lastLine(timeline)) {
      return refuses(
        session,
        `"${first}" is no line from 1 to ${lastLine(timeline)}; for a node say: why node 1`,
      );
    }
    return shows(session, tellWhy(timeline, n));
  }
  const node = nodeOf(session, second);
  if (node === undefined) return noSuchNode(session, second ?? '');
  const readings = readingsOf(session, args[2]);
  if (typeof readings === 'string') return refuses(session, readings);
  const change = lastChange(timeline, node, at, readings);
  if (change === undefined) {
    const what = [...new Set(readings.map((reading) => reading.what))].join(', ');
    return shows(session, [`node ${node}: no change of ${what} up to line ${at}`]);
  }
  const { n, what, before, after } = change;
  return shows(session, [
    `node ${node}: ${what} went from ${before} to ${after} in line ${n}`,
    ...tellWhy(timeline, n),
  ]);
}

/** What was asked for: the news of every group, a field of every group, or a path; or why it cannot be read. */
function readingsOf({ timeline }: Session, asked: string | undefined): readonly Reading[] | string {
  const { subject } = timeline;
  const groups = [
    ...new Set(timeline.moments.flatMap(({ after }) => (after === undefined ? [] : subject.groupsOf(after)))),
  ];
  const fields = subject.fields.filter(({ name, headline }) =>
    asked === undefined ? headline === true : name === asked,
  );
  if (fields.length > 0) {
    return groups.flatMap((group) =>
      fields.map(({ name, read }) => ({
        what: groups.length === 1 ? name : `${name} of group ${group}`,
        read: (state: unknown) => {
          const value = read(state, group);
          return value === undefined ? undefined : String(value);
        },
      })),
    );
  }
  const path = asked ?? '';
  const steps = parsePath(subject.wholePath(path));
  if (steps === undefined) return `"${path}" is neither a field nor a path into the state`;
  const unfold = subject.unfold.bind(subject);
  return [{ what: path, read: (state) => show(valueAt(state, steps, unfold), unfold, 200) }];
}

function messages(session: Session): Answer {
  const { timeline, at } = session;
  const causes = findCauses(timeline);
  const under = inFlight(causes, at);
  const rows = under.slice(-SHOWN_MESSAGES).map(({ n, from, to, message, receipts }) => {
    const arrives = receipts.filter((receipt) => receipt > at);
    return `  ${from} -> ${to}  sent in line ${n}, arrives in line ${arrives.join(' and ')}: ${timeline.subject.describeMessage(message)}`;
  });
  const left = causes.sent.filter(({ n, receipts }) => n === at && receipts.length === 0);
  return shows(session, [
    `${under.length} messages are in flight after line ${at}`,
    ...rows,
    ...left.map(
      ({ from, to, message }) =>
        `  ${from} -> ${to}  sent in line ${at}, never arrives: ${timeline.subject.describeMessage(message)}`,
    ),
  ]);
}

function list(session: Session, args: readonly string[]): Answer {
  const { timeline, at } = session;
  const around = args[0] === undefined ? LISTED : wholeNumberOf(args[0]);
  if (around === undefined) return refuses(session, `"${args[0]}" is no number of lines, such as 10`);
  const first = Math.max(1, at - around);
  const last = Math.min(lastLine(timeline), at + around);
  const rows: string[] = [];
  for (let n = first; n <= last; n += 1) {
    const [head = '', ...rest] = tellMoment(timeline, momentAt(timeline, n));
    rows.push(`${n === at ? '>' : ' '}${head}`, ...rest);
  }
  return shows(session, rows);
}

function find(session: Session, _args: readonly string[], rest: string): Answer {
  const { timeline, at } = session;
  if (rest === '') return refuses(session, 'say what to find, such as: find VoteAnswer');
  const found = timeline.moments.filter((moment) =>
    tellMoment(timeline, moment).some((row) => row.includes(rest)),
  );
  const after = found.filter(({ line }) => line.n > at);
  const rows = after.slice(0, SHOWN_FOUND).map(({ line }) => `${tellHead(line)}  ${tellInput(line)}`);
  const more = after.length > SHOWN_FOUND ? [`… and ${after.length - SHOWN_FOUND} more`] : [];
  return shows(session, [
    `${found.length} lines hold "${rest}", ${after.length} of them after line ${at}`,
    ...rows,
    ...more,
  ]);
}

function order(session: Session, args: readonly string[]): Answer {
  const { timeline, at } = session;
  const last = lastLine(timeline);
  const [a = 0, b = 0] = [args[0], args[1] ?? String(at)].map(wholeNumberOf);
  if (a < 1 || b < 1 || a > last || b > last)
    return refuses(session, `say two lines from 1 to ${last}, such as: order 12 40`);
  const clocks = vectorClocks(findCauses(timeline), 1, Math.max(a, b));
  const apart = tellTime(Math.abs(momentAt(timeline, a).line.at - momentAt(timeline, b).line.at));
  if (happenedBefore(clocks, a, b)) return shows(session, [`line ${a} happened before line ${b} (${apart})`]);
  if (happenedBefore(clocks, b, a)) return shows(session, [`line ${b} happened before line ${a} (${apart})`]);
  return shows(session, [
    a === b
      ? 'that is one and the same line'
      : `lines ${a} and ${b} are concurrent: neither can have led to the other (${apart})`,
  ]);
}

export const LOOKS: readonly DebuggerCommand[] = [
  {
    names: ['state', 's'],
    usage: '[NODE [PATH]]',
    about: 'the state of a node, or of all; or what stands at a path in it',
    complete: nodeNames,
    run: showState,
  },
  {
    names: ['diff', 'd'],
    usage: '[NODE [LINE]]',
    about: "what a node's last line changed in it; or what changed since a line",
    complete: nodeNames,
    run: showDiff,
  },
  {
    names: ['why', 'w'],
    usage: '[LINE] | node NODE [FIELD]',
    about: "what led to a line; or to the last change of a node's role, term, vote or leader, or of a field",
    complete: (session, args) =>
      args.length === 1
        ? ['node']
        : args.length === 2
          ? nodeNames(session)
          : session.timeline.subject.fields.map(({ name }) => name),
    run: why,
  },
  { names: ['messages', 'm'], usage: '', about: 'messages that are in flight now', run: messages },
  { names: ['list', 'l'], usage: '[COUNT]', about: 'the lines around the present one', run: list },
  { names: ['find', 'f'], usage: 'TEXT', about: 'lines that hold a text', run: find },
  {
    names: ['order'],
    usage: 'LINE [LINE]',
    about: 'which of two lines happened before the other, if any',
    run: order,
  },
];
