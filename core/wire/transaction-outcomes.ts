/** What coordinators are told, and what they have in common with the records of a state: who takes part. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { GroupId, Revision } from '../machine/units.js';
import {
  TransactionCode,
  type Participant,
  type TransactionId,
  type TransactionOutcome,
} from '../partition/transaction-command.js';
import { MAX_TRANSACTION_ID_LENGTH } from '../partition/validate-transaction.js';
import { ephemeralIf, EPHEMERAL, writeEphemeral } from './key-operations.js';
import {
  malformed,
  positive,
  readList,
  readNested,
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
import { readTimestamp, writeTimestamp } from './values.js';

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(TransactionCode));

/** The text as the name of a transaction, or as what such names begin with. */
export function checkedTransaction(reader: Reader, text: string, what: string): TransactionId {
  if (text.length === 0 || text.length > MAX_TRANSACTION_ID_LENGTH) {
    malformed(
      reader,
      `${what} must have 1 to ${MAX_TRANSACTION_ID_LENGTH} characters, but has ${text.length}`,
    );
  }
  return text as TransactionId;
}

export function writeParticipant(writer: Writer, participant: Participant): void {
  writeUnsigned(writer, 8, participant.group);
  writeEphemeral(writer, participant);
}

export function readParticipant(reader: Reader): Participant {
  let group = 0;
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) group = readUnsigned(reader, 'Participant.group');
    else if (tag === EPHEMERAL) ephemeral = readUnsigned(reader, 'Participant.ephemeral');
    else skipField(reader, tag);
  }
  return { group: positive(reader, group, 'Participant.group') as GroupId, ...ephemeralIf(ephemeral) };
}

export function writeTransactionOutcome(writer: Writer, outcome: TransactionOutcome): void {
  const { code, at, participants, revisions, blocker, blockerAnchor } = outcome;
  writeUnsigned(writer, 8, code);
  if (at !== undefined) writeTimestamp(writer, 18, at);
  for (const participant of participants ?? []) writeNested(writer, 26, participant, writeParticipant);
  writeList(writer, 34, revisions ?? []);
  writeText(writer, 42, blocker ?? '');
  writeUnsigned(writer, 48, blockerAnchor ?? 0);
  writeBool(writer, 56, participants !== undefined);
  writeBool(writer, 64, revisions !== undefined);
}

export function readTransactionOutcome(reader: Reader): TransactionOutcome {
  let code = 0;
  let at = ZERO_TIMESTAMP;
  const participants: Participant[] = [];
  let revisions: readonly number[] = [];
  let blocker = '';
  let blockerAnchor = 0;
  let tellsParticipants = false;
  let tellsRevisions = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'TransactionOutcome.code');
        break;
      case 18:
        at = readTimestamp(reader);
        break;
      case 26:
        participants.push(readNested(reader, readParticipant));
        break;
      case 34:
        revisions = readList(reader, 'TransactionOutcome.revisions');
        break;
      case 42:
        blocker = readText(reader, 'TransactionOutcome.blocker');
        break;
      case 48:
        blockerAnchor = readUnsigned(reader, 'TransactionOutcome.blocker_anchor');
        break;
      case 56:
        tellsParticipants = readUnsigned(reader, 'TransactionOutcome.tells_participants') !== 0;
        break;
      case 64:
        tellsRevisions = readUnsigned(reader, 'TransactionOutcome.tells_revisions') !== 0;
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `TransactionOutcome.code ${code} is unknown`);
  return {
    family: 'transaction',
    code: code as TransactionCode,
    ...(at.node === 0 ? {} : { at }),
    ...(tellsParticipants ? { participants } : {}),
    ...(tellsRevisions ? { revisions: revisions as readonly Revision[] } : {}),
    ...(blocker === '' ? {} : { blocker: checkedTransaction(reader, blocker, 'TransactionOutcome.blocker') }),
    ...(blockerAnchor === 0 ? {} : { blockerAnchor: blockerAnchor as GroupId }),
  };
}
