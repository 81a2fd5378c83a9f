/** What crosses a node-to-node socket: frames of messages. */

import { unreachable } from '../machine/assert.js';
import type { GroupId } from '../machine/units.js';
import type {
  ClusterMessage,
  Forward,
  ForwardAnswer,
  HeartbeatAnswers,
  Heartbeats,
  NodeMessage,
  SessionMessage,
  SnapshotAnswer,
  SnapshotChunk,
  SpokenMessage,
} from '../node/protocol.js';
import { readClusterMessage, writeClusterMessage } from './cluster.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  malformed,
  readNested,
  readUnsigned,
  skipField,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readForward, readForwardAnswer, writeForward, writeForwardAnswer } from './forward.js';
import {
  readHeartbeatAnswers,
  readHeartbeats,
  writeHeartbeatAnswers,
  writeHeartbeats,
} from './heartbeats.js';
import { readRaftMessage, writeRaftMessage } from './raft-message.js';
import { readSessionMessage, writeSessionMessage } from './session.js';
import {
  readSnapshotAnswer,
  readSnapshotChunk,
  writeSnapshotAnswer,
  writeSnapshotChunk,
} from './snapshot-message.js';

/** The bytes of one message. Equal messages give equal bytes. */
export function encodeNodeMessage(message: NodeMessage): Uint8Array {
  return encoded(message, writeNodeMessage);
}

/** The message that the bytes hold, or why they hold none; never throws. */
export function decodeNodeMessage(bytes: Uint8Array): Decoded<NodeMessage> {
  return decoded(bytes, 'a message', readNodeMessage);
}

/**
 * The bytes of all messages of one `Send`, in order. Without a length of its own: the transport says where it ends.
 *
 * @example
 *     const bytes = encodeFrame(send.messages);
 *     const frame = decodeFrame(bytes);
 *     if (frame.ok) for (const message of frame.value) receive(message);
 */
export function encodeFrame(messages: readonly NodeMessage[]): Uint8Array {
  return encoded(messages, writeFrame);
}

/** The messages of a frame, or why it holds none: one bad message makes the whole frame bad. Never throws. */
export function decodeFrame(bytes: Uint8Array): Decoded<readonly NodeMessage[]> {
  return decoded(bytes, 'a frame', readFrame);
}

function writeFrame(writer: Writer, messages: readonly NodeMessage[]): void {
  for (const message of messages) writeNested(writer, 10, message, writeNodeMessage);
}

function readFrame(reader: Reader): readonly NodeMessage[] {
  const messages: NodeMessage[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) messages.push(readNested(reader, readNodeMessage));
    else skipField(reader, tag);
  }
  return messages;
}

function writeNodeMessage(writer: Writer, message: NodeMessage): void {
  if (message.type === 'Heartbeats') return writeNested(writer, 322, message, writeHeartbeats);
  if (message.type === 'HeartbeatAnswers') return writeNested(writer, 330, message, writeHeartbeatAnswers);
  if ('group' in message) writeUnsigned(writer, 8, message.group);
  switch (message.type) {
    case 'Group':
      writeRaftMessage(writer, message.message);
      return;
    case 'Forward':
      writeNested(writer, 98, message, writeForward);
      return;
    case 'ForwardAnswer':
      writeNested(writer, 106, message, writeForwardAnswer);
      return;
    case 'SnapshotChunk':
      writeNested(writer, 242, message, writeSnapshotChunk);
      return;
    case 'SnapshotAnswer':
      writeNested(writer, 250, message, writeSnapshotAnswer);
      return;
    case 'RosterAsk':
    case 'RosterNews':
    case 'SurveyAsk':
    case 'SurveyAnswer':
    case 'AdminForward':
    case 'AdminForwarded':
      writeClusterMessage(writer, message);
      return;
    case 'SessionForward':
    case 'SessionForwarded':
    case 'WaitProbe':
    case 'Condemn':
      writeSessionMessage(writer, message);
      return;
    default:
      unreachable(message);
  }
}

/** Those between nodes have no group. */
type Body =
  | SpokenMessage
  | Omit<Forward, 'group'>
  | Omit<ForwardAnswer, 'group'>
  | Omit<SnapshotChunk, 'group'>
  | Omit<SnapshotAnswer, 'group'>
  | Heartbeats
  | HeartbeatAnswers
  | ClusterMessage
  | SessionMessage;

function readNodeMessage(reader: Reader): NodeMessage {
  let group = 0;
  let body: Body | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        group = readUnsigned(reader, 'NodeMessage.group');
        break;
      case 98:
        body = readNested(reader, readForward);
        break;
      case 106:
        body = readNested(reader, readForwardAnswer);
        break;
      case 242:
        body = readNested(reader, readSnapshotChunk);
        break;
      case 250:
        body = readNested(reader, readSnapshotAnswer);
        break;
      case 322:
        body = readNested(reader, readHeartbeats);
        break;
      case 330:
        body = readNested(reader, readHeartbeatAnswers);
        break;
      default: {
        const message =
          tag < 400
            ? readRaftMessage(reader, tag)
            : (readClusterMessage(reader, tag) ?? readSessionMessage(reader, tag));
        if (message === undefined) skipField(reader, tag);
        else body = message;
      }
    }
  }
  if (body === undefined) malformed(reader, 'NodeMessage holds no message that this version knows');
  if (body.type === 'Heartbeats' || body.type === 'HeartbeatAnswers') {
    if (group !== 0)
      malformed(reader, `NodeMessage.group is ${group} in a message that is about no one group`);
    return body;
  }
  return inGroup(group as GroupId, body);
}

function inGroup(group: GroupId, body: Exclude<Body, Heartbeats | HeartbeatAnswers>): NodeMessage {
  switch (body.type) {
    case 'Forward': {
      const { type, requestId, basis, operation, within } = body;
      const forward = { type, group, requestId, basis, operation };
      return within === undefined ? forward : { ...forward, within };
    }
    case 'ForwardAnswer':
      return { type: 'ForwardAnswer', group, requestId: body.requestId, result: body.result };
    case 'SnapshotChunk': {
      const { type, term, index, snapshotTerm, config, number, bytes, digest, last, values } = body;
      const chunk = { type, group, term, index, snapshotTerm, config, number, bytes, digest, last };
      return values === undefined ? chunk : { ...chunk, values };
    }
    case 'SnapshotAnswer': {
      const { type, term, index, snapshotTerm, chunks, asked, busy } = body;
      return { type, group, term, index, snapshotTerm, chunks, asked, busy };
    }
    case 'RosterAsk':
    case 'RosterNews':
    case 'SurveyAsk':
    case 'SurveyAnswer':
    case 'AdminForward':
    case 'AdminForwarded':
    case 'SessionForward':
    case 'SessionForwarded':
    case 'WaitProbe':
    case 'Condemn':
      return body;
    default:
      return { type: 'Group', group, message: body };
  }
}
