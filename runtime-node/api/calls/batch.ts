/** Doing the rows of a batch: each on its own, all at once, in no order. */

import { KeyValueCode, refusal } from '../../../core/index.js';
import { askAnyway, type ApiBackend, type RouteHint } from '../backend.js';
import type { BatchAsked } from '../requests/batch.js';
import type { SessionedAnswer } from './session.js';

export interface BatchDone {
  readonly rows: readonly RowDone[];
  /** Set when nothing of it was done because of what it says. */
  readonly isRefused: boolean;
  /** The distinct hints of the rows. */
  readonly routes: readonly RouteHint[];
}

export interface RowDone {
  readonly key: string;
  readonly durability: number;
  readonly answer: SessionedAnswer;
  /** The place of its hint in `routes`, counted from 1; 0 for none. */
  readonly routeIndex: number;
}

export async function doBatch(backend: ApiBackend, { rows, reason }: BatchAsked): Promise<BatchDone> {
  const answered = await Promise.all(rows.map(({ asked }) => askAnyway(backend, asked)));
  const routes: RouteHint[] = [];
  const done = rows.map(({ key, durability }, index): RowDone => {
    const { answer = refusal(KeyValueCode.errored), route = undefined } = answered[index] ?? {};
    if (answer.family !== undefined) throw new Error(`a row of a batch was answered as a ${answer.family}`);
    return { key, durability, answer, routeIndex: route === undefined ? 0 : placeIn(routes, route) };
  });
  return { rows: done, isRefused: reason !== undefined, routes };
}

/** Partitions are few: a search is faster than a map. */
function placeIn(routes: RouteHint[], route: RouteHint): number {
  const known = routes.indexOf(route);
  return known < 0 ? routes.push(route) : known + 1;
}

/** Whether not one row has a definite outcome. */
export function knowsNothing({ rows }: BatchDone): boolean {
  return rows.length > 0 && rows.every(({ answer }) => answer.code === KeyValueCode.mustRetry);
}
