/**
 * The shortest way back: given an edge, the cycle through it with the fewest transactions, under a rule about anti-dependencies.
 *
 * Breadth first over pairs of a node and one bit. Steps into helpers cost nothing, steps into transactions one, so that length
 * is counted in transactions. A mutable record, private to one check.
 */
import { antiDependency, edgeType, type Components, type Graph } from './graph.js';
import { at, byteAt } from './ints.js';

/**
 * `any`: no rule. `single`: exactly one anti-dependency in the whole cycle; the bit says whether it is used. `nonadjacent`: no
 * two in succession, also around the end; the bit says whether the latest typed edge was one.
 */
export type Rule = 'any' | 'single' | 'nonadjacent';

export interface Walker {
  readonly graph: Graph;
  /** By node and bit: the search that saw it last, and the slot and the state that it was reached by. */
  readonly seen: Int32Array;
  readonly bySlot: Int32Array;
  readonly byState: Int32Array;
  frontier: Int32Array;
  next: Int32Array;
  search: number;
  /** Edges looked at so far. */
  steps: number;
}

export function createWalker(graph: Graph): Walker {
  const states = 2 * graph.nodes;
  return {
    graph,
    seen: new Int32Array(states),
    bySlot: new Int32Array(states),
    byState: new Int32Array(states),
    frontier: new Int32Array(states),
    next: new Int32Array(states),
    search: 0,
    steps: 0,
  };
}

export interface Question {
  readonly source: number;
  /** The edge that the cycle begins with: a slot of `source`. */
  readonly slot: number;
  readonly mask: number;
  readonly rule: Rule;
  /** The cycle stays inside the component of `source`. */
  readonly components: Components;
  /** Only cycles of fewer transactions are wanted. */
  readonly below: number;
}

/** The slots of the shortest cycle, beginning with the one asked about, or undefined. */
export function findWayBack(walker: Walker, question: Question): readonly number[] | undefined {
  const { graph } = walker;
  const { source, slot, mask, rule, components, below } = question;
  const component = components.of[source];
  const isAnti = (byteAt(graph.types, slot) & antiDependency) !== 0;
  const startBit = rule !== 'any' && isAnti ? 1 : 0;
  walker.search += 1;
  let length = 0;
  let size = 0;
  let sizeOfNext = 0;
  const enter = (node: number, bit: number, bySlot: number, byState: number): void => {
    const state = 2 * node + bit;
    if (walker.seen[state] === walker.search) return;
    walker.seen[state] = walker.search;
    walker.bySlot[state] = bySlot;
    walker.byState[state] = byState;
    if (node >= graph.transactions) walker.frontier[size++] = state;
    else walker.next[sizeOfNext++] = state;
  };
  enter(at(graph.targets, slot), startBit, slot, -1);
  for (;;) {
    for (let index = 0; index < size; index++) {
      const state = at(walker.frontier, index);
      const node = state >> 1;
      const end = at(graph.starts, node + 1);
      for (let out = at(graph.starts, node); out < end; out++) {
        walker.steps += 1;
        const type = byteAt(graph.types, out);
        if ((type & mask) === 0) continue;
        const target = at(graph.targets, out);
        if (components.of[target] !== component) continue;
        const bit = nextBit(rule, state & 1, type);
        if (bit === -1) continue;
        if (target !== source) enter(target, bit, out, state);
        else if (isEnd(rule, bit, isAnti)) return retrace(walker, out, state);
      }
    }
    if (sizeOfNext === 0) return undefined;
    // Everything in `next` is reached with one transaction more; another one leads back to the source at best.
    length += 1;
    if (length + 1 >= below) return undefined;
    [walker.frontier, walker.next] = [walker.next, walker.frontier];
    [size, sizeOfNext] = [sizeOfNext, 0];
  }
}

/** The bit after an edge of this type, or -1 when the rule forbids it there. */
function nextBit(rule: Rule, bit: number, type: number): number {
  if (rule === 'any' || type === edgeType.link) return bit;
  const isAnti = (type & antiDependency) !== 0;
  if (rule === 'single') return isAnti ? (bit === 1 ? -1 : 1) : bit;
  return isAnti ? (bit === 1 ? -1 : 1) : 0;
}

function isEnd(rule: Rule, bit: number, startsWithAnti: boolean): boolean {
  if (rule === 'any') return true;
  return rule === 'single' ? bit === 1 : bit === 0 || !startsWithAnti;
}

function retrace({ bySlot, byState }: Walker, last: number, from: number): readonly number[] {
  const slots = [last];
  for (let state = from; state !== -1; state = at(byState, state)) slots.push(at(bySlot, state));
  return slots.reverse();
}
