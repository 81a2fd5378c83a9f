/**
 * Does a history of transactions keep to an isolation level? From what was read and written follows a graph of which transaction
 * came before which; a cycle in it is an anomaly, and its edges say which one.
 *
 * Three verdicts, never two: `unknown` means that the history proves nothing, or that the budget did not suffice, and is not a
 * pass. `invalid` is always right for histories whose values are unique; `valid` means that nothing contradicts the level,
 * which for lists that were read often is nearly a proof, and for registers is weaker, since most orders of writes stay open.
 */
import { isLevel, type Anomaly, type IsolationLevel } from './anomaly.js';
import { searchCycles } from './cycle-search.js';
import { addDependencies, findLostUpdates } from './dependencies.js';
import { gatherFacts, type Facts } from './facts.js';
import { inOrder, noFindings, notesOfFindings } from './findings.js';
import { noEdges } from './graph.js';
import type { HistoryModel, Transaction } from './history.js';
import { observeLists } from './list-append.js';
import type { Observed } from './observed.js';
import { addPhantoms } from './phantom.js';
import { orderRegisters } from './register-time.js';
import { observeRegisters } from './rw-register.js';
import { addSessionEdges, addTimeEdges, findSessions, noteOverlap } from './time-order.js';

export interface IsolationOptions {
  readonly model: HistoryModel;
  readonly level: IsolationLevel;
  /**
   * How many nodes and edges of the graph may be looked at; at least 1. Default 50,000,000. Less than the graph has makes the
   * verdict `unknown`; beyond that, more steps give shorter examples, never another verdict.
   */
  readonly maxSteps?: number;
}

export interface IsolationStatistics {
  readonly transactions: number;
  readonly committed: number;
  readonly aborted: number;
  readonly unknown: number;
  /** Unknown transactions that a read showed to be committed. */
  readonly resolved: number;
  readonly operations: number;
  readonly keys: number;
  /** Writes in the history, whatever became of them. */
  readonly writes: number;
  /** Reads of committed transactions whose result is known; each key that a scan found is one, and each scan. */
  readonly reads: number;
  /** Dependencies between transactions; `realtime` counts what stands for all pairs. */
  readonly edges: {
    readonly ww: number;
    readonly wr: number;
    readonly rw: number;
    readonly predicateRw: number;
    readonly session: number;
    readonly realtime: number;
  };
}

export interface IsolationResult {
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  readonly level: IsolationLevel;
  /** Those that the level forbids first; of each name a few. */
  readonly anomalies: readonly Anomaly[];
  /** What a reader should know before trusting the verdict. */
  readonly notes: readonly string[];
  readonly statistics: IsolationStatistics;
}

const defaultMaxSteps = 50_000_000;

/**
 * Checks a history against a level. Throws an Error for a malformed history (`findTransactionProblems` tells most of it
 * beforehand), and for a level or a budget that makes no sense.
 *
 * @example
 * const common = { client: 'c', outcome: 'committed', invokedAt: 0, answeredAt: 9 } as const;
 * checkIsolation(
 *   [
 *     { ...common, id: 1, operations: [{ type: 'list', key: 'x', values: [] }, { type: 'append', key: 'y', value: 1 }] },
 *     { ...common, id: 2, operations: [{ type: 'list', key: 'y', values: [] }, { type: 'append', key: 'x', value: 1 }] },
 *   ],
 *   { model: 'list-append', level: 'serializable' },
 * ).anomalies[0]?.title; // 'write skew'
 */
export function checkIsolation(
  history: readonly Transaction[],
  { model, level, maxSteps = defaultMaxSteps }: IsolationOptions,
): IsolationResult {
  if (!isLevel(level)) throw new Error(`There is no isolation level "${String(level)}".`);
  if (!(maxSteps >= 1)) throw new Error(`maxSteps is ${maxSteps}; a search needs a budget of at least 1.`);
  const facts = gatherFacts(history, model, level);
  const findings = noFindings(level);
  const observed =
    model === 'list-append' ? observeLists(facts, findings) : observeRegisters(facts, findings);
  const sessions = findSessions(facts);
  if (model === 'rw-register') orderRegisters(facts, findings, observed, sessions.sessions);
  findLostUpdates(facts, findings, observed);
  const edges = noEdges(history.length, 2 * facts.operationKey.length + 4 * history.length);
  const data = addDependencies(facts, observed, edges);
  const predicateRw = addPhantoms(facts, observed, edges);
  const beforeSessions = edges.count;
  addSessionEdges(facts, sessions.sessions, edges);
  const beforeTime = edges.count;
  addTimeEdges(facts, edges);
  const { gaveUp, cutShort } = searchCycles(facts, findings, edges, maxSteps);
  const statistics = {
    ...countHistory(facts, observed),
    edges: {
      ...data,
      predicateRw,
      session: beforeTime - beforeSessions,
      realtime: edges.count - beforeTime,
    },
  };
  const anomalies = withoutEchoes(inOrder(findings));
  const isInvalid = anomalies.some(({ allowed }) => !allowed);
  const emptiness = whyNothing(statistics);
  const notes = [
    ...(isInvalid || emptiness === undefined ? [] : [emptiness]),
    ...(gaveUp
      ? [
          `The graph has ${edges.nodes + edges.count} nodes and edges, more than maxSteps = ${maxSteps} allows to look at.`,
        ]
      : []),
    ...(cutShort && !gaveUp
      ? ['The budget ended before the shortest examples were found; raise maxSteps for better ones.']
      : []),
    ...notesOfFindings(findings),
    ...noteOverlap(facts, sessions),
  ];
  const isOpen = gaveUp || emptiness !== undefined;
  return {
    verdict: isInvalid ? 'invalid' : isOpen ? 'unknown' : 'valid',
    level,
    anomalies,
    notes,
    statistics,
  };
}

/** A cycle of versions of one key is left out where a cycle of transactions shows the same contradiction more plainly. */
function withoutEchoes(anomalies: readonly Anomaly[]): readonly Anomaly[] {
  const plain = anomalies.filter(({ cycle, allowed }) => cycle !== undefined && !allowed);
  return anomalies.filter(
    ({ name, transactions }) =>
      name !== 'cyclic-versions' ||
      !plain.some((other) => transactions.some((id) => other.transactions.includes(id))),
  );
}

function countHistory(facts: Facts, observed: Observed): Omit<IsolationStatistics, 'edges'> {
  const count = (outcome: Transaction['outcome']): number =>
    facts.history.reduce((sum, transaction) => sum + (transaction.outcome === outcome ? 1 : 0), 0);
  const committed = count('committed');
  return {
    transactions: facts.history.length,
    committed,
    aborted: count('aborted'),
    unknown: count('unknown'),
    resolved: facts.present.reduce((sum, present) => sum + present, 0) - committed,
    operations: facts.operationKey.length,
    keys: facts.keys.length,
    writes: facts.operationVersion.reduce((sum, version) => sum + (version === -1 ? 0 : 1), 0),
    reads: observed.readers.length + observed.scans.length,
  };
}

/** A run that did not exercise anything is not a pass. */
function whyNothing({ committed, reads, edges }: Omit<IsolationStatistics, never>): string | undefined {
  if (committed === 0) return 'No transaction was committed, so the history proves nothing.';
  if (reads === 0)
    return 'No committed transaction read anything from outside, so the history proves nothing.';
  if (edges.ww + edges.wr + edges.rw + edges.predicateRw === 0)
    return 'No transaction read or replaced what another one wrote, so the history proves nothing.';
  return undefined;
}
