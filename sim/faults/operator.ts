/**
 * The operator of a simulated cluster: asks it for other members and other leaders, through any node that may answer and
 * again until it is answered, and keeps the ledger of what may be destroyed.
 *
 * The ledger: whatever the members are by then, and whatever wish may still come true, a majority of each electorate is
 * left. Where a fault would take more, it is held back and counted as such, unless the scenario expects refusal.
 */

import { drawOne, streamOf } from '../world/chance.js';
import { feel } from '../world/felt.js';
import { ask, callAt, crashNode, nodeOf, nodesInUse, type SimNode, type World } from '../world/world.js';
import type { Scenario } from './scenario.js';

/** What an operator wants of a cluster. All of a change in one step. */
export type Wish =
  | {
      readonly type: 'Change';
      readonly add: readonly { readonly node: number; readonly role: 'voter' | 'learner' }[];
      readonly promote: readonly number[];
      readonly remove: readonly number[];
    }
  | { readonly type: 'Transfer'; readonly group: number; readonly node: number }
  /** The node that is asked leads nothing more that others can. */
  | { readonly type: 'HandOver' };

/** How a system takes orders, in one run. */
export interface Orders<Request, Answer> {
  toRequest(wish: Wish): Request;
  /** What an answer says: it is so, it will not be, or nobody can say and it should be asked for again. */
  hear(answer: Answer): 'done' | 'refused' | 'again';
  /**
   * The sets of nodes of each of which a majority is needed, whatever is or may come into force: wishes that may still
   * come true, together with what is agreed.
   */
  electorates(wishes: readonly Wish[]): readonly (readonly number[])[];
}

export interface Operator {
  /** Asks until it is answered, given up, or calm; then says how it went. */
  wish(wish: Wish, via: number | undefined, then?: (outcome: Outcome) => void): void;
  /** Whether everything can still be decided without this machine, and without those that are lost already. */
  canLose(node: number): boolean;
  /** Stops a machine for good, as soon as that is harmless. */
  stopForGood(node: number): void;
  /** What a majority is needed of now. */
  electorates(): readonly (readonly number[])[];
}

export type Outcome = 'done' | 'refused' | 'given up';

const MS = 1_000;
/** An attempt without an answer counts as lost. */
const PATIENCE_MS = 2_000;
const AGAIN_MS = 150;
const MOST_ATTEMPTS = 40;

export function createOperator<S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  orders: Orders<Q, A>,
  expect: Scenario['expect'],
): Operator {
  const stream = streamOf(world.settings.seed, 'operator');
  /** An attempt that was lost may still be carried out later, so none of them is ever forgotten. */
  const wishes: Wish[] = [];
  /** Those of them that nobody has answered. */
  const open = new Set<Wish>();
  let asked = 0;

  const canLose = (node: number): boolean => {
    if (expect === 'refusal') return true;
    const lost = world.nodes.filter(({ refuses }) => refuses !== undefined).map(({ id }) => id as number);
    const left = (voters: readonly number[]): number =>
      voters.filter((voter) => voter !== node && !lost.includes(voter)).length;
    return orders.electorates(wishes).every((voters) => 2 * left(voters) > voters.length);
  };

  const operator: Operator = {
    wish(wish, via, then) {
      asked += 1;
      const number = asked;
      wishes.push(wish);
      open.add(wish);
      const request = orders.toRequest(wish);
      let attempts = 0;
      let isOver = false;
      const end = (outcome: Outcome): void => {
        isOver = true;
        if (outcome !== 'given up') open.delete(wish);
        feel(world.felt, `${wish.type} ${outcome}`);
        then?.(outcome);
      };
      const attempt = (): void => {
        if (isOver) return;
        if (world.calm || attempts >= MOST_ATTEMPTS) return end('given up');
        attempts += 1;
        const mine = attempts;
        const node = via === undefined ? anyNode(number * 64 + mine) : nodeOf(world, via);
        ask(world, node.id, request, (answer) => {
          if (isOver) return;
          const heard = orders.hear(answer);
          if (heard !== 'again') return end(heard);
          if (mine === attempts) callAt(world, world.nowUs + AGAIN_MS * MS, attempt);
        });
        callAt(world, world.nowUs + PATIENCE_MS * MS, () => {
          if (mine === attempts) attempt();
        });
      };
      attempt();
    },
    canLose,
    stopForGood(node) {
      const stop = (): void => {
        if (world.calm) return;
        if (!canLose(node)) return callAt(world, world.nowUs + PATIENCE_MS * MS, stop);
        const { id } = nodeOf(world, node);
        feel(world.felt, 'machine stopped for good');
        crashNode(world, id);
        nodeOf(world, node).refuses ??= 'it left the cluster, and its machine was stopped';
      };
      stop();
    },
    electorates: () => orders.electorates([...open]),
  };
  return operator;

  function anyNode(counter: number): SimNode<S, M, Q, A, D> {
    return drawOne(stream, nodesInUse(world), counter);
  }
}
