/** How the rules that look at one group of one node say that it broke one of them. */

import { PropertyBroken } from '../../world/world.js';
import type { Raft } from './group-history.js';

/** @throws PropertyBroken always; which node of which group it was, and its term, come before the detail. */
export function broken(property: string, raft: Raft, detail: string): never {
  throw new PropertyBroken(property, `group ${raft.group}, node ${raft.self}, term ${raft.term}: ${detail}`);
}
