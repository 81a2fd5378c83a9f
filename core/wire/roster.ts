/** The roster: the value of a reserved key, and part of messages. */

import type { NodeId } from '../machine/units.js';
import { problemWithRoster, type Member, type Roster } from '../node/roster.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  malformed,
  positive,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';

/** The bytes of a roster. Equal rosters give equal bytes. */
export function encodeRoster(roster: Roster): Uint8Array {
  return encoded(roster, writeRoster);
}

/** The roster that the bytes hold, or why they hold none; never throws. */
export function decodeRoster(bytes: Uint8Array): Decoded<Roster> {
  return decoded(bytes, 'a roster', readRoster);
}

export function writeRoster(writer: Writer, { version, members }: Roster): void {
  writeUnsigned(writer, 8, version);
  for (const member of members) writeNested(writer, 18, member, writeMember);
}

export function readRoster(reader: Reader): Roster {
  let version = 0;
  const members: Member[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        version = readUnsigned(reader, 'Roster.version');
        break;
      case 18:
        members.push(readNested(reader, readMember));
        break;
      default:
        skipField(reader, tag);
    }
  }
  const roster = { version, members };
  const problem = problemWithRoster(roster);
  if (problem !== undefined) malformed(reader, `Roster.members: ${problem}`);
  return roster;
}

function writeMember(writer: Writer, { node, address, role, priority, since }: Member): void {
  writeUnsigned(writer, 8, node);
  writeText(writer, 18, address);
  writeBool(writer, 24, role === 'voter');
  writeUnsigned(writer, 32, priority);
  writeUnsigned(writer, 40, since);
}

function readMember(reader: Reader): Member {
  let node = 0;
  let address = '';
  let voter = false;
  let priority = 0;
  let since = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        node = readUnsigned(reader, 'Member.node');
        break;
      case 18:
        address = readText(reader, 'Member.address');
        break;
      case 24:
        voter = readUnsigned(reader, 'Member.voter') !== 0;
        break;
      case 32:
        priority = readUnsigned(reader, 'Member.priority');
        break;
      case 40:
        since = readUnsigned(reader, 'Member.since');
        break;
      default:
        skipField(reader, tag);
    }
  }
  positive(reader, node, 'Member.node');
  return { node: node as NodeId, address, role: voter ? 'voter' : 'learner', priority, since };
}
