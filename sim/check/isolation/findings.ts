/**
 * What was found, kept within bounds: a broken store makes one anomaly a million times, and a reader needs a few of each.
 * The rest is counted. A mutable record, private to one check.
 */
import {
  allowsSingle,
  severity,
  singleTitle,
  type Anomaly,
  type AnomalyName,
  type IsolationLevel,
  type SingleName,
} from './anomaly.js';

/** How many anomalies of one name are kept. */
const keptOfEach = 8;

export interface Findings {
  readonly level: IsolationLevel;
  readonly kept: Map<AnomalyName, Anomaly[]>;
  readonly counts: Map<AnomalyName, number>;
}

export const noFindings = (level: IsolationLevel): Findings => ({
  level,
  kept: new Map(),
  counts: new Map(),
});

/** `describe` is called only when the anomaly is kept. */
export function find(
  findings: Findings,
  name: SingleName,
  describe: () => Pick<Anomaly, 'explanation' | 'transactions'>,
): void {
  if (!hasRoom(findings, name)) return;
  keep(findings, {
    name,
    title: singleTitle(name),
    allowed: allowsSingle(findings.level, name),
    ...describe(),
  });
}

/** Counts one more of the name, and says whether there is room for it. */
export function hasRoom(findings: Findings, name: AnomalyName): boolean {
  const count = findings.counts.get(name) ?? 0;
  findings.counts.set(name, count + 1);
  return count < keptOfEach;
}

export function keep(findings: Findings, anomaly: Anomaly): void {
  const kept = findings.kept.get(anomaly.name);
  if (kept === undefined) findings.kept.set(anomaly.name, [anomaly]);
  else kept.push(anomaly);
}

/** Those that the level forbids first, then by severity. */
export function inOrder(findings: Findings): readonly Anomaly[] {
  const all = severity.flatMap((name) => findings.kept.get(name) ?? []);
  return [...all.filter(({ allowed }) => !allowed), ...all.filter(({ allowed }) => allowed)];
}

/** A sentence for each name of which more was found than is kept. */
export function notesOfFindings(findings: Findings): readonly string[] {
  return severity.flatMap((name) => {
    const more = (findings.counts.get(name) ?? 0) - (findings.kept.get(name)?.length ?? 0);
    return more > 0 ? [`${more} more of ${name} were found and are not listed.`] : [];
  });
}
