/**
 * A debugger for traces: a session, commands as text, and answers as text. Pure, so that a terminal, a script and a
 * browser page can all have it; `runtime-node/cli/debug.ts` is the terminal.
 */

import { LOOKS } from './debugger/looks.js';
import { MOVES } from './debugger/moves.js';
import { refuses, shows, type Answer, type DebuggerCommand, type Session } from './debugger/session.js';

export { openSession, type Answer, type Session } from './debugger/session.js';

const HELP: DebuggerCommand = {
  names: ['help', 'h', '?'],
  usage: '[COMMAND]',
  about: 'what there is',
  complete: () => commandNames(),
  run: (session, args) => help(session, args[0]),
};

const QUIT: DebuggerCommand = {
  names: ['quit', 'q', 'exit'],
  usage: '',
  about: 'end',
  run: (session) => ({ ...shows(session, []), quit: true }),
};

const COMMANDS: readonly DebuggerCommand[] = [...MOVES, ...LOOKS, HELP, QUIT];

/** Does what a line of text asks for. An empty line does nothing. */
export function command(session: Session, text: string): Answer {
  const [name = '', ...args] = text.trim().split(/\s+/);
  if (name === '') return shows(session, []);
  const found = commandNamed(name);
  if (found === undefined) return refuses(session, `there is no command "${name}"; help lists them`);
  return found.run(session, args, text.trim().slice(name.length).trim());
}

/** A command by one of its names, or by a beginning that only one of them has. */
function commandNamed(name: string): DebuggerCommand | undefined {
  const exact = COMMANDS.find(({ names }) => names.includes(name));
  if (exact !== undefined) return exact;
  const starting = COMMANDS.filter(({ names }) => names[0].startsWith(name));
  return starting.length === 1 ? starting[0] : undefined;
}

function commandNames(): readonly string[] {
  return COMMANDS.map(({ names }) => names[0]);
}

export interface Completion {
  /** What the last word could become. */
  readonly candidates: readonly string[];
  /** The last word as it stands. */
  readonly word: string;
}

/** How a line of text that is being typed could go on. */
export function complete(session: Session, text: string): Completion {
  const words = text.trimStart().split(/\s+/);
  const word = words[words.length - 1] ?? '';
  const [name = '', ...args] = words;
  const known = words.length === 1 ? commandNames() : (commandNamed(name)?.complete?.(session, args) ?? []);
  return { candidates: known.filter((candidate) => candidate.startsWith(word)), word };
}

function help(session: Session, name: string | undefined): Answer {
  if (name === undefined) {
    const rows = COMMANDS.map(
      ({ names, usage, about }) => `  ${`${names.join(', ')} ${usage}`.padEnd(42)} ${about}`,
    );
    return shows(session, [
      ...rows,
      'help break tells how conditions are written; a path is like raft.log.lastIndex',
    ]);
  }
  const found = commandNamed(name);
  if (found === undefined) return refuses(session, `there is no command "${name}"; help lists them`);
  const { names, usage, about } = found;
  const more = names[0] === 'break' ? conditionHelp(session) : [];
  return shows(session, [`${names.join(', ')} ${usage}`.trimEnd(), `  ${about}`, ...more]);
}

function conditionHelp({ timeline }: Session): readonly string[] {
  const { fields, messageTypes } = timeline.subject;
  return [
    '',
    'Conditions:',
    '  role(1) == leader and term(1) > 3     a field of a node; FIELD(NODE, GROUP) for another group than 1',
    '  count(role, leader) > 1               how many nodes have that value',
    '  changed(1, vote)                      the line changed a field of a node, or a path such as raft.vote',
    '  state(1, raft.log.lastIndex) > 9      whatever stands at a path',
    '  node 2 crashes                        or: starts, acts, writes, replies, halts',
    '  message VoteRequest from 1 to 3       it is received; "sends" when it leaves; "any" for all types',
    '  up(1), down(1), line > 9, time > 900  joined by and, or, not and ( )',
    'Fields:',
    ...fields.map(
      ({ name, about, words }) =>
        `  ${name.padEnd(12)} ${about}${words === undefined ? '' : `: ${words.join(', ')}`}`,
    ),
    `Messages: ${messageTypes.join(', ')}`,
  ];
}
