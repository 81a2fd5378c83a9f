/** What members say to each other, in few words that tell different messages apart. */

import { groupId, type Entry } from '../../../core/index.js';
import { describeMessage } from '../../trace/describe.js';
import type { MemberMessage, MemberRequest } from './member.js';

export function describeMemberMessage(message: MemberMessage): string {
  if (message.type === 'Append') {
    const { term, previousIndex, previousTerm, entries, commit } = message;
    return (
      `Append t${term} after ${previousIndex} t${previousTerm}: ` +
      `[${entries.map(describeEntry).join(', ')}], commit ${commit}`
    );
  }
  // A snapshot's image is not looked into.
  const described = describeMessage({ type: 'Group', group: groupId(1), message: message as never });
  return described.slice('group 1 '.length);
}

function describeEntry({ term, payload }: Entry): string {
  return payload.length === 0 ? `t${term}` : `t${term} write ${payload.join(' ')}`;
}

export function describeMemberRequest(request: MemberRequest): string {
  if (request.type === 'Propose') return `write ${request.payload.join(' ')}`;
  return request.type === 'Read' ? 'read' : 'take a snapshot';
}
