/** A log that keeps its lines, and lets a test wait for one of them. */

import type { Log, LogFields } from '../../../runtime-node/index.js';

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: LogFields;
  readonly message: string;
}

export interface RecordingLog extends Log {
  readonly lines: readonly LogLine[];
  /** Resolves with the first line, written already or still to come, whose message has this text in it. */
  waitFor(text: string): Promise<LogLine>;
}

export function recordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  const waiting: { readonly text: string; readonly resolve: (line: LogLine) => void }[] = [];
  const write =
    (level: keyof Log) =>
    (fields: LogFields, message: string): void => {
      const line = { level, fields, message };
      lines.push(line);
      for (const { text, resolve } of waiting) if (message.includes(text)) resolve(line);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    lines,
    waitFor(text) {
      const known = lines.find(({ message }) => message.includes(text));
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiting.push({ text, resolve }));
    },
  };
}
