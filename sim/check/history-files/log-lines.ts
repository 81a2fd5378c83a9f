/**
 * Reads the lines that Jepsen prints while a test runs, one for each event:
 *
 *     INFO  jepsen.util - 4 :invoke :cas [2 4]
 *     2026-01-02 10:11:12,131{GMT} INFO [jepsen worker 3] jepsen.util: 3 :ok :read nil
 *
 * Whatever stands before the process is not looked at, and blanks and tabs are alike. All other lines are counted, not read.
 */
import { readEdnPart } from './edn.js';
import { eventType, pairEvents, type EventType, type HistoryEvent } from './events.js';
import type { Form } from './form.js';
import type { Recording } from './recording.js';
import { refuseAt } from './unreadable.js';

const eventPattern = /(?:^|[ \t])(\d+|:?nemesis)[ \t]+:(invoke|ok|fail|info)[ \t]+:([^\s,()[\]{}";]+)/d;

/** @throws UnreadableHistory */
export function readLogLines(text: string): Recording {
  const events: HistoryEvent[] = [];
  let otherLines = 0;
  for (let start = 0; start < text.length;) {
    const lineEnd = text.indexOf('\n', start);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const event = eventInLine(text, start, end);
    if (event !== undefined) events.push(event);
    else if (text.slice(start, end).trim() !== '') otherLines++;
    start = end + 1;
  }
  if (events.length === 0) {
    refuseAt(text, 0, {
      saw: `${otherLines} lines, none of them about an operation`,
      expected: 'lines like "INFO  jepsen.util - 4 :invoke :read nil"',
      advice: 'Is it another form of history? Say --format edn or --format json.',
    });
  }
  return pairEvents(text, events, otherLines);
}

function eventInLine(text: string, start: number, end: number): HistoryEvent | undefined {
  const match = eventPattern.exec(text.slice(start, end));
  const type = eventType(match?.[2]);
  if (match === null || type === undefined) return undefined;
  const process = match[1] as string;
  const at = start + (match.indices?.[1]?.[0] ?? 0);
  const isClient = /^\d/.test(process);
  const [value, error] = isClient ? valuesAfter(text, start + match.index + match[0].length, end, type) : [];
  return {
    at,
    process: isClient ? process : undefined,
    type,
    name: match[3] as string,
    key: undefined,
    value: value ?? { type: 'nil', at },
    error,
  };
}

/**
 * The value and, behind it, the error. What stands behind a failed or crashed operation is for people and need not be EDN, so
 * there the reading ends where it ends.
 */
function valuesAfter(text: string, at: number, end: number, type: EventType): readonly Form[] {
  if (type === 'invoke' || type === 'ok') return readEdnPart(text, at, end, 1);
  try {
    return readEdnPart(text, at, end, 2);
  } catch {
    return [{ type: 'symbol', name: text.slice(at, end).trim(), at }];
  }
}
