/**
 * Which kinds of cycles the graph has, and one short example of each in every component.
 *
 * Whether a level holds is decided by components alone, in linear time: a component of the edges that a level looks at is a
 * cycle that it forbids. For snapshot isolation the graph is first doubled, a node for "came by an anti-dependency" and one for
 * "came otherwise", without the edges that would put two anti-dependencies in succession. Finding the shortest example is what
 * costs more, and is what the budget cuts short; a first example of every kind that matters is found in any case.
 */
import type { Facts } from './facts.js';
import type { Findings } from './findings.js';
import {
  addBareEdge,
  antiDependency,
  arrange,
  edgeType,
  findComponents,
  isInside,
  noEdges,
  type Components,
  type EdgeList,
  type Graph,
} from './graph.js';
import { at, byteAt } from './ints.js';
import { reportCycle } from './cycle.js';
import { createWalker, findWayBack, type Rule, type Walker } from './walk.js';

export interface SearchResult {
  /** True when the budget did not even suffice to look at every edge once. */
  readonly gaveUp: boolean;
  /** True when shorter examples, or more of them, may exist. */
  readonly cutShort: boolean;
}

const { ww, wr, rw, predicateRw, session, time, link } = edgeType;
const allEdges = ww | wr | rw | predicateRw | session | time | link;

interface Stage {
  /** Edges that the cycle may use. */
  readonly mask: number;
  /** Of these types is the edge that the search begins with, so that the cycle has one. */
  readonly begins: number;
  readonly rule: Rule;
}

const dataStages: readonly Stage[] = [
  { mask: ww, begins: ww, rule: 'any' },
  { mask: ww | wr, begins: wr, rule: 'any' },
  { mask: ww | wr | rw | predicateRw | link, begins: antiDependency, rule: 'single' },
  { mask: ww | wr | rw | predicateRw | link, begins: antiDependency, rule: 'nonadjacent' },
  { mask: ww | wr | rw | link, begins: rw, rule: 'any' },
  { mask: ww | wr | rw | predicateRw | link, begins: predicateRw, rule: 'any' },
];

/** The same with edges of an order, and a cycle that has at least one of them. */
function orderStages(order: number, begins: number): readonly Stage[] {
  const data = ww | wr | link | order;
  return [
    { mask: ww | link | order, begins, rule: 'any' },
    { mask: data, begins, rule: 'any' },
    { mask: data | antiDependency, begins, rule: 'single' },
    { mask: data | rw, begins, rule: 'any' },
    { mask: data | antiDependency, begins, rule: 'any' },
  ];
}

/** After the first example of a component, this many other edges are tried for a shorter one. */
const triesForShorter = 64;

/** Cycles of two transactions cannot be bettered. */
const shortest = 2;

/** Cycles of fewer transactions than this are looked for first. */
const shortLimit = 5;

interface Search {
  readonly facts: Facts;
  readonly findings: Findings;
  readonly edges: EdgeList;
  readonly graph: Graph;
  readonly walker: Walker;
  readonly maxSteps: number;
  cutShort: boolean;
}

export function searchCycles(
  facts: Facts,
  findings: Findings,
  edges: EdgeList,
  maxSteps: number,
): SearchResult {
  if (edges.nodes + edges.count > maxSteps) return { gaveUp: true, cutShort: true };
  const graph = arrange(edges);
  const whole = findComponents(graph, allEdges);
  if (whole.count === 0) return { gaveUp: false, cutShort: false };
  const search: Search = {
    facts,
    findings,
    edges,
    graph,
    walker: createWalker(graph),
    maxSteps,
    cutShort: false,
  };
  const isDataCycle = runStages(search, whole, dataStages);
  // Where the data alone is a contradiction, the order of sessions and of time adds nothing, unless the level promises it.
  const { level } = facts;
  const isStrict = level === 'strict-serializable';
  const isSession = isStrict || level === 'strong-session-serializable';
  const isSessionCycle =
    (isSession || !isDataCycle) && runStages(search, whole, orderStages(session, session));
  if (isStrict || !(isDataCycle || isSessionCycle))
    runStages(search, whole, orderStages(session | time, time));
  return { gaveUp: false, cutShort: search.cutShort };
}

/** True when any component was found. */
function runStages(search: Search, whole: Components, stages: readonly Stage[]): boolean {
  const known = new Map<number, Components>();
  let isCyclic = false;
  for (const stage of stages) {
    let components = known.get(stage.mask);
    if (components === undefined) {
      components = findComponents(search.graph, stage.mask, whole);
      known.set(stage.mask, components);
    }
    if (components.count === 0) continue;
    isCyclic = true;
    const isStart = stage.rule === 'nonadjacent' ? doubledStarts(search.graph, components, stage) : undefined;
    for (let component = 0; component < components.count; component++)
      runComponent(search, stage, components, component, isStart);
  }
  return isCyclic;
}

type IsStart = (source: number, slot: number) => boolean;

/** In the doubled graph, an anti-dependency inside a component lies on a cycle without two in succession. */
function doubledStarts(graph: Graph, components: Components, { mask }: Stage): IsStart {
  const doubled = noEdges(2 * graph.nodes);
  forEachInside(graph, components, mask, (source, slot) => {
    const target = at(graph.targets, slot);
    const type = byteAt(graph.types, slot);
    for (const bit of [0, 1]) {
      const isAnti = (type & antiDependency) !== 0;
      if (isAnti && bit === 1) continue;
      const after = type === link ? bit : isAnti ? 1 : 0;
      addBareEdge(doubled, 2 * source + bit, 2 * target + after, type);
    }
  });
  const { of } = findComponents(arrange(doubled), mask);
  return (source, slot) => of[2 * source] !== -1 && of[2 * source] === of[2 * at(graph.targets, slot) + 1];
}

function forEachInside(
  graph: Graph,
  components: Components,
  mask: number,
  visit: (source: number, slot: number) => void,
): void {
  for (let index = 0; index < components.nodes.length; index++) {
    const source = at(components.nodes.items, index);
    for (let slot = at(graph.starts, source); slot < at(graph.starts, source + 1); slot++) {
      if ((byteAt(graph.types, slot) & mask) !== 0 && isInside(graph, components, source, slot))
        visit(source, slot);
    }
  }
}

/** Looks for the shortest cycle of the stage's kind in one component, and reports it. */
function runComponent(
  search: Search,
  { mask, begins, rule }: Stage,
  components: Components,
  component: number,
  isStart: IsStart | undefined,
): void {
  const { graph, walker, maxSteps } = search;
  let best: readonly number[] | undefined;
  let bestLength = Infinity;
  let tries = 0;
  const first = at(components.starts.items, component);
  const last = at(components.starts.items, component + 1);
  const sweep = (limit: number, budget: number): void => {
    tries = 0;
    for (let index = first; index < last && bestLength > shortest; index++) {
      const source = at(components.nodes.items, index);
      for (let slot = at(graph.starts, source); slot < at(graph.starts, source + 1); slot++) {
        if ((byteAt(graph.types, slot) & begins) === 0 || !isInside(graph, components, source, slot))
          continue;
        if (isStart !== undefined && !isStart(source, slot)) continue;
        // The first try succeeds where the rule is "any" or the doubled graph vouches for it, so it is always made.
        if (tries > 0 && walker.steps > budget) {
          search.cutShort = true;
          return;
        }
        if (best !== undefined && tries > triesForShorter) return;
        tries += 1;
        const below = Math.min(bestLength, limit);
        const found = findWayBack(walker, { source, slot, mask, rule, components, below });
        if (found === undefined) continue;
        best = found;
        bestLength = found.filter((step) => at(graph.targets, step) < graph.transactions).length;
        tries = 1;
      }
    }
  };
  // Short cycles are looked for everywhere before a long way is gone anywhere.
  sweep(shortLimit, Math.min(maxSteps, walker.steps + maxSteps / 20));
  if (best === undefined) sweep(Infinity, maxSteps);
  if (best !== undefined) reportCycle(search.facts, search.findings, search.edges, graph, best);
}
