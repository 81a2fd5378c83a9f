/** What tests of values and pages that are kept apart have in common: a node that is asked, and what of theirs is on its disk. */

import type { ClientCall } from '../../../core/partition/command.js';
import type { TestNode } from './support.js';

let token = 0;

/** A token that no other request of the file has. */
export function newToken(): number {
  token += 1;
  return token;
}

/** Asks, and completes the writes that come of it, but not the reads. Gives the token. */
export function ask(node: TestNode, request: ClientCall): number {
  const asked = newToken();
  node.turn({ type: 'RequestReceived', token: asked, request });
  while (node.underWay.length > 0) node.complete();
  return asked;
}

export function coldKeys(node: TestNode): readonly string[] {
  return node.stored.flatMap(({ key }) => (key.startsWith('cold/') ? [key] : []));
}
