/** How a simulated client asks until it is answered: again and again, of other nodes, and not for ever. */

import type {
  NodeAnswer,
  NodeId,
  NodeRequest,
  TransactionAnswer,
  TransactionRequest,
} from '../../../core/index.js';

export type AnyRequest = NodeRequest | TransactionRequest;
export type AnyAnswer = NodeAnswer | TransactionAnswer;

/** The world as a client of transactions sees it. */
export interface Shorefront {
  readonly nowUs: () => number;
  readonly isCalm: () => boolean;
  readonly later: (us: number, call: () => void) => void;
  /** Asks a node that `salt` chooses. */
  readonly ask: (salt: number, request: AnyRequest, hear: (answer: AnyAnswer, node: NodeId) => void) => void;
  /** After so long without an answer somebody else is asked. */
  readonly timeoutUs: number;
  /** Notes what a run has come by. */
  readonly reach: (feature: string) => void;
}

export interface Question {
  readonly request: () => AnyRequest;
  /** Chooses the nodes, with how often was asked. */
  readonly salt: number;
  /** The first question is asked of two nodes at once. */
  readonly twice: boolean;
  /** For how long it is asked, in microseconds; five times as long in the calm. */
  readonly patienceUs: number;
  /** What to do now; `again` when nobody knows yet. */
  readonly hear: (answer: AnyAnswer, node: NodeId) => 'again' | (() => void);
  /** What comes when another answer was already good enough. */
  readonly late?: (answer: AnyAnswer, node: NodeId) => void;
  readonly giveUp: () => void;
}

const MS = 1_000;
const PAUSE_US = 20 * MS;
const CALM_PATIENCE = 5;

/** Whoever the node that was asked takes to lead may answer, or not: the same is asked until something is known. */
export function askUntilKnown(front: Shorefront, question: Question): void {
  const { hear, late, giveUp, request, salt, patienceUs } = question;
  const sinceUs = front.nowUs();
  let asked = 0;
  let over = false;
  const askOnce = (): number => {
    asked += 1;
    const mine = asked;
    front.ask(salt * 256 + (mine % 256), request(), (answer, node) => {
      if (over) {
        late?.(answer, node);
        return;
      }
      const next = hear(answer, node);
      if (next === 'again') {
        if (mine === asked) front.later(PAUSE_US + (mine % 4) * 5 * MS, attempt);
        return;
      }
      over = true;
      next();
    });
    return mine;
  };
  const attempt = (): void => {
    if (over) return;
    const patience = patienceUs * (front.isCalm() ? CALM_PATIENCE : 1);
    if (front.nowUs() - sinceUs > patience) {
      over = true;
      giveUp();
      return;
    }
    if (question.twice && asked === 0) askOnce();
    const mine = askOnce();
    front.later(front.timeoutUs, () => {
      if (mine === asked) attempt();
    });
  };
  attempt();
}
