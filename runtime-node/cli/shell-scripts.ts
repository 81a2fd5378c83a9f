/** Scripts in the shell: on one line, or on several that end with an empty one; with their parameters, colours and completion. */

import pc from 'picocolors';

import { complete, highlight, type ScriptHighlightKind } from '../../core/script/index.js';
import type { ScriptParameters } from '../client/index.js';

export interface ShellScripts {
  /** What to do with a line: undefined where it is none of a script. */
  take(line: string): Taken | undefined;
  /** What was taken and is not run yet; undefined where no script is being written. */
  pending(): string | undefined;
  /** Forgets it. */
  drop(): void;
  /** The part of the line that is of a script. */
  partOf(line: string): string | undefined;
  complete(line: string): [string[], string] | undefined;
  readonly parameters: Map<string, string>;
}

export type Taken = { readonly type: 'More' } | { readonly type: 'Run'; readonly source: string };

const WORD = /^\s*script(?=\s|$)\s*/;

export function createShellScripts(): ShellScripts {
  const parameters = new Map<string, string>();
  let lines: string[] | undefined;

  function take(line: string): Taken | undefined {
    if (lines === undefined) {
      if (!WORD.test(line)) return undefined;
      const source = line.replace(WORD, '');
      if (source !== '') return { type: 'Run', source };
      lines = [];
      return { type: 'More' };
    }
    if (line.trim() !== '') {
      lines.push(line);
      return { type: 'More' };
    }
    const source = lines.join('\n');
    lines = undefined;
    return { type: 'Run', source };
  }

  function partOf(line: string): string | undefined {
    if (lines !== undefined) return line;
    return WORD.test(line) ? line.replace(WORD, '') : undefined;
  }

  return {
    take,
    pending: () => lines?.join('\n'),
    drop: () => {
      lines = undefined;
    },
    partOf,
    complete(line) {
      const part = partOf(line);
      if (part === undefined || (lines === undefined && !/\s/.test(line.trimStart()))) return undefined;
      const source = [...(lines ?? []), part].join('\n');
      const { start, end, candidates } = complete(source, source.length);
      return [
        candidates.map(({ text, kind }) => (kind === 'function' ? `${text}(` : `${text} `)),
        source.slice(start, end),
      ];
    },
    parameters,
  };
}

/** Those that were set, by their names. */
export function parametersOf({ parameters }: ShellScripts): ScriptParameters {
  return Object.fromEntries(parameters);
}

const COLOURS: Readonly<Record<ScriptHighlightKind, (text: string) => string>> = {
  keyword: pc.blue,
  function: pc.cyan,
  variable: (text) => text,
  key: pc.green,
  string: pc.yellow,
  number: pc.magenta,
  literal: pc.magenta,
  placeholder: pc.cyan,
  operator: pc.dim,
  comment: pc.gray,
  error: pc.red,
};

/** A line of a script in colours. */
export function paint(source: string): string {
  let painted = '';
  let at = 0;
  for (const { kind, start, end } of highlight(source)) {
    painted += source.slice(at, start) + COLOURS[kind](source.slice(start, end));
    at = end;
  }
  return painted + source.slice(at);
}
