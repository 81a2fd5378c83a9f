/** From the body of a request about members to what it asks for. */

import type { AdminCommand, NewMember, NodeId, NodePriority } from '../../../core/index.js';
import { BadRequest } from '../problem.js';

type Json = Readonly<Record<string, unknown>>;

/** The text of a JSON body. @throws BadRequest, as all of these do. */
export function jsonOf({ body }: { readonly body: unknown }): string {
  if (typeof body === 'string') return body;
  throw new BadRequest('this route takes a JSON body: send the header content-type: application/json', 415);
}

export function bodyOf(request: { readonly body: unknown }): Json {
  const text = jsonOf(request);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BadRequest('the body is not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new BadRequest('the body must be a JSON object');
  }
  return parsed as Json;
}

export function readChange(body: Json): AdminCommand {
  return {
    type: 'ChangeMembers',
    add: readList(body, 'add').map(readNewMember),
    promote: readNodes(body, 'promote'),
    remove: readNodes(body, 'remove'),
    priorities: readList(body, 'priorities').map((one): NodePriority => ({
      node: readId(one, 'nodeId', 1) as NodeId,
      priority: readId(one, 'priority', 0),
    })),
  };
}

function readNewMember(body: Json): NewMember {
  const { endpoint, role = 'Voter' } = body;
  if (typeof endpoint !== 'string' || !/^\S+:\d{1,5}$/.test(endpoint)) {
    throw new BadRequest('endpoint must be HOST:PORT, where the node listens for the others');
  }
  if (role !== 'Voter' && role !== 'Learner') {
    throw new BadRequest(`role must be "Voter" or "Learner", but is ${JSON.stringify(role)}`);
  }
  return {
    node: readId(body, 'nodeId', 1) as NodeId,
    address: endpoint,
    role: role === 'Voter' ? 'voter' : 'learner',
  };
}

function readList(body: Json, name: string): readonly Json[] {
  const list = body[name] ?? [];
  if (!Array.isArray(list) || list.some((one) => typeof one !== 'object' || one === null)) {
    throw new BadRequest(`${name} must be a list of objects`);
  }
  return list as readonly Json[];
}

function readNodes(body: Json, name: string): readonly NodeId[] {
  const list = body[name] ?? [];
  if (!Array.isArray(list) || list.some((one) => !Number.isSafeInteger(one) || one < 1)) {
    throw new BadRequest(`${name} must be a list of node ids, whole numbers of 1 or more`);
  }
  return list as readonly NodeId[];
}

export function readId(body: Json, name: string, least: number, missing?: number): number {
  const value = body[name] ?? missing;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new BadRequest(`${name} must be a whole number of ${least} or more`);
  }
  return value;
}
