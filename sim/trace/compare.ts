/**
 * Where two traces part: as a whole, and node by node.
 *
 * Nodes are compared line by line, the first of one with the first of the other, whatever happened elsewhere in
 * between. At the first line at which they differ, what differs is told: what was handed in, what the node wanted
 * done, what became of its state. The node whose line comes first is where to look first: what other nodes did
 * differently may follow from it.
 */

import type { TraceHeader, TraceLine } from './record.js';
import { diffStates, tellDiff } from './state-diff.js';
import { tellHead, tellInput } from './tell.js';
import { lastLine, momentAt, type Timeline } from './timeline.js';

export interface Comparison {
  /** What differs in the headers' scenarios and versions, by path. */
  readonly headers: readonly string[];
  /** The first line at which the traces as a whole differ; undefined when they are equal. */
  readonly firstLine: number | undefined;
  /** Where each node's lines part, the earliest first; nodes that do the same in both are left out. */
  readonly nodes: readonly NodeParting[];
}

export interface NodeParting {
  readonly node: number;
  /** Its how manyth line, from 1. */
  readonly count: number;
  /** That line in each trace; undefined where a trace has no more lines of the node. */
  readonly lines: readonly [number | undefined, number | undefined];
  /** Whether the node was handed something else, or did something else with the same. */
  readonly cause: 'input' | 'outcome' | 'end';
  /** What differs, in words. */
  readonly differences: readonly string[];
}

export function compareTraces(first: Timeline, second: Timeline): Comparison {
  const { unfold } = first.subject;
  const about = ({ version, scenario, failure }: TraceHeader): unknown => ({ version, scenario, failure });
  const headers = tellDiff(diffStates(about(first.trace.header), about(second.trace.header), unfold));
  const a = first.trace.lines;
  const b = second.trace.lines;
  const most = Math.max(a.length, b.length);
  let firstLine: number | undefined;
  for (let i = 0; i < most && firstLine === undefined; i += 1) {
    if (!isSameText(withoutSource(a[i]), withoutSource(b[i]))) firstLine = i + 1;
  }
  const ids = [...new Set([...first.nodes, ...second.nodes])].sort((x, y) => x - y);
  const nodes = ids
    .flatMap((node) => partingOf(first, second, node) ?? [])
    .sort((x, y) => earliest(x) - earliest(y) || x.node - y.node);
  return { headers, firstLine, nodes };
}

function earliest({ lines }: NodeParting): number {
  return Math.min(lines[0] ?? Number.MAX_SAFE_INTEGER, lines[1] ?? Number.MAX_SAFE_INTEGER);
}

function isSameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A line without the numbers of the lines that its messages left in: those tell the traces apart, not the nodes. */
function withoutSource(line: TraceLine | undefined): unknown {
  return line !== undefined && 'turn' in line ? { ...line, turn: handedIn(line) } : line;
}

/** What a node was handed, without anything that only the trace knows. */
function handedIn(line: TraceLine): unknown {
  if ('crash' in line) return 'crash';
  if ('start' in line) return line.start;
  const events = line.turn.events.map((event) =>
    'message' in event ? { from: event.from, message: event.message } : event,
  );
  return { ...line.turn, events };
}

function partingOf(first: Timeline, second: Timeline, node: number): NodeParting | undefined {
  const a = first.trace.lines.filter((line) => line.node === node);
  const b = second.trace.lines.filter((line) => line.node === node);
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const left = a[i];
    const right = b[i];
    const base = { node, count: i + 1, lines: [left?.n, right?.n] as const };
    if (left === undefined || right === undefined) {
      const which = left === undefined ? 'first' : 'second';
      return { ...base, cause: 'end', differences: [`the ${which} trace has no more lines of node ${node}`] };
    }
    const input = inputDifferences(left, right);
    const outcome = outcomeDifferences(left, right);
    if (input.length === 0 && outcome.length === 0) continue;
    return {
      ...base,
      cause: input.length > 0 ? 'input' : 'outcome',
      differences: [...input, ...outcome, ...stateDifferences(first, second, left.n, right.n)],
    };
  }
  return undefined;
}

function inputDifferences(left: TraceLine, right: TraceLine): readonly string[] {
  if (isSameText(handedIn(left), handedIn(right))) return [];
  const was = tellInput(left);
  const is = tellInput(right);
  if (was !== is) return [`it was handed: ${was}`, `and here:      ${is}`];
  const differing = tellDiff(diffStates(handedIn(left), handedIn(right), () => undefined, { maxChanges: 8 }));
  return ['it was handed what reads the same, with other details:', ...differing.map((row) => `  ${row}`)];
}

function outcomeDifferences(left: TraceLine, right: TraceLine): readonly string[] {
  if ('crash' in left || 'crash' in right || left.hash === right.hash) return [];
  if (isSameText(left.did, right.did)) return ['what it did reads the same, but the hash is another'];
  const gone = left.did.filter((effect) => !right.did.includes(effect));
  const added = right.did.filter((effect) => !left.did.includes(effect));
  if (gone.length === 0 && added.length === 0) return ['it did the same in another order'];
  return [...gone.map((effect) => `it did: ${effect}`), ...added.map((effect) => `and here: ${effect}`)];
}

/** What differs in the states after the two lines, where both can still be replayed. */
function stateDifferences(first: Timeline, second: Timeline, a: number, b: number): readonly string[] {
  if (a > lastLine(first) || b > lastLine(second))
    return ['its states cannot be shown: a replay ends before'];
  const left = momentAt(first, a).after;
  const right = momentAt(second, b).after;
  if (left === undefined || right === undefined) return [];
  const rows = tellDiff(diffStates(left, right, (value) => first.subject.unfold(value), { maxChanges: 30 }));
  return rows.length === 0
    ? []
    : ['its state in the first and in the second trace:', ...rows.map((row) => `  ${row}`)];
}

/** A comparison as text. */
export function tellComparison(first: Timeline, second: Timeline, comparison: Comparison): readonly string[] {
  const { headers, firstLine, nodes } = comparison;
  const head = headers.length === 0 ? [] : ['the headers differ:', ...headers.map((row) => `  ${row}`)];
  if (firstLine === undefined) return [...head, `the traces are equal, ${first.trace.lines.length} lines`];
  const heads = [first, second].map(({ trace }, i) => {
    const line = trace.lines[firstLine - 1];
    return `  ${i === 0 ? 'first ' : 'second'} ${line === undefined ? 'has ended' : `${tellHead(line)}  ${tellInput(line)}`}`;
  });
  const rows = nodes.flatMap(({ node, count, lines, cause, differences }) => [
    `node ${node} parts at its line ${count} (${lines.map((n) => (n === undefined ? 'ended' : `line ${n}`)).join(' and ')})${
      cause === 'outcome' ? ': it was handed the same, and did something else' : ''
    }`,
    ...differences.map((row) => `  ${row}`),
  ]);
  return [...head, `the traces part at line ${firstLine}`, ...heads, ...rows];
}
