/** The heartbeats of many groups in one message, and the answers to them. */

import type { GroupId } from '../machine/units.js';
import type {
  Beat,
  GroupHeartbeat,
  GroupHeartbeatAnswer,
  HeartbeatAnswers,
  Heartbeats,
} from '../node/protocol.js';
import {
  malformed,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { heartbeatAnswerOf, heartbeatOf, nestedNumbers } from './raft-message.js';

export function writeHeartbeats(writer: Writer, { items, beat }: Heartbeats): void {
  for (const item of items) writeNested(writer, 10, item, writeHeartbeat);
  if (beat !== undefined) writeNested(writer, 18, beat, writeBeat);
}

function writeHeartbeat(writer: Writer, { group, message }: GroupHeartbeat): void {
  writeUnsigned(writer, 8, group);
  writeUnsigned(writer, 16, message.term);
  writeUnsigned(writer, 24, message.commit);
  writeUnsigned(writer, 32, message.round);
  writeBool(writer, 40, message.sleep === true);
}

function writeBeat(writer: Writer, { covers, listed }: Beat): void {
  writeUnsigned(writer, 8, covers.count);
  writeUnsigned(writer, 16, covers.sum);
  writeBool(writer, 24, listed);
}

const HEARTBEAT = [
  'GroupHeartbeat.group',
  'GroupHeartbeat.term',
  'GroupHeartbeat.commit',
  'GroupHeartbeat.round',
  'GroupHeartbeat.sleep',
];
const BEAT = ['Beat.count', 'Beat.sum', 'Beat.listed'];

export function readHeartbeats(reader: Reader): Heartbeats {
  const items: GroupHeartbeat[] = [];
  let beat: Beat | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10: {
        const [group, term, commit, round, sleep] = nestedNumbers(reader, HEARTBEAT);
        items.push({ group: group as GroupId, message: heartbeatOf(term, commit, round, sleep) });
        break;
      }
      case 18:
        beat = readBeat(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { type: 'Heartbeats', items, beat };
}

function readBeat(reader: Reader): Beat {
  const [count = 0, sum = 0, listed = 0] = nestedNumbers(reader, BEAT);
  if (sum > 0xffff_ffff) malformed(reader, 'Beat.sum has more than 32 bits');
  return { covers: { count, sum }, listed: listed !== 0 };
}

export function writeHeartbeatAnswers(writer: Writer, { items, agrees }: HeartbeatAnswers): void {
  for (const item of items) writeNested(writer, 10, item, writeHeartbeatAnswer);
  if (agrees !== undefined) writer.uint32(16).bool(agrees);
}

function writeHeartbeatAnswer(writer: Writer, { group, message }: GroupHeartbeatAnswer): void {
  writeUnsigned(writer, 8, group);
  writeUnsigned(writer, 16, message.term);
  writeUnsigned(writer, 24, message.round);
  writeBool(writer, 32, message.asleep === true);
}

const ANSWER = [
  'GroupHeartbeatAnswer.group',
  'GroupHeartbeatAnswer.term',
  'GroupHeartbeatAnswer.round',
  'GroupHeartbeatAnswer.asleep',
];

export function readHeartbeatAnswers(reader: Reader): HeartbeatAnswers {
  const items: GroupHeartbeatAnswer[] = [];
  let agrees: boolean | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10: {
        const [group, term, round, asleep] = nestedNumbers(reader, ANSWER);
        items.push({ group: group as GroupId, message: heartbeatAnswerOf(term, round, asleep) });
        break;
      }
      case 16:
        agrees = readUnsigned(reader, 'HeartbeatAnswers.agrees') !== 0;
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { type: 'HeartbeatAnswers', items, agrees };
}
