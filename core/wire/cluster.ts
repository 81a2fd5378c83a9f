/** What nodes say to each other about the cluster's members: fields 50 and above of a `NodeMessage`. */

import { unreachable } from '../machine/assert.js';
import type { GroupId, LogIndex, NodeId, Term } from '../machine/units.js';
import {
  ADMIN_OUTCOMES,
  ADMIN_REFUSALS,
  type AdminAnswer,
  type ChangeMembers,
  type GroupReport,
  type NewMember,
  type NodePriority,
  type PeerReport,
  type TransferLeadership,
} from '../node/admin-protocol.js';
import type {
  AdminForward,
  AdminForwarded,
  ClusterMessage,
  RosterNews,
  SurveyAnswer,
} from '../node/protocol.js';
import { MAX_REQUEST_ID_LENGTH } from '../partition/validate.js';
import {
  malformed,
  positive,
  readList,
  readNested,
  readNumbers,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeList,
  writeNested,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readRoster, writeRoster } from './roster.js';

const ROSTER_ASK = ['RosterAsk.version', 'RosterAsk.draining'];

/** Writes the message as field 50 … 55 of a `NodeMessage`: which field it is says what kind it is. */
export function writeClusterMessage(writer: Writer, message: ClusterMessage): void {
  switch (message.type) {
    case 'RosterAsk':
      writer.uint32(402).fork();
      writeUnsigned(writer, 8, message.version);
      writeBool(writer, 16, message.draining);
      writer.ldelim();
      return;
    case 'RosterNews':
      writer.uint32(410).fork();
      writeNested(writer, 10, message.roster, writeRoster);
      writer.ldelim();
      return;
    case 'SurveyAsk':
      writer.uint32(418).fork();
      writeText(writer, 10, message.survey);
      writer.ldelim();
      return;
    case 'SurveyAnswer':
      return writeNested(writer, 426, message, writeSurveyAnswer);
    case 'AdminForward':
      return writeNested(writer, 434, message, writeAdminForward);
    case 'AdminForwarded':
      return writeNested(writer, 442, message, writeAdminForwarded);
    default:
      unreachable(message);
  }
}

/** Reads the message behind this tag of a `NodeMessage`; undefined, with nothing read, when it is not one of these. */
export function readClusterMessage(reader: Reader, tag: number): ClusterMessage | undefined {
  switch (tag) {
    case 402: {
      const [version = 0, draining] = readNested(reader, (nested) => readNumbers(nested, ROSTER_ASK));
      return { type: 'RosterAsk', version, draining: draining !== 0 };
    }
    case 410:
      return readNested(reader, readRosterNews);
    case 418:
      return { type: 'SurveyAsk', survey: readNested(reader, readSurveyAsk) };
    case 426:
      return readNested(reader, readSurveyAnswer);
    case 434:
      return readNested(reader, readAdminForward);
    case 442:
      return readNested(reader, readAdminForwarded);
    default:
      return undefined;
  }
}

function readRosterNews(reader: Reader): RosterNews {
  let roster: RosterNews['roster'] | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) roster = readNested(reader, readRoster);
    else skipField(reader, tag);
  }
  if (roster === undefined) malformed(reader, 'RosterNews.roster is missing');
  return { type: 'RosterNews', roster };
}

function readSurveyAsk(reader: Reader): string {
  let survey = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) survey = readText(reader, 'SurveyAsk.survey');
    else skipField(reader, tag);
  }
  return checkedName(reader, survey, 'SurveyAsk.survey');
}

function writeSurveyAnswer(writer: Writer, { survey, groups }: SurveyAnswer): void {
  writeText(writer, 10, survey);
  for (const group of groups) writeNested(writer, 18, group, writeGroupReport);
}

function readSurveyAnswer(reader: Reader): SurveyAnswer {
  let survey = '';
  const groups: GroupReport[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) survey = readText(reader, 'SurveyAnswer.survey');
    else if (tag === 18) groups.push(readNested(reader, readGroupReport));
    else skipField(reader, tag);
  }
  return { type: 'SurveyAnswer', survey: checkedName(reader, survey, 'SurveyAnswer.survey'), groups };
}

function writeGroupReport(writer: Writer, report: GroupReport): void {
  writeUnsigned(writer, 8, report.group);
  writeUnsigned(writer, 16, report.term);
  writeList(writer, 26, report.voters);
  writeList(writer, 34, report.outgoing);
  writeList(writer, 42, report.learners);
  writeBool(writer, 48, report.committed);
  writeUnsigned(writer, 56, report.lastIndex);
  for (const peer of report.peers) writeNested(writer, 66, peer, writePeerReport);
}

function readGroupReport(reader: Reader): GroupReport {
  let group = 0;
  let term = 0;
  let voters: readonly number[] = [];
  let outgoing: readonly number[] = [];
  let learners: readonly number[] = [];
  let committed = false;
  let lastIndex = 0;
  const peers: PeerReport[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        group = readUnsigned(reader, 'GroupReport.group');
        break;
      case 16:
        term = readUnsigned(reader, 'GroupReport.term');
        break;
      case 26:
        voters = readList(reader, 'GroupReport.voters');
        break;
      case 34:
        outgoing = readList(reader, 'GroupReport.outgoing');
        break;
      case 42:
        learners = readList(reader, 'GroupReport.learners');
        break;
      case 48:
        committed = readUnsigned(reader, 'GroupReport.committed') !== 0;
        break;
      case 56:
        lastIndex = readUnsigned(reader, 'GroupReport.last_index');
        break;
      case 66:
        peers.push(readNested(reader, readPeerReport));
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    group: group as GroupId,
    term: term as Term,
    voters: voters as readonly NodeId[],
    outgoing: outgoing as readonly NodeId[],
    learners: learners as readonly NodeId[],
    committed,
    lastIndex: lastIndex as LogIndex,
    peers,
  };
}

function writePeerReport(writer: Writer, { node, match, heardMsAgo }: PeerReport): void {
  writeUnsigned(writer, 8, node);
  writeUnsigned(writer, 16, match);
  writeUnsigned(writer, 24, heardMsAgo);
}

const PEER_REPORT = ['PeerReport.node', 'PeerReport.match', 'PeerReport.heard_ms_ago'];

function readPeerReport(reader: Reader): PeerReport {
  const [node = 0, match = 0, heardMsAgo = 0] = readNumbers(reader, PEER_REPORT);
  positive(reader, node, 'PeerReport.node');
  return { node: node as NodeId, match: match as LogIndex, heardMsAgo };
}

function writeAdminForward(writer: Writer, { id, command }: AdminForward): void {
  writeText(writer, 10, id);
  switch (command.type) {
    case 'ChangeMembers':
      return writeNested(writer, 18, command, writeChangeMembers);
    case 'TransferLeadership':
      return writeNested(writer, 26, command, writeTransferLeadership);
  }
}

function readAdminForward(reader: Reader): AdminForward {
  let id = '';
  let command: AdminForward['command'] | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        id = readText(reader, 'AdminForward.id');
        break;
      case 18:
        command = readNested(reader, readChangeMembers);
        break;
      case 26:
        command = readNested(reader, readTransferLeadership);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (command === undefined) malformed(reader, 'AdminForward holds no command that this version knows');
  return { type: 'AdminForward', id: checkedName(reader, id, 'AdminForward.id'), command };
}

function writeAdminForwarded(writer: Writer, { id, answer }: AdminForwarded): void {
  writeText(writer, 10, id);
  if (answer !== undefined) writeNested(writer, 18, answer, writeAdminAnswer);
}

function readAdminForwarded(reader: Reader): AdminForwarded {
  let id = '';
  let answer: AdminAnswer | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) id = readText(reader, 'AdminForwarded.id');
    else if (tag === 18) answer = readNested(reader, readAdminAnswer);
    else skipField(reader, tag);
  }
  return { type: 'AdminForwarded', id: checkedName(reader, id, 'AdminForwarded.id'), answer };
}

function writeChangeMembers(writer: Writer, { add, promote, remove, priorities }: ChangeMembers): void {
  for (const member of add) writeNested(writer, 10, member, writeNewMember);
  writeList(writer, 18, promote);
  writeList(writer, 26, remove);
  for (const one of priorities) writeNested(writer, 34, one, writeNodePriority);
}

function readChangeMembers(reader: Reader): ChangeMembers {
  const add: NewMember[] = [];
  let promote: readonly number[] = [];
  let remove: readonly number[] = [];
  const priorities: NodePriority[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        add.push(readNested(reader, readNewMember));
        break;
      case 18:
        promote = readList(reader, 'ChangeMembers.promote');
        break;
      case 26:
        remove = readList(reader, 'ChangeMembers.remove');
        break;
      case 34:
        priorities.push(readNested(reader, readNodePriority));
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    type: 'ChangeMembers',
    add,
    promote: promote as readonly NodeId[],
    remove: remove as readonly NodeId[],
    priorities,
  };
}

function writeNewMember(writer: Writer, { node, address, role }: NewMember): void {
  writeUnsigned(writer, 8, node);
  writeText(writer, 18, address);
  writeBool(writer, 24, role === 'voter');
}

function readNewMember(reader: Reader): NewMember {
  let node = 0;
  let address = '';
  let voter = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        node = readUnsigned(reader, 'NewMember.node');
        break;
      case 18:
        address = readText(reader, 'NewMember.address');
        break;
      case 24:
        voter = readUnsigned(reader, 'NewMember.voter') !== 0;
        break;
      default:
        skipField(reader, tag);
    }
  }
  positive(reader, node, 'NewMember.node');
  return { node: node as NodeId, address, role: voter ? 'voter' : 'learner' };
}

function writeNodePriority(writer: Writer, { node, priority }: NodePriority): void {
  writeUnsigned(writer, 8, node);
  writeUnsigned(writer, 16, priority);
}

function readNodePriority(reader: Reader): NodePriority {
  const [node = 0, priority = 0] = readNumbers(reader, ['NodePriority.node', 'NodePriority.priority']);
  positive(reader, node, 'NodePriority.node');
  return { node: node as NodeId, priority };
}

function writeTransferLeadership(writer: Writer, { group, target }: TransferLeadership): void {
  writeUnsigned(writer, 8, group);
  writeUnsigned(writer, 16, target);
}

function readTransferLeadership(reader: Reader): TransferLeadership {
  const names = ['TransferLeadership.group', 'TransferLeadership.target'];
  const [group = 0, target = 0] = readNumbers(reader, names);
  return { type: 'TransferLeadership', group: group as GroupId, target: target as NodeId };
}

function writeAdminAnswer(writer: Writer, { outcome, refusal, reason, version }: AdminAnswer): void {
  writeUnsigned(writer, 8, ADMIN_OUTCOMES.indexOf(outcome));
  writeUnsigned(writer, 16, refusal === undefined ? 0 : ADMIN_REFUSALS.indexOf(refusal) + 1);
  writeText(writer, 26, reason);
  writeUnsigned(writer, 32, version);
}

function readAdminAnswer(reader: Reader): AdminAnswer {
  let outcome = 0;
  let refusal = 0;
  let reason = '';
  let version = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        outcome = readUnsigned(reader, 'AdminAnswer.outcome');
        break;
      case 16:
        refusal = readUnsigned(reader, 'AdminAnswer.refusal');
        break;
      case 26:
        reason = readText(reader, 'AdminAnswer.reason');
        break;
      case 32:
        version = readUnsigned(reader, 'AdminAnswer.version');
        break;
      default:
        skipField(reader, tag);
    }
  }
  const known = ADMIN_OUTCOMES[outcome];
  if (known === undefined) malformed(reader, `AdminAnswer.outcome ${outcome} is unknown`);
  const why = ADMIN_REFUSALS[refusal - 1];
  if (refusal !== 0 && why === undefined) malformed(reader, `AdminAnswer.refusal ${refusal} is unknown`);
  return { outcome: known, ...(why === undefined ? {} : { refusal: why }), reason, version };
}

function checkedName(reader: Reader, name: string, what: string): string {
  if (name.length === 0 || name.length > MAX_REQUEST_ID_LENGTH) {
    malformed(reader, `${what} must have 1 to ${MAX_REQUEST_ID_LENGTH} characters, but has ${name.length}`);
  }
  return name;
}
