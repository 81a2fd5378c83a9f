/** The terminal of the debugger for traces: reads commands, from people or from a pipe, and prints what they give. */

import { createInterface } from 'node:readline';
import { debugCommand, debugCompletion, tellPlace, type Session } from '../../sim/index.js';

export interface DebugStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Whether a person types: with a prompt, history and completion, and without repeating what was typed. */
  readonly interactive: boolean;
}

const HISTORY = 500;

/**
 * Runs commands until there are no more, or one says to end. From a pipe, empty lines and those that begin with #
 * are passed over, and each command is printed before its answer.
 *
 * @returns how many commands were not understood.
 */
export async function debug(opened: Session, { input, output, interactive }: DebugStreams): Promise<number> {
  let session = opened;
  let misunderstood = 0;
  const print = (lines: readonly string[]): void =>
    void output.write(lines.map((line) => `${line}\n`).join(''));
  const terminal = createInterface({
    input,
    output: interactive ? output : undefined,
    terminal: interactive,
    historySize: HISTORY,
    completer: (typed: string): [string[], string] => {
      const { candidates, word } = debugCompletion(session, typed);
      // A word that is whole is followed by the next one, an open parenthesis by what stands in it.
      const whole = candidates.map((candidate) => (candidate.endsWith('(') ? candidate : `${candidate} `));
      return [whole, word];
    },
  });
  terminal.on('SIGINT', () => terminal.close());
  const ask = (): void => {
    terminal.setPrompt(`(line ${session.at}) `);
    if (interactive) terminal.prompt();
  };
  print([...tellPlace(session), ...(interactive ? ['help lists the commands'] : [])]);
  ask();
  for await (const typed of terminal) {
    const text = typed.trim();
    if (!interactive && (text === '' || text.startsWith('#'))) continue;
    if (!interactive) print([`> ${text}`]);
    const answer = debugCommand(session, text);
    session = answer.session;
    print(answer.lines);
    if (!answer.ok) misunderstood += 1;
    if (answer.quit) break;
    ask();
  }
  terminal.close();
  return misunderstood;
}
