/**
 * Short ways to write a history down. A transaction is a line of words: `ax1` appends 1 to x, `rx12` reads the list x as [1, 2],
 * `rx` as empty; for registers `wx1` writes, `rx1` reads 1, `rx_` finds nothing. `rx?` has no known result. `sk:ka=1,kb=2` scans
 * the prefix k and finds two keys; `sk:` finds none, `sk?` is not known.
 */
import {
  checkIsolation,
  type AnomalyName,
  type HistoryModel,
  type IsolationLevel,
  type IsolationResult,
  type MicroOperation,
  type Transaction,
} from '../../../../sim/check/isolation/index.js';

export type Line = string | readonly [words: string, details: Partial<Transaction>];

/** All committed, all at once, each of its own client, unless the line says otherwise; ids count from 1. */
export function historyOf(model: HistoryModel, lines: readonly Line[]): readonly Transaction[] {
  return lines.map((line, index) => {
    const [words, details] = typeof line === 'string' ? [line, {}] : line;
    return {
      id: index + 1,
      client: `c${index + 1}`,
      outcome: 'committed',
      invokedAt: 0,
      answeredAt: 100,
      operations: words
        .split(' ')
        .filter((word) => word !== '')
        .map((word) => operationOf(model, word)),
      ...details,
    };
  });
}

function operationOf(model: HistoryModel, word: string): MicroOperation {
  const [, type = '', key = '', rest = ''] = /^([arws])([a-z]+)(.*)$/.exec(word) ?? [];
  if (type === 's') {
    if (rest === '?') return { type: 'scan', prefix: key, found: undefined };
    const pairs = rest.slice(1).split(',').filter(Boolean);
    const found = pairs.map((pair) => pair.split('=') as [string, string]);
    return { type: 'scan', prefix: key, found: found.map(([name, value]) => [name, Number(value)]) };
  }
  if (type === 'a') return { type: 'append', key, value: Number(rest) };
  if (type === 'w') return { type: 'write', key, value: Number(rest) };
  if (type !== 'r') throw new Error(`what is "${word}"?`);
  if (model === 'list-append')
    return { type: 'list', key, values: rest === '?' ? undefined : [...rest].map(Number) };
  return { type: 'read', key, value: rest === '?' ? undefined : rest === '_' ? null : Number(rest) };
}

export const lists = (level: IsolationLevel, ...lines: readonly Line[]): IsolationResult =>
  checkIsolation(historyOf('list-append', lines), { model: 'list-append', level });

export const registers = (level: IsolationLevel, ...lines: readonly Line[]): IsolationResult =>
  checkIsolation(historyOf('rw-register', lines), { model: 'rw-register', level });

export const aborted: Partial<Transaction> = { outcome: 'aborted' };
export const unknown: Partial<Transaction> = { outcome: 'unknown', answeredAt: undefined };
export const during = (invokedAt: number, answeredAt: number, client?: string): Partial<Transaction> => ({
  invokedAt,
  answeredAt,
  ...(client === undefined ? {} : { client }),
});

/** The names of what the level forbids, each once. */
export const forbidden = ({ anomalies }: IsolationResult): readonly AnomalyName[] => [
  ...new Set(anomalies.filter(({ allowed }) => !allowed).map(({ name }) => name)),
];

export const allowed = ({ anomalies }: IsolationResult): readonly AnomalyName[] => [
  ...new Set(anomalies.filter((anomaly) => anomaly.allowed).map(({ name }) => name)),
];

export const everyLevel: readonly IsolationLevel[] = [
  'read-uncommitted',
  'read-committed',
  'snapshot-isolation',
  'repeatable-read',
  'serializable',
  'strong-session-serializable',
  'strict-serializable',
];

/** The levels at which the history is invalid. */
export function broken(model: HistoryModel, ...lines: readonly Line[]): readonly IsolationLevel[] {
  const history = historyOf(model, lines);
  return everyLevel.filter((level) => checkIsolation(history, { model, level }).verdict === 'invalid');
}
