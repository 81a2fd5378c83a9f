/**
 * The graph of dependencies between transactions, and its strongly connected components.
 *
 * Nodes are the transactions of the history, by index, and helpers: a helper stands for "one of these, and then one of
 * those", so that n readers before m writers cost n + m edges, and the order of time costs O(n). Typed edges start at
 * transactions; edges out of helpers are links, which carry on the type by which the helper was entered. A helper never lies on
 * a way from a transaction to itself unless the transaction truly precedes itself.
 */
import { at, byteAt, ints, push, type Ints } from './ints.js';

/** Types of edges, as bits of a mask. */
export const edgeType = {
  ww: 1,
  wr: 2,
  rw: 4,
  predicateRw: 8,
  session: 16,
  time: 32,
  link: 64,
} as const;

export const antiDependency = edgeType.rw | edgeType.predicateRw;

export interface EdgeList {
  nodes: number;
  /** Nodes below this number are transactions. */
  readonly transactions: number;
  count: number;
  /** One record of `fieldsOfEdge` numbers for each edge, in the order of the fields of `Edge`. */
  records: Int32Array;
}

export interface Edge {
  readonly source: number;
  readonly target: number;
  readonly type: number;
  /** The versions that the edge is about, or -1: what was written or read first, and what was written or read next. */
  readonly from: number;
  readonly to: number;
  /** For ww and rw: how the order of the two versions is known. */
  readonly how: number;
}

const fieldsOfEdge = 6;

/** `expected` edges fit without the list having to grow. */
export const noEdges = (transactions: number, expected = 1024): EdgeList => ({
  nodes: transactions,
  transactions,
  count: 0,
  records: new Int32Array(fieldsOfEdge * (expected + 1)),
});

export const addNode = (edges: EdgeList): number => edges.nodes++;

export function addEdge(edges: EdgeList, { source, target, type, from, to, how }: Edge): void {
  const start = edges.count++ * fieldsOfEdge;
  if (start === edges.records.length) {
    const larger = new Int32Array(2 * start);
    larger.set(edges.records);
    edges.records = larger;
  }
  const { records } = edges;
  records[start] = source;
  records[start + 1] = target;
  records[start + 2] = type;
  records[start + 3] = from;
  records[start + 4] = to;
  records[start + 5] = how;
}

/** An edge that is about no versions. */
export function addBareEdge(edges: EdgeList, source: number, target: number, type: number): void {
  addEdge(edges, { source, target, type, from: -1, to: -1, how: 0 });
}

export function edgeAt({ records }: EdgeList, edge: number): Edge {
  const start = edge * fieldsOfEdge;
  return {
    source: at(records, start),
    target: at(records, start + 1),
    type: at(records, start + 2),
    from: at(records, start + 3),
    to: at(records, start + 4),
    how: at(records, start + 5),
  };
}

/** By source: the edges out of node `n` are the slots `starts[n]` to `starts[n + 1]`; `edges` says which edge a slot is. */
export interface Graph {
  readonly nodes: number;
  readonly transactions: number;
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  readonly types: Uint8Array;
  readonly edges: Int32Array;
}

export function arrange({ nodes, transactions, count, records }: EdgeList): Graph {
  const starts = new Int32Array(nodes + 1);
  for (let edge = 0; edge < count; edge++) {
    const after = at(records, edge * fieldsOfEdge) + 1;
    starts[after] = at(starts, after) + 1;
  }
  for (let node = 0; node < nodes; node++) starts[node + 1] = at(starts, node + 1) + at(starts, node);
  const next = starts.slice(0, nodes);
  const targets = new Int32Array(count);
  const types = new Uint8Array(count);
  const edges = new Int32Array(count);
  for (let edge = 0; edge < count; edge++) {
    const start = edge * fieldsOfEdge;
    const source = at(records, start);
    const slot = at(next, source);
    next[source] = slot + 1;
    targets[slot] = at(records, start + 1);
    types[slot] = at(records, start + 2);
    edges[slot] = edge;
  }
  return { nodes, transactions, starts, targets, types, edges };
}

/** Components of more than one node. */
export interface Components {
  /** By node: its component, or -1 when it is alone. */
  readonly of: Int32Array;
  /** The nodes of component `c` are `nodes[starts[c]]` to `nodes[starts[c + 1]]`. */
  readonly nodes: Ints;
  readonly starts: Ints;
  readonly count: number;
}

/**
 * Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) over the edges whose type is in the mask,
 * without recursion. With `within`, only inside those components, which must be of a larger mask.
 */
export function findComponents(graph: Graph, mask: number, within?: Components): Components {
  const { nodes, starts, targets, types } = graph;
  const order = new Int32Array(nodes);
  const low = new Int32Array(nodes);
  const cursor = new Int32Array(nodes);
  const path = new Int32Array(nodes);
  const stack = new Int32Array(nodes);
  const of = new Int32Array(nodes).fill(-1);
  const found = ints();
  const foundStarts = ints();
  push(foundStarts, 0);
  let counter = 0;
  let stacked = 0;
  let count = 0;
  const finished = nodes + 1;
  const roots = within === undefined ? nodes : within.nodes.length;
  for (let index = 0; index < roots; index++) {
    const root = within === undefined ? index : at(within.nodes.items, index);
    if (order[root] !== 0) continue;
    let depth = 0;
    path[0] = root;
    cursor[root] = at(starts, root);
    order[root] = low[root] = ++counter;
    stack[stacked++] = root;
    while (depth >= 0) {
      const node = at(path, depth);
      const slot = at(cursor, node);
      if (slot < at(starts, node + 1)) {
        cursor[node] = slot + 1;
        if ((byteAt(types, slot) & mask) === 0) continue;
        const target = at(targets, slot);
        if (within !== undefined && within.of[target] !== within.of[node]) continue;
        const seen = at(order, target);
        if (seen === 0) {
          order[target] = low[target] = ++counter;
          cursor[target] = at(starts, target);
          stack[stacked++] = target;
          path[++depth] = target;
        } else if (seen < at(low, node)) {
          low[node] = seen;
        }
        continue;
      }
      depth -= 1;
      if (depth >= 0) {
        const parent = at(path, depth);
        if (at(low, node) < at(low, parent)) low[parent] = at(low, node);
      }
      if (low[node] !== order[node]) continue;
      if (stack[stacked - 1] === node) {
        stacked -= 1;
        order[node] = finished;
        continue;
      }
      let member = -1;
      while (member !== node) {
        member = at(stack, --stacked);
        order[member] = finished;
        of[member] = count;
        push(found, member);
      }
      push(foundStarts, found.length);
      count += 1;
    }
  }
  return { of, nodes: found, starts: foundStarts, count };
}

/** A slot inside a component: in the mask, and with both ends in the same component. */
export const isInside = (graph: Graph, components: Components, node: number, slot: number): boolean =>
  components.of[node] !== -1 && components.of[node] === components.of[at(graph.targets, slot)];
