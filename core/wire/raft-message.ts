/** What the members of a Raft group say to each other; the message types are described in `core/raft/messages.ts`. */

import { unreachable } from '../machine/assert.js';
import type { LogIndex, Term } from '../machine/units.js';
import type { SpokenMessage } from '../node/protocol.js';
import type { Append, Entry, Heartbeat, HeartbeatAnswer } from '../raft/messages.js';
import {
  malformed,
  readNested,
  readNumbers,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { payloadHome, readEntry, writeEntries, type PayloadHome } from './log-entries.js';

/** Writes the message as field 2 … 10, 14, 15 or 20 … 22 of a `NodeMessage`: which field it is says what kind it is. */
export function writeRaftMessage(writer: Writer, message: SpokenMessage): void {
  switch (message.type) {
    case 'PreVoteRequest':
    case 'VoteRequest':
      writer.uint32(message.type === 'PreVoteRequest' ? 18 : 34).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.lastIndex);
      writeUnsigned(writer, 24, message.lastTerm);
      if (message.type === 'VoteRequest') writeBool(writer, 32, message.handedOver);
      writer.ldelim();
      return;
    case 'PreVoteAnswer':
    case 'VoteAnswer':
      writer.uint32(message.type === 'PreVoteAnswer' ? 26 : 42).fork();
      writeUnsigned(writer, 8, message.term);
      writeBool(writer, 16, message.granted);
      writer.ldelim();
      return;
    case 'Append':
      writeNested(writer, 50, message, writeAppend);
      return;
    case 'AppendAccepted':
      writer.uint32(58).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.index);
      writer.ldelim();
      return;
    case 'AppendRefused':
      writer.uint32(66).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.refused);
      writeUnsigned(writer, 24, message.hintIndex);
      writeUnsigned(writer, 32, message.hintTerm);
      writer.ldelim();
      return;
    case 'Heartbeat':
      writer.uint32(74).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.commit);
      writeUnsigned(writer, 24, message.round);
      writeBool(writer, 32, message.sleep === true);
      writer.ldelim();
      return;
    case 'HeartbeatAnswer':
      writer.uint32(82).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.round);
      writeBool(writer, 24, message.asleep === true);
      writer.ldelim();
      return;
    case 'ReadIndexRequest':
    case 'ReadIndexRefused':
      writer.uint32(message.type === 'ReadIndexRequest' ? 162 : 178).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.batch);
      writer.ldelim();
      return;
    case 'ReadIndexAnswer':
      writer.uint32(170).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.batch);
      writeUnsigned(writer, 24, message.index);
      writer.ldelim();
      return;
    case 'CampaignNow':
      writer.uint32(114).fork();
      writeUnsigned(writer, 8, message.term);
      writer.ldelim();
      return;
    case 'NotMember':
      writer.uint32(122).fork();
      writeUnsigned(writer, 8, message.term);
      writeUnsigned(writer, 16, message.index);
      writer.ldelim();
      return;
    default:
      unreachable(message);
  }
}

const PRE_VOTE_REQUEST = ['PreVoteRequest.term', 'PreVoteRequest.last_index', 'PreVoteRequest.last_term'];
const PRE_VOTE_ANSWER = ['PreVoteAnswer.term', 'PreVoteAnswer.granted'];
const VOTE_REQUEST = [
  'VoteRequest.term',
  'VoteRequest.last_index',
  'VoteRequest.last_term',
  'VoteRequest.handed_over',
];
const VOTE_ANSWER = ['VoteAnswer.term', 'VoteAnswer.granted'];
const APPEND_ACCEPTED = ['AppendAccepted.term', 'AppendAccepted.index'];
const APPEND_REFUSED = [
  'AppendRefused.term',
  'AppendRefused.refused',
  'AppendRefused.hint_index',
  'AppendRefused.hint_term',
];
const CAMPAIGN_NOW = ['CampaignNow.term'];
const NOT_MEMBER = ['NotMember.term', 'NotMember.index'];
const READ_INDEX_REQUEST = ['ReadIndexRequest.term', 'ReadIndexRequest.batch'];
const READ_INDEX_ANSWER = ['ReadIndexAnswer.term', 'ReadIndexAnswer.batch', 'ReadIndexAnswer.index'];
const READ_INDEX_REFUSED = ['ReadIndexRefused.term', 'ReadIndexRefused.batch'];
const HEARTBEAT = ['Heartbeat.term', 'Heartbeat.commit', 'Heartbeat.round', 'Heartbeat.sleep'];
const HEARTBEAT_ANSWER = ['HeartbeatAnswer.term', 'HeartbeatAnswer.round', 'HeartbeatAnswer.asleep'];

/** Reads the message behind this tag of a `NodeMessage`; undefined, with nothing read, when it is not one of Raft's. */
export function readRaftMessage(reader: Reader, tag: number): SpokenMessage | undefined {
  switch (tag) {
    case 18: {
      const [term, lastIndex, lastTerm] = nestedNumbers(reader, PRE_VOTE_REQUEST);
      return {
        type: 'PreVoteRequest',
        term: term as Term,
        lastIndex: lastIndex as LogIndex,
        lastTerm: lastTerm as Term,
      };
    }
    case 26: {
      const [term, granted] = nestedNumbers(reader, PRE_VOTE_ANSWER);
      return { type: 'PreVoteAnswer', term: term as Term, granted: granted !== 0 };
    }
    case 34: {
      const [term, lastIndex, lastTerm, handedOver] = nestedNumbers(reader, VOTE_REQUEST);
      return {
        type: 'VoteRequest',
        term: term as Term,
        lastIndex: lastIndex as LogIndex,
        lastTerm: lastTerm as Term,
        handedOver: handedOver !== 0,
      };
    }
    case 42: {
      const [term, granted] = nestedNumbers(reader, VOTE_ANSWER);
      return { type: 'VoteAnswer', term: term as Term, granted: granted !== 0 };
    }
    case 50:
      return readNested(reader, readAppend);
    case 58: {
      const [term, index] = nestedNumbers(reader, APPEND_ACCEPTED);
      return { type: 'AppendAccepted', term: term as Term, index: index as LogIndex };
    }
    case 66: {
      const [term, refused, hintIndex, hintTerm] = nestedNumbers(reader, APPEND_REFUSED);
      return {
        type: 'AppendRefused',
        term: term as Term,
        refused: refused as LogIndex,
        hintIndex: hintIndex as LogIndex,
        hintTerm: hintTerm as Term,
      };
    }
    case 74: {
      const [term, commit, round, sleep] = nestedNumbers(reader, HEARTBEAT);
      return heartbeatOf(term, commit, round, sleep);
    }
    case 82: {
      const [term, round, asleep] = nestedNumbers(reader, HEARTBEAT_ANSWER);
      return heartbeatAnswerOf(term, round, asleep);
    }
    case 114: {
      const [term] = nestedNumbers(reader, CAMPAIGN_NOW);
      return { type: 'CampaignNow', term: term as Term };
    }
    case 122: {
      const [term, index] = nestedNumbers(reader, NOT_MEMBER);
      return { type: 'NotMember', term: term as Term, index: index as LogIndex };
    }
    case 162: {
      const [term, batch] = nestedNumbers(reader, READ_INDEX_REQUEST);
      return { type: 'ReadIndexRequest', term: term as Term, batch: batch as number };
    }
    case 170: {
      const [term, batch, index] = nestedNumbers(reader, READ_INDEX_ANSWER);
      return {
        type: 'ReadIndexAnswer',
        term: term as Term,
        batch: batch as number,
        index: index as LogIndex,
      };
    }
    case 178: {
      const [term, batch] = nestedNumbers(reader, READ_INDEX_REFUSED);
      return { type: 'ReadIndexRefused', term: term as Term, batch: batch as number };
    }
    default:
      return undefined;
  }
}

/** The parts are as `readNumbers` gives them. */
export function heartbeatOf(term = 0, commit = 0, round = 0, sleep = 0): Heartbeat {
  const heartbeat = { type: 'Heartbeat', term: term as Term, commit: commit as LogIndex, round } as const;
  return sleep === 0 ? heartbeat : { ...heartbeat, sleep: true };
}

export function heartbeatAnswerOf(term = 0, round = 0, asleep = 0): HeartbeatAnswer {
  const answer = { type: 'HeartbeatAnswer', term: term as Term, round } as const;
  return asleep === 0 ? answer : { ...answer, asleep: true };
}

export function nestedNumbers(reader: Reader, names: readonly string[]): readonly number[] {
  const outerEnd = reader.len;
  const end = reader.size() + reader.pos;
  if (end > outerEnd) malformed(reader, `the message of ${names[0]} does not fit into what is left`);
  reader.len = end;
  const values = readNumbers(reader, names);
  reader.len = outerEnd;
  return values;
}

function writeAppend(writer: Writer, message: Append): void {
  writeUnsigned(writer, 8, message.term);
  writeUnsigned(writer, 16, message.previousIndex);
  writeUnsigned(writer, 24, message.previousTerm);
  writeEntries(writer, 34, message.entries);
  writeUnsigned(writer, 40, message.commit);
}

function readAppend(reader: Reader): Append {
  const start = reader.pos;
  let home: PayloadHome | undefined;
  let term = 0;
  let previousIndex = 0;
  let previousTerm = 0;
  const entries: Entry[] = [];
  let commit = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        term = readUnsigned(reader, 'Append.term');
        break;
      case 16:
        previousIndex = readUnsigned(reader, 'Append.previous_index');
        break;
      case 24:
        previousTerm = readUnsigned(reader, 'Append.previous_term');
        break;
      case 34:
        home ??= payloadHome(reader, start);
        entries.push(readEntry(reader, home));
        break;
      case 40:
        commit = readUnsigned(reader, 'Append.commit');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!Number.isSafeInteger(previousIndex + entries.length)) {
    malformed(
      reader,
      `Append has ${entries.length} entries after index ${previousIndex}, which passes 2^53 - 1`,
    );
  }
  return {
    type: 'Append',
    term: term as Term,
    previousIndex: previousIndex as LogIndex,
    previousTerm: previousTerm as Term,
    entries,
    commit: commit as LogIndex,
  };
}
