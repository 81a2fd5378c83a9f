/** A verdict in words, for somebody who has to find the bug. */
import type { Anomaly, IsolationLevel } from './anomaly.js';
import type { IsolationResult } from './check.js';

const adjectives: Readonly<Record<IsolationLevel, string>> = {
  'read-uncommitted': 'read uncommitted',
  'read-committed': 'read committed',
  'snapshot-isolation': 'snapshot isolation',
  'repeatable-read': 'repeatable read',
  serializable: 'serializable',
  'strong-session-serializable': 'strong session serializable',
  'strict-serializable': 'strict serializable',
};

/** Plain text of several lines; also says what it means when the result is valid or unknown. */
export function explainAnomalies(result: IsolationResult): string {
  const { anomalies, notes } = result;
  const forbidden = anomalies.filter(({ allowed }) => !allowed);
  const allowed = anomalies.filter((anomaly) => anomaly.allowed);
  return [
    headline(result, forbidden.length),
    ...forbidden.flatMap((anomaly) => ['', ...describe(anomaly)]),
    ...(allowed.length === 0 ? [] : ['', `Found, and allowed at ${adjectives[result.level]}:`]),
    ...allowed.flatMap((anomaly) => ['', ...describe(anomaly)]),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `Note: ${note}`)]),
  ].join('\n');
}

function headline({ verdict, level, statistics }: IsolationResult, forbidden: number): string {
  const { transactions, reads, edges } = statistics;
  const dependencies = edges.ww + edges.wr + edges.rw + edges.predicateRw;
  const size = `(transactions: ${transactions}, reads: ${reads}, dependencies: ${dependencies})`;
  switch (verdict) {
    case 'valid':
      return `Nothing contradicts ${adjectives[level]} ${size}.`;
    case 'unknown':
      return `Unknown whether this is ${adjectives[level]}; this is not a pass ${size}.`;
    case 'invalid':
      return `Not ${adjectives[level]}: ${forbidden} ${forbidden === 1 ? 'anomaly' : 'anomalies'} ${size}.`;
  }
}

function describe({ name, title, transactions, explanation }: Anomaly): readonly string[] {
  const who = transactions.map((id) => `T${id}`).join(', ');
  return [`${name}: ${title} (${who})`, ...explanation.map((line) => `  ${line}`)];
}
