/** A text of whichever form in, a recording out. Owns how the form is guessed. */
import { readEdn } from './edn.js';
import { eventOf, pairEvents } from './events.js';
import { fieldOf, itemsOf, showForm, untagged, type Form } from './form.js';
import { readJson } from './json.js';
import { readLogLines } from './log-lines.js';
import { operationOf } from './own-json.js';
import type { Recording } from './recording.js';
import { refuseAt } from './unreadable.js';

export type HistoryFormat = 'edn' | 'json' | 'log';

/** @throws UnreadableHistory, and nothing else for any text. */
export function readHistory(text: string, format: HistoryFormat): Recording {
  switch (format) {
    case 'log':
      return readLogLines(text);
    case 'edn':
      return recordingOf(text, readEdn(text));
    case 'json':
      return recordingOf(text, readJson(text));
  }
}

/**
 * By how the text begins: a quoted name in a brace is JSON; a brace, a tag, a comment or a list is EDN; anything else is a log.
 */
export function guessFormat(text: string): HistoryFormat {
  const blanks = /[\s,\ufeff]*/y;
  const next = (at: number): number => {
    blanks.lastIndex = at;
    return at + (blanks.exec(text)?.[0].length ?? 0);
  };
  let at = next(0);
  const first = text[at];
  if (first === '[') at = next(at + 1);
  if (text[at] === '{') {
    const inner = text[next(at + 1)];
    return inner === '"' || inner === '}' ? 'json' : 'edn';
  }
  if (first === '[' || first === '#' || first === ';' || first === '(') {
    return first === '[' && text[at] === ']' ? 'json' : 'edn';
  }
  return 'log';
}

/** Either one list of entries or one entry after another. */
function recordingOf(text: string, forms: readonly Form[]): Recording {
  const [only] = forms;
  const list = forms.length === 1 && only !== undefined ? itemsOf(untagged(only)) : undefined;
  const entries = list ?? forms;
  const stray = entries.find((form) => untagged(form).type !== 'map');
  if (stray !== undefined) {
    refuseAt(text, stray.at, {
      saw: `${stray.type === 'text' ? 'a text' : showForm(stray).slice(0, 40)} among the entries`,
      expected: 'a map for each event or operation',
      advice: 'A history is one map a line, or one list of maps; is it a log? Then say --format log.',
    });
  }
  const [first] = entries;
  if (first === undefined) {
    return refuseAt(text, 0, {
      saw: 'a history without any entry',
      expected: 'at least one event or operation',
      advice: 'Is it the right file?',
    });
  }
  if (fieldOf(first, 'type') !== undefined || fieldOf(first, 'process') !== undefined) {
    return pairEvents(
      text,
      entries.map((entry) => eventOf(text, entry)),
      0,
    );
  }
  return { text, operations: entries.map((entry) => operationOf(text, entry)), ignored: 0, notes: [] };
}
